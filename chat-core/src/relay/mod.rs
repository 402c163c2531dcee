//! The relay of last resort as a machine: it passes sealed datagrams on between sessions that have no other way.
//!
//! It holds no keys and opens nothing. A driver tells it which sessions are online ([`admit`](Relay::admit),
//! [`gone`](Relay::gone)), gives it their parcels ([`receive`](Relay::receive)), and takes what waits for a session when
//! that session's connection can write ([`drain`](Relay::drain)). It never waits and never answers: what it drops is
//! lost, as on any other network, and the links of both ends recover.
//!
//! # What bounds it
//!
//! | bound | what exceeds it |
//! | --- | --- |
//! | the [rate](RelayConfig::rate) of a sender, times 5/4 | The parcel is dropped. A client that keeps to its terms never reaches this. |
//! | the [rate in all](RelayConfig::total) | The parcel is dropped. |
//! | the [lane](RelayConfig::lane) of a recipient | The sender that has most in this lane loses the oldest of it. |
//! | the [memory](RelayConfig::memory) in all | The longest lane loses, in the same way. |
//!
//! A member can therefore spend the own rate, and displace only what waits of those who send more to the same recipient.
//! Of one sender, datagrams of at most [`SMALL`] bytes are dropped last: they are acks and pings, on which the links'
//! estimates depend. The senders of a lane take turns.

mod bucket;
mod config;
mod counts;
mod lane;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use self::bucket::Bucket;
pub use self::config::{RelayConfig, RelaySettingError};
pub use self::counts::{ParcelResult, RelayCounts};
use self::lane::Lane;
pub use self::lane::SMALL;
use crate::id::SessionId;
use crate::time::Mono;
use crate::wire::datagram::{HEADER, MAX_DATAGRAM, TAG, VERSION};
pub use crate::wire::relay::RelayTerms;
use crate::wire::relay::{DatagramFrame, Parcel};

/// A session counts as relayed for this time after it sent or received a datagram that was passed on.
pub const RELAYED_TIME: Duration = Duration::from_mins(1);

/// The relay machine. `C` is what the driver writes a session's datagrams to: a handle of its connection.
#[derive(Debug)]
pub struct Relay<C> {
    config: RelayConfig,
    sender: Bucket,
    total: Bucket,
    /// The virtual time of all that was passed on.
    total_used: Mono,
    /// The connections of the sessions that are online.
    connections: BTreeMap<SessionId, C>,
    /// The sessions for which there is more to know. Most sessions never relay and cost nothing here.
    relaying: BTreeMap<SessionId, Relaying>,
    /// The lanes that are not empty, by what they cost.
    lanes: BTreeSet<(usize, SessionId)>,
    /// What all lanes cost together.
    waiting: usize,
    counts: RelayCounts,
    next_sweep: Option<Mono>,
}

/// A session that sent parcels or has a lane. It is forgotten when it has not relayed for [`RELAYED_TIME`] and may send a
/// whole burst again, even if it has gone before: otherwise it would have a new burst as soon as it returned.
#[derive(Debug, Default)]
struct Relaying {
    /// The virtual time of what the session sent.
    used: Mono,
    /// When it last sent or received a datagram that was passed on.
    relayed: Option<Mono>,
    lane: Lane,
}

impl<C: PartialEq> Relay<C> {
    /// A relay without sessions.
    pub fn new(config: RelayConfig) -> Self {
        Self {
            sender: Bucket::policing(config.rate, config.burst),
            total: Bucket::new(config.total, config.total),
            total_used: Mono::ZERO,
            connections: BTreeMap::new(),
            relaying: BTreeMap::new(),
            lanes: BTreeSet::new(),
            waiting: 0,
            counts: RelayCounts::default(),
            next_sweep: None,
            config,
        }
    }

    /// A session is online with this connection, which replaces an earlier one. What waits for it goes there, and what it
    /// sent before still counts.
    pub fn admit(&mut self, session: SessionId, connection: C) {
        self.connections.insert(session, connection);
    }

    /// A connection has ended. Nothing happens if its session has another one already.
    pub fn gone(&mut self, session: SessionId, connection: &C) {
        if self.connections.get(&session) != Some(connection) {
            return;
        }
        self.connections.remove(&session);
        if let Some(gone) = self.relaying.get_mut(&session) {
            let lane = std::mem::take(&mut gone.lane);
            self.counts.add(ParcelResult::NoSession, lane.len());
            self.waiting -= lane.cost();
            self.lanes.remove(&(lane.cost(), session));
        }
    }

