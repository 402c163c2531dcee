//! What a client sees of the roster, by the same rules as the real client's copy: a copy comes in pages, changes that
//! come meanwhile are made afterwards unless the copy holds them, and otherwise each change has to join the one before.

use chat_core::id::{Epoch, Revision};
use chat_core::roster::{Change, Roster, RosterVersion};
use chat_core::wire::Malformed;
use chat_core::wire::control::Reply;

use super::peek_reply::PeekReply;

/// How much a client looks at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Looking {
    /// It keeps a roster, entry by entry.
    Closely,
    /// It counts entries and follows the numbers of changes.
    Counting,
}

/// What a client sees.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) looking: Looking,
    pub(crate) epoch: Epoch,
    pub(crate) revision: Revision,
    /// Whether it has had a whole copy on this connection, or what it had missed.
    pub(crate) is_whole: bool,
    /// The entries of the last copy, and the revision that it showed.
    pub(crate) copied: u64,
    pub(crate) copied_at: Revision,
    /// The changes that were made.
    pub(crate) changes: u64,
    /// Updates that did not join.
    pub(crate) gaps: u64,
    /// For who looks closely.
    pub(crate) roster: Roster,
    loading: Option<Loading>,
    /// The revision at which nothing is missed any more.
    missed_to: Option<Revision>,
}

/// A copy as far as it came, and what came meanwhile.
#[derive(Debug, Default)]
struct Loading {
    entries: u64,
    roster: Roster,
    held: Vec<Part>,
}

/// An update; without its changes for who only counts.
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

    /// How far it is, if it was whole and nothing is wrong with it: what a client says when it comes back.
    pub(crate) fn step(&self) -> Option<RosterVersion> {
        let was_whole = self.is_whole || self.missed_to.is_some();
        let is_known = was_whole && self.loading.is_none() && self.gaps == 0;
        is_known.then_some(RosterVersion { epoch: self.epoch, revision: self.revision })
    }

    /// A new connection: a copy comes, or what was `missed` up to a step.
    pub(crate) fn begin(&mut self, missed: Option<RosterVersion>) {
        match missed {
            None => {
                (self.is_whole, self.missed_to) = (false, None);
                self.loading = Some(Loading::default());
            }
            Some(to) => {
                // What does not go on from here is as bad as an update that does not.
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

    /// Follows the roster by one page, update or end of a copy; `payload` is all of it for who looks closely.
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

    /// Makes the changes of an update that are not made yet: its numbers tell which.
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

    /// Whether it is whole, its revision, and its gaps.
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
        assert_eq!(all[0], all[1], "both look at the same numbers");
        all[0]
    }

    #[test]
    fn what_was_missed_makes_it_whole_again() {
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
        assert!(view.is_whole, "nothing was missed");
        view.begin(Some(step(1, 5)));
        see(&mut view, &update(3, 4));
        assert_eq!((view.is_whole, view.step()), (false, Some(step(1, 4))), "half of it");
        see(&mut view, &update(4, 5));
        assert_eq!((view.is_whole, view.step(), view.gaps), (true, Some(step(1, 5)), 0));
        view.begin(Some(step(2, 5)));
        assert_eq!(view.gaps, 1, "of another run");
    }

    #[test]
    fn changes_join_the_copy_and_each_other() {
        assert_eq!(after(&[Reply::SnapshotPage(Vec::new())]), (false, 0, 0));
        assert_eq!(after(&[Reply::SnapshotPage(Vec::new()), complete(3), update(3, 4), update(4, 9)]), (true, 9, 0));
        assert_eq!(after(&[complete(3), update(1, 5), update(5, 6)]), (true, 6, 0));
        assert_eq!(after(&[complete(3), update(4, 5)]), (true, 5, 1));
    }

    #[test]
    fn what_comes_while_a_copy_loads_is_made_afterwards_unless_the_copy_holds_it() {
        assert_eq!(after(&[update(1, 2), update(2, 4), complete(2)]), (true, 4, 0));
        assert_eq!(after(&[update(1, 2), update(3, 4), complete(2)]), (true, 4, 1));
        assert_eq!(
            after(&[complete(2), Reply::SnapshotPage(Vec::new()), update(2, 3), complete(3), update(3, 4)]),
            (true, 4, 0)
        );
    }
}
