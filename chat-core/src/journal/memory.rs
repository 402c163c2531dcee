//! A journal in memory, for tests and experiments.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use super::{
    Appended, Entering, Founding, Head, HintPosition, Journal, JournalError, LoggedAct, Proposal, Reading, Signs, Slot,
    State, States, Verdict, Writer,
};
use crate::id::{Epoch, Fence, NodeId, Position, Revision, Tag};

/// A journal that is lost when the value is dropped: for several servers in one process.
#[derive(Default)]
pub struct MemoryJournal {
    /// Locked for one call at a time. No call waits while it holds the lock.
    shared: Mutex<Shared>,
}

#[derive(Default)]
struct Shared {
    table: Table,
    /// The calls that wait for an act or a hint.
    readers: Vec<Waker>,
}

/// The content of the journal. Calls of it never wait.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    stored: Option<Stored>,
    /// The last hints, of all epochs.
    hints: VecDeque<Vec<u8>>,
    /// The number of all hints so far.
    given: u128,
}

#[derive(Clone, Debug)]
struct Stored {
    head: Head,
    slots: BTreeMap<Slot, (Position, Vec<u8>)>,
    fences: BTreeMap<NodeId, Fence>,
    lives: BTreeMap<NodeId, u64>,
    log: VecDeque<LoggedAct>,
}

/// The most acts that are kept to be read: some minutes of a busy group. A node that was away for longer reads the
/// slots instead.
const MAX_LOG: usize = 20_000;

/// The most hints that are kept to be read. Nodes read them within a second, in which all of them together check fewer
/// passwords, and sources whose invitation codes are wrong are soon paused.
const MAX_HINTS: usize = 10_000;

/// The slots in one piece.
const PIECE: usize = 1_000;

impl MemoryJournal {
    /// An empty journal.
    pub fn new() -> Self {
        Self::default()
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        // A call changes the table in steps that cannot panic.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write<T>(&self, call: impl FnOnce(&mut Table) -> Result<T, JournalError>) -> Result<T, JournalError> {
        let mut shared = self.shared();
        let result = call(&mut shared.table);
        if result.is_ok() {
            shared.readers.drain(..).for_each(Waker::wake);
        }
        result
    }
}

/// Prints how far it is.
impl fmt::Debug for MemoryJournal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryJournal").field("head", &self.shared().table.head()).finish()
    }
}

impl Journal for MemoryJournal {
    async fn enter(&self, entering: Entering) -> Result<Head, JournalError> {
        self.write(|table| table.enter(entering))
    }

    async fn append(&self, by: Writer, proposals: Vec<Proposal>) -> Result<Appended, JournalError> {
        self.write(|table| table.append(by, proposals))
    }

    async fn read(&self, epoch: Epoch, after: Position, hints: Option<HintPosition>) -> Result<Reading, JournalError> {
        let hints = hints.unwrap_or_else(|| self.shared().table.end_of_hints());
        poll_fn(|context| {
            let mut shared = self.shared();
            match shared.table.read(epoch, after, hints) {
                Ok(reading) if reading.is_empty() => {
                    shared.readers.push(context.waker().clone());
                    Poll::Pending
                }
                done => Poll::Ready(done),
            }
        })
        .await
    }

    async fn hint(&self, hints: Vec<Vec<u8>>) -> Result<(), JournalError> {
        self.write(|table| {
            table.hint(hints);
            Ok(())
        })
    }

    async fn renew(&self, by: Writer) -> Result<Signs, JournalError> {
        self.shared().table.renew(by)
    }

    async fn states(&self, epoch: Epoch, cursor: u64) -> Result<States, JournalError> {
        self.shared().table.states(epoch, cursor)
    }

    async fn found(&self, old: Option<Epoch>, new: Founding) -> Result<(), JournalError> {
        self.write(|table| table.found(old, new))
    }
}

