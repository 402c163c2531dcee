//! The sessions that are online, and what has to be known of those that ended.

use std::collections::BTreeMap;
use std::time::Duration;

use super::memory::Memory;
use super::tickets::Ticket;
use crate::id::{AccountId, ConnId, Epoch, JobId, Revision, SessionId};
use crate::key::PublicKey;
use crate::name::UserName;
use crate::time::{Mono, Timestamp};

/// One log-in, from welcome to leave.
#[derive(Debug)]
pub(super) struct Session {
    /// Whose it is.
    pub(super) account: AccountId,
    /// The account's name.
    pub(super) user: UserName,
    /// The account's generation when the session began, or after its own change of password.
    pub(super) generation: u64,
    /// Its public key.
    pub(super) key: PublicKey,
    /// When it began.
    pub(super) since: Timestamp,
    /// The revision of its arrival in this run. No copy of an older roster was ever made for it.
    pub(super) arrival: Revision,
    /// Its connection, unless that is broken and the grace time runs.
    pub(super) conn: Option<ConnId>,
    /// Its own change of password, while that is in flight.
    pub(super) changing: Option<Changing>,
}

/// A session's change of password that is in flight.
#[derive(Clone, Copy, Debug)]
pub(super) struct Changing {
    /// The job.
    pub(super) job: JobId,
    /// The highest generation that was seen meanwhile: it may be our own doing or not.
    pub(super) seen: u64,
}

/// What a valid ticket is good for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Standing {
    /// Its session is online and goes on.
    Live,
    /// Its session was online when the server was restarted, and comes back as it was.
    Returning,
    /// Its session has ended; a new one may begin.
    Ended,
    /// A newer session of the account is online.
    Superseded,
}

/// All sessions, one per account.
#[derive(Debug)]
pub(super) struct Sessions {
    live: BTreeMap<AccountId, Session>,
    accounts: BTreeMap<SessionId, AccountId>,
    /// When the last session of an account that ended in this run had begun: neither it nor an older one comes back.
    ended: Memory<AccountId, Timestamp>,
}

/// The most accounts of which an ended session is remembered, about 8 MB. With more, tickets from before a restart are
/// good for a new session only.
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

    /// The account that a live session belongs to.
    pub(super) fn account(&self, session: SessionId) -> Option<AccountId> {
        self.accounts.get(&session).copied()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.live.len()
    }

    /// The accounts of all sessions.
    pub(super) fn accounts(&self) -> impl Iterator<Item = AccountId> {
        self.live.keys().copied()
    }

    /// What a ticket is good for in the run of `epoch`.
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

    /// The beginning of a new session: `wall`, but later than that of every session of the account that is known, so
    /// that newer log-ins win even if the clock is set back.
    pub(super) fn next_since(&self, now: Mono, account: AccountId, wall: Timestamp) -> Timestamp {
        let live = self.live.get(&account).map(|session| session.since);
        let last = live.max(self.ended.get(now, &account).copied());
        last.map_or(wall, |last| wall.max(last.offset_by(1)))
    }

    /// Takes a session in. The one of the same account must have ended, and its key must not be in use.
    pub(super) fn begin(&mut self, session: Session) {
        self.accounts.insert(session.key.session(), session.account);
        self.live.insert(session.account, session);
    }

    /// Ends the session of `account`, for ever.
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

    const ALICE: AccountId = AccountId::new(1);
    const THEN: Epoch = Epoch::new(1);
    const HERE: Epoch = Epoch::new(2);

    fn session(key: u8, since: u64) -> Session {
        Session {
            account: ALICE,
            user: UserName::parse("alice").unwrap(),
            generation: 1,
            key: PublicKey::new([key; 32]),
            since: Timestamp::from_millis(since),
            arrival: Revision::new(1),
            conn: None,
            changing: None,
        }
    }

    fn standing(sessions: &Sessions, epoch: Epoch, key: u8, since: u64) -> Standing {
        let Session { account, generation, key, since, .. } = session(key, since);
        sessions.standing(Mono::ZERO, &Ticket { epoch, account, generation, key, since, issued: since }, HERE)
    }

    #[test]
    fn each_standing() {
        let mut sessions = Sessions::new(Duration::from_secs(60));
        assert_eq!(standing(&sessions, THEN, 1, 5), Standing::Returning, "after a restart");
        assert_eq!(standing(&sessions, HERE, 1, 5), Standing::Ended, "of this run, and not online");
        sessions.begin(session(2, 5));
        assert_eq!(standing(&sessions, HERE, 2, 5), Standing::Live);
        assert_eq!(standing(&sessions, THEN, 2, 5), Standing::Live, "its ticket from before the restart");
        assert_eq!(standing(&sessions, HERE, 1, 4), Standing::Superseded);
        for (since, expected) in [(4, Standing::Superseded), (5, Standing::Superseded), (6, Standing::Returning)] {
            assert_eq!(standing(&sessions, THEN, 1, since), expected, "{since}");
        }
        sessions.end(Mono::ZERO, ALICE);
        for (since, expected) in [(4, Standing::Ended), (5, Standing::Ended), (6, Standing::Returning)] {
            assert_eq!(standing(&sessions, THEN, 1, since), expected, "{since}, nobody online");
        }
    }

    #[test]
    fn when_too_many_have_ended_to_be_remembered_no_session_returns() {
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
    fn a_new_session_begins_after_all_that_are_known() {
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
    fn a_key_is_free_again_when_its_session_has_ended() {
        let mut sessions = Sessions::new(Duration::from_secs(60));
        let id = PublicKey::new([1; 32]).session();
        sessions.begin(session(1, 9));
        assert_eq!(sessions.account(id), Some(ALICE));
        assert!(sessions.end(Mono::ZERO, ALICE).is_some());
        assert_eq!((sessions.account(id), sessions.accounts().count()), (None, 0));
        assert!(sessions.end(Mono::ZERO, ALICE).is_none());
    }
}
