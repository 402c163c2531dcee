//! Acts: what happens to sessions, in the order of the journal.

#![expect(clippy::exhaustive_structs, reason = "what the journal stores never changes")]

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::accounts::AccountDigest;
use crate::away::AwayText;
use crate::id::{AccountId, NodeId, Tag};
use crate::name::UserName;
use crate::presence::OfflineReason;
use crate::roster::Entry;
use crate::time::Timestamp;

/// One act on the sessions and the roster. It leaves nothing to decide: the same acts in the same order lead to the
/// same sessions and the same roster. In the journal: append only.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(clippy::exhaustive_enums, reason = "a roster is right only if every act is applied")]
pub enum Act {
    /// A session begins at the node that proposes this. It replaces the session of the same account, if there is one.
    Began {
        /// The account of the session.
        account: AccountId,
        /// Identifies the account in tickets.
        digest: AccountDigest,
        /// The generation of the account.
        generation: u64,
        /// The session in the roster.
        entry: Entry,
        /// The accounts whose sessions conflict with this one. These sessions end as kicked.
        evicted: Vec<AccountId>,
    },
    /// A session continues on another connection, which is one of the node that proposes this.
    Continued {
        /// The account of the session.
        account: AccountId,
        /// The generation of the account.
        generation: u64,
        /// The addresses of the session, if they are other ones from now on.
        addresses: Option<Vec<SocketAddr>>,
    },
    /// A session has other addresses.
    Moved {
        /// The account of the session.
        account: AccountId,
        /// All addresses of the session, in order of preference.
        addresses: Vec<SocketAddr>,
    },
    /// The user of a session goes away, or comes back.
    Away {
        /// The account of the session.
        account: AccountId,
        /// The away text. `None` if the user comes back.
        away: Option<AwayText>,
    },
    /// A session has changed the password of its account, which has this generation now.
    Renewed {
        /// The account of the session.
        account: AccountId,
        /// The generation of the account.
        generation: u64,
    },
    /// A session ends for good.
    Ended {
        /// The account of the session.
        account: AccountId,
        /// The user name of the session, for readers that have not read how it began.
        user: UserName,
        /// Why it ends.
        reason: OfflineReason,
    },
    /// A node enters.
    Joined {
        /// What it says about itself.
        row: NodeRow,
    },
    /// A node gives no sign of life any more. Its sessions belong to the heir, where they wait to be continued.
    Lost {
        /// The node.
        node: NodeId,
        /// The node that its sessions belong to from now on.
        heir: NodeId,
    },
    /// The node that proposes this stops. Its sessions belong to the heir, where they wait to be continued.
    Left {
        /// The node that its sessions belong to from now on.
        heir: NodeId,
    },
}

impl Act {
    /// The number of changes of the roster that it makes.
    pub fn changes(&self) -> u32 {
        match self {
            Self::Began { evicted, .. } => u32::try_from(evicted.len()).unwrap_or(u32::MAX).saturating_add(1),
            Self::Continued { addresses, .. } => u32::from(addresses.is_some()),
            Self::Moved { .. } | Self::Away { .. } | Self::Ended { .. } => 1,
            Self::Renewed { .. } | Self::Joined { .. } | Self::Lost { .. } | Self::Left { .. } => 0,
        }
    }

    /// The account that it is about. `None` if it is about a node.
    pub const fn account(&self) -> Option<AccountId> {
        match self {
            Self::Began { account, .. }
            | Self::Continued { account, .. }
            | Self::Moved { account, .. }
            | Self::Away { account, .. }
            | Self::Renewed { account, .. }
            | Self::Ended { account, .. } => Some(*account),
            Self::Joined { .. } | Self::Lost { .. } | Self::Left { .. } => None,
        }
    }
}

/// The state that a node reports about itself.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct NodeRow {
    /// Its name, which operators give it.
    pub name: String,
}

