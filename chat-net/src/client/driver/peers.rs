//! The driver's side towards the peers: inputs for the peer machine, and what comes of them.

use std::collections::HashMap;
use std::sync::Arc;

use chat_core::client as machine;
use chat_core::id::SessionId;
use chat_core::key::KeyPair;
use chat_core::message::{Content, Recipient};
use chat_core::name::UserName;
use chat_core::peer::{Input, Loopback, Output, Peer, PeerConfig};
use chat_core::roster::Change;
use chat_core::time::{Mono, Now, Timestamp};
use tokio::sync::{oneshot, watch};

use crate::client::Sent;
use crate::client::command::answer;
use crate::client::events::{Decision, Event, EventQueue, MessageToken, Notice, OUTCOMES};
use crate::clock::Clock;
use crate::error::SendError;
use crate::random::SystemGenerator;
use crate::udp::{Turn, Udp};

type Reply = oneshot::Sender<Result<Sent, SendError>>;

pub(super) struct Peers {
    config: PeerConfig,
    loopback: Loopback,
    /// None before the first welcome.
    peer: Option<Peer>,
    session: SessionId,
    out: Vec<Output>,
    events: Arc<EventQueue>,
    open: watch::Sender<usize>,
    /// Sends that the machine has not answered yet, by their tag.
    sends: HashMap<u64, (Timestamp, Reply)>,
    next_tag: u64,
    /// What the machine was last told: server time minus wall time in ms.
    clock_offset: i64,
}

impl Peers {
    pub(super) fn new(
        config: PeerConfig,
        by_loopback: bool,
        events: Arc<EventQueue>,
        open: watch::Sender<usize>,
    ) -> Self {
        Self {
            config,
            loopback: if by_loopback { Loopback::Allowed } else { Loopback::Ignored },
            peer: None,
            session: SessionId::new(0),
            out: Vec::new(),
            events,
            open,
            sends: HashMap::new(),
            next_tag: 0,
            clock_offset: 0,
        }
    }

    /// A session begins. What the one before has open ends with it.
    pub(super) fn begin(&mut self, now: Now, keys: Arc<KeyPair>, user: UserName) {
        self.leave(now);
        self.session = keys.session();
        let generator = Box::new(SystemGenerator);
        self.peer = Some(Peer::new(keys, user, self.loopback, self.config.clone(), generator));
        self.clock_offset = 0;
    }

    pub(super) const fn are_there(&self) -> bool {
        self.peer.is_some()
    }

    pub(super) fn deadline(&self) -> Option<Mono> {
        self.peer.as_ref().and_then(Peer::deadline)
    }

    pub(super) fn roster(&mut self, now: Now, machine: &machine::Client) {
        self.feed(now, Input::Roster(machine.roster().iter().cloned().collect()));
    }

    pub(super) fn change(&mut self, now: Now, change: Change) {
        self.feed(now, Input::Change(change));
    }

    pub(super) fn leave(&mut self, now: Now) {
        self.feed(now, Input::Leave);
    }

    pub(super) fn send(&mut self, now: Now, to: Recipient, content: Content, at: Timestamp, reply: Reply) {
        let open = self.peer.as_ref().map_or(0, Peer::open);
        if open + self.events.unread_outcomes() >= OUTCOMES {
            return answer(reply, Err(SendError::OutcomesUnread));
        }
        let tag = self.next_tag;
        self.next_tag += 1;
        self.sends.insert(tag, (at, reply));
        self.feed(now, Input::Send { tag, to, content, sent_at: at });
    }

    /// Tells the machine what the application did with messages.
    pub(super) fn judge(&mut self, now: Now) {
        for verdict in self.events.verdicts() {
            match verdict {
                // What an earlier session received has its outcome already.
                Decision::Accept(token) | Decision::Refuse(token) if token.session != self.session => {}
                Decision::Accept(token) => self.feed(now, Input::Accept(token.inner)),
                Decision::Refuse(token) => self.feed(now, Input::Refuse(token.inner)),
            }
        }
    }

    /// Keeps the machine's idea of the server's clock.
    pub(super) fn set_clock(&mut self, now: Now, machine: &machine::Client) {
        let (server, wall) = (machine.server_time(now).as_millis(), now.wall.as_millis());
        let offset = server.checked_signed_diff(wall).unwrap_or(0);
        if offset != self.clock_offset && self.peer.is_some() {
            self.clock_offset = offset;
            self.feed(now, Input::ClockOffset(offset));
        }
    }

    pub(super) fn tick(&mut self, now: Now) {
        if self.deadline().is_some_and(|deadline| deadline <= now.mono) {
            self.feed(now, Input::Tick);
        }
    }

    pub(super) fn receive(&mut self, udp: &mut Udp, clock: &Clock) -> Turn {
        let Some(peer) = &mut self.peer else { return Turn::Done };
        let turn = udp.receive(peer, clock.now(), &mut self.out);
        self.perform();
        turn
    }

    pub(super) fn transmit(&mut self, udp: &mut Udp, now: Now) -> Turn {
        let Some(peer) = &mut self.peer else { return Turn::Done };
        udp.transmit(peer, now)
    }

    fn feed(&mut self, now: Now, input: Input) {
        if let Some(peer) = &mut self.peer {
            peer.handle(now, input, &mut self.out);
            self.perform();
        }
    }

    fn perform(&mut self) {
        // Before anybody is told of an accepted message, its outcomes count as open; and they do until their reports
        // can be read.
        self.count(usize::max);
        let mut out = std::mem::take(&mut self.out);
        for output in out.drain(..) {
            self.tell(output);
        }
        self.out = out;
        self.count(|_, now| now);
    }

    fn tell(&mut self, output: Output) {
        self.events.push(match output {
            Output::Queued { tag, id, recipients } => return self.answer(tag, |at| Ok(Sent { id, recipients, at })),
            Output::NotSent { tag, error } => return self.answer(tag, |_| Err(error.into())),
            Output::Deliver { message, token: inner } => {
                Event::Message { message, token: MessageToken { session: self.session, inner } }
            }
            Output::Report(report) => Event::Report(report),
            Output::Summary { id, delivered, others } => Event::Summary { id, delivered, others },
            Output::Unresponsive(user) => Event::Notice(Notice::PeerUnresponsive(user)),
            Output::Responsive(user) => Event::Notice(Notice::PeerResponsive(user)),
            Output::Violation(user) => Event::Notice(Notice::PeerMisbehaved(user)),
            Output::Exhausted => Event::Notice(Notice::SessionExhausted),
        });
    }

    fn answer(&mut self, tag: u64, result: impl FnOnce(Timestamp) -> Result<Sent, SendError>) {
        if let Some((at, reply)) = self.sends.remove(&tag) {
            answer(reply, result(at));
        }
    }

    fn count(&self, next: impl FnOnce(usize, usize) -> usize) {
        let open = self.peer.as_ref().map_or(0, Peer::open);
        self.open.send_if_modified(|shown| {
            let next = next(*shown, open);
            std::mem::replace(shown, next) != next
        });
    }
}
