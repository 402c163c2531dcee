//! Where acts come from, and their effects on connections.

use crate::id::{AccountId, ConnId, NodeId, Position};
use crate::time::Timestamp;
use crate::wire::control::Ended;

/// Where an act comes from. A server that is alone counts its own acts.
#[derive(Clone, Copy, Debug)]
pub(in crate::server) struct Origin {
    /// Its position among all acts.
    pub(in crate::server) position: Position,
    /// The node that proposed it.
    pub(in crate::server) node: NodeId,
    /// When it was proposed.
    pub(in crate::server) at: Timestamp,
}

/// What an act means for this server's connections and for the accounts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::server) enum Effect {
    /// A session has ended. Its connection, if it has one, is closed after the notice, if there is one.
    Ended {
        account: AccountId,
        conn: Option<ConnId>,
        notice: Option<Ended>,
        /// Whether the session was at this server.
        was_here: bool,
    },
    /// A newer session of the same account has replaced the one on this connection.
    Replaced { conn: ConnId },
    /// The session of this connection continues on another one.
    Detached { conn: ConnId },
    /// The session of this account was here, and is at another node now.
    Gone { account: AccountId },
    /// The session of this account was at a node that is lost, and is here now.
    Inherited { account: AccountId },
}
