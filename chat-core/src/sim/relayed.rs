//! A simulated server that relays for the members of a group: the real relay machine behind lines with a rate and a buffer.
//!
//! The lines deliver in order and lose nothing, as TCP does. A hostile server does to each datagram what a network can do.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::{Network, Profile};
use crate::id::SessionId;
use crate::relay::{Relay, RelayConfig, RelayCounts};
use crate::time::Mono;
use crate::wire::relay::{DatagramFrame, Datagrams, Parcel, RelayTerms};

/// A server that relays. Exhaustive, as [`Profile`] is.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "tests write literals")]
pub struct RelayLine {
    /// The limits of the relay.
    pub config: RelayConfig,
    /// The delay between a member and the server, one way.
    pub latency: Duration,
    /// The bytes per second that the line of a member carries in each direction. None means unlimited.
    pub rate: Option<u32>,
    /// What a hostile server does to the datagrams that it relays. None means that it is honest.
    pub hostile: Option<Profile>,
}

impl RelayLine {
    /// An honest server behind fast lines.
    pub fn fast() -> Self {
        Self { config: RelayConfig::default(), latency: Duration::from_millis(1), rate: None, hostile: None }
    }
}

/// The server, its lines, and what is on them.
#[derive(Debug)]
pub(super) struct RelayServer {
    line: RelayLine,
    relay: Relay<()>,
    members: Vec<Member>,
    by_session: BTreeMap<SessionId, usize>,
    future: BTreeMap<(Mono, u64), Event>,
    events: u64,
    hostile: Option<Network>,
}

#[derive(Debug)]
struct Member {
    session: SessionId,
    is_connected: bool,
    /// When all that was written to the line so far has passed, up and down.
    up_free_at: Mono,
    down_free_at: Mono,
    /// Whether the server writes to the member, or will.
    drains: bool,
    /// Whether the member waits for its line.
    waits: bool,
}

#[derive(Debug)]
enum Event {
    /// A parcel reaches the server.
    Parcel { from: usize, to: SessionId, datagram: Vec<u8> },
    /// The line to a member can take more.
    Drain { to: usize },
    /// A datagram reaches a member.
    Datagram { to: usize, datagram: Vec<u8> },
    /// The line of a member can take more.
    Writable { member: usize },
}

/// What happens to a member.
#[derive(Debug)]
pub(super) enum Arrival {
    Datagram { to: usize, datagram: Vec<u8> },
    Writable { member: usize },
}

/// What the line of a member holds before it takes no more.
const UP_BUFFER: usize = 16 * 1024;

/// What the server writes at once.
const DRAIN: usize = 16 * 1024;

impl RelayServer {
    pub(super) fn new(line: RelayLine, sessions: Vec<SessionId>, seed: u64) -> Self {
        let by_session = sessions.iter().enumerate().map(|(index, session)| (*session, index)).collect();
        let mut relay = Relay::new(line.config);
        sessions.iter().for_each(|session| relay.admit(*session, ()));
        let member = |session| Member {
            session,
            is_connected: true,
            up_free_at: Mono::ZERO,
            down_free_at: Mono::ZERO,
            drains: false,
            waits: false,
        };
        Self {
            line,
            relay,
            members: sessions.into_iter().map(member).collect(),
            by_session,
            future: BTreeMap::new(),
            events: 0,
            hostile: line.hostile.map(|profile| Network::new(profile, seed ^ 0x4e1a)),
        }
    }

    pub(super) fn terms(&self) -> RelayTerms {
        self.line.config.terms()
    }

    pub(super) fn counts(&self) -> RelayCounts {
        self.relay.counts()
    }

    /// Opens or breaks the connection of a member. What was on its way is lost.
    pub(super) fn connect(&mut self, now: Mono, index: usize, is_connected: bool) {
        let member = &mut self.members[index];
        member.is_connected = is_connected;
        (member.up_free_at, member.down_free_at, member.drains, member.waits) = (now, now, false, false);
        if is_connected {
            self.relay.admit(member.session, ());
        } else {
            self.relay.gone(member.session, &());
        }
        self.future.retain(|_, event| match event {
            Event::Parcel { from: of, .. }
            | Event::Drain { to: of }
            | Event::Datagram { to: of, .. }
            | Event::Writable { member: of } => *of != index,
        });
    }

