//! An estimate of the server's clock from round trips.

use std::collections::VecDeque;
use std::time::Duration;

use crate::time::{Now, Timestamp};

/// The number of samples kept. 8 heartbeats span 80 s: long enough to include a fast round trip, short enough to follow
/// a drifting clock.
const WINDOW: usize = 8;

/// How far two samples may differ beyond their own error, to allow for rounding to milliseconds and for the drift of
/// both clocks over the window.
const SLACK_MS: u64 = 50;

/// Estimates how far the server's clock is ahead of the client's wall clock.
///
/// A round trip of length `rtt` gives the offset with an error of at most `rtt / 2`, however the delay is split between
/// the two directions. The estimate is that of the fastest of the last [`WINDOW`] round trips.
#[derive(Debug, Default)]
pub(super) struct ServerClock {
    samples: VecDeque<Sample>,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    /// Server time minus wall time, in milliseconds.
    offset: i64,
    rtt: Duration,
}

impl ServerClock {
    /// Adds a round trip: the server read its clock as `at` between `sent` and `received`.
    pub(super) fn add_round_trip(&mut self, sent: Now, received: Now, at: Timestamp) {
        let return_delay = received.mono.since(sent.mono) / 2;
        self.add_delayed_reply(sent, received, at, return_delay);
    }

    /// Adds a reply that the server delayed: it read its clock as `at` about `return_delay` before `received`. The
    /// sample counts with its whole round trip, so that any heartbeat takes precedence.
    pub(super) fn add_delayed_reply(&mut self, sent: Now, received: Now, at: Timestamp, return_delay: Duration) {
        let rtt = received.mono.since(sent.mono);
        // If the wall clock was set or the machine slept in between, the sample is worthless.
        let by_wall = received.wall.abs_diff(sent.wall);
        if millis(by_wall.abs_diff(rtt)) > SLACK_MS {
            return;
        }
        let sample = Sample { offset: difference(at + return_delay, received.wall), rtt };
        // If the sample and the best one differ by more than their errors explain, one of the clocks was set: start
        // over.
        if let Some(best) = self.best()
            && sample.offset.abs_diff(best.offset) > millis((sample.rtt + best.rtt) / 2).saturating_add(SLACK_MS)
        {
            self.samples.clear();
        }
        if self.samples.len() == WINDOW {
            self.samples.pop_front();
        }
        self.samples.push_back(sample);
    }

    /// Server time minus wall time in milliseconds, or 0 before the first sample.
    pub(super) fn offset(&self) -> i64 {
        self.best().map_or(0, |sample| sample.offset)
    }

    /// The estimated server time.
    pub(super) fn server_time(&self, now: Now) -> Timestamp {
        now.wall.offset_by(self.offset())
    }

    fn best(&self) -> Option<Sample> {
        self.samples.iter().copied().min_by_key(|sample| sample.rtt)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn difference(a: Timestamp, b: Timestamp) -> i64 {
    let difference = i128::from(a.as_millis()) - i128::from(b.as_millis());
    i64::try_from(difference).unwrap_or(if difference < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Mono;

    /// Both clocks after `millis`.
    fn at(millis: u64) -> Now {
        Now { mono: Mono::at(Duration::from_millis(millis)), wall: Timestamp::from_millis(1_000_000 + millis) }
    }

    /// Adds a round trip with a server whose clock is `ahead` ms ahead.
    fn round_trip(clock: &mut ServerClock, start: u64, outward: u64, back: u64, ahead: i64) {
        let server = Timestamp::from_millis(1_000_000 + start + outward).offset_by(ahead);
        clock.add_round_trip(at(start), at(start + outward + back), server);
    }

    #[test]
    fn without_samples_the_server_time_is_the_wall_clock() {
        let clock = ServerClock::default();
        assert_eq!((clock.offset(), clock.server_time(at(5))), (0, at(5).wall));
    }

    #[test]
    fn a_reply_delayed_by_the_server_does_not_skew_the_estimate() {
        let mut clock = ServerClock::default();
        let server = Timestamp::from_millis(1_000_000 + 790);
        clock.add_delayed_reply(at(0), at(800), server, Duration::from_millis(10));
        assert_eq!(clock.offset(), 0, "the password check took 780 ms and the reply 10 ms");
        round_trip(&mut clock, 900, 15, 5, 0);
        assert_eq!(clock.offset(), 5, "a heartbeat is more precise");
    }

    #[test]
    fn the_error_is_at_most_half_the_fastest_round_trip() {
        for (outward, back) in [(10, 10), (1, 19), (19, 1), (0, 20)] {
            for ahead in [0, 3_600_000, -900_000] {
                let mut clock = ServerClock::default();
                round_trip(&mut clock, 0, outward + 900, back, ahead);
                round_trip(&mut clock, 10_000, outward, back, ahead);
                round_trip(&mut clock, 20_000, outward, back + 700, ahead);
                assert!(clock.offset().abs_diff(ahead) <= 10, "{outward} {back} {ahead}: {}", clock.offset());
                assert_eq!(clock.server_time(at(0)), at(0).wall.offset_by(clock.offset()));
            }
        }
    }

    #[test]
    fn samples_outside_the_window_are_dropped() {
        let mut clock = ServerClock::default();
        round_trip(&mut clock, 0, 0, 0, 40);
        for n in 1..=8 {
            assert_eq!(clock.offset(), 40);
            round_trip(&mut clock, n * 10_000, 10, 10, 0);
        }
        assert_eq!(clock.offset(), 0);
    }

    #[test]
    fn a_clock_that_was_set_is_followed_immediately() {
        let mut clock = ServerClock::default();
        round_trip(&mut clock, 0, 1, 1, 0);
        round_trip(&mut clock, 10_000, 20, 20, 60_000);
        assert_eq!(clock.offset(), 60_000);
    }

    #[test]
    fn a_suspension_during_the_round_trip_discards_the_sample() {
        let mut clock = ServerClock::default();
        round_trip(&mut clock, 0, 5, 5, 100);
        let woken = Now { mono: at(20).mono, wall: at(3_600_000).wall };
        clock.add_round_trip(at(10), woken, at(15).wall);
        assert_eq!(clock.offset(), 100);
    }

    #[test]
    fn extreme_server_times_do_not_overflow() {
        for server in [0, u64::MAX] {
            let mut clock = ServerClock::default();
            clock.add_round_trip(at(0), at(1), Timestamp::from_millis(server));
            clock.add_round_trip(at(2), at(3), Timestamp::from_millis(u64::MAX - server));
            let _ = clock.server_time(at(4));
        }
    }
}
