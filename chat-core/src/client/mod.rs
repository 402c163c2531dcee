//! The client machine: one user's side of the connection to the server.
//!
//! ```text
//! Connecting -> Handshaking -> LoggingIn -> Online      (connection, hellos, login or resume, welcome)
//!      ^                                      |
//!      +--------------- Waiting <-------------+         (the connection broke; the roster stays)
//! ```
//!
//! The machine logs in, keeps its roster in sync with the server's, sends heartbeats, and resumes its session with a
//! ticket when the connection breaks. It retries the first login only while the server is busy or slows it down, and at
//! other servers if one cannot reach its storage. It repeats an unanswered registration, and if the account exists already,
//! logs in with the password. It drops the password at the first welcome.
//!
//! A protocol violation ends the machine before the first snapshot. After that it ends only the connection, and the next
//! one begins with a snapshot.

mod backoff;
mod clock;
mod config;
mod elsewhere;
mod entries;
mod heartbeat;
mod io;
mod local_roster;
mod login;
mod online;
mod own_away;
mod registration;
mod requests;
mod retry;
mod snapshot;
mod state;
#[cfg(test)]
mod tests;

pub use config::ClientConfig;
pub use io::{Credentials, Event, Input, LoginFailure, Output, PasswordChangeError};

pub use crate::wire::control::Purpose;

use std::time::Duration;

use backoff::Backoff;
use clock::ServerClock;
use elsewhere::Elsewhere;
use local_roster::LocalRoster;
use own_away::OwnAway;
use registration::Registration;
use retry::{Disposition, Failure};
use state::{Authentication, Connection, Online, PasswordChange, Pause, State};

use crate::away::AwayText;
use crate::generator::Generator;
use crate::roster::Roster;
use crate::time::{Mono, Now, Timestamp};
use crate::wire::control::{Ended, Offer, Reply, Request};
use crate::wire::hello::Hello;
use crate::wire::rejection::Rejection;

/// The client machine. Its driver performs all outputs in order before the next input.
pub struct Client {
    config: ClientConfig,
    started: Mono,
    elsewhere: Elsewhere,
    generator: Box<dyn Generator>,
    offer: Offer,
    away: OwnAway,
    /// The feature bits of the server's last hello.
    server_features: u64,
    state: State,
    roster: LocalRoster,
    clock: ServerClock,
    backoff: Backoff,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("state", &self.state).finish_non_exhaustive()
    }
}

impl Client {
    /// Creates a client that logs in with `credentials`. The first output is [`Output::Connect`]. Addresses of `offer`
    /// beyond [`Offer::MAX_ADDRESSES`] are dropped.
    pub fn new(
        now: Now,
        credentials: Credentials,
        mut offer: Offer,
        config: ClientConfig,
        generator: Box<dyn Generator>,
        out: &mut Vec<Output>,
    ) -> Self {
        offer.addresses.truncate(Offer::MAX_ADDRESSES);
        let roster = LocalRoster::new(credentials.user.clone());
        out.push(Output::Connect);
        let auth = Authentication::Password { credentials, registration: Registration::Answered };
        let state = State::Connecting { auth, deadline: now.mono + config.connect_timeout };
        let backoff = Backoff::new(config.min_backoff, config.max_backoff);
        Self {
            config,
            started: now.mono,
            elsewhere: Elsewhere::new(config.other_servers),
            generator,
            offer,
            away: OwnAway::new(),
            server_features: 0,
            state,
            roster,
            clock: ServerClock::default(),
            backoff,
        }
    }

    /// Processes one input and appends the outputs that follow from it.
    pub fn handle(&mut self, now: Now, input: Input<'_>, out: &mut Vec<Output>) {
        let result = match input {
            Input::Connected => {
                self.handle_connected(now, out);
                Ok(())
            }
            Input::Frame(payload) => self.handle_frame(now, payload, out),
            Input::Disconnected if self.state.connection() == Connection::Open => Err(Failure::Disconnected),
            Input::Disconnected => Ok(()),
            Input::Leave => {
                self.leave(out);
                Ok(())
            }
            Input::ChangePassword { old, new } => {
                self.change_password(&old, &new, out);
                Ok(())
            }
            Input::NetworkChanged => {
                self.handle_network_change(now, out);
                Ok(())
            }
            Input::RetryNow => {
                self.retry_now(now, out);
                Ok(())
            }
            Input::SetAway(away) => {
                self.away.set(away);
                self.send_away(now, out);
                Ok(())
            }
            Input::Move(offer) => {
                self.change_offer(offer, out);
                Ok(())
            }
            Input::Tick => self.tick(now, out),
        };
        if let Err(failure) = result {
            self.handle_failure(failure, now, out);
        }
    }