    /// Whether the line of a member takes another parcel now. If not, [`Arrival::Writable`] follows.
    pub(super) fn is_writable(&mut self, now: Mono, index: usize) -> bool {
        let full = self.duration(UP_BUFFER);
        let member = &mut self.members[index];
        let is_writable = member.up_free_at.since(now) <= full;
        if !is_writable && !member.waits {
            member.waits = true;
            let at = member.up_free_at;
            self.schedule(at, Event::Writable { member: index });
        }
        is_writable
    }

    /// Takes a parcel from a member.
    pub(super) fn send(&mut self, now: Mono, from: usize, to: SessionId, datagram: &[u8]) {
        let time = self.duration(Parcel::HEADER + datagram.len());
        let member = &mut self.members[from];
        if !member.is_connected {
            return;
        }
        member.up_free_at = member.up_free_at.max(now) + time;
        let at = member.up_free_at + self.line.latency;
        self.schedule(at, Event::Parcel { from, to, datagram: datagram.to_vec() });
    }

    pub(super) fn deadline(&self) -> Option<Mono> {
        let next = self.future.first_key_value().map(|((at, _), _)| *at);
        next.into_iter().chain(self.hostile.as_ref().and_then(Network::deadline)).chain(self.relay.deadline()).min()
    }

    /// Returns the next thing that happens to a member by `now`.
    pub(super) fn next(&mut self, now: Mono) -> Option<Arrival> {
        self.relay.tick(now);
        if let Some(arrived) = self.hostile.as_mut().and_then(|hostile| hostile.receive(now)) {
            return Some(Arrival::Datagram { to: arrived.to.port().into(), datagram: arrived.bytes });
        }
        while let Some(first) = self.future.first_entry().filter(|first| first.key().0 <= now) {
            match first.remove() {
                Event::Datagram { to, datagram } => return Some(Arrival::Datagram { to, datagram }),
                Event::Writable { member } => {
                    self.members[member].waits = false;
                    return Some(Arrival::Writable { member });
                }
                Event::Parcel { from, to, datagram } => self.relay_one(now, from, to, &datagram),
                Event::Drain { to } => self.drain(now, to),
            }
        }
        None
    }

    fn relay_one(&mut self, now: Mono, from: usize, to: SessionId, datagram: &[u8]) {
        let mut ready = Vec::new();
        self.relay.receive(now, self.members[from].session, [Parcel { to, datagram }], &mut ready);
        for session in ready {
            let to = self.by_session[&session];
            let member = &mut self.members[to];
            if !std::mem::replace(&mut member.drains, true) {
                let at = member.down_free_at.max(now);
                self.schedule(at, Event::Drain { to });
            }
        }
    }

    fn drain(&mut self, now: Mono, to: usize) {
        let mut frame = DatagramFrame::new();
        let more = self.relay.drain(now, self.members[to].session, DRAIN, &mut frame);
        self.members[to].drains = more;
        let Some(bytes) = frame.take() else { return };
        self.members[to].down_free_at = now + self.duration(bytes.len());
        let free_at = self.members[to].down_free_at;
        let mut payload = bytes[4..].to_vec();
        let datagrams: Vec<Vec<u8>> =
            Datagrams::split_mut(&mut payload).into_iter().flatten().map(|datagram| datagram.to_vec()).collect();
        for datagram in datagrams {
            match &mut self.hostile {
                Some(hostile) => hostile.send(now, port(0), port(to), &datagram),
                None => self.schedule(free_at + self.line.latency, Event::Datagram { to, datagram }),
            }
        }
        if more {
            self.schedule(free_at, Event::Drain { to });
        }
    }

    /// The time in which the line carries this many bytes.
    fn duration(&self, bytes: usize) -> Duration {
        let rate = self.line.rate.map_or(f64::INFINITY, |rate| f64::from(rate.max(1)));
        Duration::from_secs_f64(bytes as f64 / rate)
    }

    fn schedule(&mut self, at: Mono, event: Event) {
        self.events += 1;
        self.future.insert((at, self.events), event);
    }
}

/// The address that stands for a member in the network of a hostile server.
fn port(index: usize) -> SocketAddr {
    SocketAddr::from(([10, 255, 255, 255], u16::try_from(index).unwrap_or(u16::MAX)))
}
