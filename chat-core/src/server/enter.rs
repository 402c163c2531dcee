//! Logging in with a password, and how a session begins.

use std::time::Duration;

use super::connection::{Checking, Newcomer, Online, State};
use super::io::{Job, Output};
use super::jobs::Pending;
use super::sessions::Session;
use super::throttle::{Attempt, Verdict};
use super::tickets::Ticket;
use super::timer::Timer;
use super::{Count, Limit, Server, addresses, registration, send};
use crate::accounts::{Account, AccountError, Status};
use crate::extras::Extras;
use crate::id::{AccountId, ConnId};
use crate::key::PublicKey;
use crate::name::UserName;
use crate::password::Password;
use crate::roster::{Change, Entry, LinkVersions, RosterVersion};
use crate::time::{Now, Timestamp};
use crate::wire::control::{self, DELTA, Ended, Login, Offer, Purpose, Reply, Request, Timings, Welcome, WelcomeKind};
use crate::wire::rejection::Rejection;

/// The shortest time after which a client that was refused as `Busy` is asked to retry: each attempt may cost the server
/// a TLS handshake. Clients add a random part of the same length, so that they do not come back together.
const MIN_RETRY: Duration = Duration::from_secs(1);

impl Server {
    /// A request of a connection that has said hello and not logged in.
    pub(super) fn guest_request(&mut self, now: Now, conn: ConnId, request: Request<'_>, out: &mut Vec<Output>) {
        let Some(connection) = self.connections.get_mut(conn) else { return };
        connection.requests += 1;
        if connection.requests > self.config.max_guest_requests {
            out.push(Output::LimitReached(Limit::GuestRequests));
            return self.turn_away(now, conn, Rejection::TooManyRequests, out);
        }
        let is_checking = matches!(connection.state, State::Checking(_));
        let begun = match request {
            Request::Leave => return self.hang_up(now, conn, out),
            Request::Login(enter) if !is_checking => self.enter(now, conn, &enter, out),
            Request::Resume(resume) if !is_checking => self.resume(now, conn, &resume, out),
            // The time to log in runs on.
            _ => return send(conn, &Reply::Rejected(Rejection::UnexpectedRequest), out),
        };
        match begun {
            Err(why) => self.reject(now, conn, why, out),
            // From here on it is us whom the client waits for.
            Ok(()) => self.timers.cancel(Timer::Login(conn)),
        }
    }

    /// Tells a guest why it is not let in; it may try again.
    pub(super) fn reject(&mut self, now: Now, conn: ConnId, why: Rejection, out: &mut Vec<Output>) {
        self.counts.add(why);
        self.timers.set(Timer::Login(conn), now.mono + self.config.login_time);
        send(conn, &Reply::Rejected(why), out);
    }

    fn enter(&mut self, now: Now, conn: ConnId, enter: &Login<'_>, out: &mut Vec<Output>) -> Result<(), Rejection> {
        let name = UserName::parse(enter.user)?;
        let password = Password::parse(enter.password)?;
        let newcomer = self.newcomer(conn, enter.key, &enter.offer, enter.versions)?;
        // Said before the account is made, so that the same registration can be tried again.
        self.refuse_used(enter.key)?;
        let attempt = self.begin_check(now, conn, &name, out)?;
        if enter.purpose == Purpose::Register
            && let Err(why) = self.may_register(now, conn, enter, out)
        {
            // A wrong code is a guess like a taken name.
            let verdict = if why == Rejection::NotInvited { Verdict::Taken } else { Verdict::Open };
            self.throttle.end(now.mono, attempt, verdict);
            return Err(why);
        }
        let job = match enter.purpose {
            Purpose::Login => Job::Authenticate { name, password },
            Purpose::Register => Job::Register { name, password },
        };
        self.jobs.start(Pending::Login { conn, attempt }, job, out);
        self.check(conn, Checking::Password(newcomer));
        Ok(())
    }

    fn may_register(
        &mut self,
        now: Now,
        conn: ConnId,
        enter: &Login<'_>,
        out: &mut Vec<Output>,
    ) -> Result<(), Rejection> {
        registration::admit(&self.config.registration, enter)?;
        let from = self.connections.get(conn).ok_or(Rejection::UnexpectedRequest)?.from.ip().into();
        self.registrations.take(now.mono, from, &self.config).map_err(|(bound, pause)| {
            out.push(Output::LimitReached(bound));
            Rejection::too_many_registrations(pause)
        })
    }

