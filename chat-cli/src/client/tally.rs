//! What became of everything that was sent: the open outcomes, and the exit code that follows.

use std::collections::BTreeMap;

use chat_core::id::MessageId;
use chat_core::message::{Outcome, Recipient, Report};

use super::fact::Sent;
use crate::error::Exit;

/// Lines of ours that wait for outcomes before the next one is read. Half of what may wait for one peer, so that input
/// from a file is slowed down and not refused.
const MOST_LINES: usize = 512;

/// Their bytes, for the same reason: half of what may wait for one peer.
const MOST_BYTES: usize = 512 * 1_024;

/// The books of one conversation.
#[derive(Debug, Default)]
pub struct Tally {
    open: BTreeMap<MessageId, Open>,
    bytes: usize,
    failures: u64,
    nobody_there: u64,
}

#[derive(Debug)]
struct Open {
    sent: Sent,
    outcomes: usize,
    bytes: usize,
}

impl Tally {
    /// Notes a line that is on its way.
    pub fn sent(&mut self, id: MessageId, recipients: usize, bytes: usize, sent: Sent) {
        self.bytes += bytes;
        self.open.insert(id, Open { sent, outcomes: recipients, bytes });
    }

    /// Notes a line that was not sent because nobody was there.
    pub const fn nobody_there(&mut self) {
        self.nobody_there += 1;
    }

    /// Notes that something else did not work.
    pub const fn failed(&mut self) {
        self.failures += 1;
    }

    /// Notes an outcome; gives the line as long as it is remembered. A line to one is forgotten with its outcome, a
    /// line to everyone with its summary.
    pub fn outcome(&mut self, report: &Report) -> Option<Sent> {
        if report.outcome != Outcome::Delivered {
            self.failures += 1;
        }
        let open = self.open.get_mut(&report.id)?;
        open.outcomes = open.outcomes.saturating_sub(1);
        let sent = open.sent.clone();
        if matches!(sent.to, Recipient::One(_)) {
            self.forget(report.id);
        }
        Some(sent)
    }

    /// Notes a summary; gives the line.
    pub fn summary(&mut self, id: MessageId) -> Option<Sent> {
        self.forget(id)
    }

    /// How many outcomes are outstanding.
    pub fn outstanding(&self) -> usize {
        self.open.values().map(|open| open.outcomes).sum()
    }

    /// Whether another line may be read.
    pub fn has_room(&self) -> bool {
        self.open.len() < MOST_LINES && self.bytes < MOST_BYTES
    }

    /// What the exit code is if the conversation ends now and of its own will.
    pub fn exit(&self) -> Exit {
        if self.failures > 0 || self.outstanding() > 0 {
            Exit::Failed
        } else if self.nobody_there > 0 {
            Exit::NobodyThere
        } else {
            Exit::Fine
        }
    }

    fn forget(&mut self, id: MessageId) -> Option<Sent> {
        let open = self.open.remove(&id)?;
        self.bytes -= open.bytes;
        Some(open.sent)
    }
}

#[cfg(test)]
mod tests {
    use chat_core::message::UnconfirmedReason;

    use super::*;
    use crate::client::samples::{ID, name, report, text};

    fn sent(to: Recipient) -> Sent {
        Sent::new(to, &text("hello"))
    }

    #[test]
    fn the_exit_code_tells_what_became_of_everything() {
        let mut tally = Tally::default();
        assert_eq!(tally.exit(), Exit::Fine);
        tally.nobody_there();
        assert_eq!(tally.exit(), Exit::NobodyThere);
        tally.sent(ID, 1, 5, sent(Recipient::One(name("bob"))));
        assert_eq!((tally.outstanding(), tally.exit()), (1, Exit::Failed));
        assert!(tally.outcome(&report("bob", Outcome::Delivered)).is_some());
        assert_eq!((tally.outstanding(), tally.exit()), (0, Exit::NobodyThere));
        assert!(tally.outcome(&report("bob", Outcome::Unconfirmed(UnconfirmedReason::Lost))).is_none());
        assert_eq!(tally.exit(), Exit::Failed);
    }

    #[test]
    fn a_line_to_everyone_is_remembered_until_its_summary() {
        let mut tally = Tally::default();
        tally.sent(ID, 2, 5, sent(Recipient::Everyone));
        for user in ["bob", "carol"] {
            assert!(tally.outcome(&report(user, Outcome::Delivered)).is_some());
        }
        assert_eq!(tally.outstanding(), 0);
        assert!(tally.summary(ID).is_some());
        assert!(tally.summary(ID).is_none());
        assert_eq!(tally.exit(), Exit::Fine);
    }

    #[test]
    fn input_waits_for_outcomes_when_much_is_on_its_way() {
        let mut tally = Tally::default();
        let id = |number| MessageId { number, ..ID };
        for number in 0..512 {
            assert!(tally.has_room());
            tally.sent(id(number), 1, 1, sent(Recipient::One(name("bob"))));
        }
        assert!(!tally.has_room());
        tally.outcome(&Report { id: id(7), ..report("bob", Outcome::Delivered) });
        assert!(tally.has_room());
        tally.sent(id(7), 1, MOST_BYTES, sent(Recipient::One(name("bob"))));
        tally.outcome(&Report { id: id(8), ..report("bob", Outcome::Delivered) });
        assert!(!tally.has_room());
    }
}
