//! Messages to the peer: queued, fragmented, sent, retransmitted, and resolved or abandoned.

mod frames;
mod resend_limit;

use std::collections::VecDeque;
use std::time::Duration;

use self::frames::{narrow, write_fragment, write_part};
use self::resend_limit::{Request, ResendLimit};
use super::packet::Packet;
use super::position::Position;
use super::recovery::{SentFrame, SentPacket};
use crate::message::{FailReason, Outcome, UnconfirmedReason};
use crate::peer::config::{INITIAL_ROOM, MAX_QUEUED, MAX_QUEUED_BYTES, MAX_WHOLE_BODY};
use crate::peer::messages::{MessageHandle, Messages};
use crate::time::Mono;
use crate::wire::Malformed;
use crate::wire::datagram::{Ack, Frame};

#[derive(Debug)]
pub(super) struct Outgoing {
    /// Unresolved messages. Their numbers follow `resolved.number`.
    queue: VecDeque<MessageHandle>,
    /// The last message that is accepted, refused or abandoned.
    resolved: Position,
    /// The first message that has not been sent completely, and the bytes of it that have been sent.
    next: u64,
    offset: usize,
    /// The body bytes of all messages since the beginning of the link.
    queued_bytes: u64,
    /// The body bytes of all messages of which any part was sent.
    sent_bytes: u64,
    /// The limit of `sent_bytes` that the peer has granted.
    room: u64,
    /// Frames to retransmit.
    lost: VecDeque<SentFrame>,
    skip: Option<SkipNotice>,
    resends: ResendLimit,
}

/// The notice that messages were abandoned. It is kept until it is acknowledged.
#[derive(Clone, Copy, Debug)]
struct SkipNotice {
    up_to: Position,
    /// Whether the notice was not sent yet or was lost.
    is_due: bool,
}

/// The queue of this link is full.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct QueueFull;

impl Outgoing {
    /// Creates an empty queue that continues after message `resolved`.
    pub(super) fn resuming(resolved: Position) -> Self {
        let is_new = resolved.number == 0;
        Self {
            queue: VecDeque::new(),
            resolved,
            next: resolved.number + 1,
            offset: 0,
            queued_bytes: resolved.bytes,
            sent_bytes: resolved.bytes,
            // The granted room is not part of the resumption state. The first ack states it.
            room: if is_new { resolved.bytes + INITIAL_ROOM } else { resolved.bytes },
            lost: VecDeque::new(),
            // Messages of the earlier link that have not arrived will never arrive.
            skip: if is_new { None } else { Some(SkipNotice { up_to: resolved, is_due: true }) },
            resends: ResendLimit::new(),
        }
    }

    /// Queues a message whose body has `len` bytes.
    pub(super) fn enqueue(&mut self, message: MessageHandle, len: usize) -> Result<(), QueueFull> {
        let waiting = self.queued_bytes - self.resolved.bytes;
        if self.queue.len() >= MAX_QUEUED || waiting + len as u64 > MAX_QUEUED_BYTES as u64 {
            return Err(QueueFull);
        }
        self.queued_bytes += len as u64;
        self.queue.push_back(message);
        Ok(())
    }

    /// Writes the notice of abandoned messages. It travels with all messages until it is acknowledged, because any of
    /// their datagrams may be the first to arrive.
    pub(super) fn write_skip(&mut self, packet: &mut Packet<'_>) {
        if let Some(skip) = &mut self.skip {
            let frame = Frame::Skip { up_to: skip.up_to.number, bytes: skip.up_to.bytes };
            if packet.write_ack_eliciting(&frame, Some(SentFrame::Skip)) {
                skip.is_due = false;
            }
        }
    }

    /// Writes as many messages as fit: lost frames first, then new messages. Returns the bytes of lost frames.
    pub(super) fn write(&mut self, packet: &mut Packet<'_>, messages: &Messages) -> usize {
        let space = packet.remaining();
        while let Some(frame) = self.first_lost(packet.max_whole_body(), messages) {
            if let Some(rest) = self.write_again(frame, packet, messages) {
                self.lost[0] = rest;
                return space - packet.remaining();
            }
            self.lost.pop_front();
        }
        let repeated = space - packet.remaining();
        self.write_new(packet, messages);
        repeated
    }

