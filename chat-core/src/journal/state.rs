//! What the slots of the journal hold: the sessions, their ids, and the nodes as the last act has left them.

#![expect(clippy::exhaustive_enums, reason = "what the journal stores never changes")]

use serde::{Deserialize, Serialize};

use super::act::NodeRow;
use crate::accounts::AccountDigest;
use crate::id::{AccountId, NodeId, SessionId};
use crate::roster::Entry;
use crate::time::Timestamp;

/// A part of the state that one act at a time may change. The journal knows which act was the last to do so.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Slot {
    /// The session of an account, or when its last one began. Holds an [`AccountState`].
    Account(AccountId),
    /// The account of a session that is online. Holds an [`AccountId`].
    Session(SessionId),
    /// A node. Holds a [`NodeState`].
    Node(NodeId),
}

/// The session of an account.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum AccountState {
    /// A session is online.
    Online {
        /// The node that it is at. If that node is lost, the session is at its heir.
        home: NodeId,
        /// Identifies the account in tickets.
        digest: AccountDigest,
        /// The generation of the account.
        generation: u64,
        /// The session in the roster.
        entry: Entry,
    },
    /// No session is online.
    Ended {
        /// When the latest one began.
        since: Timestamp,
    },
}

/// A node.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum NodeState {
    /// It has entered.
    Joined(NodeRow),
    /// It was lost, or has left.
    Lost {
        /// The node that its sessions belong to.
        heir: NodeId,
    },
}

/// Encodes the value of a slot.
pub(crate) fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    postcard::to_extend(value, Vec::new()).expect("a vector takes any length")
}

/// Decodes the value of a slot.
pub(crate) fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Option<T> {
    postcard::take_from_bytes(bytes).ok().and_then(|(value, rest)| rest.is_empty().then_some(value))
}