/// An act with its origin, as the journal stores it: the tag (8 bytes, big-endian) and the rest in postcard.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ProposedAct {
    /// Identifies the act.
    pub tag: Tag,
    /// The node that proposed it.
    pub node: NodeId,
    /// The number that the node gave it.
    pub number: u64,
    /// When it was proposed, on the clock of that node.
    pub at: Timestamp,
    /// The act.
    pub act: Act,
}

/// The bytes are no act that this version knows.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the journal has an act that this version does not know")]
#[non_exhaustive]
pub struct UnknownAct;

impl ProposedAct {
    /// Encodes it.
    ///
    /// # Panics
    /// Never: a vector takes any length.
    pub fn encode(&self) -> Vec<u8> {
        let Self { tag, node, number, at, act } = self;
        let bytes = tag.get().to_be_bytes().to_vec();
        postcard::to_extend(&(node, number, at, act), bytes).expect("a vector takes any length")
    }

    /// Decodes all of `bytes`.
    ///
    /// # Errors
    /// [`UnknownAct`] if a later version wrote them, or none.
    pub fn decode(bytes: &[u8]) -> Result<Self, UnknownAct> {
        let (tag, rest) = bytes.split_first_chunk().ok_or(UnknownAct)?;
        let tag = Tag::new(u64::from_be_bytes(*tag));
        match postcard::take_from_bytes(rest) {
            Ok(((node, number, at, act), [])) => Ok(Self { tag, node, number, at, act }),
            _ => Err(UnknownAct),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proposed(act: Act) -> ProposedAct {
        let at = Timestamp::from_millis(1_795_408_080_123);
        ProposedAct { tag: Tag::new(0x0102_0304_0506_0708), node: NodeId::new(9), number: 3, at, act }
    }

    #[test]
    fn acts_have_golden_bytes() {
        let account = AccountId::new(7);
        let head = [&[1, 2, 3, 4, 5, 6, 7, 8, 9, 3][..], &[0xfb, 0xd9, 0xa4, 0xb5, 0xa0, 0x34]].concat();
        for (act, tail) in [
            (Act::Continued { account, generation: 2, addresses: None }, &[1, 7, 2, 0][..]),
            (
                Act::Moved { account, addresses: vec![([10, 0, 0, 1], 4000).into()] },
                &[2, 7, 1, 0, 10, 0, 0, 1, 160, 31],
            ),
            (Act::Away { account, away: "hi".parse().ok() }, &[3, 7, 1, 2, b'h', b'i']),
            (Act::Renewed { account, generation: 5 }, &[4, 7, 5]),
            (
                Act::Ended { account, user: "bob".parse().unwrap(), reason: OfflineReason::Lost },
                &[5, 7, 3, b'b', b'o', b'b', 1],
            ),
            (Act::Joined { row: NodeRow { name: "a".into() } }, &[6, 1, b'a']),
            (Act::Lost { node: NodeId::new(1), heir: NodeId::new(2) }, &[7, 1, 2]),
            (Act::Left { heir: NodeId::new(2) }, &[8, 2]),
        ] {
            let proposed = proposed(act);
            let bytes = proposed.encode();
            assert_eq!(bytes, [&head, tail].concat(), "{proposed:?}");
            assert_eq!(ProposedAct::decode(&bytes), Ok(proposed));
            for cut in 0..bytes.len() {
                assert_eq!(ProposedAct::decode(&bytes[..cut]), Err(UnknownAct));
            }
            assert_eq!(ProposedAct::decode(&[&bytes[..], &[0]].concat()), Err(UnknownAct));
        }
    }

    #[test]
    fn an_act_of_a_later_version_is_unknown() {
        let mut bytes = proposed(Act::Left { heir: NodeId::new(2) }).encode();
        let variant = bytes.len() - 2;
        bytes[variant] = 9;
        assert_eq!(ProposedAct::decode(&bytes), Err(UnknownAct));
    }
}
