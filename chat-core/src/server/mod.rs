//! The presence server as a machine: who has logged in, who is here now, and what everybody is told of it.
//!
//! A driver owns the sockets, the accounts and the clocks. It tells the machine what happens by [`Input`]s, performs the
//! [`Output`]s in order, and sends [`Input::Tick`] when the [deadline](Server::deadline) has come. Any input may come at
//! any time; what makes no sense is answered or passed over, never fatal. Before a connection has logged in, it costs a
//! bounded amount of memory.
//!
//! # A session's life
//! It begins with a password, or with a ticket whose own session has ended (`Fresh`). When its connection breaks, nobody
//! is told: for the grace time it waits for a ticket to go on with (`Continued`), and only then it is lost. Who goes on is
//! sent what it missed meanwhile, if it says how far its roster is and that is shorter than the roster. It ends at
//! once when its user asks for that, when a newer log-in of the account replaces it, when the account changes, or when
//! the client does not read. What a run has ended never goes on in that run.
//!
//! # A restart
//! A stopping server tells no departures: its sessions wait in their tickets. The next run knows nobody. It has another
//! epoch, and that is how it recognises tickets from before: their sessions come back as they were, with their id, key
//! and beginning, unless a later session of the account is here. Every return is an `Online` change of the new roster
//! and a record, because that roster was empty. The clients make one story of it: they keep the entries that a fresh
//! copy lacks for as long as `settling_ms` says, find the returning sessions to be the ones they have, and tell people
//! only about the rest.

mod addresses;
mod clock;
mod config;
mod connection;
mod counts;
mod enter;
mod frames;
mod io;
mod jobs;
mod limit;
mod memory;
mod named;
mod online;
mod publish;
mod publish_interval;
mod registration;
mod resume;
mod roster_log;
mod sessions;
mod snapshots;
mod throttle;
mod tickets;
mod timer;
mod update_log;
mod watch;

#[cfg(test)]
mod tests;

pub use config::{RegistrationPolicy, ServerConfig, ThrottleConfig};
pub use counts::{Count, Counts};
pub use io::{Closed, Input, Job, JobResult, Missed, Output};
pub use limit::Limit;
pub use publish_interval::PublishInterval;
pub use tickets::TicketKey;

use std::net::SocketAddr;

use bytes::Bytes;

use crate::generator::Generator;
use crate::id::{ConnId, Epoch, JobId, Revision};
use crate::presence::{OfflineReason, Record};
use crate::roster::Roster;
use crate::time::{Mono, Now, Timestamp};
use crate::timers::Timers;
use crate::wire::control::{Ended, Reply, Request};
use crate::wire::frame;
use crate::wire::hello::Hello;
use crate::wire::rejection::Rejection;
use clock::StallClock;
use connection::{Connections, State};
use frames::encode;
use jobs::{Jobs, Pending};
use publish_interval::PublishSchedule;
use registration::Registrations;
use resume::LookUps;
use roster_log::RosterLog;
use sessions::Sessions;
use snapshots::Snapshots;
use throttle::Throttle;
use timer::Timer;
use watch::Seen;

/// The machine.
#[derive(Debug)]
pub struct Server {
    config: ServerConfig,
    ticket_key: TicketKey,
    phase: Phase,
    started: Mono,
    clock: StallClock,
    timers: Timers<Timer>,
    connections: Connections,
    sessions: Sessions,
    roster_log: RosterLog,
    snapshots: Snapshots,
    schedule: PublishSchedule,
    jobs: Jobs,
    look_ups: LookUps,
    throttle: Throttle,
    registrations: Registrations,
    /// When the accounts were last asked for changes and answered.
    polled: Timestamp,
    seen: Seen,
    counts: Counts,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Phase {
    Serving,
    Stopped,
}

impl Server {
    /// A server that begins now, with a new epoch from `generator`.
    pub fn new(
        now: Now,
        config: ServerConfig,
        ticket_key: TicketKey,
        mut generator: Box<dyn Generator>,
        out: &mut Vec<Output>,
    ) -> Self {
        let mut timers = Timers::default();
        timers.set(Timer::Poll, now.mono + config.poll_interval);
        timers.set(Timer::Seen, now.mono + config.seen_interval);
        out.push(Output::Record(Record::Started(now.wall)));
        Self {
            ticket_key,
            phase: Phase::Serving,
            started: now.mono,
            clock: StallClock::new(now.mono, config.stall),
            timers,
            connections: Connections::default(),
            sessions: Sessions::new(config.ticket_life),
            roster_log: RosterLog::new(Epoch::new(generator.number()), config.max_update_log),
            snapshots: Snapshots::default(),
            schedule: PublishSchedule::default(),
            jobs: Jobs::new(),
            look_ups: LookUps::default(),
            throttle: Throttle::new(config.throttle.clone()),
            registrations: Registrations::new(&config),
            polled: now.wall,
            seen: Seen::default(),
            counts: Counts::default(),
            config,
        }
    }

