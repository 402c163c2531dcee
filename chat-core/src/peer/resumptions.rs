//! The kept state of removed links, by user.
//!
//! Two sessions derive the same keys each time they meet, so a link that is opened again must continue the numbers of
//! its predecessor. Beyond the limit, the state of the user with the most sessions is dropped: all others keep theirs.

use std::collections::BTreeMap;

use super::limit_counts::LimitCounts;
use super::link::{ChallengeBudget, Resumption};
use crate::id::SessionId;
use crate::message::FailReason;
use crate::name::UserName;

/// The kept state of all users: at most [`MAX_RESUMPTIONS`] links, and entries for users without any.
#[derive(Debug, Default)]
pub(super) struct Resumptions {
    by_user: BTreeMap<UserName, Past>,
    /// The number of links that are kept, plus the number of refused users.
    count: usize,
    capacity: Capacity,
}

/// The kept state of one user.
#[derive(Debug)]
enum Past {
    Known {
        /// The state of removed links, one for each past session.
        links: Vec<(SessionId, Resumption)>,
        /// The rest of the latest link's challenge budget.
        challenges: ChallengeBudget,
    },
    /// The state of some link was dropped, so there is no link to any session of this user.
    Refused,
}

/// Whether the state of every removed link was kept, except of refused users.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Capacity {
    #[default]
    Available,
    /// The state of some link was dropped, so a session without state may be one of those.
    Exceeded,
}

/// The limit was reached for the first time, and no user has more than one session.
#[derive(Debug)]
pub(super) struct Exhausted;

/// The most links whose state is kept, of all users together: a few megabytes.
const MAX_RESUMPTIONS: usize = 65_536;

/// The most links to one user whose state is kept: the sessions of a program that logs in every minute for more than
/// five days. Each takes a session of the user and a datagram in it.
const MAX_RESUMPTIONS_PER_USER: usize = 8_192;

impl Resumptions {
    /// Checks whether a link to this session of `user` may be opened.
    ///
    /// # Errors
    /// The state of an earlier link between the same sessions may have been dropped.
    pub(super) fn check(&self, user: &UserName, session: SessionId) -> Result<(), FailReason> {
        match self.by_user.get(user) {
            Some(Past::Refused) => Err(FailReason::TooManySessions),
            Some(Past::Known { links, .. }) if links.iter().any(|(known, _)| *known == session) => Ok(()),
            _ if self.capacity == Capacity::Exceeded => Err(FailReason::Leaving),
            _ => Ok(()),
        }
    }

    /// Removes and returns the state for a link to this session of `user`, which is the default for a new session, and the
    /// challenge budget of the link.
    pub(super) fn take(&mut self, user: &UserName, session: SessionId) -> (Resumption, ChallengeBudget) {
        let Some(Past::Known { links, challenges }) = self.by_user.get_mut(user) else { return Default::default() };
        let index = links.iter().position(|(known, _)| *known == session);
        let resumption = index.map(|index| links.swap_remove(index).1);
        self.count -= usize::from(resumption.is_some());
        (resumption.unwrap_or_default(), *challenges)
    }

    /// Keeps the rest of the challenge budget of a link to `user` that ends, so that the user's next session does not
    /// renew the budget.
    pub(super) fn keep_challenges(&mut self, user: &UserName, budget: ChallengeBudget) {
        if let Past::Known { challenges, .. } = self.by_user.entry(user.clone()).or_default() {
            *challenges = budget;
        }
    }

    /// Keeps the state of a removed link. If there are too many, the state of the user with the most links is dropped.
    ///
    /// # Errors
    /// The state was dropped for the first time, and no user has more than one link.
    pub(super) fn insert(
        &mut self,
        user: &UserName,
        session: SessionId,
        resumption: Resumption,
        limits: &mut LimitCounts,
    ) -> Result<(), Exhausted> {
        let past = self.by_user.entry(user.clone()).or_default();
        let Past::Known { links, .. } = past else { return Ok(()) };
        if resumption == Resumption::default() {
            // Nothing was sent on the link, so nothing of its challenge budget is used.
            if links.is_empty() {
                self.by_user.remove(user);
            }
            return Ok(());
        }
        links.push((session, resumption));
        self.count += 1;
        if links.len() > MAX_RESUMPTIONS_PER_USER {
            self.refuse(user, limits);
        }
        if self.count <= MAX_RESUMPTIONS {
            return Ok(());
        }
        let most = self.by_user.iter().max_by_key(|(_, past)| past.links()).filter(|(_, past)| past.links() > 1);
        if let Some(user) = most.map(|(user, _)| user.clone()) {
            self.refuse(&user, limits);
            return Ok(());
        }
        if let Some(Past::Known { links, .. }) = self.by_user.get_mut(user) {
            links.pop();
            self.count -= 1;
        }
        match std::mem::replace(&mut self.capacity, Capacity::Exceeded) {
            Capacity::Available => Err(Exhausted),
            Capacity::Exceeded => Ok(()),
        }
    }

