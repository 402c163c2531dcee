//! What loss detection and congestion control assume of what carries the packets.

use std::time::Duration;

use super::rtt::GRANULARITY;

/// What carries the packets of a link.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::peer::link) enum Medium {
    /// A network that loses datagrams.
    Datagrams,
    /// The relay: TCP to the server and TCP to the peer, which deliver late instead. Retransmitting on top of that would only
    /// add to what waits.
    Relay,
}

/// The shortest probe timeout over the relay: one retransmission timeout of TCP (200 ms on Linux), its repetition, and some
/// time for the queue behind it.
const RELAY_PROBE_TIMEOUT: Duration = Duration::from_millis(500);

/// The shortest time after which a packet over the relay is lost because a later one arrived: one retransmission timeout
/// of TCP.
const RELAY_LOSS_DELAY: Duration = Duration::from_millis(200);

/// The largest window over the relay: half of what the server holds for one recipient, who has other senders too.
const RELAY_WINDOW: usize = 64 * 1024;

/// A larger window has no use: it exceeds the room that any peer grants by default.
const MAX_WINDOW: usize = 16 * 1024 * 1024;

impl Medium {
    pub(super) const fn least_probe_timeout(self) -> Duration {
        match self {
            Self::Datagrams => Duration::ZERO,
            Self::Relay => RELAY_PROBE_TIMEOUT,
        }
    }

    pub(super) const fn least_loss_delay(self) -> Duration {
        match self {
            Self::Datagrams => GRANULARITY,
            Self::Relay => RELAY_LOSS_DELAY,
        }
    }

    pub(super) const fn max_window(self) -> usize {
        match self {
            Self::Datagrams => MAX_WINDOW,
            Self::Relay => RELAY_WINDOW,
        }
    }
}
