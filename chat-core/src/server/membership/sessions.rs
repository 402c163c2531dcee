//! The sessions that are online, and what is remembered of those that ended.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::id::{AccountId, ConnId, Epoch, JobId, Revision, SessionId};
use crate::key::PublicKey;
use crate::name::UserName;
use crate::server::memory::Memory;
use crate::server::tickets::{AccountDigest, Ticket};
use crate::time::{Mono, Timestamp};

/// One session that is online. A session in its grace time counts as online.
#[derive(Debug)]
pub(in crate::server) struct Session {
    pub(in crate::server) account: AccountId,
    pub(in crate::server) user: UserName,
    pub(in crate::server) digest: AccountDigest,
    /// The generation of the account when the session began, or after the session's own password change.
    pub(in crate::server) generation: u64,
    pub(in crate::server) key: PublicKey,
    /// When the session began.
    pub(in crate::server) since: Timestamp,
    /// The revision of its arrival in this run. No older snapshot was sent to it.
    pub(in crate::server) arrival: Revision,
    /// Its connection at this server. None during the grace time.
    pub(in crate::server) conn: Option<ConnId>,
    /// Its own password change, while that is in flight.
    pub(in crate::server) password_change: Option<PasswordChange>,
}

/// A password change that is in flight.
#[derive(Clone, Copy, Debug)]
pub(in crate::server) struct PasswordChange {
    pub(in crate::server) job: JobId,
    /// The highest generation of the account that was seen meanwhile. It may be due to this change or to another.
    pub(in crate::server) highest: u64,
}

/// What a valid ticket allows its client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Standing {
    /// Its session is online and continues.
    Live,
    /// Its session was online when the server was restarted, and returns as it was.
    Returning,
    /// Its session has ended. A fresh one may begin.
    Ended,
    /// A newer session of the account is online.
    Superseded,
}

/// All sessions, one per account.
#[derive(Debug)]
pub(super) struct Sessions {
    live: BTreeMap<AccountId, Session>,
    accounts: BTreeMap<SessionId, AccountId>,
    /// By account, the beginning of the last session that ended in this run. Neither that session nor an older one can
    /// return.
    ended: Memory<AccountId, Timestamp>,
}

/// The most accounts for which an ended session is remembered, about 8 MB. Beyond that, a ticket from before a restart
/// only begins a fresh session.
const MAX_ENDED: usize = 65_536;

impl Sessions {
    /// No sessions. Tickets are valid for `ticket_life`.
    pub(super) fn new(ticket_life: Duration) -> Self {
        // A ticket may be valid for twice its life if the clock is set back.
        let life = ticket_life.saturating_mul(2);
        Self { live: BTreeMap::new(), accounts: BTreeMap::new(), ended: Memory::new(life, MAX_ENDED) }
    }

    pub(super) fn get(&self, account: AccountId) -> Option<&Session> {
        self.live.get(&account)
    }

    pub(super) fn get_mut(&mut self, account: AccountId) -> Option<&mut Session> {
        self.live.get_mut(&account)
    }

    /// The account of a session that is online.
    pub(super) fn account(&self, session: SessionId) -> Option<AccountId> {
        self.accounts.get(&session).copied()
    }

    pub(super) fn len(&self) -> usize {
        self.live.len()
    }

    /// The accounts of all sessions.
    pub(super) fn accounts(&self) -> impl Iterator<Item = AccountId> {
        self.live.keys().copied()
    }

    /// What a ticket allows its client in the run of `epoch`.
    pub(super) fn standing(&self, now: Mono, ticket: &Ticket, epoch: Epoch) -> Standing {
        let ended = ticket.epoch == epoch
            || self.ended.get(now, &ticket.account).is_some_and(|since| ticket.since <= *since)
            || self.ended.has_gaps(now);
        match self.live.get(&ticket.account) {
            Some(live) if live.key == ticket.key => Standing::Live,
            Some(live) if ended || ticket.since <= live.since => Standing::Superseded,
            None if ended => Standing::Ended,
            Some(_) | None => Standing::Returning,
        }
    }

    /// When a new session of `account` begins: at `wall`, but later than every known session of the account, so that
    /// newer logins win even if the clock is set back.
    pub(super) fn next_since(&self, now: Mono, account: AccountId, wall: Timestamp) -> Timestamp {
        let live = self.live.get(&account).map(|session| session.since);
        let last = live.max(self.ended.get(now, &account).copied());
        last.map_or(wall, |last| wall.max(last.offset_by(1)))
    }

