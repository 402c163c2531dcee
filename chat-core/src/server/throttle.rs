//! Slows down password attempts after failures, for the source that causes them. After many failures at one user name,
//! the throttle slows down attempts at that name from all sources from which its user has never logged in.
//!
//! Names and sources are counted under pseudonyms, so that servers that share a roster can tell each other of failures.

mod user_failures;

use std::time::Duration;

use self::user_failures::UserFailures;
use super::config::ThrottleConfig;
use super::pseudonyms::SourcePseudonym;
use crate::journal::{Admission, Hint, NetworkPseudonym, UserPseudonym};
use crate::memory::Memory;
use crate::time::Mono;

/// The failures that are remembered, and the users that have logged in.
#[derive(Debug)]
pub(super) struct Throttle {
    config: ThrottleConfig,
    pairs: Memory<Pair, Failures>,
    sources: Memory<NetworkPseudonym, Failures>,
    /// The failures of pairs that are not proven. Names without an account are counted in the same way.
    users: Memory<UserPseudonym, UserFailures>,
    /// The pairs that have logged in with the right password. The failures of others behind their source do not slow
    /// them down.
    proven: Memory<Pair, ()>,
}

/// A user name and the source of an attempt at it.
type Pair = (UserPseudonym, NetworkPseudonym);

/// An attempt that the throttle has let begin. [`Throttle::end`] must end it.
#[derive(Debug)]
#[must_use]
pub(super) struct ThrottledAttempt {
    pair: Pair,
    standing: Standing,
    admission: Admission,
}

/// The state of a pair when its attempt begins.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Standing {
    /// The user has logged in from the source.
    Proven,
    Unknown,
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

#[derive(Clone, Copy, Debug, Default)]
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
            users: Memory::new(memory, config.max_remembered),
            proven: Memory::new(config.proven_memory, config.max_remembered),
            config,
        }
    }

    /// Lets an attempt at `user`'s password from `from` begin.
    ///
    /// # Errors
    /// The time to wait.
    pub(super) fn begin(
        &mut self,
        now: Mono,
        user: UserPseudonym,
        from: SourcePseudonym,
    ) -> Result<ThrottledAttempt, Duration> {
        let SourcePseudonym { source, widest } = from;
        let pair = (user, source);
        let standing = self.standing(now, &pair);
        if standing == Standing::Unknown {
            self.sources.get(now, &source).map_or(Ok(()), |source| source.admits(now, &self.config))?;
        }
        let failures = self.pairs.get(now, &pair).copied().unwrap_or_default();
        let wait = now.until(failures.until);
        if wait > Duration::ZERO {
            return Err(wait);
        }
        if failures.in_flight >= self.config.parallel {
            return Err(self.config.first);
        }
        let mut admission = Admission::Free;
        if standing == Standing::Unknown {
            let failures = match self.users.get_mut(now, &user) {
                Some(failures) => failures,
                None => self.users.renew(now, user),
            };
            admission = failures.admits(now, widest, &self.config)?;
            failures.in_flight += 1;
        }
        begin_in(&mut self.pairs, now, pair);
        begin_in(&mut self.sources, now, source);
        Ok(ThrottledAttempt { pair, standing, admission })
    }

    /// Remembers that `user` has logged in from `source`.
    pub(super) fn prove(&mut self, now: Mono, user: UserPseudonym, source: NetworkPseudonym) {
        self.proven.renew(now, (user, source));
    }

    /// Ends an attempt.
    pub(super) fn end(&mut self, now: Mono, attempt: ThrottledAttempt, verdict: Verdict) {
        let ThrottledAttempt { pair, standing, .. } = attempt;
        if standing == Standing::Unknown {
            self.end_at_user(now, pair.0, verdict);
        }
        self.count(now, pair, verdict, 1);
        self.count_at_source(now, pair.1, verdict, 1);
    }

    /// Counts an attempt that has ended at another server as one that has ended here.
    pub(super) fn hinted(&mut self, now: Mono, hint: Hint) {
        match hint {
            Hint::Right { user, source } => self.count(now, (user, source), Verdict::Right, 0),
            Hint::Wrong { user, source, admission } => {
                let pair = (user, source);
                if self.standing(now, &pair) == Standing::Unknown {
                    self.users.renew(now, user).add_of_another(now, admission, &self.config);
                }
                self.count(now, pair, Verdict::Wrong, 0);
                self.count_at_source(now, source, Verdict::Wrong, 0);
            }
            Hint::Taken { source } => self.count_at_source(now, source, Verdict::Taken, 0),
            Hint::Registered { .. } | Hint::NotRegistered { .. } => {}
        }
    }

    fn standing(&self, now: Mono, pair: &Pair) -> Standing {
        self.proven.get(now, pair).map_or(Standing::Unknown, |()| Standing::Proven)
    }

    /// Ends an attempt at `user` from a source that was not proven. A right password does not clear the failures of
    /// others.
    fn end_at_user(&mut self, now: Mono, user: UserPseudonym, verdict: Verdict) {
        let Some(failures) = self.users.get_mut(now, &user) else { return };
        failures.in_flight = failures.in_flight.saturating_sub(1);
        if verdict == Verdict::Wrong {
            self.users.renew(now, user).add();
        } else if failures.count == 0 && failures.in_flight == 0 {
            self.users.remove(&user);
        }
    }

    /// Counts the verdict for a pair, and ends as many attempts of it.
    fn count(&mut self, now: Mono, pair: Pair, verdict: Verdict, ended: u32) {
        if verdict == Verdict::Right {
            self.proven.renew(now, pair);
        }
        end_in(&mut self.pairs, now, pair, ended, |failures| match verdict {
            Verdict::Wrong => failures.add(now, 0, &self.config),
            Verdict::Right => (failures.count, failures.until) = (0, Mono::ZERO),
            Verdict::Taken | Verdict::Open => {}
        });
    }

    /// Counts the verdict for a source, and ends as many attempts of it.
    fn count_at_source(&mut self, now: Mono, source: NetworkPseudonym, verdict: Verdict, ended: u32) {
        end_in(&mut self.sources, now, source, ended, |failures| match verdict {
            Verdict::Wrong | Verdict::Taken => failures.add(now, self.config.free_per_address, &self.config),
            Verdict::Right | Verdict::Open => {}
        });
    }
}

