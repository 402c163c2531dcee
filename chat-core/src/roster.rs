//! The roster: the sessions that are online, and their numbered changes.
//!
//! The wire carries these structures, so they never change: what a later version adds to an entry is in its extras.

#![expect(clippy::exhaustive_structs, reason = "wire structures never change")]

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::away::AwayText;
use crate::extras::Extras;
use crate::id::{Epoch, Revision, SessionId};
use crate::key::PublicKey;
use crate::name::UserName;
use crate::presence::{OfflineReason, Presence, PresenceEvent};
use crate::time::Timestamp;

/// The link versions that a session supports: an inclusive range.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct LinkVersions {
    /// The lowest supported version.
    pub low: u8,
    /// The highest supported version.
    pub high: u8,
}

/// What the link of a session can do beyond its version: one bit for each feature. Unknown bits are kept and ignored.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct LinkFeatures(u32);

impl LinkFeatures {
    /// No feature, as in the first versions.
    pub const NONE: Self = Self(0);

    /// The session takes datagrams that the server relays.
    pub const RELAY: Self = Self(1);

    /// Whether it has all of `features`.
    pub const fn contains(self, features: Self) -> bool {
        self.0 & features.0 == features.0
    }

    /// The value of an extra: 4 bytes, big-endian.
    pub const fn encode(self) -> [u8; 4] {
        self.0.to_be_bytes()
    }

    /// Decodes the value of an extra.
    pub fn decode(value: &[u8]) -> Option<Self> {
        value.try_into().ok().map(|bytes| Self(u32::from_be_bytes(bytes)))
    }
}

/// One session in the roster.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Entry {
    /// The user.
    pub user: UserName,
    /// The session's public key, from which its id is derived.
    pub key: PublicKey,
    /// The addresses at which the session may receive datagrams, in order of preference. At least one and at most
    /// [`Entry::MAX_ADDRESSES`].
    pub addresses: Vec<SocketAddr>,
    /// When the session began.
    pub since: Timestamp,
    /// The link versions that the session supports.
    pub versions: LinkVersions,
    /// Extension fields, for later versions.
    pub extras: Extras,
}

impl Entry {
    /// The most addresses of an entry: the 4 that a client may offer, and the one that the server observed.
    pub const MAX_ADDRESSES: usize = 5;

    /// The lowest UDP port of an address. Ports below belong to services of the system, not to chat clients.
    pub const LOWEST_PORT: u16 = 1024;

    /// The only address of a session that hides where it is and is reached through the relay alone. No datagram is sent to
    /// it. It has the prefix that networks discard (RFC 6666), in case an earlier version sends one.
    pub const HIDDEN_ADDRESS: SocketAddr =
        SocketAddr::new(IpAddr::V6(Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 1)), Self::LOWEST_PORT);

    /// The session id.
    pub fn session(&self) -> SessionId {
        self.key.session()
    }

    /// Whether the session hides its addresses.
    pub fn is_hidden(&self) -> bool {
        self.addresses.iter().all(|address| *address == Self::HIDDEN_ADDRESS)
    }

    /// The preferred address.
    pub fn address(&self) -> SocketAddr {
        preferred(&self.addresses)
    }

    /// The away text of a user who is away. `None` if the user is not, or if the text breaks a rule.
    pub fn away(&self) -> Option<AwayText> {
        away_text(self.extras.get(AWAY)?)
    }

    /// Says that the user is away, or with `None` that the user is not.
    pub fn set_away(&mut self, away: Option<&AwayText>) {
        self.extras.set(AWAY, away.map(|text| text.as_str().into()));
    }

    /// The link features of the session. None if it states no valid ones.
    pub fn link_features(&self) -> LinkFeatures {
        self.extras.get(LINK_FEATURES).and_then(LinkFeatures::decode).unwrap_or_default()
    }

    /// States link features. An entry without any has no such extra, as in the first versions.
    pub fn set_link_features(&mut self, features: LinkFeatures) {
        let value = (features != LinkFeatures::NONE).then(|| features.encode().into());
        self.extras.set(LINK_FEATURES, value);
    }
}

/// Tag of an extra of [`Entry`]: the [`LinkFeatures`] of the session, as its client stated them.
pub const LINK_FEATURES: u16 = 2;

