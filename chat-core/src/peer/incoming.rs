//! Messages from one peer: put in order, put together, handed over, and settled when the application took them.

use std::collections::{BTreeMap, VecDeque};

use super::config::{FIRST_ROOM, MAX_QUEUED, MOST_NUMBER, OVERHEAD};
use crate::rate_limit::RateLimit;
use crate::time::Mono;
use crate::wire::Malformed;
use crate::wire::datagram::{Ack, MAX_BODY, MAX_REFUSALS, Refusal, RefusalReason};

#[derive(Debug)]
pub(super) struct Incoming {
    /// Every message up to this number was handed over, or will never come.
    delivered: u64,
    /// The bytes of all bodies up to `delivered`.
    position: u64,
    /// Handed over and not settled, by rising number.
    waiting: VecDeque<Waiting>,
    /// What has arrived beyond `delivered`.
    parts: BTreeMap<u64, Part>,
    /// Bytes in `waiting` and `parts`.
    held: u64,
    window: u64,
    granted: u64,
    rate_limit: RateLimit,
    /// At most [`MAX_REFUSALS`].
    refused: Vec<Refusal>,
    missing: Missing,
}

/// Whether the sender has to hear that something that had arrived is gone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Missing {
    Nothing,
    Untold,
    /// Told, and not acknowledged yet.
    Told,
}

/// What is remembered of the messages from a peer while its link is put away.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Received {
    /// The last message handed over, and the bytes of all bodies up to it.
    pub(super) delivered: u64,
    pub(super) position: u64,
    /// Refusals that the sender may not know of.
    pub(super) refused: Vec<Refusal>,
}

#[derive(Debug)]
struct Waiting {
    number: u64,
    len: u64,
    /// The bytes of all bodies up to and including this one.
    end: u64,
    answer: Option<Answer>,
}

/// What became of a message that was handed over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Answer {
    Taken,
    Refused(RefusalReason),
}

#[derive(Debug)]
struct Part {
    bytes: Vec<u8>,
    /// What is missing, as ranges in rising order.
    missing: Vec<(usize, usize)>,
}

/// The most gaps that one body may have while it arrives: more than its pieces.
const MAX_GAPS: usize = 64;

impl Incoming {
    /// Nothing waiting, after what is remembered; `missing` is whether more than that may have arrived.
    pub(super) fn resuming(received: Received, missing: Missing, window: u64, rate_limit: RateLimit) -> Self {
        let Received { delivered, position, refused } = received;
        let window = window.clamp(FIRST_ROOM, MOST_NUMBER);
        Self {
            delivered,
            position,
            waiting: VecDeque::new(),
            parts: BTreeMap::new(),
            held: 0,
            window,
            granted: position + window,
            rate_limit,
            refused: refused.into_iter().take(MAX_REFUSALS).collect(),
            missing,
        }
    }

    /// What has to be remembered once nothing waits for the application.
    pub(super) fn note(&self) -> Received {
        Received { delivered: self.delivered, position: self.position, refused: self.refused.clone() }
    }

    /// What is kept until gaps close or the application answers, in bytes of memory.
    pub(super) fn held(&self) -> u64 {
        self.held + (self.waiting.len() + self.parts.len()) as u64 * OVERHEAD
    }

    /// Whether the application still has messages that it has not answered for.
    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Gives back memory that is not in use.
    pub(super) fn shrink(&mut self) {
        self.waiting.shrink_to_fit();
        if self.parts.is_empty() {
            // An emptied map keeps its last node.
            self.parts = BTreeMap::new();
        }
        self.refused.shrink_to_fit();
    }

    /// Forgets what has arrived ahead of its turn. The sender is told if it ever comes back.
    pub(super) fn put_away(&mut self) {
        let parts = std::mem::take(&mut self.parts);
        self.held -= parts.into_values().map(|part| part.bytes.len() as u64).sum::<u64>();
        self.missing = Missing::Untold;
    }

    /// What the sender has to be told of what is gone: all after this message.
    pub(super) fn missing(&self) -> Option<u64> {
        (self.missing == Missing::Untold).then_some(self.delivered)
    }

    /// Notes how far the sender knows what is gone.
    pub(super) const fn set_missing(&mut self, missing: Missing) {
        self.missing = missing;
    }

    /// Takes a whole message; `deliver` gets it and those that it sets free, in order.
    pub(super) fn whole(&mut self, number: u64, body: &[u8], deliver: impl FnMut(u64, &[u8])) -> Result<(), Malformed> {
        if number <= self.delivered {
            return Ok(());
        }
        self.check(number, body.len())?;
        if number == self.delivered + 1 {
            if let Some(part) = self.parts.remove(&number) {
                self.held -= part.bytes.len() as u64;
            }
            self.reserve(body.len())?;
            self.hand_over(body, deliver);
        } else if let Some(part) = self.parts.get_mut(&number) {
            // Its sender had begun to send it in pieces, and does not any more.
            part.check(body.len())?;
            part.fill(0, body.len(), body)?;
        } else {
            self.reserve(body.len())?;
            self.parts.insert(number, Part { bytes: body.to_vec(), missing: Vec::new() });
        }
        Ok(())
    }

    /// Takes a part of a message.
    pub(super) fn piece(
        &mut self,
        number: u64,
        offset: usize,
        total: usize,
        bytes: &[u8],
        mut deliver: impl FnMut(u64, &[u8]),
    ) -> Result<(), Malformed> {
        if number <= self.delivered {
            return Ok(());
        }
        self.check(number, total)?;
        let end = offset + bytes.len();
        if bytes.is_empty() || end > total {
            return Err(Malformed);
        }
        if !self.parts.contains_key(&number) {
            self.reserve(total)?;
            self.parts.insert(number, Part { bytes: vec![0; total], missing: vec![(0, total)] });
        }
        let part = self.parts.get_mut(&number).expect("inserted above");
        part.check(total)?;
        part.fill(offset, end, bytes)?;
        if number == self.delivered + 1 && part.missing.is_empty() {
            let part = self.parts.remove(&number).expect("looked up above");
            self.hand_over(&part.bytes, &mut deliver);
        }
        Ok(())
    }

