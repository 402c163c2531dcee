//! What an application learns of its links: which way they take, and how well it works.

use std::net::SocketAddr;
use std::time::Duration;

use chat_core::name::UserName;
use chat_core::peer::{self, Rung};
use chat_core::time::{Now, Timestamp};

/// The state of the link to one user, as of the moment of the call or of the event.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkStatus {
    user: UserName,
    rung: Rung,
    address: Option<SocketAddr>,
    since: Option<Timestamp>,
    round_trip: Option<Duration>,
    loss: f32,
    in_flight: usize,
}

impl LinkStatus {
    /// `server_time` is the time `now` on the server's clock.
    pub(crate) fn new(status: &peer::LinkStatus<'_>, now: Now, server_time: Timestamp) -> Self {
        let millis_before = |since| i64::try_from(now.mono.since(since).as_millis()).unwrap_or(i64::MAX);
        Self {
            user: status.user.clone(),
            rung: status.rung(),
            address: status.address(),
            since: status.since.map(|since| server_time.offset_by(-millis_before(since))),
            round_trip: status.round_trip,
            loss: status.loss,
            in_flight: status.in_flight,
        }
    }

    /// The user.
    pub const fn user(&self) -> &UserName {
        &self.user
    }

    /// How near the user is: on this machine, in this network, further away, or through the server.
    /// [`Rung::None`] until a way has answered.
    pub const fn rung(&self) -> Rung {
        self.rung
    }

    /// Whether messages go through the server.
    pub const fn is_relayed(&self) -> bool {
        matches!(self.rung, Rung::RelayedTcp)
    }

    /// The address to which datagrams go. `None` through the server, and until an address has answered.
    pub const fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Since when it is known that this way answers, on the server's clock. `None` until a way has answered, and for the
    /// first second after a change that follows another within a second.
    pub const fn since(&self) -> Option<Timestamp> {
        self.since
    }

    /// The smoothed round-trip time over this way, once it is measured. It can include the time for which the other side
    /// waits before it acknowledges.
    pub const fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    /// The share of the last 64 packets that were lost, between 0 and 1.
    pub const fn loss(&self) -> f32 {
        self.loss
    }

    /// The bytes that are sent and neither acknowledged nor lost.
    pub const fn in_flight(&self) -> usize {
        self.in_flight
    }
}

#[cfg(test)]
impl LinkStatus {
    /// A link through the server.
    pub(super) fn relayed(user: &str, in_flight: usize) -> Self {
        let user = user.parse().expect("a valid user name");
        Self { user, rung: Rung::RelayedTcp, address: None, since: None, round_trip: None, loss: 0.0, in_flight }
    }
}
