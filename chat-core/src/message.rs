//! Messages, whom they are for, and what became of them.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;

use crate::id::MessageId;
use crate::name::UserName;
use crate::text::Text;
use crate::time::Timestamp;

/// Whom a message is for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Recipient {
    /// Everybody in the sender's roster but the sender.
    Everyone,
    /// One user.
    One(UserName),
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everyone => f.pad("everyone"),
            Self::One(user) => user.fmt(f),
        }
    }
}

/// What a message says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Content {
    /// For people.
    Text(Text),
    /// For programs: 1 to [`Text::MAX_BYTES`] bytes of anything.
    Bytes(Bytes),
}

/// Whether a received message went to the whole group or to its receiver alone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scope {
    /// Everybody got it.
    Group,
    /// Only the receiver got it.
    Private,
}

/// Whose clock a message's time comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SentAt {
    /// The sender's estimate of the server's clock.
    Sender(Timestamp),
    /// The sender's time was more than two minutes off, so this is the time of arrival.
    Arrival(Timestamp),
}

impl SentAt {
    /// The time to show.
    pub const fn timestamp(self) -> Timestamp {
        match self {
            Self::Sender(at) | Self::Arrival(at) => at,
        }
    }
}

/// A message as its receiver gets it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Message {
    /// Its id, the same for all its recipients.
    pub id: MessageId,
    /// Who sent it.
    pub from: UserName,
    /// Whether others got it too.
    pub scope: Scope,
    /// What it says.
    pub content: Content,
    /// When it was sent, on the server's clock.
    pub sent_at: SentAt,
    /// When it arrived, on the server's clock.
    pub received_at: Timestamp,
}

/// What became of one message for one recipient. Told exactly once and never revised.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// The receiver said that its application took it.
    Delivered,
    /// Certainly not taken: never transmitted, or refused.
    Failed(FailReason),
    /// Transmitted, and no answer came: it may have been taken or not.
    Unconfirmed(UnconfirmedReason),
}

impl Outcome {
    /// The word for it in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Failed(_) => "failed",
            Self::Unconfirmed(_) => "unconfirmed",
        }
    }

    /// Why, as a sentence fragment; empty for what was delivered.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Delivered => "",
            Self::Failed(reason) => reason.as_str(),
            Self::Unconfirmed(reason) => reason.as_str(),
        }
    }
}

/// Why a message was certainly not taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FailReason {
    /// Too much was waiting for this recipient already.
    QueueFull,
    /// The recipient left before it was transmitted.
    Left,
    /// The recipient's connection was lost before it was transmitted.
    Lost,
    /// A newer log-in of the recipient took over before it was transmitted.
    Replaced,
    /// The recipient never answered, and it was never transmitted.
    TimedOut,
    /// We left before it was transmitted.
    Leaving,
    /// The recipient's program refused it.
    Refused,
    /// The two programs have no datagram format in common, or the recipient's key or addresses are unusable.
    Incompatible,
    /// The recipient's program broke the protocol before it was transmitted.
    Misbehaved,
}

impl FailReason {
    /// The words for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::QueueFull => "queue full",
            Self::Left => "left",
            Self::Lost => "lost",
            Self::Replaced => "replaced",
            Self::TimedOut => "timed out",
            Self::Leaving => "we are leaving",
            Self::Refused => "refused",
            Self::Incompatible => "incompatible",
            Self::Misbehaved => "broke the protocol",
        }
    }
}

/// Why it is not known whether a message was taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum UnconfirmedReason {
    /// The recipient left.
    Left,
    /// The recipient's connection was lost.
    Lost,
    /// A newer log-in of the recipient took over.
    Replaced,
    /// The recipient stopped answering.
    TimedOut,
    /// We left before an answer came.
    Leaving,
    /// The recipient's program broke the protocol.
    Misbehaved,
}

impl UnconfirmedReason {
    /// The words for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Lost => "lost",
            Self::Replaced => "replaced",
            Self::TimedOut => "timed out",
            Self::Leaving => "we are leaving",
            Self::Misbehaved => "broke the protocol",
        }
    }
}

/// The outcome of one message for one recipient, as the sender is told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Report {
    /// Which message.
    pub id: MessageId,
    /// Which recipient.
    pub user: UserName,
    /// What became of it.
    pub outcome: Outcome,
    /// How long that took from the moment it was accepted.
    pub after: Duration,
}
