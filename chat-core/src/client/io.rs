//! The inputs and outputs of the client machine.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::away::AwayText;
use crate::invitation::InvitationCode;
use crate::key::KeyPair;
use crate::name::UserName;
use crate::password::Password;
use crate::roster::{Change, Entry};
use crate::time::Timestamp;
use crate::wire::control::{Ended, Offer, Purpose, WelcomeKind};
use crate::wire::hello::NoCommonVersion;
use crate::wire::rejection::Rejection;
use crate::wire::relay::RelayTerms;

/// What a user logs in with. The machine drops the password at the first welcome or when it ends.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Credentials {
    /// The user name.
    pub user: UserName,
    /// The password.
    pub password: Password,
    /// Whether to register the account first.
    pub purpose: Purpose,
    /// The invitation code, for a registration on a server that requires one.
    pub invitation: Option<InvitationCode>,
}

impl Credentials {
    /// Credentials to log in with, or to register first, without an invitation code.
    pub const fn new(user: UserName, password: Password, purpose: Purpose) -> Self {
        Self { user, password, purpose, invitation: None }
    }
}

/// What the driver tells the client machine.
#[non_exhaustive]
pub enum Input<'a> {
    /// The connection requested by [`Output::Connect`] is open.
    Connected,
    /// The server sent a frame with this payload.
    Frame(&'a [u8]),
    /// Connecting failed, or the connection broke.
    Disconnected,
    /// Command: end the session and the machine.
    Leave,
    /// Command: change the password. The machine answers with exactly one [`Event::PasswordChange`].
    ChangePassword {
        /// The current password.
        old: Password,
        /// The new password.
        new: Password,
    },
    /// There is a sign that the network is back, such as an interface that came up or a peer that answers after a
    /// pause. Without a connection, the next attempt begins now, or somewhat later if attempts after earlier signs
    /// failed.
    NetworkChanged,
    /// Command: begin the next attempt to reconnect now. An attempt that was asked for begins at the earliest 2 s after
    /// the one before. If the next attempt then comes earlier, [`Event::Reconnecting`] says when. Nothing changes while
    /// there is a connection or an attempt at one, before the first welcome, and while the server has asked for a pause.
    RetryNow,
    /// Command: say to all that the user is away, or with `None` that the user is back. The client says it again when it
    /// has reconnected, and when its session begins again. A server that
    /// [does not pass it on](super::Client::supports_away) is not told.
    SetAway(Option<AwayText>),
    /// The client's addresses have changed. Without a connection, the next login offers the new ones.
    Move(Offer),
    /// The [deadline](super::Client::deadline) has passed.
    Tick,
}

/// Prints neither passwords nor frames, which may contain a ticket.
impl fmt::Debug for Input<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connected => f.write_str("Connected"),
            Self::Frame(payload) => write!(f, "Frame({} bytes)", payload.len()),
            Self::Disconnected => f.write_str("Disconnected"),
            Self::Leave => f.write_str("Leave"),
            Self::ChangePassword { .. } => f.write_str("ChangePassword"),
            Self::NetworkChanged => f.write_str("NetworkChanged"),
            Self::RetryNow => f.write_str("RetryNow"),
            Self::SetAway(away) => f.debug_tuple("SetAway").field(away).finish(),
            Self::Move(offer) => f.debug_tuple("Move").field(offer).finish(),
            Self::Tick => f.write_str("Tick"),
        }
    }
}

/// What the client machine asks its driver to do, in order. Exhaustive, because a driver performs every output.
#[expect(clippy::exhaustive_enums, reason = "a driver performs every output")]
pub enum Output {
    /// Open a connection to the server, and give up an attempt that is in progress. [`Input::Connected`] or
    /// [`Input::Disconnected`] follows.
    Connect,
    /// Write these bytes, which are complete frames. They may contain a secret and are wiped with their last clone.
    Send(Bytes),
    /// Write all frames sent before, then close the connection, or stop connecting. No [`Input::Disconnected`] follows.
    Close,
    /// Report this event to the application.
    Event(Event),
}

/// Prints no frames, which may contain a password.
impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect => f.write_str("Connect"),
            Self::Send(bytes) => write!(f, "Send({} bytes)", bytes.len()),
            Self::Close => f.write_str("Close"),
            Self::Event(event) => f.debug_tuple("Event").field(event).finish(),
        }
    }
}

