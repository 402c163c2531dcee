//! A client's view of the roster: a snapshot, or a delta to the previous view, and the updates that follow. Every update
//! must continue the current revision, and none may arrive during a snapshot.

use chat_core::id::{Epoch, Revision};
use chat_core::roster::{Roster, RosterVersion};
use chat_core::wire::Malformed;
use chat_core::wire::control::Reply;
use serde::Deserialize;

/// A client's view of the roster.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) version: RosterVersion,
    state: SyncState,
    /// Number of entries in the latest snapshot.
    snapshot_entries: u64,
    /// Whether the latest complete snapshot has another number of entries than its revision. In a storm in which sessions
    /// only join, each entry is one change.
    pub(crate) is_miscounted: bool,
    /// Number of applied changes.
    pub(crate) changes: u64,
    /// Number of updates that did not continue the current revision.
    pub(crate) gaps: u64,
    /// The roster. `None` if the client only counts entries and follows revisions.
    pub(crate) roster: Option<Roster>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum SyncState {
    /// A snapshot is expected or being received.
    Loading,
    /// A delta up to this revision is being received.
    CatchingUp(Revision),
    InSync,
}

impl View {
    pub(crate) fn new(roster: Option<Roster>) -> Self {
        Self {
            version: RosterVersion { epoch: Epoch::new(0), revision: Revision::new(0) },
            state: SyncState::Loading,
            snapshot_entries: 0,
            is_miscounted: false,
            changes: 0,
            gaps: 0,
            roster,
        }
    }

    /// Whether the view is complete: a snapshot or delta has been received on this connection.
    pub(crate) fn is_complete(&self) -> bool {
        self.state == SyncState::InSync
    }

    /// The roster version that the client sends when it resumes; `None` without a complete roster, or after gaps.
    pub(crate) fn version_to_resume(&self) -> Option<RosterVersion> {
        (self.state != SyncState::Loading && self.gaps == 0).then_some(self.version)
    }

    /// Starts a new connection, on which the server sends a delta up to the version `delta`, or else a snapshot.
    pub(crate) fn begin(&mut self, delta: Option<RosterVersion>) {
        match delta {
            None => self.begin_snapshot(),
            Some(to) => {
                // A delta that does not continue this view counts as a gap.
                self.gaps += u64::from(self.version_to_resume().is_none_or(|version| version.epoch != to.epoch));
                self.state = SyncState::CatchingUp(to.revision);
                self.finish_catching_up();
            }
        }
    }

    fn begin_snapshot(&mut self) {
        (self.state, self.snapshot_entries) = (SyncState::Loading, 0);
        self.roster = self.roster.as_ref().map(|_| Roster::new());
    }

    fn finish_catching_up(&mut self) {
        if matches!(self.state, SyncState::CatchingUp(to) if to <= self.version.revision) {
            self.state = SyncState::InSync;
        }
    }

    /// Applies a snapshot page, a snapshot's completion or an update. `payload` is the whole encoded reply, which only
    /// a client that keeps entries decodes.
    pub(crate) fn apply(&mut self, reply: &PeekReply, payload: &[u8]) -> Result<(), Malformed> {
        let decoded = self.roster.is_some().then(|| Reply::decode(payload)).transpose()?;
        match *reply {
            PeekReply::Page(entries) => {
                // A connection with too many unread updates receives a snapshot instead of them.
                if self.state != SyncState::Loading {
                    self.begin_snapshot();
                }
                self.snapshot_entries += u64::from(entries);
                if let (Some(roster), Some(Reply::SnapshotPage(entries))) = (&mut self.roster, decoded) {
                    entries.into_iter().for_each(|entry| drop(roster.insert(entry)));
                }
            }
            PeekReply::Complete(epoch, revision) => {
                self.version = RosterVersion { epoch, revision };
                (self.state, self.is_miscounted) = (SyncState::InSync, self.snapshot_entries != revision.get());
            }
            PeekReply::Update(epoch, from, to) => {
                let RosterVersion { epoch: own_epoch, revision } = self.version;
                if self.state == SyncState::Loading || epoch != own_epoch || from > revision {
                    self.gaps += 1;
                } else if to <= revision {
                    return Ok(());
                }
                let known = revision.get().saturating_sub(from.get());
                if let (Some(roster), Some(Reply::Update(update))) = (&mut self.roster, decoded) {
                    update.changes.iter().skip(known as usize).for_each(|(_, change)| roster.apply(change));
                }
                self.changes += to.get().saturating_sub(from.get()).saturating_sub(known);
                self.version = RosterVersion { epoch, revision: to };
                self.finish_catching_up();
            }
            PeekReply::Welcome | PeekReply::Rejected | PeekReply::Other(_) => {}
        }
        Ok(())
    }
}

