//! The sessions as a replica of the journal: what its slots say, and what an act changes in them.

use std::collections::BTreeMap;

use super::welcome::WelcomeState;
use super::{EndedSession, Membership, Nodes, Session};
use crate::id::{AccountId, ConnId, Epoch, NodeId, Position, Revision, SessionId};
use crate::journal::state::{decode, encode};
use crate::journal::{AccountState, Act, Head, NodeState, Proposal, Slot, State, UnknownAct};
use crate::roster::{Change, Entry, RosterVersion};
use crate::time::Mono;

/// The sessions before a replica was loaded again.
#[derive(Debug)]
pub(in crate::server) struct Before {
    pub(in crate::server) epoch: Epoch,
    pub(in crate::server) sessions: BTreeMap<AccountId, (Session, Entry)>,
    pub(in crate::server) ended: BTreeMap<AccountId, EndedSession>,
    pub(in crate::server) position: Position,
}

impl Membership {
    /// Shares a journal from now on, as this node.
    pub(in crate::server) fn share(&mut self, node: NodeId) {
        self.node = node;
        self.sessions.keep_ended();
        self.publication.number_when_made();
    }

    pub(in crate::server) fn node(&self) -> NodeId {
        self.node
    }

    pub(in crate::server) fn position(&self) -> Position {
        self.position
    }

    pub(in crate::server) fn nodes(&self) -> &Nodes {
        &self.nodes
    }

    /// All sessions, at any node.
    pub(in crate::server) fn sessions(&self) -> impl Iterator<Item = &Session> {
        self.sessions.iter()
    }

    /// The account of the session with this id.
    pub(in crate::server) fn account_of(&self, session: SessionId) -> Option<AccountId> {
        self.sessions.account(session)
    }

    /// When the last session of `account` began that has ended, if none is online.
    pub(in crate::server) fn ended(&self, account: AccountId) -> Option<EndedSession> {
        self.sessions.ended_one(account)
    }

    /// Takes the connection from the session of `account`.
    pub(in crate::server) fn take_connection(&mut self, account: AccountId) -> Option<ConnId> {
        self.sessions.get_mut(account)?.conn.take()
    }

    /// Replaces everything by what the slots of the journal say, as they were at `head` or later. If a slot is there more
    /// than once, the latest counts. Returns what was there before, and the highest position of all.
    ///
    /// # Errors
    /// A slot has a value that this version does not know.
    pub(in crate::server) fn load(
        &mut self,
        now: Mono,
        head: &Head,
        states: Vec<State>,
    ) -> Result<(Before, Position), UnknownAct> {
        let (epoch, position) = (self.publication.epoch(), self.position);
        let ended = self.sessions.ended().collect();
        let mut before = Before { epoch, position, ended, sessions: BTreeMap::new() };
        let roster = self.publication.roster().clone();
        for (account, session) in self.sessions.take() {
            if let Some(entry) = roster.get(&session.user).cloned() {
                before.sessions.insert(account, (*session, entry));
            }
        }
        self.publication.clear();
        self.nodes = Nodes::default();
        self.position = head.position;
        let mut highest = head.position;
        for (slot, (position, value)) in latest(states) {
            highest = highest.max(position);
            match slot {
                Slot::Account(account) => {
                    let state = decode(&value).ok_or(UnknownAct)?;
                    self.load_account(now, account, position, head.revision, state);
                }
                Slot::Node(node) => self.nodes.set(node, position, decode(&value).ok_or(UnknownAct)?),
                Slot::Session(_) => {}
            }
        }
        for session in self.sessions.iter_mut() {
            session.home = self.nodes.heir(session.home);
        }
        Ok((before, highest))
    }

    fn load_account(
        &mut self,
        now: Mono,
        account: AccountId,
        position: Position,
        arrival: Revision,
        state: AccountState,
    ) {
        match state {
            AccountState::Online { home, digest, generation, entry } => {
                let Entry { user, key, since, .. } = entry.clone();
                self.publication.make(since, Change::Online(entry));
                let (conn, password_change) = (None, None);
                let unverified = (home != self.node).then_some(home);
                self.sessions.begin(Session {
                    account,
                    user,
                    digest,
                    generation,
                    key,
                    since,
                    arrival,
                    home,
                    position,
                    unverified,
                    welcome: WelcomeState::Unknown,
                    conn,
                    password_change,
                });
            }
            AccountState::Ended { since } => self.sessions.set_ended(now, account, EndedSession { position, since }),
        }
    }

