//! What goes into the machine and what comes out of it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::invitation::InvitationCode;
use crate::key::KeyPair;
use crate::name::UserName;
use crate::password::Password;
use crate::roster::{Change, Entry};
use crate::time::Timestamp;
use crate::wire::control::{Ended, Offer, Purpose, WelcomeKind};
use crate::wire::hello::NoCommonVersion;
use crate::wire::rejection::Rejection;

/// Who logs in, and what for. The password is wiped when the server has answered with a welcome, or the machine ends.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The user.
    pub user: UserName,
    /// The password.
    pub password: Password,
    /// Whether the account is to be made first.
    pub purpose: Purpose,
    /// What lets somebody make an account where not everybody may.
    pub invitation: Option<InvitationCode>,
}

/// What happens to a client.
pub enum Input<'a> {
    /// The connection that [`Output::Connect`] asked for is there.
    Connected,
    /// The payload of one frame from the server.
    Frame(&'a [u8]),
    /// Connecting failed, or the connection broke.
    Disconnected,
    /// The user wants to go offline.
    Leave,
    /// The user wants another password. Answered by [`Event::PasswordChange`], always and once.
    ChangePassword {
        /// The one so far.
        old: Password,
        /// The new one.
        new: Password,
    },
    /// Datagrams reach this client elsewhere now. Remembered for the next connection if there is none.
    Move(Offer),
    /// The deadline has passed.
    Tick,
}

/// Prints neither passwords nor frames, which may hold a ticket.
impl fmt::Debug for Input<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connected => f.write_str("Connected"),
            Self::Frame(payload) => write!(f, "Frame({} bytes)", payload.len()),
            Self::Disconnected => f.write_str("Disconnected"),
            Self::Leave => f.write_str("Leave"),
            Self::ChangePassword { .. } => f.write_str("ChangePassword"),
            Self::Move(offer) => f.debug_tuple("Move").field(offer).finish(),
            Self::Tick => f.write_str("Tick"),
        }
    }
}

/// What the driver has to do, in this order.
pub enum Output {
    /// Open a connection, the first or the next one; the answer is [`Input::Connected`] or [`Input::Disconnected`].
    Connect,
    /// Write these bytes: whole frames. They may hold a secret and are wiped with their last copy.
    Send(Bytes),
    /// Write what was sent, then close, or give up connecting. No [`Input::Disconnected`] follows.
    Close,
    /// Tell the application.
    Event(Event),
}

/// Prints no frames, which may hold a password.
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

/// What the application is told. After `Rejected`, `NoCommonVersion`, `Protocol`, `Failed`, `Ended` and `Left` the
/// machine is over.
#[derive(Debug)]
pub enum Event {
    /// A session begins (`Entered`, `Fresh`: the peer machine starts anew with these keys) or goes on (`Continued`).
    Welcome {
        /// Which of them.
        kind: WelcomeKind,
        /// The session's key pair.
        keys: Arc<KeyPair>,
        /// Our own entry, as all others see it.
        entry: Entry,
        /// The server's time.
        at: Timestamp,
    },
    /// The first copy of the roster is complete: see [`Client::roster`](super::Client::roster). Told once.
    Online {
        /// The server's time.
        at: Timestamp,
    },
    /// One change relative to the roster before it. Never about oneself.
    Change {
        /// The server's time.
        at: Timestamp,
        /// What changed.
        change: Change,
    },
    /// The log-in or the ticket is refused.
    Rejected(Rejection),
    /// The server is older or newer than this program can deal with.
    NoCommonVersion(NoCommonVersion),
    /// The server does not speak our protocol; the fragment says what it did.
    Protocol(&'static str),
    /// The first log-in came to nothing before the server answered.
    Failed(LoginFailure),
    /// The server is busy; the first log-in is tried again after this pause.
    Busy {
        /// The pause.
        after: Duration,
    },
    /// The connection broke, or another attempt failed; the next one follows after this pause.
    Reconnecting {
        /// The pause.
        after: Duration,
    },
    /// After `Reconnecting`: the roster is in step again.
    Reconnected,
    /// What became of a change of password.
    PasswordChange(Result<(), PasswordChangeError>),
    /// The new addresses of [`Input::Move`] are refused; those before remain.
    MoveRejected(Rejection),
    /// The server says that it stops; the client will come back when it does.
    ServerStopping,
    /// The server ended the session; it does not come back by itself.
    Ended(Ended),
    /// We went offline; what there was to be said to the server is sent.
    Left,
}

/// Why the first log-in came to nothing before the server answered it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum LoginFailure {
    /// The driver said so: connecting failed, or the connection broke.
    #[error("the connection could not be made or broke during log-in")]
    Disconnected,
    /// Connecting took too long.
    #[error("connecting took too long")]
    ConnectTimedOut,
    /// The server took too long to answer.
    #[error("the server did not answer in time")]
    AnswerTimedOut,
}

/// Why a password was not changed, or may not have been.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PasswordChangeError {
    /// The server refused; the old password remains.
    #[error("{0}")]
    Rejected(Rejection),
    /// There is no connection at the moment; nothing was sent.
    #[error("there is no connection to the server at the moment; try again when it is back")]
    NotConnected,
    /// The one before is not answered yet; nothing was sent.
    #[error("another change of password is not answered yet; wait for it")]
    InProgress,
    /// The connection broke before the answer: either password may be the right one now.
    #[error("the connection broke before the server answered; either password may be the right one now")]
    Unanswered,
}
