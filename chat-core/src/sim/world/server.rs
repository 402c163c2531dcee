//! The driver of a simulated server: the machine, its accounts, and its ends of the connections.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::medium::{Caller, End, Event, Medium};
use super::relay::ServerRelay;
use super::{Crash, ServerId, WorldConfig};
use crate::accounts::Accounts;
use crate::accounts::memory::MemoryAccounts;
use crate::id::{ConnId, JobId};
use crate::journal::{JournalError, NodeRow};
use crate::presence::Record;
use crate::relay::RelayCounts;
use crate::server::{Closed, Input, Job, JobResult, Missed, Output, Server, TicketKey};
use crate::sim::{Clock, SeededGenerator};
use crate::time::{Mono, Timestamp};
use crate::wire::frame::{FrameDecoder, MAX_FRAME, MAX_GUEST_FRAME};

/// A computer with a server, running or not.
#[derive(Debug)]
pub(super) struct ServerNode {
    pub(super) id: ServerId,
    pub(super) clock: Clock,
    pub(super) accounts: Arc<MemoryAccounts>,
    /// Whether it shares the journal of the world.
    pub(super) shares: bool,
    /// Survives restarts, like a key file.
    pub(super) ticket_key: [u8; TicketKey::LEN],
    machine: Option<Server>,
    relay: Option<ServerRelay>,
    /// How the server ended, if it is not running.
    crash: Option<Crash>,
    pub(super) run: u64,
    connections: BTreeMap<ConnId, FrameDecoder>,
    /// Connections that have received a snapshot and therefore receive broadcasts.
    synced: BTreeSet<ConnId>,
    pub(super) records: Vec<Record>,
    out: Vec<Output>,
}

impl ServerNode {
    pub(super) fn new(id: ServerId, clock: Clock, ticket_key: [u8; TicketKey::LEN]) -> Self {
        Self {
            id,
            clock,
            accounts: Arc::default(),
            shares: false,
            ticket_key,
            machine: None,
            relay: None,
            crash: None,
            run: 0,
            connections: BTreeMap::new(),
            synced: BTreeSet::new(),
            records: Vec::new(),
            out: Vec::new(),
        }
    }

    pub(super) fn machine(&self) -> Option<&Server> {
        self.machine.as_ref()
    }

    /// Whether the computer is on, and at least refuses connections.
    pub(super) fn is_powered(&self) -> bool {
        self.crash != Some(Crash::Power)
    }

    pub(super) fn deadline(&self) -> Option<Mono> {
        Some(self.clock.world(self.machine.as_ref()?.deadline()?))
    }

    pub(super) fn start(&mut self, config: &WorldConfig, seed: u64, medium: &mut Medium) {
        self.run += 1;
        self.crash = None;
        let generator = Box::new(SeededGenerator::new(seed));
        let key = TicketKey::new(self.ticket_key);
        let now = self.clock.now(medium.now);
        let config_of_server = config.of_server();
        self.relay = config.relay.map(ServerRelay::new);
        self.machine = Some(if self.shares {
            let row = NodeRow { name: format!("node {}", self.id.0) };
            Server::sharing(now, config_of_server, key, generator, row, &mut self.out)
        } else {
            Server::new(now, config_of_server, key, generator, &mut self.out)
        });
        self.perform(config.job_time, medium);
    }

    /// Ends the process. The caller ends its connections.
    pub(super) fn end(&mut self, crash: Crash) {
        self.machine = None;
        self.relay = None;
        self.crash = Some(crash);
        self.connections.clear();
        self.synced.clear();
    }

    /// Accepts a new connection. Returns whether a server is running to accept it.
    pub(super) fn accept(&mut self, conn: ConnId, job_time: Duration, medium: &mut Medium) -> bool {
        let Some(from) = medium.connection(conn).map(|conn| conn.from) else { return false };
        if self.machine.is_none() {
            return false;
        }
        self.connections.insert(conn, FrameDecoder::new(MAX_GUEST_FRAME));
        self.feed(Input::Connected { conn, from }, job_time, medium);
        true
    }

    /// Processes bytes of a connection. Returns whether the connection exists.
    pub(super) fn read(&mut self, conn: ConnId, mut bytes: &[u8], job_time: Duration, medium: &mut Medium) -> bool {
        if !self.connections.contains_key(&conn) {
            return false;
        }
        // Look up the decoder for each frame: a frame can change the decoder's limit or close the connection.
        while let Some(decoder) = self.connections.get_mut(&conn) {
            match decoder.next(&mut bytes) {
                Ok(Some(payload)) if self.relay.as_ref().is_some_and(|relay| relay.takes(conn, &payload)) => {
                    self.relay_parcels(conn, &payload, medium);
                }
                Ok(Some(payload)) => {
                    self.feed(Input::Frame { conn, payload: &payload }, job_time, medium);
                }
                Ok(None) => break,
                Err(_) => {
                    medium.close(conn, End::User);
                    self.gone(conn, job_time, medium);
                }
            }
        }
        true
    }

