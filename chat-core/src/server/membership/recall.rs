//! Recalling: the changes that the latest acts have made, derived from these acts and from the roster to which they led.
//!
//! A node that has just started knows the roster only as it is. With the changes before, it can send a delta to clients
//! whose server has failed, instead of a snapshot.
//!
//! The acts do not say everything. A session that began may have replaced another one, and is recalled as online: a client
//! treats both the same. An entry of a user who goes away may have addresses that the user has got later, with a change that
//! follows. Changes before one that cannot be derived are not recalled.

use std::collections::BTreeMap;

use super::Membership;
use crate::id::{AccountId, Revision};
use crate::journal::Act;
use crate::name::UserName;
use crate::presence::OfflineReason;
use crate::roster::{Change, Entry};
use crate::time::Timestamp;

/// The state of the sessions at one place in the acts.
struct Recollection<'a> {
    membership: &'a Membership,
    /// The user name of each account that is online in the end, or whose session has begun or ended.
    names: BTreeMap<AccountId, UserName>,
    /// The place of the last act with which a session of each account began or ended.
    last: BTreeMap<AccountId, usize>,
    /// The entries of the sessions that have begun so far, and have not ended.
    entries: BTreeMap<AccountId, Entry>,
}

impl Membership {
    /// Puts the changes that the latest `acts` have made into the update log, as far back as they can be derived. The acts end
    /// with the last that was applied, and no change is pending.
    pub(in crate::server) fn recall(&mut self, acts: &[(Timestamp, Act)]) {
        let count: u64 = acts.iter().map(|(_, act)| u64::from(act.changes())).sum();
        let end = self.publication.revision().get();
        // Only forged acts have made more changes than there are.
        let Some(begin) = end.checked_sub(count) else { return };
        let (mut changes, mut arrivals, mut revision) = (Vec::new(), BTreeMap::new(), begin);
        let mut recollection = Recollection::new(self, acts);
        for (place, (at, act)) in acts.iter().enumerate() {
            let made = recollection.changes(place, act);
            revision += u64::from(act.changes());
            if let Act::Began { account, .. } = act {
                arrivals.insert(*account, Revision::new(revision));
            }
            match made {
                Some(made) if made.len() == act.changes() as usize => {
                    changes.extend(made.into_iter().map(|change| (*at, change)));
                }
                _ => changes.clear(),
            }
        }
        for session in self.sessions.iter_mut() {
            session.arrival = arrivals.get(&session.account).copied().unwrap_or_else(|| Revision::new(begin));
        }
        self.publication.recall(&changes);
    }
}

impl<'a> Recollection<'a> {
    fn new(membership: &'a Membership, acts: &[(Timestamp, Act)]) -> Self {
        let sessions = membership.sessions.iter().map(|session| (session.account, session.user.clone()));
        let (mut names, mut last) = (sessions.collect::<BTreeMap<_, _>>(), BTreeMap::new());
        for (place, (_, act)) in acts.iter().enumerate() {
            match act {
                Act::Began { account, entry, evicted, .. } => {
                    names.entry(*account).or_insert_with(|| entry.user.clone());
                    last.extend(evicted.iter().chain([account]).map(|account| (*account, place)));
                }
                Act::Ended { account, user, .. } => {
                    names.entry(*account).or_insert_with(|| user.clone());
                    last.insert(*account, place);
                }
                _ => {}
            }
        }
        Self { membership, names, last, entries: BTreeMap::new() }
    }

    /// The changes that the act at `place` has made. `None` if they cannot be derived.
    fn changes(&mut self, place: usize, act: &Act) -> Option<Vec<Change>> {
        match act {
            Act::Began { account, entry, evicted, .. } => {
                let mut changes = Vec::new();
                for other in evicted {
                    self.entries.remove(other);
                    let user = self.names.get(other)?.clone();
                    changes.push(Change::Offline { user, reason: OfflineReason::Kicked });
                }
                let is_known = self.entries.insert(*account, entry.clone()).is_some();
                let change = if is_known { Change::Replaced } else { Change::Online };
                changes.push(change(entry.clone()));
                Some(changes)
            }
            Act::Continued { account, addresses: Some(addresses), .. } | Act::Moved { account, addresses } => {
                if let Some(entry) = self.entries.get_mut(account) {
                    entry.addresses.clone_from(addresses);
                }
                let (user, addresses) = (self.names.get(account)?.clone(), addresses.clone());
                Some(vec![Change::Moved { user, addresses }])
            }
            Act::Away { account, away } => {
                let mut entry = self.entry(place, *account)?;
                entry.set_away(away.as_ref());
                self.entries.insert(*account, entry.clone());
                Some(vec![Change::Replaced(entry)])
            }
            Act::Ended { account, user, reason } => {
                self.entries.remove(account);
                Some(vec![Change::Offline { user: user.clone(), reason: *reason }])
            }
            Act::Continued { addresses: None, .. }
            | Act::Renewed { .. }
            | Act::Joined { .. }
            | Act::Lost { .. }
            | Act::Left { .. } => Some(Vec::new()),
        }
    }

