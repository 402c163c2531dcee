//! Pauses between attempts to connect: spread at random, so that a whole room does not knock at the same moment.

use std::time::Duration;

use crate::generator::Generator;

/// The longest that a server can send us away for: one that is wrong about it does not keep us out for days.
const LONGEST_SENT_AWAY: Duration = Duration::from_mins(5);

/// The most doublings that are counted; any pause has reached its longest by then.
const MOST_DOUBLINGS: u32 = 16;

/// Full jitter: each pause lies anywhere between the shortest and a bound that doubles up to the longest.
#[derive(Debug)]
pub(super) struct Backoff {
    shortest: Duration,
    longest: Duration,
    doublings: u32,
}

impl Backoff {
    pub(super) fn new(shortest: Duration, longest: Duration) -> Self {
        Self { shortest, longest, doublings: 0 }
    }

    /// The next pause.
    pub(super) fn next(&mut self, generator: &mut dyn Generator) -> Duration {
        self.doublings = (self.doublings + 1).min(MOST_DOUBLINGS);
        let bound = self.shortest.saturating_mul(1 << self.doublings).min(self.longest);
        self.shortest + generator.up_to(bound.saturating_sub(self.shortest))
    }

    /// The pause after the server asked for one: never shorter than that, and up to twice as long.
    pub(super) fn after(&self, retry_after: Duration, generator: &mut dyn Generator) -> Duration {
        let asked = retry_after.min(LONGEST_SENT_AWAY);
        asked + generator.up_to(asked.max(self.shortest))
    }

    /// After success the pauses begin anew.
    pub(super) fn reset(&mut self) {
        self.doublings = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::tests::Counting;

    const SHORTEST: Duration = Duration::from_millis(500);
    const LONGEST: Duration = Duration::from_secs(30);

    #[test]
    fn pauses_stay_within_bounds_that_double_and_use_all_of_them() {
        for (attempt, bound) in [1, 2, 4, 8, 16, 30, 30].into_iter().map(Duration::from_secs).enumerate() {
            let (mut least, mut most) = (Duration::MAX, Duration::ZERO);
            for seed in 0..500 {
                let mut generator = Counting::new(seed);
                let mut backoff = Backoff::new(SHORTEST, LONGEST);
                let pause = (0..=attempt).map(|_| backoff.next(&mut generator)).last().unwrap();
                assert!((SHORTEST..bound).contains(&pause), "{attempt}: {pause:?}");
                least = least.min(pause);
                most = most.max(pause);
            }
            let tenth = (bound - SHORTEST) / 10;
            assert!(least < SHORTEST + tenth && most > bound - tenth, "{attempt}: {least:?} to {most:?}");
        }
    }

    #[test]
    fn after_success_they_begin_anew_and_no_number_of_failures_overflows() {
        let mut generator = Counting::new(1);
        let mut backoff = Backoff::new(SHORTEST, LONGEST);
        for _ in 0..1_000 {
            assert!(backoff.next(&mut generator) <= LONGEST);
        }
        backoff.reset();
        assert!(backoff.next(&mut generator) < Duration::from_secs(1));
    }

    #[test]
    fn a_server_that_asks_for_a_pause_gets_it_but_not_for_days() {
        let backoff = Backoff::new(SHORTEST, LONGEST);
        for seed in 0..100 {
            let mut generator = Counting::new(seed);
            let pause = backoff.after(Duration::from_secs(4), &mut generator);
            assert!((4..8).contains(&pause.as_secs()), "{pause:?}");
            assert!(backoff.after(Duration::ZERO, &mut generator) < SHORTEST);
            assert!(backoff.after(Duration::MAX, &mut generator) < 2 * LONGEST_SENT_AWAY);
        }
    }
}
