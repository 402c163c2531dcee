//! What became of an own line.

use std::time::Duration;

use chat_core::message::{FailReason, Outcome, UnconfirmedReason};
use chat_core::name::UserName;
use chat_net::client::SendError;

/// The state of an own line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum State {
    /// It was not sent.
    NotSent(SendError),
    /// It waits to be sent, or was sent.
    Sent(Tally),
}

/// The outcomes of a sent line.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    /// The number of recipients. `None` until the message has an id.
    pub recipients: Option<usize>,
    /// Who has the message, and after which time.
    pub delivered: Vec<(UserName, Duration)>,
    /// Who certainly does not have it, and why.
    pub failed: Vec<(UserName, FailReason)>,
    /// How many of those who failed were sent the text again. Other lines have their outcomes.
    pub resent: usize,
    /// Of whom nobody knows, and why.
    pub unconfirmed: Vec<(UserName, UnconfirmedReason)>,
}

/// A sign beside an own line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Mark {
    /// Nothing is known yet.
    OnItsWay,
    /// Some recipients have it, the outcomes of others are not known yet.
    DeliveredSoFar {
        /// The number that have it.
        delivered: usize,
        /// The number of recipients.
        all: usize,
    },
    /// All outcomes are known, and all recipients have it.
    Delivered {
        /// The number of recipients.
        all: usize,
    },
    /// All outcomes are known, and not all recipients have it.
    Partly {
        /// The number that have it.
        delivered: usize,
        /// The number of recipients.
        all: usize,
    },
    /// Nobody received it.
    Failed(FailReason),
    /// Nobody knows whether anybody received it.
    Unconfirmed(UnconfirmedReason),
    /// All outcomes are known, and the text was sent again to everyone who was not reached.
    SentAgain,
    /// Nobody else was online.
    NobodyThere,
    /// It was not sent.
    NotSent(SendError),
}

impl Tally {
    /// Adds an outcome.
    pub fn add(&mut self, user: UserName, outcome: Outcome, elapsed: Duration) {
        match outcome {
            Outcome::Delivered => self.delivered.push((user, elapsed)),
            Outcome::Failed(reason) => self.failed.push((user, reason)),
            Outcome::Unconfirmed(reason) => self.unconfirmed.push((user, reason)),
        }
    }

    /// Whether all outcomes are known.
    pub fn is_complete(&self) -> bool {
        self.recipients.is_some_and(|all| all <= self.known())
    }

    const fn known(&self) -> usize {
        self.delivered.len() + self.failed.len() + self.unconfirmed.len() + self.resent
    }

    fn mark(&self) -> Mark {
        let (delivered, Some(all)) = (self.delivered.len(), self.recipients) else { return Mark::OnItsWay };
        match (self.failed.first(), self.unconfirmed.first()) {
            _ if all == 0 => Mark::NobodyThere,
            _ if delivered == all => Mark::Delivered { all },
            _ if !self.is_complete() && delivered == 0 => Mark::OnItsWay,
            _ if !self.is_complete() => Mark::DeliveredSoFar { delivered, all },
            _ if delivered > 0 => Mark::Partly { delivered, all },
            // An unconfirmed message may have arrived, so it is not called failed.
            (_, Some((_, reason))) => Mark::Unconfirmed(*reason),
            (Some((_, reason)), None) => Mark::Failed(*reason),
            (None, None) => Mark::SentAgain,
        }
    }
}

impl State {
    /// The sign beside the line.
    pub fn mark(&self) -> Mark {
        match self {
            Self::NotSent(error) => Mark::NotSent(error.clone()),
            Self::Sent(tally) => tally.mark(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_says_no_more_than_is_known() {
        const FAILED: Outcome = Outcome::Failed(FailReason::Left);
        const UNCONFIRMED: Outcome = Outcome::Unconfirmed(UnconfirmedReason::Lost);
        let cases: [(Option<usize>, &[Outcome], Mark); 11] = [
            (None, &[], Mark::OnItsWay),
            (Some(0), &[], Mark::NobodyThere),
            (Some(2), &[], Mark::OnItsWay),
            (Some(2), &[FAILED], Mark::OnItsWay),
            (Some(2), &[Outcome::Delivered], Mark::DeliveredSoFar { delivered: 1, all: 2 }),
            (Some(2), &[Outcome::Delivered, Outcome::Delivered], Mark::Delivered { all: 2 }),
            (Some(2), &[Outcome::Delivered, FAILED], Mark::Partly { delivered: 1, all: 2 }),
            (Some(2), &[Outcome::Delivered, UNCONFIRMED], Mark::Partly { delivered: 1, all: 2 }),
            (Some(1), &[FAILED], Mark::Failed(FailReason::Left)),
            (Some(1), &[UNCONFIRMED], Mark::Unconfirmed(UnconfirmedReason::Lost)),
            (Some(2), &[FAILED, UNCONFIRMED], Mark::Unconfirmed(UnconfirmedReason::Lost)),
        ];
        for (recipients, outcomes, mark) in cases {
            let mut tally = Tally { recipients, ..Tally::default() };
            for (number, outcome) in outcomes.iter().enumerate() {
                tally.add(format!("user{number}").parse().unwrap(), *outcome, Duration::ZERO);
            }
            assert_eq!(State::Sent(tally).mark(), mark, "{recipients:?} {outcomes:?}");
        }
        assert_eq!(State::NotSent(SendError::QueueFull).mark(), Mark::NotSent(SendError::QueueFull));
    }
}
