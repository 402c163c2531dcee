//! The links to peers: feeds the peer driver, and turns its outputs into events.

use std::sync::Arc;

use chat_core::key::KeyPair;
use chat_core::message::{Content, FailReason, Outcome, Recipient};
use chat_core::name::UserName;
use chat_core::peer::{Input, Output, Reported};
use chat_core::time::Now;
use chat_core::wire::relay::{Datagrams, RelayTerms};
use tokio::sync::oneshot;

use super::Driver;
use crate::client::command::answer;
use crate::client::events::{Decision, MAX_OUTCOMES};
use crate::client::sent::Audience;
use crate::client::{
    Event, LinkStatus, MessageToken, Notice, OutcomeEvents, ReachMode, ReceivedMessage, SendError, Sent,
};
use crate::peer_driver::PeerDriver;
use crate::udp::Progress;

impl Driver {
    /// Begins a session. The previous session ends, and all its pending messages get their outcomes.
    pub(super) fn begin_session(&mut self, keys: Arc<KeyPair>, user: UserName) {
        let udp = match self.peers.take() {
            Some(peers) => Some(peers.end(&mut self.peer_outputs)),
            None => self.udp.take(),
        };
        self.push_events();
        self.session.send_replace(keys.session());
        self.clock_offset = 0;
        let config = self.peer_config.clone();
        self.peers = udp.map(|mut udp| {
            udp.use_zone_of(self.local);
            let mut reach = udp.reach(self.loopback);
            reach.families = self.reach_mode.limit(reach.families);
            PeerDriver::begin(udp, user, keys, reach, config)
        });
    }

    /// Lets datagrams go through the server that relays on these terms, or through none.
    pub(super) fn set_relay(&mut self, terms: Option<RelayTerms>) {
        let terms = terms.filter(|_| self.reach_mode != ReachMode::Direct);
        if let Some(peers) = &mut self.peers {
            peers.set_relay(self.server.relay_line().zip(terms));
            peers.hand_over(&mut self.peer_outputs);
        }
        self.push_events();
    }

    /// Passes the datagrams of a frame on. Returns whether the frame contains relayed datagrams and nothing else.
    pub(super) fn receive_relayed(&mut self, frame: &mut [u8]) -> bool {
        let Ok(datagrams) = Datagrams::split_mut(frame) else { return false };
        if let Some(peers) = self.peers.as_mut().filter(|_| self.reach_mode != ReachMode::Direct) {
            peers.receive_relayed(datagrams);
            peers.hand_over(&mut self.peer_outputs);
        }
        self.push_events();
        true
    }

    /// The state of each link.
    pub(super) fn links(&self) -> Vec<LinkStatus> {
        let Some(peers) = &self.peers else { return Vec::new() };
        let now = peers.now();
        peers.links().map(|link| LinkStatus::new(&link, now, self.machine.server_time(now))).collect()
    }

    /// Passes the whole roster to the peer machine.
    pub(super) fn set_peers(&mut self) {
        self.handle_peers(Input::Roster(self.machine.roster().iter().cloned().collect()));
    }

    pub(super) fn send(
        &mut self,
        now: Now,
        to: Recipient,
        content: Content,
        reply: oneshot::Sender<Result<Sent, SendError>>,
    ) {
        let Some(peers) = &mut self.peers else { return answer(reply, Err(SendError::Offline)) };
        if peers.pending_outcomes() + self.events.unread_outcomes() + self.collectors.held() >= MAX_OUTCOMES {
            return answer(reply, Err(SendError::OutcomesUnread));
        }
        let audience = Audience::new(&to, || self.roster.borrow().clone());
        let at = self.machine.server_time(now);
        let queued = peers.send(to, content, |_| at);
        let sent = queued.map(|queued| Sent::new(queued, self.collectors.open(queued.id, queued.recipients), audience));
        // A caller that knows of the message must see its outcomes as pending.
        self.count_pending(usize::max);
        answer(reply, sent.map_err(SendError::new));
    }

    /// Passes the application's decisions about messages to the machine.
    pub(super) fn apply_decisions(&mut self) {
        for decision in self.events.take_decisions() {
            let (token, input): (_, fn(_) -> _) = match decision {
                Decision::Accept(token) => (token, Input::Accept),
                Decision::Refuse(token) => (token, Input::Refuse),
            };
            // The messages of an earlier session already have their outcomes.
            if token.session == *self.session.borrow() {
                self.handle_peers(input(token.inner));
            }
        }
    }

