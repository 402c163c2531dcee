//! Rejections: the only place that decides what a client learns when its request is not fulfilled.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Malformed;
use crate::accounts::AccountError;
use crate::name::NameError;
use crate::password::PasswordError;

/// The server's answer to a request that it does not fulfil. On the wire: append only.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, thiserror::Error)]
#[expect(clippy::exhaustive_enums, reason = "a client reports each of them")]
pub enum Rejection {
    /// The user name breaks a rule.
    #[error("{0}")]
    Name(NameError),
    /// The password breaks a rule.
    #[error("{0}")]
    Password(PasswordError),
    /// The user name is registered already, looks like one that is, or is reserved by a removed account.
    #[error("that user name is taken, or looks like one that is taken; choose another")]
    NameTaken,
    /// The user is unknown or the password is wrong. The client does not learn which.
    #[error("wrong user name or password")]
    WrongCredentials,
    /// The account is disabled.
    #[error("this account is disabled; ask the operator of the server")]
    Disabled,
    /// The registration policy is `closed`.
    #[error("registration is closed on this server; ask its operator for an account")]
    RegistrationClosed,
    /// Too many password checks are waiting.
    #[error("the server is busy; try again in {} s", seconds(*.retry_after_ms))]
    Busy {
        /// How long to wait before the next attempt, in milliseconds.
        retry_after_ms: u32,
    },
    /// The server slows the client down: after failed logins from this source, or because its account or its source has
    /// begun too many sessions.
    #[error("too many attempts; try again in {} s", seconds(*.retry_after_ms))]
    SlowDown {
        /// How long to wait before the next attempt, in milliseconds.
        retry_after_ms: u32,
    },
    /// The server cannot reach its accounts.
    #[error("the server cannot reach its storage; try again later")]
    StorageUnavailable,
    /// None of the offered addresses is acceptable.
    #[error(
        "none of the offered addresses is usable; offer one that other clients can reach, with a port from 1024 to 65535"
    )]
    Addresses,
    /// Another session that is online has this session key.
    #[error("another session has this session key; log in again")]
    KeyInUse,
    /// The ticket has expired, is from another server or database, or its account's generation has changed.
    #[error("the session cannot be resumed; log in again")]
    TicketRefused,
    /// A newer session of the account has replaced the ticket's session.
    #[error("a newer login of this account has taken over")]
    Superseded,
    /// The request is not allowed in the connection's current state.
    #[error("the request is not allowed at this point")]
    UnexpectedRequest,
    /// The frame is not a valid request.
    #[error("the request is malformed")]
    Malformed,
    /// The connection exceeded the rate limit for requests.
    #[error("too many requests; slow down")]
    TooManyRequests,
    /// The server has reached its limit of sessions.
    #[error("the server is full; try again later")]
    Full,
    /// The guest did not log in within the time limit.
    #[error("the login took too long; connect again")]
    LoginTimeout,
    /// The rate limit for registrations is exceeded.
    #[error("too many new accounts at the moment; try again in {}", display_wait(*.retry_after_ms))]
    TooManyRegistrations {
        /// How long to wait before the next registration, in milliseconds.
        retry_after_ms: u32,
    },
    /// Registration requires the invitation code, and the request had none or a wrong one.
    #[error("registration requires this server's invitation code; ask its operator")]
    NotInvited,
    /// The limit of accounts is reached.
    #[error("this server has reached its limit of accounts; ask its operator")]
    AccountsFull,
}

fn display_wait(millis: u32) -> String {
    match seconds(millis) {
        seconds @ ..=120 => format!("{seconds} s"),
        seconds => format!("{} minutes", seconds.div_ceil(60)),
    }
}

fn seconds(millis: u32) -> u32 {
    millis.div_ceil(1000).max(1)
}

impl Rejection {
    /// [`Rejection::Busy`] with a retry time.
    pub fn busy(retry_after: Duration) -> Self {
        Self::Busy { retry_after_ms: millis(retry_after) }
    }

