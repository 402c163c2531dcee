//! A snapshot while it is being received, and the deadline for the rest of it.

use std::time::Duration;

use crate::roster::{Roster, Update};
use crate::time::Mono;

/// The most changes that are buffered during a snapshot, about 1 MB. Beyond that the older ones are dropped, and the
/// finished snapshot turns out to have a gap.
const MAX_BUFFERED_CHANGES: usize = 4_096;

/// How long a server that answers heartbeats may take for a snapshot or delta in all. 5 minutes: a server that sends ten
/// thousand snapshots at the same time needs one minute on a slow network.
const MAX_SYNC_TIME: Duration = Duration::from_mins(5);

/// The part of a snapshot that has arrived.
#[derive(Debug)]
pub(super) struct PartialSnapshot {
    pub(super) entries: Roster,
    /// Updates that arrived in between. Those that the snapshot does not contain are applied to it at the end.
    buffered: Vec<Update>,
    buffered_changes: usize,
    /// For the next page.
    pub(super) deadline: SyncDeadline,
}

impl PartialSnapshot {
    /// A snapshot of which nothing has arrived. The first page must arrive before `deadline`.
    pub(super) fn new(deadline: Mono) -> Self {
        let deadline = SyncDeadline::new(deadline);
        Self { entries: Roster::new(), buffered: Vec::new(), buffered_changes: 0, deadline }
    }

    /// Keeps an update until the snapshot is complete. If there are too many, only the last one is kept: it reveals the
    /// gap.
    pub(super) fn buffer(&mut self, update: Update) {
        // An update without changes costs memory, too.
        let changes = 1 + update.changes.len();
        if self.buffered_changes + changes > MAX_BUFFERED_CHANGES {
            self.buffered = Vec::new();
            self.buffered_changes = 0;
        }
        self.buffered_changes += changes;
        self.buffered.push(update);
    }

    /// The entries and the buffered updates.
    pub(super) fn into_parts(self) -> (Roster, Vec<Update>) {
        (self.entries, self.buffered)
    }
}

/// When more of a snapshot or delta must have arrived.
#[derive(Debug)]
pub(super) struct SyncDeadline {
    deadline: Mono,
    /// Heartbeats postpone the deadline no further than this.
    limit: Mono,
}

impl SyncDeadline {
    /// The first part must arrive before `deadline`.
    pub(super) fn new(deadline: Mono) -> Self {
        Self { deadline, limit: deadline + MAX_SYNC_TIME }
    }

    /// A part arrived. The next must arrive before `deadline`.
    pub(super) fn restart(&mut self, deadline: Mono) {
        self.deadline = deadline;
    }

    /// Postpones the deadline after a stall of the client.
    pub(super) fn extend(&mut self, deadline: Mono) {
        self.deadline = self.deadline.max(deadline);
    }

    /// Postpones the deadline after a heartbeat of the server, up to the limit.
    pub(super) fn extend_within_limit(&mut self, deadline: Mono) {
        self.deadline = self.deadline.max(deadline.min(self.limit));
    }

    pub(super) fn get(&self) -> Mono {
        self.deadline
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{Epoch, Revision};

    #[test]
    fn when_too_many_updates_are_buffered_only_the_last_is_kept() {
        let update = |to: u64| Update {
            epoch: Epoch::new(1),
            from: Revision::new(to - 1),
            to: Revision::new(to),
            changes: Vec::new(),
        };
        let most = MAX_BUFFERED_CHANGES as u64;
        let mut snapshot = PartialSnapshot::new(Mono::at(Duration::ZERO));
        (1..=most).for_each(|to| snapshot.buffer(update(to)));
        assert_eq!(snapshot.buffered.len(), MAX_BUFFERED_CHANGES);
        snapshot.buffer(update(most + 1));
        assert_eq!(snapshot.into_parts().1, [update(most + 1)]);
    }
}