    /// Takes one input and appends what is to be done to `out`.
    pub fn handle(&mut self, now: Now, input: Input<'_>, out: &mut Vec<Output>) {
        if self.phase == Phase::Stopped {
            return;
        }
        let now = Now { mono: self.clock.read(now.mono, self.timers.next()), wall: now.wall };
        match input {
            Input::Connected { conn, from } => self.connected(now, conn, from, out),
            Input::Frame { conn, payload } => self.frame(now, conn, payload, out),
            Input::Closed { conn, why } => self.closed(now, conn, why, out),
            Input::Drained { conn, missed } => self.drained(conn, missed),
            Input::Done { job, result } => self.done(now, job, result, out),
            Input::Stop => return self.stop(now, out),
            Input::Tick => self.tick(now, out),
        }
        self.publish(now, out);
    }

    /// When to send [`Input::Tick`] if nothing happens before. None once the server was told to stop.
    pub fn deadline(&self) -> Option<Mono> {
        self.timers.next().map(|next| self.clock.driver(next))
    }

    /// Who is online, sessions in grace included.
    pub fn roster(&self) -> &Roster {
        self.roster_log.roster()
    }

    /// The number of the last change of the roster.
    pub fn revision(&self) -> Revision {
        self.roster_log.revision()
    }

    /// How many passwords are being checked, or wait for it.
    pub fn checks(&self) -> usize {
        self.jobs.checks()
    }

    /// Totals of logins and rejections since the machine began.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    fn connected(&mut self, now: Now, conn: ConnId, from: SocketAddr, out: &mut Vec<Output>) {
        if self.connections.get(conn).is_some() {
            return;
        }
        match self.connections.insert(conn, addresses::canonical(from), &self.config) {
            Ok(()) => self.timers.set(Timer::Login(conn), now.mono + self.config.login_time),
            Err(bound) => {
                self.counts.add(Rejection::Full);
                out.push(Output::LimitReached(bound));
                // The client reads our hello first, and then it can read why.
                send_hello(conn, out);
                send(conn, &Reply::Rejected(Rejection::Full), out);
                out.push(Output::Close { conn });
            }
        }
    }

    fn frame(&mut self, now: Now, conn: ConnId, payload: &[u8], out: &mut Vec<Output>) {
        let Some(connection) = self.connections.get_mut(conn) else { return };
        if !connection.take_frame(now.mono) {
            out.push(Output::LimitReached(Limit::Frames));
            return self.turn_away(now, conn, Rejection::TooManyRequests, out);
        }
        if matches!(connection.state, State::Greeting) {
            return self.greet(now, conn, payload, out);
        }
        let is_online = matches!(connection.state, State::Online(_));
        match Request::decode(payload) {
            Err(malformed) => self.turn_away(now, conn, malformed.into(), out),
            Ok(request) if is_online => self.online_request(now, conn, request, out),
            Ok(request) => self.guest_request(now, conn, request, out),
        }
    }

    fn greet(&mut self, now: Now, conn: ConnId, payload: &[u8], out: &mut Vec<Output>) {
        let Ok(theirs) = Hello::decode(payload) else {
            return self.turn_away(now, conn, Rejection::Malformed, out);
        };
        send_hello(conn, out);
        // Without a common version it is the client that says which side to update: it has seen both ranges now.
        if Hello::OURS.agree(theirs).is_err() {
            self.hang_up(now, conn, out);
        } else if let Some(connection) = self.connections.get_mut(conn) {
            connection.state = State::Guest;
        }
    }

    fn closed(&mut self, now: Now, conn: ConnId, why: Closed, out: &mut Vec<Output>) {
        match (why, self.connections.online(conn).map(|online| online.account)) {
            (Closed::TooSlow, Some(account)) => {
                self.forget(conn);
                self.end(now, account, OfflineReason::TooSlow, out);
            }
            _ => self.part(now, conn),
        }
    }

