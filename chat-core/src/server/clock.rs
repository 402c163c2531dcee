//! The machine's clock: the driver's clock without the stalls, during which the driver did not run the machine.

use std::time::Duration;

use crate::time::Mono;

/// Converts between the driver's time and the machine's.
///
/// The time for which a server was suspended or overloaded must not count as silence of its clients. If a call comes
/// more than the stall time after the deadline, the time since the previous call does not count.
#[derive(Debug)]
pub(super) struct StallClock {
    left_out: Duration,
    last: Mono,
    stall: Duration,
}

impl StallClock {
    /// A clock that starts with the driver's.
    pub(super) fn new(start: Mono, stall: Duration) -> Self {
        Self { left_out: Duration::ZERO, last: start, stall }
    }

    /// The machine's time for the driver's time `driver`. `deadline` is the machine's earliest deadline. If it passed
    /// more than the stall time ago, none of the time since the last call counts.
    pub(super) fn read(&mut self, driver: Mono, deadline: Option<Mono>) -> Mono {
        let mut now = Mono::at(driver.since(Mono::ZERO).saturating_sub(self.left_out)).max(self.last);
        if let Some(deadline) = deadline
            && now.since(deadline) > self.stall
        {
            let resumed = self.last.min(deadline);
            self.left_out += now.since(resumed);
            now = resumed;
        }
        self.last = now;
        now
    }

    /// The driver's time for the machine's time `time`.
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
    fn a_delay_up_to_the_stall_time_counts_and_a_longer_one_does_not() {
        let mut clock = StallClock::new(at(100), Duration::from_secs(2));
        assert_eq!(clock.read(at(104), Some(at(105))), at(104));
        assert_eq!(clock.read(at(107), Some(at(105))), at(107), "2 s late");
        assert_eq!(clock.read(at(3_600), Some(at(110))), at(107), "an hour late: as if no time had passed");
        assert_eq!(clock.driver(at(110)), at(3_603));
        assert_eq!(clock.read(at(3_603), Some(at(110))), at(110));
    }

    #[test]
    fn a_clock_without_deadlines_neither_stalls_nor_goes_back() {
        let mut clock = StallClock::new(at(1), Duration::from_secs(2));
        assert_eq!(clock.read(at(9_000), None), at(9_000));
        assert_eq!(clock.read(at(8_000), None), at(9_000));
    }
}
