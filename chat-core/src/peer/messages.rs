//! Our messages: one body for all recipients, kept until the last outcome is known.

use super::config::MAX_QUEUED_BYTES_TOTAL;
use super::{Output, Reports};
use crate::id::{MessageId, SessionId};
use crate::message::Outcome;
use crate::name::UserName;
use crate::time::Mono;

/// All messages with pending outcomes. Links refer to them by [`MessageHandle`], so a message that waits for a thousand
/// peers takes only a few bytes for each.
#[derive(Debug)]
pub(super) struct Messages {
    session: SessionId,
    /// The number of the last message.
    last: u64,
    stored: Vec<Option<StoredMessage>>,
    free: Vec<MessageHandle>,
    pending_outcomes: usize,
    body_bytes: usize,
}

/// Refers to a stored message. It is reused after the message's last outcome.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct MessageHandle(u32);

#[derive(Debug)]
struct StoredMessage {
    number: u64,
    body: Vec<u8>,
    /// See [`Messages::body`].
    max_ack_delay: u16,
    queued_at: Mono,
    pending: usize,
    delivered: usize,
    others: Vec<(UserName, Outcome)>,
    reporting: Reporting,
}

/// Whether a summary follows the last report of a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Reporting {
    ReportsOnly,
    WithSummary,
}

impl Messages {
    pub(super) const fn new(session: SessionId) -> Self {
        Self { session, last: 0, stored: Vec::new(), free: Vec::new(), pending_outcomes: 0, body_bytes: 0 }
    }

    /// Stores the body of the next message. [`open`](Self::open) or [`remove`](Self::remove) must follow.
    /// `max_ack_delay` is as in [`body`](Self::body).
    pub(super) fn insert(&mut self, body: Vec<u8>, max_ack_delay: u16) -> MessageHandle {
        self.body_bytes += body.len();
        let stored = StoredMessage {
            number: self.next_number(),
            body,
            max_ack_delay,
            queued_at: Mono::ZERO,
            pending: 0,
            delivered: 0,
            others: Vec::new(),
            reporting: Reporting::ReportsOnly,
        };
        if let Some(handle) = self.free.pop() {
            self.stored[handle.index()] = Some(stored);
            return handle;
        }
        self.stored.push(Some(stored));
        MessageHandle(u32::try_from(self.stored.len() - 1).expect("total bytes are bounded and no body is empty"))
    }

    /// Assigns the next number to the message that was inserted last, which has `recipients` pending outcomes. Without
    /// recipients the message is removed.
    pub(super) fn open(
        &mut self,
        now: Mono,
        handle: MessageHandle,
        recipients: usize,
        reporting: Reporting,
    ) -> MessageId {
        self.last += 1;
        if recipients == 0 {
            self.remove(handle);
        } else if let Some(stored) = &mut self.stored[handle.index()] {
            (stored.queued_at, stored.pending, stored.reporting) = (now, recipients, reporting);
            self.pending_outcomes += recipients;
        }
        MessageId { session: self.session, number: self.last }
    }

    /// Removes a message.
    pub(super) fn remove(&mut self, handle: MessageHandle) {
        if let Some(stored) = self.stored[handle.index()].take() {
            self.body_bytes -= stored.body.len();
            self.free.push(handle);
        }
    }

    /// Reports outcomes of messages for one recipient. Each recipient of a message must be reported once. Summaries follow
    /// the reports.
    pub(super) fn report(
        &mut self,
        now: Mono,
        user: &UserName,
        outcomes: impl IntoIterator<Item = (MessageHandle, Outcome)>,
        out: &mut Vec<Output>,
    ) {
        let (mut reports, mut summaries) = (Reports::new(self.session, user.clone()), Vec::new());
        for (handle, outcome) in outcomes {
            let Some(stored) = &mut self.stored[handle.index()] else { continue };
            reports.push(stored.number, outcome, now.since(stored.queued_at));
            stored.pending -= 1;
            self.pending_outcomes -= 1;
            match outcome {
                Outcome::Delivered => stored.delivered += 1,
                _ if stored.reporting == Reporting::WithSummary => stored.others.push((user.clone(), outcome)),
                _ => {}
            }
            if stored.pending == 0 {
                if stored.reporting == Reporting::WithSummary {
                    let id = MessageId { session: self.session, number: stored.number };
                    let (delivered, others) = (stored.delivered, std::mem::take(&mut stored.others));
                    summaries.push(Output::Summary { id, delivered, others });
                }
                self.remove(handle);
            }
        }
        if reports.len() > 0 {
            out.push(Output::Report(reports));
        }
        out.append(&mut summaries);
    }

    /// Returns the body of a message, and the time in milliseconds for which its ack may be delayed, or 0 for
    /// [`ACK_DELAY`](super::config::ACK_DELAY).
    pub(super) fn body(&self, handle: MessageHandle) -> (&[u8], u16) {
        let stored = self.stored[handle.index()].as_ref().expect("a message with a pending outcome is stored");
        (&stored.body, stored.max_ack_delay)
    }

    /// Returns the number that the next message will have.
    pub(super) const fn next_number(&self) -> u64 {
        self.last + 1
    }

    /// Whether another body of `len` bytes may be stored.
    pub(super) const fn has_room(&self, len: usize) -> bool {
        self.body_bytes + len <= MAX_QUEUED_BYTES_TOTAL
    }

    /// Returns the number of pending outcomes of all messages.
    pub(super) const fn pending_outcomes(&self) -> usize {
        self.pending_outcomes
    }
}

impl MessageHandle {
    pub(super) const fn index(self) -> usize {
        self.0 as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_stored_until_its_last_outcome_and_its_handle_is_reused() {
        let mut messages = Messages::new(SessionId::new(7));
        let (user, mut out) = ("bob".parse().unwrap(), Vec::new());
        let first = messages.insert(vec![1; 10], 30);
        assert_eq!(messages.open(Mono::ZERO, first, 2, Reporting::WithSummary).number, 1);
        let second = messages.insert(vec![2; 5], 0);
        messages.remove(second);
        assert_eq!((messages.next_number(), messages.body_bytes, messages.pending_outcomes()), (2, 10, 2));
        messages.report(Mono::ZERO, &user, [(first, Outcome::Delivered)], &mut out);
        assert_eq!(messages.body(first), (&[1; 10][..], 30));
        messages.report(Mono::ZERO, &user, [(first, Outcome::Delivered)], &mut out);
        assert!(matches!(out[..], [Output::Report(_), Output::Report(_), Output::Summary { delivered: 2, .. }]));
        assert_eq!((messages.body_bytes, messages.pending_outcomes()), (0, 0));
        assert_eq!(messages.insert(vec![3], 0), first);
        assert_eq!(messages.insert(vec![4], 0), second);
        let without_recipients = messages.insert(vec![5], 0);
        assert_eq!(messages.open(Mono::ZERO, without_recipients, 0, Reporting::WithSummary).number, 2);
        assert_eq!(messages.body_bytes, 2, "a message without recipients is not stored");
    }
}
