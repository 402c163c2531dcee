//! What lies between the machines: connections that keep bytes whole and in order, and everything that is due later.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::{ConnectionFault, Direction, ServerId, UserId};
use crate::id::JobId;
use crate::server::Job;
use crate::sim::{Network, Profile};
use crate::time::Mono;

/// The network, all connections, and the future.
#[derive(Debug)]
pub(super) struct Medium {
    pub(super) now: Mono,
    pub(super) network: Network,
    lines: BTreeMap<LineId, Line>,
    future: BTreeMap<(Mono, u64), Event>,
    random: StdRng,
    count: u64,
}

/// A connection; the server knows it by the same number.
pub(super) type LineId = u64;

/// One end of a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum End {
    User,
    Server,
}

/// What happens later.
#[derive(Debug)]
pub(super) enum Event {
    /// A connection attempt reaches its server.
    Dialled { line: LineId },
    /// Bytes reach an end.
    Bytes { line: LineId, at: End, bytes: Bytes },
    /// An end learns that the connection is gone.
    Gone { line: LineId, at: End },
    /// Something that a server asked of its accounts is done.
    Done { server: ServerId, run: u64, id: JobId, job: Job },
}

/// A connection between a user and one run of a server.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) user: UserId,
    pub(super) server: ServerId,
    pub(super) run: u64,
    pub(super) from: SocketAddr,
    state: State,
    /// When what was sent last arrives, by the end at which it does.
    last: [Mono; 2],
    /// What waits for the end of a partition, by the end at which it arrives.
    stuck: [Option<VecDeque<Event>>; 2],
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    Sound,
    /// Nothing gets through any more, and nobody is told.
    Dead,
}

/// What TCP waits at least before it sends again (RFC 6298, as Linux does it).
const LEAST_RETRANSMISSION: Duration = Duration::from_millis(200);

/// How often in a row TCP loses the same bytes at most; more is what `ConnectionFault` and partitions are for.
const MOST_RETRANSMISSIONS: u32 = 6;

/// A packet there and back for TCP and one for TLS before anything can be said: three ways.
const WAYS_TO_CONNECT: u32 = 3;

/// How often bytes arrive in two parts.
const SPLIT: f64 = 0.2;

impl Medium {
    pub(super) fn new(profile: Profile, seed: u64) -> Self {
        Self {
            now: Mono::ZERO,
            network: Network::new(profile, seed),
            lines: BTreeMap::new(),
            future: BTreeMap::new(),
            // Another stream of numbers than that of the network, so that one does not disturb the other.
            random: StdRng::seed_from_u64(seed ^ 0x7c9),
            count: 0,
        }
    }

    /// When something is due.
    pub(super) fn deadline(&self) -> Option<Mono> {
        let future = self.future.first_key_value().map(|((at, _), _)| *at);
        future.into_iter().chain(self.network.deadline()).min()
    }

    /// The next event that is due.
    pub(super) fn next(&mut self) -> Option<Event> {
        let first = self.future.first_entry().filter(|first| first.key().0 <= self.now)?;
        let event = first.remove();
        // What a partition holds back comes when it ends.
        if let Event::Bytes { line, at, .. } | Event::Gone { line, at } = &event
            && let Some(stuck) = self.lines.get_mut(line).and_then(|line| line.stuck[*at as usize].as_mut())
        {
            stuck.push_back(event);
            return self.next();
        }
        Some(event)
    }

    /// Lets something happen after `delay`.
    pub(super) fn later(&mut self, delay: Duration, event: Event) {
        self.at(self.now + delay, event);
    }

    /// A number between 0 and 1.
    pub(super) fn random(&mut self) -> f64 {
        self.random.random()
    }

