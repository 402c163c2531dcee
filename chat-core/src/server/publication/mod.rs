//! Publication: pending changes go to every session, immediately while changes are rare, and otherwise together with
//! the changes that follow. A session that begins and ends meanwhile is not published. A connection that needs the
//! whole roster gets a snapshot of the published version.

mod condense;
mod frames;
mod publish_interval;
mod roster_log;
mod snapshots;
mod update_log;

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;

pub use self::publish_interval::PublishInterval;
use self::publish_interval::PublishSchedule;
use self::roster_log::RosterLog;
use self::snapshots::Snapshots;
use super::config::ServerConfig;
use super::cx::Cx;
use super::io::Output;
use super::timer::Timer;
use crate::id::{ConnId, Epoch, Revision};
use crate::roster::{Change, Entry, Roster, RosterVersion};
use crate::time::{Mono, Timestamp};

/// The roster, and what each connection is sent of it.
#[derive(Debug)]
pub(super) struct Publication {
    log: RosterLog,
    schedule: PublishSchedule,
    snapshots: Snapshots,
    /// Whether nothing is published for now.
    is_held: bool,
}

impl Publication {
    /// An empty roster at revision 0.
    pub(super) fn new(epoch: Epoch, config: &ServerConfig) -> Self {
        Self {
            log: RosterLog::new(epoch, config.max_update_log),
            schedule: PublishSchedule::default(),
            snapshots: Snapshots::default(),
            is_held: false,
        }
    }

    /// Gives changes their final revisions when they are made, from now on. None is left out.
    pub(super) fn number_when_made(&mut self) {
        self.log.number_when_made();
    }

    /// Empties the roster. The caller [restarts](Self::restart) it once it is filled again.
    pub(super) fn clear(&mut self) {
        self.log.clear();
    }

    /// Continues at another version, with the same roster. Pending changes are not published: every session needs a
    /// snapshot.
    pub(super) fn restart(&mut self, version: RosterVersion) {
        self.log.restart(version);
    }

    /// Begins the update log with changes that were made before and that have led to this roster. None is pending.
    pub(super) fn recall(&mut self, changes: &[(Timestamp, Change)]) {
        self.log.recall(changes);
    }

    /// Writes the pending changes to the presence log, and drops them.
    pub(super) fn record_pending(&mut self, out: &mut Vec<Output>) {
        self.log.record_pending(out);
    }

    /// Publishes nothing until it is released.
    pub(super) fn hold(&mut self) {
        self.is_held = true;
    }

    /// Publishes again.
    pub(super) fn release(&mut self) {
        self.is_held = false;
    }

    pub(super) fn is_held(&self) -> bool {
        self.is_held
    }

    pub(super) fn epoch(&self) -> Epoch {
        self.log.epoch()
    }

    pub(super) fn roster(&self) -> &Roster {
        self.log.roster()
    }

    /// The revision of the last change. If it is pending, the highest that it may get.
    pub(super) fn revision(&self) -> Revision {
        self.log.revision()
    }

    /// The version of the roster that is published.
    pub(super) fn published(&self) -> RosterVersion {
        self.log.published()
    }

    /// The number of pending changes.
    #[cfg(test)]
    pub(super) fn pending(&self) -> usize {
        self.log.pending()
    }

    /// Makes one change, which is pending until it is published. Only `Membership::apply` calls this.
    pub(super) fn make(&mut self, at: Timestamp, change: Change) {
        self.log.make(at, change);
    }

    /// Lets a user go away or come back: `entry` replaces the one of the same session. It is pending until it is
    /// published. Only `Membership::apply` calls this.
    pub(super) fn make_away(&mut self, at: Timestamp, entry: Entry) {
        self.log.make_away(at, entry);
    }

    /// The frames that lead from `version` to the published one, if the update log has them and a snapshot is longer.
    /// None of them begins before `arrival`, when the session of the client was not online yet.
    pub(super) fn delta(&mut self, version: RosterVersion, arrival: Revision) -> Option<Arc<[Bytes]>> {
        let begins_later = self.log.delta_begin(version).is_some_and(|begin| begin >= arrival);
        if begins_later { self.log.delta(version) } else { None }
    }

    /// The connection needs a snapshot.
    pub(super) fn want_snapshot(&mut self, conn: ConnId) {
        self.snapshots.want(conn);
    }

    /// The connection has read everything that it was sent.
    pub(super) fn drained(&mut self, conn: ConnId) {
        self.snapshots.drained(conn);
    }

    /// Forgets a connection that is removed.
    pub(super) fn remove(&mut self, conn: ConnId) {
        self.snapshots.remove(conn);
    }

    /// Publishes the pending changes if they are due, and sets the timer for those that are not.
    pub(super) fn publish_due(&mut self, cx: &mut Cx<'_>) {
        let now = cx.now.mono;
        self.schedule.set_pending(now, self.log.pending());
        if self.due(cx.config).is_some_and(|at| at <= now) {
            self.schedule.published(now);
            self.log.publish(cx.out);
        }
        match self.due(cx.config) {
            Some(due) => cx.timers.set(Timer::Publish, due.max(now)),
            None => cx.timers.cancel(Timer::Publish),
        }
    }

    /// Publishes the pending changes now, for the last time.
    pub(super) fn publish_last(&mut self, out: &mut Vec<Output>) {
        self.log.publish(out);
    }

    /// The frames of a snapshot, and the connections that are to get it now. They count as reading it from here on.
    /// `None` if no connection needs one, or if changes are pending: their publication comes first.
    pub(super) fn take_snapshot(&mut self) -> Option<(Arc<[Bytes]>, BTreeSet<ConnId>)> {
        if self.is_held || !self.snapshots.are_wanted() {
            return None;
        }
        let frames = self.log.snapshot()?;
        Some((frames, self.snapshots.take_wanted()))
    }

    /// When the pending changes are to be published. `None` if there are none.
    fn due(&self, config: &ServerConfig) -> Option<Mono> {
        (self.log.pending() > 0 && !self.is_held)
            .then(|| self.schedule.due(&config.publish_interval, self.roster().len()))
    }
}