    /// Tells the peer machine how far the server's clock is from this one, if that has changed.
    pub(super) fn set_clock(&mut self, now: Now) {
        let (server, wall) = (self.machine.server_time(now).as_millis(), now.wall.as_millis());
        let offset = server.checked_signed_diff(wall).unwrap_or(0);
        if offset != self.clock_offset {
            self.clock_offset = offset;
            self.handle_peers(Input::ClockOffset(offset));
        }
    }

    pub(super) fn handle_peers(&mut self, input: Input) {
        if let Some(peers) = &mut self.peers {
            peers.handle(input);
            peers.hand_over(&mut self.peer_outputs);
        }
        self.push_events();
    }

    /// Receives and transmits without waiting.
    pub(super) fn turn_peers(&mut self) -> Progress {
        self.apply_decisions();
        let progress = self.peers.as_mut().map_or(Progress::Idle, |peers| peers.try_next(&mut self.peer_outputs));
        self.push_events();
        progress
    }

    /// Passes the outputs on: outcomes to the collectors, and everything to the event stream.
    pub(super) fn push_events(&mut self) {
        if self.peer_outputs.is_empty() {
            return;
        }
        if self.peer_outputs.iter().any(comes_from_peer) {
            self.network_watch.on_heard();
        }
        let session = *self.session.borrow();
        for output in self.peer_outputs.drain(..) {
            let needs_relay = matches!(output, Output::Unresponsive(_) | Output::NoAddress(_));
            let event = match output {
                Output::Queued { .. } | Output::NotSent { .. } => continue,
                Output::Summary { .. } if self.outcome_events == OutcomeEvents::Omitted => continue,
                Output::Deliver(delivery) => {
                    for message in &delivery {
                        let token = MessageToken { session, inner: message.token() };
                        self.events.push(Event::Message(ReceivedMessage::new(message.to_message(), token)));
                    }
                    continue;
                }
                Output::Report(reports) => {
                    for report in reports.iter().map(Reported::to_report) {
                        self.collectors.add(&report);
                        if self.outcome_events != OutcomeEvents::Omitted {
                            self.events.push(Event::Report(report));
                        }
                    }
                    continue;
                }
                Output::Summary { id, delivered, others } => Event::Summary { id, delivered, others },
                Output::Unresponsive(user) => Event::Notice(Notice::PeerUnresponsive(user)),
                Output::Responsive(user) => Event::Notice(Notice::PeerResponsive(user)),
                Output::Way { user, .. } => {
                    // No link: the user has left meanwhile.
                    let Some(peers) = &self.peers else { continue };
                    let Some(link) = peers.links().find(|link| *link.user == user) else { continue };
                    let now = peers.now();
                    Event::Way(LinkStatus::new(&link, now, self.machine.server_time(now)))
                }
                Output::NoAddress(user) => Event::Notice(Notice::PeerWithoutAddress(user)),
                Output::Violation(user) => Event::Notice(Notice::PeerMisbehaved(user)),
                Output::Exhausted => Event::Notice(Notice::SessionExhausted),
            };
            self.events.push(event);
            if needs_relay && self.reach_mode != ReachMode::Direct && self.server_relay.is_news() {
                self.events.push(Event::Notice(Notice::NoRelay));
            }
        }
        // Outcomes count as pending until the application can read them.
        self.count_pending(|_, pending| pending);
    }

    /// Shows `choose(shown, pending)` to the application.
    fn count_pending(&self, choose: impl FnOnce(usize, usize) -> usize) {
        let pending = self.peers.as_ref().map_or(0, PeerDriver::pending_outcomes);
        self.pending_outcomes.send_if_modified(|shown| {
            let next = choose(*shown, pending);
            std::mem::replace(shown, next) != next
        });
    }
}

/// Whether an authentic datagram of a peer led to this output.
fn comes_from_peer(output: &Output) -> bool {
    match output {
        Output::Deliver(_) | Output::Responsive(_) => true,
        Output::Report(reports) => reports
            .iter()
            .any(|report| matches!(report.outcome(), Outcome::Delivered | Outcome::Failed(FailReason::Refused))),
        _ => false,
    }
}
