//! Acts on the sessions, and their effects on connections.

use std::net::SocketAddr;

use crate::away::AwayText;
use crate::id::{AccountId, ConnId};
use crate::presence::OfflineReason;
use crate::roster::Entry;
use crate::server::tickets::AccountDigest;
use crate::wire::control::Ended;

/// One act on the sessions and the roster. It leaves nothing to decide: the same acts in the same order lead to the
/// same sessions and the same roster.
#[derive(Clone, Debug)]
pub(in crate::server) enum Act {
    /// A session begins. It replaces the session of the same account, if there is one.
    Began {
        account: AccountId,
        /// Identifies the account in tickets.
        digest: AccountDigest,
        /// The generation of the account.
        generation: u64,
        entry: Entry,
        /// The accounts whose sessions conflict with this one. These sessions end as kicked.
        evicted: Vec<AccountId>,
    },
    /// A session continues on another connection.
    Continued { account: AccountId },
    /// A session has other addresses.
    Moved { account: AccountId, addresses: Vec<SocketAddr> },
    /// The user of a session goes away, or comes back.
    Away { account: AccountId, away: Option<AwayText> },
    /// A session has changed the password of its account, which has this generation now.
    Renewed { account: AccountId, generation: u64 },
    /// A session ends for good.
    Ended { account: AccountId, reason: OfflineReason },
}

/// What an act means for this server's connections and for the accounts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::server) enum Effect {
    /// A session has ended. Its connection, if it has one, is closed after the notice, if there is one.
    Ended { account: AccountId, conn: Option<ConnId>, notice: Option<Ended> },
    /// A newer session of the same account has replaced the one on this connection.
    Replaced { conn: ConnId },
    /// The session of this connection continues on another one.
    Detached { conn: ConnId },
}
