//! What a client sees of the roster, by the same rules as the real client's copy: a copy comes in pages, changes that
//! come meanwhile are made afterwards unless the copy holds them, and otherwise each change has to join the one before.

use chat_core::id::{Epoch, Revision};
use chat_core::roster::{Change, Roster};
use chat_core::wire::Malformed;
use chat_core::wire::control::Reply;

use super::glance::Glance;

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
    /// Whether it has had a whole copy on this connection.
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
}

/// A copy as far as it came, and what came meanwhile.
#[derive(Debug, Default)]
struct Loading {
    entries: u64,
    roster: Roster,
    held: Vec<Step>,
}

/// An update; without its changes for who only counts.
#[derive(Debug)]
struct Step {
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
        }
    }

    /// A new connection: a copy comes.
    pub(crate) fn begin(&mut self) {
        self.is_whole = false;
        self.loading = Some(Loading::default());
    }

    /// Follows the roster by one page, update or end of a copy; `payload` is all of it for who looks closely.
    pub(crate) fn see(&mut self, part: &Glance, payload: &[u8]) -> Result<(), Malformed> {
        let reply = match self.looking {
            Looking::Closely => Some(Reply::decode(payload)?),
            Looking::Counting => None,
        };
        match *part {
            Glance::Page(entries) => {
                let loading = self.loading.get_or_insert_default();
                loading.entries += u64::from(entries);
                if let Some(Reply::Page(entries)) = reply {
                    entries.into_iter().for_each(|entry| drop(loading.roster.insert(entry)));
                }
            }
            Glance::Complete(epoch, revision) => {
                let loading = self.loading.take().unwrap_or_default();
                (self.epoch, self.revision) = (epoch, revision);
                (self.copied, self.copied_at) = (loading.entries, revision);
                self.roster = loading.roster;
                self.is_whole = true;
                loading.held.into_iter().filter(|step| step.epoch == epoch).for_each(|step| self.make(step));
            }
            Glance::Update(epoch, from, to) => {
                let changes = match reply {
                    Some(Reply::Update(update)) => update.changes.into_iter().map(|(_, change)| change).collect(),
                    _ => Vec::new(),
                };
                let step = Step { epoch, from, to, changes };
                match &mut self.loading {
                    Some(loading) => loading.held.push(step),
                    None => self.make(step),
                }
            }
            Glance::Other(_) => {}
        }
        Ok(())
    }

    /// Makes the changes of a step that are not made yet: its numbers tell which.
    fn make(&mut self, step: Step) {
        if step.epoch != self.epoch || step.from > self.revision {
            self.gaps += 1;
        } else if step.to <= self.revision {
            return;
        }
        let known = self.revision.get().saturating_sub(step.from.get());
        step.changes.iter().skip(known as usize).for_each(|change| self.roster.apply(change));
        self.changes += step.to.get().saturating_sub(step.from.get()).saturating_sub(known);
        (self.epoch, self.revision) = (step.epoch, step.to);
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
        Reply::Complete { epoch: Epoch::new(1), revision: Revision::new(revision) }
    }

    /// Whether it is whole, its revision, and its gaps.
    fn after(replies: &[Reply]) -> (bool, u64, u64) {
        let mut all = Vec::new();
        for looking in [Looking::Closely, Looking::Counting] {
            let mut view = View::new(looking);
            view.begin();
            for reply in replies {
                let mut bytes = Vec::new();
                chat_core::wire::frame::encode(reply, &mut bytes);
                view.see(&Glance::at(&bytes[4..]).unwrap(), &bytes[4..]).unwrap();
            }
            all.push((view.is_whole, view.revision.get(), view.gaps));
        }
        assert_eq!(all[0], all[1], "both look at the same numbers");
        all[0]
    }

    #[test]
    fn changes_join_the_copy_and_each_other() {
        assert_eq!(after(&[Reply::Page(Vec::new())]), (false, 0, 0));
        assert_eq!(after(&[Reply::Page(Vec::new()), complete(3), update(3, 4), update(4, 9)]), (true, 9, 0));
        assert_eq!(after(&[complete(3), update(1, 5), update(5, 6)]), (true, 6, 0));
        assert_eq!(after(&[complete(3), update(4, 5)]), (true, 5, 1));
    }

    #[test]
    fn what_comes_while_a_copy_loads_is_made_afterwards_unless_the_copy_holds_it() {
        assert_eq!(after(&[update(1, 2), update(2, 4), complete(2)]), (true, 4, 0));
        assert_eq!(after(&[update(1, 2), update(3, 4), complete(2)]), (true, 4, 1));
        assert_eq!(
            after(&[complete(2), Reply::Page(Vec::new()), update(2, 3), complete(3), update(3, 4)]),
            (true, 4, 0)
        );
    }
}
