//! The conversation of a client and the presence server.
//!
//! ```text
//! client                                  server
//!   Hello          ------------------>
//!                  <------------------      Hello
//!   Login, Resume  ------------------>
//!                  <------------------      Welcome | Rejected
//!                  <------------------      Page .. Page, Complete | what was missed
//!                  <------------------      Update, as often as the roster changes
//!   Heartbeat           ------------------>      Heartbeat, Ticket
//!   Leave          ------------------>
//! ```

use std::fmt;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::rejection::Rejection;
use super::{Malformed, decode, encode};
use crate::extras::{Extra, Extras};
use crate::id::{Epoch, Revision};
use crate::key::PublicKey;
use crate::roster::{Entry, LinkVersions, RosterVersion, Update};
use crate::time::Timestamp;

/// What a client says. On the wire: append only.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
pub enum Request<'a> {
    /// Logs in with a password.
    #[serde(borrow)]
    Login(Login<'a>),
    /// Comes back with a ticket.
    #[serde(borrow)]
    Resume(Resume<'a>),
    /// Goes offline, to be told to everybody at once.
    Leave,
    /// The heartbeat; the server answers with the same number and its time.
    Heartbeat {
        /// Counted by the client.
        number: u32,
    },
    /// Has other addresses now.
    Move(Offer),
    /// Wants a fresh copy of the roster.
    Refresh,
    /// Wants another password.
    #[serde(borrow)]
    ChangePassword(ChangePassword<'a>),
}

impl<'a> Request<'a> {
    /// Reads a frame's payload.
    ///
    /// # Errors
    /// It is not exactly one request.
    pub fn decode(payload: &'a [u8]) -> Result<Self, Malformed> {
        decode(payload)
    }
}

/// A log-in with a password.
#[derive(Deserialize, PartialEq, Serialize)]
pub struct Login<'a> {
    /// Whether the account is to be made first.
    pub purpose: Purpose,
    /// As typed; the server checks it and says what is wrong with it.
    pub user: &'a str,
    /// As typed.
    pub password: &'a str,
    /// Where datagrams may reach the client.
    pub offer: Offer,
    /// The new session's key.
    pub key: PublicKey,
    /// The datagram formats that the client speaks.
    pub versions: LinkVersions,
    /// Room for what later versions add.
    pub extras: Extras,
}

/// The tag of the extra of [`Login`] that holds an invitation code.
pub const INVITATION: u16 = 1;

/// Prints no password.
impl fmt::Debug for Login<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("purpose", &self.purpose).field("user", &self.user).finish_non_exhaustive()
    }
}

/// What a log-in is for. On the wire: append only.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Purpose {
    /// To use an account.
    Login,
    /// To make an account and use it.
    Register,
}

/// A log-in with a ticket.
#[derive(Deserialize, PartialEq, Serialize)]
pub struct Resume<'a> {
    /// As the server gave it.
    pub ticket: &'a [u8],
    /// Where datagrams may reach the client.
    pub offer: Offer,
    /// The key of the session that begins if the old one cannot go on.
    pub next_key: PublicKey,
    /// The datagram formats that the client speaks.
    pub versions: LinkVersions,
    /// Room for what later versions add.
    pub extras: Extras,
}

impl Resume<'_> {
    /// How far the client's copy of the roster is, if it says so in a way that can be read.
    pub fn known_version(&self) -> Option<RosterVersion> {
        decode(self.extras.get(KNOWN_VERSION)?).ok()
    }
}

/// The tag of the extra of [`Resume`] that says how far the client's copy of the roster is: a [`RosterVersion`]. Only who has had
/// a whole copy says it.
pub const KNOWN_VERSION: u16 = 1;

/// An extra of [`Resume`] or [`Welcome`] that says how far a roster is.
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
    /// Whether the server may add the one it observes.
    pub policy: OfferPolicy,
    /// The UDP port for the address that the server observes.
    pub port: u16,
    /// At most [`Offer::MAX_ADDRESSES`], best first.
    pub addresses: Vec<SocketAddr>,
}

