//! The driver's connection to the server: feeds the client machine, and performs its outputs.

use std::time::Duration;

use chat_core::client::{self as machine, Output};
use chat_core::peer::Input;
use chat_core::time::Now;
use chat_core::wire::control::{Purpose, WelcomeKind};
use chat_core::wire::relay::Datagrams;
use log::Level;

use super::server_connection::ConnectionEvent;
use super::{Driver, SessionStage, Started};
use crate::client::command::answer;
use crate::client::offer::make_offer;
use crate::client::{
    ChangePasswordError, ConnectError, EndReason, Event, LoginFailure, Notice, ReachMode, ServerRejection,
    VersionMismatch,
};
use crate::send_queue::Full;

impl Driver {
    /// Starts the machine. Its first output asks for a connection, which exists already.
    pub(super) fn start(&mut self) {
        self.outputs.retain(|output| !matches!(output, Output::Connect));
        self.handle(self.clock.now(), machine::Input::Connected);
    }

    pub(super) fn handle_connection(&mut self, event: ConnectionEvent) {
        let now = self.clock.now();
        match event {
            ConnectionEvent::Dialed(stream) => {
                // A client that returns from another network is reachable at other addresses.
                let offer = make_offer(stream.local.ip(), self.udp_address, &self.advertise, self.reach_mode);
                self.local = stream.local;
                if let Some(peers) = &mut self.peers {
                    peers.use_zone_of(self.local);
                }
                self.network_watch.on_connected();
                self.server.open(*stream);
                if offer != self.offer {
                    self.offer = offer.clone();
                    self.handle(now, machine::Input::Move(offer));
                    self.handle_peers(Input::Moved);
                }
                self.handle(now, machine::Input::Connected);
            }
            ConnectionEvent::Frame(mut frame) => {
                if !Datagrams::are_in(&frame) || !self.receive_relayed(&mut frame) {
                    self.handle(now, machine::Input::Frame(&frame));
                }
            }
            ConnectionEvent::Disconnected => {
                self.set_relay(None);
                self.handle(now, machine::Input::Disconnected);
            }
            ConnectionEvent::WrongKey { known, shown } => {
                if self.reported_key.replace(shown) != Some(shown) {
                    self.notify(Notice::ServerKeyChanged { known, shown });
                }
                self.handle(now, machine::Input::Disconnected);
            }
        }
    }

    pub(super) fn handle(&mut self, now: Now, input: machine::Input<'_>) {
        self.machine.handle(now, input, &mut self.outputs);
        // A server that reads so slowly that the queue is full counts as disconnected.
        while self.perform_outputs().is_err() {
            self.server.abort();
            self.set_relay(None);
            self.machine.handle(now, machine::Input::Disconnected, &mut self.outputs);
        }
        self.set_clock(now);
    }

    /// Performs all outputs. Returns [`Full`] if the send queue had no room for one of them.
    fn perform_outputs(&mut self) -> Result<(), Full> {
        let mut result = Ok(());
        let mut outputs = std::mem::take(&mut self.outputs);
        for output in outputs.drain(..) {
            match output {
                Output::Connect => {
                    self.set_relay(None);
                    self.server.dial();
                }
                Output::Send(bytes) => {
                    let sent = self.server.send(bytes);
                    result = result.and(sent);
                }
                Output::Close => self.server.close(),
                Output::Event(event) => self.handle_event(event),
            }
        }
        self.outputs = outputs;
        if std::mem::take(&mut self.is_roster_changed) {
            // The entries are in place already. One call for all changes, so that a watch wakes once.
            self.roster.send_modify(|_| {});
        }
        result
    }

