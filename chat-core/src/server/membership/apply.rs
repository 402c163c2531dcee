//! Applying: the only writer of the sessions and of the roster.

use super::welcome::WelcomeState;
use super::{Effect, Membership, Origin, Session};
use crate::id::{AccountId, NodeId};
use crate::journal::{Act, NodeState};
use crate::presence::OfflineReason;
use crate::roster::{Change, Entry};
use crate::time::{Mono, Now};
use crate::wire::control::Ended;

impl Membership {
    /// Puts an act of this server, which is alone, into effect.
    pub(in crate::server) fn apply_own(&mut self, now: Now, act: Act) -> Vec<Effect> {
        let origin = Origin { position: self.position.next(), node: self.node, at: now.wall };
        self.apply(now.mono, origin, act)
    }

    /// Puts an act into effect. Returns what follows for connections, in order. It never fails. An act on a session that
    /// does not exist has no effect, and neither has a part of an act that an account already knows.
    pub(in crate::server) fn apply(&mut self, now: Mono, origin: Origin, act: Act) -> Vec<Effect> {
        self.position = origin.position;
        if act.account().is_some_and(|account| self.sessions.position(account) >= origin.position) {
            return match act {
                Act::Began { evicted, .. } => self.evict(now, origin, evicted),
                _ => Vec::new(),
            };
        }
        match act {
            Act::Began { account, digest, generation, entry, evicted } => {
                let mut effects = self.evict(now, origin, evicted);
                effects.extend(self.evict_others(now, origin, account, &entry));
                let replaced = self.sessions.end(now, account, origin.position);
                if let Some(session) = &replaced {
                    effects.extend(session.conn.map(|conn| Effect::Replaced { conn }));
                    effects.extend(self.gone(session.home, origin, account));
                }
                let (user, key, since) = (entry.user.clone(), entry.key, entry.since);
                let change = if replaced.is_some() { Change::Replaced(entry) } else { Change::Online(entry) };
                self.publication.make(origin.at, change);
                let arrival = self.publication.revision();
                self.sessions.begin(Session {
                    account,
                    user,
                    digest,
                    generation,
                    key,
                    since,
                    arrival,
                    home: origin.node,
                    position: origin.position,
                    unverified: None,
                    welcome: WelcomeState::Unknown,
                    conn: None,
                    password_change: None,
                });
                effects
            }
            Act::Continued { account, generation, addresses } => {
                let Some(session) = self.sessions.get_mut(account) else { return Vec::new() };
                session.position = origin.position;
                session.generation = session.generation.max(generation);
                let home = session.move_to(origin.node);
                let detached = session.conn.take().map(|conn| Effect::Detached { conn });
                let user = addresses.is_some().then(|| session.user.clone());
                if let (Some(user), Some(addresses)) = (user, addresses) {
                    self.publication.make(origin.at, Change::Moved { user, addresses });
                }
                detached.into_iter().chain(self.gone(home, origin, account)).collect()
            }
            Act::Moved { account, addresses } => {
                if let Some(session) = self.sessions.get_mut(account) {
                    session.position = origin.position;
                    let user = session.user.clone();
                    self.publication.make(origin.at, Change::Moved { user, addresses });
                }
                Vec::new()
            }
            Act::Away { account, away } => {
                if let Some(mut entry) = self.entry(account).cloned() {
                    entry.set_away(away.as_ref());
                    self.publication.make_away(origin.at, entry);
                }
                self.mark(account, origin);
                Vec::new()
            }
            Act::Renewed { account, generation } => {
                if let Some(session) = self.sessions.get_mut(account) {
                    session.generation = session.generation.max(generation);
                }
                self.mark(account, origin);
                Vec::new()
            }
            Act::Ended { account, reason, .. } => self.end(now, origin, account, reason).into_iter().collect(),
            Act::Joined { row } => {
                self.nodes.set(origin.node, origin.position, NodeState::Joined(row));
                Vec::new()
            }
            Act::Lost { node, heir } => self.inherit(origin, node, heir),
            Act::Left { heir } => self.inherit(origin, origin.node, heir),
        }
    }

    /// Hands the sessions of a node to its heir.
    fn inherit(&mut self, origin: Origin, node: NodeId, heir: NodeId) -> Vec<Effect> {
        self.nodes.set(node, origin.position, NodeState::Lost { heir });
        let mut effects = Vec::new();
        for session in self.sessions.iter_mut().filter(|session| session.home == node) {
            session.move_to(heir);
            if heir == self.node && node != heir {
                effects.push(Effect::Inherited { account: session.account });
            }
        }
        effects
    }

    /// The session of `account` was at `home`, and is at the node of the act now.
    fn gone(&self, home: NodeId, origin: Origin, account: AccountId) -> Option<Effect> {
        (home == self.node && origin.node != self.node).then_some(Effect::Gone { account })
    }

    fn evict(&mut self, now: Mono, origin: Origin, accounts: Vec<AccountId>) -> Vec<Effect> {
        let ended = accounts.into_iter().filter_map(|other| self.end(now, origin, other, OfflineReason::Kicked));
        ended.collect()
    }

    /// Ends the sessions that cannot be online together with that of `entry`. There is none if the act was judged well.
    fn evict_others(&mut self, now: Mono, origin: Origin, account: AccountId, entry: &Entry) -> Vec<Effect> {
        let same_id = self.sessions.account(entry.session());
        let same_name = self.roster().get(&entry.user).and_then(|other| self.sessions.account(other.session()));
        let others = [same_id, same_name].into_iter().flatten().filter(|other| *other != account);
        let renamed = self.session(account).filter(|session| session.user != entry.user).map(|session| session.account);
        let others: Vec<AccountId> = others.chain(renamed).collect();
        self.evict(now, origin, others)
    }

