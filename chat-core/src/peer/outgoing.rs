//! Messages to one peer: queued, cut up, sent, sent again, settled or given up.

use std::collections::VecDeque;

use super::config::{FIRST_ROOM, LEAST_PIECE, MAX_QUEUED, MAX_QUEUED_BYTES, WHOLE};
use super::messages::{Handle, Messages};
use super::packet::Packet;
use super::recovery::{Item, Sent};
use crate::message::{FailReason, Outcome, UnconfirmedReason};
use crate::wire::Malformed;
use crate::wire::datagram::{Ack, Frame};

#[derive(Debug)]
pub(super) struct Outgoing {
    /// Messages that are not settled, with numbers in a row from `settled + 1`.
    queue: VecDeque<Handle>,
    /// Every message up to this number is settled, or was given up; and the bytes of all bodies up to it.
    settled: u64,
    settled_bytes: u64,
    /// The first message that has not been sent whole, and how much of it has.
    next: u64,
    offset: usize,
    /// Bytes of all bodies up to the end of the queue, up to the last that was sent at least in part, and that may be sent.
    accepted: u64,
    sent: u64,
    room: u64,
    /// What has to travel again.
    lost: VecDeque<Item>,
    skip: Option<Skip>,
}

/// The notice that messages were given up, until it is acknowledged.
#[derive(Clone, Copy, Debug)]
struct Skip {
    up_to: u64,
    bytes: u64,
    pending: bool,
}

/// Too much waits for this peer already.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct QueueFull;

impl Outgoing {
    /// An empty queue that goes on after message `settled`, with `bytes` in all bodies so far.
    pub(super) const fn resuming(settled: u64, bytes: u64) -> Self {
        Self {
            queue: VecDeque::new(),
            settled,
            settled_bytes: bytes,
            next: settled + 1,
            offset: 0,
            accepted: bytes,
            sent: bytes,
            // What the peer granted is forgotten; the first ack tells it.
            room: if settled > 0 { bytes } else { bytes + FIRST_ROOM },
            lost: VecDeque::new(),
            // Whatever was on the way when the link was put away will not come again.
            skip: if settled > 0 { Some(Skip { up_to: settled, bytes, pending: true }) } else { None },
        }
    }

    /// The number of the last message that was sent or queued, and the bytes of all bodies up to it.
    pub(super) fn last(&self) -> (u64, u64) {
        (self.settled + self.queue.len() as u64, self.accepted)
    }

