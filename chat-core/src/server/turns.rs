//! When it is whose turn to have a password checked: whoever is told "busy" is told to come back when those before are
//! done, so that the refused come one after the other, and not all at once, again and again.

use std::time::Duration;

use crate::time::Mono;

/// Checks are timed so many at a time, as they may be done or heard of two or twenty at once.
const WINDOW: u32 = 64;

/// By so much these count in the average if they took less, and if they took longer. While many connect at once checks
/// take longer than they will; whoever comes too early is refused again, but for those who come too late the processors
/// wait.
const SOONER: u32 = 4;
const LATER: u32 = 16;

/// A check counts as no less: it could not grow from nothing.
const SHORTEST: Duration = Duration::from_micros(100);

/// Times count only while at least so many are in flight, so that there is no pause in them.
const BUSY: usize = 32;

/// Clients wait for up to twice of what they are told: so most come a little before their turn.
const JITTER: u32 = 2;

/// The turns of those who were refused.
#[derive(Debug)]
pub(super) struct Turns {
    /// When those will be done who were promised a turn.
    end: Mono,
    /// The average time between two checks that are done.
    each: Duration,
    /// Since when checks are timed, and how many are done since.
    window: Option<(Mono, u32)>,
}

impl Turns {
    /// Until some were seen, a check takes `each`.
    pub(super) fn new(each: Duration) -> Self {
        Self { end: Mono::ZERO, each: each.max(SHORTEST), window: None }
    }

    /// How long so many checks take.
    pub(super) fn time_of(&self, checks: usize) -> Duration {
        self.each.saturating_mul(u32::try_from(checks).unwrap_or(u32::MAX))
    }

    /// A check is done, and so many are in flight.
    pub(super) fn done(&mut self, now: Mono, checks: usize) {
        if checks < BUSY {
            self.window = None;
            return;
        }
        let Some((since, count)) = &mut self.window else {
            self.window = Some((now, 0));
            return;
        };
        *count += 1;
        if *count == WINDOW {
            let took = (now.since(*since) / WINDOW).clamp(SHORTEST, self.each * 2);
            let weight = if took < self.each { SOONER } else { LATER };
            self.each = (self.each * (weight - 1) + took) / weight;
            self.window = Some((now, 0));
        }
    }

    /// Promises a turn behind `checks` that are in flight and all who were promised one before, and gives the time after
    /// which to come back, between `least` and `most`.
    pub(super) fn promise(&mut self, now: Mono, checks: usize, least: Duration, most: Duration) -> Duration {
        let checks = self.time_of(checks);
        // Whoever is told the most comes back without a turn of his own.
        self.end = (self.end.max(now + checks) + self.each).min(now + most.saturating_mul(JITTER));
        (now.until(self.end) / JITTER).max(least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUESS: Duration = Duration::from_millis(10);
    const LEAST: Duration = Duration::from_millis(500);
    const MOST: Duration = Duration::from_secs(30);

    fn at(millis: u64) -> Mono {
        Mono::at(Duration::from_millis(millis))
    }

    #[test]
    fn the_refused_come_one_after_the_other() {
        let mut turns = Turns::new(GUESS);
        let mut promise = |millis| turns.promise(at(millis), 200, LEAST, MOST).as_millis();
        assert_eq!(promise(0), 2_010 / 2);
        assert_eq!(promise(0), 2_020 / 2);
        assert_eq!(promise(1_000), 2_010 / 2, "as many as before are in flight");
        assert_eq!(promise(9_000), 2_010 / 2, "all are done");
        let most = (0..10_000).map(|_| promise(9_000)).max().unwrap();
        assert_eq!(most, MOST.as_millis());
        assert_eq!(promise(9_000 + 60_000), 2_010 / 2);
    }

    /// Lets `checks` be done, `together` at a time, every `millis` for each; gives when who is refused then is to come.
    fn told(turns: &mut Turns, now: &mut u64, checks: usize, together: usize, millis: u64) -> u64 {
        for _ in 0..checks / together {
            *now += millis * together as u64;
            (0..together).for_each(|_| turns.done(at(*now), BUSY));
        }
        // A pause, which says nothing.
        turns.done(at(*now), BUSY - 1);
        *now += 100_000;
        u64::try_from(turns.promise(at(*now), 199, LEAST, MOST).as_millis()).unwrap()
    }

    #[test]
    fn a_turn_takes_as_long_as_checks_take_in_the_long_run() {
        let (mut turns, mut now) = (Turns::new(GUESS), 0);
        assert!(told(&mut turns, &mut now, 2_000, 1, 6).abs_diff(200 * 6 / 2) < 20);
        assert!(told(&mut turns, &mut now, 130, 1, 30) < 200 * 7 / 2, "it may be for the moment");
        assert!(told(&mut turns, &mut now, 6_000, 1, 30).abs_diff(200 * 30 / 2) < 50);
        for together in [2, 20] {
            let told = told(&mut turns, &mut now, 6_400, together, 30);
            assert!(told.abs_diff(200 * 30 / 2) < 900, "{together} at once: {told} ms");
        }
        assert_eq!(Turns::new(GUESS).promise(at(0), 1, LEAST, MOST), LEAST);
    }

    #[test]
    fn checks_that_cost_nothing_do_not_last() {
        let (mut turns, mut now) = (Turns::new(GUESS), 0);
        assert_eq!(told(&mut turns, &mut now, 6_400, 1, 0), LEAST.as_millis() as u64);
        assert!(told(&mut turns, &mut now, 20_000, 1, 10).abs_diff(200 * 10 / 2) < 20);
    }
}