    /// This node has entered again, and its replica goes on. The journal may have lost acts that this node has not read, so
    /// the sessions at other nodes are as if they had been read from the slots.
    pub(in crate::server) fn doubt_others(&mut self) {
        for session in self.sessions.iter_mut().filter(|session| session.home != self.node && session.conn.is_none()) {
            session.unverified.get_or_insert(session.home);
        }
    }

    /// A node has given a sign of life since this node has entered. It has what its clients know, and would have begun
    /// another epoch if the journal had lost any of that.
    pub(in crate::server) fn verify(&mut self, node: NodeId) {
        for session in self.sessions.iter_mut().filter(|session| session.unverified == Some(node)) {
            session.unverified = None;
        }
    }

    /// Whether the journal that was loaded goes on from what was there before, as far as its slots tell.
    pub(in crate::server) fn continues(&self, before: &Before) -> bool {
        let sessions = before.sessions.iter().map(|(account, (session, _))| (*account, session.position));
        let ended = before.ended.iter().map(|(account, ended)| (*account, ended.position));
        sessions.chain(ended).all(|(account, position)| {
            let now = self.sessions.position(account);
            now == position || now > before.position
        })
    }

    /// All slots but those of nodes that are not lost: what an epoch that is founded from this replica begins with.
    pub(in crate::server) fn states(&self) -> Vec<State> {
        let mut states = Vec::new();
        for session in self.sessions.iter() {
            let Some(value) = self.account_state(session, session.home) else { continue };
            let (account, position) = (session.account, session.position);
            states.push(State { slot: Slot::Account(account), position, value });
            states.push(State { slot: Slot::Session(session.key.session()), position, value: encode(&account) });
        }
        states.extend(self.sessions.ended().map(|(account, EndedSession { position, since })| State {
            slot: Slot::Account(account),
            position,
            value: encode(&AccountState::Ended { since }),
        }));
        states.extend(self.nodes.lost().map(|(node, position, state)| State {
            slot: Slot::Node(node),
            position,
            value: encode(state),
        }));
        states
    }

    /// What the journal must know of an act of this node: the slots that it was judged on, and those that it changes.
    pub(in crate::server) fn proposal(&self, act: &Act, encoded: Vec<u8>) -> Proposal {
        let mut proposal = Proposal { changes: act.changes(), guards: vec![], writes: vec![], act: encoded };
        if let Some(account) = act.account() {
            proposal.guards.push((Slot::Account(account), self.sessions.position(account)));
        }
        match act {
            Act::Began { account, digest, generation, entry, evicted } => {
                for other in evicted {
                    proposal.guards.push((Slot::Account(*other), self.sessions.position(*other)));
                    self.write_end(*other, &mut proposal);
                }
                let id = Slot::Session(entry.session());
                if let Some(replaced) = self.sessions.get(*account) {
                    proposal.writes.push((Slot::Session(replaced.key.session()), None));
                }
                // An id that is in use belongs to one of those that end, whose slots are guarded.
                if self.sessions.account(entry.session()).is_none() {
                    proposal.guards.push((id, Position::new(0)));
                }
                let (home, digest, generation, entry) = (self.node, *digest, *generation, entry.clone());
                let state = AccountState::Online { home, digest, generation, entry };
                proposal.writes.push((Slot::Account(*account), Some(encode(&state))));
                proposal.writes.push((id, Some(encode(account))));
            }
            Act::Continued { account, generation, addresses } => {
                self.write_session(*account, self.node, &mut proposal, |known, entry| {
                    *known = (*known).max(*generation);
                    if let Some(addresses) = addresses {
                        entry.addresses.clone_from(addresses);
                    }
                });
            }
            Act::Moved { account, addresses } => {
                self.rewrite(*account, &mut proposal, |_, entry| entry.addresses.clone_from(addresses));
            }
            Act::Away { account, away } => {
                self.rewrite(*account, &mut proposal, |_, entry| entry.set_away(away.as_ref()));
            }
            Act::Renewed { account, generation } => {
                self.rewrite(*account, &mut proposal, |known, _| *known = (*known).max(*generation));
            }
            Act::Ended { account, .. } => self.write_end(*account, &mut proposal),
            Act::Lost { node, heir } => self.write_lost(*node, *heir, &mut proposal),
            Act::Left { heir } => self.write_lost(self.node, *heir, &mut proposal),
            Act::Joined { .. } => {}
        }
        proposal
    }

