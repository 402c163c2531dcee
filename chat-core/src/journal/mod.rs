//! The port for the journal: the ordered record of acts that several servers share. A machine never calls it directly:
//! the machine asks its driver for a job.
//!
//! The journal compares and counts, and knows no roster. Each *node*, which is one of the servers, proposes [acts](Act)
//! together with what they were judged on: the [slots](Slot) and the last acts that changed them. The journal appends an
//! act if that still holds, gives it the next [position](crate::id::Position), and refuses it otherwise. All nodes read
//! the same acts in the same order, and apply them to a roster of their own.
//!
//! A node *enters* before it writes, under a *fence* that rises each time. What arrives late under an older fence is
//! refused, and so is everything from a node that another one has declared lost. If the journal has lost acts, a node
//! notices that from the [tags](crate::id::Tag), each of which names the act before, and founds another *epoch* from what
//! it knows.
//!
//! Beside the acts, the nodes give each other [hints](Hint) about attempts to guess passwords. Hints are part of no epoch,
//! need no fence, and change no position.
//!
//! [`memory::MemoryJournal`] is the smallest implementation. The suite in `contract` (feature `testing`) asserts what this
//! module promises.

#![expect(clippy::exhaustive_structs, clippy::exhaustive_enums, reason = "both sides of the port need every part")]

pub mod act;
#[cfg(feature = "testing")]
pub mod contract;
pub mod hint;
pub mod memory;
mod shared;
pub mod state;

use std::error::Error;
use std::future::Future;
use std::sync::Arc;

pub use self::act::{Act, NodeRow, ProposedAct, UnknownAct};
pub use self::hint::{Admission, GivenHint, Hint, HintPosition, NetworkPseudonym, UserPseudonym};
pub use self::state::{AccountState, NodeState, Slot};
use crate::id::{Epoch, Fence, NodeId, Position, Revision, Tag};
use crate::time::Timestamp;

/// How far the journal is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Head {
    /// The epoch.
    pub epoch: Epoch,
    /// The position of the last act.
    pub position: Position,
    /// The number of changes that all acts have made: the revision of the roster.
    pub revision: Revision,
    /// The tag of the last act.
    pub tip: Tag,
    /// When the roster began to be empty: what an epoch that is founded from a replica keeps.
    pub since: Timestamp,
}

/// A node that enters.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entering {
    /// The node.
    pub node: NodeId,
    /// Higher than the one under which the node entered before.
    pub fence: Fence,
    /// The value of the node's slot, an encoded [`NodeState`].
    pub state: Vec<u8>,
    /// The encoded act to append, which changes no roster.
    pub act: Vec<u8>,
}

/// A node that writes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Writer {
    /// The node.
    pub node: NodeId,
    /// The fence under which it has entered.
    pub fence: Fence,
    /// The epoch in which it has entered.
    pub epoch: Epoch,
}

/// An act, and what it was judged on. It is appended as a whole or not at all.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Proposal {
    /// The number of changes of the roster.
    pub changes: u32,
    /// Slots, each with the last act that changed it. Position 0 if it has none.
    pub guards: Vec<(Slot, Position)>,
    /// Slots that the act changes, each with its new value, or `None` to empty it. An act that changes the slot of a node
    /// declares that node lost.
    pub writes: Vec<(Slot, Option<Vec<u8>>)>,
    /// The encoded [`ProposedAct`]. Its first 8 bytes are its tag.
    pub act: Vec<u8>,
}

/// The result of one proposal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// It is in the journal.
    Appended,
    /// A guard no longer holds.
    Refused,
}

/// The results of several proposals.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Appended {
    /// For each proposal, in order.
    pub verdicts: Vec<Verdict>,
    /// The position of the last act afterwards. The act that made a guard fail is at this position or before.
    pub head: Position,
}

/// An act in the journal.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LoggedAct {
    /// Its position.
    pub position: Position,
    /// The tag of the act before it.
    pub previous: Tag,
    /// The encoded [`ProposedAct`].
    pub act: Vec<u8>,
}

/// Acts and hints that were read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reading {
    /// The acts, in order.
    pub acts: Vec<LoggedAct>,
    /// The encoded hints, in any order.
    pub hints: Vec<Vec<u8>>,
    /// Where the next read of hints begins.
    pub next_hint: HintPosition,
}

/// Signs of life.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Signs {
    /// How far the journal is.
    pub head: Head,
    /// How often each node has called [`Journal::renew`] in this epoch.
    pub lives: Vec<(NodeId, u64)>,
}

/// One slot.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct State {
    /// The slot.
    pub slot: Slot,
    /// The last act that changed it.
    pub position: Position,
    /// Its value.
    pub value: Vec<u8>,
}

/// Some of the slots, and where the rest begins.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct States {
    /// The slots.
    pub states: Vec<State>,
    /// Where to continue. `None` if these were the last.
    pub next: Option<u64>,
}

/// The beginning of an epoch.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Founding {
    /// Positions and revisions run on from here.
    pub head: Head,
    /// All slots but those of nodes that are not lost: they enter again.
    pub states: Vec<State>,
}

/// Why a call has failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum JournalError {
    /// The journal cannot be reached, or has not answered in time. What was sent may still take effect, until the node
    /// enters again.
    #[error("the journal is away")]
    Away(#[source] Arc<dyn Error + Send + Sync>),
    /// Another node has declared this one lost, or a later self has entered.
    #[error("this node may no longer write to the journal")]
    Fenced,
    /// The journal is in this epoch.
    #[error("the journal is in epoch {0}")]
    OtherEpoch(Epoch),
    /// The journal has no epoch yet, or has lost everything.
    #[error("the journal is empty")]
    Empty,
}