    /// [`Rejection::SlowDown`] with a retry time.
    pub fn slow_down(retry_after: Duration) -> Self {
        Self::SlowDown { retry_after_ms: millis(retry_after) }
    }

    /// [`Rejection::TooManyRegistrations`] with a retry time.
    pub fn too_many_registrations(retry_after: Duration) -> Self {
        Self::TooManyRegistrations { retry_after_ms: millis(retry_after) }
    }

    /// How long to wait before the same request may succeed. None if the server named no retry time.
    pub fn retry_after(self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after_ms }
            | Self::SlowDown { retry_after_ms }
            | Self::TooManyRegistrations { retry_after_ms } => Some(Duration::from_millis(retry_after_ms.into())),
            _ => None,
        }
    }
}

fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

impl From<&AccountError> for Rejection {
    fn from(error: &AccountError) -> Self {
        match error {
            AccountError::NameTaken => Self::NameTaken,
            // An account that was removed meanwhile looks like one that never existed.
            AccountError::WrongCredentials | AccountError::NoSuchAccount => Self::WrongCredentials,
            AccountError::Disabled => Self::Disabled,
            AccountError::Busy(retry_after) => Self::busy(*retry_after),
            AccountError::Full => Self::AccountsFull,
            AccountError::Unavailable(_) => Self::StorageUnavailable,
        }
    }
}

impl From<NameError> for Rejection {
    fn from(error: NameError) -> Self {
        Self::Name(error)
    }
}

impl From<PasswordError> for Rejection {
    fn from(error: PasswordError) -> Self {
        Self::Password(error)
    }
}

impl From<Malformed> for Rejection {
    fn from(Malformed: Malformed) -> Self {
        Self::Malformed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let mut out = Vec::new();
        for rejection in [
            Rejection::Name(NameError::Char('@')),
            Rejection::Password(PasswordError::TooShort),
            Rejection::NameTaken,
            Rejection::WrongCredentials,
            Rejection::Disabled,
            Rejection::RegistrationClosed,
            Rejection::busy(Duration::from_secs(1)),
            Rejection::slow_down(Duration::from_secs(2)),
            Rejection::StorageUnavailable,
            Rejection::Addresses,
            Rejection::KeyInUse,
            Rejection::TicketRefused,
            Rejection::Superseded,
            Rejection::UnexpectedRequest,
            Rejection::Malformed,
            Rejection::TooManyRequests,
            Rejection::Full,
            Rejection::LoginTimeout,
            Rejection::too_many_registrations(Duration::from_secs(1)),
            Rejection::NotInvited,
            Rejection::AccountsFull,
        ] {
            crate::wire::encode(&rejection, &mut out);
        }
        assert_eq!(
            out,
            [
                0, 2, 1, b'@', 1, 1, 2, 3, 4, 5, 6, 0xe8, 7, 7, 0xd0, 15, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18,
                0xe8, 7, 19, 20
            ]
        );
    }

    #[test]
    fn storage_failures_reveal_no_detail_and_do_not_blame_the_user() {
        let error = AccountError::Unavailable(std::sync::Arc::new(std::io::Error::other("secret detail")));
        assert_eq!(Rejection::from(&error), Rejection::StorageUnavailable);
        assert!(!Rejection::from(&error).to_string().contains("secret"));
    }

    #[test]
    fn retry_times_are_rounded_up_to_whole_seconds_or_minutes() {
        assert_eq!(Rejection::busy(Duration::from_millis(1)).to_string(), "the server is busy; try again in 1 s");
        assert_eq!(
            Rejection::slow_down(Duration::from_millis(3_001)).to_string(),
            "too many attempts; try again in 4 s"
        );
        let later = |seconds| Rejection::too_many_registrations(Duration::from_secs(seconds)).to_string();
        assert_eq!(later(120), "too many new accounts at the moment; try again in 120 s");
        assert_eq!(later(121), "too many new accounts at the moment; try again in 3 minutes");
        assert_eq!(Rejection::NameTaken.retry_after(), None);
    }
}