    /// Checks what a session brings along.
    pub(super) fn newcomer(
        &self,
        conn: ConnId,
        key: PublicKey,
        offer: &Offer,
        versions: LinkVersions,
    ) -> Result<Newcomer, Rejection> {
        let connection = self.connections.get(conn).ok_or(Rejection::UnexpectedRequest)?;
        if versions.low > versions.high {
            return Err(Rejection::Malformed);
        }
        Ok(Newcomer { key, addresses: addresses::chosen(offer, connection.from)?, versions, copy: None })
    }

    /// Two sessions with one id, let alone one key, could not be told apart.
    pub(super) fn refuse_used(&self, key: PublicKey) -> Result<(), Rejection> {
        self.sessions.account(key.session()).map_or(Ok(()), |_| Err(Rejection::KeyInUse))
    }

    /// Lets a password check begin, if nothing speaks against it.
    pub(super) fn begin_check(
        &mut self,
        now: Now,
        conn: ConnId,
        user: &UserName,
        out: &mut Vec<Output>,
    ) -> Result<Attempt, Rejection> {
        let checks = self.jobs.checks();
        let backlog = self.config.check_time.saturating_mul(u32::try_from(checks).unwrap_or(u32::MAX));
        if checks >= self.config.max_checks || backlog > self.config.max_check_wait {
            out.push(Output::LimitReached(Limit::PasswordChecks));
            return Err(Rejection::busy(backlog.max(MIN_RETRY)));
        }
        let connection = self.connections.get(conn).ok_or(Rejection::UnexpectedRequest)?;
        self.throttle.begin(now.mono, user, connection.from.ip().into()).map_err(Rejection::slow_down)
    }

    /// Ends a password check in the throttle.
    pub(super) fn end_check(
        &mut self,
        now: Now,
        attempt: Attempt,
        result: &Result<Account, AccountError>,
        out: &mut Vec<Output>,
    ) {
        match result {
            Err(AccountError::Busy(_)) => out.push(Output::LimitReached(Limit::PasswordChecks)),
            Err(AccountError::Full) => out.push(Output::LimitReached(Limit::Accounts)),
            _ => {}
        }
        let verdict = match result {
            Ok(_) | Err(AccountError::Disabled) => Verdict::Right,
            Err(AccountError::WrongCredentials | AccountError::NoSuchAccount) => Verdict::Wrong,
            Err(AccountError::NameTaken) => Verdict::Taken,
            Err(AccountError::Busy(_) | AccountError::Full | AccountError::Unavailable(_)) => Verdict::Open,
        };
        self.throttle.end(now.mono, attempt, verdict);
    }

    /// The connection waits for a job.
    pub(super) fn check(&mut self, conn: ConnId, checking: Checking) {
        if let Some(connection) = self.connections.get_mut(conn) {
            connection.state = State::Checking(checking);
        }
    }

    /// A password was checked, or an account made. If the connection is gone, an account that was made stays.
    pub(super) fn entered(
        &mut self,
        now: Now,
        conn: ConnId,
        attempt: Attempt,
        result: Result<Account, AccountError>,
        out: &mut Vec<Output>,
    ) {
        self.end_check(now, attempt, &result, out);
        let Some(Checking::Password(newcomer)) = self.connections.take_checking(conn) else { return };
        let admitted = match result {
            Err(error) => Err(Rejection::from(&error)),
            Ok(account) if account.status != Status::Active => Err(Rejection::Disabled),
            Ok(account) => {
                let since = self.sessions.next_since(now.mono, account.id, now.wall);
                self.begin(now, conn, &account, since, newcomer, WelcomeKind::LoggedIn, out)
            }
        };
        if let Err(why) = admitted {
            self.reject(now, conn, why, out);
        }
    }

