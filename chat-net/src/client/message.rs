//! A received message, as applications read it.

use chat_core::id::{MessageId, SessionId};
use chat_core::message::{Content, Message, Scope, SentAt};
use chat_core::name::UserName;
use chat_core::peer;
use chat_core::time::Timestamp;

/// A received message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ReceivedMessage {
    message: Message,
    token: MessageToken,
}

impl ReceivedMessage {
    pub(super) const fn new(message: Message, token: MessageToken) -> Self {
        Self { message, token }
    }

    /// The id, which is the same for all recipients.
    pub const fn id(&self) -> MessageId {
        self.message.id
    }

    /// The sender. [`ClientHandle::send`](super::ClientHandle::send) takes it as the recipient of an answer.
    pub const fn from(&self) -> &UserName {
        &self.message.from
    }

    /// Whether the message was sent to everyone or to this user alone.
    pub const fn scope(&self) -> Scope {
        self.message.scope
    }

    /// The text. Empty if the message carries bytes: every text has at least one character.
    pub fn text(&self) -> &str {
        match &self.message.content {
            Content::Text(text) => text.as_str(),
            _ => "",
        }
    }

    /// The bytes of the content; those of the text if it is a text.
    pub fn bytes(&self) -> &[u8] {
        match &self.message.content {
            Content::Text(text) => text.as_str().as_bytes(),
            Content::Bytes(bytes) => bytes,
            _ => &[],
        }
    }

    /// The content: a text or bytes.
    pub const fn content(&self) -> &Content {
        &self.message.content
    }

    /// The time of sending, on the server's clock: the sender's estimate, or the time of arrival if the estimate was
    /// more than two minutes off.
    pub const fn at(&self) -> Timestamp {
        self.message.sent_at.timestamp()
    }

    /// The time of sending, and whose clock stated it.
    pub const fn sent_at(&self) -> SentAt {
        self.message.sent_at
    }

    /// The time of arrival, on the server's clock.
    pub const fn received_at(&self) -> Timestamp {
        self.message.received_at
    }

    /// Identifies the message for [`ClientHandle::accept`](super::ClientHandle::accept) and
    /// [`ClientHandle::refuse`](super::ClientHandle::refuse), with [`AcceptMode::Manual`](super::AcceptMode::Manual).
    pub const fn token(&self) -> MessageToken {
        self.token
    }

    /// The message in the form in which the peer machine delivers it.
    pub const fn as_message(&self) -> &Message {
        &self.message
    }
}

/// Identifies a received message when the application accepts or refuses it. After
/// [`Notice::NewSession`](super::Notice::NewSession), earlier tokens have no effect.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct MessageToken {
    /// The receiving session, because the machine's tokens are unique only within one session.
    pub(super) session: SessionId,
    pub(super) inner: peer::Token,
}
