//! The clocks of one simulated computer, which can drift, be set, or stop while the computer is suspended.

use std::time::Duration;

use super::START;
use crate::time::{Mono, Now};

/// Maps the time of the simulation to both clocks of a computer.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// How fast both clocks run, relative to the simulation, in millionths above or below 1.
    drift: i32,
    /// By how much the wall clock was set, in milliseconds.
    wall_offset: i64,
    /// The time of the simulation since which the current drift applies, and the monotonic time at that moment.
    world: Mono,
    mono: Mono,
    /// For how long the monotonic clock was stopped in all.
    slept: Duration,
}

/// The largest drift, in millionths. A tenth is a thousand times worse than a quartz clock.
const MAX_DRIFT: i32 = 100_000;

const MILLION: u128 = 1_000_000;

impl Clock {
    /// Creates a correct clock whose monotonic time is `start` at the beginning of the simulation.
    pub fn new(start: Mono) -> Self {
        let since_start = i64::try_from(start.since(Mono::ZERO).as_millis()).unwrap_or(i64::MAX);
        Self { drift: 0, wall_offset: -since_start, world: Mono::ZERO, mono: start, slept: Duration::ZERO }
    }

    /// Both clocks at the simulation time `world`.
    pub fn now(&self, world: Mono) -> Now {
        let mono = self.mono + scaled(world.since(self.world), self.rate(), MILLION);
        let wall = (START + (mono.since(Mono::ZERO) + self.slept)).offset_by(self.wall_offset);
        Now { mono, wall }
    }

    /// The first simulation time at which the monotonic clock has reached `deadline`.
    pub fn world(&self, deadline: Mono) -> Mono {
        let nanos = deadline.since(self.mono).as_nanos() * MILLION;
        self.world + Duration::from_nanos(u64::try_from(nanos.div_ceil(self.rate())).unwrap_or(u64::MAX))
    }

    /// Sets the wall clock forward or back by a number of milliseconds.
    pub const fn set_wall(&mut self, by_millis: i64) {
        self.wall_offset = self.wall_offset.saturating_add(by_millis);
    }

    /// Makes both clocks run too fast or too slow from now on, by `drift` millionths, clamped to a tenth.
    pub fn set_drift(&mut self, world: Mono, drift: i32) {
        self.mono = self.now(world).mono;
        self.world = world;
        self.drift = drift.clamp(-MAX_DRIFT, MAX_DRIFT);
    }

    /// Restarts the monotonic clock, which stopped at `suspended`. The wall clock includes the time in between.
    pub(super) fn wake(&mut self, suspended: Mono, world: Mono) {
        self.mono = self.now(suspended).mono;
        self.world = world;
        self.slept += world.since(suspended);
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
    fn the_simulation_time_of_a_deadline_is_exact() {
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
    fn a_drift_scales_time_and_a_suspension_advances_the_wall_clock_only() {
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
