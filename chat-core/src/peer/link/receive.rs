//! Receiving on a link: a datagram is opened, and its frames are dispatched to the link's parts.

use std::time::Duration;

use super::datagram_size::DatagramSize;
use super::incoming::{Decision, ResendRequest};
use super::packet::AckEliciting;
use super::path::PongResult;
use super::received_packets::AckRequest;
use super::recovery::{Medium, SentFrame};
use super::way::Telling;
use super::{
    Context, Link, LinkEvent, LinkState, MAX_PONGS, Memory, Responsiveness, UNACKED_PROBES_BEFORE_MOVE, Validity,
};
use crate::message::{FailReason, UnconfirmedReason};
use crate::peer::Way;
use crate::peer::config::{ACK_DELAY, MAX_ACK_DELAY};
use crate::time::Mono;
use crate::wire::Malformed;
use crate::wire::datagram::{Ack, ByeReason, Frame, Frames, HEADER, RefusalReason};

impl Link {
    /// Opens a datagram and processes its frames. `deliver` receives messages in the order of their numbers and returns
    /// whether their content is valid.
    pub(in crate::peer) fn receive(
        &mut self,
        now: Mono,
        from: Way,
        (number, header, sealed): (u64, &[u8; HEADER], &mut [u8]),
        memory: Memory,
        cx: &mut Context,
        deliver: impl FnMut(u64, &[u8]) -> Validity,
    ) {
        if self.is_aborted() || !self.received.is_new(number) {
            return;
        }
        let len = HEADER + sealed.len();
        let Ok(frames) = self.keys.open(number, header, sealed) else { return };
        let is_message =
            |frame: Result<Frame<'_>, _>| matches!(frame, Ok(Frame::Message { .. } | Frame::Fragment { .. }));
        if memory == Memory::Full && Frames::new(frames).any(is_message) {
            return;
        }
        self.retransmissions.on_received(len);
        let is_newest = number >= self.received.next();
        if let Way::Direct(from) = from
            && self.path.on_received(now, from, len, is_newest, cx.generator.as_mut())
        {
            self.tell_way(now, cx);
        }
        match self.process(now, from, frames, cx, deliver) {
            Ok((request, telling)) => {
                self.received.insert(now, number, request);
                self.on_heard(now, number, from, telling, cx.generator.as_mut());
            }
            Err(Malformed) => {
                self.received.mark_seen(number);
                self.abort(LinkState::Closing(ByeReason::Violation), cx);
                return;
            }
        }
        if !self.awaits_ack() {
            self.unacked_since = None;
            self.path.stop_challenging_offered();
        }
    }

