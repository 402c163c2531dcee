//! What leaves on a link: composed from what waits, and sealed.

use std::net::SocketAddr;
use std::time::Duration;

use arrayvec::ArrayVec;

use super::{Link, Phase};
use crate::id::SessionId;
use crate::peer::config::PROBE_MOST;
use crate::peer::incoming::Missing;
use crate::peer::messages::Messages;
use crate::peer::packet::{Asks, Packet};
use crate::peer::path::SMALL;
use crate::peer::recovery::{Item, MAX_ITEMS, Sent};
use crate::time::Mono;
use crate::wire::datagram::{ByeReason, Frame, HEADER, Header, MAX_DATAGRAM, TAG};

impl Link {
    /// Seals the next datagram into `slot`, if there is anything to say.
    pub(in crate::peer) fn fill(
        &mut self,
        now: Mono,
        session: SessionId,
        messages: &Messages,
        slot: &mut [u8; MAX_DATAGRAM],
    ) -> Option<(SocketAddr, usize)> {
        match self.phase {
            Phase::Mute | Phase::Closed => None,
            Phase::Parting(reason) => {
                self.phase = if reason == ByeReason::Violation { Phase::Closed } else { Phase::Mute };
                let frame = Frame::Bye { reason, last: self.outgoing.last().0 };
                let to = self.path.to().filter(|_| self.path.may_be_asked(BYE_DATAGRAM))?;
                if reason == ByeReason::Violation || self.path.allowance(to) < self.size.full() {
                    return self.fill_aside(session, slot, to, &frame);
                }
                self.fill_last(now, session, slot, to, &frame)
            }
            Phase::Open => {
                let to = self.path.to();
                if let Some(index) = self.pongs.iter().position(|(_, from)| Some(*from) != to) {
                    let (bytes, from) = self.pongs.remove(index);
                    if self.path.allowance(from) >= SMALL {
                        return self.fill_aside(session, slot, from, &Frame::Pong(bytes));
                    }
                }
                if let Some((aside, challenge)) = self.path.next_ping(now, SMALL) {
                    return self.fill_aside(session, slot, aside, &Frame::Ping(challenge));
                }
                let to = to?;
                if let Some(longer) = self.size.trial(now)
                    && self.may_send(to, messages)
                    && !self.recovery.is_crowded()
                {
                    return Some(self.fill_trial(now, session, slot, to, longer));
                }
                self.fill_main(now, session, messages, slot, to)
            }
        }
    }

    /// A datagram with one frame, to an address that need not be the one in use. Nothing of it travels again.
    fn fill_aside(
        &mut self,
        session: SessionId,
        slot: &mut [u8; MAX_DATAGRAM],
        to: SocketAddr,
        frame: &Frame<'_>,
    ) -> Option<(SocketAddr, usize)> {
        let mut packet = Packet::new(&mut slot[HEADER..MAX_DATAGRAM - TAG]);
        packet.tell(frame);
        let (len, ..) = packet.finish();
        Some((to, self.seal(session, slot, to, len)))
    }

    /// The last datagram. Whoever hears the goodbye gives up what it has no ack for, so that comes first.
    fn fill_last(
        &mut self,
        now: Mono,
        session: SessionId,
        slot: &mut [u8; MAX_DATAGRAM],
        to: SocketAddr,
        goodbye: &Frame<'_>,
    ) -> Option<(SocketAddr, usize)> {
        let mut packet = Packet::new(&mut slot[HEADER..self.size.full() - TAG]);
        // Also what was told before: that may have been lost.
        self.received.ask(now);
        self.write_ack(now, &mut packet);
        if !packet.tell(goodbye) {
            return self.fill_aside(session, slot, to, goodbye);
        }
        let (len, ..) = packet.finish();
        Some((to, self.seal(session, slot, to, len)))
    }

    /// Whether messages may leave now.
    fn may_send(&self, to: SocketAddr, messages: &Messages) -> bool {
        self.recovery.has_window() && self.outgoing.has_work(messages) && self.path.allowance(to) >= self.size.full()
    }

    /// A longer datagram than usual, with nothing in it that would be missed.
    fn fill_trial(
        &mut self,
        now: Mono,
        session: SessionId,
        slot: &mut [u8; MAX_DATAGRAM],
        to: SocketAddr,
        size: usize,
    ) -> (SocketAddr, usize) {
        self.size.tried(now);
        let mut packet = Packet::new(&mut slot[HEADER..size - TAG]);
        packet.write(&Frame::Ping(ANY), None);
        packet.fill_up();
        let (len, _, items, _) = packet.finish();
        let number = self.next_packet;
        let size = self.seal(session, slot, to, len);
        self.recovery.on_sent(Sent { number, at: now, size, items });
        self.wait(now);
        (to, size)
    }

