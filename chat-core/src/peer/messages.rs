//! Messages of ours: encoded once for all recipients, kept until each of them has its outcome.

use super::Output;
use super::config::MAX_QUEUED_IN_ALL;
use crate::id::{MessageId, SessionId};
use crate::message::{Outcome, Report};
use crate::name::UserName;
use crate::time::Mono;

/// All messages that are queued or wait for outcomes. Links name them by [`Handle`], so that a message that waits for a
/// thousand peers takes a few bytes for each.
#[derive(Debug)]
pub(super) struct Messages {
    session: SessionId,
    last: u64,
    kept: Vec<Option<Kept>>,
    free: Vec<Handle>,
    open_recipients: usize,
    bytes: usize,
}

/// A message that is kept. It names another one once all outcomes are told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Handle(u32);

#[derive(Debug)]
struct Kept {
    number: u64,
    body: Vec<u8>,
    patience: u16,
    accepted: Mono,
    missing: usize,
    delivered: usize,
    others: Vec<(UserName, Outcome)>,
    tells: Tells,
}

/// Whether a summary follows the last report.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Tells {
    Reports,
    Summary,
}

impl Messages {
    pub(super) const fn new(session: SessionId) -> Self {
        Self { session, last: 0, kept: Vec::new(), free: Vec::new(), open_recipients: 0, bytes: 0 }
    }

    /// How many outcomes are open.
    pub(super) const fn open_outcomes(&self) -> usize {
        self.open_recipients
    }

    /// Whether a body of `len` bytes may be queued as well.
    pub(super) const fn has_room(&self, len: usize) -> bool {
        self.bytes + len <= MAX_QUEUED_IN_ALL
    }

    /// The number of the next message.
    pub(super) const fn next(&self) -> u64 {
        self.last + 1
    }

    /// Keeps the body of the next message, which has to be opened or withdrawn. `patience` is how many milliseconds its
    /// acks may wait if longer than usual.
    pub(super) fn keep(&mut self, body: Vec<u8>, patience: u16) -> Handle {
        let (number, accepted, others) = (self.next(), Mono::ZERO, Vec::new());
        self.bytes += body.len();
        let kept = Kept { number, body, patience, accepted, missing: 0, delivered: 0, others, tells: Tells::Reports };
        if let Some(handle) = self.free.pop() {
            self.kept[handle.index()] = Some(kept);
            return handle;
        }
        self.kept.push(Some(kept));
        Handle(u32::try_from(self.kept.len() - 1).expect("bodies are bounded in all and none is empty"))
    }

    /// Forgets a message that was not accepted.
    pub(super) fn withdraw(&mut self, handle: Handle) {
        if let Some(kept) = self.kept[handle.index()].take() {
            self.bytes -= kept.body.len();
            self.free.push(handle);
        }
    }

    /// Opens what was kept last, with `recipients` outcomes to come.
    pub(super) fn open(&mut self, now: Mono, handle: Handle, recipients: usize, tells: Tells) -> MessageId {
        self.last += 1;
        if recipients == 0 {
            self.withdraw(handle);
        } else if let Some(kept) = &mut self.kept[handle.index()] {
            (kept.accepted, kept.missing, kept.tells) = (now, recipients, tells);
            self.open_recipients += recipients;
        }
        MessageId { session: self.session, number: self.last }
    }

    /// The body of a message, and how many milliseconds its acks may wait if longer than usual.
    pub(super) fn body(&self, handle: Handle) -> (&[u8], u16) {
        let kept = self.kept[handle.index()].as_ref().expect("who has an outcome to come keeps it");
        (&kept.body, kept.patience)
    }

    /// Tells an outcome, the only one of this message for this user.
    pub(super) fn report(
        &mut self,
        now: Mono,
        handle: Handle,
        user: &UserName,
        outcome: Outcome,
        out: &mut Vec<Output>,
    ) {
        let Some(kept) = &mut self.kept[handle.index()] else { return };
        let id = MessageId { session: self.session, number: kept.number };
        out.push(Output::Report(Report { id, user: user.clone(), outcome, after: now.since(kept.accepted) }));
        kept.missing -= 1;
        self.open_recipients -= 1;
        match outcome {
            Outcome::Delivered => kept.delivered += 1,
            _ if kept.tells == Tells::Summary => kept.others.push((user.clone(), outcome)),
            _ => {}
        }
        if kept.missing == 0 {
            if kept.tells == Tells::Summary {
                let (delivered, others) = (kept.delivered, std::mem::take(&mut kept.others));
                out.push(Output::Summary { id, delivered, others });
            }
            self.withdraw(handle);
        }
    }
}

impl Handle {
    /// Its place among all that are kept.
    pub(super) const fn index(self) -> usize {
        self.0 as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_kept_until_its_last_outcome_and_its_place_is_used_again() {
        let mut messages = Messages::new(SessionId::new(7));
        let (user, mut out) = ("bob".parse().unwrap(), Vec::new());
        let first = messages.keep(vec![1; 10], 30);
        assert_eq!(messages.open(Mono::ZERO, first, 2, Tells::Summary).number, 1);
        let second = messages.keep(vec![2; 5], 0);
        messages.withdraw(second);
        assert_eq!((messages.next(), messages.bytes, messages.open_outcomes()), (2, 10, 2));
        messages.report(Mono::ZERO, first, &user, Outcome::Delivered, &mut out);
        assert_eq!(messages.body(first), (&[1; 10][..], 30));
        messages.report(Mono::ZERO, first, &user, Outcome::Delivered, &mut out);
        assert!(matches!(out[..], [Output::Report(_), Output::Report(_), Output::Summary { delivered: 2, .. }]));
        assert_eq!((messages.bytes, messages.open_outcomes()), (0, 0));
        assert_eq!(messages.keep(vec![3], 0), first);
        assert_eq!(messages.keep(vec![4], 0), second);
        let nobody = messages.keep(vec![5], 0);
        assert_eq!(messages.open(Mono::ZERO, nobody, 0, Tells::Summary).number, 2);
        assert_eq!(messages.bytes, 2, "what nobody gets is not kept");
    }
}
