//! How the hub and the connections reach the relay, without waiting for it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use chat_core::id::SessionId;
use chat_core::time::Mono;
use chat_core::wire::control::Request;
use chat_core::wire::relay::Parcels;
use tokio::sync::mpsc;
use zeroize::Zeroizing;

use super::frame_rate::FrameRate;
use super::{ConnectionHandle, Counters, Line};
use crate::clock::Clock;
use crate::connection::Bypass;
use crate::send_queue::Relayed;

/// The link to the relay. Clones are links to the same one.
#[derive(Clone, Debug)]
pub(in crate::server) struct RelayLink(pub(super) Arc<Shared>);

#[derive(Debug)]
pub(super) struct Shared {
    frames: mpsc::Sender<ReceivedFrame>,
    facts: mpsc::UnboundedSender<Fact>,
    /// The parcels that found no place in the queue and are not counted yet.
    pub(super) dropped: AtomicUsize,
    pub(super) clock: Clock,
    pub(super) counters: Arc<Counters>,
}

/// A frame of parcels.
#[derive(Debug)]
pub(super) struct ReceivedFrame {
    pub(super) at: Mono,
    pub(super) from: SessionId,
    pub(super) payload: Zeroizing<Vec<u8>>,
}

/// What the relay must know of a connection.
#[derive(Debug)]
pub(super) enum Fact {
    Admitted(SessionId, Line),
    Gone(SessionId, Line),
    /// The place for a relayed frame is free, and something waited for it.
    Written(SessionId),
}

impl RelayLink {
    pub(super) fn new(
        frames: mpsc::Sender<ReceivedFrame>,
        facts: mpsc::UnboundedSender<Fact>,
        clock: Clock,
        counters: Arc<Counters>,
    ) -> Self {
        Self(Arc::new(Shared { frames, facts, dropped: AtomicUsize::new(0), clock, counters }))
    }

    /// Lets a connection relay in the name of `session`, until the admission is dropped.
    pub(in crate::server) fn admit(&self, session: SessionId, handle: &Arc<ConnectionHandle>) -> Admission {
        let admitted = Admitted { session, frames: FrameRate::default(), link: self.clone() };
        // A connection logs in once.
        drop(handle.bypass.admitted.set(admitted));
        self.note(Fact::Admitted(session, Line(Arc::clone(handle))));
        Admission(Arc::clone(handle))
    }

    /// Passes parcels on to the relay, or drops them if too many frames wait.
    fn send(&self, frame: ReceivedFrame, parcels: usize) {
        if self.0.frames.try_send(frame).is_err() {
            self.0.dropped.fetch_add(parcels, Ordering::Relaxed);
        }
    }

    fn note(&self, fact: Fact) {
        // A relay that has ended needs no facts.
        drop(self.0.facts.send(fact));
    }
}

/// A connection's access to the relay. It has none until the hub admits its session.
#[derive(Debug, Default)]
pub(in crate::server) struct RelayAccess {
    admitted: OnceLock<Admitted>,
    is_relayed_to: AtomicBool,
}

#[derive(Debug)]
struct Admitted {
    session: SessionId,
    frames: FrameRate,
    link: RelayLink,
}

impl RelayAccess {
    /// Whether anything was relayed to this connection.
    pub(in crate::server) fn is_relayed_to(&self) -> bool {
        self.is_relayed_to.load(Ordering::Relaxed)
    }

    /// States that something is relayed to this connection.
    pub(in crate::server) fn set_relayed_to(&self) {
        self.is_relayed_to.store(true, Ordering::Relaxed);
    }
}

impl Bypass for RelayAccess {
    /// Takes frames of parcels. The hub receives those that are malformed or too many, and judges them as it judges other
    /// frames.
    fn take(&self, payload: Zeroizing<Vec<u8>>) -> Option<Zeroizing<Vec<u8>>> {
        let Some(Admitted { session, frames, link }) = self.admitted.get() else { return Some(payload) };
        if !Parcels::are_in(&payload) {
            return Some(payload);
        }
        let at = link.0.clock.mono();
        if !frames.take(at) {
            return Some(payload);
        }
        let Ok(Request::Relay(parcels)) = Request::decode(&payload) else { return Some(payload) };
        let parcels = parcels.iter().count();
        link.send(ReceivedFrame { at, from: *session, payload }, parcels);
        None
    }

    fn written(&self, Relayed { since, is_wanted }: Relayed) {
        let Some(Admitted { session, link, .. }) = self.admitted.get() else { return };
        link.0.counters.relay_time.record(link.0.clock.mono().since(since));
        if is_wanted {
            link.note(Fact::Written(*session));
        }
    }
}

/// Keeps the session of a connection admitted.
#[derive(Debug)]
#[must_use = "the session is admitted only while it lives"]
pub(in crate::server) struct Admission(Arc<ConnectionHandle>);

impl Drop for Admission {
    fn drop(&mut self) {
        if let Some(Admitted { session, link, .. }) = self.0.bypass.admitted.get() {
            link.note(Fact::Gone(*session, Line(Arc::clone(&self.0))));
        }
    }
}
