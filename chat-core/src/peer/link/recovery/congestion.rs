//! Congestion control (RFC 9002 section 7): how many bytes may be in flight.

use super::Medium;
use crate::time::Mono;
use crate::wire::datagram::MAX_DATAGRAM;

#[derive(Debug)]
pub(super) struct Congestion {
    /// The congestion window, in bytes.
    pub(super) window: usize,
    slow_start_threshold: usize,
    /// The start of the current recovery period. Packets sent before it belong to a congestion event that has been
    /// answered already.
    pub(super) recovery_start: Option<Mono>,
    max_window: usize,
}

/// RFC 9002 section 7.2.
pub(super) const INITIAL_WINDOW: usize = 10 * MAX_DATAGRAM;

/// RFC 9002 section 7.2.
pub(super) const MIN_WINDOW: usize = 2 * MAX_DATAGRAM;

impl Congestion {
    pub(super) const fn new(medium: Medium) -> Self {
        let max_window = medium.max_window();
        Self { window: INITIAL_WINDOW, slow_start_threshold: usize::MAX, recovery_start: None, max_window }
    }

    /// Grows the window after a packet of `size` bytes was acknowledged: by its size in slow start, then by one datagram
    /// per window.
    pub(super) fn on_acked(&mut self, sent_at: Mono, size: usize) {
        if self.recovery_start.is_some_and(|start| sent_at <= start) {
            return;
        }
        let is_slow_start = self.window < self.slow_start_threshold;
        self.window += if is_slow_start { size } else { MAX_DATAGRAM * size / self.window };
        self.window = self.window.min(self.max_window);
    }

    /// Halves the window after losses, once per round trip. `last_lost` is the time at which the last lost packet was
    /// sent.
    pub(super) fn on_lost(&mut self, now: Mono, last_lost: Mono) {
        if self.recovery_start.is_some_and(|start| last_lost <= start) {
            return;
        }
        self.recovery_start = Some(now);
        self.window = (self.window / 2).max(MIN_WINDOW);
        self.slow_start_threshold = self.window;
    }

    /// Reduces the window to its minimum (RFC 9002 section 7.6).
    pub(super) fn on_persistent_congestion(&mut self) {
        self.window = MIN_WINDOW;
        self.recovery_start = None;
    }
}
