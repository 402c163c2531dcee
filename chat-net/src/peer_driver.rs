//! The driver of the peer machine: owns the machine, its UDP socket, its clocks, and the outputs in between.
//!
//! Two types use it: [`peers::Endpoint`](crate::peers::Endpoint), whose application keeps the roster and polls it, and
//! the task of a [`Client`](crate::client::Client), which feeds it the server's roster.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use chat_core::id::MessageId;
use chat_core::key::KeyPair;
use chat_core::message::{Content, Recipient};
use chat_core::name::UserName;
use chat_core::peer::{Datagram, Input, LinkStatus, Output, Peer, PeerConfig, Reach, SendError, Token};
use chat_core::time::{Now, Timestamp};
use chat_core::wire::relay::RelayTerms;
use tokio::time::{Instant, Sleep, sleep_until, timeout};

use crate::clock::Clock;
use crate::random::SystemGenerator;
use crate::relay_line::RelayLine;
use crate::udp::{Progress, Udp};

/// A message that was queued for its recipients.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct QueuedMessage {
    /// The id that the message's reports carry.
    pub id: MessageId,
    /// The number of recipients. One outcome follows for each. Zero for a message to everyone if nobody else is online.
    pub recipients: usize,
    /// The time that the message carries.
    pub at: Timestamp,
}

/// How long leaving waits for the socket. Goodbyes that are not sent by then are lost, and peers learn of the departure
/// from the roster or from silence.
const GOODBYE_TIME: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(crate) struct PeerDriver {
    clock: Clock,
    peer: Peer,
    udp: Udp,
    /// The connection to a server that relays.
    relay: Option<RelayLine>,
    outputs: Vec<Output>,
    /// The last message of each run of messages from one session that the next turn accepts.
    accepted: Vec<Token>,
    timer: Pin<Box<Sleep>>,
}

impl PeerDriver {
    /// Begins a session on `udp`, which sends to the addresses within `reach`.
    pub(crate) fn begin(udp: Udp, user: UserName, keys: Arc<KeyPair>, reach: Reach, config: PeerConfig) -> Self {
        let peer = Peer::new(keys, user, reach, config, Box::new(SystemGenerator));
        Self {
            clock: Clock::start(),
            peer,
            udp,
            relay: None,
            outputs: Vec::new(),
            accepted: Vec::new(),
            timer: Box::pin(sleep_until(Instant::now())),
        }
    }

    pub(crate) fn now(&self) -> Now {
        self.clock.now()
    }

    /// The address on which the UDP socket receives.
    pub(crate) const fn local_address(&self) -> SocketAddr {
        self.udp.local_address()
    }

    /// See [`Udp::use_zone_of`].
    pub(crate) fn use_zone_of(&mut self, local: SocketAddr) {
        self.udp.use_zone_of(local);
    }

    /// The number of outcomes that are not known yet.
    pub(crate) const fn pending_outcomes(&self) -> usize {
        self.peer.pending_outcomes()
    }

    /// The measured round-trip time of each user.
    pub(crate) fn round_trips(&self) -> BTreeMap<UserName, Duration> {
        self.peer.round_trips().map(|(user, time)| (user.clone(), time)).collect()
    }

