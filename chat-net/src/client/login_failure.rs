//! Why a login ended without a rejection.

use chat_core::client as machine;
use chat_core::wire::control::Ended;

use super::EndReason;

/// Why a login ended although the server did not reject it. A program may try again, unless the reason is
/// [`Ended`](Self::Ended).
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LoginFailure {
    /// The connection failed or broke.
    #[error("{}", machine::LoginFailure::Disconnected)]
    Disconnected,
    /// A further connection, which followed a request to wait, took longer than the connect timeout.
    #[error("{}", machine::LoginFailure::ConnectTimedOut)]
    ConnectTimedOut,
    /// The server did not answer within the reply timeout.
    #[error("{}", machine::LoginFailure::ReplyTimedOut)]
    Unanswered,
    /// The server accepted the login, and the connection broke before the roster was complete.
    #[error("the connection broke before the roster was complete")]
    RosterIncomplete,
    /// The server is shutting down.
    #[error("{}", Ended::Stopping)]
    ServerStopping,
    /// The client did not read what the server sent.
    #[error("{}", Ended::TooSlow)]
    TooSlow,
    /// The session ended at its beginning.
    #[error("{0}")]
    Ended(#[source] EndReason),
}

impl LoginFailure {
    pub(super) const fn new(failure: machine::LoginFailure) -> Self {
        match failure {
            machine::LoginFailure::Disconnected => Self::Disconnected,
            machine::LoginFailure::ConnectTimedOut => Self::ConnectTimedOut,
            machine::LoginFailure::ReplyTimedOut | machine::LoginFailure::RegistrationUnanswered => Self::Unanswered,
        }
    }

    pub(super) const fn of_session(ended: Ended) -> Self {
        match ended {
            Ended::Replaced | Ended::Kicked => Self::Ended(EndReason::new(ended)),
            Ended::Stopping => Self::ServerStopping,
            Ended::TooSlow => Self::TooSlow,
        }
    }
}
