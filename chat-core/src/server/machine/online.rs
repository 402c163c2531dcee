//! Sessions: the requests of connections that have logged in, and changes of their accounts.

use super::transitions::Then;
use super::{Machine, Phase};
use crate::accounts::{Account, AccountError};
use crate::away::AwayText;
use crate::id::{AccountId, ConnId, JobId};
use crate::journal::Act;
use crate::password::Password;
use crate::presence::OfflineReason;
use crate::server::cx::Cx;
use crate::server::io::Job;
use crate::server::jobs::PendingJob;
use crate::server::limit::Limit;
use crate::server::logins::MIN_RETRY;
use crate::server::membership::PasswordChange;
use crate::server::shared::Again;
use crate::server::timer::Timer;
use crate::wire::control::{ChangePassword, Offer, Reply, Request};
use crate::wire::rejection::Rejection;

impl Machine {
    /// A request of a connection that has logged in.
    pub(super) fn online_request(&mut self, cx: &mut Cx<'_>, conn: ConnId, request: Request<'_>) {
        let Some(online) = self.connections.online(conn) else { return };
        let silence = cx.after(cx.config.silence);
        cx.timers.set(Timer::Silence(conn), silence);
        // A client sends nothing before it has read its welcome.
        self.membership.verify_client(online.account);
        match request {
            Request::Heartbeat { number } => cx.send(conn, &Reply::Heartbeat { number, at: cx.now.wall }),
            Request::Refresh if cx.now.mono < online.refresh_from => {
                cx.timers.set(Timer::Refresh(conn), online.refresh_from);
            }
            Request::Refresh => self.membership.publication_mut().want_snapshot(conn),
            Request::Move(offer) => self.offered(cx, conn, offer),
            Request::SetAway(text) => match text.map(AwayText::parse).transpose() {
                Ok(away) => self.set_away(cx, conn, away),
                // The client knows the rules.
                Err(_) => self.close_rejected(cx, conn, Rejection::Malformed),
            },
            Request::ChangePassword(change) => {
                if let Err(why) = self.change_password(cx, conn, &change) {
                    cx.send(conn, &Reply::PasswordChange(Err(why)));
                }
            }
            Request::Leave => {
                let account = online.account;
                self.leave(cx, account);
            }
            // The driver passes parcels to the relay. What comes here is too much, or more than the terms allow.
            Request::Relay(_) => {}
            Request::Login(_) | Request::Resume(_) => {
                cx.send(conn, &Reply::Rejected(Rejection::UnexpectedRequest));
            }
        }
    }

    /// Makes the change of addresses that came too early.
    pub(super) fn move_deferred(&mut self, cx: &mut Cx<'_>, conn: ConnId) {
        if let Some(addresses) = self.connections.online(conn).and_then(|online| online.moving.take()) {
            self.change_addresses(cx, conn, addresses);
        }
    }

    /// Publishes what the user said too early about being away.
    pub(super) fn away_deferred(&mut self, cx: &mut Cx<'_>, conn: ConnId) {
        if let Some(away) = self.connections.online(conn).and_then(|online| online.next_away.take()) {
            self.set_away(cx, conn, away);
        }
    }

    /// Lets the user go away or come back, now or when that is permitted again.
    fn set_away(&mut self, cx: &mut Cx<'_>, conn: ConnId, away: Option<AwayText>) {
        let Some(account) = self.connections.online(conn).map(|online| online.account) else { return };
        let is_changing = self.is_unsettled(account, |act| matches!(act, Act::Away { .. }));
        let act = if is_changing {
            Some(Act::Away { account, away: away.clone() })
        } else {
            self.membership.judge_away(account, away.clone())
        };
        let wait = act.as_ref().and_then(|_| self.away_changes.count(cx.now.mono, account).err());
        match wait {
            Some(wait) => {
                cx.limit_reached(Limit::AwayChanges);
                let at = cx.after(wait);
                cx.timers.set(Timer::Away(conn), at);
            }
            None => cx.timers.cancel(Timer::Away(conn)),
        }
        if let Some(online) = self.connections.online(conn) {
            online.next_away = wait.map(|_| away);
        }
        if let Some(act) = act.filter(|_| wait.is_none()) {
            self.propose(cx, act, Then::Nothing, Again::Here);
        }
    }

