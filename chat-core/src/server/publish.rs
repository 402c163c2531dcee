//! When the roster is told: at once while things are quiet, and while they are not, all that has gathered in one go.

use super::doors::Output;
use super::timers::Timer;
use super::{Missed, Server};
use crate::id::ConnId;
use crate::time::{Mono, Now};

/// Changes are few if there are more readers than this for each of them.
const READERS_FOR_EACH: usize = 100;

impl Server {
    /// Tells the changes that nobody was told yet, unless the last time was only a moment ago, and sends copies of what
    /// was told last to those who may read one.
    pub(super) fn publish(&mut self, now: Now, out: &mut Vec<Output>) {
        if self.telling(now).is_some_and(|at| at <= now.mono) {
            self.told_at = Some(now.mono);
            self.changes.tell(out);
            self.copies.told();
        }
        let (most, time) = (self.config.max_copies.max(1), self.config.copy_time);
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
        let telling = self.telling(now);
        // Without anybody who waits for it no copy is put together.
        let reading = self.copies.due(now.mono, most).filter(|_| self.changes.copy().is_some());
        match telling.into_iter().chain(reading).min() {
            Some(due) => self.timers.set(Timer::Publish, due.max(now.mono)),
            None => self.timers.cancel(Timer::Publish),
        }
    }

    /// When there is something to tell, to everybody or to somebody who came: at once after a while of quiet.
    fn telling(&self, now: Now) -> Option<Mono> {
        let (untold, sessions) = (self.changes.untold(), self.roster().len());
        if untold == 0 && !self.copies.are_new() {
            return None;
        }
        let are_few = untold > 0 && untold * READERS_FOR_EACH < sessions;
        let pause = if are_few {
            self.config.long_tick
        } else {
            let for_all = self.config.tick_per_session.saturating_mul(u32::try_from(sessions).unwrap_or(u32::MAX));
            for_all.max(self.config.tick)
        };
        Some(self.told_at.map_or(now.mono, |last| last + pause))
    }

    /// A connection has read all that it was sent. If that was less than it should have been told, it gets a copy.
    pub(super) fn drained(&mut self, conn: ConnId, missed: Missed) {
        self.copies.drained(conn);
        if missed == Missed::Changes && self.connections.online(conn).is_some() {
            self.copies.want(conn);
        }
    }
}
