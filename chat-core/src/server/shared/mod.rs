//! Sharing: what a node knows of the journal that it shares with others.

mod again;
mod lives;
mod proposals;
mod tail;

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::time::Duration;

pub(super) use self::again::{Again, Kept};
use self::lives::Lives;
pub(super) use self::proposals::{Intent, Proposals};
use self::tail::Tail;
use super::JournalCounts;
use super::membership::Before;
use crate::generator::Generator;
use crate::id::{Epoch, Fence, NodeId, Position, Revision, Tag};
use crate::journal::{Act, Entering, Head, HintPosition, NodeRow, NodeState, ProposedAct, State, Writer, state};
use crate::time::{Mono, Timestamp};

/// The time between two signs of life: six of them make a node that is lost, so that its users wait a few seconds.
pub(super) const ROUND: Duration = Duration::from_secs(1);

/// The time for which a guest waits for its act. The journal answers within milliseconds, or is away.
pub(super) const MAX_WAIT: Duration = Duration::from_secs(5);

/// How often an act is judged again that another node's acts have overtaken.
pub(super) const MAX_REFUSED: u32 = 3;

/// The pause before the next attempt to enter while the journal is away: at least [`MIN_PAUSE`], and a random time up to
/// this one more.
const MAX_PAUSE: Duration = Duration::from_millis(1_800);
const MIN_PAUSE: Duration = Duration::from_millis(200);

/// The longest random pause before a node founds an epoch from its replica. The nodes notice within a second, and one of
/// them is enough.
const MAX_FOUNDING_PAUSE: Duration = Duration::from_millis(500);

/// The time for which a node that knows nothing waits before it founds an empty epoch, so that one with a replica comes
/// first.
const NEWCOMER_PAUSE: Duration = Duration::from_secs(3);

/// The time after the beginning of an epoch in which nothing is published: longer than the pauses after which every node
/// has entered, and proposed what it knows better of its own sessions.
pub(super) const HOLD: Duration = Duration::from_secs(5);

/// The most past epochs that are remembered. Another one begins only when the journal has lost something, and goes back to a
/// file of seldom more than a day before.
const MAX_PAST_EPOCHS: usize = 100;

/// A node's part in the journal.
#[derive(Debug)]
pub(super) struct Shared {
    random: Random,
    row: NodeRow,
    node: NodeId,
    /// All ids that this run has had: another one each time that it was declared lost.
    ours: BTreeSet<NodeId>,
    fence: Fence,
    pub(super) phase: Phase,
    /// Rises when results of earlier calls no longer count.
    pub(super) run: u64,
    /// The epoch of the replica. `None` before the first is loaded.
    pub(super) epoch: Option<Epoch>,
    /// The latest epochs that the replica had before.
    past_epochs: VecDeque<Epoch>,
    pub(super) since: Timestamp,
    /// The tag of the last act that was read.
    pub(super) tip: Tag,
    /// Where the next read of hints begins. `None` before the first read of this run: the node counts only hints that are
    /// given from then on. Earlier ones may be hours old, or the journal may have lost them and number others like them.
    pub(super) next_hint: Option<HintPosition>,
    next: u64,
    pub(super) in_flight: InFlight,
    /// When the next append, and the next read, may begin.
    pub(super) append_from: Mono,
    pub(super) read_from: Mono,
    pub(super) proposals: Proposals,
    lives: Lives,
    /// The sessions before the replica was loaded again, until it is complete.
    pub(super) before: Option<Before>,
    /// The acts that have led to the replica, from the time that it is loaded until it is complete.
    pub(super) tail: Option<Tail>,
    /// Whether the journal went on from an earlier act than the replica.
    pub(super) is_forked: bool,
    /// Whether the slots must be read although the epoch is the same.
    pub(super) must_load: bool,
    /// Whether the journal has something that this version does not know.
    pub(super) is_incompatible: bool,
    /// Whether nothing is published.
    pub(super) is_held: bool,
    /// The last act in the journal, as far as is known.
    pub(super) head: Position,
    pub(super) counts: JournalCounts,
    /// Whether the journal did not answer last time. It stays so during an attempt to enter.
    pub(super) is_away: bool,
    /// When the journal was found to be empty.
    empty_since: Option<Mono>,
}

