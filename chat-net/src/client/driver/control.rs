//! The driver's side towards the server: inputs for the client machine, and what comes of them.

use chat_core::client::{self as machine, Output};
use chat_core::time::Now;
use chat_core::wire::control::WelcomeKind;
use log::Level;

use super::server_link::Happened;
use super::{Driver, Stage, Started};
use crate::client::command::answer;
use crate::client::events::{Event, Notice};
use crate::client::offer::offer;
use crate::error::{ConnectError, EndReason};

impl Driver {
    /// The machine asks for a connection first; it is there already.
    pub(super) fn perform_first(&mut self) {
        self.out.retain(|output| !matches!(output, Output::Connect));
        let buffer = self.udp.receive_buffer();
        if buffer.granted < buffer.wanted {
            self.notice(Notice::ReceiveBufferSmall { granted: buffer.granted, wanted: buffer.wanted });
        }
        self.feed(self.clock.now(), machine::Input::Connected);
    }

    pub(super) fn happened(&mut self, happened: Happened) {
        let now = self.clock.now();
        match happened {
            Happened::Dialed(dialed) => {
                // Whoever comes back from another network is reached there.
                let offer = offer(dialed.local.ip(), &self.udp, &self.advertise);
                self.link.up(*dialed);
                if offer != self.offer {
                    self.offer = offer.clone();
                    self.feed(now, machine::Input::Move(offer));
                }
                self.feed(now, machine::Input::Connected);
            }
            Happened::Frame(frame) => self.feed(now, machine::Input::Frame(&frame)),
            Happened::Disconnected => self.feed(now, machine::Input::Disconnected),
            Happened::Impostor { known, shown } => {
                if self.impostor.replace(shown) != Some(shown) {
                    self.notice(Notice::ServerKeyChanged { known, shown });
                }
                self.feed(now, machine::Input::Disconnected);
            }
        }
    }

    pub(super) fn feed(&mut self, now: Now, input: machine::Input<'_>) {
        self.machine.handle(now, input, &mut self.out);
        while self.perform(now) == Outbox::Overflowed {
            self.link.abort();
            self.machine.handle(now, machine::Input::Disconnected, &mut self.out);
        }
        self.peers.set_clock(now, &self.machine);
    }

    fn perform(&mut self, now: Now) -> Outbox {
        let mut outbox = Outbox::Fine;
        let mut out = std::mem::take(&mut self.out);
        for output in out.drain(..) {
            match output {
                Output::Connect => self.link.dial(),
                Output::Send(bytes) => {
                    if self.link.send(bytes).is_err() {
                        outbox = Outbox::Overflowed;
                    }
                }
                Output::Close => self.link.close(),
                Output::Event(event) => self.told(now, event),
            }
        }
        self.out = out;
        outbox
    }

    fn told(&mut self, now: Now, event: machine::Event) {
        match event {
            machine::Event::Welcome { kind: WelcomeKind::Continued, .. } => {}
            machine::Event::Welcome { kind, keys, entry, at } => {
                self.session.send_replace(keys.session());
                self.peers.begin(now, keys, entry.user.clone());
                if let Stage::Starting { welcome, .. } = &mut self.stage {
                    *welcome = Some((entry.user, at));
                } else if kind == WelcomeKind::Fresh {
                    self.peers.roster(now, &self.machine);
                    self.notice(Notice::NewSession(*self.session.borrow()));
                }
            }
            machine::Event::Online { .. } => {
                self.peers.roster(now, &self.machine);
                self.start();
            }
            machine::Event::Change { at, change } => {
                let presence = change.event(at);
                self.peers.change(now, change);
                self.events.push(Event::Presence(presence));
            }
            machine::Event::Busy { after } => {
                // Later there was a notice already that the server is away.
                let level = if matches!(self.stage, Stage::Starting { .. }) { Level::Warn } else { Level::Info };
                log::log!(level, "the server is busy; trying again in {} s", after.as_secs_f64().ceil());
            }
            // Who waits for the first roster is told, instead of waiting for a server that may never be back.
            machine::Event::Reconnecting { .. } if matches!(self.stage, Stage::Starting { .. }) => {
                let what = "the connection broke before the roster was complete".to_owned();
                let error = ConnectError::LoginFailed { server: self.address.clone(), what };
                self.over(error, EndReason::Internal);
            }
            machine::Event::Reconnecting { after } => self.notice(Notice::Reconnecting { after }),
            machine::Event::Reconnected => {
                self.impostor = None;
                self.notice(Notice::Reconnected);
            }
            machine::Event::ServerStopping => self.notice(Notice::ServerStopping),
            machine::Event::PasswordChange(result) => {
                if let Some(reply) = self.password_change.take() {
                    answer(reply, result.map_err(Into::into));
                }
            }
            machine::Event::MoveRejected(rejection) => log::warn!("the server refuses our new addresses: {rejection}"),
            machine::Event::Rejected(rejection) => {
                self.over(ConnectError::Rejected(rejection), EndReason::Rejected(rejection));
            }
            machine::Event::NoCommonVersion(versions) => {
                self.over(ConnectError::NoCommonVersion(versions), EndReason::NoCommonVersion(versions));
            }
            machine::Event::Protocol(what) => {
                let error = ConnectError::NotChat { server: self.address.clone(), what };
                self.over(error, EndReason::NotChat(what));
            }
            machine::Event::Failed(failure) => {
                let error = ConnectError::LoginFailed { server: self.address.clone(), what: failure.to_string() };
                self.over(error, EndReason::Internal);
            }
            machine::Event::Ended(ended) => {
                let error = ConnectError::LoginFailed { server: self.address.clone(), what: ended.to_string() };
                self.over(error, EndReason::Ended(ended));
            }
            machine::Event::Left => self.stage = Stage::Left,
        }
    }

    /// The roster is complete: whoever waits in [`connect`](crate::client::connect) goes on.
    fn start(&mut self) {
        match std::mem::replace(&mut self.stage, Stage::Online) {
            Stage::Starting { started, welcome: Some((user, at)) } => {
                let session = self.session.subscribe();
                // Whoever gave up waiting has dropped the handle too, and that ends the session.
                drop(started.send(Ok(Started { user, session, at })));
            }
            other => self.stage = other,
        }
    }

    fn over(&mut self, error: ConnectError, reason: EndReason) {
        if let Stage::Starting { started, .. } = std::mem::replace(&mut self.stage, Stage::Over(reason)) {
            // Whoever gave up waiting needs no answer.
            drop(started.send(Err(error)));
        }
    }

    fn notice(&self, notice: Notice) {
        self.events.push(Event::Notice(notice));
    }
}

/// Whether the server takes what is sent to it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Outbox {
    Fine,
    Overflowed,
}
