//! Idle links release the memory that only a conversation needs.

use std::time::Duration;

use super::{Link, LinkState};
use crate::time::Mono;

/// The time without packets after which a link is idle: longer than the pauses of a conversation, so that messages of a
/// conversation do not wait for keys to be expanded again, which takes a few microseconds.
const IDLE_AFTER: Duration = Duration::from_secs(30);

impl Link {
    /// Returns the time at which the link becomes idle, unless it is in use or has released its memory already.
    pub(super) fn idle_deadline(&self) -> Option<Mono> {
        let is_busy = self.awaits_ack() || self.unacked_since.is_some() || self.incoming.has_undecided();
        let may_release = !is_busy && self.state == LinkState::Open && !self.keys.are_released();
        may_release.then(|| self.probe_timer_start.max(self.received.largest_at()) + IDLE_AFTER)
    }

    /// Releases memory if the link is idle. Numbers, proven addresses and granted room stay, so the next message needs
    /// no extra round trip.
    pub(super) fn release_if_idle(&mut self, now: Mono) {
        if self.idle_deadline().is_none_or(|at| now < at) {
            return;
        }
        self.keys.release();
        self.path.shrink();
        self.recovery.shrink();
        self.outgoing.shrink();
        self.incoming.shrink();
        self.pongs.shrink_to_fit();
    }
}
