//! The relay, as the machine sees it: its terms, and the links that have something for it.
//!
//! The machine keeps to the terms before it seals anything, so that the server never drops what it sends. Links wait for
//! that in a queue of their own, and the time for which they wait is nobody's silence.

use std::collections::VecDeque;

use super::link::{Brake, RelayStanding};
use super::remote::RemotePeer;
use super::table::PeerIndex;
use super::{Output, Peer, Slab, Transmit};
use crate::id::SessionId;
use crate::rate_limit::RateLimit;
use crate::roster::LinkFeatures;
use crate::time::{Mono, Now};
use crate::wire::datagram::MAX_DATAGRAM;
use crate::wire::relay::{Parcel, RelayTerms};

/// The relay as the peer machine uses it: its terms, and the links that wait for it.
#[derive(Debug, Default)]
pub(super) struct Carrier {
    state: State,
    /// The terms to which `limit` belongs. They outlast a connection, as the server's count of our bytes does.
    terms: Option<RelayTerms>,
    limit: RateLimit,
    /// Links that may have something for the relay.
    queue: VecDeque<PeerIndex>,
    /// Since when there have always been links that wait.
    blocked_since: Option<Mono>,
    /// When the terms permit the next datagram, if links wait for that.
    resume_at: Option<Mono>,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum State {
    /// No server has relayed for this session.
    #[default]
    Unknown,
    /// The connection to the server is away.
    Down,
    Up,
}

/// The least longest datagram with which a relay is of use: the smallest size of datagrams.
const LEAST_DATAGRAM: u16 = 548;

impl Carrier {
    /// Whether links to a session with these features may use the relay.
    pub(super) fn standing(&self, features: LinkFeatures) -> RelayStanding {
        match self.state {
            _ if !features.contains(LinkFeatures::RELAY) => RelayStanding::Absent,
            State::Unknown => RelayStanding::Absent,
            State::Down => RelayStanding::Down,
            State::Up => RelayStanding::Up,
        }
    }

    /// Appends a peer whose link has something for the relay. If its ack is due, it goes to the front.
    pub(super) fn push(&mut self, now: Mono, index: PeerIndex, peer: &mut RemotePeer, urgency: Urgency) {
        peer.relay_queue = match (peer.relay_queue, urgency) {
            (RelayQueue::NotQueued, Urgency::AckDue) => RelayQueue::InFront(now),
            (RelayQueue::NotQueued, Urgency::None) => RelayQueue::Queued(now),
            // It then stands in the queue twice. The second time, it is not queued.
            (RelayQueue::Queued(since), Urgency::AckDue) => RelayQueue::InFront(since),
            (RelayQueue::Queued(_) | RelayQueue::InFront(_), _) => return,
        };
        match urgency {
            Urgency::AckDue => self.queue.push_front(index),
            Urgency::None => self.queue.push_back(index),
        }
    }

    /// Whether our own brake holds a link back that has something for the relay.
    pub(super) fn brake(&self, peer: &RemotePeer) -> Brake {
        let is_held = self.blocked_since.is_some()
            && peer.relay_queue != RelayQueue::NotQueued
            && peer.link.as_ref().is_some_and(|link| link.answers_over_relay());
        if is_held { Brake::On } else { Brake::Off }
    }

    /// When [`Peer::transmit_relayed`] can go on, if it waits for the terms.
    pub(super) const fn resume_at(&self) -> Option<Mono> {
        self.resume_at
    }

    /// The time at which it can go on has come, and the driver is about to let it.
    pub(super) fn on_tick(&mut self, now: Mono) {
        self.resume_at = self.resume_at.filter(|at| now < *at);
    }

    /// A peer is removed, and its index may soon be that of another.
    pub(super) fn remove(&mut self, index: PeerIndex, queued: RelayQueue) {
        if queued != RelayQueue::NotQueued || self.queue.contains(&index) {
            self.queue.retain(|queued| *queued != index);
        }
    }

    fn set_terms(&mut self, terms: RelayTerms) {
        // The same terms on another connection bring no new burst.
        if self.terms != Some(terms) {
            self.limit = RateLimit::per_second(terms.rate, terms.burst);
            self.terms = Some(terms);
        }
    }

    /// The links no longer wait.
    fn clear(&mut self) {
        self.queue.clear();
        self.blocked_since = None;
        self.resume_at = None;
    }
}

/// Whether a peer stands in the queue for the relay, and since when.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum RelayQueue {
    NotQueued,
    Queued(Mono),
    /// At the front, because its ack is due.
    InFront(Mono),
}

