//! The task that owns the relay machine ([`chat_core::relay::Relay`]). Nothing that is relayed passes through the hub.
//!
//! ```text
//! connection -- frames of parcels --> bounded queue --> relay task (machine)
//!      ^                                                    |   ^
//!      +-------------- one relayed frame at a time ---------+   |
//!      +-------------- the frame is written -------------------+
//! hub --------------- who is admitted, who has gone ------------+
//! ```
//!
//! The task fills the place for a relayed frame in a connection's send queue, and again whenever that frame is written.
//! Everything else waits in the lanes of the machine, where it is bounded.

mod access;
mod frame_rate;

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chat_core::id::SessionId;
use chat_core::relay::{Relay, RelayConfig};
use chat_core::server::Missed;
use chat_core::time::Mono;
use chat_core::wire::control::Request;
use chat_core::wire::relay::DatagramFrame;
use tokio::sync::mpsc;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until};

pub(super) use self::access::{Admission, RelayAccess, RelayLink};
use self::access::{Fact, ReceivedFrame};
use super::monitor::Counters;
use crate::clock::Clock;
use crate::connection::Handle;

/// What the server's tasks share of a connection.
pub(super) type ConnectionHandle = Handle<Missed, RelayAccess>;

/// The most frames of parcels that wait for the relay: a tenth of a second of what it can do, and at most 16 MiB. Those
/// beyond it are dropped, because whoever waited for a place would delay the heartbeats behind them.
const FRAMES: usize = 256;

/// The parcels after which the relay lets other tasks run.
const TURN: usize = 64;

/// The bytes after which a relayed frame is complete. With one more datagram and all lengths, it is one TLS record. So a
/// presence frame waits for no more than that.
const FRAME: usize = 15_000;

/// The time from a parcel to the next count of the relayed sessions, which looks at all of them.
const COUNT_DELAY: Duration = Duration::from_secs(1);

/// A connection of the machine. Two are equal if they are the same connection.
#[derive(Clone, Debug)]
struct Line(Arc<ConnectionHandle>);

impl PartialEq for Line {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// The relay of one run of a server.
pub(super) struct RelayTask {
    relay: Relay<Line>,
    link: RelayLink,
    facts: mpsc::UnboundedReceiver<Fact>,
    frames: mpsc::Receiver<ReceivedFrame>,
    /// Sessions for which something waits. Empty between two turns.
    ready: Vec<SessionId>,
    /// When to count the relayed sessions. They are also counted whenever the machine forgets some.
    next_count: Option<Mono>,
}

impl RelayTask {
    /// A relay, and the link by which the other tasks reach it.
    pub(super) fn new(config: RelayConfig, clock: Clock, counters: Arc<Counters>) -> (Self, RelayLink) {
        let (frame_sender, frames) = mpsc::channel(FRAMES);
        // Unbounded, because the hub and the connections must not wait, and no fact may be lost. Each connection has at
        // most three facts here: that it is admitted, that its relayed frame is written, and that it has gone.
        let (fact_sender, facts) = mpsc::unbounded_channel();
        let link = RelayLink::new(frame_sender, fact_sender, clock, counters);
        let relay = Relay::new(config);
        let task = Self { relay, link: link.clone(), facts, frames, ready: Vec::new(), next_count: None };
        (task, link)
    }

    /// Relays until the future is dropped.
    pub(super) async fn run(mut self) {
        let mut timer = pin!(sleep_until(Instant::now()));
        loop {
            let deadlines = [self.relay.deadline(), self.next_count];
            let deadline = deadlines.into_iter().flatten().min().map(|at| self.link.0.clock.instant(at));
            if let Some(deadline) = deadline
                && deadline != timer.deadline()
            {
                timer.as_mut().reset(deadline);
            }
            tokio::select! {
                biased;
                // Before more is received, what has a place is written.
                Some(fact) = self.facts.recv() => self.note(fact),
                Some(frame) = self.frames.recv() => self.receive(frame).await,
                () = &mut timer, if deadline.is_some() => {}
            }
            self.publish();
        }
    }

    fn note(&mut self, fact: Fact) {
        match fact {
            Fact::Admitted(session, line) => {
                self.relay.admit(session, line);
                self.fill(session);
            }
            Fact::Gone(session, line) => self.relay.gone(session, &line),
            Fact::Written(session) => self.fill(session),
        }
    }

    async fn receive(&mut self, frame: ReceivedFrame) {
        let ReceivedFrame { at, from, payload } = frame;
        self.next_count.get_or_insert(at + COUNT_DELAY);
        // The fact that admitted the sender came before its frame.
        while let Ok(fact) = self.facts.try_recv() {
            self.note(fact);
        }
        // The connection has decoded the frame before.
        let Ok(Request::Relay(parcels)) = Request::decode(&payload) else { return };
        let mut parcels = parcels.iter().peekable();
        while parcels.peek().is_some() {
            self.relay.receive(at, from, parcels.by_ref().take(TURN), &mut self.ready);
            for session in std::mem::take(&mut self.ready) {
                self.fill(session);
            }
            if parcels.peek().is_some() {
                yield_now().await;
            }
        }
    }

    /// Fills the place for a relayed frame of a session's connection with what waits for the session.
    fn fill(&mut self, session: SessionId) {
        let Some(since) = self.relay.waiting_since(session) else { return };
        let Some(Line(handle)) = self.relay.connection(session).cloned() else { return };
        if handle.queue.takes_relayed() {
            let mut frame = DatagramFrame::new();
            let more = self.relay.drain(self.link.0.clock.mono(), session, FRAME, &mut frame);
            if let Some(bytes) = frame.take() {
                // The lock of the queue orders it before the write.
                handle.bypass.set_relayed_to();
                handle.queue.set_relayed(bytes, since, more);
            }
        }
    }

    /// Forgets what is due, and publishes the numbers.
    fn publish(&mut self) {
        let now = self.link.0.clock.mono();
        if [self.relay.deadline(), self.next_count].into_iter().flatten().any(|at| at <= now) {
            self.next_count = None;
            self.relay.tick(now);
            self.link.0.counters.relayed_sessions(self.relay.relayed_sessions(now));
        }
        self.relay.overloaded(self.link.0.dropped.swap(0, Ordering::Relaxed));
        self.link.0.counters.relayed(self.relay.counts(), self.relay.waiting_bytes());
    }
}

#[cfg(test)]
mod tests;
