//! The hub: the only task that owns the server machine. It reads the clock once per event, performs all outputs in
//! order, and never waits for a connection.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use chat_core::accounts::Accounts;
use chat_core::id::ConnId;
use chat_core::journal::{Journal, NodeRow};
use chat_core::presence::Record;
use chat_core::server::{Closed, Input, JournalState, Limit, Missed, Output, Server, TicketKey};
use chat_core::time::{Mono, Now};
use chat_core::wire::frame::MAX_FRAME;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::ServerOptions;
use super::feed::Feed;
use super::forwarder_log::ForwarderLog;
use super::jobs::Jobs;
use super::limit_log::LimitLog;
use super::monitor::{Counters, Held, Metric, RosterRequest, online_users};
use super::presence_log::PresenceLog;
use super::relay::{Admission, ConnectionHandle, RelayLink};
use super::reload::Reload;
use crate::clock::Clock;
use crate::connection::{Gone, Incoming};
use crate::random::SystemGenerator;

/// The most events that one turn takes from the queue. The timer is checked between turns.
const BATCH: usize = 64;

/// What connections send to the hub.
pub(super) enum Event {
    /// A TLS handshake succeeded.
    Connected {
        conn: ConnId,
        from: SocketAddr,
        handle: Arc<ConnectionHandle>,
    },
    Incoming {
        conn: ConnId,
        incoming: Incoming<Missed>,
    },
}

struct Connection {
    handle: Arc<ConnectionHandle>,
    feed: Feed,
    /// Counts the session. Present after the login.
    session: Option<Held>,
    /// Lets the session relay. Present after the login, if the server relays and the client takes relayed datagrams.
    relayed: Option<Admission>,
    /// The time of the last frame.
    last_frame: Mono,
}

pub(super) struct Hub<A, J, O> {
    clock: Clock,
    server: Server,
    connections: HashMap<ConnId, Connection>,
    queue_limit: usize,
    relay: Option<RelayLink>,
    jobs: Jobs<A, J>,
    log: Option<PresenceLog>,
    observer: O,
    limits: Arc<LimitLog>,
    forwarder_log: ForwarderLog,
    counters: Arc<Counters>,
    reload: Reload,
    out: Vec<Output>,
    /// Connections whose send queue overflowed while outputs were performed. The machine learns of them afterwards.
    too_slow: VecDeque<ConnId>,
}

impl<A: Accounts, J: Journal, O: FnMut(&Record)> Hub<A, J, O> {
    /// `node` is what other servers know of this one, if it shares its roster with them.
    pub(super) fn new(
        clock: Clock,
        options: &ServerOptions,
        (ticket_key, node): (TicketKey, Option<NodeRow>),
        jobs: Jobs<A, J>,
        log: Option<PresenceLog>,
        limits: Arc<LimitLog>,
        observer: O,
    ) -> Self {
        let mut out = Vec::new();
        let generator = Box::new(SystemGenerator);
        let (now, config) = (clock.now(), options.machine.clone());
        let server = match node {
            Some(node) => Server::sharing(now, config, ticket_key, generator, node, &mut out),
            None => Server::new(now, config, ticket_key, generator, &mut out),
        };
        let mut hub = Self {
            clock,
            server,
            connections: HashMap::new(),
            queue_limit: options.send_queue,
            relay: None,
            jobs,
            log,
            observer,
            limits,
            forwarder_log: ForwarderLog::default(),
            counters: options.monitor.counters(),
            reload: options.reload.clone(),
            out,
            too_slow: VecDeque::new(),
        };
        hub.perform();
        // The first turn may be seconds away, and until then the numbers would be those of a server that is alone.
        hub.counters.observe(&hub.server);
        hub
    }

    /// Lets sessions relay over this link. By default they cannot.
    pub(super) fn relaying(mut self, relay: Option<RelayLink>) -> Self {
        self.relay = relay;
        self
    }

