//! Transmitting on a link: the next datagram is composed of what is ready, and sealed.

use std::net::SocketAddr;
use std::time::Duration;

use arrayvec::ArrayVec;

use super::incoming::ResendRequest;
use super::packet::{AckEliciting, FinishedPacket, Packet};
use super::path::{Permission, SMALL_DATAGRAM};
use super::recovery::{MAX_SENT_FRAMES, SentFrame, SentPacket};
use super::{Context, Link, LinkState};
use crate::generator::Generator;
use crate::id::SessionId;
use crate::peer::Way;
use crate::peer::config::MAX_PROBE_TIMEOUT;
use crate::peer::messages::Messages;
use crate::time::Mono;
use crate::wire::datagram::{ByeReason, Frame, HEADER, Header, MAX_DATAGRAM, TAG};

impl Link {
    /// Seals the next datagram that goes directly to an address into `slot` and returns its destination and length, or `None`
    /// if nothing is ready.
    pub(in crate::peer) fn transmit(
        &mut self,
        now: Mono,
        session: SessionId,
        cx: &mut Context,
        slot: &mut [u8; MAX_DATAGRAM],
    ) -> Option<(SocketAddr, usize)> {
        let main = self.path.direct();
        match self.state {
            LinkState::Draining | LinkState::Closed => None,
            LinkState::Closing(_) | LinkState::LastAck if self.answers_over_relay() => None,
            LinkState::Closing(reason) => {
                let len = self.transmit_bye(now, session, cx, slot, main.map(Way::Direct), reason)?;
                main.map(|to| (to, len))
            }
            LinkState::LastAck => {
                let len = self.transmit_last_ack(now, session, cx, slot, main.map(Way::Direct))?;
                main.map(|to| (to, len))
            }
            LinkState::Open => {
                // A pong to the current address travels with the ack of its ping, unless acks go to the relay.
                let travels_alone = |from| Some(from) != main || self.answers_over_relay();
                if let Some(index) = self.pongs.iter().position(|(_, from)| travels_alone(*from)) {
                    let (bytes, from) = self.pongs.remove(index);
                    if self.path.allowance(Way::Direct(from)) >= SMALL_DATAGRAM {
                        let to = Way::Direct(from);
                        return Some((from, self.transmit_alone(now, session, cx, slot, to, &Frame::Pong(bytes))));
                    }
                }
                if let Some((other, challenge)) = self.path.next_challenge(now, SMALL_DATAGRAM, &mut cx.limits) {
                    let (to, ping) = (Way::Direct(other), Frame::Ping(challenge));
                    return Some((other, self.transmit_alone(now, session, cx, slot, to, &ping)));
                }
                let address = main?;
                let to = Way::Direct(address);
                if let Some(larger) = self.datagram_size.next_probe(now)
                    && self.may_send_messages(to, &cx.messages)
                    && self.retransmissions.is_available()
                    && !self.recovery.is_full()
                {
                    return Some((address, self.transmit_size_probe(now, session, cx, slot, to, larger)));
                }
                self.transmit_main(now, session, cx, slot, to).map(|len| (address, len))
            }
        }
    }

    /// Seals the next datagram that goes to the relay into `slot` and returns its length, or `None` if nothing is ready.
    pub(in crate::peer) fn transmit_relayed(
        &mut self,
        now: Mono,
        session: SessionId,
        cx: &mut Context,
        slot: &mut [u8; MAX_DATAGRAM],
    ) -> Option<usize> {
        if !self.answers_over_relay() {
            return None;
        }
        match self.state {
            LinkState::Draining | LinkState::Closed => None,
            LinkState::Closing(reason) => self.transmit_bye(now, session, cx, slot, Some(Way::Relay), reason),
            LinkState::LastAck => self.transmit_last_ack(now, session, cx, slot, Some(Way::Relay)),
            LinkState::Open if self.path.is_relayed() => self.transmit_main(now, session, cx, slot, Way::Relay),
            LinkState::Open => self.transmit_ack(now, session, cx, slot),
        }
    }