    /// Takes parcels of a session, and appends to `ready` the sessions for which nothing waited before: their connections
    /// have something to [drain](Self::drain) now.
    pub fn receive<'a>(
        &mut self,
        now: Mono,
        from: SessionId,
        parcels: impl IntoIterator<Item = Parcel<'a>>,
        ready: &mut Vec<SessionId>,
    ) {
        for parcel in parcels {
            self.counts.received_bytes += to_u64(parcel.len());
            if let Err(dropped) = self.receive_one(now, from, parcel, ready) {
                self.counts.add(dropped, 1);
            }
        }
    }

    /// Counts parcels that the driver dropped before the machine saw them, because too many frames waited for it.
    pub fn overloaded(&mut self, parcels: usize) {
        self.counts.add(ParcelResult::Overload, parcels);
    }

    /// Moves datagrams that wait for a session into `frame`, until that has at least `bytes`. Returns whether more wait.
    pub fn drain(&mut self, now: Mono, session: SessionId, bytes: usize, frame: &mut DatagramFrame) -> bool {
        let Some(of) = self.relaying.get_mut(&session) else { return false };
        let before = of.lane.cost();
        let mut passed = 0;
        while frame.content_len() < bytes
            && let Some(datagram) = of.lane.pop()
        {
            // The frame has room, because `bytes` is far below its limit.
            if frame.push(&datagram) {
                self.counts.sent_bytes += to_u64(datagram.len());
                passed += 1;
            }
        }
        let after = of.lane.cost();
        if passed > 0 {
            of.relayed = Some(now);
        }
        of.lane.free_if_empty();
        self.counts.add(ParcelResult::Passed, passed);
        self.waiting -= before - after;
        self.reorder(session, before, after);
        after > 0
    }

    /// When the relay received the oldest datagram that waits for a session. `None` if nothing waits.
    pub fn waiting_since(&self, session: SessionId) -> Option<Mono> {
        self.relaying.get(&session)?.lane.since()
    }

    /// The connection of a session that is online.
    pub fn connection(&self, session: SessionId) -> Option<&C> {
        self.connections.get(&session)
    }

    /// Forgets the sessions that no longer relay and may send a whole burst again.
    pub fn tick(&mut self, now: Mono) {
        if self.next_sweep.is_none_or(|at| now < at) {
            return;
        }
        let sender = self.sender;
        self.relaying.retain(|_, of| !of.lane.is_empty() || of.is_relayed(now) || !sender.is_full(now, of.used));
        self.next_sweep = (!self.relaying.is_empty()).then(|| now + RELAYED_TIME);
    }

    /// When to call [`tick`](Self::tick). `None` if there is nothing to forget.
    pub fn deadline(&self) -> Option<Mono> {
        self.next_sweep
    }

    /// The number of sessions online that sent or received a datagram within [`RELAYED_TIME`].
    pub fn relayed_sessions(&self, now: Mono) -> usize {
        let relayed = self.relaying.iter().filter(|(_, of)| of.is_relayed(now));
        relayed.filter(|(session, _)| self.connections.contains_key(session)).count()
    }

    /// The bytes of memory that everything that waits costs. At most [`RelayConfig::memory`].
    pub fn waiting_bytes(&self) -> usize {
        self.waiting
    }

    /// Totals since the machine began.
    pub fn counts(&self) -> RelayCounts {
        self.counts
    }

    fn receive_one(
        &mut self,
        now: Mono,
        from: SessionId,
        parcel: Parcel<'_>,
        ready: &mut Vec<SessionId>,
    ) -> Result<(), ParcelResult> {
        // Frames of a connection that has ended may still arrive.
        if !self.connections.contains_key(&from) {
            return Err(ParcelResult::NoSession);
        }
        self.next_sweep.get_or_insert(now + RELAYED_TIME);
        // First, because what is dropped costs the relay time as well.
        if !self.sender.take(now, &mut self.relaying.entry(from).or_default().used, parcel.len()) {
            return Err(ParcelResult::Rate);
        }
        check(from, parcel.datagram)?;
        if !self.connections.contains_key(&parcel.to) {
            return Err(ParcelResult::NoSession);
        }
        if !self.total.take(now, &mut self.total_used, parcel.len()) {
            return Err(ParcelResult::Total);
        }
        let lane = &mut self.relaying.entry(parcel.to).or_default().lane;
        if lane.is_empty() {
            ready.push(parcel.to);
        }
        let before = lane.cost();
        lane.push(now, from, parcel.datagram);
        while lane.cost() > self.config.lane && lane.drop_one() {
            self.counts.add(ParcelResult::Lane, 1);
        }
        let after = lane.cost();
        self.waiting = self.waiting - before + after;
        self.reorder(parcel.to, before, after);
        self.keep_to_memory();
        self.relaying.entry(from).or_default().relayed = Some(now);
        Ok(())
    }

    /// While all lanes together cost too much, the longest one loses.
    fn keep_to_memory(&mut self) {
        while self.waiting > self.config.memory
            && let Some((before, longest)) = self.lanes.last().copied()
            && let Some(of) = self.relaying.get_mut(&longest)
            && of.lane.drop_one()
        {
            let after = of.lane.cost();
            of.lane.free_if_empty();
            self.counts.add(ParcelResult::Lane, 1);
            self.waiting -= before - after;
            self.reorder(longest, before, after);
        }
    }

    fn reorder(&mut self, session: SessionId, before: usize, after: usize) {
        if before != after {
            self.lanes.remove(&(before, session));
            if after > 0 {
                self.lanes.insert((after, session));
            }
        }
    }
}

impl Relaying {
    fn is_relayed(&self, now: Mono) -> bool {
        self.relayed.is_some_and(|at| now.since(at) < RELAYED_TIME)
    }
}

/// Judges a datagram by what is in clear: the relay carries those of the peer link, and only in the name of the session
/// that sends them.
fn check(from: SessionId, datagram: &[u8]) -> Result<(), ParcelResult> {
    let (HEADER_AND_TAG..=MAX_DATAGRAM, [VERSION, session @ ..]) = (datagram.len(), datagram) else {
        return Err(ParcelResult::Malformed);
    };
    if session.starts_with(&from.get().to_be_bytes()) { Ok(()) } else { Err(ParcelResult::Foreign) }
}

/// The shortest datagram.
const HEADER_AND_TAG: usize = HEADER + TAG;

fn to_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
