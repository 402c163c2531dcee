//! Which messages still wait for outcomes, and of whom.

use std::collections::BTreeMap;

use super::Output;
use super::config::MAX_QUEUED_IN_ALL;
use crate::id::{MessageId, SessionId};
use crate::message::{Outcome, Report};
use crate::name::UserName;
use crate::time::Mono;

#[derive(Debug)]
pub(super) struct Outcomes {
    session: SessionId,
    last: u64,
    open: BTreeMap<u64, Open>,
    open_recipients: usize,
    bytes: usize,
}

#[derive(Debug)]
struct Open {
    accepted: Mono,
    len: usize,
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

impl Outcomes {
    pub(super) const fn new(session: SessionId) -> Self {
        Self { session, last: 0, open: BTreeMap::new(), open_recipients: 0, bytes: 0 }
    }

    /// How many outcomes are open.
    pub(super) const fn len(&self) -> usize {
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

    /// Opens the next message with `recipients` outcomes to come.
    pub(super) fn open(&mut self, now: Mono, len: usize, recipients: usize, tells: Tells) -> MessageId {
        self.last += 1;
        if recipients > 0 {
            let (missing, delivered, others) = (recipients, 0, Vec::new());
            self.open.insert(self.last, Open { accepted: now, len, missing, delivered, others, tells });
            self.open_recipients += recipients;
            self.bytes += len;
        }
        MessageId { session: self.session, number: self.last }
    }

    /// Tells an outcome, the only one of this message for this user.
    pub(super) fn report(&mut self, now: Mono, number: u64, user: &UserName, outcome: Outcome, out: &mut Vec<Output>) {
        let Some(open) = self.open.get_mut(&number) else { return };
        let id = MessageId { session: self.session, number };
        out.push(Output::Report(Report { id, user: user.clone(), outcome, after: now.since(open.accepted) }));
        open.missing -= 1;
        self.open_recipients -= 1;
        match outcome {
            Outcome::Delivered => open.delivered += 1,
            _ if open.tells == Tells::Summary => open.others.push((user.clone(), outcome)),
            _ => {}
        }
        if open.missing == 0 {
            let open = self.open.remove(&number).expect("looked up above");
            self.bytes -= open.len;
            if open.tells == Tells::Summary {
                out.push(Output::Summary { id, delivered: open.delivered, others: open.others });
            }
        }
    }
}