    fn fill_main(
        &mut self,
        now: Mono,
        session: SessionId,
        messages: &Messages,
        slot: &mut [u8; MAX_DATAGRAM],
        to: SocketAddr,
    ) -> Option<(SocketAddr, usize)> {
        let (allowance, full) = (self.path.allowance(to), self.size.full());
        let may_send = self.may_send(to, messages);
        let ack_due = self.received.due().is_some_and(|at| at <= now);
        let has_skip = self.outgoing.has_skip();
        if !(may_send || ack_due || has_skip || self.probe_due) {
            return None;
        }
        // An address that the roster offers may be asked once per probe, and answered, even when nothing else may go there.
        let probes = self.probe_due && self.path.may_be_asked(SMALL);
        let answers = !self.pongs.is_empty() && self.path.may_be_asked(SMALL);
        if allowance < ACK_DATAGRAM && !probes && !answers {
            return None;
        }
        self.probe_due &= !probes;
        let size = allowance.clamp(SMALL, full);
        let mut packet = Packet::new(&mut slot[HEADER..size - TAG]);
        if let Some(challenge) = self.path.challenge() {
            packet.write(&Frame::Ping(challenge), None);
        }
        let alone = packet.space();
        self.pongs.retain(|(bytes, _)| !packet.tell(&Frame::Pong(*bytes)));
        self.write_ack(now, &mut packet);
        // Every other probe asks only: a peer whose memory is full hears no messages, but answers to that.
        let copies = probes && self.unheard % 2 == 1 && !self.recovery.is_crowded();
        if has_skip || (size == full && (may_send || copies)) {
            self.outgoing.write_skip(&mut packet);
        }
        if size == full && may_send {
            self.outgoing.write(&mut packet, messages);
        } else if size == full
            && copies
            && let Some(oldest) = self.recovery.oldest()
        {
            let items: ArrayVec<Item, MAX_ITEMS> = oldest.items.clone();
            self.outgoing.write_copy(&items, &mut packet, messages);
        }
        if probes && packet.asks() == Asks::ForNothing {
            packet.write(&Frame::Ping(ANY), None);
        }
        if packet.space() == alone && !probes {
            return None;
        }
        // Datagrams of the same length leave in one call, and the system cuts them up.
        if size == MAX_DATAGRAM && may_send && self.recovery.has_window_for_more() && self.outgoing.has_work(messages) {
            packet.fill_up();
        }
        let (len, asks, items, patience) = packet.finish();
        let number = self.next_packet;
        let size = self.seal(session, slot, to, len);
        if asks == Asks::ForAck {
            // Of what only asks no more is remembered for a peer that asks and asks, and never acknowledges.
            if !(items.is_empty() && self.recovery.is_crowded()) {
                self.recovery.on_sent(Sent { number, at: now, size, items });
            }
            self.wait(now);
            if probes || self.may_postpone_probe(now) {
                self.last_asked = now;
            }
            self.patience = self.patience.max(Duration::from_millis(patience.into())).min(PROBE_MOST);
        }
        Some((to, size))
    }

    /// What is sent asks as well as a probe does, so the next one comes a timeout later; but not again and again: a peer
    /// whose memory is full answers nothing but the probes that carry no message.
    fn may_postpone_probe(&self, now: Mono) -> bool {
        self.probes == 0 && self.waiting_since.is_none_or(|since| now.since(since) < PROBE_MOST)
    }

    /// Every datagram to the address in use carries the ack there is, because it costs next to nothing.
    fn write_ack(&mut self, now: Mono, packet: &mut Packet<'_>) {
        if self.received.due().is_none() {
            return;
        }
        let Some(mut ack) = self.received.ack(now) else { return };
        self.incoming.fill(now, &mut ack);
        // A peer that never acknowledges is told its refusals as well, but not waited for.
        let refusals = ack.refused.last().map(|refusal| Item::Refusals { up_to: refusal.number });
        let refusals = refusals.filter(|_| !self.recovery.is_crowded());
        if !packet.write_ack(&ack, refusals) {
            // The highest run is what matters; refusals are never left out, because the rest counts as delivered.
            ack.ranges.truncate(1);
            ack.ranges.iter_mut().for_each(|range| range.gap = 0);
            if !packet.write_ack(&ack, refusals) {
                return self.received.ask(now);
            }
        }
        if let Some(after) = self.incoming.missing()
            && packet.write(&Frame::Missing { after }, Some(Item::Missing))
        {
            self.incoming.set_missing(Missing::Told);
        }
    }

    fn seal(&mut self, session: SessionId, slot: &mut [u8; MAX_DATAGRAM], to: SocketAddr, len: usize) -> usize {
        let header = Header { session, number: self.next_packet }.encode();
        slot[..HEADER].copy_from_slice(&header);
        let tag = self.keys.seal(self.next_packet, &header, &mut slot[HEADER..HEADER + len]);
        let end = HEADER + len + TAG;
        slot[HEADER + len..end].copy_from_slice(&tag);
        self.next_packet += 1;
        self.path.on_sent(to, end);
        end
    }
}

/// Enough for a datagram with one `Bye`.
const BYE_DATAGRAM: usize = HEADER + 12 + TAG + 4;

/// Below this nothing is begun that is not a probe: an ack with one range fits.
const ACK_DATAGRAM: usize = SMALL + 60;

/// A `Ping` that proves nothing and only asks for a sign of life.
const ANY: [u8; 8] = [0; 8];
