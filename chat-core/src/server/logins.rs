//! Logging in: turns the password or ticket of a guest into a job for the accounts, within the limits.

use std::collections::BTreeMap;
use std::time::Duration;

use super::account_watch::MAX_IDS;
use super::config::{RegistrationPolicy, ServerConfig};
use super::connections::{Authenticating, Connection, State};
use super::cx::Cx;
use super::hints::Hints;
use super::io::Job;
use super::jobs::PendingJob;
use super::limit::Limit;
use super::membership::{Membership, Session};
use super::pseudonyms::{Pseudonyms, SourcePseudonym};
use super::registration::{self, Outcome, Registrations};
use super::session_rates::{Exceeded, SessionRates};
use super::session_request::SessionRequest;
use super::throttle::{Throttle, ThrottledAttempt, Verdict};
use super::tickets::{Ticket, TicketKey};
use crate::accounts::{Account, AccountError};
use crate::id::{AccountId, ConnId, Epoch};
use crate::journal::Hint;
use crate::name::UserName;
use crate::password::Password;
use crate::source::Source;
use crate::time::{Mono, Timestamp};
use crate::wire::control::{Login, Purpose, Resume};
use crate::wire::rejection::Rejection;

/// The shortest time after which a client that was rejected as `Busy` is asked to retry: each attempt may cost the
/// server a TLS handshake. Clients add a random time of up to the same length, so that they do not retry together.
pub(super) const MIN_RETRY: Duration = Duration::from_secs(1);

/// Judges the requests of guests, and starts the jobs that check passwords and tickets.
#[derive(Debug)]
pub(super) struct Logins {
    ticket_key: TicketKey,
    pseudonyms: Pseudonyms,
    /// The hints for other servers about attempts here. `None` if there are no others.
    hints: Option<Hints>,
    throttle: Throttle,
    session_rates: SessionRates,
    registrations: Registrations,
    registration: RegistrationPolicy,
    look_ups: LookUps,
}

/// Guests that wait for the look-up of their tickets' accounts. One job is in flight at a time, and guests that come
/// meanwhile share the next one. Thousands of clients that resume after a restart therefore cause only a few jobs.
#[derive(Debug, Default)]
pub(super) struct LookUps {
    waiting: BTreeMap<ConnId, AccountId>,
    in_flight: bool,
}

impl Logins {
    pub(super) fn new(ticket_key: TicketKey, config: &ServerConfig) -> Self {
        Self {
            pseudonyms: ticket_key.pseudonyms(),
            ticket_key,
            hints: None,
            throttle: Throttle::new(config.throttle.clone()),
            session_rates: SessionRates::new(config),
            registrations: Registrations::new(config),
            registration: config.registration.clone(),
            look_ups: LookUps::default(),
        }
    }

    /// Shares what is counted with other servers from now on.
    pub(super) fn share(&mut self) {
        self.hints = Some(Hints::default());
    }

    /// The hints for the other servers. `None` if this server is alone.
    pub(super) fn hints_mut(&mut self) -> Option<&mut Hints> {
        self.hints.as_mut()
    }

    /// Counts what has ended at another server.
    pub(super) fn hinted(&mut self, cx: &Cx<'_>, hint: Hint) {
        self.throttle.hinted(cx.now.mono, hint);
        self.registrations.hinted(cx.now.mono, hint, cx.config);
    }

    /// Begins a login with a password, or a registration.
    ///
    /// # Errors
    /// Why the password is not checked.
    pub(super) fn log_in(
        &mut self,
        cx: &mut Cx<'_>,
        conn: ConnId,
        connection: &mut Connection,
        login: &Login<'_>,
        membership: &Membership,
    ) -> Result<(), Rejection> {
        let name = UserName::parse(login.user)?;
        if login.purpose == Purpose::Register {
            name.check_new()?;
        }
        let password = Password::parse(login.password)?;
        let request = SessionRequest::parse(connection.from, cx.config, login.key, &login.offer, login.versions, None)?;
        let request = SessionRequest { link_features: login.link_features(), ..request };
        // Check the key before the account is registered, so that a client can repeat a rejected registration.
        membership.check_key(login.key)?;
        let from = self.pseudonyms.source(connection.source());
        let attempt = self.begin_check(cx, &name, connection.source(), from)?;
        if login.purpose == Purpose::Register
            && let Err(why) = self.register(cx, login, from)
        {
            // A wrong invitation code is a guess, like a name that is taken.
            let verdict = if why == Rejection::NotInvited { Verdict::Taken } else { Verdict::Open };
            self.end_attempt(cx.now.mono, attempt, verdict);
            return Err(why);
        }
        let job = match login.purpose {
            Purpose::Login => Job::Authenticate { name, password },
            Purpose::Register => Job::Register { name, password },
        };
        cx.start(PendingJob::Login { conn, purpose: login.purpose, from, attempt }, job);
        connection.state = State::Authenticating(Authenticating::Password(request));
        Ok(())
    }

