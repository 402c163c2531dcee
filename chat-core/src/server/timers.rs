//! When the machine wants to be called again, on a clock that leaves out the time in which it stood still.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::id::{AccountId, ConnId};
use crate::time::Mono;

/// What a deadline is for.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Timer {
    /// A connection has to log in.
    LogIn(ConnId),
    /// A connection has to say something.
    Silence(ConnId),
    /// A connection gets a new ticket.
    Renew(ConnId),
    /// A connection gets the fresh copy that it asked for too early.
    Refresh(ConnId),
    /// A change of addresses that came too early is made.
    Move(ConnId),
    /// A broken session is lost.
    Grace(AccountId),
    /// The accounts are asked for changes.
    Poll,
    /// The accounts are told who is online.
    Seen,
    /// Everybody is told of the roster.
    Publish,
}

/// At most one deadline for each timer.
#[derive(Debug, Default)]
pub(super) struct Timers {
    order: BTreeSet<(Mono, Timer)>,
    at: BTreeMap<Timer, Mono>,
}

impl Timers {
    /// Sets the deadline of `timer`, in place of an earlier one.
    pub(super) fn set(&mut self, timer: Timer, at: Mono) {
        match self.at.insert(timer, at) {
            Some(before) if before == at => return,
            Some(before) => drop(self.order.remove(&(before, timer))),
            None => {}
        }
        self.order.insert((at, timer));
    }

    /// Takes the deadline of `timer` away, if there is one.
    pub(super) fn cancel(&mut self, timer: Timer) {
        if let Some(at) = self.at.remove(&timer) {
            self.order.remove(&(at, timer));
        }
    }

    /// Takes the earliest timer out if its deadline has come.
    pub(super) fn pop(&mut self, now: Mono) -> Option<Timer> {
        let (_, timer) = *self.order.first().filter(|(at, _)| *at <= now)?;
        self.cancel(timer);
        Some(timer)
    }

    /// The earliest deadline.
    pub(super) fn next(&self) -> Option<Mono> {
        self.order.first().map(|(at, _)| *at)
    }

    /// How many are set.
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }
}

/// The machine's own time: the driver's, without the times in which the machine stood still.
#[derive(Debug)]
pub(super) struct Clock {
    left_out: Duration,
    last: Mono,
    stall: Duration,
}

impl Clock {
    /// A clock that starts with the driver's.
    pub(super) fn new(start: Mono, stall: Duration) -> Self {
        Self { left_out: Duration::ZERO, last: start, stall }
    }

    /// The machine's time. If `next`, the earliest deadline, has passed by more than the stall time, then the machine
    /// stood still at some time since it was last called, and none of the time since then counts.
    pub(super) fn read(&mut self, driver: Mono, next: Option<Mono>) -> Mono {
        let mut now = Mono::at(driver.since(Mono::ZERO).saturating_sub(self.left_out)).max(self.last);
        if let Some(next) = next
            && now.since(next) > self.stall
        {
            let resumed = self.last.min(next);
            self.left_out += now.since(resumed);
            now = resumed;
        }
        self.last = now;
        now
    }

    /// The driver's time for a time of the machine.
    pub(super) fn driver(&self, time: Mono) -> Mono {
        time + self.left_out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Mono {
        Mono::at(Duration::from_secs(seconds))
    }

    #[test]
    fn timers_come_in_the_order_of_their_deadlines_and_once() {
        let mut timers = Timers::default();
        timers.set(Timer::Poll, at(9));
        timers.set(Timer::Seen, at(2));
        timers.set(Timer::Silence(ConnId::new(1)), at(3));
        timers.set(Timer::Poll, at(1));
        timers.cancel(Timer::Silence(ConnId::new(1)));
        assert_eq!((timers.next(), timers.len()), (Some(at(1)), 2));
        assert_eq!(timers.pop(at(0)), None);
        assert_eq!(
            [timers.pop(at(2)), timers.pop(at(2)), timers.pop(at(2))],
            [Some(Timer::Poll), Some(Timer::Seen), None]
        );
        assert_eq!((timers.next(), timers.at.len()), (None, 0));
    }

    #[test]
    fn a_delay_up_to_the_stall_time_counts_and_a_longer_one_does_not() {
        let mut clock = Clock::new(at(100), Duration::from_secs(2));
        assert_eq!(clock.read(at(104), Some(at(105))), at(104));
        assert_eq!(clock.read(at(107), Some(at(105))), at(107), "2 s late");
        assert_eq!(clock.read(at(3_600), Some(at(110))), at(107), "an hour late: as if no time had passed");
        assert_eq!(clock.driver(at(110)), at(3_603));
        assert_eq!(clock.read(at(3_603), Some(at(110))), at(110));
    }

    #[test]
    fn a_clock_without_deadlines_never_stands_still_and_never_goes_back() {
        let mut clock = Clock::new(at(1), Duration::from_secs(2));
        assert_eq!(clock.read(at(9_000), None), at(9_000));
        assert_eq!(clock.read(at(8_000), None), at(9_000));
    }
}
