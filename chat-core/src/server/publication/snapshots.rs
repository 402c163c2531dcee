//! Which connections want a snapshot, and which are still reading one.

use std::collections::{BTreeMap, BTreeSet};

use crate::id::ConnId;

/// Connections that are to get a snapshot. All of them get it at the next opportunity and share its memory.
///
/// A connection gets no snapshot before it has read the last one. A snapshot is encoded at most once per publication,
/// and lives until its slowest reader has read it or counts as too slow. The driver's time limit for clients that do
/// not read, divided by the publish interval, therefore bounds the number of snapshots.
#[derive(Debug, Default)]
pub(super) struct Snapshots {
    wanted: BTreeSet<ConnId>,
    /// Connections that have not read their last snapshot.
    reading: BTreeMap<ConnId, Then>,
}

/// What follows once a connection has read its snapshot.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Then {
    Nothing,
    AnotherSnapshot,
}

impl Snapshots {
    /// The connection is to get a snapshot.
    pub(super) fn want(&mut self, conn: ConnId) {
        match self.reading.get_mut(&conn) {
            Some(then) => *then = Then::AnotherSnapshot,
            None => drop(self.wanted.insert(conn)),
        }
    }

    /// Whether a connection can be sent a snapshot now.
    pub(super) fn are_wanted(&self) -> bool {
        !self.wanted.is_empty()
    }

    /// The connections that can be sent a snapshot now. They count as reading it from here on.
    pub(super) fn take_wanted(&mut self) -> BTreeSet<ConnId> {
        let wanted = std::mem::take(&mut self.wanted);
        self.reading.extend(wanted.iter().map(|conn| (*conn, Then::Nothing)));
        wanted
    }

    /// The connection has read everything that it was sent.
    pub(super) fn drained(&mut self, conn: ConnId) {
        if self.reading.remove(&conn) == Some(Then::AnotherSnapshot) {
            self.wanted.insert(conn);
        }
    }

    /// Removes a connection that is closed.
    pub(super) fn remove(&mut self, conn: ConnId) {
        self.wanted.remove(&conn);
        self.reading.remove(&conn);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(snapshots: &mut Snapshots) -> Vec<u64> {
        assert_eq!(snapshots.are_wanted(), !snapshots.wanted.is_empty());
        snapshots.take_wanted().into_iter().map(ConnId::get).collect()
    }

    #[test]
    fn all_that_want_a_snapshot_get_it_together() {
        let mut snapshots = Snapshots::default();
        for conn in [3, 1, 2, 1] {
            snapshots.want(ConnId::new(conn));
        }
        assert_eq!(take(&mut snapshots), [1, 2, 3]);
        assert_eq!(take(&mut snapshots), [0; 0]);
    }

    #[test]
    fn a_connection_gets_no_snapshot_before_it_has_read_the_last_one() {
        let mut snapshots = Snapshots::default();
        snapshots.want(ConnId::new(1));
        assert_eq!(take(&mut snapshots), [1]);
        snapshots.want(ConnId::new(1));
        snapshots.want(ConnId::new(2));
        assert_eq!(take(&mut snapshots), [2], "which another connection need not wait for");
        snapshots.drained(ConnId::new(1));
        assert_eq!(take(&mut snapshots), [1]);
        snapshots.drained(ConnId::new(1));
        assert_eq!(take(&mut snapshots), [0; 0]);
    }

    #[test]
    fn nothing_is_kept_of_a_closed_connection() {
        let mut snapshots = Snapshots::default();
        snapshots.want(ConnId::new(1));
        assert_eq!(take(&mut snapshots), [1]);
        snapshots.want(ConnId::new(1));
        snapshots.want(ConnId::new(2));
        for conn in 1..=2 {
            snapshots.remove(ConnId::new(conn));
        }
        assert_eq!(format!("{snapshots:?}"), format!("{:?}", Snapshots::default()));
    }
}
