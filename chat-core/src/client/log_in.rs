//! From a connection to a welcome: hello, then a password or a ticket.

use std::sync::Arc;
use std::time::Duration;

use super::Client;
use super::difference::tidy;
use super::fate::Trouble;
use super::io::{Event, Output};
use super::pulse::Pulse;
use super::requests;
use super::state::{Online, Pass, PasswordChange, Session, State, Ticket};
use crate::key::KeyPair;
use crate::time::Now;
use crate::wire::control::{Reply, Welcome, WelcomeKind};
use crate::wire::hello::Hello;

impl Client {
    /// The connection is there: our hello is its first frame.
    pub(super) fn connected(&mut self, now: Now, out: &mut Vec<Output>) {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Connecting { pass, .. } => {
                out.push(Output::Send(requests::hello()));
                self.state = State::Greeting { pass, said: now.mono, until: now.mono + self.config.answer_timeout };
            }
            other => self.state = other,
        }
    }

    /// The server's first frame: if the versions meet, we log in.
    pub(super) fn greeted(&mut self, now: Now, payload: &[u8], out: &mut Vec<Output>) -> Result<(), Trouble> {
        let theirs = Hello::decode(payload).map_err(|_| Trouble::Protocol("its first frame is no hello"))?;
        // There is one version so far, so which one it is makes no difference yet.
        Hello::OURS.agree(theirs).map_err(Trouble::NoCommonVersion)?;
        let next = Arc::new(KeyPair::generate(&mut *self.generator));
        match std::mem::replace(&mut self.state, State::Over) {
            State::Greeting { pass, said, .. } => {
                out.push(Output::Send(match &pass {
                    Pass::Password(login) => requests::enter(login, &self.offer, next.public()),
                    Pass::Ticket(session) => {
                        requests::resume(session.ticket.as_bytes(), &self.offer, next.public(), self.copy.step())
                    }
                }));
                let until = now.mono + self.config.answer_timeout;
                let way = now.mono.since(said) / 2;
                self.state = State::Asking { pass, next, asked: now, way, until };
            }
            other => self.state = other,
        }
        Ok(())
    }

    /// The answer to the log-in.
    pub(super) fn answered(&mut self, now: Now, reply: Reply, out: &mut Vec<Output>) -> Result<(), Trouble> {
        match reply {
            Reply::Welcome(welcome) => self.welcome(now, welcome, out).map_err(Trouble::Protocol),
            Reply::Rejected(rejection) => Err(Trouble::Rejected(rejection)),
            Reply::Ended(ended) => Err(Trouble::Ended(ended)),
            _ => Err(Trouble::Protocol("it did not answer the log-in")),
        }
    }

    /// Begins or continues a session. From here on the password is gone.
    fn welcome(&mut self, now: Now, mut welcome: Welcome, out: &mut Vec<Output>) -> Result<(), &'static str> {
        let State::Asking { pass, next, asked, way, .. } = &self.state else { return Ok(()) };
        let keys = Arc::clone(match (welcome.kind, pass) {
            (WelcomeKind::LoggedIn, Pass::Password(_)) | (WelcomeKind::Fresh, Pass::Ticket(_)) => next,
            (WelcomeKind::Continued, Pass::Ticket(session)) => &session.keys,
            (WelcomeKind::LoggedIn, Pass::Ticket(_))
            | (WelcomeKind::Continued | WelcomeKind::Fresh, Pass::Password(_)) => {
                return Err("its welcome does not answer our log-in");
            }
        });
        if welcome.entry.key != keys.public() {
            return Err("its welcome has another key than ours");
        }
        if welcome.entry.user != *self.copy.own() {
            return Err("its welcome is for another user");
        }
        tidy(&mut welcome.entry)?;
        let missed = welcome.delta().map_err(|_| "its welcome cannot be read")?;
        let ticket = Ticket::new(welcome.ticket)?;

        // The answer waits for a password check, which says nothing of the way.
        self.clock.note_answer(*asked, now, welcome.at, *way);
        let settling = Duration::from_millis(welcome.settling_ms.into());
        self.copy.begin(now.mono, now.mono + self.config.answer_timeout, settling, missed)?;
        let mut pulse = Pulse::new(welcome.timings, now.mono);
        out.push(Output::Event(Event::Welcome {
            kind: welcome.kind,
            keys: Arc::clone(&keys),
            entry: welcome.entry,
            at: welcome.at,
        }));
        out.push(requests::beat(pulse.beat(now)));
        self.state = State::Online(Online {
            session: Session { keys, ticket },
            pulse,
            arrival: Some(welcome.kind),
            password_change: PasswordChange::None,
            moved_from: None,
        });
        self.arrive(now, out);
        Ok(())
    }
}
