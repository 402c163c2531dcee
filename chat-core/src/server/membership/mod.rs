//! Membership: which sessions are online.
//!
//! *Judging* a request against the current sessions gives an [`Act`] or a rejection, and changes nothing.
//! [`Membership::apply`] then puts the act into effect. It is the only writer of the sessions and of the roster. It
//! never fails and decides nothing, so it could also apply acts that another server judged.

mod act;
mod sessions;

use std::net::SocketAddr;

pub(super) use self::act::{Act, Effect};
pub(super) use self::sessions::{PasswordChange, Session};
use self::sessions::{Sessions, Standing};
use super::config::ServerConfig;
use super::cx::Cx;
use super::limit::Limit;
use super::publication::Publication;
use super::session_request::SessionRequest;
use super::tickets::{AccountDigest, Ticket};
use crate::accounts::{Account, Status};
use crate::away::AwayText;
use crate::extras::Extras;
use crate::id::{AccountId, ConnId, Epoch};
use crate::key::PublicKey;
use crate::presence::OfflineReason;
use crate::roster::{Change, Entry, Roster, RosterVersion};
use crate::time::{Mono, Now, Timestamp};
use crate::wire::control::{Ended, WelcomeKind};
use crate::wire::rejection::Rejection;

/// The sessions and the roster.
#[derive(Debug)]
pub(super) struct Membership {
    sessions: Sessions,
    publication: Publication,
}

/// What a valid ticket leads to.
#[derive(Debug)]
pub(super) struct Resumption {
    pub(super) act: Act,
    pub(super) kind: WelcomeKind,
    /// The version of the client's roster, if a delta may begin there.
    pub(super) known_version: Option<RosterVersion>,
}