impl Offer {
    /// The most addresses a client may offer: a machine has few interfaces that others reach.
    pub const MAX_ADDRESSES: usize = 4;
}

/// Who decides about a client's addresses. On the wire: append only.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum OfferPolicy {
    /// Found by the client; the server adds what it observes and puts that first.
    Detected,
    /// Named by the user: nothing is added.
    Advertised,
}

/// A change of password.
#[derive(Deserialize, PartialEq, Serialize)]
pub struct ChangePassword<'a> {
    /// The one so far, as typed.
    pub old: &'a str,
    /// The new one, as typed.
    pub new: &'a str,
}

/// Prints no password.
impl fmt::Debug for ChangePassword<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChangePassword").finish_non_exhaustive()
    }
}

/// What the server says. On the wire: append only.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
pub enum Reply {
    /// The session begins or goes on.
    Welcome(Welcome),
    /// The log-in is refused; the connection ends unless the client tries again.
    Rejected(Rejection),
    /// A part of a fresh copy of the roster.
    SnapshotPage(Vec<Entry>),
    /// That was all of the fresh copy. A copy without a page is that of nobody.
    SnapshotComplete {
        /// The server start that counts the revisions.
        epoch: Epoch,
        /// The revision that the copy shows.
        revision: Revision,
    },
    /// The roster changed.
    Update(Update),
    /// The answer to a heartbeat.
    Heartbeat {
        /// As in the heartbeat.
        number: u32,
        /// The server's time.
        at: Timestamp,
    },
    /// A newer ticket, to be used instead of the one before.
    Ticket(Vec<u8>),
    /// What became of a change of password.
    PasswordChange(Result<(), Rejection>),
    /// The session or the connection ends; nothing follows.
    Ended(Ended),
}

impl Reply {
    /// Reads a frame's payload.
    ///
    /// # Errors
    /// It is not exactly one reply.
    pub fn decode(payload: &[u8]) -> Result<Self, Malformed> {
        decode(payload)
    }
}

/// The beginning of a session, or of its next connection.
#[derive(Clone, Deserialize, PartialEq, Serialize)]
pub struct Welcome {
    /// Whether it is the session of the ticket.
    pub kind: WelcomeKind,
    /// The client's own entry, as all others see it.
    pub entry: Entry,
    /// The server's time.
    pub at: Timestamp,
    /// The client's address as the server sees it.
    pub observed: SocketAddr,
    /// The server's times.
    pub timings: Timings,
    /// For coming back without a password.
    pub ticket: Vec<u8>,
    /// How much longer the server, which started not long ago, waits for others to come back; in milliseconds.
    pub settling_ms: u32,
    /// Room for what later versions add.
    pub extras: Extras,
}

impl Welcome {
    /// How far the client's copy is once it has made the updates that follow. None if a whole copy follows.
    ///
    /// # Errors
    /// It says something that cannot be read.
    pub fn delta(&self) -> Result<Option<RosterVersion>, Malformed> {
        self.extras.get(DELTA).map(decode).transpose()
    }
}

/// The tag of the extra of [`Welcome`] that says that no copy follows but what the client has missed since the step that
/// it said itself, and to which [`RosterVersion`] that leads.
pub const DELTA: u16 = 1;

/// Prints no ticket.
impl fmt::Debug for Welcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Welcome").field("kind", &self.kind).field("entry", &self.entry).finish_non_exhaustive()
    }
}

/// How a session stands to the one before. On the wire: append only.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum WelcomeKind {
    /// It began with a password.
    LoggedIn,
    /// It is the session of the ticket: same id, same key, links go on.
    Continued,
    /// The ticket's session has ended; this is a new one with the next key.
    Fresh,
}

/// The server's times that a client has to know, in milliseconds.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Timings {
    /// How often a heartbeat is due.
    pub heartbeat_ms: u32,
    /// After how long a silence the connection counts as broken.
    pub silence_ms: u32,
    /// For how long a broken session waits to be resumed.
    pub grace_ms: u32,
}

