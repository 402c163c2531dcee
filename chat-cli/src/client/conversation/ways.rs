//! To whom messages go through the server, and when to say that this has changed.
//!
//! Nobody wants to read about every change: in a room that cannot exchange datagrams all links change at once, and a link
//! on a bad line changes again and again. So changes wait for each other, and the way of one user is mentioned only now and then.

use std::collections::BTreeMap;
use std::future::pending;
use std::time::Duration;

use chat_core::name::UserName;
use tokio::time::{Instant, sleep_until};

use crate::view::Notice;

/// How long a change waits for others: the acks of one message to everyone arrive within this time. A link that changes back
/// meanwhile is not mentioned.
const GATHER: Duration = Duration::from_secs(1);

/// The time after a mention of one user before the next that messages go through the server. That they go straight again is
/// told at once, so that the last mention is right.
const PAUSE: Duration = Duration::from_secs(30);

/// The state of each user whose messages go, or went, through the server.
#[derive(Debug, Default)]
pub(super) struct Ways {
    users: BTreeMap<UserName, State>,
    /// When [`Self::take`] finds something new, at the earliest.
    due: Option<Instant>,
}

#[derive(Debug)]
struct State {
    now: Tier,
    /// The way that the user of this client was last told.
    told: Tier,
    told_at: Option<Instant>,
    /// When the change is mentioned, if `now` and `told` differ.
    due: Instant,
}

/// The two kinds of ways that notices distinguish.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Tier {
    /// Straight from machine to machine.
    Direct,
    /// Through the server.
    Relayed,
}

impl Ways {
    /// Takes in the way that messages to a user take now.
    pub(super) fn note(&mut self, now: Instant, user: &UserName, tier: Tier) {
        // Everybody expects a direct way.
        let is_expected = tier == Tier::Direct && !self.users.contains_key(user);
        if is_expected {
            return;
        }
        let unknown = || State { now: Tier::Direct, told: Tier::Direct, told_at: None, due: now };
        let state = self.users.entry(user.clone()).or_insert_with(unknown);
        if state.now == tier {
            return;
        }
        state.now = tier;
        let pause_ends = state.told_at.filter(|_| tier == Tier::Relayed).map(|told_at| told_at + PAUSE);
        state.due = pause_ends.map_or(now + GATHER, |end| end.max(now + GATHER));
        self.due = Some(self.due.map_or(state.due, |due| due.min(state.due)));
    }

    /// Forgets a user whose session has ended.
    pub(super) fn forget(&mut self, user: &UserName) {
        self.users.remove(user);
    }

    /// Waits until there may be something to say; forever if nothing waits.
    ///
    /// Cancel safety: this method is cancel safe.
    pub(super) async fn due(&self) {
        match self.due {
            Some(due) => sleep_until(due).await,
            None => pending().await,
        }
    }

