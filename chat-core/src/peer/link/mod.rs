//! A link: the sealed association of our session and one peer.
//!
//! This module holds the link's state and the operations that the rest of the machine performs on it. The
//! documentation of [`peer`](super) lists the parts of a link.

mod datagram_size;
mod idle;
mod incoming;
mod outgoing;
mod packet;
mod packet_numbers;
mod path;
mod position;
mod receive;
mod received_packets;
mod recovery;
mod resumption;
mod retransmission_budget;
mod timing;
mod transmit;
mod way;

use std::net::SocketAddr;
use std::time::Duration;

use self::datagram_size::DatagramSize;
use self::incoming::Incoming;
use self::outgoing::{Outgoing, QueueFull};
use self::packet_numbers::PacketNumbers;
use self::path::Path;
use self::received_packets::ReceivedPackets;
use self::recovery::Recovery;
use self::retransmission_budget::RetransmissionBudget;
use self::way::WayState;
use super::config::{ACK_DELAY, PeerConfig};
use super::limit_counts::LimitCounts;
use super::messages::{MessageHandle, Messages};
use super::way::Way;
use crate::generator::Generator;
use crate::message::{FailReason, Outcome, UnconfirmedReason};
use crate::seal::LinkKeys;
use crate::time::Mono;
use crate::wire::datagram::ByeReason;

pub(super) use self::incoming::Decision;
pub(super) use self::path::{ChallengeBudget, RelayStanding, usable_addresses};
pub(super) use self::resumption::Resumption;
#[cfg(test)]
pub(super) use self::resumption::resumption_after;
pub(super) use self::timing::Brake;

pub(super) struct Link {
    keys: LinkKeys,
    path: Path,
    way: WayState,
    datagram_size: DatagramSize,
    recovery: Recovery,
    received: ReceivedPackets,
    outgoing: Outgoing,
    incoming: Incoming,
    numbers: PacketNumbers,
    retransmissions: RetransmissionBudget,
    state: LinkState,
    /// While an ack is awaited: the time of the last ack, or the time at which waiting began. Other packets of the peer
    /// do not count as an answer: the peer may receive nothing from us.
    unacked_since: Option<Mono>,
    responsiveness: Responsiveness,
    /// The time from which the probe timeout counts.
    probe_timer_start: Mono,
    /// Consecutive probes without progress, and consecutive probes without any ack.
    probes: u32,
    unacked_probes: u32,
    probe_due: bool,
    /// Answers to pings, and where they go: at most [`MAX_PONGS`].
    pongs: Vec<([u8; 8], SocketAddr)>,
}

/// The most pongs that wait to be sent. Further pings are dropped; their sender repeats them.
const MAX_PONGS: usize = 4;

/// The consecutive unacknowledged probes after which the link challenges its other addresses again, and sends to the
/// first that answers.
const UNACKED_PROBES_BEFORE_MOVE: u32 = 2;

/// The states of a link, after RFC 9000 section 10.2.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum LinkState {
    Open,
    /// A bye remains to be sent.
    Closing(ByeReason),
    /// A last ack remains to be sent, and no bye.
    LastAck,
    /// Nothing is sent. Received packets are still processed.
    Draining,
    /// Nothing is sent, and received packets are dropped.
    Closed,
}

/// What the link last reported about the peer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Responsiveness {
    Responsive,
    Unresponsive,
}

/// An event that a link reports to the machine.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum LinkEvent {
    /// The peer has not acknowledged anything for a while.
    Unresponsive,
    /// An unresponsive peer has acknowledged a packet.
    Responsive,
    /// One side violated the protocol, and the link is closed.
    Violation,
    /// Another way is used, and has answered.
    Way(Way),
}

/// What all links of a machine share.
pub(super) struct Context {
    pub(super) config: PeerConfig,
    pub(super) generator: Box<dyn Generator>,
    pub(super) messages: Messages,
    pub(super) limits: LimitCounts,
    /// The outcomes that the link being processed has found, in the order of its messages.
    pub(super) outcomes: Vec<(MessageHandle, Outcome)>,
    /// The other events of that link.
    pub(super) events: Vec<LinkEvent>,
    /// The longest datagram that the relay carries.
    pub(super) relayed_datagram: usize,
}

/// Whether received messages may be buffered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Memory {
    Available,
    Full,
}

/// The last frames that a closing link sends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Goodbye {
    /// A last ack and a bye: our session leaves.
    Bye,
    /// A last ack: our session was replaced. A bye would arrive before the roster's change and report it as left.
    LastAck,
    /// Nothing: the peer's session has ended.
    None,
}

/// Whether the content of a message follows the rules.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Validity {
    Valid,
    Invalid,
}