    /// The state of each link.
    pub(crate) fn links(&self) -> impl Iterator<Item = LinkStatus<'_>> {
        self.peer.links()
    }

    /// Sends relayed datagrams over `relay`, on the terms of the server. With `None`, there is no server that relays.
    pub(crate) fn set_relay(&mut self, relay: Option<(RelayLine, RelayTerms)>) {
        let (line, terms) = relay.unzip();
        self.relay = line;
        self.handle(Input::Relay(terms));
    }

    /// Passes datagrams that the server relayed to the machine.
    pub(crate) fn receive_relayed<'a>(&mut self, datagrams: impl Iterator<Item = &'a mut [u8]>) {
        self.peer.receive(self.clock.now(), datagrams.map(Datagram::relayed), &mut self.outputs);
    }

    /// Passes one input to the machine. Its outputs come with the next call that hands over outputs.
    pub(crate) fn handle(&mut self, input: Input) {
        self.peer.handle(self.clock.now(), input, &mut self.outputs);
    }

    /// Accepts a message, and all earlier ones of its session, at the beginning of the next turn. Many cost one reading of the
    /// clocks.
    pub(crate) fn accept_with_next_turn(&mut self, token: Token) {
        match self.accepted.last_mut() {
            Some(last) if last.is_same_session(token) => *last = token,
            _ => self.accepted.push(token),
        }
    }

    /// Queues a message that carries the time `at`.
    pub(crate) fn send(
        &mut self,
        to: Recipient,
        content: Content,
        at: impl FnOnce(Now) -> Timestamp,
    ) -> Result<QueuedMessage, SendError> {
        let now = self.clock.now();
        let at = at(now);
        let before = self.outputs.len();
        // The machine answers within the call, so the tag does not have to distinguish sends.
        self.peer.handle(now, Input::Send { tag: 0, to, content, sent_at: at }, &mut self.outputs);
        let is_answer = |output: &Output| matches!(output, Output::Queued { .. } | Output::NotSent { .. });
        let index = self.outputs[before..].iter().position(is_answer);
        match index.map(|index| self.outputs.remove(before + index)) {
            Some(Output::Queued { id, recipients, .. }) => Ok(QueuedMessage { id, recipients, at }),
            Some(Output::NotSent { error, .. }) => Err(error),
            _ => unreachable!("the machine answers every send within the call"),
        }
    }

    /// Appends the outputs to `out`.
    pub(crate) fn hand_over(&mut self, out: &mut Vec<Output>) {
        if out.is_empty() {
            std::mem::swap(out, &mut self.outputs);
        } else {
            out.append(&mut self.outputs);
        }
    }

    /// Receives and transmits without waiting, and appends the outputs to `out`.
    pub(crate) fn try_next(&mut self, out: &mut Vec<Output>) -> Progress {
        let progress = self.turn();
        self.hand_over(out);
        progress
    }

    /// Receives and transmits until there are outputs, and appends them to `out`.
    ///
    /// Cancel safety: no output is lost.
    pub(crate) async fn next(&mut self, out: &mut Vec<Output>) {
        tokio::task::coop::consume_budget().await;
        loop {
            let progress = self.turn();
            if !self.outputs.is_empty() {
                return self.hand_over(out);
            }
            if let Some(deadline) = self.peer.deadline() {
                let deadline = self.clock.instant(deadline);
                // A timer that fires too early costs less than resetting it for every datagram.
                if deadline < self.timer.deadline() || self.timer.is_elapsed() {
                    self.timer.as_mut().reset(deadline);
                }
            }
            tokio::select! {
                biased;
                () = self.udp.ready() => {}
                () = freed(&self.relay) => {}
                () = &mut self.timer, if self.peer.deadline().is_some() => {}
                () = tokio::task::yield_now(), if progress == Progress::More => {}
            }
        }
    }

    /// Ends the session without goodbyes, appends the outcomes that were pending to `out`, and returns the socket.
    pub(crate) fn end(mut self, out: &mut Vec<Output>) -> Udp {
        self.handle(Input::Leave);
        self.hand_over(out);
        self.udp
    }

    /// Ends the session: sends a goodbye to every peer, for at most [`GOODBYE_TIME`], and appends the outcomes that
    /// were pending to `out`.
    pub(crate) async fn leave(self, out: &mut Vec<Output>) {
        self.end_with(Input::Leave, out).await;
    }

    /// Like [`leave`](Self::leave), for a session that a newer login replaced: peers learn that from their roster.
    pub(crate) async fn replaced(self, out: &mut Vec<Output>) {
        self.end_with(Input::Replaced, out).await;
    }

    async fn end_with(mut self, last: Input, out: &mut Vec<Output>) {
        self.turn();
        self.handle(last);
        self.hand_over(out);
        drop(timeout(GOODBYE_TIME, self.flush()).await);
    }

    /// Transmits everything that the machine has to send.
    async fn flush(&mut self) {
        loop {
            if self.transmit(self.clock.now()) == Progress::More {
                tokio::task::yield_now().await;
            } else if !self.udp.flush() {
                self.udp.writable().await;
            } else if let Some(relay) = self.relay.as_ref().filter(|relay| !relay.is_free()) {
                relay.freed().await;
            } else {
                return;
            }
        }
    }

    /// Does everything that is possible without waiting: accepts, receives, ticks and transmits.
    fn turn(&mut self) -> Progress {
        let now = self.clock.now();
        for token in self.accepted.drain(..) {
            self.peer.handle(now, Input::AcceptUpTo(token), &mut self.outputs);
        }
        let received = self.udp.receive(&mut self.peer, now, &mut self.outputs);
        if self.peer.deadline().is_some_and(|deadline| deadline <= now.mono) {
            self.peer.handle(now, Input::Tick, &mut self.outputs);
        }
        received.or(self.transmit(now))
    }

    /// Sends what the machine has for the socket and for the relay.
    fn transmit(&mut self, now: Now) -> Progress {
        if let Some(relay) = &mut self.relay {
            relay.transmit(&mut self.peer, now);
        }
        self.udp.transmit(&mut self.peer, now)
    }
}

/// Resolves when the connection to the server takes relayed datagrams again. Cancel safe.
async fn freed(relay: &Option<RelayLine>) {
    match relay {
        Some(relay) => relay.freed().await,
        None => std::future::pending().await,
    }
}
