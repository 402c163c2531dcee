//! Messages, their recipients and their outcomes.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;

use crate::id::MessageId;
use crate::name::UserName;
use crate::named::named;
use crate::text::{Text, TextError};
use crate::time::Timestamp;

/// The recipient of a message.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Recipient {
    /// Every user in the sender's roster except the sender.
    Everyone,
    /// One user.
    One(UserName),
}

impl From<UserName> for Recipient {
    fn from(user: UserName) -> Self {
        Self::One(user)
    }
}

impl From<&UserName> for Recipient {
    fn from(user: &UserName) -> Self {
        Self::One(user.clone())
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everyone => f.pad("everyone"),
            Self::One(user) => user.fmt(f),
        }
    }
}

/// The content of a message.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Content {
    /// A text for people.
    Text(Text),
    /// Bytes for programs: 1 to [`Text::MAX_BYTES`], of any value.
    Bytes(Bytes),
}

/// A content that somebody else owns.
#[derive(Clone, Copy, Eq, PartialEq)]
#[non_exhaustive]
pub enum ContentRef<'a> {
    /// A text for people, which keeps to the rules of a [`Text`].
    Text(&'a str),
    /// Bytes for programs.
    Bytes(&'a [u8]),
}

impl ContentRef<'_> {
    /// A copy that owns its content.
    pub(crate) fn to_content(self) -> Content {
        match self {
            Self::Text(text) => Content::Text(Text::from_checked(text)),
            Self::Bytes(bytes) => Content::Bytes(Bytes::copy_from_slice(bytes)),
        }
    }
}

/// Prints no text: texts do not belong in logs.
impl fmt::Debug for ContentRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::Bytes(bytes) => f.debug_tuple("Bytes").field(bytes).finish(),
        }
    }
}

impl From<Text> for Content {
    fn from(text: Text) -> Self {
        Self::Text(text)
    }
}

impl TryFrom<&str> for Content {
    type Error = TextError;

    fn try_from(typed: &str) -> Result<Self, TextError> {
        Text::parse(typed).map(Self::Text)
    }
}

impl TryFrom<String> for Content {
    type Error = TextError;

    fn try_from(typed: String) -> Result<Self, TextError> {
        Self::try_from(typed.as_str())
    }
}

impl TryFrom<&String> for Content {
    type Error = TextError;

    fn try_from(typed: &String) -> Result<Self, TextError> {
        Self::try_from(typed.as_str())
    }
}

impl From<Bytes> for Content {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl From<&[u8]> for Content {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(Bytes::copy_from_slice(bytes))
    }
}

/// Whether a received message was sent to everyone or to its receiver alone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Scope {
    /// It was sent to everyone.
    Group,
    /// It was sent to the receiver alone.
    Private,
}

/// The time at which a message was sent, and whose clock stated it. Exhaustive: a message has a sender and a receiver,
/// and no third clock.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "there are two clocks")]
pub enum SentAt {
    /// The sender's estimate of the server's clock.
    Sender(Timestamp),
    /// The time of arrival, because the sender's estimate was more than two minutes off.
    Arrival(Timestamp),
}

impl SentAt {
    /// Returns the time to show.
    pub const fn timestamp(self) -> Timestamp {
        match self {
            Self::Sender(at) | Self::Arrival(at) => at,
        }
    }
}

/// A received message.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Message {
    /// The id, which is the same for all recipients.
    pub id: MessageId,
    /// The sender.
    pub from: UserName,
    /// Whether the message was sent to everyone.
    pub scope: Scope,
    /// The content.
    pub content: Content,
    /// The time of sending, on the server's clock.
    pub sent_at: SentAt,
    /// The time of arrival, on the server's clock.
    pub received_at: Timestamp,
}

impl Message {
    /// A message to its receiver alone, sent and received at the same time. Its fields can be changed.
    pub const fn new(id: MessageId, from: UserName, content: Content, at: Timestamp) -> Self {
        Self { id, from, scope: Scope::Private, content, sent_at: SentAt::Sender(at), received_at: at }
    }
}

