//! Messages from the peer: reassembly, order, delivery to the application, and its decisions.
//!
//! A message goes through three stages. It waits in `reassembly` until it is complete and all messages before it have
//! been delivered. Then it is delivered and waits in `undecided` until the application accepts or refuses it. Then an
//! ack states the decision and grants room for further messages.

mod partial_body;

use std::collections::{BTreeMap, VecDeque};

use self::partial_body::PartialBody;
use super::position::Position;
use crate::peer::config::{INITIAL_ROOM, MAX_NUMBER, MAX_QUEUED, MESSAGE_OVERHEAD};
use crate::rate_limit::RateLimit;
use crate::time::Mono;
use crate::wire::Malformed;
use crate::wire::datagram::{Ack, MAX_BODY, MAX_REFUSALS, Refusal, RefusalReason};

#[derive(Debug)]
pub(super) struct Incoming {
    /// The last message that was delivered or skipped.
    delivered: Position,
    /// Delivered messages, beginning with the first that has no decision.
    undecided: VecDeque<Undecided>,
    /// Messages after `delivered` that have arrived, completely or in part.
    reassembly: BTreeMap<u64, PartialBody>,
    /// The body bytes in `undecided` and `reassembly`.
    buffered: u64,
    window: u64,
    /// The body bytes that the peer may send in total since the beginning of the link.
    granted: u64,
    rate_limit: RateLimit,
    /// Refusals that the peer has not acknowledged: at most [`MAX_REFUSALS`].
    refused: Vec<Refusal>,
    resend: ResendRequest,
}

/// Whether the peer must resend messages that arrived and were dropped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum ResendRequest {
    None,
    /// The request has not been sent, or was lost.
    Due,
    /// The request was sent and is not acknowledged yet.
    Sent,
}

/// What the application decided about a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::peer) enum Decision {
    Accept,
    /// It accepts this message and all earlier ones about which it has not decided.
    AcceptUpTo,
    Refuse(RefusalReason),
}

/// The state of the messages from the peer that a later link needs.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct IncomingResumption {
    pub(super) delivered: Position,
    pub(super) refused: Vec<Refusal>,
}

/// A message that was delivered to the application.
#[derive(Debug)]
struct Undecided {
    number: u64,
    len: u32,
    /// The length of all bodies up to and including this one.
    end: u64,
    /// The decision, if an earlier message has none yet.
    decision: Option<Decision>,
}

impl Incoming {
    /// Continues after an earlier link, or starts with the default state.
    pub(super) fn resuming(
        resumption: IncomingResumption,
        resend: ResendRequest,
        window: u64,
        rate_limit: RateLimit,
    ) -> Self {
        let IncomingResumption { delivered, refused } = resumption;
        let window = window.clamp(INITIAL_ROOM, MAX_NUMBER);
        Self {
            delivered,
            undecided: VecDeque::new(),
            reassembly: BTreeMap::new(),
            buffered: 0,
            window,
            granted: delivered.bytes + window,
            rate_limit,
            refused: refused.into_iter().take(MAX_REFUSALS).collect(),
            resend,
        }
    }

    /// Processes a whole message. `deliver` receives it and the messages that waited for it, in order.
    pub(super) fn on_message(
        &mut self,
        number: u64,
        body: &[u8],
        deliver: impl FnMut(u64, &[u8]),
    ) -> Result<(), Malformed> {
        if number <= self.delivered.number {
            return Ok(());
        }
        self.check(number, body.len())?;
        if number == self.delivered.number + 1 {
            if !self.reassembly.is_empty()
                && let Some(partial) = self.reassembly.remove(&number)
            {
                self.buffered -= partial.total() as u64;
            }
            self.reserve(body.len())?;
            self.deliver(body, deliver);
        } else if let Some(partial) = self.reassembly.get_mut(&number) {
            // Fragments of the message had arrived before its sender was able to send it whole.
            partial.fill(0, body.len(), body)?;
        } else {
            self.reserve(body.len())?;
            self.reassembly.insert(number, PartialBody::complete(body));
        }
        Ok(())
    }