    /// Begins a login with a ticket.
    ///
    /// # Errors
    /// Why the ticket's account is not looked up.
    pub(super) fn resume(
        &mut self,
        cx: &mut Cx<'_>,
        conn: ConnId,
        connection: &mut Connection,
        resume: &Resume<'_>,
    ) -> Result<(), Rejection> {
        let ticket = Ticket::open(resume.ticket, &self.ticket_key, cx.now.wall, cx.config.ticket_life)
            .ok_or(Rejection::TicketRefused)?;
        let known = resume.known_version();
        let (key, versions) = (resume.next_key, resume.versions);
        let request = SessionRequest::parse(connection.from, cx.config, key, &resume.offer, versions, known)?;
        let request = SessionRequest { away: resume.away(), link_features: resume.link_features(), ..request };
        if resume.next_key == ticket.key {
            return Err(Rejection::KeyInUse);
        }
        self.look_ups.waiting.insert(conn, ticket.account);
        connection.state = State::Authenticating(Authenticating::Ticket { ticket, request });
        self.look_up(cx);
        Ok(())
    }

    /// Sets which clients may register an account.
    pub(super) fn set_registration(&mut self, policy: RegistrationPolicy) {
        self.registration = policy;
    }

    /// Forgets a connection that is removed.
    pub(super) fn remove(&mut self, conn: ConnId) {
        self.look_ups.waiting.remove(&conn);
    }

    /// A look-up is done: starts the next one.
    pub(super) fn looked_up(&mut self, cx: &mut Cx<'_>) {
        self.look_ups.in_flight = false;
        self.look_up(cx);
    }

    /// Lets a password check for `user` from `source` begin, whose pseudonyms are `from`. The caller must [end](Self::end_check) it.
    ///
    /// # Errors
    /// [`Rejection::Busy`] if too many are in flight, [`Rejection::SlowDown`] from the throttle and from the session
    /// rates.
    pub(super) fn begin_check(
        &mut self,
        cx: &mut Cx<'_>,
        user: &UserName,
        source: Source,
        from: SourcePseudonym,
    ) -> Result<ThrottledAttempt, Rejection> {
        let checks = cx.jobs.checks();
        let backlog = cx.config.check_time.saturating_mul(u32::try_from(checks).unwrap_or(u32::MAX));
        if checks >= cx.config.max_checks || backlog > cx.config.max_check_wait {
            cx.limit_reached(Limit::PasswordChecks);
            return Err(Rejection::busy(backlog.max(MIN_RETRY)));
        }
        // Counted only once both agree: what the throttle rejects must not use up the rate of others behind the same
        // source, and what the rates reject must not use up the turn of its network.
        self.session_rates.check(cx.now.mono, user, source).map_err(|exceeded| slow_down(cx, exceeded))?;
        let attempt = self.throttle.begin(cx.now.mono, self.pseudonyms.user(user), from).map_err(|wait| {
            cx.limit_reached(Limit::FailedLogins);
            Rejection::slow_down(wait)
        })?;
        self.session_rates.count(cx.now.mono, source);
        Ok(attempt)
    }

    /// Lets a password change begin, as [`begin_check`](Self::begin_check) does for a login. It counts like a session
    /// that begins, because it costs a check and a hash.
    pub(super) fn begin_change(
        &mut self,
        cx: &mut Cx<'_>,
        user: &UserName,
        source: Source,
    ) -> Result<ThrottledAttempt, Rejection> {
        let from = self.pseudonyms.source(source);
        let attempt = self.begin_check(cx, user, source, from)?;
        match self.count_session(cx, user) {
            Ok(()) => Ok(attempt),
            Err(why) => {
                self.end_attempt(cx.now.mono, attempt, Verdict::Open);
                Err(why)
            }
        }
    }

    /// Counts a session of `user` that is about to begin after a password check.
    ///
    /// # Errors
    /// [`Rejection::SlowDown`].
    pub(super) fn count_session(&mut self, cx: &mut Cx<'_>, user: &UserName) -> Result<(), Rejection> {
        self.session_rates.begin(cx.now.mono, user).map_err(|exceeded| slow_down(cx, exceeded))
    }