    /// A number for something that happens only once.
    pub(super) fn number(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    /// Begins to connect; the line is there at once, and is of use when it was dialled.
    pub(super) fn dial(&mut self, user: UserId, from: SocketAddr, server: ServerId, held: [bool; 2]) -> LineId {
        let id = self.number();
        let stuck = held.map(|held| held.then(VecDeque::new));
        let line = Line { user, server, run: 0, from, state: State::Sound, last: [self.now; 2], stuck };
        self.lines.insert(id, line);
        let delay = self.delay() * WAYS_TO_CONNECT;
        self.later(delay, Event::Dialled { line: id });
        id
    }

    /// A line that carries something.
    pub(super) fn line(&self, id: LineId) -> Option<&Line> {
        self.lines.get(&id).filter(|line| line.state == State::Sound)
    }

    /// Whether a partition holds back what would arrive at one of the ends.
    pub(super) fn is_held(&self, id: LineId) -> bool {
        self.lines.get(&id).is_some_and(|line| line.stuck.iter().any(Option::is_some))
    }

    /// Notes which run of the server answered.
    pub(super) fn answered(&mut self, id: LineId, run: u64) {
        if let Some(line) = self.lines.get_mut(&id) {
            line.run = run;
        }
    }

    /// Sends bytes to the end `to`.
    pub(super) fn write(&mut self, id: LineId, to: End, bytes: &Bytes) {
        let at = if self.random.random_bool(SPLIT) { self.random.random_range(0..=bytes.len()) } else { 0 };
        for part in [bytes.slice(..at), bytes.slice(at..)].into_iter().filter(|part| !part.is_empty()) {
            self.in_order(id, to, Event::Bytes { line: id, at: to, bytes: part });
        }
    }

    /// Closes one's own end after what was written; the end `to` learns of it.
    pub(super) fn close(&mut self, id: LineId, to: End) {
        self.in_order(id, to, Event::Gone { line: id, at: to });
    }

    /// Breaks a line.
    pub(super) fn break_line(&mut self, id: LineId, how: ConnectionFault) {
        let Some(line) = self.lines.get_mut(&id) else { return };
        match how {
            ConnectionFault::HalfOpen => line.state = State::Dead,
            ConnectionFault::Reset => {
                line.stuck = [None, None];
                self.later(Duration::ZERO, Event::Gone { line: id, at: End::User });
                self.later(Duration::ZERO, Event::Gone { line: id, at: End::Server });
            }
        }
    }

    /// Every line of a user or a server.
    pub(super) fn lines_of(&self, is_meant: impl Fn(&Line) -> bool) -> Vec<LineId> {
        self.lines.iter().filter(|(_, line)| is_meant(line)).map(|(id, _)| *id).collect()
    }

    /// Holds back what goes one way.
    pub(super) fn hold(&mut self, id: LineId, way: Direction) {
        if let Some(line) = self.lines.get_mut(&id) {
            line.stuck[way.end() as usize].get_or_insert_default();
        }
    }

    /// Lets go what was held back.
    pub(super) fn let_go(&mut self, id: LineId) {
        let Some(line) = self.lines.get_mut(&id) else { return };
        for (to, stuck) in [End::User, End::Server].into_iter().zip(std::mem::take(&mut line.stuck)) {
            for event in stuck.into_iter().flatten() {
                self.in_order(id, to, event);
            }
        }
    }

    fn in_order(&mut self, id: LineId, to: End, event: Event) {
        let arrives = self.now + self.delay();
        let Some(line) = self.lines.get_mut(&id).filter(|line| line.state == State::Sound) else { return };
        let at = arrives.max(line.last[to as usize]);
        line.last[to as usize] = at;
        self.at(at, event);
    }

    /// How long bytes take: what would be lost comes late.
    fn delay(&mut self) -> Duration {
        let profile = *self.network.profile();
        let mut delay = profile.latency + profile.jitter.mul_f64(self.random.random());
        let mut pause = LEAST_RETRANSMISSION.max(profile.latency * 3);
        for _ in 0..MOST_RETRANSMISSIONS {
            if !self.random.random_bool(profile.mean_loss()) {
                break;
            }
            delay += pause;
            pause *= 2;
        }
        delay
    }

    fn at(&mut self, at: Mono, event: Event) {
        let number = self.number();
        self.future.insert((at, number), event);
    }
}
