//! The acts that this node has proposed, and those that wait for the journal.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::again::Again;
use crate::id::{AccountId, Position};
use crate::journal::{Act, Proposal};
use crate::presence::OfflineReason;
use crate::server::machine::Then;

/// An act that is to be proposed.
#[derive(Debug)]
pub(in crate::server) struct Intent {
    pub(in crate::server) act: Act,
    /// What follows once it is in effect.
    pub(in crate::server) then: Then,
    /// How it is judged again.
    pub(in crate::server) again: Again,
    /// How often it was refused.
    pub(in crate::server) refused: u32,
}

/// An act that is proposed and was not read yet.
#[derive(Debug)]
struct Open {
    intent: Intent,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Queued(Proposal),
    /// It is sent, and may be in the journal.
    Sent,
    /// It is not in the journal. It is judged again once this position was read.
    Refused(Position),
}

/// At most one act of an account is proposed at a time. The others wait behind it.
#[derive(Debug, Default)]
pub(in crate::server) struct Proposals {
    open: BTreeMap<u64, Open>,
    /// Those of the open ones that are queued, and those that were refused: a storm has hundreds in flight, and every input
    /// asks for these.
    queued: BTreeSet<u64>,
    refused: BTreeSet<u64>,
    busy: BTreeMap<AccountId, u64>,
    behind: BTreeMap<AccountId, VecDeque<Intent>>,
}

/// The most proposals in one call: a call of this length takes the journal some milliseconds.
const MAX_BATCH: usize = 500;

/// The most bytes of one call, except that one proposal always fits.
const MAX_BATCH_BYTES: usize = 256 * 1024;

impl Proposals {
    /// Opens a proposal under `number`.
    pub(in crate::server) fn open(&mut self, number: u64, intent: Intent, proposal: Proposal) {
        if let Some(account) = intent.act.account() {
            self.busy.insert(account, number);
        }
        self.queued.insert(number);
        self.open.insert(number, Open { intent, stage: Stage::Queued(proposal) });
    }

    /// Whether an act of `account` is proposed.
    pub(in crate::server) fn is_busy(&self, account: AccountId) -> bool {
        self.busy.contains_key(&account)
    }

    /// Whether an act of `account` for which `is_wanted` is proposed, or waits.
    pub(in crate::server) fn awaits(&self, account: AccountId, is_wanted: impl Fn(&Act) -> bool) -> bool {
        let open = self.busy.get(&account).and_then(|number| self.open.get(number)).map(|open| &open.intent.act);
        let behind = self.behind.get(&account).into_iter().flatten().map(|intent| &intent.act);
        open.into_iter().chain(behind).any(is_wanted)
    }

    /// Whether an act is proposed for which `is_wanted`.
    pub(in crate::server) fn any(&self, is_wanted: impl Fn(&Act) -> bool) -> bool {
        self.open.values().any(|open| is_wanted(&open.intent.act))
    }

    /// Lets an act wait behind that of its account. It takes the place of one that it makes pointless.
    pub(in crate::server) fn wait(&mut self, account: AccountId, intent: Intent) {
        let behind = self.behind.entry(account).or_default();
        if matches!(intent.again, Again::Here) {
            behind.retain(|other| {
                let is_same = std::mem::discriminant(&other.act) == std::mem::discriminant(&intent.act);
                !(is_same && matches!(other.again, Again::Here))
            });
        }
        behind.push_back(intent);
    }

    /// Drops the end of a session as lost, because its client is back. Whether the session may still end, or be replaced,
    /// by what is proposed.
    pub(in crate::server) fn keep_session(&mut self, account: AccountId) -> bool {
        let is_lost = |act: &Act| matches!(act, Act::Ended { reason: OfflineReason::Lost, .. });
        if let Some(behind) = self.behind.get_mut(&account) {
            behind.retain(|intent| !is_lost(&intent.act));
        }
        if let Some(number) = self.busy.get(&account).copied()
            && let Some(open) = self.open.get(&number)
            && is_lost(&open.intent.act)
            && !matches!(open.stage, Stage::Sent)
        {
            self.take(number);
        }
        let ends = |act: &Act| matches!(act, Act::Ended { .. } | Act::Began { .. });
        let open = self.busy.get(&account).and_then(|number| self.open.get(number));
        let behind = self.behind.get(&account);
        open.is_some_and(|open| ends(&open.intent.act))
            || behind.is_some_and(|behind| behind.iter().any(|intent| ends(&intent.act)))
    }

    /// Whether a proposal is to be sent.
    pub(in crate::server) fn are_queued(&self) -> bool {
        !self.queued.is_empty()
    }

