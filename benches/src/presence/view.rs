//! A client's view of the roster, with the rules of the real client. A snapshot arrives in pages. Updates that arrive
//! during a snapshot are applied after it, unless the snapshot contains them. Every other update must continue the
//! current revision.

use chat_core::id::{Epoch, Revision};
use chat_core::roster::{Change, Roster, RosterVersion};
use chat_core::wire::Malformed;
use chat_core::wire::control::Reply;

use super::peek_reply::PeekReply;

/// How much of the roster a client processes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Looking {
    /// The client keeps a full roster.
    Closely,
    /// The client only counts entries and follows revisions.
    Counting,
}

/// A client's view of the roster.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) looking: Looking,
    pub(crate) epoch: Epoch,
    pub(crate) revision: Revision,
    /// Whether the view has received a complete snapshot or delta on this connection.
    pub(crate) is_whole: bool,
    /// Number of entries in the latest snapshot.
    pub(crate) copied: u64,
    /// Revision of the latest snapshot.
    pub(crate) copied_at: Revision,
    /// Number of applied changes.
    pub(crate) changes: u64,
    /// Number of updates that did not continue the current revision.
    pub(crate) gaps: u64,
    /// The roster. A counting client leaves it empty.
    pub(crate) roster: Roster,
    loading: Option<Loading>,
    /// The revision at which the delta that is being received ends.
    missed_to: Option<Revision>,
}

/// A snapshot that is being received, and the updates that arrived during it.
#[derive(Debug, Default)]
struct Loading {
    entries: u64,
    roster: Roster,
    held: Vec<Part>,
}

/// An update. A counting client leaves out its changes.
#[derive(Debug)]
struct Part {
    epoch: Epoch,
    from: Revision,
    to: Revision,
    changes: Vec<Change>,
}

impl View {
    pub(crate) fn new(looking: Looking) -> Self {
        Self {
            looking,
            epoch: Epoch::new(0),
            revision: Revision::new(0),
            is_whole: false,
            copied: 0,
            copied_at: Revision::new(0),
            changes: 0,
            gaps: 0,
            roster: Roster::new(),
            loading: None,
            missed_to: None,
        }
    }

    /// The roster version that the client sends when it resumes; `None` if the view is not complete or has gaps.
    pub(crate) fn step(&self) -> Option<RosterVersion> {
        let was_whole = self.is_whole || self.missed_to.is_some();
        let is_known = was_whole && self.loading.is_none() && self.gaps == 0;
        is_known.then_some(RosterVersion { epoch: self.epoch, revision: self.revision })
    }

    /// Starts a new connection, on which the server sends a snapshot, or, if `missed` is given, a delta up to that
    /// version.
    pub(crate) fn begin(&mut self, missed: Option<RosterVersion>) {
        match missed {
            None => {
                (self.is_whole, self.missed_to) = (false, None);
                self.loading = Some(Loading::default());
            }
            Some(to) => {
                // A delta that does not continue this view counts as a gap, like such an update.
                self.gaps += u64::from(self.step().is_none_or(|step| step.epoch != to.epoch));
                self.is_whole = false;
                self.missed_to = Some(to.revision);
                self.catch_up();
            }
        }
    }

    fn catch_up(&mut self) {
        if self.missed_to.take_if(|to| *to <= self.revision).is_some() {
            self.is_whole = true;
        }
    }

    /// Applies a snapshot page, a snapshot's completion or an update. `payload` is the whole encoded reply, which only
    /// a client that keeps a roster decodes.
    pub(crate) fn see(&mut self, part: &PeekReply, payload: &[u8]) -> Result<(), Malformed> {
        let reply = match self.looking {
            Looking::Closely => Some(Reply::decode(payload)?),
            Looking::Counting => None,
        };
        match *part {
            PeekReply::Page(entries) => {
                let loading = self.loading.get_or_insert_default();
                loading.entries += u64::from(entries);
                if let Some(Reply::SnapshotPage(entries)) = reply {
                    entries.into_iter().for_each(|entry| drop(loading.roster.insert(entry)));
                }
            }
            PeekReply::Complete(epoch, revision) => {
                let loading = self.loading.take().unwrap_or_default();
                self.missed_to = None;
                (self.epoch, self.revision) = (epoch, revision);
                (self.copied, self.copied_at) = (loading.entries, revision);
                self.roster = loading.roster;
                self.is_whole = true;
                loading.held.into_iter().filter(|part| part.epoch == epoch).for_each(|part| self.make(part));
            }
            PeekReply::Update(epoch, from, to) => {
                let changes = match reply {
                    Some(Reply::Update(update)) => update.changes.into_iter().map(|(_, change)| change).collect(),
                    _ => Vec::new(),
                };
                let part = Part { epoch, from, to, changes };
                match &mut self.loading {
                    Some(loading) => loading.held.push(part),
                    None => self.make(part),
                }
            }
            PeekReply::Other(_) => {}
        }
        Ok(())
    }