    /// The connection has broken.
    pub(super) fn gone(&mut self, conn: ConnId, job_time: Duration, medium: &mut Medium) {
        self.forget(conn);
        if self.connections.remove(&conn).is_some() {
            self.feed(Input::Closed { conn, why: Closed::Broken }, job_time, medium);
        }
    }

    /// The connection receives nothing any more.
    fn forget(&mut self, conn: ConnId) {
        self.synced.remove(&conn);
        if let Some(relay) = &mut self.relay {
            relay.gone(conn);
        }
    }

    /// Passes the parcels of a frame on. Simulated writes never wait, so nothing stays in a lane.
    fn relay_parcels(&mut self, conn: ConnId, payload: &[u8], medium: &mut Medium) {
        let now = self.clock.now(medium.now).mono;
        let Some(relay) = &mut self.relay else { return };
        relay.pass(now, conn, payload, |to, frame| medium.write(to, End::User, &frame));
    }

    /// What the relay has passed on and dropped in this run.
    pub(super) fn relay_counts(&self) -> RelayCounts {
        self.relay.as_ref().map(ServerRelay::counts).unwrap_or_default()
    }

    /// A job is done.
    pub(super) fn done(&mut self, id: JobId, result: JobResult, job_time: Duration, medium: &mut Medium) {
        self.feed(Input::Done { job: id, result }, job_time, medium);
    }

    pub(super) fn feed(&mut self, input: Input<'_>, job_time: Duration, medium: &mut Medium) {
        let now = self.clock.now(medium.now);
        let Some(machine) = &mut self.machine else { return };
        machine.handle(now, input, &mut self.out);
        // Simulated writes never wait, so a connection has drained as soon as its snapshot is written.
        for conn in self.perform(job_time, medium) {
            self.feed(Input::Drained { conn, missed: Missed::Nothing }, job_time, medium);
        }
    }

    /// Performs the machine's outputs. Returns the connections that were sent a snapshot.
    fn perform(&mut self, job_time: Duration, medium: &mut Medium) -> Vec<ConnId> {
        let mut snapshots = Vec::new();
        for output in self.out.drain(..) {
            match output {
                Output::Send { conn, bytes } => {
                    if self.connections.contains_key(&conn) {
                        medium.write(conn, End::User, &bytes);
                    }
                }
                Output::Snapshot { conn, frames } => {
                    if self.connections.contains_key(&conn) {
                        frames.iter().for_each(|bytes| medium.write(conn, End::User, bytes));
                        self.synced.insert(conn);
                        snapshots.push(conn);
                    }
                }
                Output::Broadcast { bytes } => {
                    for conn in &self.synced {
                        medium.write(*conn, End::User, &bytes);
                    }
                }
                Output::Admit { conn, relay: session } => {
                    if let Some(decoder) = self.connections.get_mut(&conn) {
                        decoder.set_limit(MAX_FRAME);
                    }
                    if let Some((relay, session)) = self.relay.as_mut().zip(session) {
                        relay.admit(conn, session);
                    }
                }
                Output::Close { conn } => {
                    self.synced.remove(&conn);
                    if let Some(relay) = &mut self.relay {
                        relay.gone(conn);
                    }
                    if self.connections.remove(&conn).is_some() {
                        medium.close(conn, End::User);
                    }
                }
                Output::Job { id, job: Job::Journal(call) } => {
                    let caller = Caller { server: self.id, run: self.run, id };
                    medium.schedule(Duration::ZERO, Event::JournalCall { caller, call });
                }
                Output::Job { id, job } => {
                    // The accounts change now, and the result arrives later, so that a crash can occur in between.
                    let result = perform_job(&self.accounts, job, self.clock.now(medium.now).wall);
                    let delay = job_time.mul_f64(0.5 + medium.random());
                    medium.schedule(delay, Event::Done { server: self.id, run: self.run, id, result });
                }
                Output::Record(record) => self.records.push(record),
                Output::LimitReached(_) | Output::Forwarder { .. } => {}
            }
        }
        snapshots
    }
}

/// Performs a job.
fn perform_job(accounts: &MemoryAccounts, job: Job, at: Timestamp) -> JobResult {
    match job {
        Job::Register { name, password } => JobResult::Account(ready(accounts.register(name, password, at))),
        Job::Authenticate { name, password } => JobResult::Account(ready(accounts.authenticate(name, password))),
        Job::ChangePassword { id, old, new } => JobResult::Account(ready(accounts.change_password(id, old, new, at))),
        Job::LookUp { ids } => JobResult::Accounts(ready(accounts.look_up(ids))),
        Job::ChangedSince { since } => JobResult::Accounts(ready(accounts.changed_since(since))),
        Job::Seen { ids } => JobResult::Seen(ready(accounts.mark_seen(ids, at))),
        Job::VoidTickets { ids, until } => JobResult::Voided(ready(accounts.void_tickets(ids, until))),
        Job::Journal(_) => JobResult::Journal(Err(JournalError::Empty)),
    }
}

/// The result of a call of the accounts in memory, which is ready immediately.
pub(super) fn ready<T>(answer: impl Future<Output = T>) -> T {
    match pin!(answer).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => unreachable!("calls of the accounts in memory never wait"),
    }
}
