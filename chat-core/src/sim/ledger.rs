//! Checks the delivery contract: records every queued, delivered, accepted and reported message, and finds contradictions.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use crate::id::{MessageId, SessionId};
use crate::message::{Outcome, Report};
use crate::name::UserName;
use crate::peer::Output;

/// Records the messages and outcomes of any number of peer machines, and checks the delivery contract:
///
/// > While both sessions live, a message is given to the receiving application at most once, in the order of its sender,
/// > and exactly once if its outcome is `delivered`. Each message has exactly one outcome per recipient, never revised.
#[derive(Debug, Default)]
pub struct Ledger {
    /// The number of recipients of each queued message.
    queued: BTreeMap<MessageId, usize>,
    reported: BTreeMap<MessageId, BTreeMap<UserName, Outcome>>,
    /// Deliveries of a message to a user, and whether the application accepted it.
    deliveries: BTreeMap<(MessageId, UserName), Delivery>,
    /// The number of the last message delivered to one session from another.
    last: BTreeMap<(SessionId, SessionId), u64>,
    /// Sessions whose process crashed, so that they report no outcomes.
    crashed: BTreeSet<SessionId>,
    violations: Vec<String>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Delivery {
    Waiting,
    Accepted,
}

/// The number of messages and of each outcome.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Totals {
    /// Queued messages.
    pub messages: usize,
    /// Outcomes `delivered`.
    pub delivered: usize,
    /// Outcomes `failed`.
    pub failed: usize,
    /// Outcomes `unconfirmed`.
    pub unconfirmed: usize,
}

impl Ledger {
    /// Creates an empty ledger.
    pub fn new() -> Self {
        Self::default()
    }

    /// Records an output of the peer machine of `session`, which belongs to `user`.
    pub fn record(&mut self, session: SessionId, user: &UserName, output: &Output) {
        match output {
            Output::Queued { id, recipients, .. } => {
                let before = self.queued.insert(*id, *recipients);
                if before.is_some() || id.session != session {
                    self.violation(format!("{user} queued {id}, which is not new"));
                }
            }
            Output::Deliver(delivery) => {
                delivery.iter().for_each(|message| self.deliver(session, user, message.id()));
            }
            Output::Report(reports) => reports.iter().for_each(|report| self.report(&report.to_report())),
            _ => {}
        }
    }

    /// Records that the application of `user` accepted a message.
    pub fn record_accept(&mut self, user: &UserName, id: MessageId) {
        match self.deliveries.insert((id, user.clone()), Delivery::Accepted) {
            Some(Delivery::Waiting) => {}
            before => self.violation(format!("{user} accepted {id}, whose delivery was {before:?}")),
        }
        if let Some(Outcome::Failed(reason)) = self.reported.get(&id).and_then(|outcomes| outcomes.get(user)) {
            self.violation(format!("{user} accepted {id} after it was reported as failed: {}", reason.as_str()));
        }
    }

    /// Records that the process of `session` crashed.
    pub fn record_crash(&mut self, session: SessionId) {
        self.crashed.insert(session);
    }

    /// The reported outcome of a message for `user`, if any.
    pub fn outcome(&self, id: MessageId, user: &UserName) -> Option<Outcome> {
        self.reported.get(&id)?.get(user).copied()
    }

    /// The messages queued so far.
    pub fn queued(&self) -> impl Iterator<Item = MessageId> {
        self.queued.keys().copied()
    }

    /// The outcomes reported so far.
    pub fn outcomes(&self) -> impl Iterator<Item = (MessageId, &UserName, Outcome)> {
        let all = self.reported.iter();
        all.flat_map(|(id, outcomes)| outcomes.iter().map(|(user, outcome)| (*id, user, *outcome)))
    }

    /// Checks the contract, including that no outcome is missing, and returns the totals.
    ///
    /// # Panics
    /// If the contract was violated at any time. The message lists all violations.
    pub fn check(&self) -> Totals {
        let mut violations = self.violations.clone();
        for (id, recipients) in self.queued.iter().filter(|(id, _)| !self.crashed.contains(&id.session)) {
            let outcomes = self.reported.get(id).map_or(0, BTreeMap::len);
            if outcomes != *recipients {
                violations.push(format!("{id} has {recipients} recipients and {outcomes} outcomes"));
            }
        }
        assert!(violations.is_empty(), "the delivery contract is violated:\n{}", violations.join("\n"));
        let mut totals = Totals { messages: self.queued.len(), ..Totals::default() };
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
        if !self.queued.contains_key(&id) {
            self.violation(format!("{id} was delivered to {user}, but nobody sent it"));
        }
        let before = self.last.insert((session, id.session), id.number);
        if before >= Some(id.number) {
            self.violation(format!("{id} was delivered to {user} after number {before:?}"));
        }
        if self.deliveries.insert((id, user.clone()), Delivery::Waiting).is_some() {
            self.violation(format!("{id} was delivered to {user} twice"));
        }
    }

