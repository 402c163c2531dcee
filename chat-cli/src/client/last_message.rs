//! The last message that was sent: who has it and who has not, for `/info` and `/resend`.

use std::collections::{BTreeMap, BTreeSet};

use chat_core::id::MessageId;
use chat_core::message::{Recipient, Report};
use chat_core::name::UserName;
use chat_core::text::Text;
use chat_core::time::Timestamp;
use chat_net::client::Roster;

use crate::view::{MessageOutcome, SentMessage, UserOutcome, ViewEvent};

/// A message, and the outcomes that are known.
#[derive(Debug)]
pub(super) struct LastMessage {
    id: MessageId,
    pub(super) to: Recipient,
    pub(super) text: Text,
    at: Timestamp,
    /// The users that were online when it was sent.
    roster: Roster,
    outcomes: BTreeMap<UserName, MessageOutcome>,
    /// The copies that were sent again and have no outcome yet.
    copies: BTreeSet<MessageId>,
}

impl LastMessage {
    pub(super) const fn new(id: MessageId, to: Recipient, text: Text, at: Timestamp, roster: Roster) -> Self {
        Self { id, to, text, at, roster, outcomes: BTreeMap::new(), copies: BTreeSet::new() }
    }

    /// Records an outcome, if it belongs to this message.
    pub(super) fn add_report(&mut self, report: &Report) {
        if report.id == self.id || self.copies.remove(&report.id) {
            self.outcomes.insert(report.user.clone(), report.outcome.into());
        }
    }

    /// The users who certainly have not got it.
    pub(super) fn failed(&self) -> Vec<UserName> {
        self.users(|outcome| matches!(outcome, MessageOutcome::Failed { .. }))
    }

    /// The users who may or may not have it.
    pub(super) fn unconfirmed(&self) -> Vec<UserName> {
        self.users(|outcome| matches!(outcome, MessageOutcome::Unconfirmed { .. }))
    }

    /// Records that a copy was sent to a user for whom it had failed.
    pub(super) fn sent_again(&mut self, user: &UserName, copy: MessageId) {
        self.outcomes.remove(user);
        self.copies.insert(copy);
    }

    /// A record of the message to show.
    pub(super) fn as_sent(&self) -> SentMessage {
        SentMessage::new(self.to.clone(), &self.text)
    }

    /// The answer to `/info`.
    pub(super) fn info(&self) -> ViewEvent {
        let others = self.outcomes.iter().filter(|(_, outcome)| **outcome != MessageOutcome::Delivered);
        ViewEvent::Info {
            id: self.id,
            to: self.to.clone(),
            at: self.at,
            delivered: self.users(|outcome| *outcome == MessageOutcome::Delivered),
            failed: others.map(|(user, outcome)| UserOutcome { user: user.clone(), outcome: *outcome }).collect(),
            outstanding: self.outstanding(),
            sent: self.as_sent(),
        }
    }

    /// The users whose outcome is not known yet.
    fn outstanding(&self) -> Vec<UserName> {
        let is_known = |user: &UserName| self.outcomes.contains_key(user);
        match &self.to {
            Recipient::One(user) if is_known(user) => Vec::new(),
            Recipient::One(user) => vec![user.clone()],
            _ => self.roster.iter().map(|entry| entry.user()).filter(|user| !is_known(user)).cloned().collect(),
        }
    }

    fn users(&self, wanted: impl Fn(&MessageOutcome) -> bool) -> Vec<UserName> {
        self.outcomes.iter().filter(|(_, outcome)| wanted(outcome)).map(|(user, _)| user.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use chat_core::message::{FailReason, Outcome, UnconfirmedReason};

    use super::*;
    use crate::view::samples::{AT, ID, name, report, text};

    #[test]
    fn only_users_without_the_message_get_it_again() {
        let mut last = LastMessage::new(ID, Recipient::Everyone, text("hello"), AT, Roster::default());
        last.add_report(&report("bob", Outcome::Delivered));
        last.add_report(&report("carol", Outcome::Failed(FailReason::QueueFull)));
        last.add_report(&report("dave", Outcome::Unconfirmed(UnconfirmedReason::TimedOut)));
        let copy = MessageId { number: ID.number + 1, ..ID };
        let of_copy = |user, outcome| {
            let mut report = report(user, outcome);
            report.id = copy;
            report
        };
        last.add_report(&of_copy("erin", Outcome::Delivered));
        assert_eq!((last.failed(), last.unconfirmed()), (vec![name("carol")], vec![name("dave")]));
        last.sent_again(&name("carol"), copy);
        assert_eq!(last.failed(), []);
        last.add_report(&of_copy("carol", Outcome::Unconfirmed(UnconfirmedReason::Left)));
        assert_eq!((last.failed(), last.unconfirmed()), (vec![], vec![name("carol"), name("dave")]));
        last.add_report(&of_copy("carol", Outcome::Delivered));
        assert_eq!(last.unconfirmed(), [name("carol"), name("dave")], "a copy has one outcome");
    }

    #[test]
    fn the_outcome_of_a_private_message_is_outstanding_until_it_arrives() {
        let mut last = LastMessage::new(ID, Recipient::One(name("bob")), text("psst"), AT, Roster::default());
        assert_eq!(last.outstanding(), [name("bob")]);
        last.add_report(&report("bob", Outcome::Delivered));
        assert_eq!(last.outstanding(), []);
    }
}