    /// Takes the notice that messages up to `up_to` were given up.
    pub(super) fn skip(&mut self, up_to: u64, bytes: u64, deliver: impl FnMut(u64, &[u8])) -> Result<(), Malformed> {
        if up_to <= self.delivered {
            return Ok(());
        }
        if bytes < self.position || up_to >= MOST_NUMBER || bytes >= MOST_NUMBER {
            return Err(Malformed);
        }
        let kept = self.parts.split_off(&(up_to + 1));
        for part in std::mem::replace(&mut self.parts, kept).into_values() {
            self.held -= part.bytes.len() as u64;
        }
        self.delivered = up_to;
        self.position = bytes;
        self.hand_over_ready(deliver);
        Ok(())
    }

    /// Notes what the application did with a message; gives whether there is something to tell the sender.
    pub(super) fn settle(&mut self, now: Mono, number: u64, answer: Answer) -> bool {
        // Mostly it is the first that waits.
        let index = match self.waiting.front() {
            Some(first) if first.number == number => 0,
            _ => match self.waiting.binary_search_by_key(&number, |waiting| waiting.number) {
                Ok(index) => index,
                Err(_) => return false,
            },
        };
        self.waiting[index].answer.get_or_insert(answer);
        self.advance(now)
    }

    /// Forgets the refusals up to this number: the sender knows them. Gives whether there is more to tell it.
    pub(super) fn on_refusals_acked(&mut self, now: Mono, up_to: u64) -> bool {
        self.refused.retain(|refusal| refusal.number > up_to);
        self.advance(now)
    }

    /// The message side of an ack.
    pub(super) fn fill(&mut self, now: Mono, ack: &mut Ack) {
        let (settled, position) = self.settled();
        ack.settled = settled;
        ack.refused = self.refused.iter().copied().collect();
        if self.rate_limit.free_at() <= now {
            self.granted = self.granted.max(position + self.window);
        }
        ack.room = self.granted;
    }

    /// When more room can be granted, if some is owed.
    pub(super) fn deadline(&self) -> Option<Mono> {
        let owed = self.settled().1 + self.window > self.granted;
        owed.then(|| self.rate_limit.free_at())
    }

    /// The last settled message, and the bytes of all bodies up to it.
    fn settled(&self) -> (u64, u64) {
        self.waiting.front().map_or((self.delivered, self.position), |first| (first.number - 1, first.end - first.len))
    }

    /// A sender has at most so many messages on the way, and none longer than a body can be.
    fn check(&self, number: u64, len: usize) -> Result<(), Malformed> {
        let in_reach = number <= self.delivered.saturating_add(MAX_QUEUED as u64);
        if in_reach && len > 0 && len <= MAX_BODY { Ok(()) } else { Err(Malformed) }
    }

    /// A sender that keeps to the room it was granted never has more here than that.
    fn reserve(&mut self, len: usize) -> Result<(), Malformed> {
        if self.held + len as u64 > self.window {
            return Err(Malformed);
        }
        self.held += len as u64;
        Ok(())
    }

    fn hand_over(&mut self, body: &[u8], mut deliver: impl FnMut(u64, &[u8])) {
        self.hand_over_one(body, &mut deliver);
        self.hand_over_ready(deliver);
    }

    fn hand_over_ready(&mut self, mut deliver: impl FnMut(u64, &[u8])) {
        while let Some(entry) = self.parts.first_entry()
            && *entry.key() == self.delivered + 1
            && entry.get().missing.is_empty()
        {
            let part = entry.remove();
            self.hand_over_one(&part.bytes, &mut deliver);
        }
    }

    fn hand_over_one(&mut self, body: &[u8], deliver: &mut impl FnMut(u64, &[u8])) {
        let len = body.len() as u64;
        self.delivered += 1;
        self.position += len;
        self.waiting.push_back(Waiting { number: self.delivered, len, end: self.position, answer: None });
        deliver(self.delivered, body);
    }

    /// Settles the front of what waits, as far as the application has answered.
    fn advance(&mut self, now: Mono) -> bool {
        let mut advanced = false;
        while let Some(Waiting { number, len, answer: Some(answer), .. }) = self.waiting.front() {
            if let Answer::Refused(reason) = answer {
                if self.refused.len() == MAX_REFUSALS {
                    break;
                }
                self.refused.push(Refusal { number: *number, reason: *reason });
            }
            self.held -= len;
            self.rate_limit.count(now);
            self.waiting.pop_front();
            advanced = true;
        }
        advanced
    }
}

impl Part {
    /// All parts of a message agree on its length.
    fn check(&self, total: usize) -> Result<(), Malformed> {
        if self.bytes.len() == total { Ok(()) } else { Err(Malformed) }
    }

    fn fill(&mut self, start: usize, end: usize, bytes: &[u8]) -> Result<(), Malformed> {
        self.bytes[start..end].copy_from_slice(bytes);
        let mut missing = Vec::with_capacity(self.missing.len() + 1);
        for (low, high) in self.missing.drain(..) {
            missing.extend([(low, high.min(start)), (low.max(end), high)].into_iter().filter(|(low, high)| low < high));
        }
        self.missing = missing;
        if self.missing.len() > MAX_GAPS { Err(Malformed) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests;
