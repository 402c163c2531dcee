//! The delivery contract, kept as books: what was accepted, given, taken and told must agree.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use crate::id::{MessageId, SessionId};
use crate::message::{Outcome, Report};
use crate::name::UserName;
use crate::peer::Output;

/// Everything that the delivery contract speaks of, for any number of machines.
///
/// > While both sessions live a message is given to the receiving application at most once, in its sender's order, and
/// > exactly once if its outcome is `delivered`. Every message gets exactly one outcome per recipient, never revised.
#[derive(Debug, Default)]
pub struct Ledger {
    /// Recipients per accepted message.
    accepted: BTreeMap<MessageId, usize>,
    reported: BTreeMap<MessageId, BTreeMap<UserName, Outcome>>,
    /// Who was given a message, and whether the application took it.
    given: BTreeMap<(MessageId, UserName), Given>,
    /// The last message that one session was given of another.
    last: BTreeMap<(SessionId, SessionId), u64>,
    /// Sessions whose programs ended without a word: nobody is there who could be told an outcome.
    dead: BTreeSet<SessionId>,
    breaches: Vec<String>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Given {
    Waiting,
    Taken,
}

/// How many messages had which outcome.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Totals {
    /// Accepted messages.
    pub messages: usize,
    /// Outcomes `delivered`.
    pub delivered: usize,
    /// Outcomes `failed`.
    pub failed: usize,
    /// Outcomes `unconfirmed`.
    pub unconfirmed: usize,
}

impl Ledger {
    /// Nothing has happened yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes what the machine of `session`, which is `user`'s, has told.
    pub fn record(&mut self, session: SessionId, user: &UserName, output: &Output) {
        match output {
            Output::Queued { id, recipients, .. } => {
                let before = self.accepted.insert(*id, *recipients);
                if before.is_some() || id.session != session {
                    self.breach(format!("{user} accepted {id}, which is not new"));
                }
            }
            Output::Deliver { message, .. } => self.deliver(session, user, message.id),
            Output::Report(report) => self.report(report),
            _ => {}
        }
    }

    /// Notes that the application of `user` took a message.
    pub fn record_accept(&mut self, user: &UserName, id: MessageId) {
        match self.given.insert((id, user.clone()), Given::Taken) {
            Some(Given::Waiting) => {}
            before => self.breach(format!("{user} took {id}, which was {before:?}")),
        }
        if let Some(Outcome::Failed(reason)) = self.reported.get(&id).and_then(|told| told.get(user)) {
            self.breach(format!("{user} took {id} after it was said to have failed: {}", reason.as_str()));
        }
    }

    /// Notes that the program of `session` ended without a word.
    pub fn record_crash(&mut self, session: SessionId) {
        self.dead.insert(session);
    }

    /// The outcome of a message for `user`, if it was told.
    pub fn outcome(&self, id: MessageId, user: &UserName) -> Option<Outcome> {
        self.reported.get(&id)?.get(user).copied()
    }

    /// The messages that were accepted so far.
    pub fn queued(&self) -> impl Iterator<Item = MessageId> {
        self.accepted.keys().copied()
    }

    /// Every outcome that was told so far.
    pub fn outcomes(&self) -> impl Iterator<Item = (MessageId, &UserName, Outcome)> {
        let all = self.reported.iter();
        all.flat_map(|(id, told)| told.iter().map(|(user, outcome)| (*id, user, *outcome)))
    }

    /// Checks that all outcomes are told, and gives how many of which there are.
    ///
    /// # Panics
    /// If the contract was broken at any time, or an outcome is missing; the text says all of it.
    pub fn check(&self) -> Totals {
        let mut breaches = self.breaches.clone();
        for (id, recipients) in self.accepted.iter().filter(|(id, _)| !self.dead.contains(&id.session)) {
            let told = self.reported.get(id).map_or(0, BTreeMap::len);
            if told != *recipients {
                breaches.push(format!("{id} went to {recipients} and has {told} outcomes"));
            }
        }
        assert!(breaches.is_empty(), "the delivery contract is broken:\n{}", breaches.join("\n"));
        let mut totals = Totals { messages: self.accepted.len(), ..Totals::default() };
        for (_, _, outcome) in self.outcomes() {
            match outcome {
                Outcome::Delivered => totals.delivered += 1,
                Outcome::Failed(_) => totals.failed += 1,
                Outcome::Unconfirmed(_) => totals.unconfirmed += 1,
            }
        }
        totals
    }

    fn deliver(&mut self, session: SessionId, user: &UserName, id: MessageId) {
        if !self.accepted.contains_key(&id) {
            self.breach(format!("{user} was given {id}, which nobody sent"));
        }
        let before = self.last.insert((session, id.session), id.number);
        if before >= Some(id.number) {
            self.breach(format!("{user} was given {id} after number {before:?}"));
        }
        if self.given.insert((id, user.clone()), Given::Waiting).is_some() {
            self.breach(format!("{user} was given {id} twice"));
        }
    }