/// What became of one message for one recipient. There is exactly one outcome, and it never changes.
///
/// Exhaustive: these three are the delivery contract, and an application decides about each of them. The reasons may
/// grow.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "the delivery contract")]
pub enum Outcome {
    /// The receiving application accepted the message.
    Delivered,
    /// The receiving application certainly did not accept the message: it was never transmitted, or was refused.
    Failed(FailReason),
    /// The message was transmitted and no answer came. The application may or may not have accepted it.
    ///
    /// This is the outcome for a recipient whom a firewall hides, because the first datagrams to an address carry
    /// messages already. A program that reports whom it could not reach therefore reports this as well as `Failed`.
    Unconfirmed(UnconfirmedReason),
}

/// The outcome as a sentence has it: `delivered`, `failed (no address of that user can be reached from here)`.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delivered => f.pad(self.as_str()),
            other => f.pad(&format!("{} ({})", other.as_str(), other.reason())),
        }
    }
}

impl Outcome {
    /// Returns the name of the outcome in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Failed(_) => "failed",
            Self::Unconfirmed(_) => "unconfirmed",
        }
    }

    /// Returns the reason as a fragment of a sentence, such as `timed out`, or an empty string for a delivered message.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Delivered => "",
            Self::Failed(reason) => reason.as_str(),
            Self::Unconfirmed(reason) => reason.as_str(),
        }
    }
}

named! {
    /// The reason why a message failed. Names are those of JSON.
    pub enum FailReason {
        /// The queue for this recipient was full.
        QueueFull = "queue-full",
        /// The recipient left before the message was transmitted.
        Left = "left",
        /// The recipient's session was lost before the message was transmitted.
        Lost = "lost",
        /// A newer login replaced the recipient's session before the message was transmitted.
        Replaced = "replaced",
        /// The link timed out before the message was transmitted.
        TimedOut = "timed-out",
        /// The sender left before the message was transmitted.
        Leaving = "leaving",
        /// The receiving application refused the message.
        Refused = "refused",
        /// The two programs have no link version in common, or the recipient's key is unusable.
        Incompatible = "incompatible",
        /// The link was closed because of a protocol violation before the message was transmitted.
        Misbehaved = "misbehaved",
        /// The recipient has no address that this machine can send to.
        NoAddress = "no-address",
        /// The recipient has logged in so often that the sender's session cannot remember all of its sessions.
        TooManySessions = "too-many-sessions",
    }
}

impl FailReason {
    /// Returns the reason as a fragment of a sentence.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::QueueFull => "queue full",
            Self::Left => "left",
            Self::Lost => "lost",
            Self::Replaced => "replaced",
            Self::TimedOut => "timed out",
            Self::Leaving => "you left",
            Self::Refused => "refused",
            Self::Incompatible => "incompatible",
            Self::Misbehaved => "broke the protocol",
            Self::NoAddress => "no address of that user can be reached from here",
            Self::TooManySessions => "has logged in too often; to write to this user, log in again yourself",
        }
    }
}

named! {
    /// The reason why a message is unconfirmed. Names are those of JSON.
    pub enum UnconfirmedReason {
        /// The recipient left.
        Left = "left",
        /// The recipient's session was lost.
        Lost = "lost",
        /// A newer login replaced the recipient's session.
        Replaced = "replaced",
        /// The link timed out.
        TimedOut = "timed-out",
        /// The sender left before an answer came.
        Leaving = "leaving",
        /// The link was closed because of a protocol violation.
        Misbehaved = "misbehaved",
    }
}

impl UnconfirmedReason {
    /// Returns the reason as a fragment of a sentence.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Lost => "lost",
            Self::Replaced => "replaced",
            Self::TimedOut => "timed out",
            Self::Leaving => "you left",
            Self::Misbehaved => "broke the protocol",
        }
    }
}

/// The outcome of one message for one recipient, as the sender receives it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// The id of the message.
    pub id: MessageId,
    /// The recipient.
    pub user: UserName,
    /// The outcome.
    pub outcome: Outcome,
    /// The time from queueing the message to the outcome.
    pub elapsed: Duration,
}

impl Report {
    /// The outcome of a message for `user`.
    pub const fn new(id: MessageId, user: UserName, outcome: Outcome, elapsed: Duration) -> Self {
        Self { id, user, outcome, elapsed }
    }
}
