//! What connects the machines: the network, connections that deliver bytes in order, and all future events.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::{ConnectionFault, Direction, ServerId, UserId};
use crate::id::{ConnId, JobId};
use crate::journal::JournalCall;
use crate::server::JobResult;
use crate::sim::{Network, Profile};
use crate::time::Mono;

/// The network, the connections and the future events of a world.
#[derive(Debug)]
pub(super) struct Medium {
    pub(super) now: Mono,
    pub(super) network: Network,
    connections: BTreeMap<ConnId, Connection>,
    future: BTreeMap<(Mono, u64), Event>,
    random: StdRng,
    count: u64,
}

/// One end of a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum End {
    User,
    Server,
}

/// A future event.
#[derive(Debug)]
pub(super) enum Event {
    /// A connection attempt reaches its server.
    Dialled { conn: ConnId },
    /// Bytes reach an end.
    Bytes { conn: ConnId, at: End, bytes: Bytes },
    /// An end learns that the connection is gone.
    Gone { conn: ConnId, at: End },
    /// A job of a server is done.
    Done { server: ServerId, run: u64, id: JobId, result: JobResult },
    /// A call of a server reaches the journal.
    JournalCall { caller: Caller, call: JournalCall },
    /// A read of the journal has waited long enough.
    ReadEnds { caller: Caller },
}

/// The job of a server that calls the journal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Caller {
    pub(super) server: ServerId,
    pub(super) run: u64,
    pub(super) id: JobId,
}

/// A connection between a user and one run of a server.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) user: UserId,
    pub(super) server: ServerId,
    pub(super) run: u64,
    pub(super) from: SocketAddr,
    state: State,
    /// When the last bytes or the end of the connection arrive, for each receiving end.
    last_arrival: [Mono; 2],
    /// What a partition delays, for each receiving end.
    delayed: [Option<VecDeque<Event>>; 2],
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    Working,
    /// Nothing gets through, and neither end learns of it.
    HalfOpen,
}

/// The minimum retransmission timeout of TCP on Linux (RFC 6298).
const MIN_RETRANSMISSION_TIMEOUT: Duration = Duration::from_millis(200);

/// The most consecutive losses of the same bytes. Longer outages are simulated by [`ConnectionFault`] and partitions.
const MAX_RETRANSMISSIONS: u32 = 6;

/// The one-way delays before the first byte of data: a round trip for TCP and one way for TLS.
const DELAYS_TO_CONNECT: u32 = 3;

/// The probability that bytes arrive in two parts.
const SPLIT_PROBABILITY: f64 = 0.2;

impl Medium {
    pub(super) fn new(profile: Profile, seed: u64) -> Self {
        Self {
            now: Mono::ZERO,
            network: Network::new(profile, seed),
            connections: BTreeMap::new(),
            future: BTreeMap::new(),
            // A random stream of its own, so that connections and datagrams do not influence each other.
            random: StdRng::seed_from_u64(seed ^ 0x7c9),
            count: 0,
        }
    }

    /// When the next event is due or the next datagram arrives.
    pub(super) fn deadline(&self) -> Option<Mono> {
        let future = self.future.first_key_value().map(|((at, _), _)| *at);
        future.into_iter().chain(self.network.deadline()).min()
    }

    /// Removes the next event that is due.
    pub(super) fn next(&mut self) -> Option<Event> {
        let first = self.future.first_entry().filter(|first| first.key().0 <= self.now)?;
        let event = first.remove();
        // A partition delays the event until it heals.
        if let Event::Bytes { conn, at, .. } | Event::Gone { conn, at } = &event
            && let Some(delayed) = self.connections.get_mut(conn).and_then(|conn| conn.delayed[*at as usize].as_mut())
        {
            delayed.push_back(event);
            return self.next();
        }
        Some(event)
    }

    /// Schedules an event after `delay`.
    pub(super) fn schedule(&mut self, delay: Duration, event: Event) {
        self.schedule_at(self.now + delay, event);
    }

    /// A random number between 0 and 1.
    pub(super) fn random(&mut self) -> f64 {
        self.random.random()
    }

