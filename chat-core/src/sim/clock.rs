//! The clocks of one simulated machine: too fast, too slow, set wrong, or standing still while it sleeps.

use std::time::Duration;

use super::START;
use crate::time::{Mono, Now};

/// What a machine believes the time to be.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// How much too fast it is, in millionths.
    drift: i32,
    /// What its owner did to the wall clock.
    wall_offset: i64,
    /// A moment at which both times are known: from there on the drift counts.
    world: Mono,
    mono: Mono,
    /// The time in which the monotonic clock stood still.
    slept: Duration,
}

/// How wrong a clock can be: a thousandth is ten times worse than any quartz.
const MOST_DRIFT: i32 = 100_000;

const MILLION: u128 = 1_000_000;

impl Clock {
    /// A right clock, whose monotonic time at the beginning of the world is `start`.
    pub fn new(start: Mono) -> Self {
        let since_start = i64::try_from(start.since(Mono::ZERO).as_millis()).unwrap_or(i64::MAX);
        Self { drift: 0, wall_offset: -since_start, world: Mono::ZERO, mono: start, slept: Duration::ZERO }
    }

    /// Both times at the world's time `world`.
    pub fn now(&self, world: Mono) -> Now {
        let mono = self.mono + scaled(world.since(self.world), self.rate(), MILLION);
        let wall = (START + (mono.since(Mono::ZERO) + self.slept)).offset_by(self.wall_offset);
        Now { mono, wall }
    }

    /// The first time of the world at which the monotonic clock shows `deadline`.
    pub fn world(&self, deadline: Mono) -> Mono {
        let nanos = deadline.since(self.mono).as_nanos() * MILLION;
        self.world + Duration::from_nanos(u64::try_from(nanos.div_ceil(self.rate())).unwrap_or(u64::MAX))
    }

    /// Sets the wall clock forward or back.
    pub const fn set_wall(&mut self, by_millis: i64) {
        self.wall_offset = self.wall_offset.saturating_add(by_millis);
    }

    /// Lets it run too fast or too slow from now on, by millionths, at most a tenth.
    pub fn set_drift(&mut self, world: Mono, drift: i32) {
        self.mono = self.now(world).mono;
        self.world = world;
        self.drift = drift.clamp(-MOST_DRIFT, MOST_DRIFT);
    }

    /// Lets the monotonic clock go on after it stood still since `fell_asleep`. The wall clock knows better.
    pub(super) fn wake(&mut self, fell_asleep: Mono, world: Mono) {
        self.mono = self.now(fell_asleep).mono;
        self.world = world;
        self.slept += world.since(fell_asleep);
    }

    fn rate(&self) -> u128 {
        MILLION.saturating_add_signed(self.drift.into())
    }
}

fn scaled(duration: Duration, by: u128, of: u128) -> Duration {
    Duration::from_nanos(u64::try_from(duration.as_nanos() * by / of).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Mono {
        Mono::at(Duration::from_millis(millis))
    }

    #[test]
    fn a_deadline_has_passed_at_the_time_that_the_world_gives_for_it_and_not_before() {
        for drift in [0, 1, -1, 333, -777, 100_000, -100_000] {
            let mut clock = Clock::new(at(5_000));
            clock.set_drift(at(1_234), drift);
            for deadline in [0, 5_000, 6_234, 6_235, 10_007, 99_999_999] {
                let world = clock.world(at(deadline));
                assert!(clock.now(world).mono >= at(deadline), "{drift} {deadline}");
                let just_before = world.before(Duration::from_nanos(2));
                assert!(world <= at(1_234) || clock.now(just_before).mono < at(deadline), "{drift} {deadline}");
            }
        }
    }

    #[test]
    fn a_drift_is_a_share_of_the_time_and_a_sleep_is_seen_on_the_wall_only() {
        let mut clock = Clock::new(Mono::ZERO);
        clock.set_drift(Mono::ZERO, 1_000);
        assert_eq!(clock.now(at(10_000)).mono, at(10_010));
        clock.wake(at(10_000), at(70_000));
        assert_eq!(clock.now(at(70_000)).mono, at(10_010));
        assert_eq!(clock.now(at(70_000)).wall, START + Duration::from_millis(70_010));
        clock.set_wall(-3_600_000);
        assert_eq!(clock.now(at(70_000)).wall, START.offset_by(70_010 - 3_600_000));
    }
}