    /// When the driver must send [`Input::Tick`], if no other input comes first.
    pub fn deadline(&self) -> Option<Mono> {
        match &self.state {
            State::Connecting { deadline, .. }
            | State::Handshaking { deadline, .. }
            | State::LoggingIn { deadline, .. }
            | State::Waiting { deadline, .. } => Some(*deadline),
            State::Online(online) => {
                let others = [self.roster.deadline(), self.away.due()];
                Some(others.into_iter().flatten().fold(online.heartbeat.deadline(), Mono::min))
            }
            State::Ended => None,
        }
    }

    /// The sessions that the client knows of, without its own. Kept while there is no connection.
    pub fn roster(&self) -> &Roster {
        self.roster.roster()
    }

    /// What the user last [said](Input::SetAway) about being away, whether or not the server knows it.
    pub fn away(&self) -> Option<&AwayText> {
        self.away.text()
    }

    /// Whether the server tells others who is away. `false` before its hello.
    pub const fn supports_away(&self) -> bool {
        self.server_features & Hello::AWAY != 0
    }

    /// The server's time, estimated from round trips. Before the first one, the wall clock's time.
    pub fn server_time(&self, now: Now) -> Timestamp {
        self.clock.server_time(now)
    }

    /// How far the server's clock is ahead of the wall clock, in milliseconds.
    pub fn clock_offset(&self) -> i64 {
        self.clock.offset()
    }

    fn handle_frame(&mut self, now: Now, payload: &[u8], out: &mut Vec<Output>) -> Result<(), Failure> {
        let reply = || Reply::decode(payload).map_err(|_| Failure::Protocol("the server sent a malformed reply"));
        match &mut self.state {
            State::Handshaking { .. } => self.handle_hello(now, payload, out),
            State::LoggingIn { .. } => self.handle_login_reply(now, reply()?, out),
            State::Online(online) => {
                online.heartbeat.restart_silence(now.mono);
                self.handle_reply(now, reply()?, out)
            }
            State::Connecting { .. } | State::Waiting { .. } | State::Ended => Ok(()),
        }
    }

    fn tick(&mut self, now: Now, out: &mut Vec<Output>) -> Result<(), Failure> {
        let Some(deadline) = self.deadline().filter(|deadline| *deadline <= now.mono) else { return Ok(()) };
        if now.mono.since(deadline) > self.config.stall_threshold {
            self.extend_deadlines(now);
        }
        match &self.state {
            State::Connecting { deadline, .. } if *deadline <= now.mono => Err(Failure::ConnectTimedOut),
            State::Handshaking { deadline, .. } | State::LoggingIn { deadline, .. } if *deadline <= now.mono => {
                Err(Failure::ReplyTimedOut)
            }
            State::Connecting { .. } | State::Handshaking { .. } | State::LoggingIn { .. } | State::Ended => Ok(()),
            State::Online(_) => self.tick_online(now, out),
            State::Waiting { pause, .. } => {
                match pause {
                    Pause::Shortened => self.backoff.count_early(now.mono),
                    Pause::Asked => self.backoff.count_asked(now.mono),
                    Pause::Backoff | Pause::Requested => {}
                }
                self.reconnect(now, out);
                Ok(())
            }
        }
    }

    /// Begins the next attempt early. An attempt in progress begins again, because it may hang if the network was down
    /// when it began.
    fn handle_network_change(&mut self, now: Now, out: &mut Vec<Output>) {
        let early = self.backoff.early(now.mono);
        match &mut self.state {
            State::Waiting { deadline, pause: pause @ Pause::Backoff, .. } if early < *deadline => {
                *deadline = early;
                *pause = Pause::Shortened;
            }
            State::Connecting { auth: Authentication::Ticket(_), deadline } if early <= now.mono => {
                *deadline = now.mono + self.config.connect_timeout;
                self.backoff.count_early(now.mono);
                out.push(Output::Connect);
            }
            _ => {}
        }
    }

    /// Brings the next attempt forward, because the user asks for it.
    fn retry_now(&mut self, now: Now, out: &mut Vec<Output>) {
        let at = self.backoff.asked(now.mono);
        if let State::Waiting { auth: Authentication::Ticket(_), deadline, pause } = &mut self.state
            && *pause != Pause::Requested
            && at < *deadline
        {
            (*deadline, *pause) = (at, Pause::Asked);
            out.push(Output::Event(Event::Reconnecting { after: now.mono.until(at) }));
        }
    }

