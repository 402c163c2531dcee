//! What became of a message for its recipients.

use chat_core::message::{FailReason, Outcome, UnconfirmedReason};
use chat_core::name::UserName;
use serde::Serialize;

use super::serialize::as_display;

/// The outcome of a message for one recipient.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct UserOutcome {
    /// The recipient.
    pub user: UserName,
    /// The outcome.
    #[serde(flatten)]
    pub outcome: MessageOutcome,
}

/// An outcome. docs/JSON.md documents the names of the reasons.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(tag = "result", rename_all = "kebab-case")]
pub enum MessageOutcome {
    /// The recipient's program accepted the message.
    Delivered,
    /// The recipient's program certainly did not accept the message.
    Failed {
        /// Why.
        #[serde(serialize_with = "as_display")]
        reason: FailReason,
    },
    /// The recipient's program may or may not have accepted the message.
    Unconfirmed {
        /// Why.
        #[serde(serialize_with = "as_display")]
        reason: UnconfirmedReason,
    },
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
            Outcome::Failed(reason) => Self::Failed { reason },
            Outcome::Unconfirmed(reason) => Self::Unconfirmed { reason },
        }
    }
}