impl Membership {
    /// No sessions, and an empty roster whose revisions are counted under `epoch`.
    pub(super) fn new(epoch: Epoch, config: &ServerConfig) -> Self {
        Self { sessions: Sessions::new(config.ticket_life), publication: Publication::new(epoch, config) }
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

    /// The accounts of all sessions.
    pub(super) fn accounts(&self) -> impl Iterator<Item = AccountId> {
        self.sessions.accounts()
    }

    /// Gives the session of `account` a connection, or takes it away. `false` if there is no such session.
    pub(super) fn set_connection(&mut self, account: AccountId, conn: Option<ConnId>) -> bool {
        self.sessions.get_mut(account).map(|session| session.conn = conn).is_some()
    }

    /// Whether a ticket is valid and belongs to a session that is online.
    pub(super) fn is_online(&self, ticket: &Ticket) -> bool {
        self.session(ticket.account).is_some_and(|session| {
            (session.key, session.generation, session.digest) == (ticket.key, ticket.generation, ticket.digest)
        })
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
    pub(super) fn password_change(&mut self, account: AccountId) -> Option<&mut Option<PasswordChange>> {
        self.sessions.get_mut(account).map(|session| &mut session.password_change)
    }

    /// Judges whether a new session may have this key: two sessions with one id could not be told apart.
    ///
    /// # Errors
    /// [`Rejection::KeyInUse`] if an online session has the same id.
    pub(super) fn check_key(&self, key: PublicKey) -> Result<(), Rejection> {
        self.sessions.account(key.session()).map_or(Ok(()), |_| Err(Rejection::KeyInUse))
    }

    /// Judges a login with the right password of `account`.
    ///
    /// # Errors
    /// Why the session may not begin.
    pub(super) fn judge_login(
        &self,
        cx: &mut Cx<'_>,
        account: &Account,
        request: SessionRequest,
    ) -> Result<Act, Rejection> {
        if account.status != Status::Active {
            return Err(Rejection::Disabled);
        }
        let since = self.sessions.next_since(cx.now.mono, account, cx.now.wall);
        self.judge_beginning(cx, account, since, request, None)
    }

    /// Judges a login with a valid ticket, whose account is `account` now.
    ///
    /// # Errors
    /// Why the session neither continues nor begins.
    pub(super) fn judge_resumption(
        &self,
        cx: &mut Cx<'_>,
        ticket: &Ticket,
        account: Option<&Account>,
        request: SessionRequest,
    ) -> Result<Resumption, Rejection> {
        let account = match account {
            // Another account with the same id, in another database.
            Some(account) if AccountDigest::of(account) != ticket.digest => return Err(Rejection::TicketRefused),
            Some(account) if account.status == Status::Disabled => return Err(Rejection::Disabled),
            Some(account) if account.status == Status::Active && account.generation == ticket.generation => account,
            _ => return Err(Rejection::TicketRefused),
        };
        match self.sessions.standing(cx.now.mono, ticket, self.publication.epoch()) {
            Standing::Superseded => Err(Rejection::Superseded),
            Standing::Live => {
                let arrival = self.sessions.get(account.id).map(|session| session.arrival);
                // A client that claims an older roster would receive changes from before its own arrival.
                let known_version = request.known_version.filter(|known| Some(known.revision) >= arrival);
                let act = Act::Continued { account: account.id };
                Ok(Resumption { act, kind: WelcomeKind::Continued, known_version })
            }
            Standing::Returning | Standing::Ended if self.sessions.is_void(cx.now.mono, ticket, account) => {
                Err(Rejection::TicketRefused)
            }
            Standing::Returning => {
                let evicted = self.key_thief(ticket, account.id);
                let request = SessionRequest { key: ticket.key, ..request };
                let act = self.judge_beginning(cx, account, ticket.since, request, evicted)?;
                Ok(Resumption { act, kind: WelcomeKind::Continued, known_version: None })
            }
            Standing::Ended => {
                let since = self.sessions.next_since(cx.now.mono, account, cx.now.wall);
                let act = self.judge_beginning(cx, account, since, request, None)?;
                Ok(Resumption { act, kind: WelcomeKind::Fresh, known_version: None })
            }
        }
    }

    /// Judges a change of addresses. `None` if it changes nothing.
    pub(super) fn judge_move(&self, account: AccountId, addresses: Vec<SocketAddr>) -> Option<Act> {
        let entry = self.entry(account)?;
        (entry.addresses != addresses).then_some(Act::Moved { account, addresses })
    }

    /// Judges that a user goes away or comes back. `None` if that changes nothing.
    pub(super) fn judge_away(&self, account: AccountId, away: Option<AwayText>) -> Option<Act> {
        let entry = self.entry(account)?;
        (entry.away() != away).then_some(Act::Away { account, away })
    }

    /// Puts an act into effect. Returns what follows for connections, in order. An act on a session that does not exist
    /// has no effect.
    pub(super) fn apply(&mut self, now: Now, act: Act) -> Vec<Effect> {
        match act {
            Act::Began { account, digest, generation, entry, evicted } => {
                let mut effects: Vec<Effect> =
                    evicted.into_iter().filter_map(|other| self.end(now, other, OfflineReason::Kicked)).collect();
                let replaced = self.sessions.end(now.mono, account);
                effects
                    .extend(replaced.iter().filter_map(|session| session.conn).map(|conn| Effect::Replaced { conn }));
                let Entry { user, key, since, .. } = entry.clone();
                let change = if replaced.is_some() { Change::Replaced(entry) } else { Change::Online(entry) };
                self.publication.make(now.wall, change);
                let arrival = self.publication.revision();
                self.sessions.begin(Session {
                    account,
                    user,
                    digest,
                    generation,
                    key,
                    since,
                    arrival,
                    conn: None,
                    password_change: None,
                });
                effects
            }
            Act::Continued { account } => {
                let before = self.sessions.get_mut(account).and_then(|session| session.conn.take());
                before.map(|conn| Effect::Detached { conn }).into_iter().collect()
            }
            Act::Moved { account, addresses } => {
                self.move_to(now, account, addresses);
                Vec::new()
            }
            Act::Away { account, away } => {
                if let Some(mut entry) = self.entry(account).cloned() {
                    entry.set_away(away.as_ref());
                    self.publication.make_away(now.wall, entry);
                }
                Vec::new()
            }
            Act::Renewed { account, generation } => {
                if let Some(session) = self.sessions.get_mut(account) {
                    session.generation = session.generation.max(generation);
                }
                Vec::new()
            }
            Act::Ended { account, reason } => self.end(now, account, reason).into_iter().collect(),
        }
    }

    /// Judges the beginning of a session at `since`, provided that the session of the account `thief` ends first.
    fn judge_beginning(
        &self,
        cx: &mut Cx<'_>,
        account: &Account,
        since: Timestamp,
        request: SessionRequest,
        thief: Option<AccountId>,
    ) -> Result<Act, Rejection> {
        let SessionRequest { key, addresses, versions, away, link_features, .. } = request;
        if thief.is_none() {
            self.check_key(key)?;
        }
        let others = self.sessions.len() - usize::from(thief.is_some());
        if others >= cx.config.max_sessions && self.sessions.get(account.id).is_none() {
            cx.limit_reached(Limit::Sessions);
            return Err(Rejection::Full);
        }
        // If another account has freed the name, the session of that account must end first.
        let holder = self.roster().get(&account.name).and_then(|entry| self.sessions.account(entry.session()));
        let holder = holder.filter(|holder| *holder != account.id && Some(*holder) != thief);
        let user = account.name.clone();
        let mut entry = Entry { user, key, addresses, since, versions, extras: Extras::default() };
        entry.set_away(away.as_ref());
        entry.set_link_features(link_features);
        Ok(Act::Began {
            account: account.id,
            digest: AccountDigest::of(account),
            generation: account.generation,
            entry,
            evicted: thief.into_iter().chain(holder).collect(),
        })
    }

    /// Returns the other account whose session has begun with the key of this ticket's session since the restart. A
    /// ticket proves that its client has the key. A login does not, because keys are public. Of two sessions with
    /// tickets, the earlier one is genuine.
    fn key_thief(&self, ticket: &Ticket, account: AccountId) -> Option<AccountId> {
        let other = self.sessions.account(ticket.key.session()).filter(|other| *other != account)?;
        (self.sessions.get(other)?.since > ticket.since).then_some(other)
    }

    fn move_to(&mut self, now: Now, account: AccountId, addresses: Vec<SocketAddr>) {
        let Some(user) = self.sessions.get(account).map(|session| session.user.clone()) else { return };
        if self.roster().get(&user).is_some_and(|entry| entry.addresses != addresses) {
            self.publication.make(now.wall, Change::Moved { user, addresses });
        }
    }

    fn end(&mut self, now: Now, account: AccountId, reason: OfflineReason) -> Option<Effect> {
        let session = self.sessions.end(now.mono, account)?;
        self.publication.make(now.wall, Change::Offline { user: session.user, reason });
        let notice = match reason {
            OfflineReason::Kicked => Some(Ended::Kicked),
            OfflineReason::Asked | OfflineReason::Lost | OfflineReason::TooSlow => None,
        };
        Some(Effect::Ended { account, conn: session.conn, notice })
    }
}
