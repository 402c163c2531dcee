//! The packets in flight: which are acknowledged, which are lost, and whether more may leave (RFC 9002).

mod congestion;
mod loss_share;
mod medium;
mod rtt;

use std::collections::VecDeque;
use std::time::Duration;

use arrayvec::ArrayVec;

use self::congestion::Congestion;
use self::loss_share::LossShare;
pub(super) use self::medium::Medium;
use self::rtt::Rtt;
use crate::peer::config::{ACK_DELAY, MAX_PROBE_TIMEOUT, MAX_QUEUED};
use crate::time::Mono;
use crate::wire::datagram::{Ack, MAX_DATAGRAM};

/// An ack-eliciting packet in flight.
#[derive(Clone, Debug)]
pub(super) struct SentPacket {
    pub(super) number: u64,
    pub(super) at: Mono,
    /// The length of the datagram.
    pub(super) size: usize,
    pub(super) frames: ArrayVec<SentFrame, MAX_SENT_FRAMES>,
}

/// The most entries of [`SentPacket::frames`]. A datagram that needs more is finished early.
pub(super) const MAX_SENT_FRAMES: usize = 6;

/// Frames of a packet that are retransmitted if the packet is lost.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum SentFrame {
    /// Whole messages with consecutive numbers.
    Messages {
        first: u64,
        last: u64,
    },
    /// A part of a message.
    Fragment {
        number: u64,
        offset: u16,
        len: u16,
    },
    Skip,
    /// The refusals up to this message number, in an ack.
    Refusals {
        up_to: u64,
    },
    Resend,
}

#[derive(Debug)]
pub(super) struct Recovery {
    pub(super) rtt: Rtt,
    in_flight: VecDeque<SentPacket>,
    bytes_in_flight: usize,
    largest_acked: Option<u64>,
    /// The time at which the latest acknowledged packet was sent.
    acked_sent_at: Option<Mono>,
    /// The time at which the first packet of an unbroken series of losses was sent.
    losing_since: Option<Mono>,
    loss_deadline: Option<Mono>,
    /// The longest time for which the peer may delay the acks of the packets in flight.
    pub(super) max_ack_delay: Duration,
    congestion: Congestion,
    losses: LossShare,
}

/// The packets by which a packet may be overtaken before it counts as lost (RFC 9002 section 6.1.1).
const PACKET_THRESHOLD: u64 = 3;

/// The probe timeouts over which a series of losses indicates persistent congestion (RFC 9002 section 7.6.1).
const PERSISTENT_CONGESTION_THRESHOLD: u32 = 3;

/// The packets in flight above which optional ones are not tracked: twice as many as the messages that one link queues,
/// each in a packet of its own. This bounds the memory that a peer costs if it never acknowledges.
const MAX_TRACKED: usize = 2 * MAX_QUEUED;

impl Recovery {
    pub(super) const fn new() -> Self {
        Self {
            rtt: Rtt::new(Medium::Datagrams),
            in_flight: VecDeque::new(),
            bytes_in_flight: 0,
            largest_acked: None,
            acked_sent_at: None,
            losing_since: None,
            loss_deadline: None,
            max_ack_delay: ACK_DELAY,
            congestion: Congestion::new(Medium::Datagrams),
            losses: LossShare::new(),
        }
    }

    pub(super) fn on_sent(&mut self, packet: SentPacket) {
        self.bytes_in_flight += packet.size;
        self.in_flight.push_back(packet);
    }

    /// Records for how long the peer may delay the ack of a packet that was sent.
    pub(super) fn allow_ack_delay(&mut self, delay: Duration) {
        self.max_ack_delay = self.max_ack_delay.max(delay).min(MAX_PROBE_TIMEOUT);
    }

    /// Returns the time to wait for an ack before a probe, after `count` consecutive probes.
    pub(super) fn probe_timeout(&self, count: u32) -> Duration {
        self.rtt.probe_timeout(self.max_ack_delay, count)
    }

    /// Processes the packet part of an ack. `acked` receives the packets that are acknowledged for the first time, `lost`
    /// those that count as lost because of it. `runs` are the runs of the ack.
    pub(super) fn on_ack(
        &mut self,
        now: Mono,
        ack: &Ack,
        runs: &[(u64, u64)],
        mut acked: impl FnMut(&SentPacket),
        lost: impl FnMut(SentPacket),
    ) {
        let is_window_used = self.bytes_in_flight * 2 >= self.congestion.window;
        let mut bytes = 0;
        let (mut largest_sent_at, mut latest_sent_at) = (None, None);
        for &(low, high) in runs {
            let from = self.in_flight.partition_point(|packet| packet.number < low);
            let to = self.in_flight.partition_point(|packet| packet.number <= high);
            for packet in self.in_flight.drain(from..to) {
                bytes += packet.size;
                latest_sent_at = latest_sent_at.max(Some(packet.at));
                acked(&packet);
                self.losses.record(false);
                if packet.number == ack.largest {
                    largest_sent_at = Some(packet.at);
                }
                if is_window_used {
                    self.congestion.on_acked(packet.at, packet.size);
                }
            }
        }
        self.bytes_in_flight -= bytes;
        if let Some(at) = largest_sent_at {
            self.rtt.sample(now.since(at), Duration::from_micros(ack.delay_us.into()));
        }
        if bytes > 0 {
            self.largest_acked = self.largest_acked.max(Some(ack.largest));
        }
        self.detect_losses(now, lost);
        if latest_sent_at.is_some() {
            self.acked_sent_at = self.acked_sent_at.max(latest_sent_at);
            self.losing_since = None;
        }
        if self.in_flight.is_empty() {
            self.max_ack_delay = ACK_DELAY;
        }
    }

