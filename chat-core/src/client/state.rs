//! Where a client stands: states that carry what belongs to them, so that what is gone cannot be used.

use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use super::io::{Credentials, PasswordChangeError};
use super::pulse::Pulse;
use super::requests::MAX_TICKET;
use crate::key::KeyPair;
use crate::time::{Mono, Now};
use crate::wire::control::{Offer, WelcomeKind};

/// The ways of one client, from top to bottom; from each state but the last `Waiting` may follow, from all `Over`.
#[derive(Debug)]
pub(super) enum State {
    /// The driver opens a connection.
    Connecting { pass: Pass, until: Mono },
    /// Our hello was `said`, and theirs must come.
    Greeting { pass: Pass, said: Mono, until: Mono },
    /// The log-in is sent. `next` is the key of the session that may begin, `way` what one way took for the hellos.
    Asking { pass: Pass, next: Arc<KeyPair>, asked: Now, way: Duration, until: Mono },
    /// Welcome.
    Online(Online),
    /// A pause before the next attempt.
    Waiting { pass: Pass, until: Mono },
    /// Nothing happens any more.
    Over,
}

/// What lets a client in.
#[derive(Debug)]
pub(super) enum Pass {
    /// Before the first welcome.
    Password(Credentials),
    /// Ever after.
    Ticket(Session),
}

/// A session, connected or not.
pub(super) struct Session {
    pub(super) keys: Arc<KeyPair>,
    pub(super) ticket: Ticket,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("keys", &self.keys).finish_non_exhaustive()
    }
}

/// A ticket of a length that can be sent back; wiped.
pub(super) struct Ticket(Zeroizing<Vec<u8>>);

impl Ticket {
    pub(super) fn new(bytes: Vec<u8>) -> Result<Self, &'static str> {
        let bytes = Zeroizing::new(bytes);
        if (1..=MAX_TICKET).contains(&bytes.len()) {
            Ok(Self(bytes))
        } else {
            Err("a ticket has a length that none has")
        }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A connection on which the server has said welcome.
#[derive(Debug)]
pub(super) struct Online {
    pub(super) session: Session,
    pub(super) pulse: Pulse,
    /// How the connection began, until its roster is complete and that is told.
    pub(super) arrival: Option<WelcomeKind>,
    pub(super) password_change: PasswordChange,
    /// The offer before the last move, should the server refuse that.
    pub(super) moved_from: Option<Offer>,
}

/// Whether the server owes an answer to a change of password.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum PasswordChange {
    None,
    Asked,
}

/// Whether there is a connection, or an attempt at one, to be closed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Connection {
    Open,
    None,
}

impl State {
    /// What lets the client in again.
    pub(super) fn into_pass(self) -> Option<Pass> {
        match self {
            Self::Connecting { pass, .. }
            | Self::Greeting { pass, .. }
            | Self::Asking { pass, .. }
            | Self::Waiting { pass, .. } => Some(pass),
            Self::Online(Online { session, .. }) => Some(Pass::Ticket(session)),
            Self::Over => None,
        }
    }

    pub(super) fn connection(&self) -> Connection {
        match self {
            Self::Connecting { .. } | Self::Greeting { .. } | Self::Asking { .. } | Self::Online(_) => Connection::Open,
            Self::Waiting { .. } | Self::Over => Connection::None,
        }
    }

    /// Whether a change of password can be asked for now.
    pub(super) fn may_change_password(&self) -> Result<(), PasswordChangeError> {
        match self {
            Self::Online(Online { password_change: PasswordChange::None, .. }) => Ok(()),
            Self::Online(_) => Err(PasswordChangeError::InProgress),
            _ => Err(PasswordChangeError::NotConnected),
        }
    }
}