    /// Adds a session. The previous session of the account must have ended, and the key must not be in use.
    pub(super) fn begin(&mut self, session: Session) {
        self.accounts.insert(session.key.session(), session.account);
        self.live.insert(session.account, session);
    }

    /// Ends the session of `account` for good.
    pub(super) fn end(&mut self, now: Mono, account: AccountId) -> Option<Session> {
        let session = self.live.remove(&account)?;
        self.accounts.remove(&session.key.session());
        let since = self.ended.renew(now, account);
        *since = session.since.max(*since);
        Some(session)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::tests::account;

    const ALICE: AccountId = AccountId::new(1);
    const THEN: Epoch = Epoch::new(1);
    const HERE: Epoch = Epoch::new(2);

    fn session(key: u8, since: u64) -> Session {
        Session {
            account: ALICE,
            user: UserName::parse("alice").unwrap(),
            digest: AccountDigest::of(&account("alice")),
            generation: 1,
            key: PublicKey::new([key; 32]),
            since: Timestamp::from_millis(since),
            arrival: Revision::new(1),
            conn: None,
            password_change: None,
        }
    }

    fn standing(sessions: &Sessions, epoch: Epoch, key: u8, since: u64) -> Standing {
        let Session { account, digest, generation, key, since, .. } = session(key, since);
        sessions.standing(Mono::ZERO, &Ticket { epoch, account, digest, generation, key, since, issued: since }, HERE)
    }

    #[test]
    fn a_ticket_stands_as_its_session_does() {
        let mut sessions = Sessions::new(Duration::from_secs(60));
        assert_eq!(standing(&sessions, THEN, 1, 5), Standing::Returning, "after a restart");
        assert_eq!(standing(&sessions, HERE, 1, 5), Standing::Ended, "it is of this run and not online");
        sessions.begin(session(2, 5));
        assert_eq!(standing(&sessions, HERE, 2, 5), Standing::Live);
        assert_eq!(
            standing(&sessions, THEN, 2, 5),
            Standing::Live,
            "a ticket of the same session from before the restart"
        );
        assert_eq!(standing(&sessions, HERE, 1, 4), Standing::Superseded);
        for (since, expected) in [(4, Standing::Superseded), (5, Standing::Superseded), (6, Standing::Returning)] {
            assert_eq!(standing(&sessions, THEN, 1, since), expected, "{since}");
        }
        sessions.end(Mono::ZERO, ALICE);
        for (since, expected) in [(4, Standing::Ended), (5, Standing::Ended), (6, Standing::Returning)] {
            assert_eq!(standing(&sessions, THEN, 1, since), expected, "{since}, and no session is online");
        }
    }

    #[test]
    fn no_session_returns_while_ended_ones_are_forgotten_for_lack_of_room() {
        let mut sessions = Sessions::new(Duration::from_secs(60));
        sessions.ended = Memory::new(Duration::from_secs(60), 1);
        for account in [AccountId::new(8), AccountId::new(9)] {
            sessions.begin(Session { account, ..session(account.get() as u8, 5) });
            sessions.end(Mono::ZERO, account);
        }
        assert_eq!(standing(&sessions, THEN, 1, 5), Standing::Ended);
        sessions.begin(session(2, 4));
        assert_eq!(standing(&sessions, THEN, 1, 5), Standing::Superseded);
    }

    #[test]
    fn a_new_session_begins_later_than_all_known_ones() {
        let mut sessions = Sessions::new(Duration::from_secs(60));
        let next = |sessions: &Sessions, wall| {
            sessions.next_since(Mono::ZERO, ALICE, Timestamp::from_millis(wall)).as_millis()
        };
        assert_eq!(next(&sessions, 5), 5);
        sessions.begin(session(1, 9));
        assert_eq!((next(&sessions, 5), next(&sessions, 50)), (10, 50));
        sessions.end(Mono::ZERO, ALICE);
        assert_eq!(next(&sessions, 5), 10);
    }

    #[test]
    fn a_key_is_free_once_its_session_has_ended() {
        let mut sessions = Sessions::new(Duration::from_secs(60));
        let id = PublicKey::new([1; 32]).session();
        sessions.begin(session(1, 9));
        assert_eq!(sessions.account(id), Some(ALICE));
        assert!(sessions.end(Mono::ZERO, ALICE).is_some());
        assert_eq!((sessions.account(id), sessions.accounts().count()), (None, 0));
        assert!(sessions.end(Mono::ZERO, ALICE).is_none());
    }
}