    /// The next proposals to send, with their numbers.
    pub(in crate::server) fn send(&mut self) -> (Vec<u64>, Vec<Proposal>) {
        let (mut numbers, mut proposals, mut bytes) = (Vec::new(), Vec::new(), 0);
        while let Some(number) = self.queued.first().copied() {
            let Some(open) = self.open.get_mut(&number) else { break };
            let Stage::Queued(proposal) = &open.stage else { break };
            let values = proposal.writes.iter().filter_map(|(_, value)| value.as_ref()).map(Vec::len);
            bytes += proposal.act.len() + values.sum::<usize>();
            if proposals.len() >= MAX_BATCH || bytes > MAX_BATCH_BYTES && !proposals.is_empty() {
                break;
            }
            self.queued.remove(&number);
            numbers.push(number);
            if let Stage::Queued(proposal) = std::mem::replace(&mut open.stage, Stage::Sent) {
                proposals.push(proposal);
            }
        }
        (numbers, proposals)
    }

    /// The proposal is not in the journal, because of an act at `until` or before.
    pub(in crate::server) fn refuse(&mut self, number: u64, until: Position) {
        if let Some(open) = self.open.get_mut(&number) {
            open.stage = Stage::Refused(until);
            self.refused.insert(number);
        }
    }

    /// Removes a proposal.
    pub(in crate::server) fn take(&mut self, number: u64) -> Option<Intent> {
        let Open { intent, stage } = self.open.remove(&number)?;
        match stage {
            Stage::Queued(_) => drop(self.queued.remove(&number)),
            Stage::Refused(_) => drop(self.refused.remove(&number)),
            Stage::Sent => {}
        }
        if let Some(account) = intent.act.account() {
            self.busy.remove(&account);
        }
        Some(intent)
    }

    /// Removes the proposals that were refused because of what was read up to `position`.
    pub(in crate::server) fn take_refused(&mut self, position: Position) -> Vec<Intent> {
        let is_read = |number: &&u64| {
            let stage = self.open.get(number).map(|open| &open.stage);
            matches!(stage, Some(Stage::Refused(until)) if *until <= position)
        };
        let numbers: Vec<u64> = self.refused.iter().filter(is_read).copied().collect();
        numbers.into_iter().filter_map(|number| self.take(number)).collect()
    }

    /// Removes the proposals that were sent and are not in the journal, and those that were not sent.
    pub(in crate::server) fn take_all(&mut self) -> Vec<Intent> {
        self.queued.clear();
        self.refused.clear();
        self.busy.clear();
        std::mem::take(&mut self.open).into_values().map(|open| open.intent).collect()
    }

    /// The accounts that have acts waiting, and none proposed.
    pub(in crate::server) fn free(&self) -> Vec<AccountId> {
        self.behind.keys().filter(|account| !self.is_busy(**account)).copied().collect()
    }

    /// Removes the next act that waits for `account`.
    pub(in crate::server) fn next(&mut self, account: AccountId) -> Option<Intent> {
        let behind = self.behind.get_mut(&account)?;
        let next = behind.pop_front();
        if behind.is_empty() {
            self.behind.remove(&account);
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(proposals: &mut Proposals, number: u64) {
        let user = "alice".parse().unwrap();
        let act = Act::Ended { account: AccountId::new(number), user, reason: OfflineReason::Lost };
        let intent = Intent { act, then: Then::Nothing, again: Again::Never, refused: 0 };
        let proposal = Proposal { changes: 1, guards: vec![], writes: vec![], act: vec![] };
        proposals.open(number, intent, proposal);
    }

    fn accounts(intents: &[Intent]) -> Vec<u64> {
        intents.iter().filter_map(|intent| intent.act.account()).map(AccountId::get).collect()
    }

    #[test]
    fn each_proposal_is_sent_once_in_order_and_in_batches() {
        let mut proposals = Proposals::default();
        let count = MAX_BATCH as u64 + 3;
        (1..=count).for_each(|number| open(&mut proposals, number));
        assert!(!proposals.keep_session(AccountId::new(2)), "its client is back before it is sent");
        let expected: Vec<u64> = (1..=count).filter(|number| *number != 2).collect();
        let (first, rest) = expected.split_at(MAX_BATCH);
        assert_eq!(proposals.send().0, first);
        assert!(proposals.are_queued());
        let (numbers, sent) = proposals.send();
        assert_eq!((numbers.as_slice(), sent.len()), (rest, rest.len()));
        assert!(!proposals.are_queued());
        assert_eq!(proposals.send().0, [0; 0]);
        assert_eq!(accounts(&proposals.take_all()), expected);
        assert!(!proposals.is_busy(AccountId::new(1)));
    }

    #[test]
    fn a_refused_proposal_is_taken_once_the_act_that_overtook_it_is_read() {
        let mut proposals = Proposals::default();
        (1..=3).for_each(|number| open(&mut proposals, number));
        proposals.send();
        proposals.refuse(1, Position::new(8));
        proposals.refuse(3, Position::new(9));
        assert_eq!(accounts(&proposals.take_refused(Position::new(7))), [0; 0]);
        assert_eq!(accounts(&proposals.take_refused(Position::new(8))), [1]);
        assert_eq!(accounts(&proposals.take_refused(Position::new(9))), [3]);
        assert_eq!(accounts(&proposals.take_all()), [2]);
    }
}
