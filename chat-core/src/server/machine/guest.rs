//! Guests: the requests of connections that have not logged in, and the results of the jobs about them.

use std::collections::BTreeMap;

use super::{Judged, Machine, Phase, Welcoming};
use crate::accounts::{Account, AccountError};
use crate::id::{AccountId, ConnId};
use crate::journal::Act;
use crate::server::connections::{Authenticating, State};
use crate::server::cx::Cx;
use crate::server::limit::Limit;
use crate::server::membership::Resumption;
use crate::server::refusal::Refusal;
use crate::server::session_request::SessionRequest;
use crate::server::shared::Again;
use crate::server::throttle::ThrottledAttempt;
use crate::server::tickets::Ticket;
use crate::server::timer::Timer;
use crate::wire::control::{Purpose, Reply, Request, WelcomeKind};
use crate::wire::rejection::Rejection;

impl Machine {
    /// A request of a connection that has said hello and not logged in.
    pub(super) fn guest_request(&mut self, cx: &mut Cx<'_>, conn: ConnId, request: Request<'_>) {
        let is_away = self.is_journal_away();
        let Some(connection) = self.connections.get_mut(conn) else { return };
        connection.requests += 1;
        if connection.requests > cx.config.max_guest_requests {
            cx.limit_reached(Limit::GuestRequests);
            return self.close_rejected(cx, conn, Rejection::TooManyRequests);
        }
        let is_guest = matches!(connection.state, State::Guest);
        if is_guest && self.phase != Phase::Serving {
            return self.close(cx, conn);
        }
        if is_guest && is_away && matches!(request, Request::Login(_)) {
            return self.reject(cx, conn, Rejection::StorageUnavailable);
        }
        let begun = match request {
            Request::Leave => return self.guest_leaves(cx, conn),
            Request::Login(login) if is_guest => self.logins.log_in(cx, conn, connection, &login, &self.membership),
            Request::Resume(resume) if is_guest => self.logins.resume(cx, conn, connection, &resume),
            // The time limit for the login keeps running.
            _ => return cx.send(conn, &Reply::Rejected(Rejection::UnexpectedRequest)),
        };
        match begun {
            Err(why) => self.reject(cx, conn, why),
            // The server's own work does not count against the time limit.
            Ok(()) => {
                if let Some(deadline) = cx.timers.get(Timer::Login(conn)) {
                    connection.login_time_left = cx.now.mono.until(deadline);
                }
                cx.timers.cancel(Timer::Login(conn));
            }
        }
    }

    /// A password was checked, or an account registered. If the connection is gone, a registered account stays.
    pub(super) fn authenticated(
        &mut self,
        cx: &mut Cx<'_>,
        conn: ConnId,
        purpose: Purpose,
        attempt: ThrottledAttempt,
        result: Result<Account, AccountError>,
    ) {
        self.logins.end_check(cx, attempt, &result);
        let Some(Authenticating::Password(request)) = self.connections.take_authenticating(conn) else { return };
        match self.logged_in(cx, conn, purpose, result, request) {
            Ok(()) => {}
            Err(refusal) => self.refuse(cx, conn, refusal),
        }
    }

    /// The session of a ticket ends if its client leaves before the account is looked up, also the session that followed it
    /// and whose welcome was lost.
    fn guest_leaves(&mut self, cx: &mut Cx<'_>, conn: ConnId) {
        let online = match self.connections.get(conn).map(|connection| &connection.state) {
            Some(State::Authenticating(Authenticating::Ticket { ticket, request })) => {
                self.membership.is_clients(ticket, request.key).then_some(ticket.account)
            }
            _ => None,
        };
        self.close(cx, conn);
        if let Some(account) = online {
            self.leave(cx, account);
        }
    }

    fn logged_in(
        &mut self,
        cx: &mut Cx<'_>,
        conn: ConnId,
        purpose: Purpose,
        result: Result<Account, AccountError>,
        mut request: SessionRequest,
    ) -> Result<(), Refusal> {
        let account = result.map_err(|error| Rejection::from(&error))?;
        let chosen = self.choose_addresses(cx, conn, account.id, &request.offer);
        let begun = chosen.and_then(|addresses| {
            request.addresses = addresses;
            self.begin_session(cx, conn, purpose, &account, request, Judged::First)
        });
        begun.map_err(|why| Refusal::of_session(purpose, why))
    }

    /// Judges a login with the right password, and lets the session begin.
    pub(super) fn begin_session(
        &mut self,
        cx: &mut Cx<'_>,
        conn: ConnId,
        purpose: Purpose,
        account: &Account,
        request: SessionRequest,
        judged: Judged,
    ) -> Result<(), Rejection> {
        let addresses = request.addresses.clone();
        let again = match &self.shared {
            Some(_) => Again::Login { conn, purpose, account: account.clone(), request: request.clone() },
            None => Again::Never,
        };
        let act = self.membership.judge_login(cx, account, request)?;
        if judged == Judged::First {
            self.logins.count_session(cx, &account.name)?;
        }
        // A new account has no tickets.
        let voids = (purpose == Purpose::Login).then(|| self.membership.latest_session(cx.now.mono, account.id));
        let (account, kind) = (account.id, WelcomeKind::LoggedIn);
        self.enter(cx, act, Welcoming { conn, account, kind, known_version: None, addresses, voids }, again);
        Ok(())
    }

    /// Judges a login with a valid ticket, and lets the session continue or begin.
    pub(super) fn resume_session(
        &mut self,
        cx: &mut Cx<'_>,
        conn: ConnId,
        ticket: &Ticket,
        account: Option<&Account>,
        request: SessionRequest,
        judged: Judged,
    ) -> Result<(), Refusal> {
        let addresses = request.addresses.clone();
        let again = match (&self.shared, account) {
            (Some(_), Some(account)) => {
                Again::Resume { conn, ticket: ticket.clone(), account: account.clone(), request: request.clone() }
            }
            _ => Again::Never,
        };
        let Resumption { act, kind, known_version } = self.membership.judge_resumption(cx, ticket, account, request)?;
        if judged == Judged::First
            && kind == WelcomeKind::Fresh
            && let Act::Began { entry, .. } = &act
        {
            let source = self.connections.get(conn).ok_or(Rejection::UnexpectedRequest)?.source();
            self.logins.count_fresh_session(cx, &entry.user, source)?;
        }
        let account = ticket.account;
        self.enter(cx, act, Welcoming { conn, account, kind, known_version, addresses, voids: None }, again);
        Ok(())
    }

    /// The accounts of tickets were looked up.
    pub(super) fn looked_up(
        &mut self,
        cx: &mut Cx<'_>,
        conns: Vec<ConnId>,
        result: Result<Vec<Account>, AccountError>,
    ) {
        let accounts = result.map(|accounts| -> BTreeMap<AccountId, Account> {
            accounts.into_iter().map(|account| (account.id, account)).collect()
        });
        for conn in conns {
            let Some(authenticating) = self.connections.take_authenticating(conn) else { continue };
            let Authenticating::Ticket { ticket, mut request } = authenticating else { continue };
            let accounts = accounts.as_ref().map_err(|error| Refusal::Rejected(Rejection::from(error)));
            let judged = accounts.and_then(|accounts| {
                request.addresses = self.choose_addresses(cx, conn, ticket.account, &request.offer)?;
                let account = accounts.get(&ticket.account);
                self.resume_session(cx, conn, &ticket, account, request, Judged::First)
            });
            if let Err(refusal) = judged {
                self.refuse(cx, conn, refusal);
            }
        }
        self.logins.looked_up(cx);
    }
}
