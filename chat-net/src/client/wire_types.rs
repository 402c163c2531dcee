//! The API's own types for what the server sends, so that the types of the wire can grow without breaking applications.

use std::ops::RangeInclusive;
use std::time::Duration;

use chat_core::name::NameError;
use chat_core::password::PasswordError;
use chat_core::wire::hello::{Hello, NoCommonVersion};
use chat_core::wire::rejection::Rejection;

/// The server's answer to a request that it does not fulfil: a sentence for users, a kind, and perhaps a retry time.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct ServerRejection(Rejection);

impl ServerRejection {
    /// A rejection such as a server sends, for tests of applications. `retry_after` counts only for the kinds that have a
    /// retry time, and is zero if there is none. The sentence of [`RejectionKind::Name`] and [`RejectionKind::Password`]
    /// says that the value is empty.
    pub fn new(kind: RejectionKind, retry_after: Option<Duration>) -> Self {
        let retry_after = retry_after.unwrap_or_default();
        Self(match kind {
            RejectionKind::Name => Rejection::Name(NameError::Empty),
            RejectionKind::Password => Rejection::Password(PasswordError::Empty),
            RejectionKind::NameTaken => Rejection::NameTaken,
            RejectionKind::WrongCredentials => Rejection::WrongCredentials,
            RejectionKind::Disabled => Rejection::Disabled,
            RejectionKind::RegistrationClosed => Rejection::RegistrationClosed,
            RejectionKind::Busy => Rejection::busy(retry_after),
            RejectionKind::SlowDown => Rejection::slow_down(retry_after),
            RejectionKind::StorageUnavailable => Rejection::StorageUnavailable,
            RejectionKind::Addresses => Rejection::Addresses,
            RejectionKind::KeyInUse => Rejection::KeyInUse,
            RejectionKind::TicketRefused => Rejection::TicketRefused,
            RejectionKind::Superseded => Rejection::Superseded,
            RejectionKind::UnexpectedRequest => Rejection::UnexpectedRequest,
            RejectionKind::Malformed => Rejection::Malformed,
            RejectionKind::TooManyRequests => Rejection::TooManyRequests,
            RejectionKind::Full => Rejection::Full,
            RejectionKind::LoginTimeout => Rejection::LoginTimeout,
            RejectionKind::TooManyRegistrations => Rejection::too_many_registrations(retry_after),
            RejectionKind::NotInvited => Rejection::NotInvited,
            RejectionKind::AccountsFull => Rejection::AccountsFull,
        })
    }

    pub(crate) const fn of(rejection: Rejection) -> Self {
        Self(rejection)
    }

    /// The kind, to match on.
    pub const fn kind(&self) -> RejectionKind {
        match self.0 {
            Rejection::Name(_) => RejectionKind::Name,
            Rejection::Password(_) => RejectionKind::Password,
            Rejection::NameTaken => RejectionKind::NameTaken,
            Rejection::WrongCredentials => RejectionKind::WrongCredentials,
            Rejection::Disabled => RejectionKind::Disabled,
            Rejection::RegistrationClosed => RejectionKind::RegistrationClosed,
            Rejection::Busy { .. } => RejectionKind::Busy,
            Rejection::SlowDown { .. } => RejectionKind::SlowDown,
            Rejection::StorageUnavailable => RejectionKind::StorageUnavailable,
            Rejection::Addresses => RejectionKind::Addresses,
            Rejection::KeyInUse => RejectionKind::KeyInUse,
            Rejection::TicketRefused => RejectionKind::TicketRefused,
            Rejection::Superseded => RejectionKind::Superseded,
            Rejection::UnexpectedRequest => RejectionKind::UnexpectedRequest,
            Rejection::Malformed => RejectionKind::Malformed,
            Rejection::TooManyRequests => RejectionKind::TooManyRequests,
            Rejection::Full => RejectionKind::Full,
            Rejection::LoginTimeout => RejectionKind::LoginTimeout,
            Rejection::TooManyRegistrations { .. } => RejectionKind::TooManyRegistrations,
            Rejection::NotInvited => RejectionKind::NotInvited,
            Rejection::AccountsFull => RejectionKind::AccountsFull,
        }
    }

    /// How long to wait before the same request may succeed. `None` if the server named no retry time.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after()
    }
}

/// The kind of a [`ServerRejection`].
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum RejectionKind {
    /// The user name breaks a rule.
    Name,
    /// The password breaks a rule.
    Password,
    /// The user name is registered already, or reserved by a removed account.
    NameTaken,
    /// The user is unknown or the password is wrong. The client does not learn which.
    WrongCredentials,
    /// The account is disabled.
    Disabled,
    /// The registration policy is `closed`.
    RegistrationClosed,
    /// Too many password checks are waiting.
    Busy,
    /// The server slows the client down: after failed logins from this source or with this user name, or because its
    /// account or its source has begun too many sessions.
    SlowDown,
    /// The server cannot reach its accounts.
    StorageUnavailable,
    /// None of the offered addresses is acceptable: each is one to which nobody can send, a loopback address although
    /// the client is on another machine than the server, or has a port below
    /// [`Entry::LOWEST_PORT`](chat_core::roster::Entry::LOWEST_PORT).
    Addresses,
    /// Another session that is online has this session key.
    KeyInUse,
    /// The session cannot be resumed.
    TicketRefused,
    /// A newer session of the account has replaced this one.
    Superseded,
    /// The request is not allowed in the connection's current state.
    UnexpectedRequest,
    /// The frame is not a valid request.
    Malformed,
    /// The connection exceeded the rate limit for requests.
    TooManyRequests,
    /// The server has reached its limit of connections, guests or sessions.
    Full,
    /// The guest did not log in within the time limit.
    LoginTimeout,
    /// The rate limit for registrations is exceeded.
    TooManyRegistrations,
    /// Registration requires the invitation code, and the request had none or a wrong one.
    NotInvited,
    /// The limit of accounts is reached.
    AccountsFull,
}

/// Client and server have no version of the protocol in common. The text says which of the two needs an update.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(transparent)]
pub struct VersionMismatch(NoCommonVersion);

impl VersionMismatch {
    /// A mismatch between the versions of two programs, for tests of applications. `None` if they have a version in
    /// common.
    pub fn new(ours: RangeInclusive<u16>, theirs: RangeInclusive<u16>) -> Option<Self> {
        let [ours, theirs] = [ours, theirs].map(|range| Hello { low: *range.start(), high: *range.end(), features: 0 });
        ours.agree(theirs).err().map(Self)
    }

    pub(crate) const fn of(versions: NoCommonVersion) -> Self {
        Self(versions)
    }

    /// The versions that this program supports.
    pub const fn ours(&self) -> RangeInclusive<u16> {
        self.0.ours.low..=self.0.ours.high
    }

    /// The versions that the server supports.
    pub const fn theirs(&self) -> RangeInclusive<u16> {
        self.0.theirs.low..=self.0.theirs.high
    }
}