/// Why the server ends a session or a connection. On the wire: append only.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, thiserror::Error)]
pub enum Ended {
    /// A newer log-in of the account took over; do not come back.
    #[error("another log-in of this account has taken over")]
    Replaced,
    /// An operator or a change of password ended the session; do not come back.
    #[error("the session was ended: the account was disabled or removed, or its password was changed")]
    Kicked,
    /// The client does not read; it may come back.
    #[error("this client did not read what the server sent")]
    TooSlow,
    /// The server stops; the session waits in its ticket.
    #[error("the server is stopping")]
    Stopping,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::presence::OfflineReason;
    use crate::roster::Change;
    use crate::wire::{assert_refuses_other_lengths, encode};

    fn bytes<T: Serialize>(message: &T) -> Vec<u8> {
        let mut out = Vec::new();
        encode(message, &mut out);
        out
    }

    fn offer() -> Offer {
        Offer {
            policy: OfferPolicy::Detected,
            port: 40_001,
            addresses: vec!["192.168.1.7:40001".parse().unwrap(), "[2001:db8::7]:40001".parse().unwrap()],
        }
    }

    const STEP: RosterVersion = RosterVersion { epoch: Epoch::new(300), revision: Revision::new(2) };

    const OFFER: &str = "00 c1b802 02 00c0a80107c1b802 0120010db8000000000000000000000007c1b802";

    fn entry() -> Entry {
        Entry {
            user: "小明".parse().unwrap(),
            key: PublicKey::new([7; 32]),
            addresses: vec!["192.168.1.7:40001".parse().unwrap()],
            since: Timestamp::from_millis(1),
            versions: LinkVersions { low: 1, high: 1 },
            extras: Extras::default(),
        }
    }

    fn entry_hex() -> String {
        format!("06e5b08fe6988e {} 01 00c0a80107c1b802 01 0101 00", "07".repeat(32))
    }

