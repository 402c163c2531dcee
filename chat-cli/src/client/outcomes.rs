//! The messages whose outcomes are outstanding, and the exit code that follows from all outcomes.

use std::collections::BTreeMap;

use chat_core::id::MessageId;
use chat_core::message::{Outcome, Recipient, Report};

use crate::error::Exit;
use crate::view::SentMessage;

/// The most messages with outstanding outcomes. Beyond this, no input is read. Half of the messages that may wait for one
/// peer, so that input from a file is slowed down instead of refused.
const MAX_MESSAGES: usize = 512;

/// The most bytes of text in these messages, for the same reason: half of the bytes that may wait for one peer.
const MAX_BYTES: usize = 512 * 1_024;

/// The outcomes of one conversation.
#[derive(Debug, Default)]
pub struct Outcomes {
    outstanding: BTreeMap<MessageId, Outstanding>,
    bytes: usize,
    /// Messages that failed or are unconfirmed, and lines that were refused.
    failures: u64,
    without_recipients: u64,
}

#[derive(Debug)]
struct Outstanding {
    sent: SentMessage,
    outcomes: usize,
    bytes: usize,
}

impl Outcomes {
    /// Adds a message with a text of this many bytes.
    pub fn add_message(&mut self, id: MessageId, recipients: usize, bytes: usize, sent: SentMessage) {
        self.bytes += bytes;
        self.outstanding.insert(id, Outstanding { sent, outcomes: recipients, bytes });
    }

    /// Adds a message that was not sent because no other user was online.
    pub const fn add_without_recipients(&mut self) {
        self.without_recipients += 1;
    }

    /// Adds a line that was refused.
    pub const fn add_failure(&mut self) {
        self.failures += 1;
    }

    /// Adds an outcome, and returns its message if that is still remembered. A message to one user is remembered until its
    /// outcome, a message to everyone until its summary.
    pub fn add_report(&mut self, report: &Report) -> Option<SentMessage> {
        if report.outcome != Outcome::Delivered {
            self.failures += 1;
        }
        let message = self.outstanding.get_mut(&report.id)?;
        message.outcomes = message.outcomes.saturating_sub(1);
        let sent = message.sent.clone();
        if matches!(sent.to, Recipient::One(_)) {
            self.finish(report.id);
        }
        Some(sent)
    }

    /// Removes a message whose outcomes are all known, and returns it.
    pub fn finish(&mut self, id: MessageId) -> Option<SentMessage> {
        let message = self.outstanding.remove(&id)?;
        self.bytes -= message.bytes;
        Some(message.sent)
    }

    /// The number of outstanding outcomes.
    pub fn outstanding(&self) -> usize {
        self.outstanding.values().map(|message| message.outcomes).sum()
    }

    /// Whether another line of input may be read.
    pub fn has_room(&self) -> bool {
        self.outstanding.len() < MAX_MESSAGES && self.bytes < MAX_BYTES
    }

    /// The exit code if the user ends the conversation now.
    pub fn exit(&self) -> Exit {
        if self.failures > 0 || self.outstanding() > 0 {
            Exit::Failed
        } else if self.without_recipients > 0 {
            Exit::NobodyThere
        } else {
            Exit::Fine
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chat_core::message::UnconfirmedReason;

    use super::*;
    use crate::view::samples::{ID, name, report, text};

    fn message(to: Recipient) -> SentMessage {
        SentMessage::new(to, &text("hello"))
    }

    #[test]
    fn the_exit_code_reports_the_worst_outcome() {
        let mut outcomes = Outcomes::default();
        assert_eq!(outcomes.exit(), Exit::Fine);
        outcomes.add_without_recipients();
        assert_eq!(outcomes.exit(), Exit::NobodyThere);
        outcomes.add_message(ID, 1, 5, message(Recipient::One(name("bob"))));
        assert_eq!((outcomes.outstanding(), outcomes.exit()), (1, Exit::Failed));
        assert!(outcomes.add_report(&report("bob", Outcome::Delivered)).is_some());
        assert_eq!((outcomes.outstanding(), outcomes.exit()), (0, Exit::NobodyThere));
        assert!(outcomes.add_report(&report("bob", Outcome::Unconfirmed(UnconfirmedReason::Lost))).is_none());
        assert_eq!(outcomes.exit(), Exit::Failed);
    }

    #[test]
    fn a_message_to_everyone_is_remembered_until_its_summary() {
        let mut outcomes = Outcomes::default();
        outcomes.add_message(ID, 2, 5, message(Recipient::Everyone));
        for user in ["bob", "carol"] {
            assert!(outcomes.add_report(&report(user, Outcome::Delivered)).is_some());
        }
        assert_eq!(outcomes.outstanding(), 0);
        assert!(outcomes.finish(ID).is_some());
        assert!(outcomes.finish(ID).is_none());
        assert_eq!(outcomes.exit(), Exit::Fine);
    }

    #[test]
    fn input_waits_while_too_many_outcomes_are_outstanding() {
        let mut outcomes = Outcomes::default();
        let id = |number| MessageId { number, ..ID };
        for number in 0..512 {
            assert!(outcomes.has_room());
            outcomes.add_message(id(number), 1, 1, message(Recipient::One(name("bob"))));
        }
        assert!(!outcomes.has_room());
        let delivered = |number| Report::new(id(number), name("bob"), Outcome::Delivered, Duration::ZERO);
        outcomes.add_report(&delivered(7));
        assert!(outcomes.has_room());
        outcomes.add_message(id(7), 1, MAX_BYTES, message(Recipient::One(name("bob"))));
        outcomes.add_report(&delivered(8));
        assert!(!outcomes.has_room());
    }
}