    /// A password change is done. The session that made it stays and gets a ticket of the new generation. All other
    /// tickets of the account are void.
    pub(super) fn password_changed(
        &mut self,
        cx: &mut Cx<'_>,
        job: JobId,
        conn: ConnId,
        account: AccountId,
        result: Result<Account, AccountError>,
    ) {
        let Some(pending) = self.membership.password_change(account) else { return };
        let Some(highest) = pending.take_if(|change| change.job == job).map(|change| change.highest) else { return };
        if let Ok(changed) = &result {
            let generation = changed.generation;
            if self.shared.is_some() {
                // A poll must not take it for the change of an operator before the journal has the act.
                self.membership.renew(account, generation);
            }
            self.propose(cx, Act::Renewed { account, generation }, Then::Nothing, Again::Here);
        }
        let Some(session) = self.membership.session(account) else { return };
        let is_own = session.generation >= highest;
        // The client may have resumed on another connection meanwhile. That connection needs the ticket, but no answer.
        let current = session.conn;
        if result.is_ok()
            && is_own
            && let Some(current) = current
        {
            self.renew_ticket(cx, current);
        }
        if current == Some(conn) {
            let result = result.map(drop).map_err(|error| Rejection::from(&error));
            cx.send(conn, &Reply::PasswordChange(result));
        }
        if !is_own {
            self.end(cx, account, OfflineReason::Kicked);
        }
    }

    /// Operators have changed these accounts: their sessions end.
    pub(super) fn accounts_changed(&mut self, cx: &mut Cx<'_>, accounts: Vec<Account>) {
        for Account { id, generation, .. } in accounts {
            let Some(session) = self.membership.session(id) else { continue };
            let is_newer = generation > session.generation && self.membership.is_here(id);
            match self.membership.password_change(id) {
                // It may be the session's own change, whose result has not arrived yet.
                Some(Some(change)) => change.highest = change.highest.max(generation),
                Some(None) if is_newer => self.end(cx, id, OfflineReason::Kicked),
                Some(None) | None => {}
            }
        }
    }

    fn offered(&mut self, cx: &mut Cx<'_>, conn: ConnId, mut offer: Offer) {
        offer.addresses.truncate(Offer::MAX_ADDRESSES);
        let Some(account) = self.connections.online(conn).map(|online| online.account) else { return };
        match self.choose_addresses(cx, conn, account, &offer) {
            Err(why) => cx.send(conn, &Reply::Rejected(why)),
            Ok(addresses) => self.change_addresses(cx, conn, addresses),
        }
    }

    fn change_password(&mut self, cx: &mut Cx<'_>, conn: ConnId, change: &ChangePassword<'_>) -> Result<(), Rejection> {
        let account = self.connections.online(conn).ok_or(Rejection::UnexpectedRequest)?.account;
        let source = self.connections.get(conn).ok_or(Rejection::UnexpectedRequest)?.source();
        let session = self.membership.session(account).ok_or(Rejection::UnexpectedRequest)?;
        if session.password_change.is_some() {
            return Err(Rejection::TooManyRequests);
        }
        if self.phase != Phase::Serving {
            return Err(Rejection::busy(MIN_RETRY));
        }
        let new = Password::parse(change.new)?;
        // A password that breaks the rules cannot be the current one. The broken rule would not help the user.
        let old = Password::parse(change.old).map_err(|_| Rejection::WrongCredentials)?;
        let highest = session.generation;
        let attempt = self.logins.begin_change(cx, &session.user, source)?;
        let pending = PendingJob::ChangePassword { conn, account, attempt };
        let job = cx.start(pending, Job::ChangePassword { id: account, old, new });
        if let Some(change) = self.membership.password_change(account) {
            *change = Some(Box::new(PasswordChange { job, highest }));
        }
        Ok(())
    }
}
