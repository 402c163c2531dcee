//! When the roster is told: at once while things are quiet, and while they are not, all that has gathered in one go.

use super::doors::Output;
use super::timers::Timer;
use super::{Missed, Server};
use crate::id::ConnId;
use crate::time::Now;

impl Server {
    /// Tells the changes that nobody was told yet, unless the last time was only a moment ago, and sends copies of what
    /// was told last to those who may read one.
    pub(super) fn publish(&mut self, now: Now, out: &mut Vec<Output>) {
        if self.publish_from <= now.mono && self.is_news() {
            self.publish_from = now.mono + self.config.tick;
            self.changes.tell(out);
            self.copies.told();
        }
        let (most, time) = (self.config.max_copies, self.config.copy_time);
        // The copy is put together even if nobody may read it yet: their turn may come when it is too late for that.
        while self.copies.are_waiting()
            && let Some(frames) = self.changes.copy()
            && let Some(conn) = self.copies.next(now.mono, most, time)
        {
            // Counted from here on, because only now there is something that it could read.
            if let Some(online) = self.connections.online(conn) {
                online.refresh_from = now.mono + self.config.refresh_interval;
                out.push(Output::Copy { conn, frames });
            } else {
                self.copies.forget(conn);
            }
        }
        let telling = self.is_news().then_some(self.publish_from);
        let reading = self.changes.copy().and_then(|_| self.copies.due(now.mono, most));
        match telling.into_iter().chain(reading).min() {
            Some(due) => self.timers.set(Timer::Publish, due.max(now.mono)),
            None => self.timers.cancel(Timer::Publish),
        }
    }

    /// Whether there is something to tell, to everybody or to somebody who came.
    fn is_news(&self) -> bool {
        self.changes.are_untold() || self.copies.are_new()
    }

    /// A connection has read all that it was sent. If that was less than it should have been told, it gets a copy.
    pub(super) fn drained(&mut self, conn: ConnId, missed: Missed) {
        self.copies.drained(conn);
        if missed == Missed::Changes && self.connections.online(conn).is_some() {
            self.copies.want(conn);
        }
    }
}
