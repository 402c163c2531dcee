//! What arrives on a link: opened, placed, and answered for.

use std::net::SocketAddr;
use std::time::Duration;

use super::{Acceptable, Context, Link, MAX_PONGS, Memory, Phase, SILENT_PROBES, Silence, Told};
use crate::message::{FailReason, UnconfirmedReason};
use crate::peer::config::{ACK_DELAY, SPREAD_MOST};
use crate::peer::incoming::{Answer, Missing};
use crate::peer::packet::Asks;
use crate::peer::received::Wants;
use crate::peer::recovery::Item;
use crate::peer::size::Size;
use crate::time::Mono;
use crate::wire::Malformed;
use crate::wire::datagram::{Ack, ByeReason, Frame, Frames, HEADER, RefusalReason};

impl Link {
    /// Opens a datagram and does what its frames say. `deliver` gets messages in order and tells whether their content
    /// is acceptable.
    pub(in crate::peer) fn receive(
        &mut self,
        now: Mono,
        from: SocketAddr,
        (number, header, sealed): (u64, &[u8; HEADER], &mut [u8]),
        memory: Memory,
        cx: &mut Context<'_>,
        deliver: impl FnMut(u64, &[u8]) -> Acceptable,
    ) {
        if self.is_shut() || !self.received.is_new(number) {
            return;
        }
        let len = HEADER + sealed.len();
        let Ok(frames) = self.keys.open(number, header, sealed) else { return };
        let is_message = |frame: Result<Frame<'_>, _>| matches!(frame, Ok(Frame::Text { .. } | Frame::Piece { .. }));
        if memory == Memory::Full && Frames::new(frames).any(is_message) {
            return;
        }
        let newest = number >= self.received.next();
        self.path.on_heard(now, from, len, newest, cx.generator);
        match self.read(now, from, frames, cx, deliver) {
            Ok(wants) => self.received.enter(now, number, wants),
            Err(Malformed) => {
                self.received.burn(number);
                self.shut(Phase::Parting(ByeReason::Violation), cx);
                return;
            }
        }
        if !self.is_active() {
            self.waiting_since = None;
            self.path.rest();
        }
    }

    /// Ends the link: one side says that the other broke the protocol.
    fn shut(&mut self, phase: Phase, cx: &mut Context<'_>) {
        self.give_up(UnconfirmedReason::Misbehaved, FailReason::Misbehaved, cx);
        self.phase = phase;
        cx.told.push(Told::Violation);
    }

    fn read(
        &mut self,
        now: Mono,
        from: SocketAddr,
        frames: &[u8],
        cx: &mut Context<'_>,
        mut deliver: impl FnMut(u64, &[u8]) -> Acceptable,
    ) -> Result<Wants, Malformed> {
        let mut asks = Asks::ForNothing;
        let mut delay = ACK_DELAY;
        let mut patience = None;
        let mut missing = None;
        let mut unacceptable = Vec::new();
        let mut hand_over = |number, body: &[u8]| {
            if deliver(number, body) == Acceptable::No {
                unacceptable.push(number);
            }
        };
        for frame in Frames::new(frames) {
            let frame = frame?;
            let asks_for_ack = match &frame {
                Frame::Text { .. }
                | Frame::Piece { .. }
                | Frame::Skip { .. }
                | Frame::Ping(_)
                | Frame::Missing { .. } => true,
                Frame::Ack(ack) => !ack.refused.is_empty(),
                Frame::Padding | Frame::Pong(_) | Frame::Bye { .. } | Frame::Patience(_) => false,
            };
            if asks_for_ack {
                asks = Asks::ForAck;
            }
            match frame {
                Frame::Padding => {}
                Frame::Text { number, body } => self.incoming.whole(number, body, &mut hand_over)?,
                Frame::Piece { number, offset, total, bytes } => {
                    self.incoming.piece(number, offset.into(), total.into(), bytes, &mut hand_over)?;
                }
                Frame::Skip { up_to, bytes } => self.incoming.skip(up_to, bytes, &mut hand_over)?,
                Frame::Ack(ack) => self.on_ack(now, &ack, cx)?,
                Frame::Ping(bytes) => {
                    delay = Duration::ZERO;
                    // When there are more than wait already, the peer asks again.
                    if self.pongs.len() < MAX_PONGS {
                        self.pongs.push((bytes, from));
                    }
                }
                Frame::Pong(bytes) => {
                    if self.path.on_pong(bytes, self.unheard >= SILENT_PROBES) {
                        self.recovery.restart();
                        self.size = Size::new();
                    }
                }
                Frame::Bye { reason: ByeReason::Violation, .. } => {
                    self.shut(Phase::Closed, cx);
                    break;
                }
                Frame::Bye { reason: ByeReason::Leaving, .. } => {
                    self.give_up(UnconfirmedReason::Left, FailReason::Left, cx);
                    self.phase = Phase::Mute;
                }
                Frame::Patience(millis) => {
                    patience = Some(Duration::from_millis(millis.into()).min(SPREAD_MOST));
                }
                Frame::Missing { after } => missing = Some(after),
            }
        }
        if let Some(after) = missing {
            self.outgoing.on_missing(after, cx.messages)?;
        }
        for number in unacceptable {
            self.incoming.settle(now, number, Answer::Refused(RefusalReason::Content));
        }
        Ok(match asks {
            Asks::ForNothing => Wants::Nothing,
            // An ack that waits already takes this one along; to draw a number is dear.
            Asks::ForAck => Wants::AckWithin(match (patience, self.received.due()) {
                (Some(most), None) => cx.generator.up_to(most),
                (Some(most), Some(_)) => most,
                (None, _) => delay,
            }),
        })
    }

    fn on_ack(&mut self, now: Mono, ack: &Ack, cx: &mut Context<'_>) -> Result<(), Malformed> {
        if ack.largest >= self.next_packet {
            return Err(Malformed);
        }
        let (outgoing, incoming, received) = (&mut self.outgoing, &mut self.incoming, &mut self.received);
        let size = &mut self.size;
        let (mut heard, mut arrived) = (false, false);
        let mut losses = Vec::new();
        self.recovery.on_ack(
            now,
            ack,
            |sent| {
                heard = true;
                arrived |= !sent.items.is_empty();
                size.on_acked(now, sent.at, sent.size);
                outgoing.on_acked(sent);
                for item in &sent.items {
                    match item {
                        Item::Refusals { up_to } if incoming.on_refusals_acked(now, *up_to) => received.ask(now),
                        Item::Missing => incoming.set_missing(Missing::Nothing),
                        _ => {}
                    }
                }
            },
            |sent| losses.push(sent),
        )?;
        losses.iter().for_each(|sent| self.on_lost(now, sent));
        let (messages, told) = (cx.messages, &mut *cx.told);
        let news =
            self.outgoing.on_ack(ack, messages, |message, outcome| told.push(Told::Outcome(message, outcome)))?;
        if heard {
            self.unheard = 0;
            self.waiting_since = self.waiting_since.map(|_| now);
            if std::mem::replace(&mut self.silence, Silence::Untold) == Silence::Told {
                cx.told.push(Told::Answers);
            }
        }
        if arrived || news {
            self.probes = 0;
            self.probe_due = false;
        }
        if self.recovery.is_quiet() {
            self.patience = ACK_DELAY;
        }
        Ok(())
    }
}
