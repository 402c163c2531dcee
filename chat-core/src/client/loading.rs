//! A fresh copy of the roster while it comes, and how long that may take.

use std::time::Duration;

use crate::roster::{Roster, Update};
use crate::time::Mono;

/// The most changes that are kept while a copy loads, about 1 MB. If more come, those before are forgotten and the
/// finished copy turns out to be out of step.
const MAX_HELD_CHANGES: usize = 4_096;

/// For how long a server that answers heartbeats may leave us waiting for a copy in all: one that has ten thousand to
/// send at once takes a minute on a slow line.
const LONGEST_WAIT: Duration = Duration::from_mins(5);

/// A fresh copy, as far as it came.
#[derive(Debug)]
pub(super) struct Loading {
    pub(super) entries: Roster,
    /// Updates that came meanwhile; those that the copy does not hold already are made afterwards.
    held: Vec<Update>,
    held_changes: usize,
    /// For the next page.
    pub(super) wait: Wait,
}

impl Loading {
    /// A copy of which nothing came yet; the first page must come before `until`.
    pub(super) fn new(until: Mono) -> Self {
        Self { entries: Roster::new(), held: Vec::new(), held_changes: 0, wait: Wait::new(until) }
    }

    /// Keeps an update that came meanwhile. Of too many only the last, which shows that some are missing.
    pub(super) fn hold(&mut self, update: Update) {
        // An update without a change costs memory too.
        let changes = 1 + update.changes.len();
        if self.held_changes + changes > MAX_HELD_CHANGES {
            self.held = Vec::new();
            self.held_changes = 0;
        }
        self.held_changes += changes;
        self.held.push(update);
    }

    /// The entries, and the updates that came meanwhile.
    pub(super) fn into_parts(self) -> (Roster, Vec<Update>) {
        (self.entries, self.held)
    }
}

/// Something that the server owes us.
#[derive(Debug)]
pub(super) struct Wait {
    /// When more of it must have come.
    until: Mono,
    /// Until when heartbeats may put that off.
    at_most: Mono,
}

impl Wait {
    /// It must have begun to come before `until`.
    pub(super) fn new(until: Mono) -> Self {
        Self { until, at_most: until + LONGEST_WAIT }
    }

    /// Some of it came, and more must come before `until`.
    pub(super) fn until(&mut self, until: Mono) {
        self.until = until;
    }

    /// It is our own fault that we could not see whether more came: not before `until` is it late.
    pub(super) fn forgive(&mut self, until: Mono) {
        self.until = self.until.max(until);
    }

    /// The server is there and may take until `until`, though not for ever.
    pub(super) fn hope(&mut self, until: Mono) {
        self.until = self.until.max(until.min(self.at_most));
    }

    /// When it is late.
    pub(super) fn end(&self) -> Mono {
        self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{Epoch, Revision};

    #[test]
    fn of_too_many_updates_the_last_is_kept() {
        let update = |to: u64| Update {
            epoch: Epoch::new(1),
            from: Revision::new(to - 1),
            to: Revision::new(to),
            changes: Vec::new(),
        };
        let most = MAX_HELD_CHANGES as u64;
        let mut loading = Loading::new(Mono::at(Duration::ZERO));
        (1..=most).for_each(|to| loading.hold(update(to)));
        assert_eq!(loading.held.len(), MAX_HELD_CHANGES);
        loading.hold(update(most + 1));
        assert_eq!(loading.into_parts().1, [update(most + 1)]);
    }
}
