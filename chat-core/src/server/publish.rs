//! Publication: immediately while the room is quiet, and otherwise together with the changes that follow.

use super::io::Output;
use super::timer::Timer;
use super::{Missed, Server};
use crate::id::ConnId;
use crate::time::{Mono, Now};

impl Server {
    /// Publishes the pending changes if they are due, and sends a snapshot to the connections that want one.
    pub(super) fn publish(&mut self, now: Now, out: &mut Vec<Output>) {
        self.schedule.set_pending(now.mono, self.roster_log.pending());
        if self.due().is_some_and(|at| at <= now.mono) {
            self.schedule.published(now.mono);
            self.roster_log.publish(out);
        }
        if self.snapshots.are_wanted()
            && let Some(frames) = self.roster_log.snapshot()
        {
            for conn in self.snapshots.take_wanted() {
                // Counted from here on, because only now there is something that the client can read.
                if let Some(online) = self.connections.online(conn) {
                    online.refresh_from = now.mono + self.config.refresh_interval;
                    out.push(Output::Snapshot { conn, frames: frames.clone() });
                } else {
                    self.snapshots.remove(conn);
                }
            }
        }
        match self.due() {
            Some(due) => self.timers.set(Timer::Publish, due.max(now.mono)),
            None => self.timers.cancel(Timer::Publish),
        }
    }

    /// The time of the next publication, if changes are pending.
    fn due(&self) -> Option<Mono> {
        (self.roster_log.pending() > 0).then(|| self.schedule.due(&self.config.publish_interval, self.roster().len()))
    }

    /// A connection has read everything that it was sent. If it missed broadcasts, it gets a snapshot.
    pub(super) fn drained(&mut self, conn: ConnId, missed: Missed) {
        self.snapshots.drained(conn);
        if missed == Missed::Changes && self.connections.online(conn).is_some() {
            self.snapshots.want(conn);
        }
    }
}