    fn write_lost(&self, node: NodeId, heir: NodeId, proposal: &mut Proposal) {
        proposal.guards.push((Slot::Node(node), self.nodes.position(node)));
        proposal.writes.push((Slot::Node(node), Some(encode(&NodeState::Lost { heir }))));
    }

    fn write_end(&self, account: AccountId, proposal: &mut Proposal) {
        let Some(session) = self.sessions.get(account) else { return };
        proposal.writes.push((Slot::Session(session.key.session()), None));
        let state = AccountState::Ended { since: session.since };
        proposal.writes.push((Slot::Account(account), Some(encode(&state))));
    }

    fn rewrite(&self, account: AccountId, proposal: &mut Proposal, change: impl FnOnce(&mut u64, &mut Entry)) {
        if let Some(session) = self.sessions.get(account) {
            self.write_session(account, session.home, proposal, change);
        }
    }

    fn write_session(
        &self,
        account: AccountId,
        home: NodeId,
        proposal: &mut Proposal,
        change: impl FnOnce(&mut u64, &mut Entry),
    ) {
        let Some(session) = self.sessions.get(account) else { return };
        let Some(mut entry) = self.entry(account).cloned() else { return };
        let mut generation = session.generation;
        change(&mut generation, &mut entry);
        let state = AccountState::Online { home, digest: session.digest, generation, entry };
        proposal.writes.push((Slot::Account(account), Some(encode(&state))));
    }

    fn account_state(&self, session: &Session, home: NodeId) -> Option<Vec<u8>> {
        let entry = self.roster().get(&session.user)?.clone();
        let state = AccountState::Online { home, digest: session.digest, generation: session.generation, entry };
        Some(encode(&state))
    }

    /// Notes that the account of a session has this generation, before the journal says so.
    pub(in crate::server) fn renew(&mut self, account: AccountId, generation: u64) {
        if let Some(session) = self.sessions.get_mut(account) {
            session.generation = session.generation.max(generation);
        }
    }

    /// Continues the numbers of changes at this version. Pending changes are not published.
    pub(in crate::server) fn renumber(&mut self, version: RosterVersion) {
        self.publication.restart(version);
    }
}