    /// Processes a fragment. If it completes the next message, `deliver` receives this message and those that waited for
    /// it, in order.
    pub(super) fn on_fragment(
        &mut self,
        number: u64,
        offset: usize,
        total: usize,
        bytes: &[u8],
        mut deliver: impl FnMut(u64, &[u8]),
    ) -> Result<(), Malformed> {
        if number <= self.delivered.number {
            return Ok(());
        }
        self.check(number, total)?;
        if bytes.is_empty() || offset + bytes.len() > total {
            return Err(Malformed);
        }
        if !self.reassembly.contains_key(&number) {
            self.reserve(total)?;
            self.reassembly.insert(number, PartialBody::empty(total));
        }
        let partial = self.reassembly.get_mut(&number).expect("inserted above");
        partial.fill(offset, total, bytes)?;
        if number == self.delivered.number + 1 && partial.is_complete() {
            let partial = self.reassembly.remove(&number).expect("looked up above");
            self.deliver(partial.bytes(), &mut deliver);
        }
        Ok(())
    }

    /// Processes the notice that messages up to `up_to` were abandoned, with `bytes` in all bodies so far.
    pub(super) fn on_skip(&mut self, up_to: u64, bytes: u64, deliver: impl FnMut(u64, &[u8])) -> Result<(), Malformed> {
        if up_to <= self.delivered.number {
            return Ok(());
        }
        if bytes < self.delivered.bytes || up_to >= MAX_NUMBER || bytes >= MAX_NUMBER {
            return Err(Malformed);
        }
        let remaining = self.reassembly.split_off(&(up_to + 1));
        for partial in std::mem::replace(&mut self.reassembly, remaining).into_values() {
            self.buffered -= partial.total() as u64;
        }
        self.delivered = Position { number: up_to, bytes };
        self.deliver_complete(deliver);
        Ok(())
    }

    /// Records a decision of the application. Only the first decision about a message counts. Returns whether there is
    /// something new to acknowledge.
    pub(super) fn decide(&mut self, now: Mono, number: u64, decision: Decision) -> bool {
        if decision == Decision::AcceptUpTo {
            for message in self.undecided.iter_mut().take_while(|message| message.number <= number) {
                message.decision.get_or_insert(decision);
            }
            return self.remove_decided(now);
        }
        // Applications mostly decide in order.
        let index = match self.undecided.front() {
            Some(first) if first.number == number => 0,
            _ => match self.undecided.binary_search_by_key(&number, |message| message.number) {
                Ok(index) => index,
                Err(_) => return false,
            },
        };
        self.undecided[index].decision.get_or_insert(decision);
        self.remove_decided(now)
    }

    /// Forgets the refusals up to this message, because the peer knows them. Returns whether there is something new to
    /// acknowledge.
    pub(super) fn on_refusals_acked(&mut self, now: Mono, up_to: u64) -> bool {
        self.refused.retain(|refusal| refusal.number > up_to);
        self.remove_decided(now)
    }

    /// Adds the message part to an ack, and grants room if the peer keeps to its rate.
    pub(super) fn complete_ack(&mut self, now: Mono, ack: &mut Ack) {
        let decided = self.decided();
        ack.accepted = decided.number;
        ack.refused = self.refused.iter().copied().collect();
        if self.rate_limit.free_at() <= now {
            self.granted = self.granted.max(decided.bytes + self.window);
        }
        ack.room = self.granted;
    }

    pub(super) const fn set_resend(&mut self, resend: ResendRequest) {
        self.resend = resend;
    }

    /// Drops messages that have arrived but were not delivered.
    pub(super) fn drop_undelivered(&mut self) {
        let dropped = std::mem::take(&mut self.reassembly);
        self.buffered -= dropped.into_values().map(|partial| partial.total() as u64).sum::<u64>();
        self.resend = ResendRequest::Due;
    }

    /// Returns unused memory to the allocator.
    pub(super) fn shrink(&mut self) {
        self.undecided.shrink_to_fit();
        if self.reassembly.is_empty() {
            // An empty map may still own a node.
            self.reassembly = BTreeMap::new();
        }
        self.refused.shrink_to_fit();
    }

