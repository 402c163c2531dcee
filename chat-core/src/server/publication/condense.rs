//! Condenses pending changes: a session that begins and ends between two publications is published as neither.
//!
//! Nobody could have used such a session: its client has received no roster, and no other client its key. An account
//! that begins sessions in a loop therefore fills neither the screens of others nor the presence log.
//!
//! The reverse does not occur: a session that ended in a run of the server does not continue in that run. A departure
//! that is followed by an arrival stays, because the arrival is another session, with another key.

use std::collections::BTreeMap;

use crate::name::UserName;
use crate::roster::Change;
use crate::time::Timestamp;

/// A change that is made and not published.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Pending {
    pub(super) at: Timestamp,
    pub(super) change: Change,
    pub(super) kind: Kind,
}

/// The subject of a change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// A session begins, ends or moves. The presence log has a line about it.
    Presence,
    /// The user of a session goes away or comes back. On the wire, the entry replaces the one with the same key.
    Away,
}

/// The change with which an unpublished session began, and those that followed it, as places in the list of changes.
#[derive(Debug)]
struct Unpublished {
    replaces: Replaces,
    changes: Vec<usize>,
}

/// The state that precedes an unpublished session of a user.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Replaces {
    /// No session, or one whose departure stays in the list.
    Nothing,
    /// A session that is published.
    Published,
}

/// The changes without the sessions that begin and end among them. They lead from the same roster to the same roster.
pub(super) fn condense(changes: Vec<Pending>) -> Vec<Pending> {
    let mut condensed: Vec<Option<Pending>> = Vec::with_capacity(changes.len());
    let mut unpublished: BTreeMap<UserName, Unpublished> = BTreeMap::new();
    // The place of the last such change of each session. It contains the whole entry, so it replaces those before it.
    let mut last_away: BTreeMap<UserName, usize> = BTreeMap::new();
    for Pending { at, change, kind } in changes {
        let user = change.user().clone();
        let place = condensed.len();
        let superseded = match (kind, &change) {
            (Kind::Away, _) => last_away.insert(user.clone(), place),
            (Kind::Presence, Change::Moved { .. }) => None,
            (Kind::Presence, _) => last_away.remove(&user),
        };
        if let Some(before) = superseded {
            condensed[before] = None;
        }
        let change = match change {
            Change::Moved { .. } => {
                if let Some(session) = unpublished.get_mut(&user) {
                    session.changes.push(place);
                }
                Some(change)
            }
            Change::Replaced(_) if kind == Kind::Away => {
                if let Some(session) = unpublished.get_mut(&user) {
                    session.changes.push(place);
                }
                Some(change)
            }
            Change::Online(_) => {
                unpublished.insert(user, Unpublished { replaces: Replaces::Nothing, changes: vec![place] });
                Some(change)
            }
            Change::Replaced(entry) => {
                let before = unpublished.remove(&user).map(|session| session.removed_from(&mut condensed));
                let replaces = before.unwrap_or(Replaces::Published);
                unpublished.insert(user, Unpublished { replaces, changes: vec![place] });
                Some(match replaces {
                    Replaces::Nothing => Change::Online(entry),
                    Replaces::Published => Change::Replaced(entry),
                })
            }
            Change::Offline { .. } => match unpublished.remove(&user) {
                Some(session) => (session.removed_from(&mut condensed) == Replaces::Published).then_some(change),
                None => Some(change),
            },
        };
        condensed.push(change.map(|change| Pending { at, change, kind }));
    }
    condensed.into_iter().flatten().collect()
}

