//! When the roster is told: at once while things are quiet, and while they are not, all that has gathered in one go.

use super::doors::Output;
use super::timers::Timer;
use super::{Missed, Server};
use crate::id::ConnId;
use crate::time::Now;

impl Server {
    /// Tells the changes that nobody was told yet, and sends copies to those who wait for one, unless the last time
    /// was only a moment ago.
    pub(super) fn publish(&mut self, now: Now, out: &mut Vec<Output>) {
        let (most, time) = (self.config.max_copies, self.config.copy_time);
        let copies_due = self.copies.due(now.mono, most);
        let due = if self.changes.are_untold() { Some(now.mono) } else { copies_due };
        let Some(due) = due else { return self.timers.cancel(Timer::Publish) };
        let due = due.max(self.publish_from);
        if now.mono < due {
            return self.timers.set(Timer::Publish, due);
        }
        self.publish_from = now.mono + self.config.tick;
        self.changes.tell(out);
        while let Some(conn) = self.copies.next(now.mono, most, time) {
            // Counted from here on, because only now there is something that it could read.
            if let Some(online) = self.connections.online(conn) {
                online.refresh_from = now.mono + self.config.refresh_interval;
                out.push(Output::Copy { conn, frames: self.changes.copy() });
            } else {
                self.copies.forget(conn);
            }
        }
        match self.copies.due(now.mono, most) {
            Some(due) => self.timers.set(Timer::Publish, due.max(self.publish_from)),
            None => self.timers.cancel(Timer::Publish),
        }
    }

    /// A connection has read all that it was sent. If that was less than it should have been told, it gets a copy.
    pub(super) fn drained(&mut self, conn: ConnId, missed: Missed) {
        self.copies.drained(conn);
        if missed == Missed::Changes && self.connections.online(conn).is_some() {
            self.copies.want(conn);
        }
    }
}
