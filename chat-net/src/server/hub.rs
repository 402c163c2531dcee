//! The hub: the one task that owns the machine. It reads the clock once per event, performs all outputs in order,
//! and never waits for a connection.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use chat_core::accounts::Accounts;
use chat_core::id::ConnId;
use chat_core::presence::Record;
use chat_core::server::{Closed, Input, Output, Server, TicketKey};
use chat_core::time::{Mono, Now};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::ServerOptions;
use super::jobs::Jobs;
use super::limit_log::LimitLog;
use super::monitor::{Counters, Held, Metric, RosterRequest, online_users};
use super::presence_log::PresenceLog;
use crate::clock::Clock;
use crate::connection::{Gone, Incoming};
use crate::outbox::Outbox;
use crate::random::SystemGenerator;

/// How many events are taken from the queue at once; the timer is looked at in between.
const BATCH: usize = 64;

/// What connections tell the hub.
pub(super) enum Event {
    /// The handshake is done.
    Connected { conn: ConnId, from: SocketAddr, outbox: Arc<Outbox> },
    /// Something arrived, or the end.
    Incoming { conn: ConnId, incoming: Incoming },
}

struct Connection {
    outbox: Arc<Outbox>,
    /// Once it has logged in.
    admitted: Option<Held>,
    /// When its last frame came, until it has logged in.
    asked: Mono,
}

pub(super) struct Hub<A, O> {
    clock: Clock,
    server: Server,
    connections: HashMap<ConnId, Connection>,
    outbox_limit: usize,
    jobs: Jobs<A>,
    log: Option<PresenceLog>,
    observer: O,
    reached: LimitLog,
    counters: Arc<Counters>,
    requests: mpsc::Receiver<RosterRequest>,
    out: Vec<Output>,
    /// Connections whose outbox overflowed while outputs were performed; the machine is told when those are done.
    too_slow: VecDeque<ConnId>,
}

impl<A: Accounts, O: FnMut(&Record)> Hub<A, O> {
    pub(super) fn new(
        clock: Clock,
        options: &ServerOptions,
        ticket_key: TicketKey,
        jobs: Jobs<A>,
        log: Option<PresenceLog>,
        observer: O,
    ) -> Self {
        let mut out = Vec::new();
        let generator = Box::new(SystemGenerator);
        let server = Server::new(clock.now(), options.machine.clone(), ticket_key, generator, &mut out);
        let mut hub = Self {
            clock,
            server,
            connections: HashMap::new(),
            outbox_limit: options.outbox,
            jobs,
            log,
            observer,
            reached: LimitLog::new(&options.machine),
            counters: options.monitor.counters(),
            requests: options.monitor.roster_requests(),
            out,
            too_slow: VecDeque::new(),
        };
        hub.perform();
        hub
    }