    fn handle_event(&mut self, event: machine::Event) {
        match event {
            machine::Event::Welcome { kind: WelcomeKind::Continued, relay, .. } => {
                self.server.welcomed();
                self.server_relay.note(relay.is_some());
                self.set_relay(relay);
            }
            machine::Event::Welcome { kind, keys, entry, at, relay, .. } => {
                self.server.welcomed();
                self.begin_session(keys, entry.user.clone());
                self.server_relay.note(relay.is_some());
                self.set_relay(relay);
                if self.reach_mode == ReachMode::Relay && self.server_relay.is_news() {
                    self.notify(Notice::NoRelay);
                }
                if let SessionStage::Starting { welcome, .. } = &mut self.stage {
                    *welcome = Some((entry.user, at));
                } else if kind == WelcomeKind::Fresh {
                    self.set_peers();
                    self.notify(Notice::NewSession(*self.session.borrow()));
                }
            }
            machine::Event::Online { .. } => {
                self.set_peers();
                let entries = self.machine.roster().iter().cloned();
                self.roster.send_modify(|roster| roster.set(entries));
                self.go_online();
            }
            machine::Event::Change { at, change } => {
                let presence = change.event(at);
                // In place before the event, so that an application that reads the event finds the change.
                self.roster.send_if_modified(|roster| {
                    roster.apply(&change);
                    false
                });
                self.is_roster_changed = true;
                self.handle_peers(Input::Change(change));
                self.events.push(Event::Presence(presence));
            }
            machine::Event::Away { at, user, away } => {
                self.roster.send_if_modified(|roster| {
                    roster.set_away(&user, away.as_ref());
                    false
                });
                self.is_roster_changed = true;
                self.events.push(Event::Away { at, user, away });
            }
            machine::Event::TryingElsewhere => {
                log::info!("the server cannot reach its storage; trying another one");
                self.server.leave_out_tried();
            }
            machine::Event::Busy { after } => {
                // After the start, a notice has already reported the broken connection.
                let level = if matches!(self.stage, SessionStage::Starting { .. }) { Level::Warn } else { Level::Info };
                log::log!(
                    level,
                    "the server cannot take the login yet; trying again in {} s",
                    after.as_secs_f64().ceil()
                );
            }
            machine::Event::RegistrationUnanswered { after } => log::warn!(
                "the connection ended before the server answered the registration; trying again in {} s",
                after.as_secs_f64().ceil()
            ),
            machine::Event::Reconnecting { after } if matches!(self.stage, SessionStage::Starting { .. }) => {
                self.retry_start(after);
            }
            machine::Event::Reconnecting { after } => self.notify(Notice::Reconnecting { after }),
            machine::Event::Reconnected => {
                self.reported_key = None;
                self.notify(Notice::Reconnected);
            }
            machine::Event::ServerStopping => self.notify(Notice::ServerStopping),
            machine::Event::PasswordChange(result) => {
                if let Some(reply) = self.password_change.take() {
                    answer(reply, result.map_err(ChangePasswordError::new));
                }
            }
            machine::Event::MoveRejected(rejection) => {
                log::warn!("the server rejects this client's new addresses: {rejection}");
            }
            machine::Event::Rejected(rejection) => {
                let rejection = ServerRejection::of(rejection);
                self.end(ConnectError::Rejected(rejection), EndReason::Rejected(rejection));
            }
            machine::Event::NoCommonVersion(versions) => {
                let versions = VersionMismatch::of(versions);
                self.end(ConnectError::NoCommonVersion(versions), EndReason::NoCommonVersion(versions));
            }
            machine::Event::Protocol(what) => {
                let error = ConnectError::NotChat { server: self.address.clone(), what };
                self.end(error, EndReason::NotChat(what));
            }
            machine::Event::Failed(machine::LoginFailure::RegistrationUnanswered) => {
                let error = ConnectError::RegistrationUnanswered { server: self.address.clone() };
                self.end(error, EndReason::Internal);
            }
            machine::Event::Failed(failure) => {
                self.fail_login(LoginFailure::new(failure), EndReason::Internal);
            }
            machine::Event::Ended(ended) => {
                self.fail_login(LoginFailure::of_session(ended), EndReason::new(ended));
            }
            machine::Event::Left => self.stage = SessionStage::Left,
        }
    }

    /// Handles a connection that broke before the roster was complete. After a login,
    /// [`connect`](crate::client::connect) fails, because the server may never come back. After a registration, the
    /// client retries for a limited time, because a second registration would be rejected.
    fn retry_start(&mut self, after: Duration) {
        if self.purpose == Purpose::Login {
            return self.fail_login(LoginFailure::RosterIncomplete, EndReason::Internal);
        }
        let now = self.clock.now().mono;
        let limit = *self.start_limit.get_or_insert(now + self.registration_timeout);
        if now + after > limit {
            let error = ConnectError::OnlyRegistered { server: self.address.clone() };
            return self.end(error, EndReason::Internal);
        }
        log::warn!(
            "the connection broke before the roster was complete; trying again in {} s",
            after.as_secs_f64().ceil()
        );
    }

    /// The roster is complete: [`connect`](crate::client::connect) returns.
    fn go_online(&mut self) {
        match std::mem::replace(&mut self.stage, SessionStage::Online) {
            SessionStage::Starting { started, welcome: Some((user, at)) } => {
                let session = self.session.subscribe();
                // A caller that stopped waiting has dropped the handle too, which ends the session.
                drop(started.send(Ok(Started { user, session, at })));
            }
            other => self.stage = other,
        }
    }

    fn fail_login(&mut self, source: LoginFailure, reason: EndReason) {
        let error = ConnectError::LoginFailed { server: self.address.clone(), source };
        self.end(error, reason);
    }

    /// Ends the session. A [`connect`](crate::client::connect) that still waits returns `error`, and the event stream
    /// ends with `reason`.
    fn end(&mut self, error: ConnectError, reason: EndReason) {
        if let SessionStage::Starting { started, .. } = std::mem::replace(&mut self.stage, SessionStage::Ended(reason))
        {
            // A caller that stopped waiting needs no answer.
            drop(started.send(Err(error)));
        }
    }

    fn notify(&self, notice: Notice) {
        self.events.push(Event::Notice(notice));
    }
}