    /// Drops the state of all links to `user`, and refuses links to this user from now on.
    fn refuse(&mut self, user: &UserName, limits: &mut LimitCounts) {
        if let Some(past) = self.by_user.get_mut(user) {
            self.count = self.count + 1 - past.links();
            *past = Past::Refused;
            limits.users += 1;
        }
    }
}

impl Past {
    /// Returns the number of links whose state is kept.
    fn links(&self) -> usize {
        match self {
            Self::Known { links, .. } => links.len(),
            Self::Refused => 0,
        }
    }
}

impl Default for Past {
    fn default() -> Self {
        Self::Known { links: Vec::new(), challenges: ChallengeBudget::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::link::resumption_after;

    fn user(number: usize) -> UserName {
        format!("m{number}").parse().unwrap()
    }

    fn session(number: usize) -> SessionId {
        SessionId::new(number as u64)
    }

    /// Keeps the state of a link to session `number`.
    fn insert(resumptions: &mut Resumptions, user: &UserName, number: usize) -> Result<LimitCounts, Exhausted> {
        let mut limits = LimitCounts::default();
        resumptions.insert(user, session(number), resumption_after(number as u64 + 1), &mut limits).map(|()| limits)
    }

    #[test]
    fn the_state_of_a_link_is_kept_for_its_own_user_and_session() {
        let mut resumptions = Resumptions::default();
        insert(&mut resumptions, &user(1), 1).unwrap();
        assert_eq!(resumptions.take(&user(2), session(1)).0, Resumption::default());
        assert_eq!(resumptions.take(&user(1), session(2)).0, Resumption::default());
        assert_eq!(resumptions.take(&user(1), session(1)).0, resumption_after(2));
        assert_eq!(resumptions.take(&user(1), session(1)).0, Resumption::default());
        assert_eq!(resumptions.count, 0);
    }

    #[test]
    fn a_user_with_too_many_sessions_is_refused_and_nobody_else() {
        let mut resumptions = Resumptions::default();
        insert(&mut resumptions, &user(1), 0).unwrap();
        for number in 1..=MAX_RESUMPTIONS_PER_USER {
            assert_eq!(insert(&mut resumptions, &user(2), number).unwrap().users, 0);
            assert_eq!(resumptions.check(&user(2), session(number + 1)), Ok(()));
        }
        assert_eq!(insert(&mut resumptions, &user(2), 0).unwrap().users, 1);
        for number in [0, 1, 70_000] {
            assert_eq!(resumptions.check(&user(2), session(number)), Err(FailReason::TooManySessions));
        }
        assert_eq!(resumptions.count, 2, "one link and one refused user");
        assert_eq!(insert(&mut resumptions, &user(2), 1).unwrap().users, 0, "a link that was open meanwhile");
        assert_eq!(
            (resumptions.check(&user(1), session(0)), resumptions.check(&user(3), session(9))),
            (Ok(()), Ok(()))
        );
        assert_eq!(resumptions.take(&user(1), session(0)).0, resumption_after(1));
    }

    #[test]
    fn users_with_the_most_sessions_are_refused_first_when_the_limit_is_reached() {
        let mut resumptions = Resumptions::default();
        // A thousand attackers, and users with one session or two.
        let attackers = 1_000;
        for number in 0..MAX_RESUMPTIONS * 2 {
            insert(&mut resumptions, &user(number % attackers), number).unwrap();
            if number % 64 == 0 {
                insert(&mut resumptions, &user(attackers + number / 128), number).unwrap();
            }
            assert!(resumptions.count <= MAX_RESUMPTIONS);
        }
        let users = attackers..attackers + MAX_RESUMPTIONS / 64;
        assert!(users.into_iter().all(|number| resumptions.by_user[&user(number)].links() == 2));
        assert_eq!(resumptions.check(&user(90_000), session(0)), Ok(()));
    }

    #[test]
    fn if_no_user_has_several_sessions_those_without_state_are_refused() {
        let mut resumptions = Resumptions::default();
        for number in 0..MAX_RESUMPTIONS {
            insert(&mut resumptions, &user(number), number).unwrap();
        }
        assert!(insert(&mut resumptions, &user(100_000), 1).is_err());
        assert!(insert(&mut resumptions, &user(100_001), 1).is_ok(), "reported once");
        assert_eq!(resumptions.check(&user(100_000), session(1)), Err(FailReason::Leaving));
        assert_eq!(resumptions.check(&user(7), session(7)), Ok(()));
        assert_eq!(resumptions.take(&user(7), session(7)).0, resumption_after(8));
    }
}
