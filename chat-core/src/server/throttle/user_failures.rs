//! The failures at one user name, from wherever they come.
//!
//! An attacker with many sources has a few free failures from each. Once there are many failures at one name, sources
//! from which its user has never logged in get turns: one attempt each ten seconds in all. Each network waits for one
//! turn at a time, so that a user who logs in from a new place has a turn after those of a few networks, and not after
//! thousands of sources of one attacker. Nobody waits for a turn who has logged in from the same source before.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::journal::{Admission, NetworkPseudonym};
use crate::server::config::ThrottleConfig;
use crate::time::Mono;

/// The most networks that wait for a turn: the last one for about five minutes at a server that is alone. Others have to ask
/// again.
const MAX_TURNS: u32 = 32;

/// How far ahead the attempts at other servers can move the next turn, in turns: as many as ten servers can promise. Without
/// a limit, an attacker who forges hints could keep a user from logging in from new places for days.
const MAX_AHEAD: u32 = 10 * MAX_TURNS;

/// The failures at one user name from sources from which its user has never logged in.
#[derive(Clone, Debug, Default)]
pub(super) struct UserFailures {
    pub(super) count: u32,
    pub(super) in_flight: u32,
    /// When the next turn without an owner begins.
    next: Mono,
    /// The turns of networks that wait or may make their attempt.
    turns: BTreeMap<NetworkPseudonym, Turn>,
}

/// When a network may make one attempt.
#[derive(Clone, Copy, Debug)]
struct Turn {
    from: Mono,
    until: Mono,
}

impl UserFailures {
    /// Lets an attempt from a source in `network` begin. If it may not, the network has a turn when the returned time has
    /// passed, unless too many networks wait.
    pub(super) fn admits(
        &mut self,
        now: Mono,
        network: NetworkPseudonym,
        config: &ThrottleConfig,
    ) -> Result<Admission, Duration> {
        if self.count.saturating_add(self.in_flight) < config.free_per_user {
            return Ok(Admission::Free);
        }
        self.turns.retain(|_, turn| now < turn.until);
        if let Some(turn) = self.turns.get(&network) {
            let wait = now.until(turn.from);
            if wait > Duration::ZERO {
                return Err(wait);
            }
            self.turns.remove(&network);
            return Ok(Admission::InTurn);
        }
        if self.next <= now {
            self.next = now + config.user_interval;
            return Ok(Admission::InTurn);
        }
        // The bound is on the number of turns. With a bound on the wait, a turn that becomes free would go to the network that
        // asks most often, because servers that share a roster also wait for each other's turns.
        if self.turns.len() >= MAX_TURNS as usize {
            return Err(config.user_interval);
        }
        let from = self.next;
        let wait = now.until(from);
        // Clients wait for up to twice the time in the rejection.
        self.turns.insert(network, Turn { from, until: from + wait + config.user_interval });
        self.next = from + config.user_interval;
        Err(wait)
    }

    /// Adds a failure.
    pub(super) fn add(&mut self) {
        self.count = self.count.saturating_add(1);
    }

    /// Adds a failure at another server, which has let the attempt begin. If that was in turn, it was one of the turns of all
    /// servers together.
    pub(super) fn add_of_another(&mut self, now: Mono, admission: Admission, config: &ThrottleConfig) {
        self.add();
        if admission == Admission::InTurn {
            let last = now + config.user_interval.saturating_mul(MAX_AHEAD);
            self.next = self.next.max((self.next.max(now) + config.user_interval).min(last));
        }
    }
}
