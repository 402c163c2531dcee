//! Scheduling: timers, the ready queue, and recovery from stalls of the process.

use std::time::Duration;

use super::link::LinkEvent;
use super::remote::{Readiness, RosterStatus};
use super::table::PeerIndex;
use super::{Output, Peer};
use crate::time::Mono;

/// How late a driver's call may be before the process itself counts as stalled or suspended.
const STALL: Duration = Duration::from_secs(2);

impl Peer {
    /// Runs every timer that has expired.
    pub(super) fn tick(&mut self, now: Mono, out: &mut Vec<Output>) {
        self.carrier.on_tick(now);
        while let Some(index) = self.timers.pop(now) {
            let Some(peer) = self.peers.get_mut(index) else { continue };
            peer.timer = None;
            if matches!(peer.status, RosterStatus::Lingering(until) if until <= now) {
                self.retire(index, out);
                continue;
            }
            let brake = self.carrier.brake(peer);
            if let Some(link) = &mut peer.link {
                link.on_timeout(now, brake, &mut self.cx);
            }
            self.report_events(now, index, out);
        }
    }

    /// Postpones all timers by the duration of a stall, so that it does not count as silence of the peers.
    pub(super) fn compensate_stall(&mut self, now: Mono) {
        let called = std::mem::replace(&mut self.called, now);
        // A driver transmits for ready peers at once, and most of them have no timer.
        let due = if self.ready.is_empty() { self.deadline() } else { Some(called) };
        if due.is_none_or(|due| now.since(due) <= STALL) {
            return;
        }
        // The stall may have begun right after the last call, so no time since then counts as silence of the peers.
        let by = now.since(called);
        self.timers.clear();
        for (_, peer) in self.peers.iter_mut() {
            peer.timer = None;
            if let RosterStatus::Lingering(until) = &mut peer.status {
                *until = *until + by;
            }
            if let Some(link) = &mut peer.link {
                link.shift(by);
            }
        }
        for index in self.peers.indices() {
            if let Some(peer) = self.peers.get_mut(index) {
                peer.mark_ready(now, index, &mut self.ready, &mut self.carrier);
                peer.set_timer(now, index, &self.cx.config, &self.carrier, &mut self.timers);
            }
        }
    }

    /// Reports the events of a peer's link and schedules the peer again.
    pub(super) fn report_events(&mut self, now: Mono, index: PeerIndex, out: &mut Vec<Output>) {
        if let Some(peer) = self.peers.get_mut(index) {
            let user = &peer.entry.user;
            if !self.cx.outcomes.is_empty() {
                self.cx.messages.report(now, user, self.cx.outcomes.drain(..), out);
            }
            for event in self.cx.events.drain(..) {
                match event {
                    LinkEvent::Unresponsive => out.push(Output::Unresponsive(user.clone())),
                    LinkEvent::Responsive => out.push(Output::Responsive(user.clone())),
                    LinkEvent::Violation => out.push(Output::Violation(user.clone())),
                    LinkEvent::Way(way) => out.push(Output::Way { user: user.clone(), way }),
                }
            }
            peer.mark_ready(now, index, &mut self.ready, &mut self.carrier);
            // For a peer in the ready queue, `transmit` sets the timer.
            if peer.ready == Readiness::NotQueued {
                peer.set_timer(now, index, &self.cx.config, &self.carrier, &mut self.timers);
            }
        }
    }

    /// Puts a peer into the ready queue.
    pub(super) fn mark_ready(&mut self, now: Mono, index: PeerIndex) {
        if let Some(peer) = self.peers.get_mut(index) {
            peer.mark_ready(now, index, &mut self.ready, &mut self.carrier);
        }
    }
}