    fn write_new(&mut self, packet: &mut Packet<'_>, messages: &Messages) {
        while let Some(next) = self.get(self.next) {
            let (body, max_ack_delay) = messages.body(next);
            if self.offset == 0 && self.sent_bytes + body.len() as u64 > self.room {
                return;
            }
            let written = write_part(packet, self.next, body, self.offset);
            if written == 0 {
                return;
            }
            packet.allow_ack_delay(max_ack_delay);
            if self.offset == 0 {
                self.sent_bytes += body.len() as u64;
            }
            self.offset += written;
            if self.offset < body.len() {
                return;
            }
            self.next += 1;
            self.offset = 0;
        }
    }

    /// Writes copies of frames as a probe, as far as they fit. Returns their bytes.
    pub(super) fn write_copy(&self, frames: &[SentFrame], packet: &mut Packet<'_>, messages: &Messages) -> usize {
        let space = packet.remaining();
        for frame in frames {
            if self.write_again(*frame, packet, messages).is_some() {
                break;
            }
        }
        space - packet.remaining()
    }

    /// Schedules the frames of a lost packet for retransmission.
    pub(super) fn on_lost(&mut self, packet: &SentPacket) {
        for frame in &packet.frames {
            match *frame {
                // Probes carry copies, and one copy is enough.
                SentFrame::Messages { .. } | SentFrame::Fragment { .. } if self.lost.contains(frame) => {}
                SentFrame::Messages { .. } | SentFrame::Fragment { .. } => self.lost.push_back(*frame),
                SentFrame::Skip => {
                    if let Some(skip) = &mut self.skip {
                        skip.is_due = true;
                    }
                }
                SentFrame::Refusals { .. } | SentFrame::Resend => {}
            }
        }
    }

    /// Records that a packet was acknowledged.
    pub(super) fn on_acked(&mut self, packet: &SentPacket) {
        if packet.frames.contains(&SentFrame::Skip) {
            self.skip = None;
        }
    }

    /// Handles the peer's request to send everything after message `after` again.
    ///
    /// # Errors
    /// Message `after` was never sent completely, or the peer makes too many requests.
    pub(super) fn on_resend(
        &mut self,
        now: Mono,
        after: u64,
        probe_timeout: Duration,
        messages: &Messages,
    ) -> Result<(), Malformed> {
        if after >= self.next {
            return Err(Malformed);
        }
        let first = after.max(self.resolved.number) + 1;
        let has_sent_more = first < self.next || self.offset > 0;
        if !has_sent_more || self.resends.take(now, probe_timeout)? == Request::Repeated {
            return Ok(());
        }
        self.lost.clear();
        for number in first..=self.next {
            let Some(queued) = self.get(number) else { break };
            let len = messages.body(queued).0.len();
            let sent = if number == self.next { self.offset } else { len };
            match self.lost.back_mut() {
                _ if sent == 0 => {}
                _ if len > MAX_WHOLE_BODY || sent < len => {
                    self.lost.push_back(SentFrame::Fragment { number, offset: 0, len: narrow(sent) });
                }
                Some(SentFrame::Messages { last, .. }) if *last + 1 == number => *last = number,
                _ => self.lost.push_back(SentFrame::Messages { first: number, last: number }),
            }
        }
        Ok(())
    }

    /// Processes the message part of an ack: decisions and room. Returns whether it contains anything new.
    ///
    /// # Errors
    /// It acknowledges a message that was never sent completely.
    pub(super) fn on_ack(
        &mut self,
        ack: &Ack,
        messages: &Messages,
        mut outcome: impl FnMut(MessageHandle, Outcome),
    ) -> Result<bool, Malformed> {
        let last_sent = self.next - 1;
        if ack.accepted > last_sent {
            return Err(Malformed);
        }
        let mut is_new = ack.room > self.room;
        self.room = self.room.max(ack.room);
        while self.resolved.number < ack.accepted {
            let message = self.queue.pop_front().ok_or(Malformed)?;
            self.resolved.number += 1;
            self.resolved.bytes += messages.body(message).0.len() as u64;
            is_new = true;
            let is_refused = ack.refused.iter().any(|refusal| refusal.number == self.resolved.number);
            outcome(message, if is_refused { Outcome::Failed(FailReason::Refused) } else { Outcome::Delivered });
        }
        Ok(is_new)
    }