    /// Takes the changes that are due: at most one notice of each kind.
    pub(super) fn take(&mut self, now: Instant) -> impl Iterator<Item = Notice> + use<> {
        let (mut relayed, mut direct) = (Vec::new(), Vec::new());
        self.due = None;
        self.users.retain(|user, state| {
            let has_changed = state.now != state.told;
            if has_changed && state.due <= now {
                match state.now {
                    Tier::Relayed => relayed.push(user.clone()),
                    Tier::Direct => direct.push(user.clone()),
                }
                (state.told, state.told_at) = (state.now, Some(now));
            } else if has_changed {
                self.due = Some(self.due.map_or(state.due, |due| due.min(state.due)));
            }
            let is_recent = state.told_at.is_some_and(|told_at| now < told_at + PAUSE);
            state.now != Tier::Direct || state.told != Tier::Direct || is_recent
        });
        let relayed = (!relayed.is_empty()).then_some(Notice::PeersRelayed { users: relayed });
        let direct = (!direct.is_empty()).then_some(Notice::PeersDirect { users: direct });
        relayed.into_iter().chain(direct)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::samples::name;

    /// The notices at a moment, as the users whose messages go through the server now and those whose messages do not.
    fn told(ways: &mut Ways, now: Instant) -> (Vec<String>, Vec<String>) {
        let (mut relayed, mut direct) = (Vec::new(), Vec::new());
        for notice in ways.take(now) {
            match notice {
                Notice::PeersRelayed { users } => relayed.extend(users.iter().map(ToString::to_string)),
                Notice::PeersDirect { users } => direct.extend(users.iter().map(ToString::to_string)),
                other => panic!("{other:?}"),
            }
        }
        (relayed, direct)
    }

    fn users(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[tokio::test]
    async fn users_whose_links_change_within_a_second_share_a_notice() {
        let (mut ways, begin) = (Ways::default(), Instant::now());
        for user in ["bob", "carol"] {
            ways.note(begin, &name(user), Tier::Relayed);
        }
        ways.note(begin, &name("dave"), Tier::Direct);
        assert_eq!((ways.due, told(&mut ways, begin)), (Some(begin + GATHER), Default::default()));
        assert_eq!(told(&mut ways, begin + GATHER), (users(&["bob", "carol"]), users(&[])));
        assert_eq!((ways.due, told(&mut ways, begin + GATHER)), (None, Default::default()));
    }

    #[tokio::test]
    async fn a_link_that_changes_back_at_once_is_not_mentioned() {
        let (mut ways, begin) = (Ways::default(), Instant::now());
        ways.note(begin, &name("bob"), Tier::Relayed);
        ways.note(begin, &name("bob"), Tier::Direct);
        assert_eq!(told(&mut ways, begin + GATHER), Default::default());
        assert_eq!((ways.users.len(), ways.due), (0, None));
    }

    #[tokio::test]
    async fn a_link_that_changes_again_and_again_is_mentioned_now_and_then_and_in_the_end_rightly() {
        let (mut ways, begin) = (Ways::default(), Instant::now());
        let (mut mentions, mut relayed) = (0, false);
        let mut look = |ways: &mut Ways, now| {
            let (to_relay, to_direct) = told(ways, now);
            mentions += to_relay.len() + to_direct.len();
            relayed = if to_relay.is_empty() { relayed && to_direct.is_empty() } else { true };
            (mentions, relayed)
        };
        let second = |second: u32| begin + second * Duration::from_secs(1);
        for now in 0..120 {
            let tier = if now / 5 % 2 == 0 { Tier::Relayed } else { Tier::Direct };
            ways.note(second(now), &name("bob"), tier);
            look(&mut ways, second(now));
        }
        let (mentions, _) = look(&mut ways, second(120));
        assert!((4..=8).contains(&mentions), "{mentions} mentions");
        ways.note(second(121), &name("bob"), Tier::Relayed);
        for now in 122..160 {
            look(&mut ways, second(now));
        }
        assert!(look(&mut ways, second(160)).1, "the last mention is right");
    }

    #[tokio::test]
    async fn a_user_who_logs_in_again_is_mentioned_again_and_nobody_is_remembered_for_ever() {
        let (mut ways, begin) = (Ways::default(), Instant::now());
        for _ in 0..2 {
            ways.note(begin, &name("bob"), Tier::Relayed);
            assert_eq!(told(&mut ways, begin + GATHER), (users(&["bob"]), users(&[])));
            ways.forget(&name("bob"));
        }
        ways.note(begin, &name("bob"), Tier::Relayed);
        assert_eq!(told(&mut ways, begin + GATHER).0.len(), 1);
        ways.note(begin + GATHER, &name("bob"), Tier::Direct);
        let later = begin + GATHER + GATHER;
        assert_eq!(told(&mut ways, later), (users(&[]), users(&["bob"])));
        assert_eq!(told(&mut ways, later + PAUSE), Default::default());
        assert!(ways.users.is_empty());
    }
}