    /// Records the last act on the session of `account`.
    fn mark(&mut self, account: AccountId, origin: Origin) {
        if let Some(session) = self.sessions.get_mut(account) {
            session.position = origin.position;
        }
    }

    fn end(&mut self, now: Mono, origin: Origin, account: AccountId, reason: OfflineReason) -> Option<Effect> {
        if self.sessions.position(account) >= origin.position {
            return None;
        }
        let session = self.sessions.end(now, account, origin.position)?;
        self.publication.make(origin.at, Change::Offline { user: session.user, reason });
        let was_here = session.home == self.node;
        if !was_here && reason == OfflineReason::Asked {
            // The node that it was at reports this to the accounts.
            self.sessions.void_tickets(now, account, session.since);
        }
        let notice = match reason {
            OfflineReason::Kicked => Some(Ended::Kicked),
            OfflineReason::Asked | OfflineReason::Lost | OfflineReason::TooSlow => None,
        };
        Some(Effect::Ended { account, conn: session.conn, notice, was_here })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::accounts::{Account, AccountDigest};
    use crate::extras::Extras;
    use crate::id::{Epoch, Position};
    use crate::journal::{NodeRow, ProposedAct};
    use crate::key::PublicKey;
    use crate::roster::LinkVersions;
    use crate::server::config::ServerConfig;
    use crate::time::Timestamp;

    fn account(number: u8) -> AccountId {
        AccountId::new(number.into())
    }

    /// An act on few accounts, keys, names and nodes, so that most acts conflict with others.
    fn act() -> impl Strategy<Value = Act> {
        let began = (0..4_u8, 0..4_u8, 0..4_u8, proptest::collection::vec(0..4_u8, 0..3)).prop_map(
            |(number, key, name, evicted)| {
                let user = ["alice", "bob", "carol", "dave"][usize::from(name)].parse().unwrap();
                let (id, created) = (account(number), Timestamp::from_millis(1));
                let digest = AccountDigest::of(&Account::new(id, user, created));
                let user = ["alice", "bob", "carol", "dave"][usize::from(name)].parse().unwrap();
                let entry = Entry {
                    user,
                    key: PublicKey::new([key; 32]),
                    addresses: vec![([10, 0, 0, key], 4000).into()],
                    since: created,
                    versions: LinkVersions { low: 1, high: 1 },
                    extras: Extras::default(),
                };
                Act::Began {
                    account: id,
                    digest,
                    generation: 1,
                    entry,
                    evicted: evicted.into_iter().map(account).collect(),
                }
            },
        );
        let other = (0..4_u8, 0..8_u8, 0..4_u64).prop_map(|(number, kind, other)| {
            let (account, addresses) = (account(number), vec![([10, 0, 1, number], 4000).into()]);
            let (node, heir) = (NodeId::new(number.into()), NodeId::new(other));
            match kind {
                0 => Act::Continued { account, generation: other, addresses: None },
                1 => Act::Continued { account, generation: other, addresses: Some(addresses) },
                2 => Act::Moved { account, addresses },
                3 => Act::Away { account, away: "lunch".parse().ok().filter(|_| other > 1) },
                4 => Act::Renewed { account, generation: other },
                5 => Act::Ended { account, user: "alice".parse().unwrap(), reason: OfflineReason::Lost },
                6 => Act::Lost { node, heir },
                _ => Act::Joined { row: NodeRow::default() },
            }
        });
        prop_oneof![began, other]
    }

    proptest! {
        #[test]
        fn any_acts_lead_to_the_same_sessions_at_every_node(acts in proptest::collection::vec((act(), 0..4_u64), 0..60)) {
            let mut nodes: Vec<Membership> = (0..3)
                .map(|node| {
                    let mut membership = Membership::new(Epoch::new(1), &ServerConfig::default());
                    membership.share(NodeId::new(node));
                    membership
                })
                .collect();
            for (number, (act, node)) in (1..).zip(acts) {
                let (position, node, at) = (Position::new(number), NodeId::new(node), Timestamp::from_millis(number));
                for membership in &mut nodes {
                    membership.apply(Mono::ZERO, Origin { position, node, at }, act.clone());
                    let ids: std::collections::BTreeSet<_> =
                        membership.sessions().map(|session| session.key.session()).collect();
                    prop_assert_eq!(ids.len(), membership.sessions().count(), "two sessions have one id");
                    prop_assert_eq!(ids.len(), membership.roster().len());
                    for session in membership.sessions() {
                        let entry = membership.roster().get(&session.user).expect("a session is in the roster");
                        prop_assert_eq!(entry.key, session.key);
                        prop_assert_eq!(membership.account_of(entry.session()), Some(session.account));
                    }
                }
                let seen: Vec<_> = nodes
                    .iter()
                    .map(|membership| {
                        let homes: Vec<_> =
                            membership.sessions().map(|session| (session.account, session.home, session.position)).collect();
                        (membership.roster().clone(), membership.publication().revision(), homes, membership.states())
                    })
                    .collect();
                prop_assert!(seen.iter().all(|one| *one == seen[0]));
            }
        }

        #[test]
        fn any_bytes_are_an_act_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(proposed) = ProposedAct::decode(&bytes) {
                prop_assert_eq!(ProposedAct::decode(&proposed.encode()), Ok(proposed));
            }
        }
    }
}
