//! The journal of a world: one in memory behind seeded delays, with misfortunes.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::ServerId;
use super::medium::{Caller, Event, Medium};
use crate::id::{Epoch, Position};
use crate::journal::memory::Table;
use crate::journal::state::decode;
use crate::journal::{
    AccountState, Act, HintPosition, JournalCall, JournalError, JournalReply, NodeState, ProposedAct, Reading, Slot,
};
use crate::server::JobResult;
use crate::time::Mono;

/// The journal, and what its misfortunes are.
#[derive(Debug)]
pub(super) struct SimJournal {
    table: Table,
    /// Earlier states of the table, the latest last.
    saves: VecDeque<Table>,
    random: StdRng,
    /// The longest delay of one way. Zero for none.
    delay: Duration,
    is_stopped: bool,
    stalled_until: Mono,
    cut_off: BTreeSet<ServerId>,
    /// The servers that have entered since the process of the journal began. The connections of the others are broken.
    connected: BTreeSet<ServerId>,
    loses_answer: BTreeSet<ServerId>,
    late: BTreeSet<ServerId>,
    reads: Vec<(Caller, WaitingRead)>,
}

/// A read that waits for an act or a hint.
#[derive(Clone, Copy, Debug)]
struct WaitingRead {
    epoch: Epoch,
    after: Position,
    hints: HintPosition,
}

/// How long a driver waits for an answer.
const CALL_TIMEOUT: Duration = Duration::from_secs(3);

/// How long a read waits for an act.
const READ_TIME: Duration = Duration::from_secs(1);

/// How long a call is on its way that is carried out late.
const LATE: Duration = Duration::from_secs(5);

/// The acts between two saves, and the saves that are kept.
const SAVE_EVERY: u64 = 4;
const MAX_SAVES: usize = 4;

impl SimJournal {
    pub(super) fn new(delay: Duration, seed: u64) -> Self {
        Self {
            table: Table::default(),
            saves: VecDeque::new(),
            random: StdRng::seed_from_u64(seed ^ 0x10e1),
            delay,
            is_stopped: false,
            stalled_until: Mono::ZERO,
            cut_off: BTreeSet::new(),
            connected: BTreeSet::new(),
            loses_answer: BTreeSet::new(),
            late: BTreeSet::new(),
            reads: Vec::new(),
        }
    }

    /// A call arrives.
    pub(super) fn call(&mut self, caller: Caller, call: JournalCall, medium: &mut Medium) {
        if self.is_stopped {
            return answer(caller, Err(away()), Duration::from_millis(1), medium);
        }
        if self.cut_off.contains(&caller.server) {
            return answer(caller, Err(away()), CALL_TIMEOUT, medium);
        }
        if matches!(call, JournalCall::Enter(_) | JournalCall::Found(..)) {
            self.connected.insert(caller.server);
        } else if !self.connected.contains(&caller.server) {
            return answer(caller, Err(away()), Duration::from_millis(1), medium);
        }
        let is_append = matches!(call, JournalCall::Append(..));
        if is_append && self.late.remove(&caller.server) {
            answer(caller, Err(away()), CALL_TIMEOUT, medium);
            return medium.schedule(LATE, Event::JournalCall { caller, call });
        }
        if medium.now < self.stalled_until {
            // The driver gives up first, and the call is carried out all the same: its result no longer counts.
            let wait = medium.now.until(self.stalled_until);
            if wait > CALL_TIMEOUT {
                answer(caller, Err(away()), CALL_TIMEOUT, medium);
            }
            return medium.schedule(wait, Event::JournalCall { caller, call });
        }
        if let JournalCall::Read(epoch, after, hints) = call
            && matches!(self.table.call(call.clone()), Ok(JournalReply::Read(reading)) if reading.is_empty())
        {
            let hints = hints.unwrap_or_else(|| self.table.end_of_hints());
            self.reads.push((caller, WaitingRead { epoch, after, hints }));
            return medium.schedule(READ_TIME, Event::ReadEnds { caller });
        }
        let before = self.table.head().map(|head| head.position);
        let result = self.table.call(call);
        let after = self.table.head().map(|head| head.position);
        if before != after {
            self.check(before.unwrap_or(Position::new(0)));
            if after.is_some_and(|after| after.get() % SAVE_EVERY == 0) {
                self.save();
            }
        }
        if is_append && self.loses_answer.remove(&caller.server) {
            answer(caller, Err(away()), CALL_TIMEOUT, medium);
        } else {
            let delay = self.one_way();
            answer(caller, result, delay, medium);
        }
        self.wake_readers(medium);
    }

    /// A read has waited long enough.
    pub(super) fn end_read(&mut self, caller: Caller, medium: &mut Medium) {
        if let Some(index) = self.reads.iter().position(|(other, _)| *other == caller) {
            let (_, WaitingRead { hints, .. }) = self.reads.remove(index);
            let reading = Reading { acts: vec![], hints: vec![], next_hint: hints };
            answer(caller, Ok(JournalReply::Read(reading)), Duration::ZERO, medium);
        }
    }