    fn report(&mut self, Report { id, user, outcome, .. }: &Report) {
        match self.reported.entry(*id).or_default().entry(user.clone()) {
            Entry::Vacant(entry) => drop(entry.insert(*outcome)),
            Entry::Occupied(entry) => {
                let before = *entry.get();
                self.violation(format!("the outcome of {id} for {user} was {before:?} and is {outcome:?}"));
            }
        }
        let is_accepted = self.deliveries.get(&(*id, user.clone())) == Some(&Delivery::Accepted);
        match outcome {
            Outcome::Delivered if !is_accepted => {
                self.violation(format!("{id} was reported as delivered, but {user} did not accept it"));
            }
            Outcome::Failed(_) if is_accepted => {
                self.violation(format!("{id} was reported as failed, but {user} accepted it"));
            }
            _ => {}
        }
        if !self.queued.contains_key(id) {
            self.violation(format!("{id} has an outcome, but was never queued"));
        }
    }

    fn violation(&mut self, what: String) {
        self.violations.push(what);
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

    fn queue(ledger: &mut Ledger, number: u64) {
        let queued = Output::Queued { tag: 0, id: id(number), recipients: 1 };
        ledger.record(ALICE, &"alice".parse().unwrap(), &queued);
    }

    fn report(ledger: &mut Ledger, number: u64, outcome: Outcome) {
        ledger.report(&Report { id: id(number), user: bob(), outcome, elapsed: Duration::ZERO });
    }

    fn deliver(ledger: &mut Ledger, number: u64) {
        ledger.deliver(SessionId::new(2), &bob(), id(number));
    }

    fn is_violated(scenario: impl FnOnce(&mut Ledger)) -> bool {
        let mut ledger = Ledger::new();
        (1..=2).for_each(|number| queue(&mut ledger, number));
        scenario(&mut ledger);
        let missing: Vec<u64> = (1..=2).filter(|number| ledger.outcome(id(*number), &bob()).is_none()).collect();
        for number in missing {
            report(&mut ledger, number, Outcome::Unconfirmed(UnconfirmedReason::Lost));
        }
        std::panic::catch_unwind(|| ledger.check()).is_err()
    }

    #[test]
    fn a_consistent_ledger_passes() {
        assert!(!is_violated(|ledger| {
            deliver(ledger, 1);
            ledger.record_accept(&bob(), id(1));
            report(ledger, 1, Outcome::Delivered);
            report(ledger, 2, Outcome::Failed(FailReason::Left));
        }));
    }

    #[test]
    fn every_violation_is_found() {
        assert!(is_violated(|ledger| report(ledger, 1, Outcome::Delivered)), "reported, but not delivered");
        assert!(is_violated(|ledger| {
            deliver(ledger, 1);
            report(ledger, 1, Outcome::Delivered);
        }));
        assert!(is_violated(|ledger| {
            report(ledger, 1, Outcome::Failed(FailReason::Left));
            deliver(ledger, 1);
            ledger.record_accept(&bob(), id(1));
        }));
        assert!(is_violated(|ledger| {
            deliver(ledger, 1);
            ledger.record_accept(&bob(), id(1));
            report(ledger, 1, Outcome::Failed(FailReason::Left));
        }));
        assert!(is_violated(|ledger| [1, 1].into_iter().for_each(|number| deliver(ledger, number))), "delivered twice");
        assert!(
            is_violated(|ledger| [2, 1].into_iter().for_each(|number| deliver(ledger, number))),
            "delivered out of order"
        );
        assert!(is_violated(|ledger| deliver(ledger, 3)), "nobody sent it");
        assert!(is_violated(|ledger| ledger.record_accept(&bob(), id(1))), "accepted, but not delivered");
        for second in [Outcome::Failed(FailReason::Left), Outcome::Failed(FailReason::Lost)] {
            assert!(is_violated(|ledger| {
                report(ledger, 1, Outcome::Failed(FailReason::Left));
                report(ledger, 1, second);
            }));
        }
    }

    #[test]
    fn a_missing_outcome_is_a_violation_unless_the_sender_crashed() {
        let mut ledger = Ledger::new();
        queue(&mut ledger, 1);
        assert!(std::panic::catch_unwind(|| ledger.check()).is_err());
        ledger.record_crash(ALICE);
        assert_eq!(ledger.check(), Totals { messages: 1, ..Totals::default() });
    }
}
