//! When it is whose turn to have a password checked: whoever is told "busy" is told to come back when those before are
//! done, so that the refused come one after the other, and not all at once, again and again.

use std::time::Duration;

use crate::time::Mono;

/// What a check takes until some were seen: two cores do about a hundred in a second.
const FIRST_GUESS: Duration = Duration::from_millis(10);

/// By so much a check counts in the average if it took less, and if it took longer. While many connect at once checks take
/// longer than they will; whoever comes too early is refused again, but for those who come too late the processors wait.
const SOONER: u32 = 16;
const LATER: u32 = 512;

/// Times between checks count if at least so many are in flight when one is done: all threads are at work then.
const BUSY: usize = 32;

/// Clients wait for up to twice of what they are told: nobody comes after his turn, and most come a little before.
const JITTER: u32 = 2;

/// The turns of those who were refused.
#[derive(Debug)]
pub(super) struct Turns {
    /// When those will be done who were promised a turn.
    end: Mono,
    /// The average time between two checks that are done.
    each: Duration,
    last: Option<Mono>,
}

impl Turns {
    pub(super) fn new() -> Self {
        Self { end: Mono::ZERO, each: FIRST_GUESS, last: None }
    }

    /// A check is done, and so many are in flight.
    pub(super) fn done(&mut self, now: Mono, checks: usize) {
        let last = self.last.replace(now).filter(|_| checks >= BUSY);
        if let Some(took) = last.map(|last| now.since(last).min(self.each * 2)) {
            let weight = if took < self.each { SOONER } else { LATER };
            self.each = (self.each * (weight - 1) + took) / weight;
        }
    }

    /// Promises a turn behind `checks` that are in flight and all who were promised one before, and gives the time after
    /// which to come back, between `least` and `most`.
    pub(super) fn promise(&mut self, now: Mono, checks: usize, least: Duration, most: Duration) -> Duration {
        let checks = self.each.saturating_mul(u32::try_from(checks).unwrap_or(u32::MAX));
        // Whoever is told the most comes back without a turn of his own.
        self.end = (self.end.max(now + checks) + self.each).min(now + most.saturating_mul(JITTER));
        (now.until(self.end) / JITTER).max(least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: Duration = Duration::from_millis(500);
    const MOST: Duration = Duration::from_secs(30);

    fn at(millis: u64) -> Mono {
        Mono::at(Duration::from_millis(millis))
    }

    #[test]
    fn the_refused_come_one_after_the_other() {
        let mut turns = Turns::new();
        let mut promise = |millis| turns.promise(at(millis), 200, LEAST, MOST).as_millis();
        assert_eq!(promise(0), 2_010 / 2);
        assert_eq!(promise(0), 2_020 / 2);
        assert_eq!(promise(1_000), 2_010 / 2, "as many as before are in flight");
        assert_eq!(promise(9_000), 2_010 / 2, "all are done");
        let most = (0..10_000).map(|_| promise(9_000)).max().unwrap();
        assert_eq!(most, MOST.as_millis());
        assert_eq!(promise(9_000 + 60_000), 2_010 / 2);
    }

    #[test]
    fn a_turn_takes_as_long_as_checks_take_in_the_long_run() {
        let mut turns = Turns::new();
        let mut now = 0;
        let mut promised = |checks, millis| {
            for _ in 0..checks {
                now += millis;
                turns.done(at(now), BUSY);
            }
            // A pause says nothing.
            now += 100_000;
            turns.done(at(now), BUSY - 1);
            u64::try_from(turns.promise(at(now), 199, LEAST, MOST).as_millis()).unwrap()
        };
        assert!(promised(200, 5).abs_diff(200 * 5 / 2) < 10);
        assert!(promised(60, 30) < 200 * 6 / 2, "it may be for the moment");
        assert!(promised(5_000, 30).abs_diff(200 * 30 / 2) < 50);
        assert_eq!(Turns::new().promise(at(0), 1, LEAST, MOST), LEAST);
    }
}