impl Link {
    /// Queues a message whose body has `len` bytes.
    ///
    /// # Errors
    /// The reason why the message failed for this peer.
    pub(super) fn enqueue(
        &mut self,
        now: Mono,
        message: MessageHandle,
        len: usize,
        cx: &mut Context,
    ) -> Result<(), FailReason> {
        let to = self.path.current();
        if to.is_none() && !self.waits_for_relay() {
            return Err(FailReason::NoAddress);
        }
        match self.state {
            LinkState::Open => {}
            LinkState::Closing(ByeReason::Violation) | LinkState::Closed => return Err(FailReason::Misbehaved),
            LinkState::Closing(ByeReason::Leaving) | LinkState::LastAck | LinkState::Draining => {
                return Err(FailReason::Left);
            }
        }
        if self.path.is_relayed() {
            self.path.ask_if_due(now, cx.generator.as_mut());
        } else if !self.awaits_ack()
            && !self.path.is_proven()
            && let Some(to) = to
        {
            self.path.challenge_others(now);
            // If no message may go to this address before it is proven, a probe challenges it.
            self.probe_due = self.path.allowance(Way::Direct(to)) < self.datagram_size.current();
            if self.probe_due && self.path.is_relay_ready() {
                self.use_relay(now, cx.generator.as_mut());
            }
        }
        self.outgoing.enqueue(message, len).map_err(|QueueFull| FailReason::QueueFull)?;
        // Start even if the message needs more room: the ack that granted the room may have been lost, and a probe
        // elicits another.
        self.start_waiting(now);
        Ok(())
    }

    /// Returns the measured round-trip time, if there was a round trip at the current address.
    pub(super) fn round_trip(&self) -> Option<Duration> {
        self.recovery.rtt.estimate()
    }

    /// Whether an ack is due.
    pub(super) fn is_ack_due(&self, now: Mono) -> bool {
        self.received.ack_due().is_some_and(|at| at <= now)
    }

    /// Records what the application decided about the message with this number. Returns whether that changed the next
    /// deadline.
    pub(super) fn decide(&mut self, now: Mono, number: u64, decision: Decision) -> bool {
        // An ack that is already scheduled, perhaps later because the group is large, includes the decision.
        let is_scheduled = self.incoming.decide(now, number, decision) && self.received.ack_due().is_none();
        if is_scheduled {
            self.received.schedule_ack(now + ACK_DELAY);
        }
        is_scheduled
    }

    /// Replaces the addresses that the roster offers.
    pub(super) fn offer(&mut self, now: Mono, addresses: impl Iterator<Item = SocketAddr>, cx: &mut Context) {
        self.path.offer(addresses, now, cx.generator.as_mut());
    }

    /// Abandons all messages because one of the two sessions ends, and sends nothing more than the goodbye.
    pub(super) fn close(
        &mut self,
        unconfirmed: UnconfirmedReason,
        failed: FailReason,
        goodbye: Goodbye,
        cx: &mut Context,
    ) {
        self.abandon(unconfirmed, failed, cx);
        if self.is_aborted() {
            return;
        }
        let is_known_to_peer = self.numbers.next() > 0 || self.received.next() > 0;
        self.state = match goodbye {
            Goodbye::Bye if is_known_to_peer => LinkState::Closing(ByeReason::Leaving),
            Goodbye::LastAck if is_known_to_peer => LinkState::LastAck,
            Goodbye::Bye | Goodbye::LastAck | Goodbye::None => LinkState::Draining,
        };
    }

    /// Opens a closed link again, because the peer's session has returned. An aborted link stays closed.
    pub(super) fn reopen(&mut self) {
        if !self.is_aborted() {
            self.state = LinkState::Open;
            self.responsiveness = Responsiveness::Responsive;
        }
    }

    /// Drops messages that have arrived but cannot be passed to the application yet. If the link continues, the sender
    /// is asked to send them again.
    pub(super) fn drop_undelivered(&mut self) {
        self.incoming.drop_undelivered();
    }

    /// Whether the application has yet to decide about some message.
    pub(super) fn has_undecided(&self) -> bool {
        self.incoming.has_undecided()
    }

    /// Returns the memory that received messages take.
    pub(super) fn buffered(&self) -> u64 {
        self.incoming.buffered()
    }

    /// Closes the link for good after a violation: `Closing` if the peer violated the protocol, `Closed` if it states
    /// that we did.
    fn abort(&mut self, state: LinkState, cx: &mut Context) {
        self.abandon(UnconfirmedReason::Misbehaved, FailReason::Misbehaved, cx);
        self.state = state;
        cx.limits.violations += 1;
        cx.events.push(LinkEvent::Violation);
    }

    /// Whether the link was closed because of a violation.
    fn is_aborted(&self) -> bool {
        matches!(self.state, LinkState::Closed | LinkState::Closing(ByeReason::Violation))
    }

    /// Resolves all pending messages without an answer, and awaits no more acks.
    fn abandon(&mut self, unconfirmed: UnconfirmedReason, failed: FailReason, cx: &mut Context) {
        let outcomes = &mut cx.outcomes;
        self.outgoing.abandon(unconfirmed, failed, |message, outcome| {
            outcomes.push((message, outcome));
        });
        self.recovery.clear();
        self.unacked_since = None;
        self.probes = 0;
        self.unacked_probes = 0;
        self.probe_due = false;
        self.path.stop_challenging_offered();
    }

    /// Whether a message is pending or a packet is in flight.
    fn awaits_ack(&self) -> bool {
        self.outgoing.has_pending() || !self.recovery.is_empty()
    }

    /// Starts to measure the time without an ack, unless that has started already.
    fn start_waiting(&mut self, now: Mono) {
        if self.unacked_since.is_none() {
            self.unacked_since = Some(now);
            self.probe_timer_start = now;
        }
    }
}
