//! From a connection to a welcome: the hellos, then a login or resume request.

use std::sync::Arc;
use std::time::Duration;

use super::Client;
use super::entries::sanitize_entry;
use super::heartbeat::Heartbeat;
use super::io::{Event, Output};
use super::requests;
use super::retry::Failure;
use super::state::{Authentication, Online, PasswordChange, Session, State, Ticket};
use crate::key::KeyPair;
use crate::time::Now;
use crate::wire::control::{Reply, Welcome, WelcomeKind};
use crate::wire::hello::Hello;

impl Client {
    /// The connection is open: sends our hello.
    pub(super) fn handle_connected(&mut self, now: Now, out: &mut Vec<Output>) {
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Connecting { auth, .. } => {
                out.push(Output::Send(requests::hello()));
                let deadline = now.mono + self.config.reply_timeout;
                self.state = State::Handshaking { auth, hello_sent: now.mono, deadline };
            }
            other => self.state = other,
        }
    }

    /// The server's hello: logs in if there is a common version.
    pub(super) fn handle_hello(&mut self, now: Now, payload: &[u8], out: &mut Vec<Output>) -> Result<(), Failure> {
        let theirs =
            Hello::decode(payload).map_err(|_| Failure::Protocol("the server's first frame is not a hello"))?;
        // Only one version exists, so nothing depends on the agreed one yet.
        Hello::OURS.agree(theirs).map_err(Failure::NoCommonVersion)?;
        self.server_features = theirs.features;
        let features = self.config.link_features;
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Handshaking { mut auth, hello_sent, .. } => {
                let (next_keys, request) = match &mut auth {
                    Authentication::Password { credentials, .. } => {
                        let keys = Arc::new(KeyPair::generate(&mut *self.generator));
                        let key = keys.public();
                        (keys, requests::login(credentials, credentials.purpose, &self.offer, key, features))
                    }
                    Authentication::Ticket(session) => {
                        let keys = session.next_keys(&mut *self.generator);
                        let (ticket, version, away) =
                            (session.ticket.as_bytes(), self.roster.version(), self.away.text());
                        let request = requests::resume(ticket, &self.offer, keys.public(), version, away, features);
                        (keys, request)
                    }
                };
                out.push(Output::Send(request));
                let deadline = now.mono + self.config.reply_timeout;
                let one_way_delay = now.mono.since(hello_sent) / 2;
                self.state = State::LoggingIn { auth, next_keys, request_sent: now, one_way_delay, deadline };
            }
            other => self.state = other,
        }
        Ok(())
    }

    /// The reply to the login or resume request.
    pub(super) fn handle_login_reply(&mut self, now: Now, reply: Reply, out: &mut Vec<Output>) -> Result<(), Failure> {
        match reply {
            Reply::Welcome(welcome) => self.handle_welcome(now, welcome, out).map_err(Failure::Protocol),
            Reply::Rejected(rejection) => self.handle_rejection(now, rejection, out),
            Reply::Ended(ended) => Err(Failure::Ended(ended)),
            _ => Err(Failure::Protocol("the server did not answer the login")),
        }
    }

    /// Begins or continues a session, and drops the password.
    fn handle_welcome(&mut self, now: Now, mut welcome: Welcome, out: &mut Vec<Output>) -> Result<(), &'static str> {
        let State::LoggingIn { auth, next_keys, request_sent, one_way_delay, .. } = &self.state else { return Ok(()) };
        let keys = Arc::clone(match (welcome.kind, auth) {
            (WelcomeKind::LoggedIn, Authentication::Password { .. })
            | (WelcomeKind::Fresh, Authentication::Ticket(_)) => next_keys,
            (WelcomeKind::Continued, Authentication::Ticket(session)) => &session.keys,
            (WelcomeKind::LoggedIn, Authentication::Ticket(_))
            | (WelcomeKind::Continued | WelcomeKind::Fresh, Authentication::Password { .. }) => {
                return Err("the welcome does not match the login");
            }
        });
        if welcome.entry.key != keys.public() {
            return Err("the welcome has another session key");
        }
        if welcome.entry.user != *self.roster.own() {
            return Err("the welcome is for another user");
        }
        sanitize_entry(&mut welcome.entry)?;
        let delta = welcome.delta().map_err(|_| "the welcome is malformed")?;
        // A server must not be sent what its hello does not announce.
        let relay = welcome.relay().filter(|_| self.server_features & Hello::RELAY != 0);
        let ticket = Ticket::new(welcome.ticket)?;

        // The reply includes the time of a password check, so its round trip says little about the network.
        self.clock.add_delayed_reply(*request_sent, now, welcome.at, *one_way_delay);
        let settling = Duration::from_millis(welcome.settling_ms.into());
        self.roster.start_sync(now.mono, now.mono + self.config.reply_timeout, settling, delta)?;
        let mut heartbeat = Heartbeat::new(welcome.timings, now.mono);
        let known = welcome.entry.away();
        out.push(Output::Event(Event::Welcome {
            kind: welcome.kind,
            keys: Arc::clone(&keys),
            entry: welcome.entry,
            at: welcome.at,
            relay,
        }));
        out.push(requests::heartbeat(heartbeat.send(now)));
        self.state = State::Online(Online {
            session: Session { keys, ticket, next_keys: None },
            heartbeat,
            syncing_since: Some(welcome.kind),
            password_change: PasswordChange::Idle,
            previous_offer: None,
        });
        // The user went away or came back while there was no connection.
        if self.away.differs(known.as_ref()) {
            self.send_away(now, out);
        }
        self.check_in_sync(now, out);
        Ok(())
    }
}
