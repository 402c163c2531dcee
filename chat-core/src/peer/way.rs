//! The ways over which datagrams travel, and what an application learns of them.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::name::UserName;
use crate::time::Mono;

/// A way over which a datagram travels.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Way {
    /// Straight from machine to machine, from or to this address.
    Direct(SocketAddr),
    /// Through the relay of the server.
    Relay,
}

/// How near a peer is, as people read it: what kind of way its datagrams take.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Rung {
    /// A loopback address: the same machine.
    Host,
    /// A private or link-local address: the same network.
    Lan,
    /// Any other address.
    Routed,
    /// Through the server, over its connections.
    RelayedTcp,
    /// No way has answered yet.
    None,
}

/// The state of one link.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LinkStatus<'a> {
    /// The peer.
    pub user: &'a UserName,
    /// The way that the link uses and that has answered. `None` if no way has answered yet.
    pub way: Option<Way>,
    /// Since when it is known that this way answers, without another one in between. `None` also for the first second after
    /// a change that follows another within a second.
    pub since: Option<Mono>,
    /// The smoothed round-trip time over this way, once it is measured.
    pub round_trip: Option<Duration>,
    /// The share of the last 64 packets that were lost, between 0 and 1.
    pub loss: f32,
    /// The bytes in flight.
    pub in_flight: usize,
}

impl Way {
    /// How near a peer is that is reached over this way.
    pub fn rung(self) -> Rung {
        match self {
            Self::Relay => Rung::RelayedTcp,
            Self::Direct(address) => match address.ip().to_canonical() {
                ip if ip.is_loopback() => Rung::Host,
                IpAddr::V4(ip) if ip.is_private() || ip.is_link_local() => Rung::Lan,
                IpAddr::V6(ip) if ip.is_unique_local() || ip.is_unicast_link_local() => Rung::Lan,
                _ => Rung::Routed,
            },
        }
    }
}

impl LinkStatus<'_> {
    /// How near the peer is.
    pub fn rung(&self) -> Rung {
        self.way.map_or(Rung::None, Way::rung)
    }

    /// The address, if the way has one.
    pub fn address(&self) -> Option<SocketAddr> {
        match self.way? {
            Way::Direct(address) => Some(address),
            Way::Relay => None,
        }
    }
}

impl Rung {
    /// Its name in output for programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Lan => "lan",
            Self::Routed => "routed",
            Self::RelayedTcp => "relayed-tcp",
            Self::None => "none",
        }
    }
}

/// Its [name](Self::name).
impl fmt::Display for Rung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rung_follows_from_the_way() {
        for (address, rung) in [
            ("127.0.0.1:4000", "host"),
            ("[::1]:4000", "host"),
            ("192.168.1.9:4000", "lan"),
            ("169.254.1.9:4000", "lan"),
            ("[fe80::1]:4000", "lan"),
            ("[fd00::1]:4000", "lan"),
            ("[::ffff:10.0.0.1]:4000", "lan"),
            ("203.0.113.9:4000", "routed"),
            ("[2001:db8::9]:4000", "routed"),
        ] {
            assert_eq!(Way::Direct(address.parse().unwrap()).rung().to_string(), rung, "{address}");
        }
        assert_eq!(Way::Relay.rung().name(), "relayed-tcp");
    }
}