    /// Counts a session of `user` that is about to begin with a ticket from `source`.
    ///
    /// # Errors
    /// [`Rejection::SlowDown`].
    pub(super) fn count_fresh_session(
        &mut self,
        cx: &mut Cx<'_>,
        user: &UserName,
        source: Source,
    ) -> Result<(), Rejection> {
        let now = cx.now.mono;
        let rates = &mut self.session_rates;
        rates
            .attempt(now, user, source)
            .and_then(|()| rates.begin(now, user))
            .map_err(|exceeded| slow_down(cx, exceeded))
    }

    /// Remembers that a session of `user` has begun from `source`.
    pub(super) fn session_began(&mut self, now: Mono, user: &UserName, source: Source) {
        self.throttle.prove(now, self.pseudonyms.user(user), self.pseudonyms.source_alone(source));
    }

    /// Ends a password check, given its result.
    pub(super) fn end_check(
        &mut self,
        cx: &mut Cx<'_>,
        attempt: ThrottledAttempt,
        result: &Result<Account, AccountError>,
    ) {
        match result {
            Err(AccountError::Busy(_)) => cx.limit_reached(Limit::PasswordChecks),
            Err(AccountError::Full) => cx.limit_reached(Limit::Accounts),
            _ => {}
        }
        let verdict = match result {
            Ok(_) | Err(AccountError::Disabled) => Verdict::Right,
            Err(AccountError::WrongCredentials | AccountError::NoSuchAccount) => Verdict::Wrong,
            Err(AccountError::NameTaken) => Verdict::Taken,
            Err(AccountError::Busy(_) | AccountError::Full | AccountError::Unavailable(_)) => Verdict::Open,
        };
        self.end_attempt(cx.now.mono, attempt, verdict);
    }

    /// A registration from `from` is done.
    pub(super) fn registered(&mut self, now: Mono, from: SourcePseudonym, result: &Result<Account, AccountError>) {
        let outcome = if result.is_ok() { Outcome::Created } else { Outcome::Refused };
        self.registrations.end(now, from, outcome);
        self.hints.iter_mut().for_each(|hints| hints.push(outcome.hint(from)));
    }

    /// A ticket for a session as it is now.
    pub(super) fn ticket(&self, session: &Session, epoch: Epoch, issued: Timestamp) -> Vec<u8> {
        let Session { account, digest, generation, key, since, .. } = *session;
        Ticket { epoch, account, digest, generation, key, since, issued }.seal(&self.ticket_key)
    }

    fn end_attempt(&mut self, now: Mono, attempt: ThrottledAttempt, verdict: Verdict) {
        if let (Some(hints), Some(hint)) = (&mut self.hints, attempt.hint(verdict)) {
            hints.push(hint);
        }
        self.throttle.end(now, attempt, verdict);
    }

    /// Judges whether an account may be registered, and counts the attempt.
    fn register(&mut self, cx: &mut Cx<'_>, login: &Login<'_>, from: SourcePseudonym) -> Result<(), Rejection> {
        registration::check_policy(&self.registration, login).inspect_err(|_| cx.limit_reached(Limit::Registration))?;
        self.registrations.begin(cx.now.mono, from, cx.config).map_err(|(limit, wait)| {
            cx.limit_reached(limit);
            Rejection::too_many_registrations(wait)
        })
    }

    /// Looks up the accounts of the waiting guests, unless a look-up is in flight.
    fn look_up(&mut self, cx: &mut Cx<'_>) {
        let LookUps { waiting, in_flight } = &mut self.look_ups;
        if *in_flight || waiting.is_empty() {
            return;
        }
        // In the order in which they connected.
        let later = waiting.keys().nth(MAX_IDS).copied().map(|first| waiting.split_off(&first)).unwrap_or_default();
        let (conns, mut ids): (Vec<_>, Vec<_>) = std::mem::replace(waiting, later).into_iter().unzip();
        ids.sort_unstable();
        ids.dedup();
        *in_flight = true;
        cx.start(PendingJob::LookUp { conns }, Job::LookUp { ids });
    }
}

fn slow_down(cx: &mut Cx<'_>, (limit, wait): Exceeded) -> Rejection {
    cx.limit_reached(limit);
    Rejection::slow_down(wait)
}

#[cfg(test)]
impl Logins {
    pub(super) fn look_ups(&self) -> &LookUps {
        &self.look_ups
    }
}