    /// Handles events until `shutdown` resolves, and then until the machine has stopped. The machine sends every
    /// session the reason.
    ///
    /// It drops `requests` at its end, so that whoever waits for the roster learns that the server has stopped even if
    /// nobody polls the server any more.
    pub(super) async fn run(
        mut self,
        mut events: mpsc::Receiver<Event>,
        mut requests: mpsc::Receiver<RosterRequest>,
        shutdown: impl Future<Output = ()>,
    ) -> Self {
        let mut shutdown = pin!(shutdown);
        let mut timer = pin!(sleep_until(Instant::now()));
        let mut batch = Vec::with_capacity(BATCH);
        let mut is_stopping = false;
        // Until all senders are gone: the acceptor and the connections end before the last jobs of a server that stops.
        let mut is_open = true;
        while !self.server.is_stopped() {
            let deadline = self.server.deadline().map(|at| self.clock.instant(at));
            if let Some(deadline) = deadline
                && deadline != timer.deadline()
            {
                timer.as_mut().reset(deadline);
            }
            let mut finished = None;
            tokio::select! {
                biased;
                () = &mut shutdown, if !is_stopping => {
                    is_stopping = true;
                    // Queries only delay the jobs that the machine waits for.
                    self.jobs.abort_queries();
                    self.handle(self.clock.now(), Input::Stop);
                }
                // Polled before the events, whose queue may never be empty. Only a few requests can wait.
                Some(request) = requests.recv() => self.answer(request),
                Some(job) = self.jobs.next() => finished = Some(job),
                count = events.recv_many(&mut batch, BATCH), if is_open => is_open = count > 0,
                () = &mut timer, if deadline.is_some() => {}
            }
            let begin = Instant::now();
            // Before the requests to which it applies. A change alone need not wake the hub.
            if let Some(policy) = self.reload.take_registration() {
                self.handle(self.clock.now(), Input::SetRegistration(policy));
            }
            if let Some((job, result)) = finished {
                self.handle(self.clock.now(), Input::Done { job, result });
            }
            for event in batch.drain(..) {
                self.handle_event(self.clock.now(), event);
            }
            // Checked after every batch, so that a flood of events does not delay the machine's timers.
            let now = self.clock.now();
            if self.server.deadline().is_some_and(|deadline| deadline <= now.mono) {
                self.handle(now, Input::Tick);
            }
            self.counters.turned(&self.server, begin.elapsed());
        }
        self.connections.values().for_each(|connection| connection.handle.queue.close());
        // The machine never learned of connections that are still in the queue.
        events.close();
        while let Ok(event) = events.try_recv() {
            if let Event::Connected { handle, .. } = event {
                handle.queue.abort();
            }
        }
        self
    }

    /// Whether the server has stopped because a later version writes to the journal.
    pub(super) fn is_incompatible(&self) -> bool {
        self.server.journal().is_some_and(|journal| journal.state == JournalState::Incompatible)
    }

    /// Waits until `deadline` for unfinished jobs and for the presence log.
    pub(super) async fn close(&mut self, deadline: Instant) {
        // Registrations and password changes continue. An account that exists only in part would be worse than an
        // account whose client received no answer.
        self.jobs.abort_all_but_changes();
        let jobs = async { while self.jobs.next().await.is_some() {} };
        let log = self.log.take();
        let closed = async {
            if let Some(log) = log {
                // `close` has logged why it failed.
                drop(spawn_blocking(|| log.close()).await);
            }
        };
        // Concurrently, so that each of the two has all the time.
        let (jobs, closed) = tokio::join!(timeout_at(deadline, jobs), timeout_at(deadline, closed));
        if jobs.is_err() {
            log::warn!("some calls to the accounts did not end within the time limit");
        }
        if closed.is_err() {
            log::warn!("the presence log was not written completely within the time limit");
        }
    }

    fn answer(&self, request: RosterRequest) {
        // A caller that stopped waiting needs no answer.
        drop(request.send(online_users(self.server.roster())));
    }

