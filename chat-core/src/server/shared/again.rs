//! How an act is judged again, if it was judged on what is no longer so.

use crate::accounts::{Account, AccountDigest};
use crate::id::{AccountId, ConnId};
use crate::roster::Entry;
use crate::server::session_request::SessionRequest;
use crate::server::tickets::Ticket;
use crate::wire::control::Purpose;

/// The source of an act's judgement.
#[derive(Debug)]
pub(in crate::server) enum Again {
    /// From the session, which is at this node.
    Here,
    /// A node is judged again at the next round.
    Never,
    /// From the right password of the account.
    Login { conn: ConnId, purpose: Purpose, account: Account, request: SessionRequest },
    /// From a ticket.
    Resume { conn: ConnId, ticket: Ticket, account: Account, request: SessionRequest },
    /// From a session that was at this node before the node, or the journal, began again.
    Keep(Box<Kept>),
}

/// A session that was at this node.
#[derive(Clone, Debug)]
pub(in crate::server) struct Kept {
    pub(in crate::server) account: AccountId,
    pub(in crate::server) digest: AccountDigest,
    pub(in crate::server) generation: u64,
    pub(in crate::server) entry: Entry,
    /// Its connection, if it has one.
    pub(in crate::server) conn: Option<ConnId>,
}