impl Unpublished {
    /// Removes the session's changes. Returns what preceded the session.
    fn removed_from(self, changes: &mut [Option<Pending>]) -> Replaces {
        for place in self.changes {
            changes[place] = None;
        }
        self.replaces
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::extras::Extras;
    use crate::key::PublicKey;
    use crate::presence::OfflineReason;
    use crate::roster::{Entry, LinkVersions, Roster};

    const USERS: [&str; 3] = ["alice", "bob", "carol"];

    fn entry(user: &str, key: u8) -> Entry {
        Entry {
            user: user.parse().unwrap(),
            key: PublicKey::new([key; 32]),
            addresses: vec![address(key)],
            since: Timestamp::from_millis(key.into()),
            versions: LinkVersions { low: 1, high: 1 },
            extras: Extras::default(),
        }
    }

    fn address(key: u8) -> std::net::SocketAddr {
        ([192, 0, 2, key], 40_001).into()
    }

    /// Changes in a short form: `+` begins a session of alice, `!` replaces it, `>` moves it, `a` lets alice go
    /// away, `-` ends it.
    fn changes(steps: &str) -> Vec<Pending> {
        let user: UserName = "alice".parse().unwrap();
        let change = |(step, kind): (usize, char)| {
            let key = step as u8 + 1;
            let change = match kind {
                'a' => Change::Replaced(entry("alice", key)),
                '+' => Change::Online(entry("alice", key)),
                '!' => Change::Replaced(entry("alice", key)),
                '>' => Change::Moved { user: user.clone(), addresses: vec![address(key)] },
                _ => Change::Offline { user: user.clone(), reason: OfflineReason::Asked },
            };
            let kind = if kind == 'a' { Kind::Away } else { Kind::Presence };
            Pending { at: Timestamp::from_millis(key.into()), change, kind }
        };
        steps.chars().enumerate().map(change).collect()
    }

    /// The condensed changes in the short form, each with the step from which it comes.
    fn condensed(steps: &str) -> String {
        let short = |Pending { at, change, kind }| {
            let kind = match change {
                _ if kind == Kind::Away => 'a',
                Change::Online(_) => '+',
                Change::Replaced(_) => '!',
                Change::Moved { .. } => '>',
                Change::Offline { .. } => '-',
            };
            format!("{kind}{}", at.as_millis())
        };
        condense(changes(steps)).into_iter().map(short).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_session_that_begins_and_ends_unpublished_leaves_nothing() {
        for steps in ["+-", "+>-", "+>>-", "+!-", "+!!>-", "+-+-", "+-+!-"] {
            assert_eq!(condensed(steps), "", "{steps}");
        }
    }

    #[test]
    fn of_several_sessions_the_last_one_is_published() {
        assert_eq!(condensed("+-+"), "+3");
        assert_eq!(condensed("+!"), "+2");
        assert_eq!(condensed("+!>"), "+2 >3");
        assert_eq!(condensed("!!"), "!2");
        assert_eq!(condensed("!>!"), "!3");
    }

    #[test]
    fn the_departure_of_a_published_session_stays_and_so_does_the_arrival_of_another() {
        assert_eq!(condensed("-"), "-1");
        assert_eq!(condensed("-+"), "-1 +2");
        assert_eq!(condensed("-+-"), "-1");
        assert_eq!(condensed("-+-+"), "-1 +4");
        assert_eq!(condensed(">-"), ">1 -2");
        assert_eq!(condensed("!-"), "-2");
        assert_eq!(condensed("!-+"), "-2 +3");
        assert_eq!(condensed("!!-+!"), "-3 +5");
    }

    #[test]
    fn of_several_away_texts_of_a_session_the_last_one_is_published() {
        for (steps, left) in [
            ("a", "a1"),
            ("aaa", "a3"),
            ("a>a", ">2 a3"),
            ("+a", "+1 a2"),
            ("+aa>", "+1 a3 >4"),
            ("+a-", ""),
            ("a-", "-2"),
            ("a!", "!2"),
            ("a!a", "!2 a3"),
            ("a-+a", "-2 +3 a4"),
            ("+a!a", "+3 a4"),
        ] {
            assert_eq!(condensed(steps), left, "{steps}");
        }
    }

    #[test]
    fn changes_of_different_users_do_not_affect_each_other() {
        let mut mixed = changes("+-");
        let (at, change) = (Timestamp::from_millis(9), Change::Online(entry("bob", 9)));
        mixed.insert(1, Pending { at, change, kind: Kind::Presence });
        let bob = mixed[1].clone();
        assert_eq!(condense(mixed), [bob]);
    }

    proptest! {
        #[test]
        fn condensed_changes_lead_to_the_same_roster(
            online in proptest::collection::vec(any::<bool>(), USERS.len()),
            steps in proptest::collection::vec((0..USERS.len(), 0_u8..5), 0..40),
        ) {
            let mut before = Roster::new();
            for (user, _) in USERS.iter().zip(online).filter(|(_, is_online)| *is_online) {
                before.insert(entry(user, 200));
            }
            let (mut after, mut changes) = (before.clone(), Vec::new());
            for (step, (user, kind)) in steps.into_iter().enumerate() {
                let (user, key) = (USERS[user], step as u8 + 1);
                let name: UserName = user.parse().unwrap();
                let change = match (after.get(&name), kind) {
                    (None, _) => Change::Online(entry(user, key)),
                    (Some(entry), 4) => {
                        let mut away = entry.clone();
                        away.set_away(Some(&format!("away {step}").parse().unwrap()));
                        Change::Replaced(away)
                    }
                    (Some(_), 0) => Change::Replaced(entry(user, key)),
                    (Some(_), 1) => Change::Moved { user: name.clone(), addresses: vec![address(key)] },
                    (Some(_), _) => Change::Offline { user: name.clone(), reason: OfflineReason::Lost },
                };
                let is_away = kind == 4 && after.get(&name).is_some();
                after.apply(&change);
                let kind = if is_away { Kind::Away } else { Kind::Presence };
                changes.push(Pending { at: Timestamp::from_millis(key.into()), change, kind });
            }
            let published = before.clone();
            let mut sessions_begun = 0;
            for Pending { change, kind, .. } in condense(changes) {
                // Each change makes sense after those before it.
                let is_online = before.get(change.user()).is_some();
                prop_assert_eq!(is_online, !matches!(change, Change::Online(_)), "{:?}", change);
                let begins = kind == Kind::Presence && matches!(change, Change::Online(_) | Change::Replaced(_));
                sessions_begun += usize::from(begins);
                if kind == Kind::Away {
                    let known = before.get(change.user()).map(|entry| entry.key);
                    let Change::Replaced(entry) = &change else { panic!("{change:?}") };
                    prop_assert_eq!(known, Some(entry.key), "going away never replaces a session");
                }
                before.apply(&change);
            }
            prop_assert_eq!(&before, &after);
            let is_new = |entry: &&Entry| published.get(&entry.user).map(|old| old.key) != Some(entry.key);
            prop_assert_eq!(sessions_begun, after.iter().filter(is_new).count(), "only sessions that last");
        }
    }
}
