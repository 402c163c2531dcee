//! What goes wrong in a world, one method for each misfortune.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::medium::{End, Event};
use super::{ServerId, UserId, World};
use crate::client;
use crate::server::Input;
use crate::sim::{Clock, SimDatagram};
use crate::time::Mono;

/// How a program ends without a word.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Crash {
    /// It was killed: the system closes its connections.
    Process,
    /// Its computer lost power: nobody closes anything.
    Power,
}

/// How a connection breaks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ConnectionFault {
    /// Both ends are told.
    Reset,
    /// Neither end is told, and nothing gets through any more.
    HalfOpen,
}

/// One way between a user and the server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Direction {
    /// What the user sends.
    ToServer,
    /// What the user is sent.
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

/// How a computer finds out that it has another address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AddressChange {
    /// By itself: its connections end at once.
    Detected,
    /// Not at all: its connections fall silent.
    Undetected,
}

/// Why a user's program does not run for a while.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Suspension {
    /// The program was stopped: its clock goes on, and what arrives waits in the system.
    Process,
    /// The computer sleeps: its monotonic clock stands still, and datagrams are lost.
    Machine,
}

/// What waits for a user who sleeps.
#[derive(Debug)]
pub(super) struct Sleeping {
    kind: Suspension,
    since: Mono,
    flights: Vec<SimDatagram>,
    pub(super) events: Vec<Event>,
}

/// How many datagrams a socket holds for a program that does not read: 208 KiB, the usual buffer, at what the system
/// counts for a small one.
const SOCKET_BUFFER: usize = 212_992 / 768;

impl Sleeping {
    pub(super) fn keep(&mut self, flights: Vec<SimDatagram>) {
        if self.kind == Suspension::Process {
            self.flights.extend(flights);
            self.flights.truncate(SOCKET_BUFFER);
        }
    }
}

impl World {
    /// Ends a user's program without a word.
    pub fn kill(&mut self, user: UserId, death: Crash) {
        self.sleeping.remove(&user);
        if let Some(line) = self.users[user.0].line {
            match death {
                Crash::Process => self.medium.close(line, End::Server),
                Crash::Power => self.medium.break_line(line, ConnectionFault::HalfOpen),
            }
        }
        self.with(user, |desk, at| desk.end(at));
    }

    /// Breaks a user's connection to the server, if there is one.
    pub fn break_connection(&mut self, user: UserId, how: ConnectionFault) {
        if let Some(line) = self.users[user.0].line {
            self.medium.break_line(line, how);
        }
    }

    /// Holds back what goes one way between a user and the server, also over later connections.
    pub fn partition(&mut self, user: UserId, way: Direction) {
        self.users[user.0].held[way.end() as usize] = true;
        if let Some(line) = self.users[user.0].line {
            self.medium.hold(line, way);
        }
    }

    /// Ends the partition between a user and the server.
    pub fn heal(&mut self, user: UserId) {
        self.users[user.0].held = [false; 2];
        for line in self.medium.lines_of(|line| line.user == user) {
            self.medium.let_go(line);
        }
    }

    /// Gives a user's computer another IP address.
    pub fn roam(&mut self, user: UserId, to: IpAddr, noticed: AddressChange) {
        let desk = &mut self.users[user.0];
        self.by_address.remove(&desk.address);
        desk.address = SocketAddr::new(to, desk.address.port());
        self.by_address.insert(desk.address, user);
        let Some(line) = desk.line else { return };
        // The server learns nothing from an address that is gone.
        self.medium.break_line(line, ConnectionFault::HalfOpen);
        self.with(user, |desk, at| {
            if noticed == AddressChange::Detected {
                let offer = desk.offer();
                desk.lost(at);
                desk.feed_client(client::Input::Move(offer), at);
            }
        });
    }

    /// Lets a user's program stand still.
    pub fn suspend(&mut self, user: UserId, kind: Suspension) {
        let since = self.now();
        let sleeping = Sleeping { kind, since, flights: Vec::new(), events: Vec::new() };
        self.sleeping.entry(user).or_insert(sleeping);
    }

    /// Lets a user's program go on. Its driver finds the time first and then what waits, as an unlucky one does.
    pub fn wake(&mut self, user: UserId) {
        let Some(Sleeping { kind, since, mut flights, events }) = self.sleeping.remove(&user) else { return };
        let now = self.now();
        if kind == Suspension::Machine {
            self.users[user.0].clock.wake(since, now);
        }
        self.with(user, |desk, at| {
            desk.tick(at);
            desk.receive(&mut flights, at);
        });
        events.into_iter().for_each(|event| self.medium.later(Duration::ZERO, event));
    }

    /// The clock of a user's computer, to be set wrong.
    pub fn clock(&mut self, user: UserId) -> &mut Clock {
        &mut self.users[user.0].clock
    }

    /// The clock of a server's computer, to be set wrong.
    pub fn server_clock(&mut self, server: ServerId) -> &mut Clock {
        &mut self.servers[server.0].clock
    }

    /// Ends a server without a word. A computer without power comes back knowing nothing of its connections.
    pub fn kill_server(&mut self, server: ServerId, death: Crash) {
        self.servers[server.0].end(death);
        let run = self.servers[server.0].run;
        if death == Crash::Process {
            for line in self.medium.lines_of(|line| line.server == server && line.run == run) {
                self.medium.close(line, End::User);
            }
        }
    }

    /// Asks a server to stop, as an operator does.
    pub fn stop_server(&mut self, server: ServerId) {
        self.servers[server.0].feed(Input::Stop, self.config.job_time, &mut self.medium);
        self.kill_server(server, Crash::Process);
    }

    /// Starts a server that does not run, with the accounts and the ticket key that it had.
    pub fn start_server(&mut self, server: ServerId) {
        let seed = self.next_seed();
        self.servers[server.0].start(&self.config, seed, &mut self.medium);
    }
}