    /// Sends a bye once.
    fn transmit_bye(
        &mut self,
        now: Mono,
        session: SessionId,
        cx: &mut Context,
        slot: &mut [u8; MAX_DATAGRAM],
        to: Option<Way>,
        reason: ByeReason,
    ) -> Option<usize> {
        self.state = if reason == ByeReason::Violation { LinkState::Closed } else { LinkState::Draining };
        let bye = Frame::Bye { reason, last: self.outgoing.last().number };
        let may_go = |to: &Way| *to == Way::Relay || self.path.permission(now, BYE_DATAGRAM) == Permission::Granted;
        let to = to.filter(may_go)?;
        let full = self.full_size(to, cx);
        if reason == ByeReason::Violation || self.path.allowance(to) < full {
            return Some(self.transmit_alone(now, session, cx, slot, to, &bye));
        }
        // The receiver of a bye abandons everything that was not acknowledged, so a last ack precedes it. An ack that
        // was sent before may have been lost.
        let mut packet = Packet::new(&mut slot[HEADER..full - TAG]);
        self.received.schedule_ack(now);
        self.write_ack(now, &mut packet);
        if !packet.write(&bye) {
            return Some(self.transmit_alone(now, session, cx, slot, to, &bye));
        }
        let len = packet.finish().len;
        Some(self.seal(now, session, cx.generator.as_mut(), slot, to, len))
    }

    /// Sends a last ack once, if any packet was received. An ack that was sent before may have been lost.
    fn transmit_last_ack(
        &mut self,
        now: Mono,
        session: SessionId,
        cx: &mut Context,
        slot: &mut [u8; MAX_DATAGRAM],
        to: Option<Way>,
    ) -> Option<usize> {
        self.state = LinkState::Draining;
        let full = to.map_or(0, |to| self.full_size(to, cx));
        let to = to.filter(|to| self.path.allowance(*to) >= full)?;
        let mut packet = Packet::new(&mut slot[HEADER..full - TAG]);
        let remaining_at_start = packet.remaining();
        self.received.schedule_ack(now);
        self.write_ack(now, &mut packet);
        if packet.remaining() == remaining_at_start {
            return None;
        }
        let len = packet.finish().len;
        Some(self.seal(now, session, cx.generator.as_mut(), slot, to, len))
    }

    /// Sends the ack that is due to the relay, although everything else goes directly: the peer is heard there.
    fn transmit_ack(
        &mut self,
        now: Mono,
        session: SessionId,
        cx: &mut Context,
        slot: &mut [u8; MAX_DATAGRAM],
    ) -> Option<usize> {
        self.received.ack_due().filter(|at| *at <= now)?;
        let mut packet = Packet::new(&mut slot[HEADER..cx.relayed_datagram - TAG]);
        self.write_ack(now, &mut packet);
        let finished = packet.finish();
        if finished.len == 0 {
            return None;
        }
        let number = self.numbers.next();
        let size = self.seal(now, session, cx.generator.as_mut(), slot, Way::Relay, finished.len);
        self.track(now, number, size, finished, Probing::No);
        Some(size)
    }

    /// Sends one frame that is not retransmitted, over any way.
    fn transmit_alone(
        &mut self,
        now: Mono,
        session: SessionId,
        cx: &mut Context,
        slot: &mut [u8; MAX_DATAGRAM],
        to: Way,
        frame: &Frame<'_>,
    ) -> usize {
        let mut packet = Packet::new(&mut slot[HEADER..MAX_DATAGRAM - TAG]);
        packet.write(frame);
        let len = packet.finish().len;
        self.seal(now, session, cx.generator.as_mut(), slot, to, len)
    }

    /// Sends a padded ping of `size` bytes, to learn whether datagrams of this size arrive.
    fn transmit_size_probe(
        &mut self,
        now: Mono,
        session: SessionId,
        cx: &mut Context,
        slot: &mut [u8; MAX_DATAGRAM],
        to: Way,
        size: usize,
    ) -> usize {
        self.datagram_size.on_probe_sent(now);
        let mut packet = Packet::new(&mut slot[HEADER..size - TAG]);
        packet.write_ack_eliciting(&Frame::Ping(NO_CHALLENGE), None);
        packet.pad();
        let FinishedPacket { len, frames, .. } = packet.finish();
        let number = self.numbers.next();
        let size = self.seal(now, session, cx.generator.as_mut(), slot, to, len);
        self.retransmissions.on_sent(size);
        self.recovery.on_sent(SentPacket { number, at: now, size, frames });
        self.start_waiting(now);
        size
    }