    /// The entry of `account` before the act at `place`: the one with which its session began, or that of a session which
    /// began before all acts and is online in the end.
    fn entry(&self, place: usize, account: AccountId) -> Option<Entry> {
        let is_last = self.last.get(&account).is_none_or(|last| *last < place);
        let in_the_end = || self.membership.entry(account).filter(|_| is_last).cloned();
        self.entries.get(&account).cloned().or_else(in_the_end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::{Account, AccountDigest};
    use crate::extras::Extras;
    use crate::id::{Epoch, NodeId};
    use crate::journal::NodeRow;
    use crate::key::PublicKey;
    use crate::roster::{LinkVersions, RosterVersion, Update};
    use crate::server::config::ServerConfig;
    use crate::server::membership::Origin;
    use crate::time::Mono;
    use crate::wire::control::Reply;

    const NAMES: [&str; 3] = ["alice", "bob", "carol"];

    fn account(number: usize) -> AccountId {
        AccountId::new(number as u64)
    }

    fn began(number: usize, key: u8, evicted: &[usize]) -> Act {
        let user: UserName = NAMES[number].parse().unwrap();
        let created = Timestamp::from_millis(1);
        let entry = Entry {
            user: user.clone(),
            key: PublicKey::new([key; 32]),
            addresses: vec![address(key)],
            since: created,
            versions: LinkVersions { low: 1, high: 1 },
            extras: Extras::default(),
        };
        Act::Began {
            account: account(number),
            digest: AccountDigest::of(&Account::new(account(number), user, created)),
            generation: 1,
            entry,
            evicted: evicted.iter().map(|other| account(*other)).collect(),
        }
    }

    fn address(port: u8) -> std::net::SocketAddr {
        ([10, 0, 0, 1], 4_000 + u16::from(port)).into()
    }

    fn moved(number: usize, port: u8) -> Act {
        Act::Moved { account: account(number), addresses: vec![address(port)] }
    }

    fn away(number: usize) -> Act {
        Act::Away { account: account(number), away: "lunch".parse().ok() }
    }

    fn ended(number: usize) -> Act {
        Act::Ended { account: account(number), user: NAMES[number].parse().unwrap(), reason: OfflineReason::Asked }
    }

    fn membership() -> Membership {
        let mut membership = Membership::new(Epoch::new(1), &ServerConfig::default());
        membership.share(NodeId::new(1));
        membership
    }

    fn apply(membership: &mut Membership, acts: &[Act]) {
        for act in acts {
            let (position, at) = (membership.position().next(), Timestamp::from_millis(5));
            membership.apply(Mono::ZERO, Origin { position, node: NodeId::new(1), at }, act.clone());
        }
    }

    /// Users who are online all the time, so that a snapshot is longer than any delta.
    const OTHERS: usize = 40;

    fn others() -> Vec<Act> {
        let other = |number: usize| {
            let Act::Began { digest, generation, mut entry, evicted, .. } = began(0, 100 + number as u8, &[]) else {
                unreachable!("a session has begun")
            };
            entry.user = format!("other{number}").parse().unwrap();
            Act::Began { account: account(100 + number), digest, generation, entry, evicted }
        };
        (0..OTHERS).map(other).collect()
    }

    /// Asserts that a client that had the roster after the first `known` of the acts gets to the last one, at a node that
    /// recalls all but the first `unknown`. `false` if the client needs a snapshot.
    fn is_recalled(acts: &[Act], unknown: usize, known: usize) -> bool {
        let (mut before, mut after) = (membership(), membership());
        apply(&mut before, &acts[..known]);
        apply(&mut after, acts);
        let version = RosterVersion { epoch: Epoch::new(1), revision: before.publication().revision() };
        after.renumber(RosterVersion { revision: after.publication().revision(), ..version });
        let recalled: Vec<_> = acts[unknown..].iter().map(|act| (Timestamp::from_millis(5), act.clone())).collect();
        after.recall(&recalled);
        let Some(frames) = after.publication_mut().delta(version, Revision::new(0)) else { return false };
        let mut roster = before.roster().clone();
        for frame in frames.iter() {
            let mut rest = &frame[..];
            while let Some((length, behind)) = rest.split_first_chunk() {
                let (payload, behind) = behind.split_at(u32::from_be_bytes(*length) as usize);
                let Reply::Update(Update { from, changes, .. }) = Reply::decode(payload).unwrap() else {
                    panic!("a delta consists of updates")
                };
                let passed = version.revision.get().saturating_sub(from.get());
                changes.iter().skip(passed as usize).for_each(|(_, change)| roster.apply(change));
                rest = behind;
            }
        }
        assert_eq!(&roster, after.roster(), "{known} of {acts:?}");
        true
    }

    /// Users who come, go away, move, leave, come back, and evict each other.
    fn story() -> Vec<Act> {
        let joined = Act::Joined { row: NodeRow::default() };
        let continued = Act::Continued { account: account(0), generation: 1, addresses: Some(vec![address(7)]) };
        let acts = [began(0, 1, &[]), began(1, 2, &[]), began(2, 3, &[]), joined, away(2), moved(2, 9), ended(2)];
        let more = [began(2, 4, &[1]), began(1, 5, &[]), continued, began(0, 6, &[]), moved(0, 8), away(1)];
        others().into_iter().chain(acts).chain(more).collect()
    }

    #[test]
    fn a_client_gets_from_any_version_to_the_last_one() {
        let story = story();
        for unknown in [0, OTHERS] {
            for known in OTHERS..=story.len() {
                assert!(is_recalled(&story, unknown, known), "{known}");
            }
        }
    }

    #[test]
    fn sessions_that_began_before_all_acts_are_recalled_as_far_as_the_roster_tells() {
        let story = story();
        for unknown in OTHERS..story.len() {
            for known in unknown..=story.len() {
                is_recalled(&story, unknown, known);
            }
        }
        // A user who is not online in the end has left again, or was never known before these acts.
        let unknown = OTHERS + 5;
        assert!((unknown..=story.len()).all(|known| is_recalled(&story, unknown, known)));
    }

    #[test]
    fn a_departure_is_recalled_of_a_session_that_began_before_all_acts() {
        let mut story = others();
        story.extend([began(0, 1, &[]), moved(0, 7), ended(0), began(1, 2, &[])]);
        assert!((OTHERS + 1..=story.len()).all(|known| is_recalled(&story, OTHERS + 1, known)));
    }

    #[test]
    fn a_change_that_cannot_be_derived_is_not_recalled_and_neither_are_those_before_it() {
        // Nobody knows the name of the user who was evicted.
        let mut gone = story();
        gone.extend([began(0, 9, &[2]), moved(0, 3)]);
        let (end, beginning) = (gone.len(), OTHERS + 7);
        assert!(!is_recalled(&gone, beginning + 1, end - 2));
        assert!(is_recalled(&gone, beginning + 1, end - 1) && is_recalled(&gone, beginning + 1, end));
        assert!(is_recalled(&gone, beginning, end - 2), "the act with which the session began tells the name");
        // The session of the user who went away was followed by another.
        let mut away_and_back = others();
        away_and_back.extend([began(0, 1, &[]), away(0), began(0, 9, &[])]);
        assert!(!is_recalled(&away_and_back, OTHERS + 1, OTHERS + 1));
        assert!(is_recalled(&away_and_back, OTHERS + 1, OTHERS + 2) && is_recalled(&away_and_back, OTHERS, OTHERS));
    }

    #[test]
    fn a_client_whose_session_began_later_gets_a_snapshot() {
        let mut membership = membership();
        apply(&mut membership, &story());
        let end = membership.publication().revision();
        membership.renumber(RosterVersion { epoch: Epoch::new(1), revision: end });
        let acts: Vec<_> = story()[OTHERS..].iter().map(|act| (Timestamp::from_millis(5), act.clone())).collect();
        membership.recall(&acts);
        let arrival = |number| membership.session(account(number)).unwrap().arrival.get() - OTHERS as u64;
        // Bob was evicted and has come back.
        assert_eq!([arrival(100), arrival(1), arrival(0)], [0, 9, 11]);
    }
}
