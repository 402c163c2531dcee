//! Why a command failed, and why a session ended.

use std::convert::Infallible;

use chat_core::client::PasswordChangeError;
use chat_core::name::UserName;
use chat_core::peer;
use chat_core::text::TextError;
use chat_core::wire::control::Ended;

use super::wire_types::{ServerRejection, VersionMismatch};

/// Why a message was not queued. No recipient receives it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The text breaks a rule.
    #[error(transparent)]
    Text(#[from] TextError),
    /// The bytes are empty or more than [`Text::MAX_BYTES`](chat_core::text::Text::MAX_BYTES).
    #[error("{}", peer::SendError::Length)]
    Length,
    /// No user of this name is online.
    #[error("{}", peer::SendError::UnknownRecipient(.0.clone()))]
    UnknownRecipient(UserName),
    /// The recipient is the sender.
    #[error("{}", peer::SendError::ToOneself)]
    ToOneself,
    /// Too many messages wait for the recipient, or for all recipients together.
    #[error("{}", peer::SendError::QueueFull)]
    QueueFull,
    /// Too many outcomes are pending, unread in the event stream, or held by a [`Sent`](super::Sent).
    #[error("too many outcomes are unread; read events, or await the outcomes of messages, before sending more")]
    OutcomesUnread,
    /// The session is over.
    #[error("this client is no longer online")]
    Offline,
}

impl SendError {
    pub(crate) fn new(error: peer::SendError) -> Self {
        match error {
            peer::SendError::UnknownRecipient(user) => Self::UnknownRecipient(user),
            peer::SendError::ToOneself => Self::ToOneself,
            peer::SendError::QueueFull => Self::QueueFull,
            peer::SendError::Length => Self::Length,
            peer::SendError::Leaving => Self::Offline,
        }
    }
}

/// For content that is valid already, so that its conversion cannot fail.
impl From<Infallible> for SendError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// Why a password change failed. If the server did not answer, the password may have changed nevertheless.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ChangePasswordError {
    /// The server rejected the change. The old password remains valid.
    #[error(transparent)]
    Rejected(ServerRejection),
    /// There is no connection to the server. Nothing was sent.
    #[error("{}", PasswordChangeError::NotConnected)]
    NotConnected,
    /// The previous change has not been answered. Nothing was sent.
    #[error("{}", PasswordChangeError::InProgress)]
    InProgress,
    /// The connection broke before the server answered. Either password may be valid.
    #[error("{}", PasswordChangeError::Unanswered)]
    Unanswered,
    /// The session is over.
    #[error("this client is no longer online")]
    Offline,
}

/// Why nobody learns that the user is away, or back.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SetAwayError {
    /// The server does not know what it means to be away. Nothing was sent.
    #[error("this server is too old to tell others who is away; ask its operator to update it")]
    Unsupported,
    /// The session is over.
    #[error("this client is no longer online")]
    Offline,
}

impl ChangePasswordError {
    pub(crate) const fn new(error: PasswordChangeError) -> Self {
        match error {
            PasswordChangeError::Rejected(rejection) => Self::Rejected(ServerRejection::of(rejection)),
            PasswordChangeError::NotConnected => Self::NotConnected,
            PasswordChangeError::InProgress => Self::InProgress,
            PasswordChangeError::Unanswered => Self::Unanswered,
        }
    }
}

/// Why a session ended although the client did not leave it.
///
/// A broken connection ends no session: the client reconnects for as long as the server accepts its ticket. A program
/// that must stay online logs in again with its password after [`Rejected`](Self::Rejected), and not after
/// [`Replaced`](Self::Replaced), because two such programs would replace each other for ever.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EndReason {
    /// A newer login of the account replaced the session.
    #[error("{}", Ended::Replaced)]
    Replaced,
    /// The account was disabled, removed, or given another password.
    #[error("{}", Ended::Kicked)]
    Kicked,
    /// The server rejected the attempt to resume the session. An example is a client that was away for longer than its
    /// ticket lives ([`ServerConfig::ticket_life`](chat_core::server::ServerConfig::ticket_life), a day by default).
    #[error("the server refused to resume this session: {0}")]
    Rejected(ServerRejection),
    /// The server now speaks another version of the protocol.
    #[error(transparent)]
    NoCommonVersion(VersionMismatch),
    /// What answers at the server's address does not speak the protocol.
    #[error("the server does not speak this protocol: {0}")]
    NotChat(&'static str),
    /// The client's task ended unexpectedly, which is a bug.
    #[error("the client stopped because of an internal error; please report it")]
    Internal,
}

impl EndReason {
    pub(crate) const fn new(ended: Ended) -> Self {
        match ended {
            Ended::Replaced => Self::Replaced,
            Ended::Kicked => Self::Kicked,
            // After these the client reconnects, so they end no session.
            Ended::TooSlow | Ended::Stopping => Self::Internal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_machines_keep_their_sentences() {
        for error in [
            peer::SendError::UnknownRecipient("bob".parse().unwrap()),
            peer::SendError::ToOneself,
            peer::SendError::QueueFull,
            peer::SendError::Length,
        ] {
            assert_eq!(SendError::new(error.clone()).to_string(), error.to_string());
        }
        for error in
            [PasswordChangeError::NotConnected, PasswordChangeError::InProgress, PasswordChangeError::Unanswered]
        {
            assert_eq!(ChangePasswordError::new(error).to_string(), error.to_string());
        }
    }
}