/// How far a node is.
#[derive(Debug)]
pub(super) enum Phase {
    /// The journal is away. The node tries to enter again when the timer ends, or to found an epoch.
    Away(Next),
    /// The node enters.
    Entering,
    /// The node reads the slots.
    Loading { head: Head, states: Vec<State> },
    /// The node reads acts up to this position.
    CatchingUp(Position),
    /// The node founds an epoch.
    Founding,
    /// The node proposes acts.
    Ready,
    /// The node has left, or the journal has an act that it does not know.
    Over,
}

/// What follows a pause.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Next {
    Enter,
    /// Found an epoch after this one.
    Found(Option<Epoch>),
}

/// The calls in flight, at most one of each kind.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    pub(super) append: bool,
    pub(super) read: bool,
    /// How far the replica was when the sign of life was sent.
    pub(super) renew: Option<(Position, Tag)>,
}

struct Random(Box<dyn Generator>);

/// Prints nothing of it.
impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random")
    }
}

impl Shared {
    pub(super) fn new(row: NodeRow, mut generator: Box<dyn Generator>) -> Self {
        let node = NodeId::new(generator.number());
        Self {
            random: Random(generator),
            row,
            node,
            ours: [node].into(),
            fence: Fence::new(0),
            phase: Phase::Away(Next::Enter),
            run: 0,
            epoch: None,
            past_epochs: VecDeque::new(),
            since: Timestamp::from_millis(0),
            tip: Tag::new(0),
            next_hint: None,
            next: 0,
            in_flight: InFlight::default(),
            append_from: Mono::ZERO,
            read_from: Mono::ZERO,
            proposals: Proposals::default(),
            lives: Lives::default(),
            before: None,
            tail: None,
            is_forked: false,
            must_load: false,
            is_incompatible: false,
            is_held: false,
            head: Position::new(0),
            counts: JournalCounts::default(),
            is_away: false,
            empty_since: None,
        }
    }

    pub(super) fn node(&self) -> NodeId {
        self.node
    }

    /// Whether `node` is this run, now or earlier.
    pub(super) fn is_ours(&self, node: NodeId) -> bool {
        self.ours.contains(&node)
    }

    /// Whether guests may log in.
    pub(super) fn is_serving(&self) -> bool {
        matches!(self.phase, Phase::Ready) && !self.is_held
    }

    /// Becomes another node, because this one was declared lost.
    pub(super) fn become_another(&mut self) -> NodeId {
        self.node = NodeId::new(self.random.0.number());
        self.fence = Fence::new(0);
        self.ours.insert(self.node);
        self.node
    }

    /// The next attempt to enter. Nothing that was sent before counts any more.
    pub(super) fn enter(&mut self, at: Timestamp) -> Entering {
        self.begin_run(Phase::Entering);
        self.fence = self.fence.next();
        let (_, act) = self.encode(at, Act::Joined { row: self.row.clone() });
        let state = state::encode(&NodeState::Joined(self.row.clone()));
        Entering { node: self.node, fence: self.fence, state, act: act.encode() }
    }

    /// Gives an act its number and its tag.
    pub(super) fn encode(&mut self, at: Timestamp, act: Act) -> (u64, ProposedAct) {
        self.next += 1;
        let (number, tag) = (self.next, Tag::new(self.random.0.number()));
        (number, ProposedAct { tag, node: self.node, number, at, act })
    }

    /// The journal is away. Returns the pause.
    pub(super) fn go_away(&mut self) -> Duration {
        self.is_away = true;
        self.begin_run(Phase::Away(Next::Enter));
        MIN_PAUSE + self.random.0.up_to(MAX_PAUSE)
    }

    /// The journal has lost what the replica has, or everything. Returns the pause.
    pub(super) fn found_later(&mut self, now: Mono, current: Option<Epoch>) -> Duration {
        self.is_away = false;
        if self.epoch.is_some() {
            self.begin_run(Phase::Away(Next::Found(current)));
            return self.random.0.up_to(MAX_FOUNDING_PAUSE);
        }
        let since = *self.empty_since.get_or_insert(now);
        let next = if now.since(since) >= NEWCOMER_PAUSE { Next::Found(None) } else { Next::Enter };
        self.begin_run(Phase::Away(next));
        MIN_PAUSE
    }