    fn report(&mut self, Report { id, user, outcome, .. }: &Report) {
        match self.reported.entry(*id).or_default().entry(user.clone()) {
            Entry::Vacant(entry) => drop(entry.insert(*outcome)),
            Entry::Occupied(entry) => {
                let before = *entry.get();
                self.breach(format!("the outcome of {id} for {user} was {before:?} and is {outcome:?}"));
            }
        }
        let taken = self.given.get(&(*id, user.clone())) == Some(&Given::Taken);
        match outcome {
            Outcome::Delivered if !taken => {
                self.breach(format!("{id} counts as delivered, and {user} has not taken it"));
            }
            Outcome::Failed(_) if taken => self.breach(format!("{id} counts as failed, and {user} has taken it")),
            _ => {}
        }
        if !self.accepted.contains_key(id) {
            self.breach(format!("{id} has an outcome and was never accepted"));
        }
    }

    fn breach(&mut self, what: String) {
        self.breaches.push(what);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::message::{FailReason, UnconfirmedReason};

    const ALICE: SessionId = SessionId::new(1);

    fn bob() -> UserName {
        "bob".parse().unwrap()
    }

    fn id(number: u64) -> MessageId {
        MessageId { session: ALICE, number }
    }

    fn accept(ledger: &mut Ledger, number: u64) {
        let accepted = Output::Queued { tag: 0, id: id(number), recipients: 1 };
        ledger.record(ALICE, &"alice".parse().unwrap(), &accepted);
    }

    fn report(ledger: &mut Ledger, number: u64, outcome: Outcome) {
        let report = Report { id: id(number), user: bob(), outcome, after: Duration::ZERO };
        ledger.record(ALICE, &"alice".parse().unwrap(), &Output::Report(report));
    }

    fn give(ledger: &mut Ledger, number: u64) {
        ledger.deliver(SessionId::new(2), &bob(), id(number));
    }

    fn is_broken(story: impl FnOnce(&mut Ledger)) -> bool {
        let mut ledger = Ledger::new();
        (1..=2).for_each(|number| accept(&mut ledger, number));
        story(&mut ledger);
        let missing: Vec<u64> = (1..=2).filter(|number| ledger.outcome(id(*number), &bob()).is_none()).collect();
        for number in missing {
            report(&mut ledger, number, Outcome::Unconfirmed(UnconfirmedReason::Lost));
        }
        std::panic::catch_unwind(|| ledger.check()).is_err()
    }

    #[test]
    fn books_that_agree_are_closed() {
        assert!(!is_broken(|ledger| {
            give(ledger, 1);
            ledger.record_accept(&bob(), id(1));
            report(ledger, 1, Outcome::Delivered);
            report(ledger, 2, Outcome::Failed(FailReason::Left));
        }));
    }

    #[test]
    fn every_breach_is_found() {
        assert!(is_broken(|ledger| report(ledger, 1, Outcome::Delivered)), "claimed, and not given");
        assert!(is_broken(|ledger| {
            give(ledger, 1);
            report(ledger, 1, Outcome::Delivered);
        }));
        assert!(is_broken(|ledger| {
            report(ledger, 1, Outcome::Failed(FailReason::Left));
            give(ledger, 1);
            ledger.record_accept(&bob(), id(1));
        }));
        assert!(is_broken(|ledger| {
            give(ledger, 1);
            ledger.record_accept(&bob(), id(1));
            report(ledger, 1, Outcome::Failed(FailReason::Left));
        }));
        assert!(is_broken(|ledger| [1, 1].into_iter().for_each(|number| give(ledger, number))), "twice");
        assert!(is_broken(|ledger| [2, 1].into_iter().for_each(|number| give(ledger, number))), "out of order");
        assert!(is_broken(|ledger| give(ledger, 3)), "nobody sent it");
        assert!(is_broken(|ledger| ledger.record_accept(&bob(), id(1))), "taken, and not given");
        for second in [Outcome::Failed(FailReason::Left), Outcome::Failed(FailReason::Lost)] {
            assert!(is_broken(|ledger| {
                report(ledger, 1, Outcome::Failed(FailReason::Left));
                report(ledger, 1, second);
            }));
        }
    }

    #[test]
    fn a_missing_outcome_is_a_breach_unless_nobody_is_there_to_be_told() {
        let mut ledger = Ledger::new();
        accept(&mut ledger, 1);
        assert!(std::panic::catch_unwind(|| ledger.check()).is_err());
        ledger.record_crash(ALICE);
        assert_eq!(ledger.check(), Totals { messages: 1, ..Totals::default() });
    }
}
