//! Judging: whether the current sessions permit a request, and which act it leads to. Changes nothing.

use super::Membership;
use super::sessions::Standing;
use crate::accounts::{Account, AccountDigest, Status};
use crate::away::AwayText;
use crate::extras::Extras;
use crate::id::AccountId;
use crate::journal::Act;
use crate::key::PublicKey;
use crate::roster::{Entry, RosterVersion};
use crate::server::cx::Cx;
use crate::server::limit::Limit;
use crate::server::refusal::Refusal;
use crate::server::session_request::SessionRequest;
use crate::server::tickets::Ticket;
use crate::time::Timestamp;
use crate::wire::control::WelcomeKind;
use crate::wire::rejection::Rejection;

/// What a valid ticket leads to.
#[derive(Debug)]
pub(in crate::server) struct Resumption {
    pub(in crate::server) act: Act,
    pub(in crate::server) kind: WelcomeKind,
    /// The version of the client's roster, if a delta may begin there.
    pub(in crate::server) known_version: Option<RosterVersion>,
}

impl Membership {
    /// Judges whether a new session may have this key: two sessions with one id could not be told apart.
    ///
    /// # Errors
    /// [`Rejection::KeyInUse`] if an online session has the same id.
    pub(in crate::server) fn check_key(&self, key: PublicKey) -> Result<(), Rejection> {
        self.sessions.account(key.session()).map_or(Ok(()), |_| Err(Rejection::KeyInUse))
    }

    /// Judges a login with the right password of `account`.
    ///
    /// # Errors
    /// Why the session may not begin.
    pub(in crate::server) fn judge_login(
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
    pub(in crate::server) fn judge_resumption(
        &self,
        cx: &mut Cx<'_>,
        ticket: &Ticket,
        account: Option<&Account>,
        request: SessionRequest,
    ) -> Result<Resumption, Refusal> {
        let account = match account {
            // Another account with the same id, in another database.
            Some(account) if AccountDigest::of(account) != ticket.digest => {
                return Err(Refusal::Rejected(Rejection::TicketRefused));
            }
            Some(account) if account.status == Status::Disabled => return Err(Refusal::Rejected(Rejection::Disabled)),
            Some(account) if account.status == Status::Active && account.generation == ticket.generation => account,
            _ => return Err(Refusal::Rejected(Rejection::TicketRefused)),
        };
        let is_void = self.sessions.is_void(cx.now.mono, ticket, account);
        match self.sessions.standing(cx.now.mono, ticket, request.key, self.publication.epoch()) {
            // An earlier attempt has begun it, and its welcome was lost.
            Standing::Followed if !is_void => {
                let act = Act::Continued { account: account.id, generation: account.generation, addresses: None };
                Ok(Resumption { act, kind: WelcomeKind::Fresh, known_version: None })
            }
            // The client may have lost its welcome, or somebody has a copy of its old ticket. Only the node that welcomed it
            // can tell. If that node is gone, the old ticket begins a session again after the grace time.
            Standing::MaybeFollowed if !is_void => Err(Refusal::Unanswered(Rejection::Superseded)),
            Standing::Followed | Standing::MaybeFollowed | Standing::Superseded => {
                Err(Refusal::Rejected(Rejection::Superseded))
            }
            Standing::Live => {
                let session = self.sessions.get(account.id).filter(|session| session.unverified.is_none());
                let arrival = session.map(|session| session.arrival);
                // A client that claims an older roster would receive changes from before its own arrival.
                let known_version =
                    request.known_version.filter(|known| arrival.is_some_and(|arrival| known.revision >= arrival));
                let act = Act::Continued { account: account.id, generation: account.generation, addresses: None };
                Ok(Resumption { act, kind: WelcomeKind::Continued, known_version })
            }
            Standing::Returning | Standing::Ended if is_void => Err(Refusal::Rejected(Rejection::TicketRefused)),
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

    /// Judges that a user goes away or comes back. `None` if that changes nothing.
    pub(in crate::server) fn judge_away(&self, account: AccountId, away: Option<AwayText>) -> Option<Act> {
        let entry = self.entry(account)?;
        (entry.away() != away).then_some(Act::Away { account, away })
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
}
