//! The sessions that are online, and what is remembered of those that ended.

use std::collections::BTreeMap;
use std::time::Duration;

use super::welcome::WelcomeState;
use crate::accounts::{Account, AccountDigest};
use crate::id::{AccountId, ConnId, Epoch, JobId, NodeId, Position, Revision, SessionId};
use crate::key::PublicKey;
use crate::memory::Memory;
use crate::name::UserName;
use crate::server::tickets::Ticket;
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
    /// The highest revision that its arrival in this run may have. A client that states a lower one receives a
    /// snapshot.
    pub(in crate::server) arrival: Revision,
    /// The node that it is at. Only that node judges its requests, and ends it when the grace time is over.
    pub(in crate::server) home: NodeId,
    /// The last act that changed it.
    pub(in crate::server) position: Position,
    /// The node that it was at when this node entered, until this node knows that its client knows the same journal. The
    /// journal may have lost acts before, and the nodes that had read them may be gone, so that nobody begins another epoch.
    /// The client then states a revision that means something else here, and needs a snapshot.
    pub(in crate::server) unverified: Option<NodeId>,
    /// Whether the ticket of the session before may still continue it.
    pub(in crate::server) welcome: WelcomeState,
    /// Its connection at this server. `None` during the grace time.
    pub(in crate::server) conn: Option<ConnId>,
    /// Its own password change, while that is in flight. In a box, because most sessions never have one.
    pub(in crate::server) password_change: Option<Box<PasswordChange>>,
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
    /// Its session has ended, and the fresh one that its client asked for is online. Its client has not read the welcome.
    Followed,
    /// The same, but this node does not know whether the client has read the welcome.
    MaybeFollowed,
    /// A newer session of the account is online.
    Superseded,
}

/// All sessions, one per account.
#[derive(Debug)]
pub(super) struct Sessions {
    /// In boxes, because a tree with large values has a third of its memory unused.
    live: BTreeMap<AccountId, Box<Session>>,
    accounts: BTreeMap<SessionId, AccountId>,
    past: Memory<AccountId, Past>,
    /// The accounts whose last session has ended, as the journal has them. `None` at a server that is alone, which needs
    /// no positions of sessions that ended.
    ended: Option<BTreeMap<AccountId, EndedSession>>,
}

/// The last session of an account that has no session.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::server) struct EndedSession {
    /// The act that ended it.
    pub(in crate::server) position: Position,
    /// When the latest session of the account began.
    pub(in crate::server) since: Timestamp,
}

/// The record of an account's sessions that ended in this run.
#[derive(Debug, Default)]
struct Past {
    /// The beginning of the last one. Neither that session nor an older one can return.
    ended: Option<Timestamp>,
    /// Tickets of sessions that began at this time or earlier are void.
    void_until: Option<Timestamp>,
}

/// The most accounts whose past is remembered, about 10 MB. Beyond that, a ticket from before a restart only begins a
/// fresh session, and the accounts alone know which tickets are void.
const MAX_PAST: usize = 65_536;

impl Sessions {
    /// No sessions. Tickets are valid for `ticket_life`.
    pub(super) fn new(ticket_life: Duration) -> Self {
        // A ticket may be valid for twice its life if the clock is set back.
        let life = ticket_life.saturating_mul(2);
        Self { live: BTreeMap::new(), accounts: BTreeMap::new(), past: Memory::new(life, MAX_PAST), ended: None }
    }

    /// Keeps which sessions have ended, as the journal does.
    pub(super) fn keep_ended(&mut self) {
        self.ended.get_or_insert_default();
    }

    /// The last session of `account`, if it has ended.
    pub(super) fn ended_one(&self, account: AccountId) -> Option<EndedSession> {
        self.ended.as_ref()?.get(&account).copied()
    }

    /// Removes and returns all sessions. What is remembered of those that ended stays, except for their positions.
    pub(super) fn take(&mut self) -> BTreeMap<AccountId, Box<Session>> {
        self.accounts.clear();
        self.ended = self.ended.take().map(|_| BTreeMap::new());
        std::mem::take(&mut self.live)
    }

    /// The last act that changed the session of `account`, or ended the last one. 0 if none is known.
    pub(super) fn position(&self, account: AccountId) -> Position {
        let ended = || self.ended.as_ref()?.get(&account).map(|ended| ended.position);
        self.live.get(&account).map(|session| session.position).or_else(ended).unwrap_or(Position::new(0))
    }

    /// The accounts whose last session has ended, at a node.
    pub(super) fn ended(&self) -> impl Iterator<Item = (AccountId, EndedSession)> {
        self.ended.iter().flatten().map(|(account, ended)| (*account, *ended))
    }

    /// Records that the last session of `account` has ended, as a slot of the journal says.
    pub(super) fn set_ended(&mut self, now: Mono, account: AccountId, ended: EndedSession) {
        self.forget_until(now, account, ended);
    }