    /// Whether an outcome is open.
    pub(super) fn is_open(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Gives back memory that is not in use.
    pub(super) fn shrink(&mut self) {
        self.queue.shrink_to_fit();
        self.lost.shrink_to_fit();
    }

    /// Queues a message whose body has `len` bytes.
    pub(super) fn push(&mut self, message: Handle, len: usize) -> Result<(), QueueFull> {
        let waiting = self.accepted - self.settled_bytes;
        if self.queue.len() >= MAX_QUEUED || waiting + len as u64 > MAX_QUEUED_BYTES as u64 {
            return Err(QueueFull);
        }
        self.accepted += len as u64;
        self.queue.push_back(message);
        Ok(())
    }

    /// Whether something waits that may leave now if the window allows it.
    pub(super) fn has_work(&self, messages: &Messages) -> bool {
        !self.lost.is_empty() || self.next_fits_room(messages) || self.has_skip()
    }

    /// Whether the notice of given-up messages has to leave, which needs no window. Nobody is bothered with it unless
    /// there is another message for him.
    pub(super) fn has_skip(&self) -> bool {
        self.is_open() && self.skip.is_some_and(|skip| skip.pending)
    }

    fn next_fits_room(&self, messages: &Messages) -> bool {
        let next = self.get(self.next);
        next.is_some_and(|next| self.offset > 0 || self.sent + messages.body(next).0.len() as u64 <= self.room)
    }

    fn get(&self, number: u64) -> Option<Handle> {
        let index = number.checked_sub(self.settled + 1)?;
        self.queue.get(usize::try_from(index).ok()?).copied()
    }

    /// Writes what the peer has to know before it can place any message: with all messages until it is acknowledged,
    /// because any of their datagrams may be the first that arrives.
    pub(super) fn write_skip(&mut self, packet: &mut Packet<'_>) {
        if let Some(skip) = &mut self.skip
            && packet.write(&Frame::Skip { up_to: skip.up_to, bytes: skip.bytes }, Some(Item::Skip))
        {
            skip.pending = false;
        }
    }

    /// Writes as many messages as fit: those that were lost first, then new ones.
    pub(super) fn write(&mut self, packet: &mut Packet<'_>, messages: &Messages) {
        while let Some(item) = self.first_lost(packet.whole(), messages) {
            if let Some(rest) = self.write_again(item, packet, messages) {
                self.lost[0] = rest;
                return;
            }
            self.lost.pop_front();
        }
        while let Some(next) = self.get(self.next) {
            let (body, patience) = messages.body(next);
            if self.offset == 0 && self.sent + body.len() as u64 > self.room {
                return;
            }
            let written = write_part(packet, self.next, body, self.offset);
            if written == 0 {
                return;
            }
            packet.be_patient(patience);
            if self.offset == 0 {
                self.sent += body.len() as u64;
            }
            self.offset += written;
            if self.offset < body.len() {
                return;
            }
            self.next += 1;
            self.offset = 0;
        }
    }

    /// What is to travel again first; a message that was sent whole when datagrams were longer goes in pieces now.
    fn first_lost(&mut self, whole: usize, messages: &Messages) -> Option<Item> {
        if let Some(Item::Whole { first, last }) = self.lost.front().copied()
            && let first = first.max(self.settled + 1)
            && let Some(len) = self.get(first).map(|lost| messages.body(lost).0.len()).filter(|len| *len > whole)
            && first <= last
        {
            self.lost.pop_front();
            if first < last {
                self.lost.push_front(Item::Whole { first: first + 1, last });
            }
            self.lost.push_front(Item::Piece { number: first, offset: 0, len: narrow(len) });
        }
        self.lost.front().copied()
    }

    /// Writes a copy of what a packet carried, as a probe.
    pub(super) fn write_copy(&self, items: &[Item], packet: &mut Packet<'_>, messages: &Messages) {
        for item in items {
            if self.write_again(*item, packet, messages).is_some() {
                return;
            }
        }
    }

    /// Writes an item again as far as it is still of use; gives what did not fit.
    fn write_again(&self, item: Item, packet: &mut Packet<'_>, messages: &Messages) -> Option<Item> {
        match item {
            Item::Whole { first, last } => (first.max(self.settled + 1)..=last).find_map(|number| {
                let (body, patience) = messages.body(self.get(number)?);
                let fits = body.len() <= packet.whole() && packet.write_text(number, body);
                packet.be_patient(patience);
                (!fits).then_some(Item::Whole { first: number, last })
            }),
            Item::Piece { number, offset, len } => {
                let (body, _) = messages.body(self.get(number)?);
                let part = body.get(..usize::from(offset) + usize::from(len))?;
                let written = write_piece(packet, number, part, offset.into(), body.len());
                let (left, moved) = (usize::from(len) - written, usize::from(offset) + written);
                (left > 0).then(|| Item::Piece { number, offset: narrow(moved), len: narrow(left) })
            }
            Item::Skip | Item::Refusals { .. } | Item::Missing => None,
        }
    }

    /// Notes that a packet is lost, so that what it carried travels again.
    pub(super) fn on_lost(&mut self, sent: &Sent) {
        for item in &sent.items {
            match *item {
                // Probes carry copies, and one is enough.
                Item::Whole { .. } | Item::Piece { .. } if self.lost.contains(item) => {}
                Item::Whole { .. } | Item::Piece { .. } => self.lost.push_back(*item),
                Item::Skip => {
                    if let Some(skip) = &mut self.skip {
                        skip.pending = true;
                    }
                }
                Item::Refusals { .. } | Item::Missing => {}
            }
        }
    }

    /// Notes that a packet arrived.
    pub(super) fn on_acked(&mut self, sent: &Sent) {
        if sent.items.contains(&Item::Skip) {
            self.skip = None;
        }
    }

    /// Takes the notice in that the peer has nothing left of what it did not hand over, so that all of it travels again.
    pub(super) fn on_missing(&mut self, after: u64, messages: &Messages) -> Result<(), Malformed> {
        if after >= self.next {
            return Err(Malformed);
        }
        self.lost.clear();
        for number in after.max(self.settled) + 1..=self.next {
            let Some(queued) = self.get(number) else { break };
            let len = messages.body(queued).0.len();
            let sent = if number == self.next { self.offset } else { len };
            match self.lost.back_mut() {
                _ if sent == 0 => {}
                _ if len > WHOLE || sent < len => {
                    self.lost.push_back(Item::Piece { number, offset: 0, len: narrow(sent) });
                }
                Some(Item::Whole { last, .. }) if *last + 1 == number => *last = number,
                _ => self.lost.push_back(Item::Whole { first: number, last: number }),
            }
        }
        Ok(())
    }

    /// Takes the message side of an ack in: what is settled, refused, and how much room there is. Gives whether any of
    /// it is news.
    pub(super) fn on_ack(
        &mut self,
        ack: &Ack,
        messages: &Messages,
        mut outcome: impl FnMut(Handle, Outcome),
    ) -> Result<bool, Malformed> {
        let fully_sent = self.next - 1;
        if ack.settled > fully_sent {
            return Err(Malformed);
        }
        let mut news = ack.room > self.room;
        self.room = self.room.max(ack.room);
        while self.settled < ack.settled {
            let message = self.queue.pop_front().ok_or(Malformed)?;
            self.settled += 1;
            self.settled_bytes += messages.body(message).0.len() as u64;
            news = true;
            let refused = ack.refused.iter().any(|refusal| refusal.number == self.settled);
            outcome(message, if refused { Outcome::Failed(FailReason::Refused) } else { Outcome::Delivered });
        }
        Ok(news)
    }

    /// Gives everything up: what was sent is unconfirmed, and the peer is told to skip it; what was not has failed.
    pub(super) fn give_up(
        &mut self,
        unconfirmed: UnconfirmedReason,
        failed: FailReason,
        mut outcome: impl FnMut(Handle, Outcome),
    ) {
        let begun = if self.offset > 0 { self.next } else { self.next - 1 };
        for (number, message) in (self.settled + 1..).zip(self.queue.drain(..)) {
            let was_sent = number <= begun;
            outcome(message, if was_sent { Outcome::Unconfirmed(unconfirmed) } else { Outcome::Failed(failed) });
        }
        if begun > self.settled {
            self.skip = Some(Skip { up_to: begun, bytes: self.sent, pending: true });
        } else if let Some(skip) = &mut self.skip {
            // Whatever carried an older notice is no longer waited for.
            skip.pending = true;
        }
        self.lost.clear();
        self.offset = 0;
        self.next = begun + 1;
        (self.settled, self.settled_bytes, self.accepted) = (begun, self.sent, self.sent);
    }
}

/// Writes as much of a body from `offset` on as fits; gives how many bytes that is.
fn write_part(packet: &mut Packet<'_>, number: u64, body: &[u8], offset: usize) -> usize {
    if offset == 0 && body.len() <= packet.whole() {
        return if packet.write_text(number, body) { body.len() } else { 0 };
    }
    write_piece(packet, number, body, offset, body.len())
}

fn write_piece(packet: &mut Packet<'_>, number: u64, body: &[u8], offset: usize, total: usize) -> usize {
    let left = body.len() - offset;
    // Tag, number, offset, total and length take at most 1 + 10 + 3 + 3 + 3 bytes.
    let len = left.min(packet.space().saturating_sub(20));
    if len < left.min(LEAST_PIECE) {
        return 0;
    }
    let item = Item::Piece { number, offset: narrow(offset), len: narrow(len) };
    let (start, total) = (narrow(offset), narrow(total));
    let frame = Frame::Piece { number, offset: start, total, bytes: &body[offset..offset + len] };
    if packet.write(&frame, Some(item)) { len } else { 0 }
}

fn narrow(length: usize) -> u16 {
    u16::try_from(length).expect("no body is longer than MAX_BODY")
}

#[cfg(test)]
mod tests;
