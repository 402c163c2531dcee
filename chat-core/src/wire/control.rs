//! The control protocol between a client and the server.
//!
//! ```text
//! client                                  server
//!   Hello          ------------------>
//!                  <------------------      Hello
//!   Login, Resume  ------------------>
//!                  <------------------      Welcome | Rejected
//!                  <------------------      SnapshotPage .. SnapshotPage, SnapshotComplete | delta
//!                  <------------------      Update, whenever the roster has changed
//!   Heartbeat      ------------------>      Heartbeat, Ticket
//!   Leave          ------------------>
//! ```

use std::fmt;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::rejection::Rejection;
use super::relay::{Datagrams, Parcels, RelayTerms};
use super::{Malformed, decode, encode};
use crate::away::AwayText;
use crate::extras::{Extra, Extras};
use crate::id::{Epoch, Revision};
use crate::key::PublicKey;
use crate::roster::{Entry, LinkFeatures, LinkVersions, RosterVersion, Update, away_text};
use crate::time::Timestamp;

/// A request from a client. On the wire: append only.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub enum Request<'a> {
    /// Logs in with a password.
    #[serde(borrow)]
    Login(Login<'a>),
    /// Logs in with a ticket.
    #[serde(borrow)]
    Resume(Resume<'a>),
    /// Ends the session.
    Leave,
    /// A heartbeat. The server answers with the same number and its time.
    Heartbeat {
        /// Chosen by the client.
        number: u32,
    },
    /// Offers other addresses.
    Move(Offer),
    /// Requests a snapshot of the roster.
    Refresh,
    /// Changes the password.
    #[serde(borrow)]
    ChangePassword(ChangePassword<'a>),
    /// Says that the user is away, with an away text, or that the user is back. Only for a server with the feature bit
    /// [`Hello::AWAY`](super::hello::Hello::AWAY), because others take the request as malformed. There is no reply.
    #[serde(borrow)]
    SetAway(Option<&'a str>),
    /// Passes datagrams on to other sessions. Only for a server with the feature bit
    /// [`Hello::RELAY`](super::hello::Hello::RELAY) whose welcome states [terms](Welcome::relay). There is no reply: what
    /// the server drops is lost as on any other network.
    #[serde(borrow)]
    Relay(Parcels<'a>),
}

impl<'a> Request<'a> {
    /// Decodes the payload of a frame.
    ///
    /// # Errors
    /// The payload is not exactly one request.
    pub fn decode(payload: &'a [u8]) -> Result<Self, Malformed> {
        decode(payload)
    }
}

/// A login with a password.
#[derive(Deserialize, PartialEq, Serialize)]
pub struct Login<'a> {
    /// Whether to register the account first.
    pub purpose: Purpose,
    /// The user name as typed. The server validates it.
    pub user: &'a str,
    /// The password as typed. The server validates it.
    pub password: &'a str,
    /// The addresses that the client offers for datagrams.
    pub offer: Offer,
    /// The public key of the new session.
    pub key: PublicKey,
    /// The link versions that the client supports.
    pub versions: LinkVersions,
    /// Extension fields.
    pub extras: Extras,
}

/// Tag of an extra of [`Login`]: the invitation code.
pub const INVITATION: u16 = 1;

/// Tag of an extra of [`Login`]: the [`LinkFeatures`] of the client, for its entry in the roster.
pub const LOGIN_LINK_FEATURES: u16 = 2;

impl Login<'_> {
    /// The link features of the client. None if the request states no valid ones.
    pub fn link_features(&self) -> LinkFeatures {
        link_features(&self.extras, LOGIN_LINK_FEATURES)
    }
}

/// Prints no password.
impl fmt::Debug for Login<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("purpose", &self.purpose).field("user", &self.user).finish_non_exhaustive()
    }
}

/// The purpose of a login. On the wire: append only.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub enum Purpose {
    /// Use an existing account.
    Login,
    /// Register an account and use it.
    Register,
}