    fn forget_until(&mut self, now: Mono, account: AccountId, session: EndedSession) {
        if let Some(ended) = &mut self.ended {
            ended.insert(account, session);
        }
        let ended = &mut self.past.renew(now, account).ended;
        *ended = (*ended).max(Some(session.since));
    }

    pub(super) fn get(&self, account: AccountId) -> Option<&Session> {
        self.live.get(&account).map(|session| &**session)
    }

    pub(super) fn get_mut(&mut self, account: AccountId) -> Option<&mut Session> {
        self.live.get_mut(&account).map(|session| &mut **session)
    }

    /// The account of a session that is online.
    pub(super) fn account(&self, session: SessionId) -> Option<AccountId> {
        self.accounts.get(&session).copied()
    }

    pub(super) fn len(&self) -> usize {
        self.live.len()
    }

    /// All sessions, by account.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Session> {
        self.live.values().map(|session| &**session)
    }

    /// All sessions, by account.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Session> {
        self.live.values_mut().map(|session| &mut **session)
    }

    /// The standing of a ticket in the run of `epoch`. A fresh session of its client would have `next_key`. Only a later
    /// session supersedes that of the ticket: a journal that has lost its latest acts may go back to an earlier one.
    pub(super) fn standing(&self, now: Mono, ticket: &Ticket, next_key: PublicKey, epoch: Epoch) -> Standing {
        let past = self.past.get(now, &ticket.account);
        let ended =
            ticket.epoch == epoch || past.is_some_and(|past| Some(ticket.since) <= past.ended) || self.has_gaps(now);
        match self.live.get(&ticket.account) {
            Some(live) if live.key == ticket.key => Standing::Live,
            Some(live) if live.key == next_key => match live.welcome {
                WelcomeState::Unread => Standing::Followed,
                WelcomeState::Unknown => Standing::MaybeFollowed,
                WelcomeState::Read => Standing::Superseded,
            },
            Some(live) if ticket.since <= live.since || self.has_gaps(now) => Standing::Superseded,
            None if ended => Standing::Ended,
            Some(_) | None => Standing::Returning,
        }
    }

    /// Whether a ticket is void, because its client has left the session, or its user has logged in again with the
    /// password.
    pub(super) fn is_void(&self, now: Mono, ticket: &Ticket, account: &Account) -> bool {
        let here = self.past.get(now, &account.id).and_then(|past| past.void_until);
        Some(ticket.since) <= here.max(account.tickets_void_until)
    }

    /// When a new session of `account` begins: at `wall`, but later than every known session of the account, and than
    /// the time until which its tickets are void. Newer logins thus win even if the clock is set back.
    pub(super) fn next_since(&self, now: Mono, account: &Account, wall: Timestamp) -> Timestamp {
        let last = self.latest(now, account.id).max(account.tickets_void_until);
        last.map_or(wall, |last| wall.max(last.offset_by(1)))
    }

    /// The beginning of the latest session of `account` that is known, or the time until which its tickets are void.
    pub(super) fn latest(&self, now: Mono, account: AccountId) -> Option<Timestamp> {
        let live = self.live.get(&account).map(|session| session.since);
        let past = self.past.get(now, &account);
        live.max(past.and_then(|past| past.ended.max(past.void_until)))
    }

    /// Whether the past of an account was forgotten for lack of room.
    pub(super) fn has_gaps(&self, now: Mono) -> bool {
        self.past.has_gaps(now)
    }

    /// Voids the tickets of the sessions of `account` that began at `until` or earlier. `false` if they are void
    /// already.
    pub(super) fn void_tickets(&mut self, now: Mono, account: AccountId, until: Timestamp) -> bool {
        let void_until = &mut self.past.renew(now, account).void_until;
        let before = *void_until;
        *void_until = before.max(Some(until));
        before < *void_until
    }

    /// Adds a session. The previous session of the account must have ended, and the key must not be in use.
    pub(super) fn begin(&mut self, session: Session) {
        if let Some(ended) = &mut self.ended {
            ended.remove(&session.account);
        }
        self.accounts.insert(session.key.session(), session.account);
        self.live.insert(session.account, Box::new(session));
    }

    /// Ends the session of `account` for good, by the act at `position`.
    pub(super) fn end(&mut self, now: Mono, account: AccountId, position: Position) -> Option<Session> {
        let session = *self.live.remove(&account)?;
        self.accounts.remove(&session.key.session());
        self.forget_until(now, account, EndedSession { position, since: session.since });
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
            home: NodeId::new(0),
            position: Position::new(0),
            conn: None,
            unverified: None,
            welcome: WelcomeState::Unknown,
            password_change: None,
        }
    }

    fn end(sessions: &mut Sessions, account: AccountId) -> Option<Session> {
        sessions.end(Mono::ZERO, account, Position::new(1))
    }

    fn standing(sessions: &Sessions, epoch: Epoch, key: u8, since: u64) -> Standing {
        let Session { account, digest, generation, key, since, .. } = session(key, since);
        let ticket = Ticket { epoch, account, digest, generation, key, since, issued: since };
        sessions.standing(Mono::ZERO, &ticket, PublicKey::new([9; 32]), HERE)
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
        assert_eq!(standing(&sessions, HERE, 1, 6), Standing::Returning, "the journal went back to an earlier session");
        for (since, expected) in [(4, Standing::Superseded), (5, Standing::Superseded), (6, Standing::Returning)] {
            assert_eq!(standing(&sessions, THEN, 1, since), expected, "{since}");
        }
        end(&mut sessions, ALICE);
        sessions.begin(session(9, 5));
        for (welcome, expected) in [
            (WelcomeState::Unknown, Standing::MaybeFollowed),
            (WelcomeState::Unread, Standing::Followed),
            (WelcomeState::Read, Standing::Superseded),
        ] {
            sessions.get_mut(ALICE).unwrap().welcome = welcome;
            assert_eq!(standing(&sessions, HERE, 2, 5), expected, "the ticket's client has asked for this session");
        }
        end(&mut sessions, ALICE);
        for (since, expected) in [(4, Standing::Ended), (5, Standing::Ended), (6, Standing::Returning)] {
            assert_eq!(standing(&sessions, THEN, 1, since), expected, "{since}, and no session is online");
        }
    }

    #[test]
    fn tickets_of_sessions_that_began_until_a_time_are_void_by_this_run_or_by_the_account() {
        let mut sessions = Sessions::new(Duration::from_secs(60));
        let is_void = |sessions: &Sessions, since, stored: Option<u64>| {
            let Session { account: id, digest, generation, key, since, .. } = session(1, since);
            let ticket = Ticket { epoch: THEN, account: id, digest, generation, key, since, issued: since };
            let account = Account { tickets_void_until: stored.map(Timestamp::from_millis), ..account("alice") };
            sessions.is_void(Mono::ZERO, &ticket, &account)
        };
        assert!(!is_void(&sessions, 5, None));
        assert_eq!([4, 5, 6].map(|since| is_void(&sessions, since, Some(5))), [true, true, false]);
        let until = Timestamp::from_millis;
        assert_eq!([5, 4, 5].map(|time| sessions.void_tickets(Mono::ZERO, ALICE, until(time))), [true, false, false]);
        assert_eq!([4, 5, 6].map(|since| is_void(&sessions, since, None)), [true, true, false]);
        assert_eq!([5, 6, 7].map(|since| is_void(&sessions, since, Some(6))), [true, true, false]);
        assert_eq!(standing(&sessions, THEN, 1, 6), Standing::Returning, "none of its sessions has ended");
    }

    #[test]
    fn no_session_returns_while_ended_ones_are_forgotten_for_lack_of_room() {
        let mut sessions = Sessions::new(Duration::from_secs(60));
        sessions.past = Memory::new(Duration::from_secs(60), 1);
        for account in [AccountId::new(8), AccountId::new(9)] {
            sessions.begin(Session { account, ..session(account.get() as u8, 5) });
            end(&mut sessions, account);
        }
        assert_eq!(standing(&sessions, THEN, 1, 5), Standing::Ended);
        sessions.begin(session(2, 4));
        assert_eq!(standing(&sessions, THEN, 1, 5), Standing::Superseded);
    }

    #[test]
    fn a_new_session_begins_later_than_all_known_ones() {
        let mut sessions = Sessions::new(Duration::from_secs(60));
        let next = |sessions: &Sessions, wall| {
            sessions.next_since(Mono::ZERO, &account("alice"), Timestamp::from_millis(wall)).as_millis()
        };
        assert_eq!(next(&sessions, 5), 5);
        sessions.begin(session(1, 9));
        assert_eq!((next(&sessions, 5), next(&sessions, 50)), (10, 50));
        end(&mut sessions, ALICE);
        assert_eq!(next(&sessions, 5), 10);
        assert!(sessions.void_tickets(Mono::ZERO, ALICE, Timestamp::from_millis(20)));
        assert_eq!(next(&sessions, 5), 21);
        let stored = Account { tickets_void_until: Some(Timestamp::from_millis(30)), ..account("alice") };
        assert_eq!(sessions.next_since(Mono::ZERO, &stored, Timestamp::from_millis(5)).as_millis(), 31);
    }

    #[test]
    fn a_key_is_free_once_its_session_has_ended() {
        let mut sessions = Sessions::new(Duration::from_secs(60));
        let id = PublicKey::new([1; 32]).session();
        sessions.begin(session(1, 9));
        assert_eq!(sessions.account(id), Some(ALICE));
        assert!(end(&mut sessions, ALICE).is_some());
        assert_eq!((sessions.account(id), sessions.iter().count()), (None, 0));
        assert!(end(&mut sessions, ALICE).is_none());
    }

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn a_session_is_small_because_every_node_has_all_of_them() {
        use crate::roster::Entry;

        // The allocator adds 8 bytes to each box and rounds up to a multiple of 16.
        assert_eq!((size_of::<Session>(), size_of::<Entry>()), (168, 112));
        assert_eq!(size_of::<UserName>(), 24);
    }
}
