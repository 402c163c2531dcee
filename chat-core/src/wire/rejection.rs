//! Everything a client can be told it may not do, and the one place that decides it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Malformed;
use crate::accounts::AccountError;
use crate::name::NameError;
use crate::password::PasswordError;

/// What a client is told when the server does not do what it asked. On the wire: append only.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, thiserror::Error)]
pub enum Rejection {
    /// The user name breaks a rule.
    #[error("{0}")]
    Name(NameError),
    /// The password breaks a rule.
    #[error("{0}")]
    Password(PasswordError),
    /// Somebody registered this name before.
    #[error("that user name is taken; choose another")]
    NameTaken,
    /// Unknown user or wrong password; which of them is not told.
    #[error("wrong user name or password")]
    WrongCredentials,
    /// An operator disabled the account.
    #[error("this account is disabled; ask whoever runs the server")]
    Disabled,
    /// The server does not register new users.
    #[error("registration is closed on this server; ask whoever runs it for an account")]
    RegistrationClosed,
    /// Too much work waits at the server.
    #[error("the server is busy; try again in {} s", seconds(*.retry_after_ms))]
    Busy {
        /// When to try again, in milliseconds.
        retry_after_ms: u32,
    },
    /// Too many failures from here.
    #[error("too many failed attempts; try again in {} s", seconds(*.retry_after_ms))]
    SlowDown {
        /// When to try again, in milliseconds.
        retry_after_ms: u32,
    },
    /// The server's storage does not answer.
    #[error("the server cannot reach its storage; try again later")]
    StorageUnavailable,
    /// No offered address can be used.
    #[error(
        "none of the offered addresses can be used; offer one that others can reach, with a port from 1024 to 65535"
    )]
    Addresses,
    /// Another session that is online uses this key.
    #[error("another session uses this session key; log in again")]
    KeyInUse,
    /// The ticket is too old, was made by another server, or its account has changed.
    #[error("the session cannot be resumed; log in again")]
    TicketRefused,
    /// A newer log-in of the account has taken over.
    #[error("a newer log-in of this account has taken over")]
    Superseded,
    /// The request is not allowed at this point of the conversation.
    #[error("the request is not allowed at this point")]
    UnexpectedRequest,
    /// The frame cannot be read.
    #[error("the request could not be read")]
    Malformed,
    /// Requests come faster than the server accepts them.
    #[error("too many requests; slow down")]
    TooManyRequests,
    /// As many are connected as the server allows.
    #[error("the server is full; try again later")]
    Full,
    /// Log-in took too long.
    #[error("log-in took too long; connect again")]
    LoginTimeout,
    /// More accounts are being made than the server allows in an hour.
    #[error("too many new accounts at the moment; try again in {}", waiting(*.retry_after_ms))]
    TooManyRegistrations {
        /// When one more is allowed.
        retry_after_ms: u32,
    },
    /// Registration needs an invitation code, and none or another one was shown.
    #[error("registration needs this server's invitation code; ask whoever runs it")]
    NotInvited,
    /// The storage has as many accounts as it may have.
    #[error("this server has no room for more accounts; ask whoever runs it")]
    AccountsFull,
}

fn waiting(millis: u32) -> String {
    match seconds(millis) {
        seconds @ ..=120 => format!("{seconds} s"),
        seconds => format!("{} minutes", seconds.div_ceil(60)),
    }
}

fn seconds(millis: u32) -> u32 {
    millis.div_ceil(1000).max(1)
}

impl Rejection {
    /// Telling when to try again.
    pub fn busy(retry_after: Duration) -> Self {
        Self::Busy { retry_after_ms: millis(retry_after) }
    }

    /// Telling when to try again.
    pub fn slow_down(retry_after: Duration) -> Self {
        Self::SlowDown { retry_after_ms: millis(retry_after) }
    }

    /// More accounts are being made than is allowed; one more is after `retry_after`.
    pub fn too_many_registrations(retry_after: Duration) -> Self {
        Self::TooManyRegistrations { retry_after_ms: millis(retry_after) }
    }

    /// When the same request may succeed without anything being changed, if ever.
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
            // An account that vanished in the middle looks like one that never was.
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
    fn storage_trouble_is_never_told_as_the_users_fault() {
        let error = AccountError::Unavailable(std::sync::Arc::new(std::io::Error::other("secret detail")));
        assert_eq!(Rejection::from(&error), Rejection::StorageUnavailable);
        assert!(!Rejection::from(&error).to_string().contains("secret"));
    }

    #[test]
    fn waiting_times_are_told_in_whole_seconds_rounded_up() {
        assert_eq!(Rejection::busy(Duration::from_millis(1)).to_string(), "the server is busy; try again in 1 s");
        assert_eq!(
            Rejection::slow_down(Duration::from_millis(3_001)).to_string(),
            "too many failed attempts; try again in 4 s"
        );
        let later = |seconds| Rejection::too_many_registrations(Duration::from_secs(seconds)).to_string();
        assert_eq!(later(120), "too many new accounts at the moment; try again in 120 s");
        assert_eq!(later(121), "too many new accounts at the moment; try again in 3 minutes");
        assert_eq!(Rejection::NameTaken.retry_after(), None);
    }
}