    /// Applies the changes of an update that are newer than the current revision.
    fn make(&mut self, part: Part) {
        if part.epoch != self.epoch || part.from > self.revision {
            self.gaps += 1;
        } else if part.to <= self.revision {
            return;
        }
        let known = self.revision.get().saturating_sub(part.from.get());
        part.changes.iter().skip(known as usize).for_each(|change| self.roster.apply(change));
        self.changes += part.to.get().saturating_sub(part.from.get()).saturating_sub(known);
        (self.epoch, self.revision) = (part.epoch, part.to);
        self.catch_up();
    }
}

#[cfg(test)]
mod tests {
    use chat_core::roster::Update;

    use super::*;

    fn update(from: u64, to: u64) -> Reply {
        let (epoch, from, to) = (Epoch::new(1), Revision::new(from), Revision::new(to));
        Reply::Update(Update { epoch, from, to, changes: Vec::new() })
    }

    fn complete(revision: u64) -> Reply {
        Reply::SnapshotComplete { epoch: Epoch::new(1), revision: Revision::new(revision) }
    }

    /// Applies `replies` to both kinds of view. Returns whether the view is whole, its revision, and its gaps.
    fn after(replies: &[Reply]) -> (bool, u64, u64) {
        let mut all = Vec::new();
        for looking in [Looking::Closely, Looking::Counting] {
            let mut view = View::new(looking);
            view.begin(None);
            for reply in replies {
                let mut bytes = Vec::new();
                chat_core::wire::frame::encode(reply, &mut bytes);
                view.see(&PeekReply::at(&bytes[4..]).unwrap(), &bytes[4..]).unwrap();
            }
            all.push((view.is_whole, view.revision.get(), view.gaps));
        }
        assert_eq!(all[0], all[1], "both kinds of view agree");
        all[0]
    }

    #[test]
    fn a_delta_completes_the_view_again() {
        let mut view = View::new(Looking::Closely);
        assert_eq!(view.step(), None);
        let see = |view: &mut View, reply: &Reply| {
            let mut bytes = Vec::new();
            chat_core::wire::frame::encode(reply, &mut bytes);
            view.see(&PeekReply::at(&bytes[4..]).unwrap(), &bytes[4..]).unwrap();
        };
        let step = |epoch, revision| RosterVersion { epoch: Epoch::new(epoch), revision: Revision::new(revision) };
        view.begin(None);
        see(&mut view, &complete(3));
        assert_eq!(view.step(), Some(step(1, 3)));
        view.begin(Some(step(1, 3)));
        assert!(view.is_whole, "an empty delta is complete immediately");
        view.begin(Some(step(1, 5)));
        see(&mut view, &update(3, 4));
        assert_eq!((view.is_whole, view.step()), (false, Some(step(1, 4))), "the delta is half received");
        see(&mut view, &update(4, 5));
        assert_eq!((view.is_whole, view.step(), view.gaps), (true, Some(step(1, 5)), 0));
        view.begin(Some(step(2, 5)));
        assert_eq!(view.gaps, 1, "a delta of another epoch is a gap");
    }

    #[test]
    fn updates_continue_the_snapshot_and_each_other() {
        assert_eq!(after(&[Reply::SnapshotPage(Vec::new())]), (false, 0, 0));
        assert_eq!(after(&[Reply::SnapshotPage(Vec::new()), complete(3), update(3, 4), update(4, 9)]), (true, 9, 0));
        assert_eq!(after(&[complete(3), update(1, 5), update(5, 6)]), (true, 6, 0));
        assert_eq!(after(&[complete(3), update(4, 5)]), (true, 5, 1));
    }

    #[test]
    fn updates_during_a_snapshot_are_applied_after_it_unless_it_contains_them() {
        assert_eq!(after(&[update(1, 2), update(2, 4), complete(2)]), (true, 4, 0));
        assert_eq!(after(&[update(1, 2), update(3, 4), complete(2)]), (true, 4, 1));
        assert_eq!(
            after(&[complete(2), Reply::SnapshotPage(Vec::new()), update(2, 3), complete(3), update(3, 4)]),
            (true, 4, 0)
        );
    }
}