/// The parts of a reply that a counting client reads. It skips the rest, so that ten thousand clients in one process cost
/// less than the server.
#[derive(Debug, Deserialize)]
pub(crate) enum PeekReply {
    /// Never decoded. These variants come first in [`Reply`], and postcard encodes a variant by its position.
    Welcome,
    Rejected,
    /// A snapshot page with this number of entries.
    Page(u32),
    /// The snapshot is complete.
    Complete(Epoch, Revision),
    /// An update from the first revision to the second.
    Update(Epoch, Revision, Revision),
    /// Any other reply, read in full.
    #[serde(skip)]
    Other(Box<Reply>),
}

impl PeekReply {
    /// Reads the head of a payload, or all of it for a reply of another kind.
    pub(crate) fn decode(payload: &[u8]) -> Result<Self, Malformed> {
        match postcard::take_from_bytes(payload) {
            Ok((head @ (Self::Page(_) | Self::Complete(..) | Self::Update(..)), _)) => Ok(head),
            _ => Ok(Self::Other(Box::new(Reply::decode(payload)?))),
        }
    }
}

#[cfg(test)]
mod tests {
    use chat_core::roster::Update;

    use super::super::encoded;
    use super::*;

    fn update(from: u64, to: u64) -> Reply {
        let (from, to) = (Revision::new(from), Revision::new(to));
        Reply::Update(Update { epoch: Epoch::new(1), from, to, changes: Vec::new() })
    }

    fn complete(revision: u64) -> Reply {
        Reply::SnapshotComplete { epoch: Epoch::new(1), revision: Revision::new(revision) }
    }

    fn version(epoch: u64, revision: u64) -> RosterVersion {
        RosterVersion { epoch: Epoch::new(epoch), revision: Revision::new(revision) }
    }

    fn apply(view: &mut View, reply: &Reply) {
        let frame = encoded(reply);
        view.apply(&PeekReply::decode(&frame[4..]).unwrap(), &frame[4..]).unwrap();
    }

    #[test]
    fn updates_continue_the_snapshot_and_each_other() {
        let page = || Reply::SnapshotPage(Vec::new());
        for (replies, expected) in [
            (vec![page()], (false, 0, 0)),
            (vec![page(), complete(3), update(3, 4), update(4, 9)], (true, 9, 0)),
            (vec![complete(3), update(1, 5), update(5, 6)], (true, 6, 0)),
            (vec![complete(3), update(4, 5)], (true, 5, 1)),
            (vec![update(1, 2), complete(2)], (true, 2, 1)),
            (vec![complete(2), page(), complete(3), update(3, 4)], (true, 4, 0)),
        ] {
            for roster in [Some(Roster::new()), None] {
                let mut view = View::new(roster);
                view.begin(None);
                replies.iter().for_each(|reply| apply(&mut view, reply));
                let state = (view.is_complete(), view.version.revision.get(), view.gaps);
                assert_eq!(state, expected, "{:?} {replies:?}", view.roster);
            }
        }
    }

    #[test]
    fn a_delta_completes_the_view_again() {
        let mut view = View::new(Some(Roster::new()));
        assert_eq!(view.version_to_resume(), None);
        apply(&mut view, &complete(3));
        assert_eq!(view.version_to_resume(), Some(version(1, 3)));
        view.begin(Some(version(1, 3)));
        assert!(view.is_complete(), "an empty delta is complete immediately");
        view.begin(Some(version(1, 5)));
        apply(&mut view, &update(3, 4));
        assert_eq!((view.is_complete(), view.version_to_resume()), (false, Some(version(1, 4))), "half received");
        apply(&mut view, &update(4, 5));
        assert_eq!((view.is_complete(), view.version_to_resume(), view.gaps), (true, Some(version(1, 5)), 0));
        view.begin(Some(version(2, 5)));
        assert_eq!(view.gaps, 1, "a delta of another epoch is a gap");
    }
}