    /// Declares packets lost that were overtaken by [`PACKET_THRESHOLD`] packets or for too long.
    pub(super) fn detect_losses(&mut self, now: Mono, mut lost: impl FnMut(SentPacket)) {
        self.loss_deadline = None;
        let Some(largest) = self.largest_acked else { return };
        let delay = self.rtt.loss_delay();
        let mut last_lost: Option<Mono> = None;
        let mut index = 0;
        while let Some(packet) = self.in_flight.get(index).filter(|packet| packet.number < largest) {
            if largest - packet.number >= PACKET_THRESHOLD || packet.at + delay <= now {
                let packet = self.in_flight.remove(index).expect("the index was just looked up");
                self.bytes_in_flight -= packet.size;
                self.losses.record(true);
                // Losses are found in the order of sending. An acknowledged packet between two losses ends the series.
                if self.acked_sent_at.is_none_or(|acked| packet.at > acked) {
                    self.losing_since.get_or_insert(packet.at);
                }
                last_lost = Some(packet.at);
                lost(packet);
            } else {
                let due = packet.at + delay;
                self.loss_deadline = Some(self.loss_deadline.map_or(due, |at| at.min(due)));
                index += 1;
            }
        }
        let Some(last_lost) = last_lost else { return };
        self.congestion.on_lost(now, last_lost);
        let persistent = self.probe_timeout(0) * PERSISTENT_CONGESTION_THRESHOLD;
        if self.losing_since.is_some_and(|since| last_lost.since(since) >= persistent) {
            self.congestion.on_persistent_congestion();
            self.losing_since = None;
        }
    }

    /// Forgets all packets in flight, because their messages were abandoned.
    pub(super) fn clear(&mut self) {
        self.in_flight.clear();
        self.bytes_in_flight = 0;
        self.loss_deadline = None;
        self.max_ack_delay = ACK_DELAY;
    }

    /// Postpones all times, because our own process was stalled for this long: a stall is not a round trip.
    pub(super) fn shift(&mut self, by: Duration) {
        self.in_flight.iter_mut().for_each(|packet| packet.at = packet.at + by);
        // These times are compared with those of the packets.
        let recovery_start = &mut self.congestion.recovery_start;
        for time in [&mut self.loss_deadline, recovery_start, &mut self.acked_sent_at, &mut self.losing_since] {
            *time = time.map(|at| at + by);
        }
    }

    /// Gives up all packets in flight, because the way that they took no longer works, and returns them. That is no sign of
    /// congestion.
    pub(super) fn take_in_flight(&mut self) -> VecDeque<SentPacket> {
        let packets = std::mem::take(&mut self.in_flight);
        self.clear();
        packets
    }

    /// Resets the estimates, because another way is used.
    pub(super) fn restart(&mut self, medium: Medium) {
        self.rtt = Rtt::new(medium);
        self.congestion = Congestion::new(medium);
    }

    /// Returns the share of the last 64 packets that were lost.
    pub(super) fn loss_share(&self) -> f32 {
        self.losses.share()
    }

    /// Returns the bytes in flight.
    pub(super) const fn in_flight_bytes(&self) -> usize {
        self.bytes_in_flight
    }

    /// Returns unused memory to the allocator.
    pub(super) fn shrink(&mut self) {
        self.in_flight.shrink_to_fit();
    }

    /// Whether the congestion window permits one more full datagram.
    pub(super) const fn has_window(&self) -> bool {
        self.bytes_in_flight + MAX_DATAGRAM <= self.congestion.window
    }

    /// Whether the congestion window permits two more full datagrams.
    pub(super) const fn has_window_for_two(&self) -> bool {
        self.bytes_in_flight + 2 * MAX_DATAGRAM <= self.congestion.window
    }

    /// Whether no packet is in flight.
    pub(super) fn is_empty(&self) -> bool {
        self.in_flight.is_empty()
    }

    /// Whether so many packets are in flight that optional ones are not tracked.
    pub(super) fn is_full(&self) -> bool {
        self.in_flight.len() >= MAX_TRACKED
    }

    /// Returns the oldest packet in flight.
    pub(super) fn oldest(&self) -> Option<&SentPacket> {
        self.in_flight.front()
    }

    /// Returns the time at which packets may have to be declared lost.
    pub(super) const fn loss_deadline(&self) -> Option<Mono> {
        self.loss_deadline
    }
}

#[cfg(test)]
mod tests;