    /// Begins a session on a connection: everybody is told once, also if it replaces another.
    #[expect(clippy::too_many_arguments, reason = "what a session consists of")]
    pub(super) fn begin(
        &mut self,
        now: Now,
        conn: ConnId,
        account: &Account,
        since: Timestamp,
        newcomer: Newcomer,
        kind: WelcomeKind,
        out: &mut Vec<Output>,
    ) -> Result<(), Rejection> {
        let Newcomer { key, addresses, versions, copy: _ } = newcomer;
        self.refuse_used(key)?;
        if self.sessions.len() >= self.config.max_sessions && self.sessions.get(account.id).is_none() {
            out.push(Output::LimitReached(Limit::Sessions));
            return Err(Rejection::Full);
        }
        let replaced = self.replace(now, account.id, out);
        self.free_name(now, &account.name, out);
        let user = account.name.clone();
        let entry = Entry { user: user.clone(), key, addresses, since, versions, extras: Extras::default() };
        let change = if replaced { Change::Replaced(entry) } else { Change::Online(entry) };
        self.roster_log.make(now.wall, change);
        self.sessions.begin(Session {
            account: account.id,
            user,
            generation: account.generation,
            key,
            since,
            arrival: self.roster_log.revision(),
            conn: None,
            changing: None,
        });
        self.admit(now, conn, account.id, kind, None, out);
        Ok(())
    }

    /// Ends the account's session, if there is one, in favour of a newer one. Nobody but its client is told yet.
    fn replace(&mut self, now: Now, account: AccountId, out: &mut Vec<Output>) -> bool {
        let Some(replaced) = self.sessions.end(now.mono, account) else { return false };
        if let Some(conn) = replaced.conn {
            self.dismiss(conn, Ended::Replaced, out);
        }
        true
    }

    /// If the name was taken from another account and freed, that account's session is ended before it is in the way.
    fn free_name(&mut self, now: Now, user: &UserName, out: &mut Vec<Output>) {
        let holder = self.roster().get(user).and_then(|entry| self.sessions.account(entry.session()));
        if let Some(holder) = holder {
            self.kick(now, holder, out);
        }
    }

    /// Connects a connection with the account's session: welcome, and then a fresh copy, or what was missed since
    /// `copy` if that is less.
    pub(super) fn admit(
        &mut self,
        now: Now,
        conn: ConnId,
        account: AccountId,
        kind: WelcomeKind,
        copy: Option<RosterVersion>,
        out: &mut Vec<Output>,
    ) {
        let Some(session) = self.sessions.get_mut(account) else { return };
        let online = Online { account, refresh_from: now.mono, move_from: now.mono, moving: None };
        let Some(observed) = self.connections.log_in(conn, online) else { return };
        session.conn = Some(conn);
        let Some(entry) = self.roster_log.roster().get(&session.user).cloned() else { return };
        self.counts.add(kind);
        self.timers.cancel(Timer::Grace(account));
        self.timers.cancel(Timer::Login(conn));
        self.timers.set(Timer::Silence(conn), now.mono + self.config.silence);
        self.timers.set(Timer::Renew(conn), now.mono + self.config.ticket_renewal);
        let missed = copy.and_then(|step| self.roster_log.delta(step));
        let welcome = Welcome {
            kind,
            entry,
            at: now.wall,
            observed,
            timings: Timings {
                heartbeat_ms: millis(self.config.heartbeat),
                silence_ms: millis(self.config.silence),
                grace_ms: millis(self.config.grace),
            },
            ticket: self.ticket(now, account).unwrap_or_default(),
            settling_ms: millis(now.mono.until(self.started + self.config.settling)),
            extras: missed.iter().map(|_| control::version_extra(DELTA, self.roster_log.published())).collect(),
        };
        out.push(Output::Admit { conn });
        send(conn, &Reply::Welcome(welcome), out);
        match missed {
            // Ahead of what nobody was told yet, which follows for everybody.
            Some(frames) => {
                self.counts.add(Count::CaughtUp);
                out.push(Output::Snapshot { conn, frames });
            }
            None => self.snapshots.want(conn),
        }
    }

    /// A ticket for the account's session as it is now.
    pub(super) fn ticket(&self, now: Now, account: AccountId) -> Option<Vec<u8>> {
        let session = self.sessions.get(account)?;
        let ticket = Ticket {
            epoch: self.roster_log.epoch(),
            account,
            generation: session.generation,
            key: session.key,
            since: session.since,
            issued: now.wall,
        };
        Some(ticket.seal(&self.ticket_key))
    }
}

fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}
