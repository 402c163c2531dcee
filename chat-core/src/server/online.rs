//! What a connection may ask for once it has logged in, and how a session ends.

use std::net::SocketAddr;

use super::io::{Job, Output};
use super::jobs::Pending;
use super::sessions::Changing;
use super::throttle::Attempt;
use super::timer::Timer;
use super::{Server, addresses, send};
use crate::accounts::{Account, AccountError};
use crate::id::{AccountId, ConnId, JobId};
use crate::password::Password;
use crate::presence::OfflineReason;
use crate::roster::Change;
use crate::time::Now;
use crate::wire::control::{ChangePassword, Offer, Reply, Request};
use crate::wire::rejection::Rejection;

impl Server {
    /// A request of a connection that has logged in.
    pub(super) fn online_request(&mut self, now: Now, conn: ConnId, request: Request<'_>, out: &mut Vec<Output>) {
        let Some(online) = self.connections.online(conn) else { return };
        self.timers.set(Timer::Silence(conn), now.mono + self.config.silence);
        match request {
            Request::Heartbeat { number } => send(conn, &Reply::Heartbeat { number, at: now.wall }, out),
            Request::Refresh if now.mono < online.refresh_from => {
                self.timers.set(Timer::Refresh(conn), online.refresh_from);
            }
            Request::Refresh => self.snapshots.want(conn),
            Request::Move(offer) => self.offered(now, conn, &offer, out),
            Request::ChangePassword(change) => {
                if let Err(why) = self.change_password(now, conn, &change, out) {
                    send(conn, &Reply::PasswordChange(Err(why)), out);
                }
            }
            Request::Leave => {
                let account = online.account;
                out.push(Output::Close { conn });
                self.forget(conn);
                self.end(now, account, OfflineReason::Asked, out);
            }
            Request::Login(_) | Request::Resume(_) => send(conn, &Reply::Rejected(Rejection::UnexpectedRequest), out),
        }
    }

    fn offered(&mut self, now: Now, conn: ConnId, offer: &Offer, out: &mut Vec<Output>) {
        let Some(from) = self.connections.get(conn).map(|connection| connection.from) else { return };
        let Some(online) = self.connections.online(conn) else { return };
        match addresses::chosen(offer, from) {
            Err(why) => send(conn, &Reply::Rejected(why), out),
            Ok(addresses) if now.mono < online.move_from => {
                online.moving = Some(addresses);
                self.timers.set(Timer::Move(conn), online.move_from);
            }
            Ok(addresses) => self.move_to(now, conn, addresses),
        }
    }

    /// Makes the change of addresses that came too early.
    pub(super) fn move_later(&mut self, now: Now, conn: ConnId) {
        if let Some(addresses) = self.connections.online(conn).and_then(|online| online.moving.take()) {
            self.move_to(now, conn, addresses);
        }
    }

    fn move_to(&mut self, now: Now, conn: ConnId, addresses: Vec<SocketAddr>) {
        let Some(online) = self.connections.online(conn) else { return };
        online.moving = None;
        self.timers.cancel(Timer::Move(conn));
        let Some(session) = self.sessions.get(online.account) else { return };
        let user = session.user.clone();
        if self.roster_log.roster().get(&user).is_some_and(|entry| entry.addresses != addresses) {
            online.move_from = now.mono + self.config.move_interval;
            self.roster_log.make(now.wall, Change::Moved { user, addresses });
        }
    }

    fn change_password(
        &mut self,
        now: Now,
        conn: ConnId,
        change: &ChangePassword<'_>,
        out: &mut Vec<Output>,
    ) -> Result<(), Rejection> {
        let account = self.connections.online(conn).ok_or(Rejection::UnexpectedRequest)?.account;
        let session = self.sessions.get(account).ok_or(Rejection::UnexpectedRequest)?;
        if session.changing.is_some() {
            return Err(Rejection::TooManyRequests);
        }
        let new = Password::parse(change.new)?;
        // What breaks the rules cannot be the password, and the rule is not what the user has to be told.
        let old = Password::parse(change.old).map_err(|_| Rejection::WrongCredentials)?;
        let (user, seen) = (session.user.clone(), session.generation);
        let attempt = self.begin_check(now, conn, &user, out)?;
        let job = Job::ChangePassword { id: account, old, new };
        let job = self.jobs.start(Pending::ChangePassword { conn, account, attempt }, job, out);
        if let Some(session) = self.sessions.get_mut(account) {
            session.changing = Some(Changing { job, seen });
        }
        Ok(())
    }

    /// A change of password is done: the session that made it stays and gets a ticket of the new generation, and all
    /// other tickets of the account are worth nothing.
    #[expect(clippy::too_many_arguments, reason = "what the job was for and what came of it")]
    pub(super) fn password_changed(
        &mut self,
        now: Now,
        job: JobId,
        conn: ConnId,
        account: AccountId,
        attempt: Attempt,
        result: Result<Account, AccountError>,
        out: &mut Vec<Output>,
    ) {
        self.end_check(now, attempt, &result, out);
        let Some(session) = self.sessions.get_mut(account) else { return };
        let Some(Changing { seen, .. }) = session.changing.take_if(|changing| changing.job == job) else { return };
        if let Ok(changed) = &result {
            session.generation = session.generation.max(changed.generation);
        }
        let is_ours = session.generation >= seen;
        // The client may have come back with another connection meanwhile: it needs the ticket, and no answer.
        let current = session.conn;
        if result.is_ok()
            && is_ours
            && let Some(current) = current
        {
            self.renew_ticket(now, current, out);
        }
        if current == Some(conn) {
            let result = result.map(drop).map_err(|error| Rejection::from(&error));
            send(conn, &Reply::PasswordChange(result), out);
        }
        if !is_ours {
            self.kick(now, account, out);
        }
    }

    /// Sends a new ticket.
    pub(super) fn renew_ticket(&mut self, now: Now, conn: ConnId, out: &mut Vec<Output>) {
        let Some(account) = self.connections.online(conn).map(|online| online.account) else { return };
        self.timers.set(Timer::Renew(conn), now.mono + self.config.ticket_renewal);
        if let Some(ticket) = self.ticket(now, account) {
            send(conn, &Reply::Ticket(ticket), out);
        }
    }

    /// Ends a session whose connection, if it has one, was closed already, and tells everybody.
    pub(super) fn end(&mut self, now: Now, account: AccountId, reason: OfflineReason, out: &mut Vec<Output>) {
        self.timers.cancel(Timer::Grace(account));
        let Some(session) = self.sessions.end(now.mono, account) else { return };
        self.roster_log.make(now.wall, Change::Offline { user: session.user, reason });
        self.seen(account, out);
    }
}