    /// Sends everything that is ready for the way in use and fits one datagram.
    fn transmit_main(
        &mut self,
        now: Mono,
        session: SessionId,
        cx: &mut Context,
        slot: &mut [u8; MAX_DATAGRAM],
        to: Way,
    ) -> Option<usize> {
        let (allowance, full) = (self.path.allowance(to), self.full_size(to, cx));
        let Context { messages, generator, limits, .. } = cx;
        let may_send = self.may_send_messages(to, messages);
        // Acks to a peer that is heard through the relay go there.
        let may_ack = to == Way::Relay || !self.answers_over_relay();
        let ack_due = may_ack && self.received.ack_due().is_some_and(|at| at <= now);
        let skip_due = self.outgoing.is_skip_due();
        if !(may_send || ack_due || skip_due || self.probe_due) {
            return None;
        }
        // Probes and pongs may go to an offered address even if its allowance is used up. Pongs never go to the relay.
        let has_pongs = to != Way::Relay && !self.pongs.is_empty();
        let wants_small = self.probe_due || has_pongs;
        let permission = if wants_small { self.path.permission(now, SMALL_DATAGRAM) } else { Permission::Denied };
        let may_challenge = permission == Permission::Granted;
        let (probes, answers) = (self.probe_due && may_challenge, has_pongs && may_challenge);
        limits.challenges += u64::from(matches!(permission, Permission::Later(_)));
        if allowance < ACK_DATAGRAM && !probes && !answers {
            return None;
        }
        self.probe_due &= !probes;
        let size = allowance.clamp(SMALL_DATAGRAM, full);
        let mut packet = Packet::new(&mut slot[HEADER..size - TAG]);
        if let Some(challenge) = self.path.challenge() {
            packet.write_ack_eliciting(&Frame::Ping(challenge), None);
        }
        let remaining_at_start = packet.remaining();
        if has_pongs {
            self.pongs.retain(|(bytes, _)| !packet.write(&Frame::Pong(*bytes)));
        }
        if may_ack {
            self.write_ack(now, &mut packet);
        }
        // Every second probe carries no message: a peer whose memory is full drops messages but acknowledges a ping.
        let may_repeat = self.retransmissions.is_available();
        let repeats_oldest = probes && self.unacked_probes % 2 == 1 && may_repeat && !self.recovery.is_full();
        limits.retransmissions += u64::from(!may_repeat && self.outgoing.has_lost());
        if skip_due || (size == full && (may_send || repeats_oldest)) {
            self.outgoing.write_skip(&mut packet);
        }
        let mut repeated = 0;
        if size == full && may_send {
            repeated = self.outgoing.write(&mut packet, messages);
        } else if size == full
            && repeats_oldest
            && let Some(oldest) = self.recovery.oldest()
        {
            let frames: ArrayVec<SentFrame, MAX_SENT_FRAMES> = oldest.frames.clone();
            repeated = self.outgoing.write_copy(&frames, &mut packet, messages);
        }
        if probes {
            packet.forbid_ack_delay();
            if packet.ack_eliciting() == AckEliciting::No {
                packet.write_ack_eliciting(&Frame::Ping(NO_CHALLENGE), None);
            }
        }
        if packet.remaining() == remaining_at_start && !probes {
            return None;
        }
        // Datagrams of equal size form a train, which leaves with one system call.
        if size == MAX_DATAGRAM
            && to != Way::Relay
            && may_send
            && self.recovery.has_window_for_two()
            && self.outgoing.has_work(messages)
        {
            packet.pad();
        }
        let finished = packet.finish();
        let number = self.numbers.next();
        let size = self.seal(now, session, generator.as_mut(), slot, to, finished.len);
        if repeated > 0 {
            self.retransmissions.on_sent(size);
        }
        self.track(now, number, size, finished, if probes { Probing::Yes } else { Probing::No });
        Some(size)
    }