    /// A unique number.
    pub(super) fn number(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    /// Starts to connect. The connection is usable once [`Event::Dialled`] has been handled.
    pub(super) fn dial(&mut self, user: UserId, from: SocketAddr, server: ServerId, partitioned: [bool; 2]) -> ConnId {
        let id = ConnId::new(self.number());
        let delayed = partitioned.map(|partitioned| partitioned.then(VecDeque::new));
        let (state, last_arrival) = (State::Working, [self.now; 2]);
        self.connections.insert(id, Connection { user, server, run: 0, from, state, last_arrival, delayed });
        let delay = self.delay() * DELAYS_TO_CONNECT;
        self.schedule(delay, Event::Dialled { conn: id });
        id
    }

    /// The connection, unless it is half-open or closed.
    pub(super) fn connection(&self, id: ConnId) -> Option<&Connection> {
        self.connections.get(&id).filter(|conn| conn.state == State::Working)
    }

    /// Whether a partition blocks a direction of the connection.
    pub(super) fn is_partitioned(&self, id: ConnId) -> bool {
        self.connections.get(&id).is_some_and(|conn| conn.delayed.iter().any(Option::is_some))
    }

    /// Records which run of the server accepted the connection.
    pub(super) fn set_run(&mut self, id: ConnId, run: u64) {
        if let Some(conn) = self.connections.get_mut(&id) {
            conn.run = run;
        }
    }

    /// Sends bytes to the end `to`.
    pub(super) fn write(&mut self, id: ConnId, to: End, bytes: &Bytes) {
        let at = if self.random.random_bool(SPLIT_PROBABILITY) { self.random.random_range(0..=bytes.len()) } else { 0 };
        for part in [bytes.slice(..at), bytes.slice(at..)].into_iter().filter(|part| !part.is_empty()) {
            self.schedule_in_order(id, to, Event::Bytes { conn: id, at: to, bytes: part });
        }
    }

    /// Closes the connection after all bytes written before. The end `to` learns of it.
    pub(super) fn close(&mut self, id: ConnId, to: End) {
        self.schedule_in_order(id, to, Event::Gone { conn: id, at: to });
    }

    /// Breaks a connection.
    pub(super) fn break_connection(&mut self, id: ConnId, fault: ConnectionFault) {
        let Some(conn) = self.connections.get_mut(&id) else { return };
        match fault {
            ConnectionFault::HalfOpen => conn.state = State::HalfOpen,
            ConnectionFault::Reset => {
                conn.delayed = [None, None];
                self.schedule(Duration::ZERO, Event::Gone { conn: id, at: End::User });
                self.schedule(Duration::ZERO, Event::Gone { conn: id, at: End::Server });
            }
        }
    }

    /// The connections that match a predicate.
    pub(super) fn connections_where(&self, predicate: impl Fn(&Connection) -> bool) -> Vec<ConnId> {
        self.connections.iter().filter(|(_, conn)| predicate(conn)).map(|(id, _)| *id).collect()
    }

    /// Blocks one direction of a connection.
    pub(super) fn partition(&mut self, id: ConnId, direction: Direction) {
        if let Some(conn) = self.connections.get_mut(&id) {
            conn.delayed[direction.end() as usize].get_or_insert_default();
        }
    }

    /// Ends a partition and delivers what it delayed.
    pub(super) fn heal(&mut self, id: ConnId) {
        let Some(conn) = self.connections.get_mut(&id) else { return };
        for (to, delayed) in [End::User, End::Server].into_iter().zip(std::mem::take(&mut conn.delayed)) {
            for event in delayed.into_iter().flatten() {
                self.schedule_in_order(id, to, event);
            }
        }
    }

    fn schedule_in_order(&mut self, id: ConnId, to: End, event: Event) {
        let arrives = self.now + self.delay();
        let Some(conn) = self.connections.get_mut(&id).filter(|conn| conn.state == State::Working) else { return };
        let at = arrives.max(conn.last_arrival[to as usize]);
        conn.last_arrival[to as usize] = at;
        self.schedule_at(at, event);
    }

    /// The delay of bytes: losses appear as retransmission timeouts.
    fn delay(&mut self) -> Duration {
        let profile = *self.network.profile();
        let mut delay = profile.latency + profile.jitter.mul_f64(self.random.random());
        let mut timeout = MIN_RETRANSMISSION_TIMEOUT.max(profile.latency * 3);
        for _ in 0..MAX_RETRANSMISSIONS {
            if !self.random.random_bool(profile.mean_loss()) {
                break;
            }
            delay += timeout;
            timeout *= 2;
        }
        delay
    }

    fn schedule_at(&mut self, at: Mono, event: Event) {
        let number = self.number();
        self.future.insert((at, number), event);
    }
}