    /// The head of a new epoch: from the replica, or of an empty roster that begins now.
    pub(super) fn new_head(&mut self, at: Timestamp, position: Position, revision: Revision) -> Head {
        let since = if self.epoch.is_some() { self.since } else { at };
        let epoch = Epoch::new(self.random.0.number());
        Head { epoch, position, revision, tip: self.tip, since }
    }

    /// Begins a phase in which no result of an earlier call counts.
    pub(super) fn begin_run(&mut self, phase: Phase) {
        self.run += 1;
        self.phase = phase;
        self.in_flight = InFlight::default();
        self.next_hint = None;
        self.lives.clear();
    }

    /// When the next call can be made that waits for its time. `None` if none does.
    pub(super) fn next_call(&self) -> Option<Mono> {
        let is_ready = matches!(self.phase, Phase::Ready);
        let append = (!self.in_flight.append && self.proposals.are_queued()).then_some(self.append_from);
        let read = (!self.in_flight.read).then_some(self.read_from);
        append.into_iter().chain(read).min().filter(|_| is_ready)
    }

    /// The position behind which the next read begins, if the replica has all acts up to `position`.
    pub(super) fn read_after(&self, position: Position) -> Position {
        self.tail.as_ref().map_or(position, Tail::last).min(position)
    }

    /// The node and its fence in the epoch of the replica.
    pub(super) fn writer(&self) -> Option<Writer> {
        Some(Writer { node: self.node, fence: self.fence, epoch: self.epoch? })
    }

    /// Counts a round. Returns the nodes that are lost.
    pub(super) fn round(&mut self, others: impl IntoIterator<Item = NodeId>, counts: &[(NodeId, u64)]) -> Vec<NodeId> {
        self.lives.round(others, counts)
    }

    /// The nodes that have given a sign of life between the rounds of this run.
    pub(super) fn alive(&self) -> impl Iterator<Item = NodeId> {
        self.lives.alive()
    }

    /// Whether the replica was in this epoch and then in another one. A journal that goes back to it has lost acts, and gives
    /// its revisions another meaning.
    pub(super) fn is_past(&self, epoch: Epoch) -> bool {
        self.epoch != Some(epoch) && self.past_epochs.contains(&epoch)
    }

    /// The epoch is loaded, or has begun.
    pub(super) fn entered(&mut self, head: &Head) {
        if let Some(before) = self.epoch.filter(|before| *before != head.epoch) {
            self.past_epochs.push_back(before);
            if self.past_epochs.len() > MAX_PAST_EPOCHS {
                self.past_epochs.pop_front();
            }
        }
        if self.epoch.replace(head.epoch) != Some(head.epoch) {
            self.counts.epochs += 1;
        }
        self.since = head.since;
        self.empty_since = None;
        self.tail = Some(Tail::new());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::AccountId;
    use crate::journal::Proposal;
    use crate::server::machine::Then;
    use crate::sim::SeededGenerator;

    #[test]
    fn a_call_waits_for_its_time_unless_one_is_in_flight_or_nothing_is_to_be_appended() {
        let mut shared = Shared::new(NodeRow::default(), Box::new(SeededGenerator::new(1)));
        let at = |millis| Mono::at(Duration::from_millis(millis));
        (shared.append_from, shared.read_from) = (at(5), at(9));
        assert_eq!(shared.next_call(), None, "it has not entered");
        shared.phase = Phase::Ready;
        assert_eq!(shared.next_call(), Some(at(9)));
        let act = Act::Renewed { account: AccountId::new(1), generation: 2 };
        let intent = Intent { act, then: Then::Nothing, again: Again::Never, refused: 0 };
        let proposal = Proposal { changes: 1, guards: vec![], writes: vec![], act: vec![] };
        shared.proposals.open(1, intent, proposal);
        assert_eq!(shared.next_call(), Some(at(5)));
        shared.in_flight.append = true;
        assert_eq!(shared.next_call(), Some(at(9)));
        shared.in_flight.read = true;
        assert_eq!(shared.next_call(), None);
    }
}
