//! Membership: which sessions are online.
//!
//! *Judging* a request against the current sessions gives an [`Act`](crate::journal::Act) or a rejection, and changes nothing.
//! [`Membership::apply`] then puts the act into effect. It is the only writer of the sessions and of the roster. It
//! never fails and decides nothing, so a server that shares a journal applies the acts of other nodes in the same way.

mod act;
mod apply;
mod judge;
mod nodes;
mod recall;
mod replica;
mod sessions;
mod welcome;

pub(super) use self::act::{Effect, Origin};
pub(super) use self::judge::Resumption;
pub(super) use self::nodes::Nodes;
pub(super) use self::replica::Before;
use self::sessions::Sessions;
pub(super) use self::sessions::{EndedSession, PasswordChange, Session};
use self::welcome::WelcomeState;
use super::config::ServerConfig;
use super::publication::Publication;
use crate::id::{AccountId, ConnId, Epoch, NodeId, Position};
use crate::roster::{Entry, Roster};
use crate::time::{Mono, Timestamp};

/// The sessions and the roster.
#[derive(Debug)]
pub(super) struct Membership {
    /// This server among the nodes.
    node: NodeId,
    /// The last act that was applied.
    position: Position,
    sessions: Sessions,
    nodes: Nodes,
    publication: Publication,
}

/// The node of a server that is alone.
const ALONE: NodeId = NodeId::new(0);

impl Membership {
    /// No sessions, and an empty roster whose revisions are counted under `epoch`.
    pub(super) fn new(epoch: Epoch, config: &ServerConfig) -> Self {
        Self {
            node: ALONE,
            position: Position::new(0),
            sessions: Sessions::new(config.ticket_life),
            nodes: Nodes::default(),
            publication: Publication::new(epoch, config),
        }
    }

    pub(super) fn roster(&self) -> &Roster {
        self.publication.roster()
    }

    pub(super) fn publication(&self) -> &Publication {
        &self.publication
    }

    pub(super) fn publication_mut(&mut self) -> &mut Publication {
        &mut self.publication
    }

    pub(super) fn session(&self, account: AccountId) -> Option<&Session> {
        self.sessions.get(account)
    }

    pub(super) fn entry(&self, account: AccountId) -> Option<&Entry> {
        self.roster().get(&self.sessions.get(account)?.user)
    }

    /// The accounts of the sessions that are at this server.
    pub(super) fn accounts(&self) -> impl Iterator<Item = AccountId> {
        self.sessions.iter().filter(|session| session.home == self.node).map(|session| session.account)
    }

    /// Whether the session of `account` is at this server.
    pub(super) fn is_here(&self, account: AccountId) -> bool {
        self.session(account).is_some_and(|session| session.home == self.node)
    }

    /// Gives the session of `account` a connection, or takes it away. `false` if there is no such session.
    pub(super) fn set_connection(&mut self, account: AccountId, conn: Option<ConnId>) -> bool {
        let Some(session) = self.sessions.get_mut(account) else { return false };
        session.conn = conn;
        true
    }

    /// The client of `account` has read its welcome at this node, and knows the journal that this node knows.
    pub(super) fn verify_client(&mut self, account: AccountId) {
        if let Some(session) = self.sessions.get_mut(account) {
            session.unverified = None;
            session.welcome = WelcomeState::Read;
        }
    }

    /// Voids the tickets of the sessions of `account` that began at `until` or earlier. `false` if they are void
    /// already.
    pub(super) fn void_tickets(&mut self, now: Mono, account: AccountId, until: Timestamp) -> bool {
        self.sessions.void_tickets(now, account, until)
    }

    /// The beginning of the latest session of `account` that is known, or the time until which its tickets are void.
    pub(super) fn latest_session(&self, now: Mono, account: AccountId) -> Option<Timestamp> {
        self.sessions.latest(now, account)
    }

    /// Whether a session that ended was forgotten for lack of room.
    pub(super) fn has_gaps(&self, now: Mono) -> bool {
        self.sessions.has_gaps(now)
    }

    /// The password change of the session of `account`, if there is such a session.
    pub(super) fn password_change(&mut self, account: AccountId) -> Option<&mut Option<Box<PasswordChange>>> {
        self.sessions.get_mut(account).map(|session| &mut session.password_change)
    }
}