/// Calls that only the simulated journal makes.
#[cfg(feature = "sim")]
impl Table {
    /// Makes a call. A read that finds nothing returns no act.
    pub(crate) fn call(&mut self, call: super::JournalCall) -> Result<super::JournalReply, JournalError> {
        Ok(match call {
            super::JournalCall::Enter(entering) => super::JournalReply::Entered(self.enter(entering)?),
            super::JournalCall::Append(by, proposals) => super::JournalReply::Appended(self.append(by, proposals)?),
            super::JournalCall::Read(epoch, after, hints) => {
                let hints = hints.unwrap_or_else(|| self.end_of_hints());
                super::JournalReply::Read(self.read(epoch, after, hints)?)
            }
            super::JournalCall::Hint(hints) => {
                self.hint(hints);
                super::JournalReply::Hinted
            }
            super::JournalCall::Renew(by) => super::JournalReply::Renewed(self.renew(by)?),
            super::JournalCall::States(epoch, cursor) => super::JournalReply::States(self.states(epoch, cursor)?),
            super::JournalCall::Found(old, new) => {
                self.found(old, new)?;
                super::JournalReply::Founded
            }
        })
    }

    /// Forgets the acts before the last `count`.
    pub(crate) fn trim(&mut self, count: usize) {
        if let Some(Stored { log, .. }) = &mut self.stored {
            log.drain(..log.len().saturating_sub(count));
        }
    }

    /// All slots.
    pub(crate) fn slots(&self) -> impl Iterator<Item = (&Slot, &[u8])> {
        self.stored.iter().flat_map(|stored| &stored.slots).map(|(slot, (_, value))| (slot, value.as_slice()))
    }

    /// All acts that can be read.
    pub(crate) fn log(&self) -> impl DoubleEndedIterator<Item = &LoggedAct> {
        self.stored.iter().flat_map(|stored| &stored.log)
    }
}

impl Table {
    /// How far the journal is. `None` if it is empty.
    pub(crate) fn head(&self) -> Option<Head> {
        self.stored.as_ref().map(|stored| stored.head)
    }

    /// Where the next hint will be.
    pub(crate) fn end_of_hints(&self) -> HintPosition {
        HintPosition::new(self.given)
    }

    fn hint(&mut self, hints: Vec<Vec<u8>>) {
        self.given += hints.len() as u128;
        self.hints.extend(hints);
        self.hints.drain(..self.hints.len().saturating_sub(MAX_HINTS));
    }

    fn enter(&mut self, Entering { node, fence, state, act }: Entering) -> Result<Head, JournalError> {
        let stored = self.stored.as_mut().ok_or(JournalError::Empty)?;
        let slot = Slot::Node(node);
        let may_enter = match stored.fences.get(&node) {
            Some(before) => *before < fence,
            // A slot without a fence is that of a node that was declared lost.
            None => !stored.slots.contains_key(&slot),
        };
        if !may_enter {
            return Err(JournalError::Fenced);
        }
        stored.push(0, act);
        stored.fences.insert(node, fence);
        stored.slots.insert(slot, (stored.head.position, state));
        Ok(stored.head)
    }

    fn append(&mut self, by: Writer, proposals: Vec<Proposal>) -> Result<Appended, JournalError> {
        let stored = self.writable(by)?;
        let verdicts = proposals.into_iter().map(|proposal| stored.append(proposal)).collect();
        Ok(Appended { verdicts, head: stored.head.position })
    }

    fn read(&self, epoch: Epoch, after: Position, hints: HintPosition) -> Result<Reading, JournalError> {
        let stored = self.of(epoch)?;
        let from = stored.log.partition_point(|logged| logged.position <= after);
        let acts = stored.log.range(from..).cloned().collect();
        let unread = usize::try_from(self.given.saturating_sub(hints.get())).unwrap_or(usize::MAX);
        let hints = self.hints.range(self.hints.len().saturating_sub(unread)..).cloned().collect();
        Ok(Reading { acts, hints, next_hint: self.end_of_hints() })
    }

