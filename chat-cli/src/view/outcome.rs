//! What became of a message for its recipients.

use chat_core::message::{FailReason, Outcome, UnconfirmedReason};
use chat_core::name::UserName;
use serde::Serialize;

/// The outcome of a message for one recipient.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct UserOutcome {
    /// The recipient.
    pub user: UserName,
    /// The outcome.
    #[serde(flatten)]
    pub outcome: MessageOutcome,
}

/// An outcome. docs/JSON.md documents the names.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(tag = "result", rename_all = "kebab-case")]
pub enum MessageOutcome {
    /// The recipient's program accepted the message.
    Delivered,
    /// The recipient's program certainly did not accept the message.
    Failed {
        /// Why.
        reason: OutcomeReason,
    },
    /// The recipient's program may or may not have accepted the message.
    Unconfirmed {
        /// Why.
        reason: OutcomeReason,
    },
}

/// Why a message was not delivered, or is unconfirmed. docs/JSON.md documents the names.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutcomeReason {
    /// Too many messages were waiting for the recipient.
    QueueFull,
    /// The recipient went offline.
    Left,
    /// The recipient's connection was lost.
    Lost,
    /// A newer login of the recipient's account took over.
    Replaced,
    /// The recipient did not answer.
    TimedOut,
    /// The sender went offline first.
    Leaving,
    /// The recipient's program refused the message.
    Refused,
    /// The link was closed because of a violation of the protocol.
    Misbehaved,
    /// The two programs have no datagram format in common.
    Incompatible,
    /// This machine can reach no address of the recipient.
    NoAddress,
    /// The recipient has logged in too often for this session.
    TooManySessions,
}

impl UserOutcome {
    /// Combines a recipient and the outcome.
    pub fn new(user: UserName, outcome: Outcome) -> Self {
        Self { user, outcome: outcome.into() }
    }
}

impl From<Outcome> for MessageOutcome {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Delivered => Self::Delivered,
            Outcome::Failed(reason) => Self::Failed { reason: reason.into() },
            Outcome::Unconfirmed(reason) => Self::Unconfirmed { reason: reason.into() },
        }
    }
}

impl From<FailReason> for OutcomeReason {
    fn from(reason: FailReason) -> Self {
        match reason {
            FailReason::QueueFull => Self::QueueFull,
            FailReason::Left => Self::Left,
            FailReason::Lost => Self::Lost,
            FailReason::Replaced => Self::Replaced,
            FailReason::TimedOut => Self::TimedOut,
            FailReason::Leaving => Self::Leaving,
            FailReason::Refused => Self::Refused,
            FailReason::Incompatible => Self::Incompatible,
            FailReason::Misbehaved => Self::Misbehaved,
            FailReason::NoAddress => Self::NoAddress,
            FailReason::TooManySessions => Self::TooManySessions,
        }
    }
}

impl From<UnconfirmedReason> for OutcomeReason {
    fn from(reason: UnconfirmedReason) -> Self {
        match reason {
            UnconfirmedReason::Left => Self::Left,
            UnconfirmedReason::Lost => Self::Lost,
            UnconfirmedReason::Replaced => Self::Replaced,
            UnconfirmedReason::TimedOut => Self::TimedOut,
            UnconfirmedReason::Leaving => Self::Leaving,
            UnconfirmedReason::Misbehaved => Self::Misbehaved,
        }
    }
}