/// What the client machine reports to the application. `Rejected`, `NoCommonVersion`, `Protocol`, `Failed`, `Ended` and
/// `Left` are final: the machine has ended. Exhaustive, because a driver passes every event on. Applications of
/// `chat-net` read its own events, which may grow.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a driver passes every event on")]
pub enum Event {
    /// A session begins (`LoggedIn`, `Fresh`) or continues (`Continued`). When a session begins, the driver starts a
    /// new peer machine with these keys.
    Welcome {
        /// Whether the session begins or continues.
        kind: WelcomeKind,
        /// The session's key pair.
        keys: Arc<KeyPair>,
        /// The client's own roster entry.
        entry: Entry,
        /// The server's time.
        at: Timestamp,
        /// The terms on which the server relays for this connection. `None` if it does not relay.
        relay: Option<RelayTerms>,
    },
    /// The first snapshot is complete, and [`Client::roster`](super::Client::roster) returns it. Reported once.
    Online {
        /// The server's time.
        at: Timestamp,
    },
    /// One change of the roster. Never about the client's own session.
    Change {
        /// The server's time.
        at: Timestamp,
        /// The change.
        change: Change,
    },
    /// Another user is away or back, as the [roster](super::Client::roster) shows. If the session of a user who is away
    /// begins, this follows its arrival.
    Away {
        /// The server's time.
        at: Timestamp,
        /// The user.
        user: UserName,
        /// The away text. `None` if the user is back.
        away: Option<AwayText>,
    },
    /// The server rejected the login or the ticket.
    Rejected(Rejection),
    /// Client and server have no protocol version in common.
    NoCommonVersion(NoCommonVersion),
    /// The server violated the protocol in the way described.
    Protocol(&'static str),
    /// The first login failed before the server replied.
    Failed(LoginFailure),
    /// The server is busy, or slows the client down. The first login is retried.
    Busy {
        /// The delay before the next attempt.
        after: Duration,
    },
    /// The server cannot reach its storage, or does not answer after another one could not. The first login is tried at
    /// another server at once: the next [`Output::Connect`] must not go to a server that has been asked.
    TryingElsewhere,
    /// A connection ended before the server answered the registration. The next attempt follows and finds out whether the
    /// account exists.
    RegistrationUnanswered {
        /// The delay before the next attempt.
        after: Duration,
    },
    /// The connection broke, an attempt to reconnect failed, or [`Input::RetryNow`] brought the next one forward. The
    /// next attempt follows.
    Reconnecting {
        /// The delay before the next attempt.
        after: Duration,
    },
    /// The client has reconnected and its roster is in sync again.
    Reconnected,
    /// The result of a password change.
    PasswordChange(Result<(), PasswordChangeError>),
    /// The server rejected the addresses of [`Input::Move`]. The previous ones remain valid.
    MoveRejected(Rejection),
    /// The server is shutting down. The client reconnects until the server is back.
    ServerStopping,
    /// The server ended the session.
    Ended(Ended),
    /// The client has left, after [`Input::Leave`].
    Left,
}

/// Why the first login failed before the server replied to it. Exhaustive, as [`Event`] is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(clippy::exhaustive_enums, reason = "a driver passes every failure on")]
pub enum LoginFailure {
    /// The driver reported that connecting failed or that the connection broke.
    #[error("the connection failed or broke during login")]
    Disconnected,
    /// Connecting exceeded [`ClientConfig::connect_timeout`](super::ClientConfig::connect_timeout).
    #[error("connecting took too long")]
    ConnectTimedOut,
    /// A reply exceeded [`ClientConfig::reply_timeout`](super::ClientConfig::reply_timeout).
    #[error("the server did not answer in time")]
    ReplyTimedOut,
    /// The registration had no answer for
    /// [`ClientConfig::registration_timeout`](super::ClientConfig::registration_timeout). The account may exist.
    #[error("the server did not answer the registration, and the account may exist")]
    RegistrationUnanswered,
}

/// Why a password change failed or may have failed. Exhaustive, as [`Event`] is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(clippy::exhaustive_enums, reason = "a driver passes every failure on")]
pub enum PasswordChangeError {
    /// The server rejected the change. The old password remains valid.
    #[error("{0}")]
    Rejected(Rejection),
    /// There is no connection. Nothing was sent.
    #[error("there is no connection to the server; try again when it is back")]
    NotConnected,
    /// The previous change has not been answered. Nothing was sent.
    #[error("a password change is already in progress; wait for its result")]
    InProgress,
    /// The connection broke before the reply. Either password may be valid.
    #[error("the connection broke before the server answered; either password may be valid now")]
    Unanswered,
}