    fn renew(&mut self, by: Writer) -> Result<Signs, JournalError> {
        let stored = self.writable(by)?;
        *stored.lives.entry(by.node).or_default() += 1;
        Ok(Signs { head: stored.head, lives: stored.lives.iter().map(|(node, count)| (*node, *count)).collect() })
    }

    fn states(&self, epoch: Epoch, cursor: u64) -> Result<States, JournalError> {
        let stored = self.of(epoch)?;
        let begin = usize::try_from(cursor).unwrap_or(usize::MAX);
        let slots = stored.slots.iter().filter(|(slot, _)| !matches!(slot, Slot::Session(_)));
        let states: Vec<State> = slots
            .skip(begin)
            .take(PIECE)
            .map(|(slot, (position, value))| State { slot: *slot, position: *position, value: value.clone() })
            .collect();
        let next = (states.len() == PIECE).then_some(cursor + PIECE as u64);
        Ok(States { states, next })
    }

    fn found(&mut self, old: Option<Epoch>, Founding { head, states }: Founding) -> Result<(), JournalError> {
        match (self.head().map(|head| head.epoch), old) {
            (current, old) if current == old => {}
            (Some(other), _) => return Err(JournalError::OtherEpoch(other)),
            (None, _) => return Err(JournalError::Empty),
        }
        let slots = states.into_iter().map(|State { slot, position, value }| (slot, (position, value))).collect();
        let (fences, lives, log) = (BTreeMap::new(), BTreeMap::new(), VecDeque::new());
        self.stored = Some(Stored { head, slots, fences, lives, log });
        Ok(())
    }

    fn of(&self, epoch: Epoch) -> Result<&Stored, JournalError> {
        match &self.stored {
            Some(stored) if stored.head.epoch == epoch => Ok(stored),
            Some(stored) => Err(JournalError::OtherEpoch(stored.head.epoch)),
            None => Err(JournalError::Empty),
        }
    }

    fn writable(&mut self, by: Writer) -> Result<&mut Stored, JournalError> {
        self.of(by.epoch)?;
        let stored = self.stored.as_mut().ok_or(JournalError::Empty)?;
        if stored.fences.get(&by.node) == Some(&by.fence) { Ok(stored) } else { Err(JournalError::Fenced) }
    }
}

impl Reading {
    /// Whether it has neither an act nor a hint.
    pub(crate) fn is_empty(&self) -> bool {
        self.acts.is_empty() && self.hints.is_empty()
    }
}

impl Stored {
    fn append(&mut self, Proposal { changes, guards, writes, act }: Proposal) -> Verdict {
        let position = |slot| self.slots.get(slot).map_or(Position::new(0), |(position, _)| *position);
        if guards.iter().any(|(slot, expected)| position(slot) != *expected) {
            return Verdict::Refused;
        }
        self.push(changes, act);
        for (slot, value) in writes {
            if let Slot::Node(node) = slot {
                self.fences.remove(&node);
            }
            match value {
                Some(value) => drop(self.slots.insert(slot, (self.head.position, value))),
                None => drop(self.slots.remove(&slot)),
            }
        }
        Verdict::Appended
    }

    fn push(&mut self, changes: u32, act: Vec<u8>) {
        let previous = self.head.tip;
        self.head.position = self.head.position.next();
        self.head.revision = Revision::new(self.head.revision.get() + u64::from(changes));
        self.head.tip = act.first_chunk().map_or(Tag::new(0), |tag| Tag::new(u64::from_be_bytes(*tag)));
        self.log.push_back(LoggedAct { position: self.head.position, previous, act });
        if self.log.len() > MAX_LOG {
            self.log.pop_front();
        }
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use super::*;
    use crate::journal::contract::journal_contract;

    #[test]
    fn the_journal_in_memory_keeps_the_contract() {
        let journal = MemoryJournal::new();
        let mut contract = std::pin::pin!(journal_contract(&journal));
        let poll = contract.as_mut().poll(&mut std::task::Context::from_waker(Waker::noop()));
        assert!(poll.is_ready(), "a call waits");
    }
}
