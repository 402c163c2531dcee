//! One peer: its roster entry, its link and its timer.

use std::collections::VecDeque;
use std::sync::Arc;

use super::PeerConfig;
use super::carrier::{Carrier, RelayQueue, Urgency};
use super::io::Reach;
use super::link::{Context, Link, usable_addresses};
use super::resumptions::Resumptions;
use super::table::PeerIndex;
use super::timers::PeerTimers;
use crate::id::SessionId;
use crate::key::KeyPair;
use crate::message::FailReason;
use crate::name::UserName;
use crate::roster::Entry;
use crate::seal::{LinkKeys, Party};
use crate::time::Mono;
use crate::wire::datagram::VERSION;

/// A session of the roster, or one that left the roster recently.
pub(super) struct RemotePeer {
    pub(super) session: SessionId,
    pub(super) entry: Entry,
    pub(super) status: RosterStatus,
    /// Opened by the first datagram in either direction.
    pub(super) link: Option<Box<Link>>,
    pub(super) ready: Readiness,
    pub(super) relay_queue: RelayQueue,
    pub(super) timer: Option<Mono>,
    pub(super) no_address: NoAddress,
}

/// Whether the application knows that this peer has no usable address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum NoAddress {
    Reported,
    NotReported,
}

/// Whether the roster contains a peer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum RosterStatus {
    Online,
    /// It left the roster. Its datagrams are processed until this time.
    Lingering(Mono),
    /// It left the roster, and its datagrams are dropped. It stays in the table until the application has decided about
    /// all messages from it.
    Gone,
}

/// Whether a peer is in the ready queue.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Readiness {
    Queued,
    NotQueued,
}

/// Our own session.
pub(super) struct LocalSession {
    pub(super) keys: Arc<KeyPair>,
    pub(super) session: SessionId,
    pub(super) user: UserName,
    pub(super) reach: Reach,
}

impl RemotePeer {
    /// A peer of the roster without a link.
    pub(super) const fn new(session: SessionId, entry: Entry) -> Self {
        let (status, ready) = (RosterStatus::Online, Readiness::NotQueued);
        let (relay_queue, no_address) = (RelayQueue::NotQueued, NoAddress::NotReported);
        Self { session, entry, status, link: None, ready, relay_queue, timer: None, no_address }
    }

    /// Returns the link, and opens it first if there is none.
    ///
    /// # Errors
    /// The peer's key or link versions are unusable, or the numbers that an earlier link has used are unknown.
    pub(super) fn open_link(
        &mut self,
        local: &LocalSession,
        resumptions: &mut Resumptions,
        carrier: &Carrier,
        cx: &mut Context,
    ) -> Result<&mut Link, FailReason> {
        if self.link.is_none() {
            let entry = &self.entry;
            if !(entry.versions.low..=entry.versions.high).contains(&VERSION) {
                return Err(FailReason::Incompatible);
            }
            resumptions.check(&entry.user, self.session)?;
            let theirs = Party { key: entry.key, user: entry.user.clone() };
            let keys = LinkKeys::derive(&local.keys, &local.user, &theirs).map_err(|_| FailReason::Incompatible)?;
            let (resumption, challenges) = resumptions.take(&entry.user, self.session);
            let addresses = usable_addresses(entry, local.reach);
            let link = Link::new(keys, addresses, resumption, challenges, carrier.standing(entry.link_features()), cx);
            self.link = Some(Box::new(link));
        }
        self.link.as_deref_mut().ok_or(FailReason::Incompatible)
    }

    /// Appends the peer to the ready queue, unless it is there already or has no link, and to that of the relay if the link
    /// uses it.
    pub(super) fn mark_ready(
        &mut self,
        now: Mono,
        index: PeerIndex,
        ready: &mut VecDeque<PeerIndex>,
        carrier: &mut Carrier,
    ) {
        let Some(link) = &self.link else { return };
        let answers_over_relay = link.answers_over_relay();
        let urgency = if answers_over_relay && link.is_ack_due(now) { Urgency::AckDue } else { Urgency::None };
        if self.ready == Readiness::NotQueued {
            self.ready = Readiness::Queued;
            ready.push_back(index);
        }
        if answers_over_relay {
            carrier.push(now, index, self, urgency);
        }
    }

    /// Sets the timer to the next deadline, unless it expires earlier anyway: the deadline moves with almost every
    /// datagram, mostly to a later time, and an occasional early tick costs less than setting the timer each time.
    pub(super) fn set_timer(
        &mut self,
        now: Mono,
        index: PeerIndex,
        config: &PeerConfig,
        carrier: &Carrier,
        timers: &mut PeerTimers,
    ) {
        let brake = carrier.brake(self);
        let link = self.link.as_ref().and_then(|link| link.deadline(now, brake, config));
        let deadline = match self.status {
            RosterStatus::Online => link,
            RosterStatus::Lingering(until) => Some(link.map_or(until, |at| at.min(until))),
            RosterStatus::Gone => None,
        };
        // An overdue deadline counts as due now, so that the machine appears stalled only if its driver did not run it.
        let deadline = deadline.map(|at| at.max(now));
        if let (Some(next), Some(set)) = (deadline, self.timer)
            && next >= set
        {
            return;
        }
        if deadline != self.timer {
            match deadline {
                Some(at) => timers.set(index, at),
                None => timers.cancel(index),
            }
            self.timer = deadline;
        }
    }
}
