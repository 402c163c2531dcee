//! Resumption state: what a link passes to a later link between the same two sessions.
//!
//! Both links derive the same keys, so the later one continues all packet and message numbers.

use std::net::SocketAddr;

use super::datagram_size::DatagramSize;
use super::incoming::{Incoming, IncomingResumption, ResendRequest};
use super::outgoing::Outgoing;
use super::packet_numbers::PacketNumbers;
use super::path::{ChallengeBudget, Path, RelayStanding};
use super::position::Position;
use super::received_packets::ReceivedPackets;
use super::recovery::{Medium, Recovery};
use super::retransmission_budget::RetransmissionBudget;
use super::way::WayState;
use super::{Context, Link, LinkState, Responsiveness};
use crate::rate_limit::RateLimit;
use crate::seal::LinkKeys;
use crate::time::Mono;

/// The state that is kept of a removed link. The default stands for a new link.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(in crate::peer) struct Resumption {
    /// The next packet number that we send.
    next_packet: u64,
    /// One more than the highest packet number received.
    next_received: u64,
    /// The position of our last message.
    outgoing: Position,
    incoming: IncomingResumption,
    retransmissions: RetransmissionBudget,
}

impl Link {
    /// Creates a link that continues after `resumption`.
    pub(in crate::peer) fn new(
        keys: LinkKeys,
        addresses: impl Iterator<Item = SocketAddr>,
        resumption: Resumption,
        challenges: ChallengeBudget,
        relay: RelayStanding,
        cx: &mut Context,
    ) -> Self {
        let Resumption { next_packet, next_received, outgoing, incoming, retransmissions } = resumption;
        let rate_limit = RateLimit::per_second(cx.config.rate, cx.config.burst);
        // The earlier link may have acknowledged packets whose messages it did not deliver. The peer must send these
        // again.
        let resend = if next_received > 0 { ResendRequest::Due } else { ResendRequest::None };
        let path = Path::new(addresses, challenges, relay, cx.generator.as_mut());
        let mut recovery = Recovery::new();
        if path.is_relayed() {
            recovery.restart(Medium::Relay);
        }
        Self {
            keys,
            path,
            way: WayState::starting_at(next_received),
            datagram_size: DatagramSize::new(),
            recovery,
            received: ReceivedPackets::starting_at(next_received),
            outgoing: Outgoing::resuming(outgoing),
            incoming: Incoming::resuming(incoming, resend, cx.config.window, rate_limit),
            numbers: PacketNumbers::starting_at(next_packet, cx.generator.as_mut()),
            retransmissions,
            state: LinkState::Open,
            unacked_since: None,
            responsiveness: Responsiveness::Responsive,
            probe_timer_start: Mono::ZERO,
            probes: 0,
            unacked_probes: 0,
            probe_due: false,
            pongs: Vec::new(),
        }
    }

    /// Returns the rest of the challenge budget.
    pub(in crate::peer) const fn challenge_budget(&self) -> ChallengeBudget {
        self.path.budget()
    }

    /// Returns the state with which a later link continues.
    pub(in crate::peer) fn resumption(&self) -> Resumption {
        Resumption {
            next_packet: self.numbers.next(),
            next_received: self.received.next(),
            outgoing: self.outgoing.last(),
            incoming: self.incoming.resumption(),
            retransmissions: self.retransmissions,
        }
    }
}

/// The state of a link that has sent packets up to `next_packet`.
#[cfg(test)]
pub(in crate::peer) fn resumption_after(next_packet: u64) -> Resumption {
    Resumption { next_packet, ..Resumption::default() }
}
