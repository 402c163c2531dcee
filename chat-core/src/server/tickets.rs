//! Tickets: a client shows one to log in without a password. Only the server can make and read them.

use std::fmt;
use std::time::Duration;

use aws_lc_rs::hmac;
use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use super::pseudonyms::Pseudonyms;
use crate::accounts::AccountDigest;
use crate::id::{AccountId, Epoch};
use crate::key::PublicKey;
use crate::time::Timestamp;
use crate::wire;

/// The server's key for tickets (HMAC-SHA256). It is a secret, because with it one can make tickets for any session.
/// Keep it across restarts, so that sessions continue.
pub struct TicketKey(hmac::Key);

impl TicketKey {
    /// The length in bytes.
    pub const LEN: usize = 32;

    /// The key with these bytes. The copy made here is wiped.
    pub fn new(mut bytes: [u8; Self::LEN]) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &bytes);
        bytes.zeroize();
        Self(key)
    }

    /// The maker of pseudonyms for user names and networks, the same at every server with this key.
    pub(super) fn pseudonyms(&self) -> Pseudonyms {
        let tag = hmac::sign(&self.0, b"chat pseudonyms");
        Pseudonyms::new(hmac::Key::new(hmac::HMAC_SHA256, tag.as_ref()))
    }

    /// Identifies the key, and tells nothing about it: servers that share a roster must have the same one.
    pub fn fingerprint(&self) -> [u8; 16] {
        let tag = hmac::sign(&self.0, b"chat roster");
        *tag.as_ref().first_chunk().expect("SHA-256 has 32 bytes")
    }
}

/// Prints no bytes.
impl fmt::Debug for TicketKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TicketKey")
    }
}

/// The content of a ticket. Encoded as a format byte, postcard, and a tag.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct Ticket {
    /// The run of the server that made it.
    pub(super) epoch: Epoch,
    /// The account of the session.
    pub(super) account: AccountId,
    /// The same account, told apart from those with its id in other databases.
    pub(super) digest: AccountDigest,
    /// The generation of the account. Any later one makes the ticket void.
    pub(super) generation: u64,
    /// The session's public key.
    pub(super) key: PublicKey,
    /// When the session began.
    pub(super) since: Timestamp,
    /// When the ticket was made.
    pub(super) issued: Timestamp,
}

/// The first byte of a ticket. The tag covers it. Format 1 had no digest of the account.
const FORMAT: u8 = 2;

const TAG_LEN: usize = 32;

impl Ticket {
    /// The ticket as the client keeps it, at most 131 bytes.
    pub(super) fn seal(&self, key: &TicketKey) -> Vec<u8> {
        let mut bytes = vec![FORMAT];
        wire::encode(self, &mut bytes);
        let tag = hmac::sign(&key.0, &bytes);
        bytes.extend_from_slice(tag.as_ref());
        bytes
    }

    /// Opens a ticket that was sealed with `key`. `None` if its tag is wrong, or if it is older than `life`. The tag is
    /// compared in constant time. Even if the clock is set back, no ticket is valid for longer than twice its life.
    pub(super) fn open(bytes: &[u8], key: &TicketKey, now: Timestamp, life: Duration) -> Option<Self> {
        let (signed, tag) = bytes.split_last_chunk::<TAG_LEN>()?;
        hmac::verify(&key.0, signed, tag).ok()?;
        let body = signed.strip_prefix(&[FORMAT])?;
        let ticket: Self = wire::decode(body).ok()?;
        (now.abs_diff(ticket.issued) <= life).then_some(ticket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::{Account, Status};
    use crate::name::UserName;

    const LIFE: Duration = Duration::from_secs(60);

    fn key() -> TicketKey {
        TicketKey::new([7; 32])
    }

    fn account(name: &str, created: u64) -> Account {
        Account {
            id: AccountId::new(1),
            name: UserName::parse(name).unwrap(),
            generation: 1,
            status: Status::Active,
            created: Timestamp::from_millis(created),
            last_seen: None,
            tickets_void_until: None,
        }
    }

    fn ticket() -> Ticket {
        Ticket {
            epoch: Epoch::new(u64::MAX),
            account: AccountId::new(u64::MAX),
            digest: AccountDigest::of(&account("alice", 5)),
            generation: u64::MAX,
            key: PublicKey::new([9; 32]),
            since: Timestamp::from_millis(u64::MAX - 9),
            issued: Timestamp::from_millis(1_000_000),
        }
    }

    fn open(bytes: &[u8], millis: u64) -> Option<Ticket> {
        Ticket::open(bytes, &key(), Timestamp::from_millis(millis), LIFE)
    }

    #[test]
    fn a_ticket_is_valid_until_its_life_is_over() {
        let bytes = ticket().seal(&key());
        assert!(bytes.len() <= 131, "{}", bytes.len());
        for (millis, valid) in
            [(1_000_000, true), (1_060_000, true), (1_060_001, false), (940_000, true), (939_999, false)]
        {
            assert_eq!(open(&bytes, millis), valid.then(ticket), "{millis}");
        }
    }

    #[test]
    fn changed_shortened_and_lengthened_tickets_are_refused() {
        let bytes = ticket().seal(&key());
        for at in 0..bytes.len() {
            assert_eq!(open(&bytes[..at], 1_000_000), None, "the first {at} bytes");
            for bit in 0..8 {
                let mut forged = bytes.clone();
                forged[at] ^= 1 << bit;
                assert_eq!(open(&forged, 1_000_000), None, "byte {at}, bit {bit}");
            }
        }
        assert_eq!(open(&[&bytes[..], &[0]].concat(), 1_000_000), None);
    }

    #[test]
    fn tickets_of_another_key_or_format_are_refused() {
        let bytes = ticket().seal(&TicketKey::new([8; 32]));
        assert_eq!(open(&bytes, 1_000_000), None);
        let mut other = vec![FORMAT + 1];
        wire::encode(&ticket(), &mut other);
        let tag = hmac::sign(&key().0, &other);
        other.extend_from_slice(tag.as_ref());
        assert_eq!(open(&other, 1_000_000), None);
    }

    #[test]
    fn a_fingerprint_tells_keys_apart() {
        let [one, other] = [[8; 32], [9; 32]].map(TicketKey::new);
        assert_eq!(one.fingerprint(), TicketKey::new([8; 32]).fingerprint());
        assert_ne!(one.fingerprint(), other.fingerprint());
    }

    #[test]
    fn debug_prints_no_key() {
        assert_eq!(format!("{:?}", key()), "TicketKey");
    }
}
