//! Faults of a world, with one method for each.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::medium::{End, Event};
use super::{ServerId, UserId, World};
use crate::client;
use crate::peer;
use crate::server::{Input, Server};
use crate::sim::{Clock, SimDatagram};
use crate::time::Mono;

/// How a process ends without leaving.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Crash {
    /// The process was killed. The system closes its connections.
    Process,
    /// The computer lost power. Its connections stay half-open.
    Power,
}

/// How a connection breaks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ConnectionFault {
    /// Both ends learn of it.
    Reset,
    /// Neither end learns of it, and no more data gets through.
    HalfOpen,
}

/// A direction between a user and the server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Direction {
    /// From the user to the server.
    ToServer,
    /// From the server to the user.
    FromServer,
}

impl Direction {
    pub(super) const fn end(self) -> End {
        match self {
            Self::ToServer => End::Server,
            Self::FromServer => End::User,
        }
    }
}

/// Whether a computer notices that it has another address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum AddressChange {
    /// It notices immediately, and its connections end.
    Detected,
    /// It does not notice, and its connections become silent.
    Undetected,
}

/// What is suspended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Suspension {
    /// The process. Its clocks go on, and received data waits in the system.
    Process,
    /// The computer. Its monotonic clock stops, and datagrams are lost.
    Machine,
}

/// What waits for a suspended user.
#[derive(Debug)]
pub(super) struct Suspended {
    kind: Suspension,
    since: Mono,
    datagrams: Vec<SimDatagram>,
    pub(super) events: Vec<Event>,
}

/// The most datagrams that wait in a socket: the usual buffer of 208 KiB, divided by what the system charges for a small
/// datagram.
const SOCKET_BUFFER: usize = 212_992 / 768;

impl Suspended {
    pub(super) fn keep(&mut self, datagrams: Vec<SimDatagram>) {
        if self.kind == Suspension::Process {
            self.datagrams.extend(datagrams);
            self.datagrams.truncate(SOCKET_BUFFER);
        }
    }
}

impl World {
    /// Crashes a user's process.
    pub fn kill(&mut self, user: UserId, crash: Crash) {
        self.suspended.remove(&user);
        if let Some(conn) = self.users[user.0].conn {
            match crash {
                Crash::Process => self.medium.close(conn, End::Server),
                Crash::Power => self.medium.break_connection(conn, ConnectionFault::HalfOpen),
            }
        }
        self.with(user, |node, cx| node.end(cx));
    }

    /// Breaks the user's connection to the server, if there is one.
    pub fn break_connection(&mut self, user: UserId, fault: ConnectionFault) {
        if let Some(conn) = self.users[user.0].conn {
            self.medium.break_connection(conn, fault);
        }
    }

    /// Blocks one direction between a user and the server, on this connection and later ones, until [`World::heal`].
    pub fn partition(&mut self, user: UserId, direction: Direction) {
        self.users[user.0].partitioned[direction.end() as usize] = true;
        if let Some(conn) = self.users[user.0].conn {
            self.medium.partition(conn, direction);
        }
    }

    /// Ends the partition between a user and the server. Delayed data then arrives.
    pub fn heal(&mut self, user: UserId) {
        self.users[user.0].partitioned = [false; 2];
        for conn in self.medium.connections_where(|conn| conn.user == user) {
            self.medium.heal(conn);
        }
    }

    /// Gives a user's computer another IP address.
    pub fn roam(&mut self, user: UserId, to: IpAddr, change: AddressChange) {
        let node = &mut self.users[user.0];
        self.by_address.remove(&node.address);
        node.address = SocketAddr::new(to, node.address.port());
        self.by_address.insert(node.address, user);
        let Some(conn) = node.conn else { return };
        // Data from the old address no longer reaches the server.
        self.medium.break_connection(conn, ConnectionFault::HalfOpen);
        self.with(user, |node, cx| {
            if change == AddressChange::Detected {
                let offer = node.offer();
                node.lost(cx);
                node.feed_client(client::Input::Move(offer), cx);
                node.feed_peer(peer::Input::Moved, cx);
            }
        });
    }

    /// Suspends a user's process or computer.
    pub fn suspend(&mut self, user: UserId, kind: Suspension) {
        let since = self.now();
        let suspended = Suspended { kind, since, datagrams: Vec::new(), events: Vec::new() };
        self.suspended.entry(user).or_insert(suspended);
    }

    /// Resumes a suspended user. Its driver handles the deadlines that have passed before the data that waits: the worse
    /// of the two possible orders.
    pub fn wake(&mut self, user: UserId) {
        let Some(Suspended { kind, since, mut datagrams, events }) = self.suspended.remove(&user) else { return };
        let now = self.now();
        if kind == Suspension::Machine {
            self.users[user.0].clock.wake(since, now);
        }
        self.with(user, |node, cx| {
            node.tick(cx);
            node.receive(&mut datagrams, cx);
        });
        events.into_iter().for_each(|event| self.medium.schedule(Duration::ZERO, event));
    }

    /// The clock of a user's computer, for tests to manipulate.
    pub fn clock(&mut self, user: UserId) -> &mut Clock {
        &mut self.users[user.0].clock
    }

    /// The clock of a server's computer, for tests to manipulate.
    pub fn server_clock(&mut self, server: ServerId) -> &mut Clock {
        &mut self.servers[server.0].clock
    }

    /// Crashes a server.
    pub fn kill_server(&mut self, server: ServerId, crash: Crash) {
        self.asleep.remove(&server);
        self.servers[server.0].end(crash);
        let run = self.servers[server.0].run;
        if crash == Crash::Process {
            for conn in self.medium.connections_where(|conn| conn.server == server && conn.run == run) {
                self.medium.close(conn, End::User);
            }
        }
    }

    /// Shuts a server down in an orderly way, and advances the simulation until it has stopped.
    ///
    /// # Panics
    /// If that takes longer than the server's time limit.
    pub fn stop_server(&mut self, server: ServerId) {
        self.servers[server.0].feed(Input::Stop, self.config.job_time, &mut self.medium);
        let limit = self.config.server.finish_time;
        let is_stopped = |world: &Self| world.servers[server.0].machine().is_none_or(Server::is_stopped);
        assert!(self.run_until(limit, is_stopped), "the server has not stopped after {limit:?}");
        self.kill_server(server, Crash::Process);
    }

    /// Starts a stopped server again, with its previous accounts and ticket key.
    pub fn start_server(&mut self, server: ServerId) {
        let seed = self.next_seed();
        self.servers[server.0].start(&self.config, seed, &mut self.medium);
    }
}