/// Tag of an extra of [`Entry`]: the [`AwayText`] of a user who is away.
pub const AWAY: u16 = 1;

/// The away text in the value of an extra.
pub(crate) fn away_text(value: &[u8]) -> Option<AwayText> {
    AwayText::parse(str::from_utf8(value).ok()?).ok()
}

/// One change of the roster. On the wire: append only. Exhaustive, because a roster is right only if every change is
/// applied.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(clippy::exhaustive_enums, reason = "a roster needs every change")]
pub enum Change {
    /// A session began.
    Online(Entry),
    /// A session ended.
    Offline {
        /// The user of the session.
        user: UserName,
        /// Why the session ended.
        reason: OfflineReason,
    },
    /// A newer session of the same user replaced the previous one. If the key is that of the previous entry, the session
    /// goes on, and only its extras are other ones.
    Replaced(Entry),
    /// A session has other addresses.
    Moved {
        /// The user of the session.
        user: UserName,
        /// All addresses of the session, in order of preference.
        addresses: Vec<SocketAddr>,
    },
}

impl Change {
    /// The user whose session changed.
    pub fn user(&self) -> &UserName {
        match self {
            Self::Online(entry) | Self::Replaced(entry) => &entry.user,
            Self::Offline { user, .. } | Self::Moved { user, .. } => user,
        }
    }

    /// The change as an event to display or to record.
    pub fn event(&self, at: Timestamp) -> PresenceEvent {
        let presence = match self {
            Self::Online(entry) => Presence::Online(entry.address()),
            Self::Offline { reason, .. } => Presence::Offline(*reason),
            Self::Replaced(entry) => Presence::Replaced(entry.address()),
            Self::Moved { addresses, .. } => Presence::Moved(preferred(addresses)),
        };
        PresenceEvent { at, user: self.user().clone(), presence }
    }
}

/// The first address. Entries always have one; the fallback only avoids a panic.
fn preferred(addresses: &[SocketAddr]) -> SocketAddr {
    addresses.first().copied().unwrap_or_else(|| SocketAddr::from(([0, 0, 0, 0], 0)))
}

/// Identifies a state of the roster.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct RosterVersion {
    /// The run of the server that counts the revisions.
    pub epoch: Epoch,
    /// The number of the last change.
    pub revision: Revision,
}

/// Consecutive changes of the roster.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Update {
    /// The run of the server that counts the revisions.
    pub epoch: Epoch,
    /// The revision before the first change.
    pub from: Revision,
    /// The revision after the last change: `from` plus the number of changes.
    pub to: Revision,
    /// The changes in order, each with its time on the server's clock.
    pub changes: Vec<(Timestamp, Change)>,
}

/// The sessions that are online, by user name. A user has at most one session.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Roster {
    /// In boxes, because a tree with large values has a third of its memory unused.
    entries: BTreeMap<UserName, Box<Entry>>,
}

impl Roster {
    /// Creates an empty roster.
    pub const fn new() -> Self {
        Self { entries: BTreeMap::new() }
    }

    /// The number of sessions.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no sessions.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entry of `user`, if the user is online.
    pub fn get(&self, user: &UserName) -> Option<&Entry> {
        self.entries.get(user).map(|entry| &**entry)
    }

    /// All entries, in the order of canonical user names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Entry> {
        self.entries.values().map(|entry| &**entry)
    }

    /// Inserts an entry, and returns the user's previous one.
    pub fn insert(&mut self, entry: Entry) -> Option<Entry> {
        self.entries.insert(entry.user.clone(), Box::new(entry)).map(|entry| *entry)
    }

    /// Removes and returns the entry of `user`.
    pub fn remove(&mut self, user: &UserName) -> Option<Entry> {
        self.entries.remove(user).map(|entry| *entry)
    }

    /// Applies one change. A change of a user who is not online has no effect: whether two rosters are in sync is a matter
    /// of their versions, not of their contents.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Online(entry) | Change::Replaced(entry) => {
                self.insert(entry.clone());
            }
            Change::Offline { user, .. } => {
                self.remove(user);
            }
            Change::Moved { user, addresses } => {
                if let Some(entry) = self.entries.get_mut(user) {
                    entry.addresses.clone_from(addresses);
                }
            }
        }
    }
}