    fn process(
        &mut self,
        now: Mono,
        from: Way,
        frames: &[u8],
        cx: &mut Context,
        mut deliver: impl FnMut(u64, &[u8]) -> Validity,
    ) -> Result<(AckRequest, Telling), Malformed> {
        let mut telling = Telling::No;
        let mut ack_eliciting = AckEliciting::No;
        let mut ack_delay = ACK_DELAY;
        let mut max_ack_delay = None;
        let mut resend_after = None;
        let mut invalid = Vec::new();
        let mut deliver = |number, body: &[u8]| {
            if deliver(number, body) == Validity::Invalid {
                invalid.push(number);
            }
        };
        for frame in Frames::new(frames) {
            let frame = frame?;
            if is_ack_eliciting(&frame) {
                ack_eliciting = AckEliciting::Yes;
            }
            if !matches!(frame, Frame::Padding | Frame::Ping(_) | Frame::Pong(_)) {
                telling = Telling::Yes;
            }
            match frame {
                Frame::Padding => {}
                Frame::Message { number, body } => self.incoming.on_message(number, body, &mut deliver)?,
                Frame::Fragment { number, offset, total, bytes } => {
                    self.incoming.on_fragment(number, offset.into(), total.into(), bytes, &mut deliver)?;
                }
                Frame::Skip { up_to, bytes } => self.incoming.on_skip(up_to, bytes, &mut deliver)?,
                Frame::Ack(ack) => self.on_ack(now, &ack, cx)?,
                Frame::Ping(bytes) => {
                    ack_delay = Duration::ZERO;
                    // The relay needs no proof, so a ping that came from there only elicits an ack.
                    if let Way::Direct(from) = from
                        && self.pongs.len() < MAX_PONGS
                    {
                        self.pongs.push((bytes, from));
                    }
                }
                Frame::Pong(_) if from == Way::Relay => {}
                Frame::Pong(bytes) => {
                    match self.path.on_pong(now, bytes, self.unacked_probes >= UNACKED_PROBES_BEFORE_MOVE) {
                        PongResult::Nothing => {}
                        PongResult::OtherAddress => {
                            self.recovery.restart(Medium::Datagrams);
                            self.datagram_size = DatagramSize::new();
                        }
                        PongResult::LeavesRelay(round_trip) => self.leave_relay(now, round_trip),
                    }
                    self.tell_way(now, cx);
                }
                Frame::Bye { reason: ByeReason::Violation, .. } => {
                    self.abort(LinkState::Closed, cx);
                    break;
                }
                Frame::Bye { reason: ByeReason::Leaving, .. } => {
                    self.abandon(UnconfirmedReason::Left, FailReason::Left, cx);
                    self.state = LinkState::Draining;
                }
                Frame::MaxAckDelay(millis) => {
                    max_ack_delay = Some(Duration::from_millis(millis.into()).min(MAX_ACK_DELAY));
                }
                Frame::Resend { after } => resend_after = Some(after),
            }
        }
        if let Some(after) = resend_after {
            let probe_timeout = self.recovery.rtt.probe_timeout(ACK_DELAY, 0);
            self.outgoing.on_resend(now, after, probe_timeout, &cx.messages)?;
        }
        for number in invalid {
            self.incoming.decide(now, number, Decision::Refuse(RefusalReason::Content));
        }
        let request = match ack_eliciting {
            AckEliciting::No => AckRequest::None,
            // A scheduled ack includes this packet, so no random delay is drawn: drawing is expensive.
            AckEliciting::Yes => AckRequest::Within(match (max_ack_delay, self.received.ack_due()) {
                (Some(most), None) => cx.generator.up_to(most),
                (Some(most), Some(_)) => most,
                (None, _) => ack_delay,
            }),
        };
        Ok((request, telling))
    }

    fn on_ack(&mut self, now: Mono, ack: &Ack, cx: &mut Context) -> Result<(), Malformed> {
        let runs = ack.runs()?;
        self.numbers.check_acked(ack.largest, &runs)?;
        let (outgoing, incoming, received) = (&mut self.outgoing, &mut self.incoming, &mut self.received);
        let datagram_size = &mut self.datagram_size;
        let (mut any_acked, mut frames_acked) = (false, false);
        let mut losses = Vec::new();
        self.recovery.on_ack(
            now,
            ack,
            &runs,
            |packet| {
                any_acked = true;
                frames_acked |= !packet.frames.is_empty();
                datagram_size.on_acked(now, packet.at, packet.size);
                outgoing.on_acked(packet);
                for frame in &packet.frames {
                    match frame {
                        SentFrame::Refusals { up_to } if incoming.on_refusals_acked(now, *up_to) => {
                            received.schedule_ack(now);
                        }
                        SentFrame::Resend => incoming.set_resend(ResendRequest::None),
                        _ => {}
                    }
                }
            },
            |packet| losses.push(packet),
        );
        losses.iter().for_each(|packet| self.on_lost(now, packet));
        if any_acked && self.path.on_answered() {
            self.tell_way(now, cx);
        }
        let (messages, outcomes) = (&cx.messages, &mut cx.outcomes);
        let message_progress = self.outgoing.on_ack(ack, messages, |message, outcome| {
            outcomes.push((message, outcome));
        })?;
        if any_acked {
            self.unacked_probes = 0;
            self.unacked_since = self.unacked_since.map(|_| now);
            let before = std::mem::replace(&mut self.responsiveness, Responsiveness::Responsive);
            if before == Responsiveness::Unresponsive {
                cx.events.push(LinkEvent::Responsive);
            }
        }
        if frames_acked || message_progress {
            self.probes = 0;
            self.probe_due = false;
        }
        Ok(())
    }
}

/// Whether the receiver of a packet with this frame must acknowledge it.
const fn is_ack_eliciting(frame: &Frame<'_>) -> bool {
    match frame {
        Frame::Message { .. } | Frame::Fragment { .. } | Frame::Skip { .. } | Frame::Ping(_) | Frame::Resend { .. } => {
            true
        }
        Frame::Ack(ack) => !ack.refused.is_empty(),
        Frame::Padding | Frame::Pong(_) | Frame::Bye { .. } | Frame::MaxAckDelay(_) => false,
    }
}