    /// Takes turns until `shutdown`, and then says so to everybody.
    pub(super) async fn run(mut self, mut events: mpsc::Receiver<Event>, shutdown: impl Future<Output = ()>) -> Self {
        let mut shutdown = pin!(shutdown);
        let mut timer = pin!(sleep_until(Instant::now()));
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let deadline = self.server.deadline().map(|at| self.clock.instant(at));
            if let Some(deadline) = deadline
                && deadline != timer.deadline()
            {
                timer.as_mut().reset(deadline);
            }
            let mut done = None;
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                // Before the events, which may never run dry; of questions only a few can wait.
                Some(request) = self.requests.recv() => self.answer(request),
                Some(job) = self.jobs.next() => done = Some(job),
                _ = events.recv_many(&mut batch, BATCH) => {}
                () = &mut timer, if deadline.is_some() => {}
            }
            let begin = Instant::now();
            if let Some((job, result)) = done {
                self.feed(self.clock.now(), Input::Done { job, result });
            }
            for event in batch.drain(..) {
                self.turn(self.clock.now(), event);
            }
            // Looked at after every batch, so that a flood of events does not hold back the machine's timers.
            let now = self.clock.now();
            if self.server.deadline().is_some_and(|deadline| deadline <= now.mono) {
                self.feed(now, Input::Tick);
            }
            self.counters.turned(&self.server, begin.elapsed());
        }
        self.feed(self.clock.now(), Input::Stop);
        self.connections.values().for_each(|connection| connection.outbox.finish());
        // Those that came in the last moment hear nothing, as the machine never heard of them.
        events.close();
        while let Ok(event) = events.try_recv() {
            if let Event::Connected { outbox, .. } = event {
                outbox.abort();
            }
        }
        self
    }

    /// Ends what is still under way: jobs, and lines of the presence log.
    pub(super) async fn close(&mut self, deadline: Instant) {
        // An account that is being made is made, or nobody could tell its owner which. It need not wait for log-ins.
        self.jobs.drop_questions();
        let jobs = async { while self.jobs.next().await.is_some() {} };
        let log = self.log.take();
        let closed = async {
            if let Some(log) = log {
                // A thread that cannot be joined has said why.
                drop(spawn_blocking(|| log.close()).await);
            }
        };
        // At once, so that neither takes the other's time.
        let (jobs, closed) = tokio::join!(timeout_at(deadline, jobs), timeout_at(deadline, closed));
        if jobs.is_err() {
            log::warn!("some calls to the accounts did not end in time");
        }
        if closed.is_err() {
            log::warn!("the presence log did not end in time");
        }
    }

    /// A copy of the roster, for whoever looks in from outside.
    fn answer(&self, request: RosterRequest) {
        // Who asked may have gone.
        drop(request.send(online_users(self.server.roster())));
    }

    /// One event.
    fn turn(&mut self, now: Now, event: Event) {
        match event {
            Event::Connected { conn, from, outbox } => {
                self.connections.insert(conn, Connection { outbox, admitted: None, asked: now.mono });
                self.feed(now, Input::Connected { conn, from });
            }
            // Of a connection that was closed here, some events may still be under way.
            Event::Incoming { conn, .. } if !self.connections.contains_key(&conn) => {}
            Event::Incoming { conn, incoming: Incoming::Frame(payload) } => {
                self.counters.received(payload.len());
                if let Some(connection) = self.connections.get_mut(&conn) {
                    connection.asked = now.mono;
                }
                self.feed(now, Input::Frame { conn, payload: &payload });
            }
            Event::Incoming { conn, incoming: Incoming::Drained(missed) } => {
                self.feed(now, Input::Drained { conn, missed });
            }
            Event::Incoming { conn, incoming: Incoming::Gone(gone) } => {
                self.connections.remove(&conn);
                let why = match gone {
                    Gone::Broken => Closed::Broken,
                    Gone::TooSlow => {
                        self.counters.add(Metric::TooSlow, 1);
                        Closed::TooSlow
                    }
                };
                self.feed(now, Input::Closed { conn, why });
            }
        }
    }

    fn feed(&mut self, now: Now, input: Input<'_>) {
        self.server.handle(now, input, &mut self.out);
        self.perform();
        while let Some(conn) = self.too_slow.pop_front() {
            self.counters.add(Metric::TooSlow, 1);
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
                    if let Some(connection) = self.connections.get(&conn) {
                        frames.iter().for_each(|bytes| self.counters.sent(bytes, 1));
                        connection.outbox.copy(&frames);
                    }
                }
                Output::Broadcast { bytes } => {
                    let taken = self.connections.values().filter(|connection| connection.outbox.broadcast(&bytes));
                    self.counters.sent(&bytes, taken.count());
                }
                Output::Admit { conn } => {
                    if let Some(connection) = self.connections.get_mut(&conn) {
                        connection.admitted = Some(self.counters.hold(Metric::Sessions));
                        let asked = connection.asked;
                        self.counters.login_time.record(self.clock.now().mono.since(asked));
                        connection.outbox.admit(self.outbox_limit);
                    }
                }
                Output::Close { conn } => {
                    if let Some(connection) = self.connections.remove(&conn) {
                        connection.outbox.finish();
                    }
                }
                Output::Job { id, job } => self.jobs.start(id, job),
                Output::LimitReached(bound) => {
                    self.counters.limit_reached(bound);
                    self.reached.tell(bound);
                }
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

    fn send(&mut self, conn: ConnId, bytes: Bytes) {
        let Some(connection) = self.connections.get(&conn) else { return };
        self.counters.sent(&bytes, 1);
        if connection.outbox.push(bytes).is_err() {
            connection.outbox.abort();
            self.connections.remove(&conn);
            self.too_slow.push_back(conn);
        }
    }
}