impl FromIterator<Entry> for Roster {
    fn from_iter<I: IntoIterator<Item = Entry>>(entries: I) -> Self {
        let mut roster = Self::new();
        for entry in entries {
            roster.insert(entry);
        }
        roster
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(user: &str, key: u8) -> Entry {
        Entry {
            user: UserName::parse(user).unwrap(),
            key: PublicKey::new([key; 32]),
            addresses: vec![SocketAddr::from(([192, 168, 1, key], 40_001))],
            since: Timestamp::from_millis(u64::from(key)),
            versions: LinkVersions { low: 1, high: 1 },
            extras: Extras::default(),
        }
    }

    #[test]
    fn changes_are_applied_in_order() {
        let mut roster: Roster = [entry("alice", 1)].into_iter().collect();
        let moved = vec![SocketAddr::from(([10, 0, 0, 9], 50_000))];
        for change in [
            Change::Online(entry("小明", 2)),
            Change::Replaced(entry("Alice", 3)),
            Change::Moved { user: UserName::parse("小明").unwrap(), addresses: moved.clone() },
            Change::Offline { user: UserName::parse("nobody").unwrap(), reason: OfflineReason::Lost },
        ] {
            roster.apply(&change);
        }
        assert_eq!(roster.len(), 2);
        assert_eq!(roster.get(&UserName::parse("alice").unwrap()), Some(&entry("Alice", 3)));
        assert_eq!(roster.get(&UserName::parse("小明").unwrap()).unwrap().addresses, moved);
        roster.apply(&Change::Offline { user: UserName::parse("ALICE").unwrap(), reason: OfflineReason::Asked });
        assert_eq!(roster.iter().map(|entry| entry.user.as_str()).collect::<Vec<_>>(), ["小明"]);
    }

    #[test]
    fn an_away_text_is_an_extra_and_an_invalid_one_counts_as_none() {
        let mut alice = entry("alice", 1);
        assert_eq!(alice.away(), None);
        let away: AwayText = "在开会".parse().unwrap();
        alice.set_away(Some(&away));
        assert_eq!((alice.away(), alice.extras.get(AWAY)), (Some(away), Some("在开会".as_bytes())));
        alice.set_away(Some(&AwayText::default()));
        assert_eq!(alice.away(), Some(AwayText::default()), "away without a text");
        alice.set_away(None);
        assert_eq!(alice, entry("alice", 1));
        for invalid in [&b"\xff"[..], b"two\nlines", &[b'x'; 129]] {
            alice.extras.set(AWAY, Some(invalid.into()));
            assert_eq!(alice.away(), None, "{invalid:?}");
        }
    }

    #[test]
    fn link_features_are_an_extra_of_four_bytes_and_others_count_as_none() {
        let mut alice = entry("alice", 1);
        assert_eq!(alice.link_features(), LinkFeatures::NONE);
        alice.set_link_features(LinkFeatures::RELAY);
        assert_eq!(alice.extras.get(LINK_FEATURES), Some(&[0, 0, 0, 1][..]));
        alice.set_away(Some(&AwayText::default()));
        assert!(alice.link_features().contains(LinkFeatures::RELAY), "whether or not the user is away");
        alice.extras.set(LINK_FEATURES, Some(vec![0x80, 0, 0, 2]));
        assert!(!alice.link_features().contains(LinkFeatures::RELAY));
        assert_eq!(alice.link_features().encode(), [0x80, 0, 0, 2], "unknown features are kept");
        for invalid in [&b""[..], &[0, 0, 1], &[0, 0, 0, 0, 1]] {
            alice.extras.set(LINK_FEATURES, Some(invalid.into()));
            assert_eq!(alice.link_features(), LinkFeatures::NONE, "{invalid:?}");
        }
        alice.set_away(None);
        alice.set_link_features(LinkFeatures::NONE);
        assert_eq!(alice, entry("alice", 1));
    }

    #[test]
    fn a_change_has_an_event() {
        let at = Timestamp::from_millis(5);
        let event = Change::Replaced(entry("alice", 3)).event(at);
        assert_eq!(event.presence, Presence::Replaced(SocketAddr::from(([192, 168, 1, 3], 40_001))));
        assert_eq!((event.at, event.user.as_str()), (at, "alice"));
    }
}