    /// Awaits the ack of a packet, if it elicits one.
    fn track(&mut self, now: Mono, number: u64, size: usize, packet: FinishedPacket, probing: Probing) {
        let FinishedPacket { ack_eliciting, frames, max_ack_delay, .. } = packet;
        if ack_eliciting == AckEliciting::No {
            return;
        }
        // While too many packets are unacknowledged, packets without retransmittable frames are not tracked: a hostile
        // peer that never acknowledges could make their number grow without bound.
        if !(frames.is_empty() && self.recovery.is_full()) {
            self.recovery.on_sent(SentPacket { number, at: now, size, frames });
        }
        self.start_waiting(now);
        if probing == Probing::Yes || self.may_postpone_probe(now) {
            self.probe_timer_start = now;
        }
        self.recovery.allow_ack_delay(Duration::from_millis(max_ack_delay.into()));
    }

    /// The longest datagram that may go over this way, in bytes.
    fn full_size(&self, to: Way, cx: &Context) -> usize {
        let current = self.datagram_size.current();
        if to == Way::Relay { current.min(cx.relayed_datagram) } else { current }
    }

    /// Whether messages may leave now: something waits, and window, allowance, datagram size and the retransmission budget
    /// permit it.
    fn may_send_messages(&self, to: Way, messages: &Messages) -> bool {
        self.recovery.has_window()
            && self.outgoing.has_work(messages)
            && (!self.outgoing.has_lost() || self.retransmissions.is_available())
            && self.path.allowance(to) >= self.datagram_size.current()
    }

    /// Whether an ordinary packet restarts the probe timeout, because its ack serves as well as that of a probe. After
    /// [`MAX_PROBE_TIMEOUT`] without an ack it does not: a peer whose memory is full acknowledges only probes without
    /// messages.
    fn may_postpone_probe(&self, now: Mono) -> bool {
        self.probes == 0 && self.unacked_since.is_none_or(|since| now.since(since) < MAX_PROBE_TIMEOUT)
    }

    /// Writes the scheduled ack, even if it is not due yet: in a datagram that leaves anyway it costs almost nothing.
    fn write_ack(&mut self, now: Mono, packet: &mut Packet<'_>) {
        if self.received.ack_due().is_none() {
            return;
        }
        let Some(mut ack) = self.received.take_ack(now) else { return };
        self.incoming.complete_ack(now, &mut ack);
        let refusals = ack.refused.last().map(|refusal| SentFrame::Refusals { up_to: refusal.number });
        // A peer that never acknowledges receives its refusals too, but they are not tracked.
        let refusals = refusals.filter(|_| !self.recovery.is_full());
        if !packet.write_ack(&ack, refusals) {
            // The highest run matters most. Refusals are never left out, because messages not listed count as accepted.
            ack.ranges.truncate(1);
            ack.ranges.iter_mut().for_each(|range| range.gap = 0);
            if !packet.write_ack(&ack, refusals) {
                return self.received.schedule_ack(now);
            }
        }
        if let Some(after) = self.incoming.resend_after()
            && packet.write_ack_eliciting(&Frame::Resend { after }, Some(SentFrame::Resend))
        {
            self.incoming.set_resend(ResendRequest::Sent);
        }
    }

    /// Seals the `len` bytes of frames in `slot` under the next packet number, and returns the length of the datagram.
    fn seal(
        &mut self,
        now: Mono,
        session: SessionId,
        generator: &mut dyn Generator,
        slot: &mut [u8; MAX_DATAGRAM],
        to: Way,
        len: usize,
    ) -> usize {
        let number = self.numbers.next();
        let header = Header { session, number }.encode();
        slot[..HEADER].copy_from_slice(&header);
        let tag = self.keys.seal(number, &header, &mut slot[HEADER..HEADER + len]);
        let end = HEADER + len + TAG;
        slot[HEADER + len..end].copy_from_slice(&tag);
        self.numbers.advance(generator);
        if let Way::Direct(to) = to {
            self.path.on_sent(now, to, end);
        }
        end
    }
}

/// Whether a packet is a probe.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Probing {
    Yes,
    No,
}

/// The length of a datagram with one bye.
const BYE_DATAGRAM: usize = HEADER + 12 + TAG + 4;

/// The smallest allowance that is used for anything but probes and pongs: an ack with one range fits.
const ACK_DATAGRAM: usize = SMALL_DATAGRAM + 60;

/// The bytes of a ping that proves no address and only elicits an ack.
const NO_CHALLENGE: [u8; 8] = [0; 8];
