//! A link on which nothing happens for a while gives back the memory that only conversation needs.

use std::time::Duration;

use super::{Link, Phase};
use crate::time::Mono;

/// A link rests when nothing was asked and nothing came for so long: longer than the pauses of a conversation, so that
/// nobody who talks waits for keys to be expanded again, which costs a few microseconds.
const REST_AFTER: Duration = Duration::from_secs(30);

impl Link {
    /// When it may rest, unless it does already or something still goes on.
    pub(super) fn rest_deadline(&self) -> Option<Mono> {
        let busy = self.is_active() || self.waiting_since.is_some() || self.incoming.is_waiting();
        let rests = busy || self.phase != Phase::Open || self.keys.are_put_away();
        (!rests).then(|| self.last_asked.max(self.received.largest_at()) + REST_AFTER)
    }

    /// Rests, if it is time. Nothing is forgotten that a message would miss: numbers, proofs and room stay.
    pub(super) fn rest_if_due(&mut self, now: Mono) {
        if self.rest_deadline().is_none_or(|at| now < at) {
            return;
        }
        self.keys.put_away();
        self.path.shrink();
        self.recovery.shrink();
        self.outgoing.shrink();
        self.incoming.shrink();
        self.pongs.shrink_to_fit();
    }
}
