//! When the roster is told: at once while things are quiet, and while they are not, all that has gathered in one go.

use super::io::Output;
use super::timer::Timer;
use super::{Missed, Server};
use crate::id::ConnId;
use crate::time::{Mono, Now};

impl Server {
    /// Tells the changes that nobody was told yet, unless the last time was only a moment ago, and sends copies of what
    /// was told last to those who may read one.
    pub(super) fn publish(&mut self, now: Now, out: &mut Vec<Output>) {
        self.pace.wait(now.mono, self.roster_log.pending());
        let telling = self.telling();
        if telling.is_some_and(|at| at <= now.mono) {
            self.pace.told(now.mono);
            self.roster_log.publish(out);
        }
        // Who comes while there is nothing to tell needs not wait.
        if self.roster_log.pending() == 0 && self.copies.are_new() {
            self.copies.told();
        }
        let (most, time) = (self.config.max_copies.max(1), self.config.copy_time);
        // The copy is put together even if nobody may read it yet: their turn may come when it is too late for that.
        while self.copies.are_waiting()
            && let Some(frames) = self.roster_log.snapshot()
            && let Some(conn) = self.copies.next(now.mono, most, time)
        {
            // Counted from here on, because only now there is something that it could read.
            if let Some(online) = self.connections.online(conn) {
                online.refresh_from = now.mono + self.config.refresh_interval;
                out.push(Output::Snapshot { conn, frames });
            } else {
                self.copies.forget(conn);
            }
        }
        // Without anybody who waits for it no copy is put together.
        let reading = self.copies.due(now.mono, most).filter(|_| self.roster_log.snapshot().is_some());
        match self.telling().into_iter().chain(reading).min() {
            Some(due) => self.timers.set(Timer::Publish, due.max(now.mono)),
            None => self.timers.cancel(Timer::Publish),
        }
    }

    /// When everybody is told, if there is something to tell: at once after a while of quiet.
    fn telling(&self) -> Option<Mono> {
        (self.roster_log.pending() > 0).then(|| self.pace.due(&self.config.pace, self.roster().len()))
    }

    /// A connection has read all that it was sent. If that was less than it should have been told, it gets a copy.
    pub(super) fn drained(&mut self, conn: ConnId, missed: Missed) {
        self.copies.drained(conn);
        if missed == Missed::Changes && self.connections.online(conn).is_some() {
            self.copies.want(conn);
        }
    }
}
