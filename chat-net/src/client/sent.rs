//! A sent message, and its outcomes.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chat_core::id::MessageId;
use chat_core::message::{Outcome, Recipient, Report};
use chat_core::name::UserName;
use chat_core::time::Timestamp;

use super::Roster;
use super::collector::Collector;
use crate::peer_driver::QueuedMessage;

/// A message that was queued, with access to its outcomes: exactly one for each recipient.
///
/// As long as a `Sent` exists, it gets all outcomes of its message. [`OutcomeEvents`](super::OutcomeEvents) decides
/// whether they are events too. A `Sent` that is not needed can be dropped immediately: that neither withdraws the
/// message nor costs anything.
///
/// Every outcome arrives in the end, whatever happens: at the latest when the session ends, or when the client's
/// `link_timeout` (45 s) has passed without an ack. A `Sent` does not keep the session alive. The `Sent` of a message
/// to everyone holds a snapshot of the [`Roster`], which costs memory once the roster changes.
pub struct Sent {
    queued: QueuedMessage,
    collector: Option<Arc<Collector>>,
    /// The users who may be recipients.
    audience: Audience,
    /// The number of outcomes that [`next`](Self::next) has returned.
    returned: usize,
}

/// The users that may be among the recipients. The recipients of a message to everyone are in the roster of that
/// moment.
pub(super) enum Audience {
    One(UserName),
    Everyone(Roster),
}

impl Audience {
    /// The audience of a message to `to`. `roster` returns the roster of this moment.
    pub(super) fn new(to: &Recipient, roster: impl FnOnce() -> Roster) -> Self {
        match to {
            Recipient::One(user) => Self::One(user.clone()),
            _ => Self::Everyone(roster()),
        }
    }

    fn contains(&self, user: &UserName) -> bool {
        match self {
            Self::One(one) => one == user,
            Self::Everyone(roster) => roster.get(user).is_some(),
        }
    }
}

impl Sent {
    pub(super) const fn new(queued: QueuedMessage, collector: Option<Arc<Collector>>, audience: Audience) -> Self {
        Self { queued, collector, audience, returned: 0 }
    }

    /// The id of the message.
    pub const fn id(&self) -> MessageId {
        self.queued.id
    }

    /// The number of recipients, and so of outcomes. Zero for a message to everyone if nobody else is online.
    pub const fn recipients(&self) -> usize {
        self.queued.recipients
    }

    /// The time that the message carries: the estimate of the server's clock when it was queued.
    pub const fn at(&self) -> Timestamp {
        self.queued.at
    }

    /// Waits for the next outcome. Returns each outcome once, in the order in which they become known, and then `None`.
    ///
    /// # Cancel safety
    /// Dropping the future loses no outcome.
    pub async fn next(&mut self) -> Option<RecipientOutcome> {
        let outcome = self.collector.as_ref()?.get(self.returned).await?;
        self.returned += 1;
        Some(outcome)
    }

    /// Waits for all outcomes. Returns those that [`next`](Self::next) has not returned, in the order in which they
    /// became known.
    ///
    /// # Cancel safety
    /// Not cancel safe: dropping the future drops the `Sent`, and with it the outcomes. In a `select!`, call
    /// [`next`](Self::next) instead.
    pub async fn outcomes(self) -> Vec<RecipientOutcome> {
        let Some(collector) = &self.collector else { return Vec::new() };
        let mut outcomes = collector.take_all().await;
        drop(outcomes.drain(..self.returned.min(outcomes.len())));
        outcomes
    }

    /// Waits for the outcome of one recipient, whether or not [`next`](Self::next) has returned it. `None` if `user` is
    /// not a recipient. Several calls may wait at the same time.
    ///
    /// # Cancel safety
    /// Dropping the future loses no outcome.
    pub async fn outcome_of(&self, user: &UserName) -> Option<RecipientOutcome> {
        if !self.audience.contains(user) {
            return None;
        }
        let mut seen = 0;
        let pick = |outcomes: &[RecipientOutcome]| {
            let found = outcomes.get(seen..)?.iter().find(|outcome| outcome.user == *user).cloned();
            seen = outcomes.len();
            found
        };
        self.collector.as_ref()?.find(pick).await
    }
}

impl fmt::Debug for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let QueuedMessage { id, recipients, at } = &self.queued;
        f.debug_struct("Sent").field("id", id).field("recipients", recipients).field("at", at).finish_non_exhaustive()
    }
}

/// The outcome of a message for one recipient. `Debug` prints it as `(alice, Delivered, 4 ms)`.
#[derive(Clone, Eq, PartialEq)]
pub struct RecipientOutcome {
    user: UserName,
    outcome: Outcome,
    elapsed: Duration,
}

impl RecipientOutcome {
    pub(super) fn new(report: &Report) -> Self {
        Self { user: report.user.clone(), outcome: report.outcome, elapsed: report.elapsed }
    }

    /// The recipient.
    pub const fn user(&self) -> &UserName {
        &self.user
    }

    /// What became of the message.
    pub const fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// The time from queueing the message to the outcome.
    pub const fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// Whether the recipient's application accepted the message.
    pub const fn is_delivered(&self) -> bool {
        matches!(self.outcome, Outcome::Delivered)
    }
}

impl fmt::Debug for RecipientOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({}, {:?}, {} ms)", self.user, self.outcome, self.elapsed.as_millis())
    }
}

#[cfg(test)]
mod tests {
    use chat_core::id::SessionId;

    use super::*;

    #[test]
    fn debug_prints_an_outcome_as_in_the_documentation() {
        let id = MessageId { session: SessionId::new(1), number: 1 };
        let user = "alice".parse().unwrap();
        let report = Report::new(id, user, Outcome::Delivered, Duration::from_micros(4_900));
        assert_eq!(format!("{:?}", [RecipientOutcome::new(&report)]), "[(alice, Delivered, 4 ms)]");
    }
}