impl ThrottledAttempt {
    /// The hint that other servers count if the attempt ends like this.
    pub(super) fn hint(&self, verdict: Verdict) -> Option<Hint> {
        let (user, source) = self.pair;
        match verdict {
            Verdict::Right => Some(Hint::Right { user, source }),
            Verdict::Wrong => Some(Hint::Wrong { user, source, admission: self.admission }),
            Verdict::Taken => Some(Hint::Taken { source }),
            Verdict::Open => None,
        }
    }
}

/// Begins an attempt for one key. It does not extend the time for which failures are remembered.
fn begin_in<K: Clone + Ord>(memory: &mut Memory<K, Failures>, now: Mono, key: K) {
    match memory.get_mut(now, &key) {
        Some(failures) => failures.in_flight += 1,
        None => memory.renew(now, key).in_flight += 1,
    }
}

/// Ends as many attempts for one key, one or none. Without failures and attempts in flight, nothing is left to remember.
fn end_in<K: Clone + Ord>(
    memory: &mut Memory<K, Failures>,
    now: Mono,
    key: K,
    attempts: u32,
    judge: impl FnOnce(&mut Failures),
) {
    // A new failure is remembered for the whole time. Other results do not extend it.
    let mut ended = memory.get(now, &key).copied().unwrap_or_default();
    let before = ended.count;
    ended.in_flight = ended.in_flight.saturating_sub(attempts);
    judge(&mut ended);
    if ended.count == 0 && ended.in_flight == 0 {
        memory.remove(&key);
    } else if ended.count > before {
        *memory.renew(now, key) = ended;
    } else if let Some(failures) = memory.get_mut(now, &key) {
        *failures = ended;
    }
}

impl Failures {
    /// Whether a source with these failures may begin a check. A source that has used up half of its free failures may
    /// have as few in flight as a pair, so that it cannot evade the pause with parallel attempts at many names.
    fn admits(&self, now: Mono, config: &ThrottleConfig) -> Result<(), Duration> {
        let wait = now.until(self.until);
        if wait > Duration::ZERO {
            return Err(wait);
        }
        if self.count > config.free_per_address / 2 && self.in_flight >= config.parallel {
            return Err(config.first);
        }
        Ok(())
    }

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
mod tests;