    /// Returns the number of the message after which the peer must send everything again, if a request is due.
    pub(super) fn resend_after(&self) -> Option<u64> {
        (self.resend == ResendRequest::Due).then_some(self.delivered.number)
    }

    /// Returns the time from which the peer may be granted more room, if there is some to grant.
    pub(super) fn grant_deadline(&self) -> Option<Mono> {
        let has_grant = self.decided().bytes + self.window > self.granted;
        has_grant.then(|| self.rate_limit.free_at())
    }

    /// Whether the application has yet to decide about some message.
    pub(super) fn has_undecided(&self) -> bool {
        !self.undecided.is_empty()
    }

    /// Returns the memory of all messages that wait for earlier ones or for a decision.
    pub(super) fn buffered(&self) -> u64 {
        self.buffered + (self.undecided.len() + self.reassembly.len()) as u64 * MESSAGE_OVERHEAD
    }

    /// Returns the state with which a later link continues. No message may be undecided.
    pub(super) fn resumption(&self) -> IncomingResumption {
        IncomingResumption { delivered: self.delivered, refused: self.refused.clone() }
    }

    /// Returns the position of the last message before the first undecided one.
    fn decided(&self) -> Position {
        self.undecided.front().map_or(self.delivered, |first| Position {
            number: first.number - 1,
            bytes: first.end - u64::from(first.len),
        })
    }

    /// Checks the limits of a sender: the messages in its queue, and the length of a body.
    fn check(&self, number: u64, len: usize) -> Result<(), Malformed> {
        let is_in_reach = number <= self.delivered.number.saturating_add(MAX_QUEUED as u64);
        if is_in_reach && len > 0 && len <= MAX_BODY { Ok(()) } else { Err(Malformed) }
    }

    /// Reserves memory for a body. A sender that keeps to the granted room never exceeds the window.
    fn reserve(&mut self, len: usize) -> Result<(), Malformed> {
        if self.buffered + len as u64 > self.window {
            return Err(Malformed);
        }
        self.buffered += len as u64;
        Ok(())
    }

    /// Delivers the next message, and those that waited for it.
    fn deliver(&mut self, body: &[u8], mut deliver: impl FnMut(u64, &[u8])) {
        self.deliver_one(body, &mut deliver);
        if !self.reassembly.is_empty() {
            self.deliver_complete(deliver);
        }
    }

    /// Delivers complete messages up to the first that is not.
    fn deliver_complete(&mut self, mut deliver: impl FnMut(u64, &[u8])) {
        while let Some(entry) = self.reassembly.first_entry()
            && *entry.key() == self.delivered.number + 1
            && entry.get().is_complete()
        {
            let complete = entry.remove();
            self.deliver_one(complete.bytes(), &mut deliver);
        }
    }

    fn deliver_one(&mut self, body: &[u8], deliver: &mut impl FnMut(u64, &[u8])) {
        self.delivered.number += 1;
        self.delivered.bytes += body.len() as u64;
        let Position { number, bytes } = self.delivered;
        // [`MAX_BODY`] bounds the length.
        self.undecided.push_back(Undecided { number, len: body.len() as u32, end: bytes, decision: None });
        deliver(number, body);
    }

    /// Removes messages up to the first without a decision, or up to a refusal that does not fit the list. Returns whether
    /// there were any.
    fn remove_decided(&mut self, now: Mono) -> bool {
        let mut removed = 0;
        while let Some(Undecided { number, len, decision: Some(decision), .. }) = self.undecided.front() {
            if let Decision::Refuse(reason) = decision {
                if self.refused.len() == MAX_REFUSALS {
                    break;
                }
                self.refused.push(Refusal { number: *number, reason: *reason });
            }
            self.buffered -= u64::from(*len);
            self.undecided.pop_front();
            removed += 1;
        }
        self.rate_limit.count_many(now, removed);
        removed > 0
    }
}

#[cfg(test)]
mod tests;