/// Whether a link cannot wait for its turn.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Urgency {
    None,
    AckDue,
}

impl Peer {
    /// Seals datagrams for the relay into the free slots of `slab`, within the terms of the server: one datagram of each link
    /// in turn. Does nothing unless the server relays ([`Input::Relay`](super::Input::Relay)).
    ///
    /// A driver calls it wherever it calls [`transmit`](Self::transmit), with a full slab if its connection takes nothing:
    /// time for which links wait then counts as nobody's silence.
    pub fn transmit_relayed(&mut self, now: Now, slab: &mut Slab<SessionId>) -> Transmit {
        self.compensate_stall(now.mono);
        let now = now.mono;
        self.carrier.resume_at = None;
        while let Some(index) = self.carrier.queue.front().copied() {
            let queued = self.peers.get(index).map_or(RelayQueue::NotQueued, |peer| peer.relay_queue);
            let (RelayQueue::Queued(since) | RelayQueue::InFront(since)) = queued else {
                self.carrier.queue.pop_front();
                continue;
            };
            let free_at = self.carrier.limit.free_at();
            if slab.is_full() || now < free_at {
                self.carrier.blocked_since.get_or_insert(now);
                self.carrier.resume_at = Some(free_at).filter(|_| !slab.is_full());
                return if slab.is_full() { Transmit::More } else { Transmit::Done };
            }
            self.carrier.queue.pop_front();
            let Some(peer) = self.peers.get_mut(index) else { continue };
            peer.relay_queue = RelayQueue::NotQueued;
            let (session, Some(link)) = (peer.session, &mut peer.link) else { continue };
            if let Some(blocked) = self.carrier.blocked_since {
                link.excuse(now, now.since(blocked.max(since)));
            }
            let mut sealed = 0;
            slab.push(|slot| {
                sealed = link.transmit_relayed(now, self.local.session, &mut self.cx, slot)?;
                Some((session, sealed))
            });
            if sealed > 0 {
                let parcel = u32::try_from(Parcel::HEADER + sealed).unwrap_or(u32::MAX);
                self.carrier.limit.count_many(now, parcel);
                peer.mark_ready(now, index, &mut self.ready, &mut self.carrier);
            }
            peer.set_timer(now, index, &self.cx.config, &self.carrier, &mut self.timers);
        }
        self.carrier.blocked_since = None;
        Transmit::Done
    }

    /// Begins or ceases to relay: every link learns of it.
    pub(super) fn set_relay(&mut self, now: Mono, terms: Option<RelayTerms>, out: &mut Vec<Output>) {
        let terms = terms.filter(|terms| terms.longest >= LEAST_DATAGRAM);
        self.carrier.state = match (terms, self.carrier.state) {
            (Some(terms), _) => {
                self.carrier.set_terms(terms);
                self.cx.relayed_datagram = MAX_DATAGRAM.min(terms.longest.into());
                State::Up
            }
            (None, State::Unknown) => State::Unknown,
            (None, State::Down | State::Up) => State::Down,
        };
        let blocked = self.carrier.blocked_since;
        if terms.is_none() {
            self.carrier.clear();
        }
        for index in self.peers.indices() {
            let Some(peer) = self.peers.get_mut(index) else { continue };
            if terms.is_none() {
                let queued = std::mem::replace(&mut peer.relay_queue, RelayQueue::NotQueued);
                if let RelayQueue::Queued(since) | RelayQueue::InFront(since) = queued
                    && let (Some(blocked), Some(link)) = (blocked, &mut peer.link)
                {
                    link.excuse(now, now.since(blocked.max(since)));
                }
            }
            self.update_relay(now, index);
            self.report_events(now, index, out);
        }
    }

    /// Tells the link of a peer whether it may use the relay.
    pub(super) fn update_relay(&mut self, now: Mono, index: PeerIndex) {
        if let Some(peer) = self.peers.get_mut(index)
            && let Some(link) = &mut peer.link
        {
            let standing = self.carrier.standing(peer.entry.link_features());
            link.set_relay(now, standing, self.cx.generator.as_mut());
        }
    }

    /// Our own addresses have changed.
    pub(super) fn on_moved(&mut self, now: Mono) {
        for index in self.peers.indices() {
            if let Some(peer) = self.peers.get_mut(index)
                && let Some(link) = &mut peer.link
            {
                link.on_moved(now, self.cx.generator.as_mut());
                peer.mark_ready(now, index, &mut self.ready, &mut self.carrier);
            }
        }
    }
}
