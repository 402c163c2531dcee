//! Slows down password attempts after failures, for the source that causes them and for no other.

use std::time::Duration;

use super::config::ThrottleConfig;
use super::memory::Memory;
use crate::name::UserName;
use crate::source::Source;
use crate::time::Mono;

/// The failures that are remembered.
#[derive(Debug)]
pub(super) struct Throttle {
    config: ThrottleConfig,
    pairs: Memory<(UserName, Source), Failures>,
    sources: Memory<Source, Failures>,
}

/// An attempt that the throttle has let begin. [`Throttle::end`] must end it.
#[derive(Debug)]
#[must_use]
pub(super) struct ThrottledAttempt {
    user: UserName,
    from: Source,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    /// The password was right.
    Right,
    /// The password was wrong, or there is no such user.
    Wrong,
    /// The user name to be registered is taken. That tells the client a name, but nothing about a password.
    Taken,
    /// The attempt told the client nothing.
    Open,
}

#[derive(Debug, Default)]
struct Failures {
    count: u32,
    until: Mono,
    in_flight: u32,
}

impl Throttle {
    pub(super) fn new(config: ThrottleConfig) -> Self {
        let memory = config.memory;
        Self {
            pairs: Memory::new(memory, config.max_remembered),
            sources: Memory::new(memory, config.max_remembered),
            config,
        }
    }

    /// Lets an attempt at `user`'s password from `from` begin.
    ///
    /// # Errors
    /// The time to wait.
    pub(super) fn begin(&mut self, now: Mono, user: &UserName, from: Source) -> Result<ThrottledAttempt, Duration> {
        let pair = (user.clone(), from);
        let paused = |failures: &Failures| now.until(failures.until);
        let pause = self.sources.get(now, &from).map_or(Duration::ZERO, paused);
        let pause = pause.max(self.pairs.get(now, &pair).map_or(Duration::ZERO, paused));
        if pause > Duration::ZERO {
            return Err(pause);
        }
        let failures = self.pairs.renew(now, pair);
        if failures.in_flight >= self.config.parallel {
            return Err(self.config.first);
        }
        failures.in_flight += 1;
        Ok(ThrottledAttempt { user: user.clone(), from })
    }

    /// Ends an attempt.
    pub(super) fn end(&mut self, now: Mono, attempt: ThrottledAttempt, verdict: Verdict) {
        let ThrottledAttempt { user, from } = attempt;
        let pair = (user, from);
        if verdict == Verdict::Wrong {
            self.pairs.renew(now, pair.clone()).add(now, 0, &self.config);
        }
        if matches!(verdict, Verdict::Wrong | Verdict::Taken) {
            self.sources.renew(now, from).add(now, self.config.free_per_address, &self.config);
        }
        let Some(failures) = self.pairs.get_mut(now, &pair) else { return };
        failures.in_flight = failures.in_flight.saturating_sub(1);
        if verdict == Verdict::Right {
            (failures.count, failures.until) = (0, Mono::ZERO);
        }
        if failures.count == 0 && failures.in_flight == 0 {
            self.pairs.remove(&pair);
        }
    }
}