/// Each slot as the latest act left it.
fn latest(states: Vec<State>) -> BTreeMap<Slot, (Position, Vec<u8>)> {
    let mut slots = BTreeMap::new();
    for State { slot, position, value } in states {
        let known = slots.entry(slot).or_insert((position, Vec::new()));
        if known.0 <= position {
            *known = (position, value);
        }
    }
    slots
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::{Account, AccountDigest};
    use crate::extras::Extras;
    use crate::id::Tag;
    use crate::key::PublicKey;
    use crate::roster::LinkVersions;
    use crate::server::config::ServerConfig;
    use crate::server::membership::Origin;
    use crate::time::Timestamp;

    /// The beginning of a session of an account.
    fn began(number: u8, user: &str) -> Act {
        let (id, since) = (AccountId::new(number.into()), Timestamp::from_millis(1));
        let entry = Entry {
            user: user.parse().unwrap(),
            key: PublicKey::new([number; 32]),
            addresses: vec![([10, 0, 0, number], 4000).into()],
            since,
            versions: LinkVersions { low: 1, high: 1 },
            extras: Extras::default(),
        };
        let digest = AccountDigest::of(&Account::new(id, entry.user.clone(), since));
        Act::Began { account: id, digest, generation: 1, entry, evicted: vec![] }
    }

    #[test]
    fn a_session_from_the_slots_is_unverified_until_its_node_lives_or_its_client_has_read_a_welcome() {
        let [a, b, loading] = [1, 2, 3].map(NodeId::new);
        let origin = |position, node| Origin { position: Position::new(position), node, at: Timestamp::from_millis(1) };
        let mut old = Membership::new(Epoch::new(1), &ServerConfig::default());
        old.share(a);
        for (number, (user, node)) in (1..).zip([("alice", a), ("bob", b), ("carol", b), ("dave", b)]) {
            old.apply(Mono::ZERO, origin(number.into(), node), began(number, user));
        }
        let epoch = Epoch::new(1);
        let (position, revision, tip) = (Position::new(4), Revision::new(4), Tag::new(0));
        let head = Head { epoch, position, revision, tip, since: Timestamp::from_millis(1) };
        let mut new = Membership::new(epoch, &ServerConfig::default());
        new.share(loading);
        new.load(Mono::ZERO, &head, old.states()).unwrap();
        let unverified = |new: &Membership| -> Vec<_> {
            new.sessions().filter(|session| session.unverified.is_some()).map(|session| session.account.get()).collect()
        };
        assert_eq!(unverified(&new), [1, 2, 3, 4]);
        new.verify(a);
        assert_eq!(unverified(&new), [2, 3, 4], "its node lives");
        new.apply(Mono::ZERO, origin(5, loading), Act::Lost { node: b, heir: loading });
        new.verify(loading);
        assert_eq!(unverified(&new), [2, 3, 4], "the heir does not know what its client knows");
        let (account, generation, addresses) = (AccountId::new(2), 1, None);
        new.apply(Mono::ZERO, origin(6, a), Act::Continued { account, generation, addresses });
        new.set_connection(AccountId::new(4), Some(ConnId::new(1)));
        assert_eq!(unverified(&new), [2, 3, 4], "two are welcomed");
        new.verify_client(AccountId::new(4));
        assert_eq!(unverified(&new), [2, 3], "one has read its welcome");
        new.apply(Mono::ZERO, origin(7, a), began(5, "eve"));
        assert_eq!(unverified(&new), [2, 3], "a session that begins later");
    }

    #[test]
    fn sessions_of_other_nodes_are_unverified_again_when_a_node_enters_again() {
        let [a, b, own] = [1, 2, 3].map(NodeId::new);
        let origin = |position, node| Origin { position: Position::new(position), node, at: Timestamp::from_millis(1) };
        let mut membership = Membership::new(Epoch::new(1), &ServerConfig::default());
        membership.share(own);
        for (number, (user, node)) in (1..).zip([("alice", a), ("bob", b), ("carol", own), ("dave", a)]) {
            membership.apply(Mono::ZERO, origin(number.into(), node), began(number, user));
        }
        // Its client is here, and has to be taken back from the node that has inherited it.
        membership.set_connection(AccountId::new(4), Some(ConnId::new(1)));
        membership.doubt_others();
        let unverified = |membership: &Membership, number| {
            membership.session(AccountId::new(number)).is_some_and(|session| session.unverified.is_some())
        };
        assert_eq!([1, 2, 3, 4].map(|number| unverified(&membership, number)), [true, true, false, false]);
        membership.verify(a);
        assert_eq!([1, 2, 3, 4].map(|number| unverified(&membership, number)), [false, true, false, false]);
    }

    #[test]
    fn of_a_slot_that_is_there_twice_the_latest_counts() {
        let state = |account, position, value: u8| {
            let slot = Slot::Account(AccountId::new(account));
            State { slot, position: Position::new(position), value: vec![value] }
        };
        let slots = latest(vec![state(1, 5, 1), state(2, 4, 2), state(1, 3, 3), state(2, 6, 4), state(2, 6, 5)]);
        let found: Vec<_> = slots.into_values().map(|(position, value)| (position.get(), value[0])).collect();
        assert_eq!(found, [(5, 1), (6, 5)]);
    }
}
