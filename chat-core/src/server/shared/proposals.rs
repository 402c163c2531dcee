//! The acts that this node has proposed, and those that wait for the journal.

use std::collections::{BTreeMap, VecDeque};

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
    proposal: Proposal,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
    Queued,
    /// It is sent, and may be in the journal.
    Sent,
    /// It is not in the journal. It is judged again once this position was read.
    Refused(Position),
}

/// At most one act of an account is proposed at a time. The others wait behind it.
#[derive(Debug, Default)]
pub(in crate::server) struct Proposals {
    open: BTreeMap<u64, Open>,
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
        self.open.insert(number, Open { intent, proposal, stage: Stage::Queued });
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
            && open.stage != Stage::Sent
        {
            self.take(number);
        }
        let ends = |act: &Act| matches!(act, Act::Ended { .. } | Act::Began { .. });
        let open = self.busy.get(&account).and_then(|number| self.open.get(number));
        let behind = self.behind.get(&account);
        open.is_some_and(|open| ends(&open.intent.act))
            || behind.is_some_and(|behind| behind.iter().any(|intent| ends(&intent.act)))
    }

    /// The next proposals to send, with their numbers.
    pub(in crate::server) fn send(&mut self) -> (Vec<u64>, Vec<Proposal>) {
        let (mut numbers, mut proposals, mut bytes) = (Vec::new(), Vec::new(), 0);
        for (number, open) in self.open.iter_mut().filter(|(_, open)| open.stage == Stage::Queued) {
            let values = open.proposal.writes.iter().filter_map(|(_, value)| value.as_ref()).map(Vec::len);
            bytes += open.proposal.act.len() + values.sum::<usize>();
            if proposals.len() >= MAX_BATCH || bytes > MAX_BATCH_BYTES && !proposals.is_empty() {
                break;
            }
            open.stage = Stage::Sent;
            numbers.push(*number);
            proposals.push(open.proposal.clone());
        }
        (numbers, proposals)
    }

    /// The proposal is not in the journal, because of an act at `until` or before.
    pub(in crate::server) fn refuse(&mut self, number: u64, until: Position) {
        if let Some(open) = self.open.get_mut(&number) {
            open.stage = Stage::Refused(until);
        }
    }

    /// Removes a proposal.
    pub(in crate::server) fn take(&mut self, number: u64) -> Option<Intent> {
        let Open { intent, .. } = self.open.remove(&number)?;
        if let Some(account) = intent.act.account() {
            self.busy.remove(&account);
        }
        Some(intent)
    }

    /// Removes the proposals that were refused because of what was read up to `position`.
    pub(in crate::server) fn take_refused(&mut self, position: Position) -> Vec<Intent> {
        self.take_where(|stage| matches!(stage, Stage::Refused(until) if until <= position))
    }

    /// Removes the proposals that were sent and are not in the journal, and those that were not sent.
    pub(in crate::server) fn take_all(&mut self) -> Vec<Intent> {
        self.take_where(|_| true)
    }

    fn take_where(&mut self, is_wanted: impl Fn(Stage) -> bool) -> Vec<Intent> {
        let numbers: Vec<u64> =
            self.open.iter().filter(|(_, open)| is_wanted(open.stage)).map(|(number, _)| *number).collect();
        numbers.into_iter().filter_map(|number| self.take(number)).collect()
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