impl Failures {
    /// Adds a failure. The first `free` ones cause no pause.
    fn add(&mut self, now: Mono, free: u32, config: &ThrottleConfig) {
        self.count = self.count.saturating_add(1);
        if let Some(doublings) = self.count.checked_sub(free + 1) {
            let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
            self.until = now + config.first.saturating_mul(factor).min(config.longest);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn at(millis: u64) -> Mono {
        Mono::at(Duration::from_millis(millis))
    }

    fn user(name: &str) -> UserName {
        UserName::parse(name).unwrap()
    }

    fn source(ip: &str) -> Source {
        Source::from(ip.parse::<IpAddr>().unwrap())
    }

    fn fail(throttle: &mut Throttle, now: u64, name: &str, from: Source) {
        let attempt = throttle.begin(at(now), &user(name), from).unwrap();
        throttle.end(at(now), attempt, Verdict::Wrong);
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_end_exactly() {
        let mut throttle = Throttle::new(ThrottleConfig::default());
        let from = source("192.0.2.1");
        let mut now = 0;
        for seconds in [1, 2, 4, 8, 16, 30, 30] {
            fail(&mut throttle, now, "alice", from);
            let end = now + seconds * 1_000;
            assert_eq!(
                throttle.begin(at(end - 1), &user("Alice"), from).unwrap_err(),
                Duration::from_millis(1),
                "after {now}"
            );
            now = end;
        }
        assert!(throttle.begin(at(now), &user("alice"), from).is_ok());
    }

    #[test]
    fn failures_from_one_source_do_not_slow_down_another() {
        let mut throttle = Throttle::new(ThrottleConfig::default());
        fail(&mut throttle, 0, "alice", source("192.0.2.1"));
        assert!(throttle.begin(at(0), &user("alice"), source("192.0.2.1")).is_err());
        assert!(throttle.begin(at(0), &user("alice"), source("192.0.2.2")).is_ok());
        assert!(throttle.begin(at(0), &user("bob"), source("192.0.2.1")).is_ok());
    }

    #[test]
    fn a_source_is_slowed_down_beyond_its_free_failures() {
        let mut throttle = Throttle::new(ThrottleConfig::default());
        let from = source("192.0.2.1");
        for number in 0..20 {
            fail(&mut throttle, 0, &format!("user{number}"), from);
        }
        fail(&mut throttle, 0, "the21st", from);
        assert_eq!(throttle.begin(at(999), &user("bob"), from).unwrap_err(), Duration::from_millis(1));
        assert!(throttle.begin(at(1_000), &user("bob"), from).is_ok());
    }

    #[test]
    fn a_right_password_clears_the_failures_of_its_pair_only() {
        let config = ThrottleConfig { free_per_address: 1, ..ThrottleConfig::default() };
        let mut throttle = Throttle::new(config);
        let from = source("192.0.2.1");
        fail(&mut throttle, 0, "alice", from);
        let attempt = throttle.begin(at(1_000), &user("alice"), from).unwrap();
        throttle.end(at(1_000), attempt, Verdict::Right);
        fail(&mut throttle, 1_000, "alice", from);
        assert_eq!(throttle.begin(at(1_999), &user("alice"), from).unwrap_err(), Duration::from_millis(1));
        assert_eq!(
            throttle.begin(at(1_999), &user("bob"), from).unwrap_err(),
            Duration::from_millis(1),
            "the second failure of the source"
        );
        assert!(throttle.begin(at(2_000), &user("alice"), from).is_ok());
    }

    #[test]
    fn attempts_in_flight_are_bounded_and_open_ones_leave_no_trace() {
        let mut throttle = Throttle::new(ThrottleConfig::default());
        let from = source("192.0.2.1");
        let first = throttle.begin(at(0), &user("alice"), from).unwrap();
        let second = throttle.begin(at(0), &user("alice"), from).unwrap();
        assert_eq!(throttle.begin(at(0), &user("alice"), from).unwrap_err(), Duration::from_secs(1));
        throttle.end(at(0), first, Verdict::Open);
        let third = throttle.begin(at(0), &user("alice"), from).unwrap();
        throttle.end(at(0), second, Verdict::Right);
        throttle.end(at(0), third, Verdict::Open);
        assert!(throttle.pairs.get(at(0), &(user("alice"), from)).is_none());
    }

    #[test]
    fn a_taken_name_counts_against_the_source_only() {
        let config = ThrottleConfig { free_per_address: 0, ..ThrottleConfig::default() };
        let mut throttle = Throttle::new(config);
        let from = source("192.0.2.1");
        let attempt = throttle.begin(at(0), &user("alice"), from).unwrap();
        throttle.end(at(0), attempt, Verdict::Taken);
        assert!(throttle.pairs.get(at(0), &(user("alice"), from)).is_none());
        assert_eq!(throttle.begin(at(0), &user("bob"), from).unwrap_err(), Duration::from_secs(1));
    }

    #[test]
    fn failures_are_forgotten_after_the_memory_time() {
        let mut throttle = Throttle::new(ThrottleConfig::default());
        let from = source("192.0.2.1");
        fail(&mut throttle, 0, "alice", from);
        fail(&mut throttle, 1_000, "alice", from);
        let forgotten = 1_000 + 15 * 60 * 1_000;
        fail(&mut throttle, forgotten, "alice", from);
        assert!(throttle.begin(at(forgotten + 1_000), &user("alice"), from).is_ok(), "a first failure again");
    }
}
