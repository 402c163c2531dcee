//! Delays between connection attempts, randomised so that the clients of one server do not reconnect at the same
//! moment.

use std::time::Duration;

use crate::generator::Generator;
use crate::time::Mono;

/// The longest retry time that is honoured. A faulty server cannot keep a client away for days.
const MAX_RETRY_AFTER: Duration = Duration::from_mins(5);

/// Bounds the exponent. Every delay has reached its maximum by then.
const MAX_DOUBLINGS: u32 = 16;

/// The least time between the beginnings of two attempts that a user asks for. A server that is there answers sooner, and
/// nobody who keeps clicking makes more than 30 attempts a minute.
const ASKED_INTERVAL: Duration = Duration::from_secs(2);

/// Exponential backoff with full jitter: each delay is uniform between the minimum and a bound that doubles up to the
/// maximum.
#[derive(Debug)]
pub(super) struct Backoff {
    min: Duration,
    max: Duration,
    doublings: u32,
    /// The number of early attempts since the last success. A sign that the network is back starts one.
    early_attempts: u32,
    /// The time before which no further attempt begins early.
    early_from: Mono,
    /// The time before which no further attempt begins because a user asks for it.
    asked_from: Mono,
}

impl Backoff {
    pub(super) fn new(min: Duration, max: Duration) -> Self {
        Self { min, max, doublings: 0, early_attempts: 0, early_from: Mono::ZERO, asked_from: Mono::ZERO }
    }

    /// The delay after one more failed attempt.
    pub(super) fn next(&mut self, generator: &mut dyn Generator) -> Duration {
        self.doublings = (self.doublings + 1).min(MAX_DOUBLINGS);
        let bound = self.min.saturating_mul(1 << self.doublings).min(self.max);
        self.min + generator.up_to(bound.saturating_sub(self.min))
    }

    /// The earliest time at which a sign that the network is back may start an attempt, never before `now`. The time
    /// between two such attempts doubles up to the maximum, so that a stream of signs adds few attempts.
    pub(super) fn early(&self, now: Mono) -> Mono {
        self.early_from.max(now)
    }

    /// Counts an attempt that begins early.
    pub(super) fn count_early(&mut self, now: Mono) {
        self.early_attempts = (self.early_attempts + 1).min(MAX_DOUBLINGS);
        self.early_from = now + self.min.saturating_mul(1 << self.early_attempts).min(self.max);
    }

    /// The earliest time at which an attempt that a user asks for may begin, never before `now`.
    pub(super) fn asked(&self, now: Mono) -> Mono {
        self.asked_from.max(now)
    }

    /// Counts an attempt that begins because a user asked for it.
    pub(super) fn count_asked(&mut self, now: Mono) {
        self.asked_from = now + ASKED_INTERVAL;
    }

    /// The delay when the server named a retry time: at least that time, and up to twice as long.
    pub(super) fn after(&self, retry_after: Duration, generator: &mut dyn Generator) -> Duration {
        let retry_after = retry_after.min(MAX_RETRY_AFTER);
        retry_after + generator.up_to(retry_after.max(self.min))
    }

    /// Restarts at the minimum, after a success.
    pub(super) fn reset(&mut self) {
        self.doublings = 0;
        self.early_attempts = 0;
        self.early_from = Mono::ZERO;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::tests::TestGenerator;

    const MIN: Duration = Duration::from_millis(500);
    const MAX: Duration = Duration::from_secs(30);

    #[test]
    fn delays_are_spread_over_the_whole_doubling_range() {
        for (attempt, bound) in [1, 2, 4, 8, 16, 30, 30].into_iter().map(Duration::from_secs).enumerate() {
            let (mut least, mut most) = (Duration::MAX, Duration::ZERO);
            for seed in 0..500 {
                let mut generator = TestGenerator::new(seed);
                let mut backoff = Backoff::new(MIN, MAX);
                let delay = (0..=attempt).map(|_| backoff.next(&mut generator)).last().unwrap();
                assert!((MIN..bound).contains(&delay), "{attempt}: {delay:?}");
                least = least.min(delay);
                most = most.max(delay);
            }
            let tenth = (bound - MIN) / 10;
            assert!(least < MIN + tenth && most > bound - tenth, "{attempt}: {least:?} to {most:?}");
        }
    }

    #[test]
    fn a_reset_restarts_at_the_minimum_and_failures_never_overflow() {
        let mut generator = TestGenerator::new(1);
        let mut backoff = Backoff::new(MIN, MAX);
        for _ in 0..1_000 {
            assert!(backoff.next(&mut generator) <= MAX);
        }
        backoff.reset();
        assert!(backoff.next(&mut generator) < Duration::from_secs(1));
    }

    #[test]
    fn a_stream_of_signs_adds_attempts_at_growing_intervals() {
        let mut backoff = Backoff::new(MIN, MAX);
        let mut now = Mono::at(Duration::from_secs(100));
        let mut pauses = Vec::new();
        for _ in 0..8 {
            let at = backoff.early(now);
            pauses.push(now.until(at).as_secs());
            backoff.count_early(at);
            now = at;
        }
        assert_eq!(pauses, [0, 1, 2, 4, 8, 16, 30, 30]);
        backoff.reset();
        assert_eq!(backoff.early(now), now);
    }

    #[test]
    fn a_retry_time_is_honoured_up_to_a_limit() {
        let backoff = Backoff::new(MIN, MAX);
        for seed in 0..100 {
            let mut generator = TestGenerator::new(seed);
            let delay = backoff.after(Duration::from_secs(4), &mut generator);
            assert!((4..8).contains(&delay.as_secs()), "{delay:?}");
            assert!(backoff.after(Duration::ZERO, &mut generator) < MIN);
            assert!(backoff.after(Duration::MAX, &mut generator) < 2 * MAX_RETRY_AFTER);
        }
    }
}