    fn unhex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
    }

    #[test]
    fn golden_bytes_of_requests() {
        let (key, versions) = (PublicKey::new([7; 32]), LinkVersions { low: 1, high: 1 });
        let enter = Login {
            purpose: Purpose::Register,
            user: "bob",
            password: "hunter22",
            offer: offer(),
            key,
            versions,
            extras: Extras::default(),
        };
        let resume = |extras| Resume { ticket: &[1, 2], offer: offer(), next_key: key, versions, extras };
        let copy = [version_extra(KNOWN_VERSION, STEP)].into_iter().collect();
        let sevens = "07".repeat(32);
        for (request, golden) in [
            (Request::Login(enter), format!("00 01 03626f62 0868756e7465723232 {OFFER} {sevens} 0101 00")),
            (Request::Resume(resume(Extras::default())), format!("01 020102 {OFFER} {sevens} 0101 00")),
            (Request::Resume(resume(copy)), format!("01 020102 {OFFER} {sevens} 0101 01 01 03 ac0202")),
            (Request::Leave, "02".into()),
            (Request::Heartbeat { number: 300 }, "03 ac02".into()),
            (Request::Move(offer()), format!("04 {OFFER}")),
            (Request::Refresh, "05".into()),
            (Request::ChangePassword(ChangePassword { old: "a", new: "b" }), "06 0161 0162".into()),
        ] {
            let encoded = bytes(&request);
            assert_eq!(encoded, unhex(&golden), "{request:?}");
            assert_eq!(Request::decode(&encoded).as_ref(), Ok(&request));
            let longer = [&encoded[..], &[0]].concat();
            assert_refuses_other_lengths::<Request<'_>>(&encoded, &longer);
        }
    }

    #[test]
    fn golden_bytes_of_replies() {
        let welcome = Welcome {
            kind: WelcomeKind::Fresh,
            entry: entry(),
            at: Timestamp::from_millis(300),
            observed: "192.168.1.7:5".parse().unwrap(),
            timings: Timings { heartbeat_ms: 1, silence_ms: 2, grace_ms: 3 },
            ticket: vec![9],
            settling_ms: 4,
            extras: Extras::default(),
        };
        let missed = Welcome { extras: [version_extra(DELTA, STEP)].into_iter().collect(), ..welcome.clone() };
        let (epoch, revision, at) = (Epoch::new(1), Revision::new(2), Timestamp::from_millis(5));
        let user = || "bob".parse().unwrap();
        let changes = vec![
            (at, Change::Online(entry())),
            (at, Change::Offline { user: user(), reason: OfflineReason::Kicked }),
            (at, Change::Replaced(entry())),
            (at, Change::Moved { user: user(), addresses: vec!["10.0.0.1:1024".parse().unwrap()] }),
        ];
        let update = Update { epoch, from: revision, to: Revision::new(6), changes };
        let entry_hex = entry_hex();
        let update_hex = format!(
            "01 02 06 04 05 00 {entry_hex} 05 01 03626f62 02 05 02 {entry_hex} 05 03 03626f62 01 000a0000018008"
        );
        for (reply, golden) in [
            (Reply::Welcome(welcome), format!("00 02 {entry_hex} ac02 00c0a8010705 010203 0109 04 00")),
            (Reply::Welcome(missed), format!("00 02 {entry_hex} ac02 00c0a8010705 010203 0109 04 01 01 03 ac0202")),
            (Reply::Rejected(Rejection::NameTaken), "01 02".into()),
            (Reply::SnapshotPage(vec![entry()]), format!("02 01 {entry_hex}")),
            (Reply::SnapshotComplete { epoch, revision }, "03 01 02".into()),
            (Reply::Update(update), format!("04 {update_hex}")),
            (Reply::Heartbeat { number: 1, at }, "05 01 05".into()),
            (Reply::Ticket(vec![8, 9]), "06 02 0809".into()),
            (Reply::PasswordChange(Ok(())), "07 00".into()),
            (Reply::PasswordChange(Err(Rejection::WrongCredentials)), "07 01 03".into()),
            (Reply::Ended(Ended::Replaced), "08 00".into()),
            (Reply::Ended(Ended::Kicked), "08 01".into()),
            (Reply::Ended(Ended::TooSlow), "08 02".into()),
            (Reply::Ended(Ended::Stopping), "08 03".into()),
        ] {
            let encoded = bytes(&reply);
            assert_eq!(encoded, unhex(&golden), "{reply:?}");
            assert_eq!(Reply::decode(&encoded).as_ref(), Ok(&reply));
            let longer = [&encoded[..], &[0]].concat();
            assert_refuses_other_lengths::<Reply>(&encoded, &longer);
        }
    }

    #[test]
    fn how_far_a_roster_is_is_read_whole_or_not_at_all() {
        let resume = |extras| {
            let (next_key, versions) = (PublicKey::new([7; 32]), LinkVersions { low: 1, high: 1 });
            Resume { ticket: &[], offer: offer(), next_key, versions, extras }
        };
        assert_eq!(resume([version_extra(KNOWN_VERSION, STEP)].into_iter().collect()).known_version(), Some(STEP));
        assert_eq!(resume([version_extra(KNOWN_VERSION + 1, STEP)].into_iter().collect()).known_version(), None);
        let whole = version_extra(KNOWN_VERSION, STEP).value.clone();
        let longer = [&whole[..], &[0]].concat();
        for value in (0..whole.len()).map(|len| &whole[..len]).chain([&longer[..], &[0xff; 20]]) {
            let extra = Extra { tag: KNOWN_VERSION, value: value.to_vec() };
            assert_eq!(resume([extra].into_iter().collect()).known_version(), None, "{value:?}");
        }
    }

    #[test]
    fn a_roster_entry_with_a_name_that_is_none_is_refused() {
        let mut encoded = bytes(&Reply::SnapshotPage(vec![entry()]));
        encoded[3] = b' ';
        assert_eq!(Reply::decode(&encoded), Err(Malformed));
    }

    #[test]
    fn a_claimed_length_allocates_nothing() {
        assert_eq!(Reply::decode(&[2, 0xff, 0xff, 0xff, 0xff, 0x0f]), Err(Malformed));
    }

    #[test]
    fn secrets_are_not_printed() {
        let change = Request::ChangePassword(ChangePassword { old: "hunter22", new: "hunter23" });
        assert!(!format!("{change:?}").contains("hunter"));
    }
}
