//! The states of the client machine. Each state carries the data that belongs to it, and nothing else.

use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use super::heartbeat::Heartbeat;
use super::io::{Credentials, PasswordChangeError};
use super::registration::Registration;
use super::requests::MAX_TICKET;
use crate::generator::Generator;
use crate::key::KeyPair;
use crate::time::{Mono, Now};
use crate::wire::control::{Offer, WelcomeKind};

/// The states in the order in which a connection passes through them. Any state but `Ended` can be followed by
/// `Waiting` or `Ended`.
#[derive(Debug)]
pub(super) enum State {
    /// The driver opens a connection.
    Connecting { auth: Authentication, deadline: Mono },
    /// The client sent its hello at `hello_sent` and waits for the server's.
    Handshaking { auth: Authentication, hello_sent: Mono, deadline: Mono },
    /// The client sent its login or resume request at `request_sent` and waits for the reply. A fresh session would
    /// use `next_keys`. `one_way_delay` is half the round trip of the hellos.
    LoggingIn {
        auth: Authentication,
        next_keys: Arc<KeyPair>,
        request_sent: Now,
        one_way_delay: Duration,
        deadline: Mono,
    },
    /// The server has sent its welcome.
    Online(Online),
    /// No connection. The next attempt begins at the deadline.
    Waiting { auth: Authentication, deadline: Mono, pause: Pause },
    /// The machine ignores all further inputs.
    Ended,
}

/// Why the client waits before the next attempt.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Pause {
    /// The client chose the pause. A sign that the network is back shortens it.
    Backoff,
    /// Such a sign has shortened the pause.
    Shortened,
    /// The user asked for the next attempt.
    Asked,
    /// The server named the pause as its retry time.
    Requested,
}

/// What the client proves its account with.
#[derive(Debug)]
pub(super) enum Authentication {
    /// A user name and a password, until the first welcome.
    Password { credentials: Credentials, registration: Registration },
    /// The ticket of a session, from the first welcome on.
    Ticket(Session),
}

/// A session, whether connected or not.
pub(super) struct Session {
    pub(super) keys: Arc<KeyPair>,
    pub(super) ticket: Ticket,
    /// The keys of the fresh session that follows if this one has ended. Each attempt offers the same, so that the server
    /// recognises a session that has begun although its welcome was lost.
    pub(super) next_keys: Option<Arc<KeyPair>>,
}

impl Session {
    /// The keys of the fresh session that may follow, which are made once.
    pub(super) fn next_keys(&mut self, generator: &mut dyn Generator) -> Arc<KeyPair> {
        Arc::clone(self.next_keys.get_or_insert_with(|| Arc::new(KeyPair::generate(generator))))
    }
}

/// Prints no ticket.
impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("keys", &self.keys).finish_non_exhaustive()
    }
}

/// A ticket short enough to be sent back in a resume request. Wiped when dropped.
pub(super) struct Ticket(Zeroizing<Vec<u8>>);

impl Ticket {
    /// Fails if the ticket is empty or longer than [`MAX_TICKET`].
    pub(super) fn new(bytes: Vec<u8>) -> Result<Self, &'static str> {
        let bytes = Zeroizing::new(bytes);
        if (1..=MAX_TICKET).contains(&bytes.len()) {
            Ok(Self(bytes))
        } else {
            Err("the server sent a ticket of an invalid length")
        }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A connection on which the server has sent its welcome.
#[derive(Debug)]
pub(super) struct Online {
    pub(super) session: Session,
    pub(super) heartbeat: Heartbeat,
    /// How the connection began. Cleared once its roster is in sync.
    pub(super) syncing_since: Option<WelcomeKind>,
    pub(super) password_change: PasswordChange,
    /// The offer before the last move, restored if the server rejects the move.
    pub(super) previous_offer: Option<Offer>,
}

/// Whether the server owes a reply to a password change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum PasswordChange {
    Idle,
    Pending,
}

/// Whether the driver holds a connection, or an attempt at one, that must be closed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Connection {
    Open,
    None,
}

impl State {
    /// Returns the authentication for the next login. None if the machine has ended.
    pub(super) fn into_authentication(self) -> Option<Authentication> {
        match self {
            Self::Connecting { auth, .. }
            | Self::Handshaking { auth, .. }
            | Self::LoggingIn { auth, .. }
            | Self::Waiting { auth, .. } => Some(auth),
            Self::Online(Online { session, .. }) => Some(Authentication::Ticket(session)),
            Self::Ended => None,
        }
    }

    /// Returns the authentication of the login in progress. None once the client is online, or if the machine has
    /// ended.
    pub(super) fn authentication_mut(&mut self) -> Option<&mut Authentication> {
        match self {
            Self::Connecting { auth, .. }
            | Self::Handshaking { auth, .. }
            | Self::LoggingIn { auth, .. }
            | Self::Waiting { auth, .. } => Some(auth),
            Self::Online(_) | Self::Ended => None,
        }
    }

    pub(super) fn connection(&self) -> Connection {
        match self {
            Self::Connecting { .. } | Self::Handshaking { .. } | Self::LoggingIn { .. } | Self::Online(_) => {
                Connection::Open
            }
            Self::Waiting { .. } | Self::Ended => Connection::None,
        }
    }

    /// Fails if a password change cannot be requested now.
    pub(super) fn check_password_change(&self) -> Result<(), PasswordChangeError> {
        match self {
            Self::Online(Online { password_change: PasswordChange::Idle, .. }) => Ok(()),
            Self::Online(_) => Err(PasswordChangeError::InProgress),
            _ => Err(PasswordChangeError::NotConnected),
        }
    }
}