/// A login with a ticket.
#[derive(Deserialize, PartialEq, Serialize)]
pub struct Resume<'a> {
    /// The ticket as received.
    pub ticket: &'a [u8],
    /// The addresses that the client offers for datagrams.
    pub offer: Offer,
    /// The public key of the fresh session, in case the ticket's session has ended. The same at each attempt, until there
    /// is a welcome: if that session has begun and its welcome was lost, it goes on.
    pub next_key: PublicKey,
    /// The link versions that the client supports.
    pub versions: LinkVersions,
    /// Extension fields.
    pub extras: Extras,
}

impl Resume<'_> {
    /// The version of the client's roster, if the request states a valid one.
    pub fn known_version(&self) -> Option<RosterVersion> {
        decode(self.extras.get(KNOWN_VERSION)?).ok()
    }

    /// The away text of a session that begins again, if the request states a valid one.
    pub fn away(&self) -> Option<AwayText> {
        away_text(self.extras.get(RESUME_AWAY)?)
    }

    /// The link features of a session that begins. None if the request states no valid ones.
    pub fn link_features(&self) -> LinkFeatures {
        link_features(&self.extras, RESUME_LINK_FEATURES)
    }
}

/// Tag of an extra of [`Resume`]: the [`RosterVersion`] of the client's roster. Present only if the roster is complete.
pub const KNOWN_VERSION: u16 = 1;

/// Tag of an extra of [`Resume`]: the away text of the session, in case the session begins again. Its entry is published
/// with the text, so nobody sees the user come back and go away.
pub const RESUME_AWAY: u16 = 2;

/// Tag of an extra of [`Resume`]: the [`LinkFeatures`] of the client, in case the session begins.
pub const RESUME_LINK_FEATURES: u16 = 3;

fn link_features(extras: &Extras, tag: u16) -> LinkFeatures {
    extras.get(tag).and_then(LinkFeatures::decode).unwrap_or_default()
}

/// An extra of [`Resume`] or [`Welcome`] that states a roster version.
pub fn version_extra(tag: u16, version: RosterVersion) -> Extra {
    let mut value = Vec::new();
    encode(&version, &mut value);
    Extra { tag, value }
}

/// Prints no ticket.
impl fmt::Debug for Resume<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resume").field("offer", &self.offer).finish_non_exhaustive()
    }
}

/// The addresses that a client offers.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Offer {
    /// Whether the server may add the observed address.
    pub policy: OfferPolicy,
    /// The client's UDP port, for the observed address.
    pub port: u16,
    /// At most [`Offer::MAX_ADDRESSES`], in order of preference.
    pub addresses: Vec<SocketAddr>,
}

impl Offer {
    /// The most addresses that a client may offer: few machines have more interfaces that others can reach.
    pub const MAX_ADDRESSES: usize = 4;
}

/// Whether the server may add to the offered addresses. On the wire: append only.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub enum OfferPolicy {
    /// The client detected the addresses. The server adds the observed one and prefers it.
    Detected,
    /// The user named the addresses. The server adds nothing.
    Advertised,
}

/// A password change.
#[derive(Deserialize, PartialEq, Serialize)]
pub struct ChangePassword<'a> {
    /// The current password as typed.
    pub old: &'a str,
    /// The new password as typed.
    pub new: &'a str,
}

/// Prints no password.
impl fmt::Debug for ChangePassword<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChangePassword").finish_non_exhaustive()
    }
}

/// A reply of the server, or a frame that it sends without a request. On the wire: append only.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub enum Reply {
    /// The session begins or continues.
    Welcome(Welcome),
    /// A request is rejected. A guest may try again.
    Rejected(Rejection),
    /// A part of a snapshot.
    SnapshotPage(Vec<Entry>),
    /// The snapshot is complete. A snapshot without a page is empty.
    SnapshotComplete {
        /// The run of the server that counts the revisions.
        epoch: Epoch,
        /// The revision of the snapshot.
        revision: Revision,
    },
    /// The roster changed.
    Update(Update),
    /// The reply to a heartbeat.
    Heartbeat {
        /// The number of the heartbeat.
        number: u32,
        /// The server's time.
        at: Timestamp,
    },
    /// A new ticket, which supersedes the previous one.
    Ticket(Vec<u8>),
    /// The result of a password change.
    PasswordChange(Result<(), Rejection>),
    /// The session or the connection ends. No further frame follows.
    Ended(Ended),
    /// Datagrams that other sessions sent to this one through the server. Only for a client with the feature bit
    /// [`Hello::RELAY`](super::hello::Hello::RELAY).
    Relayed(Datagrams),
}

