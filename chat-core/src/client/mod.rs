//! The client machine: one user's side of the control link.
//!
//! ```text
//! Connecting -> Greeting -> Asking -> Online        (hello, password or ticket, welcome)
//!      ^                                 |
//!      +----------- Waiting <------------+          (the connection broke; the roster stays)
//! ```
//!
//! It logs in, when the server is busy as often as that asks for, keeps a copy of the roster in step, sends heartbeats, and comes back with its ticket when the connection
//! breaks. The password is held until the first welcome and no longer. What it is told by a server that cannot be
//! understood ends the first log-in, and later only the connection, and the next one begins with a whole roster.

mod backoff;
mod clock;
mod config;
mod copy;
mod difference;
mod fate;
mod io;
mod loading;
mod log_in;
mod online;
mod pulse;
mod requests;
mod state;
#[cfg(test)]
mod tests;

pub use config::ClientConfig;
pub use io::{Credentials, Event, Input, LoginFailure, Output, PasswordChangeError};

use backoff::Backoff;
use clock::ServerClock;
use copy::RosterCopy;
use fate::{Fate, FirstFate, Trouble};
use state::{Connection, Online, Pass, PasswordChange, Session, State};

use crate::generator::Generator;
use crate::roster::Roster;
use crate::time::{Mono, Now, Timestamp};
use crate::wire::control::{Ended, Offer, Reply, Request};

/// The machine. The driver performs all outputs in order before the next input.
pub struct Client {
    config: ClientConfig,
    began: Mono,
    generator: Box<dyn Generator>,
    offer: Offer,
    state: State,
    copy: RosterCopy,
    clock: ServerClock,
    backoff: Backoff,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("state", &self.state).finish_non_exhaustive()
    }
}

impl Client {
    /// A client that wants to log in: its first output is [`Output::Connect`]. Of `offer`, addresses beyond
    /// [`Offer::MAX_ADDRESSES`] are dropped.
    pub fn new(
        now: Now,
        login: Credentials,
        mut offer: Offer,
        config: ClientConfig,
        generator: Box<dyn Generator>,
        out: &mut Vec<Output>,
    ) -> Self {
        offer.addresses.truncate(Offer::MAX_ADDRESSES);
        let copy = RosterCopy::new(login.user.clone());
        out.push(Output::Connect);
        let state = State::Connecting { pass: Pass::Password(login), until: now.mono + config.connect_timeout };
        let backoff = Backoff::new(config.shortest_pause, config.longest_pause);
        Self { config, began: now.mono, generator, offer, state, copy, clock: ServerClock::default(), backoff }
    }

    /// Takes one input and appends what has to be done about it.
    pub fn handle(&mut self, now: Now, input: Input<'_>, out: &mut Vec<Output>) {
        let result = match input {
            Input::Connected => {
                self.connected(now, out);
                Ok(())
            }
            Input::Frame(payload) => self.frame(now, payload, out),
            Input::Disconnected if self.state.connection() == Connection::Open => Err(Trouble::Disconnected),
            Input::Disconnected => Ok(()),
            Input::Leave => {
                self.leave(out);
                Ok(())
            }
            Input::ChangePassword { old, new } => {
                self.change_password(&old, &new, out);
                Ok(())
            }
            Input::Move(offer) => {
                self.moved(offer, out);
                Ok(())
            }
            Input::Tick => self.tick(now, out),
        };
        if let Err(trouble) = result {
            self.deal_with(trouble, now, out);
        }
    }

    /// When [`Input::Tick`] is due, if ever.
    pub fn deadline(&self) -> Option<Mono> {
        match &self.state {
            State::Connecting { until, .. }
            | State::Greeting { until, .. }
            | State::Asking { until, .. }
            | State::Waiting { until, .. } => Some(*until),
            State::Online(online) => {
                let pulse = online.pulse.deadline();
                Some(self.copy.deadline().map_or(pulse, |copy| copy.min(pulse)))
            }
            State::Over => None,
        }
    }

    /// Everybody but oneself, as far as known; kept while there is no connection.
    pub fn roster(&self) -> &Roster {
        self.copy.shown()
    }

    /// The server's time, estimated from round trips; the wall clock's until there was one.
    pub fn server_time(&self, now: Now) -> Timestamp {
        self.clock.server_time(now)
    }

    /// How far the server's clock is ahead of the wall clock, in milliseconds.
    pub fn clock_offset(&self) -> i64 {
        self.clock.offset()
    }

    fn frame(&mut self, now: Now, payload: &[u8], out: &mut Vec<Output>) -> Result<(), Trouble> {
        let reply = || Reply::decode(payload).map_err(|_| Trouble::Protocol("a reply of it cannot be read"));
        match &mut self.state {
            State::Greeting { .. } => self.greeted(now, payload, out),
            State::Asking { .. } => self.answered(now, reply()?, out),
            State::Online(online) => {
                online.pulse.heard(now.mono);
                self.told(now, reply()?, out)
            }
            State::Connecting { .. } | State::Waiting { .. } | State::Over => Ok(()),
        }
    }

