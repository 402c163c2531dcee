//! Outcomes that became known together: one output for all of them.
//!
//! One ack decides about hundreds of messages. A copy of the recipient's name and an output for each would cost more than
//! the rest of processing the ack.

use std::fmt;
use std::time::Duration;

use crate::id::{MessageId, SessionId};
use crate::message::{Outcome, Report};
use crate::name::UserName;

/// The outcomes of our messages for one recipient that became known together, in the order of the messages. There is at
/// least one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reports {
    /// Our session.
    session: SessionId,
    user: UserName,
    outcomes: Vec<Item>,
}

/// An outcome among [`Reports`].
#[derive(Clone, Copy)]
pub struct Reported<'a> {
    reports: &'a Reports,
    item: &'a Item,
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Item {
    number: u64,
    elapsed: Duration,
    outcome: Outcome,
}

impl Reports {
    pub(super) const fn new(session: SessionId, user: UserName) -> Self {
        Self { session, user, outcomes: Vec::new() }
    }

    /// Adds the outcome of a message.
    pub(super) fn push(&mut self, number: u64, outcome: Outcome, elapsed: Duration) {
        self.outcomes.push(Item { number, elapsed, outcome });
    }

    /// The recipient.
    pub const fn user(&self) -> &UserName {
        &self.user
    }

    /// The number of outcomes.
    #[expect(clippy::len_without_is_empty, reason = "there is at least one outcome")]
    pub const fn len(&self) -> usize {
        self.outcomes.len()
    }

    /// The outcomes, in the order of the messages.
    pub fn iter(&self) -> ReportsIter<'_> {
        ReportsIter { reports: self, items: self.outcomes.iter() }
    }
}

/// The outcomes among [`Reports`].
#[derive(Clone, Debug)]
pub struct ReportsIter<'a> {
    reports: &'a Reports,
    items: std::slice::Iter<'a, Item>,
}

impl<'a> Iterator for ReportsIter<'a> {
    type Item = Reported<'a>;

    fn next(&mut self) -> Option<Reported<'a>> {
        self.items.next().map(|item| Reported { reports: self.reports, item })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.items.size_hint()
    }
}

impl ExactSizeIterator for ReportsIter<'_> {}

impl<'a> IntoIterator for &'a Reports {
    type Item = Reported<'a>;
    type IntoIter = ReportsIter<'a>;

    fn into_iter(self) -> ReportsIter<'a> {
        self.iter()
    }
}

impl<'a> Reported<'a> {
    /// The id of the message.
    pub const fn id(self) -> MessageId {
        MessageId { session: self.reports.session, number: self.item.number }
    }

    /// The recipient.
    pub const fn user(self) -> &'a UserName {
        &self.reports.user
    }

    /// The outcome.
    pub const fn outcome(self) -> Outcome {
        self.item.outcome
    }

    /// The time from queueing the message to the outcome.
    pub const fn elapsed(self) -> Duration {
        self.item.elapsed
    }

    /// A copy that owns the recipient's name.
    pub fn to_report(self) -> Report {
        Report::new(self.id(), self.user().clone(), self.outcome(), self.elapsed())
    }
}

impl fmt::Debug for Reported<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_report(), f)
    }
}

/// Two outcomes are equal if everything is that an application sees of them, whatever became known together with them.
impl PartialEq for Reported<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.reports.session == other.reports.session && self.user() == other.user() && self.item == other.item
    }
}

impl Eq for Reported<'_> {}