impl Reply {
    /// Decodes the payload of a frame.
    ///
    /// # Errors
    /// The payload is not exactly one reply.
    pub fn decode(payload: &[u8]) -> Result<Self, Malformed> {
        decode(payload)
    }
}

/// The reply to a successful login.
#[derive(Clone, Deserialize, PartialEq, Serialize)]
pub struct Welcome {
    /// Whether the session begins or continues.
    pub kind: WelcomeKind,
    /// The client's own roster entry.
    pub entry: Entry,
    /// The server's time.
    pub at: Timestamp,
    /// The observed address of the client.
    pub observed: SocketAddr,
    /// The times that client and server share.
    pub timings: Timings,
    /// For resuming the session without a password.
    pub ticket: Vec<u8>,
    /// The rest of the settling time in milliseconds, or 0 if the server has settled.
    pub settling_ms: u32,
    /// Extension fields.
    pub extras: Extras,
}

impl Welcome {
    /// The version of the client's roster after the delta that follows, or none if a snapshot follows.
    ///
    /// # Errors
    /// The extra is malformed.
    pub fn delta(&self) -> Result<Option<RosterVersion>, Malformed> {
        self.extras.get(DELTA).map(decode).transpose()
    }

    /// What the server relays for this session. `None` if it relays nothing: its operator has switched that off, or it is
    /// older.
    pub fn relay(&self) -> Option<RelayTerms> {
        decode(self.extras.get(RELAY)?).ok()
    }
}

/// Tag of an extra of [`Welcome`]: a delta follows instead of a snapshot, and leads to this [`RosterVersion`].
pub const DELTA: u16 = 1;

/// Tag of an extra of [`Welcome`]: the [`RelayTerms`] of a server that relays.
pub const RELAY: u16 = 3;

/// An extra of [`Welcome`] that states what the server relays.
pub fn relay_extra(terms: &RelayTerms) -> Extra {
    let mut value = Vec::new();
    encode(terms, &mut value);
    Extra { tag: RELAY, value }
}

/// Prints no ticket.
impl fmt::Debug for Welcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Welcome").field("kind", &self.kind).field("entry", &self.entry).finish_non_exhaustive()
    }
}

/// How a session relates to the previous one. On the wire: append only.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub enum WelcomeKind {
    /// The session began with a password.
    LoggedIn,
    /// The ticket's session continues: its id and key are the same, and links stay valid.
    Continued,
    /// The ticket's session has ended. A new one began, with the key from [`Resume::next_key`].
    Fresh,
}

/// The times that client and server share, in milliseconds.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Timings {
    /// The interval between heartbeats.
    pub heartbeat_ms: u32,
    /// The silence after which the connection counts as broken.
    pub silence_ms: u32,
    /// How long a session whose connection broke waits to be resumed.
    pub grace_ms: u32,
}

/// Why the server ends a session or a connection. On the wire: append only.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, thiserror::Error)]
#[expect(clippy::exhaustive_enums, reason = "a client reports each of them")]
pub enum Ended {
    /// A newer login of the account replaced the session. The client must not reconnect.
    #[error("another login of this account has taken over")]
    Replaced,
    /// The account was disabled, removed, or given another password. The client must not reconnect.
    #[error("the session was ended: the account was disabled or removed, or its password was changed")]
    Kicked,
    /// The client did not read what the server sent. It may reconnect.
    #[error("this client did not read what the server sent")]
    TooSlow,
    /// The server is shutting down. The session can be resumed with its ticket.
    #[error("the server is stopping")]
    Stopping,
}

#[cfg(test)]
mod tests;