    fn tick(&mut self, now: Now, out: &mut Vec<Output>) -> Result<(), Trouble> {
        let Some(deadline) = self.deadline().filter(|deadline| *deadline <= now.mono) else { return Ok(()) };
        if now.mono.since(deadline) > self.config.stall {
            self.forgive(now);
        }
        match &self.state {
            State::Connecting { until, .. } if *until <= now.mono => Err(Trouble::ConnectTimedOut),
            State::Greeting { until, .. } | State::Asking { until, .. } if *until <= now.mono => {
                Err(Trouble::AnswerTimedOut)
            }
            State::Connecting { .. } | State::Greeting { .. } | State::Asking { .. } | State::Over => Ok(()),
            State::Online(_) => self.tick_online(now, out),
            State::Waiting { .. } => {
                self.connect_again(now, out);
                Ok(())
            }
        }
    }

    /// It was us who slept: whatever the server said meanwhile waits in the socket, so it gets another chance.
    fn forgive(&mut self, now: Now) {
        let chance = now.mono + self.config.second_chance;
        match &mut self.state {
            State::Connecting { until, .. } | State::Greeting { until, .. } | State::Asking { until, .. } => {
                *until = chance;
            }
            State::Online(online) => {
                online.pulse.forgive(now.mono, chance);
                self.copy.forgive(chance);
            }
            State::Waiting { .. } | State::Over => {}
        }
    }

    fn connect_again(&mut self, now: Now, out: &mut Vec<Output>) {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Waiting { pass, .. } => {
                out.push(Output::Connect);
                let until = now.mono + self.config.connect_timeout;
                self.state = State::Connecting { pass, until };
            }
            other => self.state = other,
        }
    }

    fn leave(&mut self, out: &mut Vec<Output>) {
        if matches!(self.state, State::Asking { .. } | State::Online(_)) {
            out.push(Output::Send(requests::request(&Request::Leave)));
        }
        let connection = self.state.connection();
        if self.part(out).is_some() {
            out.push(Output::Event(Event::Left));
        }
        if connection == Connection::Open {
            out.push(Output::Close);
        }
    }

    /// The connection is of no use any more, or there is none; decides what becomes of us.
    fn deal_with(&mut self, trouble: Trouble, now: Now, out: &mut Vec<Output>) {
        let pass = self.part(out);
        if matches!(trouble, Trouble::Protocol(_)) {
            self.copy.doubt();
        }
        match pass {
            Some(Pass::Password(login)) => self.ask_again(login, trouble, now, out),
            Some(Pass::Ticket(session)) => self.come_back(session, trouble, now, out),
            None => return,
        }
        if !matches!(trouble, Trouble::Disconnected) {
            out.push(Output::Close);
        }
    }

    /// Before the first welcome.
    fn ask_again(&mut self, login: Credentials, trouble: Trouble, now: Now, out: &mut Vec<Output>) {
        let patience = self.config.patience.saturating_sub(now.mono.since(self.began));
        match fate::before_welcome(trouble, patience) {
            FirstFate::Over(event) => out.push(Output::Event(event)),
            FirstFate::After(asked) => {
                let after = self.backoff.after(asked, &mut *self.generator);
                out.push(Output::Event(Event::Busy { after }));
                self.state = State::Waiting { pass: Pass::Password(login), until: now.mono + after };
            }
        }
    }

    fn come_back(&mut self, session: Session, trouble: Trouble, now: Now, out: &mut Vec<Output>) {
        let after = match fate::with_ticket(trouble, self.copy.history()) {
            Fate::Over(event) => return out.push(Output::Event(event)),
            Fate::Again => self.backoff.next(&mut *self.generator),
            Fate::After(asked) => self.backoff.after(asked, &mut *self.generator),
        };
        if matches!(trouble, Trouble::Ended(Ended::Stopping)) {
            out.push(Output::Event(Event::ServerStopping));
        }
        out.push(Output::Event(Event::Reconnecting { after }));
        self.state = State::Waiting { pass: Pass::Ticket(session), until: now.mono + after };
    }

    /// Gives up the connection and whatever was asked on it; gives back what lets us in again.
    fn part(&mut self, out: &mut Vec<Output>) -> Option<Pass> {
        if let State::Online(Online { password_change: PasswordChange::Asked, .. }) = &self.state {
            out.push(Output::Event(Event::PasswordChange(Err(PasswordChangeError::Unanswered))));
        }
        self.copy.part();
        std::mem::replace(&mut self.state, State::Over).into_pass()
    }
}
