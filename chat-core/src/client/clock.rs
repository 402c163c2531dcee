//! The estimate of the server's clock, from round trips.

use std::collections::VecDeque;
use std::time::Duration;

use crate::time::{Now, Timestamp};

/// How many round trips are remembered. 8, which are 80 s: enough for one of them to be a quick one, few enough to
/// follow a clock that drifts.
const WINDOW: usize = 8;

/// How far two round trips may contradict each other beyond their own error: rounding to milliseconds, and the drift
/// of two bad clocks over the window.
const SLACK_MS: u64 = 50;

/// How far the server's clock lies ahead of ours.
///
/// A round trip of length `rtt` tells the server's time with an error of at most half of it, whichever way is the
/// slower one; so the quickest of the last [`WINDOW`] is believed.
#[derive(Debug, Default)]
pub(super) struct ServerClock {
    samples: VecDeque<Sample>,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    /// Server minus wall, in milliseconds.
    offset: i64,
    rtt: Duration,
}

impl ServerClock {
    /// Notes a round trip: the server said `at` between `sent` and `received`.
    pub(super) fn note(&mut self, sent: Now, received: Now, at: Timestamp) {
        let back = received.mono.since(sent.mono) / 2;
        self.note_answer(sent, received, at, back);
    }

    /// Notes an answer that took its time at the server and little on its way `back`. It counts as the round trip that
    /// it was, so that any heartbeat knows better.
    pub(super) fn note_answer(&mut self, sent: Now, received: Now, at: Timestamp, back: Duration) {
        let rtt = received.mono.since(sent.mono);
        // A clock that was set, or a machine that slept, between question and answer: this one tells nothing.
        let by_wall = received.wall.abs_diff(sent.wall);
        if millis(by_wall.abs_diff(rtt)) > SLACK_MS {
            return;
        }
        let sample = Sample { offset: difference(at + back, received.wall), rtt };
        // If one contradicts the best so far by more than both can err, one of the clocks was set: begin anew.
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

    /// Server minus wall, in milliseconds; 0 until something is known.
    pub(super) fn offset(&self) -> i64 {
        self.best().map_or(0, |sample| sample.offset)
    }

    /// The server's time.
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

    /// A moment on our clocks.
    fn at(millis: u64) -> Now {
        Now { mono: Mono::at(Duration::from_millis(millis)), wall: Timestamp::from_millis(1_000_000 + millis) }
    }

    /// One round trip with a server that is `ahead` ms ahead of us.
    fn trip(clock: &mut ServerClock, start: u64, there: u64, back: u64, ahead: i64) {
        let server = Timestamp::from_millis(1_000_000 + start + there).offset_by(ahead);
        clock.note(at(start), at(start + there + back), server);
    }

    #[test]
    fn the_wall_clock_serves_until_something_is_known() {
        let clock = ServerClock::default();
        assert_eq!((clock.offset(), clock.server_time(at(5))), (0, at(5).wall));
    }

    #[test]
    fn an_answer_that_took_its_time_at_the_server_is_told_from_a_slow_way() {
        let mut clock = ServerClock::default();
        let server = Timestamp::from_millis(1_000_000 + 790);
        clock.note_answer(at(0), at(800), server, Duration::from_millis(10));
        assert_eq!(clock.offset(), 0, "the password took 780 ms, the way back 10");
        trip(&mut clock, 900, 15, 5, 0);
        assert_eq!(clock.offset(), 5, "a heartbeat knows better");
    }

    #[test]
    fn the_error_is_at_most_half_the_quickest_round_trip() {
        for (there, back) in [(10, 10), (1, 19), (19, 1), (0, 20)] {
            for ahead in [0, 3_600_000, -900_000] {
                let mut clock = ServerClock::default();
                trip(&mut clock, 0, there + 900, back, ahead);
                trip(&mut clock, 10_000, there, back, ahead);
                trip(&mut clock, 20_000, there, back + 700, ahead);
                assert!(clock.offset().abs_diff(ahead) <= 10, "{there} {back} {ahead}: {}", clock.offset());
                assert_eq!(clock.server_time(at(0)), at(0).wall.offset_by(clock.offset()));
            }
        }
    }

    #[test]
    fn old_round_trips_are_forgotten() {
        let mut clock = ServerClock::default();
        trip(&mut clock, 0, 0, 0, 40);
        for n in 1..=8 {
            assert_eq!(clock.offset(), 40);
            trip(&mut clock, n * 10_000, 10, 10, 0);
        }
        assert_eq!(clock.offset(), 0);
    }

    #[test]
    fn a_clock_that_was_set_is_followed_at_once() {
        let mut clock = ServerClock::default();
        trip(&mut clock, 0, 1, 1, 0);
        trip(&mut clock, 10_000, 20, 20, 60_000);
        assert_eq!(clock.offset(), 60_000);
    }

    #[test]
    fn a_sleep_between_question_and_answer_tells_nothing() {
        let mut clock = ServerClock::default();
        trip(&mut clock, 0, 5, 5, 100);
        let woken = Now { mono: at(20).mono, wall: at(3_600_000).wall };
        clock.note(at(10), woken, at(15).wall);
        assert_eq!(clock.offset(), 100);
    }

    #[test]
    fn no_time_of_a_server_overflows() {
        for server in [0, u64::MAX] {
            let mut clock = ServerClock::default();
            clock.note(at(0), at(1), Timestamp::from_millis(server));
            clock.note(at(2), at(3), Timestamp::from_millis(u64::MAX - server));
            let _ = clock.server_time(at(4));
        }
    }
}