    /// Extends all deadlines after a stall of the client, because frames that the server sent meanwhile still wait in
    /// the socket.
    fn extend_deadlines(&mut self, now: Now) {
        let extended = now.mono + self.config.stall_extension;
        match &mut self.state {
            State::Connecting { deadline, .. }
            | State::Handshaking { deadline, .. }
            | State::LoggingIn { deadline, .. } => *deadline = extended,
            State::Online(online) => {
                online.heartbeat.extend_deadline(now.mono, extended);
                self.roster.extend_deadline(extended);
            }
            State::Waiting { .. } | State::Ended => {}
        }
    }

    fn reconnect(&mut self, now: Now, out: &mut Vec<Output>) {
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Waiting { auth, .. } => {
                out.push(Output::Connect);
                self.state = State::Connecting { auth, deadline: now.mono + self.config.connect_timeout };
            }
            other => self.state = other,
        }
    }

    fn leave(&mut self, out: &mut Vec<Output>) {
        if matches!(self.state, State::LoggingIn { .. } | State::Online(_)) {
            out.push(Output::Send(requests::request(&Request::Leave)));
        }
        let connection = self.state.connection();
        if self.disconnect(out).is_some() {
            out.push(Output::Event(Event::Left));
        }
        if connection == Connection::Open {
            out.push(Output::Close);
        }
    }

    /// Gives up the connection, and either schedules the next attempt or ends the machine.
    fn handle_failure(&mut self, failure: Failure, now: Now, out: &mut Vec<Output>) {
        self.note_unanswered_registration(now.mono, failure);
        let is_connected = !matches!(failure, Failure::Disconnected);
        let (failure, goes_elsewhere) = match self.state.authentication_mut() {
            Some(Authentication::Password { .. }) => self.elsewhere.note(failure),
            _ => (failure, false),
        };
        let auth = self.disconnect(out);
        if matches!(failure, Failure::Protocol(_)) {
            self.roster.invalidate();
        }
        let Some(mut auth) = auth else { return };
        if let Authentication::Ticket(session) = &mut auth
            && matches!(failure, Failure::Rejected(Rejection::KeyInUse))
        {
            session.next_keys = None;
        }
        let disposition = match &auth {
            Authentication::Password { .. } if goes_elsewhere => Disposition::Elsewhere,
            Authentication::Password { registration, .. } => {
                let remaining = |limit: Duration, since| limit.saturating_sub(now.mono.since(since));
                match registration.unanswered_since() {
                    None => retry::before_session(failure, remaining(self.config.busy_timeout, self.started)),
                    Some(since) => {
                        let patience = remaining(self.config.registration_timeout, since);
                        retry::with_unanswered_registration(failure, patience)
                    }
                }
            }
            Authentication::Ticket(_) => retry::with_session(failure, self.roster.first_snapshot()),
        };
        match disposition {
            Disposition::End(event) => out.push(Output::Event(event)),
            Disposition::Retry => {
                let after = self.backoff.next(&mut *self.generator);
                self.wait(auth, failure, now, (after, Pause::Backoff), out);
            }
            Disposition::RetryAfter(retry_after) => {
                let after = self.backoff.after(retry_after, &mut *self.generator);
                self.wait(auth, failure, now, (after, Pause::Requested), out);
            }
            Disposition::Elsewhere => {
                out.push(Output::Event(Event::TryingElsewhere));
                self.state = State::Waiting { auth, deadline: now.mono, pause: Pause::Requested };
            }
        }
        if is_connected {
            out.push(Output::Close);
        }
    }

    fn wait(
        &mut self,
        auth: Authentication,
        failure: Failure,
        now: Now,
        (after, pause): (Duration, Pause),
        out: &mut Vec<Output>,
    ) {
        if matches!(failure, Failure::Ended(Ended::Stopping)) {
            out.push(Output::Event(Event::ServerStopping));
        }
        out.push(Output::Event(match &auth {
            Authentication::Password { registration: Registration::Answered, .. } => Event::Busy { after },
            Authentication::Password { .. } => Event::RegistrationUnanswered { after },
            Authentication::Ticket(_) => Event::Reconnecting { after },
        }));
        self.state = State::Waiting { auth, deadline: now.mono + after, pause };
    }

    /// Drops the connection and the requests that are outstanding on it. Returns the authentication for the next login.
    fn disconnect(&mut self, out: &mut Vec<Output>) -> Option<Authentication> {
        if let State::Online(Online { password_change: PasswordChange::Pending, .. }) = &self.state {
            out.push(Output::Event(Event::PasswordChange(Err(PasswordChangeError::Unanswered))));
        }
        self.roster.disconnect();
        std::mem::replace(&mut self.state, State::Ended).into_authentication()
    }
}