/// The ordered record that several servers share.
///
/// Each call but that for hints is all or nothing, and takes effect at one moment. A call whose caller no longer waits may
/// still take effect.
///
/// Each call has to end by itself within seconds, with [`JournalError::Away`] if the journal does not answer: a node that
/// waits gives no sign of life, and the others declare it lost. A driver may give up a call after a minute.
pub trait Journal: Send + Sync + 'static {
    /// Lets a node enter: appends its act, writes its slot, and from then on accepts what it writes under this fence
    /// only. Returns the head, whose position is that of the act.
    ///
    /// # Errors
    /// [`JournalError::Fenced`] if the node was declared lost or has entered under this fence or a higher one,
    /// [`JournalError::Empty`] if there is no epoch.
    fn enter(&self, entering: Entering) -> impl Future<Output = Result<Head, JournalError>> + Send;

    /// Appends each proposal whose guards hold, in order.
    ///
    /// # Errors
    /// [`JournalError::OtherEpoch`], or [`JournalError::Fenced`]. Nothing is appended then.
    fn append(
        &self,
        by: Writer,
        proposals: Vec<Proposal>,
    ) -> impl Future<Output = Result<Appended, JournalError>> + Send;

    /// Returns the acts after a position, in order, from the earliest that is still there, and the hints from a place on. If
    /// there are neither, it waits for one, about a second at most. The driver may drop the call at any time, and report
    /// that there were none.
    ///
    /// Without a place, it returns no hints, and the next place is the end of the hints before the read. It need not wait
    /// then.
    ///
    /// # Errors
    /// [`JournalError::OtherEpoch`].
    fn read(
        &self,
        epoch: Epoch,
        after: Position,
        hints: Option<HintPosition>,
    ) -> impl Future<Output = Result<Reading, JournalError>> + Send;

    /// Gives hints to all nodes that read them, the caller included. The journal keeps the last 10,000 or so.
    ///
    /// # Errors
    /// [`JournalError::Away`]. Other nodes may read some of the hints all the same. The node goes on, so the call must not
    /// reconnect: the next call has to fail too, because that makes the node enter again.
    fn hint(&self, hints: Vec<Vec<u8>>) -> impl Future<Output = Result<(), JournalError>> + Send;

    /// Gives a sign of life, and returns those of all nodes.
    ///
    /// # Errors
    /// [`JournalError::OtherEpoch`], or [`JournalError::Fenced`].
    fn renew(&self, by: Writer) -> impl Future<Output = Result<Signs, JournalError>> + Send;

    /// Slots of accounts and of nodes, in any order, from `cursor` on, which is 0 at first. A slot that changes meanwhile
    /// may be returned as it was or as it is, and a slot may be returned more than once.
    ///
    /// # Errors
    /// [`JournalError::OtherEpoch`].
    fn states(&self, epoch: Epoch, cursor: u64) -> impl Future<Output = Result<States, JournalError>> + Send;

    /// Begins an epoch, if `old` is the current one.
    ///
    /// # Errors
    /// [`JournalError::OtherEpoch`] if another one has begun, [`JournalError::Empty`] if there is none any more.
    fn found(&self, old: Option<Epoch>, new: Founding) -> impl Future<Output = Result<(), JournalError>> + Send;
}

/// One call of a [`Journal`].
#[derive(Clone, Debug)]
pub enum JournalCall {
    /// [`Journal::enter`].
    Enter(Entering),
    /// [`Journal::append`].
    Append(Writer, Vec<Proposal>),
    /// [`Journal::read`].
    Read(Epoch, Position, Option<HintPosition>),
    /// [`Journal::hint`].
    Hint(Vec<Vec<u8>>),
    /// [`Journal::renew`].
    Renew(Writer),
    /// [`Journal::states`].
    States(Epoch, u64),
    /// [`Journal::found`].
    Found(Option<Epoch>, Founding),
}

/// The result of a [`JournalCall`].
#[derive(Clone, Debug)]
pub enum JournalReply {
    /// Of [`JournalCall::Enter`].
    Entered(Head),
    /// Of [`JournalCall::Append`].
    Appended(Appended),
    /// Of [`JournalCall::Read`].
    Read(Reading),
    /// Of [`JournalCall::Hint`].
    Hinted,
    /// Of [`JournalCall::Renew`].
    Renewed(Signs),
    /// Of [`JournalCall::States`].
    States(States),
    /// Of [`JournalCall::Found`].
    Founded,
}

impl JournalCall {
    /// Makes the call.
    ///
    /// # Errors
    /// As the call.
    pub async fn make<J: Journal>(self, journal: &J) -> Result<JournalReply, JournalError> {
        Ok(match self {
            Self::Enter(entering) => JournalReply::Entered(journal.enter(entering).await?),
            Self::Append(by, proposals) => JournalReply::Appended(journal.append(by, proposals).await?),
            Self::Read(epoch, after, hints) => JournalReply::Read(journal.read(epoch, after, hints).await?),
            Self::Hint(hints) => {
                journal.hint(hints).await?;
                JournalReply::Hinted
            }
            Self::Renew(by) => JournalReply::Renewed(journal.renew(by).await?),
            Self::States(epoch, cursor) => JournalReply::States(journal.states(epoch, cursor).await?),
            Self::Found(old, new) => {
                journal.found(old, new).await?;
                JournalReply::Founded
            }
        })
    }
}

impl JournalError {
    /// The journal is away for this reason.
    pub fn away(why: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Away(Arc::from(why.into()))
    }
}
