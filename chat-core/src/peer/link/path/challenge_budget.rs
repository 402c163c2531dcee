//! The bound on datagrams to addresses that have not answered, regardless of the addresses that a peer offers.

use std::time::Duration;

use crate::rate_limit::RateLimit;
use crate::time::Mono;

/// The datagrams that may go to unproven offered addresses, in addition to those that datagrams from there permit.
///
/// A peer that offers other addresses does not renew it. Otherwise it could aim the challenges of a whole group at a
/// third party.
#[derive(Clone, Copy, Debug)]
pub(in crate::peer) struct ChallengeBudget {
    current: RateLimit,
    others: RateLimit,
}

/// Whether a datagram may go to an address now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::peer::link) enum Permission {
    Granted,
    /// The budget allows it after this time.
    Later(Duration),
    /// Nothing may go there before more has arrived from there.
    Denied,
}

/// The role of an address, as the budget counts it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Role {
    /// Messages wait for the peer at this address. Our own user decides that.
    Current,
    /// The address is tried besides the current one.
    Other,
}

/// The datagrams to current addresses: the probes of four link timeouts. A message to an honest peer survives a partition
/// that is not longer than one, and some peers are suspended for minutes.
const CURRENT: u32 = 192;

/// The datagrams to other addresses: several for each address that a peer offers, in the first seconds.
const OTHERS: u32 = 16;

/// The time after which one more of each is permitted: rare enough that a third party hardly notices, even if a
/// thousand members send them.
const INTERVAL: Duration = Duration::from_secs(10);

impl ChallengeBudget {
    /// Counts one datagram if the budget allows it.
    ///
    /// # Errors
    /// The time to wait until it allows one.
    pub(super) fn take(&mut self, now: Mono, role: Role) -> Result<(), Duration> {
        match role {
            Role::Current => self.current.take(now),
            Role::Other => self.others.take(now),
        }
    }

    /// Returns whether the budget allows one datagram.
    pub(super) fn permission(mut self, now: Mono, role: Role) -> Permission {
        self.take(now, role).map_or_else(Permission::Later, |()| Permission::Granted)
    }
}

impl Default for ChallengeBudget {
    fn default() -> Self {
        Self { current: RateLimit::new(INTERVAL, CURRENT), others: RateLimit::new(INTERVAL, OTHERS) }
    }
}