    fn handle_event(&mut self, now: Now, event: Event) {
        match event {
            Event::Connected { conn, from, handle } => {
                let (feed, last_frame) = (Feed::default(), now.mono);
                let connection = Connection { handle, feed, session: None, relayed: None, last_frame };
                self.connections.insert(conn, connection);
                self.handle(now, Input::Connected { conn, from });
            }
            // Events of a connection that was closed here may still be in the queue.
            Event::Incoming { conn, .. } if !self.connections.contains_key(&conn) => {}
            Event::Incoming { conn, incoming: Incoming::Frame(payload) } => {
                self.counters.received(payload.len());
                if let Some(connection) = self.connections.get_mut(&conn) {
                    connection.last_frame = now.mono;
                }
                self.handle(now, Input::Frame { conn, payload: &payload });
            }
            Event::Incoming { conn, incoming: Incoming::Written(missed) } => {
                self.handle(now, Input::Drained { conn, missed });
            }
            Event::Incoming { conn, incoming: Incoming::Gone(gone) } => {
                self.connections.remove(&conn);
                let why = match gone {
                    Gone::Broken => Closed::Broken,
                    Gone::TooSlow => {
                        self.note_slow_client();
                        Closed::TooSlow
                    }
                };
                self.handle(now, Input::Closed { conn, why });
            }
        }
    }

    fn handle(&mut self, now: Now, input: Input<'_>) {
        self.server.handle(now, input, &mut self.out);
        self.perform();
        while let Some(conn) = self.too_slow.pop_front() {
            self.note_slow_client();
            self.server.handle(now, Input::Closed { conn, why: Closed::TooSlow }, &mut self.out);
            self.perform();
        }
    }

    fn perform(&mut self) {
        let mut out = std::mem::take(&mut self.out);
        for output in out.drain(..) {
            match output {
                Output::Send { conn, bytes } => self.send(conn, bytes),
                Output::Snapshot { conn, frames } => {
                    if let Some(connection) = self.connections.get_mut(&conn) {
                        frames.iter().for_each(|bytes| self.counters.sent(bytes, 1));
                        connection.feed.send_snapshot(&connection.handle.queue, &frames);
                    }
                }
                Output::Broadcast { bytes } => {
                    let connections = self.connections.values_mut();
                    let queued = connections.filter_map(|Connection { feed, handle, .. }| {
                        feed.broadcast(&handle.queue, &bytes).then_some(())
                    });
                    self.counters.sent(&bytes, queued.count());
                }
                Output::Admit { conn, relay: session } => {
                    if let Some(connection) = self.connections.get_mut(&conn) {
                        connection.session = Some(self.counters.hold(Metric::Sessions));
                        self.counters.login_time.record(self.clock.now().mono.since(connection.last_frame));
                        connection.handle.set_limits(self.queue_limit, MAX_FRAME);
                        let relay = self.relay.as_ref().zip(session);
                        connection.relayed = relay.map(|(relay, session)| relay.admit(session, &connection.handle));
                    }
                }
                Output::Close { conn } => {
                    if let Some(connection) = self.connections.remove(&conn) {
                        connection.handle.queue.close();
                    }
                }
                Output::Job { id, job } => self.jobs.start(id, job),
                Output::LimitReached(limit) => self.limits.reached(limit),
                Output::Forwarder { observed, offered } => self.forwarder_log.warn(observed, offered),
                Output::Record(record) => {
                    (self.observer)(&record);
                    if let Some(log) = &self.log {
                        log.write(&record);
                    }
                }
            }
        }
        self.out = out;
    }

    fn note_slow_client(&self) {
        self.counters.add(Metric::TooSlow, 1);
        self.limits.reached(Limit::UnreadOutput);
    }

    fn send(&mut self, conn: ConnId, bytes: Bytes) {
        let Some(connection) = self.connections.get(&conn) else { return };
        self.counters.sent(&bytes, 1);
        if connection.handle.queue.push_reply(bytes).is_err() {
            connection.handle.queue.abort();
            self.connections.remove(&conn);
            self.too_slow.push_back(conn);
        }
    }
}
