//! The roster: who is online, and its numbered changes.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::extras::Extras;
use crate::id::{Epoch, Revision, SessionId};
use crate::key::PublicKey;
use crate::name::UserName;
use crate::presence::{OfflineReason, Presence, PresenceEvent};
use crate::time::Timestamp;

/// The versions of the datagram format that a session speaks, both inclusive.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct LinkVersions {
    /// The lowest.
    pub low: u8,
    /// The highest.
    pub high: u8,
}

/// One session that is online.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Entry {
    /// Whose it is.
    pub user: UserName,
    /// Its public key, from which its id follows.
    pub key: PublicKey,
    /// Where its datagrams may be sent, best first; never empty, at most [`Entry::MAX_ADDRESSES`].
    pub addresses: Vec<SocketAddr>,
    /// When it logged in.
    pub since: Timestamp,
    /// The datagram formats that it speaks.
    pub versions: LinkVersions,
    /// Room for what later versions add, such as an identity key.
    pub extras: Extras,
}

impl Entry {
    /// What a client may offer (4) and the one that the server observed.
    pub const MAX_ADDRESSES: usize = 5;

    /// The session's id.
    pub fn session(&self) -> SessionId {
        self.key.session()
    }

    /// The address to show for it, the first.
    pub fn address(&self) -> SocketAddr {
        self.addresses.first().copied().unwrap_or_else(|| SocketAddr::from(([0, 0, 0, 0], 0)))
    }
}

/// One change of the roster. On the wire: append only.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Change {
    /// A session came.
    Online(Entry),
    /// A session left.
    Offline {
        /// Whose it was.
        user: UserName,
        /// Why.
        reason: OfflineReason,
    },
    /// A newer session of the same user took the place of the one before.
    Replaced(Entry),
    /// The same session has other addresses now.
    Moved {
        /// Whose it is.
        user: UserName,
        /// All of its addresses, best first.
        addresses: Vec<SocketAddr>,
    },
}

impl Change {
    /// Whom it is about.
    pub fn user(&self) -> &UserName {
        match self {
            Self::Online(entry) | Self::Replaced(entry) => &entry.user,
            Self::Offline { user, .. } | Self::Moved { user, .. } => user,
        }
    }

    /// What people are told of it.
    pub fn event(&self, at: Timestamp) -> PresenceEvent {
        let presence = match self {
            Self::Online(entry) => Presence::Online(entry.address()),
            Self::Offline { reason, .. } => Presence::Offline(*reason),
            Self::Replaced(entry) => Presence::Replaced(entry.address()),
            Self::Moved { addresses, .. } => Presence::Moved(first(addresses)),
        };
        PresenceEvent { at, user: self.user().clone(), presence }
    }
}

fn first(addresses: &[SocketAddr]) -> SocketAddr {
    addresses.first().copied().unwrap_or_else(|| SocketAddr::from(([0, 0, 0, 0], 0)))
}

/// How far a roster, or a copy of it, is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct RosterVersion {
    /// The server start that counts the revisions.
    pub epoch: Epoch,
    /// The revision.
    pub revision: Revision,
}

/// Changes that lead from one revision to a later one.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Update {
    /// The server start that counts these revisions.
    pub epoch: Epoch,
    /// The revision that the receiver must have.
    pub from: Revision,
    /// The revision that it has afterwards: `from` plus the number of changes.
    pub to: Revision,
    /// The changes in order, each with its time on the server's clock.
    pub changes: Vec<(Timestamp, Change)>,
}

/// Who is online, by user name: one session per account.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Roster {
    entries: BTreeMap<UserName, Entry>,
}

impl Roster {
    /// A roster of nobody.
    pub const fn new() -> Self {
        Self { entries: BTreeMap::new() }
    }

    /// How many are online.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nobody is online.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entry of `user`, if online.
    pub fn get(&self, user: &UserName) -> Option<&Entry> {
        self.entries.get(user)
    }

    /// Everybody, in the order of canonical names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Entry> {
        self.entries.values()
    }

    /// Puts an entry in; gives back the one it took the place of.
    pub fn insert(&mut self, entry: Entry) -> Option<Entry> {
        self.entries.insert(entry.user.clone(), entry)
    }

    /// Takes `user` out.
    pub fn remove(&mut self, user: &UserName) -> Option<Entry> {
        self.entries.remove(user)
    }

    /// Makes one change. A change about somebody who is not there does nothing: revisions, not contents, tell whether
    /// two rosters are in step.
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
    fn changes_lead_from_one_roster_to_the_next() {
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
    fn a_change_tells_the_event_that_people_see() {
        let at = Timestamp::from_millis(5);
        let event = Change::Replaced(entry("alice", 3)).event(at);
        assert_eq!(event.presence, Presence::Replaced(SocketAddr::from(([192, 168, 1, 3], 40_001))));
        assert_eq!((event.at, event.user.as_str()), (at, "alice"));
    }
}
