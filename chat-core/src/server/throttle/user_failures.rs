//! The failures at one user name, from wherever they come.
//!
//! An attacker with many sources has a few free failures from each. Once there are many failures at one name, sources
//! from which its user has never logged in get turns: one attempt each ten seconds in all. Each network waits for one
//! turn at a time, so that a user who logs in from a new place has a turn after those of a few networks, and not after
//! thousands of sources of one attacker. Nobody waits for a turn who has logged in from the same source before.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::server::config::ThrottleConfig;
use crate::source::{Network, Source};
use crate::time::Mono;

/// The most networks that wait for a turn: the last one for about five minutes. Others have to ask again.
const MAX_TURNS: usize = 32;

/// The failures at one user name from sources from which its user has never logged in.
#[derive(Clone, Debug, Default)]
pub(super) struct UserFailures {
    pub(super) count: u32,
    pub(super) in_flight: u32,
    /// When the next turn without an owner begins.
    next: Mono,
    /// The turns of networks that wait or may make their attempt.
    turns: BTreeMap<Network, Turn>,
}

/// When a network may make one attempt.
#[derive(Clone, Copy, Debug)]
struct Turn {
    from: Mono,
    until: Mono,
}

impl UserFailures {
    /// Whether an attempt from `source` may begin. If it may not, its network has a turn when the returned time has
    /// passed, unless too many networks wait.
    pub(super) fn admits(&mut self, now: Mono, source: Source, config: &ThrottleConfig) -> Result<(), Duration> {
        if self.count.saturating_add(self.in_flight) < config.free_per_user {
            return Ok(());
        }
        let Some(network) = source.networks().next() else { return Ok(()) };
        self.turns.retain(|_, turn| now < turn.until);
        if let Some(turn) = self.turns.get(&network) {
            let wait = now.until(turn.from);
            if wait > Duration::ZERO {
                return Err(wait);
            }
            self.turns.remove(&network);
            return Ok(());
        }
        if self.next <= now {
            self.next = now + config.user_interval;
            return Ok(());
        }
        if self.turns.len() >= MAX_TURNS {
            return Err(config.user_interval);
        }
        let from = self.next;
        let wait = now.until(from);
        // Clients wait for up to twice the time in the rejection.
        self.turns.insert(network, Turn { from, until: from + wait + config.user_interval });
        self.next = from + config.user_interval;
        Err(wait)
    }
}