    fn done(&mut self, now: Now, job: JobId, result: JobResult, out: &mut Vec<Output>) {
        let Some(pending) = self.jobs.finish(job) else { return };
        match pending {
            Pending::Login { conn, attempt } => self.entered(now, conn, attempt, result.account(), out),
            Pending::ChangePassword { conn, account, attempt } => {
                self.password_changed(now, job, conn, account, attempt, result.account(), out);
            }
            Pending::LookUp { conns } => self.looked_up(now, conns, result.accounts(), out),
            Pending::Poll { at } => self.polled(now, at, result.accounts(), out),
            Pending::Seen => self.seen_told(out),
        }
    }

    fn stop(&mut self, now: Now, out: &mut Vec<Output>) {
        self.phase = Phase::Stopped;
        self.timers = Timers::default();
        self.roster_log.publish(out);
        let bytes = encode(&Reply::Ended(Ended::Stopping));
        for (conn, connection) in self.connections.drain() {
            if matches!(connection.state, State::Online(_)) {
                out.push(Output::Send { conn, bytes: bytes.clone() });
            }
            out.push(Output::Close { conn });
        }
        out.push(Output::Record(Record::Stopping(now.wall)));
    }

    fn tick(&mut self, now: Now, out: &mut Vec<Output>) {
        // Each timer at most about once, also if somebody configures an interval of zero.
        for _ in 0..self.timers.len() {
            let Some(timer) = self.timers.pop(now.mono) else { return };
            match timer {
                Timer::Login(conn) => self.turn_away(now, conn, Rejection::LoginTimeout, out),
                Timer::Silence(conn) => self.hang_up(now, conn, out),
                Timer::Renew(conn) => self.renew_ticket(now, conn, out),
                Timer::Refresh(conn) => self.snapshots.want(conn),
                Timer::Move(conn) => self.move_later(now, conn),
                Timer::Grace(account) => self.end(now, account, OfflineReason::Lost, out),
                Timer::Poll => self.poll(now, out),
                Timer::Seen => self.all_seen(now, out),
                // What it is for follows every input.
                Timer::Publish => {}
            }
        }
    }

    /// Says why and closes the connection; its session, if there is one, may be resumed.
    fn turn_away(&mut self, now: Now, conn: ConnId, why: Rejection, out: &mut Vec<Output>) {
        self.counts.add(why);
        send(conn, &Reply::Rejected(why), out);
        self.hang_up(now, conn, out);
    }

    /// Closes a connection; its session, if there is one, may be resumed.
    fn hang_up(&mut self, now: Now, conn: ConnId, out: &mut Vec<Output>) {
        out.push(Output::Close { conn });
        self.part(now, conn);
    }

    /// Says why and closes a connection whose session is over.
    fn dismiss(&mut self, conn: ConnId, why: Ended, out: &mut Vec<Output>) {
        send(conn, &Reply::Ended(why), out);
        out.push(Output::Close { conn });
        self.forget(conn);
    }

    /// Forgets a connection; the grace time of its session begins.
    fn part(&mut self, now: Now, conn: ConnId) {
        if let Some(account) = self.connections.online(conn).map(|online| online.account)
            && let Some(session) = self.sessions.get_mut(account)
        {
            session.conn = None;
            self.timers.set(Timer::Grace(account), now.mono + self.config.grace);
        }
        self.forget(conn);
    }

    /// Forgets a connection and its timers.
    fn forget(&mut self, conn: ConnId) {
        self.connections.remove(conn);
        self.look_ups.forget(conn);
        self.snapshots.remove(conn);
        for timer in [Timer::Login, Timer::Silence, Timer::Renew, Timer::Refresh, Timer::Move] {
            self.timers.cancel(timer(conn));
        }
    }
}

fn send(conn: ConnId, reply: &Reply, out: &mut Vec<Output>) {
    out.push(Output::Send { conn, bytes: encode(reply) });
}

fn send_hello(conn: ConnId, out: &mut Vec<Output>) {
    let mut bytes = Vec::new();
    frame::encode_raw(&Hello::OURS.encode(), &mut bytes);
    out.push(Output::Send { conn, bytes: Bytes::from(bytes) });
}