    /// Resolves all messages without an answer. Messages of which any part was sent are unconfirmed, and the peer will be
    /// asked to skip them. The others have failed.
    pub(super) fn abandon(
        &mut self,
        unconfirmed: UnconfirmedReason,
        failed: FailReason,
        mut outcome: impl FnMut(MessageHandle, Outcome),
    ) {
        let last_begun = if self.offset > 0 { self.next } else { self.next - 1 };
        for (number, message) in (self.resolved.number + 1..).zip(self.queue.drain(..)) {
            let was_sent = number <= last_begun;
            outcome(message, if was_sent { Outcome::Unconfirmed(unconfirmed) } else { Outcome::Failed(failed) });
        }
        let abandoned = Position { number: last_begun, bytes: self.sent_bytes };
        if last_begun > self.resolved.number {
            self.skip = Some(SkipNotice { up_to: abandoned, is_due: true });
        } else if let Some(skip) = &mut self.skip {
            // The packets that carried the notice are no longer tracked.
            skip.is_due = true;
        }
        self.lost.clear();
        self.offset = 0;
        self.next = last_begun + 1;
        (self.resolved, self.queued_bytes) = (abandoned, abandoned.bytes);
    }

    /// Returns unused memory to the allocator.
    pub(super) fn shrink(&mut self) {
        self.queue.shrink_to_fit();
        self.lost.shrink_to_fit();
    }

    /// Returns the last message that was queued.
    pub(super) fn last(&self) -> Position {
        Position { number: self.resolved.number + self.queue.len() as u64, bytes: self.queued_bytes }
    }

    /// Whether frames wait to be retransmitted.
    pub(super) fn has_lost(&self) -> bool {
        !self.lost.is_empty()
    }

    /// Whether any outcome is pending.
    pub(super) fn has_pending(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Whether anything may leave as soon as the congestion window permits it.
    pub(super) fn has_work(&self, messages: &Messages) -> bool {
        !self.lost.is_empty() || self.next_fits_room(messages) || self.is_skip_due()
    }

    /// Whether the notice of abandoned messages must leave. It needs no congestion window, and is not sent unless there is
    /// another message for the peer.
    pub(super) fn is_skip_due(&self) -> bool {
        self.has_pending() && self.skip.is_some_and(|skip| skip.is_due)
    }

    fn next_fits_room(&self, messages: &Messages) -> bool {
        let next = self.get(self.next);
        next.is_some_and(|next| self.offset > 0 || self.sent_bytes + messages.body(next).0.len() as u64 <= self.room)
    }

    /// Returns the unresolved message with this number.
    fn get(&self, number: u64) -> Option<MessageHandle> {
        let index = number.checked_sub(self.resolved.number + 1)?;
        self.queue.get(usize::try_from(index).ok()?).copied()
    }

    /// Returns the first frame to retransmit. A message that no longer fits a datagram, because datagrams have become
    /// smaller, turns into a fragment.
    fn first_lost(&mut self, max_whole_body: usize, messages: &Messages) -> Option<SentFrame> {
        if let Some(SentFrame::Messages { first, last }) = self.lost.front().copied()
            && let first = first.max(self.resolved.number + 1)
            && let Some(len) =
                self.get(first).map(|lost| messages.body(lost).0.len()).filter(|len| *len > max_whole_body)
            && first <= last
        {
            self.lost.pop_front();
            if first < last {
                self.lost.push_front(SentFrame::Messages { first: first + 1, last });
            }
            self.lost.push_front(SentFrame::Fragment { number: first, offset: 0, len: narrow(len) });
        }
        self.lost.front().copied()
    }

    /// Writes a frame again, except for messages that are resolved. Returns the rest that did not fit.
    fn write_again(&self, frame: SentFrame, packet: &mut Packet<'_>, messages: &Messages) -> Option<SentFrame> {
        match frame {
            SentFrame::Messages { first, last } => (first.max(self.resolved.number + 1)..=last).find_map(|number| {
                let (body, max_ack_delay) = messages.body(self.get(number)?);
                let fits = body.len() <= packet.max_whole_body() && packet.write_message(number, body);
                packet.allow_ack_delay(max_ack_delay);
                (!fits).then_some(SentFrame::Messages { first: number, last })
            }),
            SentFrame::Fragment { number, offset, len } => {
                let (body, _) = messages.body(self.get(number)?);
                let part = body.get(..usize::from(offset) + usize::from(len))?;
                let written = write_fragment(packet, number, part, offset.into(), body.len());
                let (left, end) = (usize::from(len) - written, usize::from(offset) + written);
                (left > 0).then(|| SentFrame::Fragment { number, offset: narrow(end), len: narrow(left) })
            }
            SentFrame::Skip | SentFrame::Refusals { .. } | SentFrame::Resend => None,
        }
    }
}

#[cfg(test)]
mod tests;