    pub(super) fn one_way(&mut self) -> Duration {
        self.delay.mul_f64(self.random.random())
    }

    /// The acts of the epoch, with their positions. Checks nothing.
    pub(super) fn table(&self) -> &Table {
        &self.table
    }

    pub(super) fn stop(&mut self, medium: &mut Medium) {
        self.is_stopped = true;
        self.end_connections(medium);
    }

    fn end_connections(&mut self, medium: &mut Medium) {
        self.connected.clear();
        for (caller, _) in std::mem::take(&mut self.reads) {
            answer(caller, Err(away()), Duration::from_millis(1), medium);
        }
    }

    pub(super) fn start(&mut self) {
        self.is_stopped = false;
        self.stalled_until = Mono::ZERO;
    }

    pub(super) fn stall(&mut self, until: Mono) {
        self.stalled_until = until;
    }

    pub(super) fn cut(&mut self, server: ServerId, medium: &mut Medium) {
        self.cut_off.insert(server);
        let (cut, others) =
            std::mem::take(&mut self.reads).into_iter().partition(|(caller, _)| caller.server == server);
        self.reads = others;
        let cut: Vec<(Caller, WaitingRead)> = cut;
        cut.into_iter().for_each(|(caller, _)| answer(caller, Err(away()), CALL_TIMEOUT, medium));
    }

    pub(super) fn mend(&mut self, server: ServerId) {
        self.cut_off.remove(&server);
        self.loses_answer.remove(&server);
        self.late.remove(&server);
    }

    pub(super) fn lose_answer(&mut self, server: ServerId) {
        self.loses_answer.insert(server);
    }

    pub(super) fn be_late(&mut self, server: ServerId) {
        self.late.insert(server);
    }

    /// Keeps what it has, to restart with it later.
    pub(super) fn save(&mut self) {
        self.saves.push_back(self.table.clone());
        if self.saves.len() > MAX_SAVES {
            self.saves.pop_front();
        }
    }

    /// Restarts with what it had some acts ago.
    pub(super) fn forget(&mut self, acts: u64, medium: &mut Medium) {
        let Some(head) = self.table.head() else { return };
        self.end_connections(medium);
        let is_older = |save: &Table| save.head().is_none_or(|old| old.position.get() + acts <= head.position.get());
        if let Some(index) = self.saves.iter().rposition(is_older) {
            self.table = self.saves[index].clone();
            self.saves.truncate(index);
        }
    }

    pub(super) fn empty(&mut self) {
        self.table = Table::default();
        self.saves.clear();
    }

    pub(super) fn trim(&mut self) {
        self.table.trim(0);
    }

    fn wake_readers(&mut self, medium: &mut Medium) {
        for (caller, read) in std::mem::take(&mut self.reads) {
            let WaitingRead { epoch, after, hints } = read;
            match self.table.call(JournalCall::Read(epoch, after, Some(hints))) {
                Ok(JournalReply::Read(reading)) if reading.is_empty() => self.reads.push((caller, read)),
                result => {
                    let delay = self.one_way();
                    answer(caller, result, delay, medium);
                }
            }
        }
    }

    /// Checks what must hold at every position: one session for each account, id and name, and no act of a node that was
    /// lost before.
    fn check(&self, before: Position) {
        let (mut ids, mut names, mut online) = (0, BTreeSet::new(), 0);
        let mut lost = BTreeSet::new();
        for (slot, value) in self.table.slots() {
            match slot {
                Slot::Account(_) => {
                    let Some(AccountState::Online { entry, .. }) = decode(value) else { continue };
                    online += 1;
                    assert!(names.insert(entry.user.clone()), "two sessions of {}", entry.user);
                }
                Slot::Session(_) => ids += 1,
                Slot::Node(node) => {
                    if let Some(NodeState::Lost { .. }) = decode(value) {
                        lost.insert(*node);
                    }
                }
            }
        }
        assert_eq!(ids, online, "a session id without a session, or two sessions with one id");
        let mut behind = BTreeSet::new();
        for logged in self.table.log().rev().take_while(|logged| logged.position > before) {
            let proposed = ProposedAct::decode(&logged.act).expect("nodes propose acts that all of them know");
            match proposed.act {
                Act::Lost { node, .. } => drop(behind.insert(node)),
                Act::Left { .. } => drop(behind.insert(proposed.node)),
                _ => {}
            }
            let is_lost = lost.contains(&proposed.node) && !behind.contains(&proposed.node);
            assert!(!is_lost, "an act of a node that was lost before: {proposed:?}");
        }
    }
}

fn answer(caller: Caller, result: Result<JournalReply, JournalError>, delay: Duration, medium: &mut Medium) {
    let Caller { server, run, id } = caller;
    medium.schedule(delay, Event::Done { server, run, id, result: JobResult::Journal(result) });
}

fn away() -> JournalError {
    JournalError::away("a simulated misfortune")
}
