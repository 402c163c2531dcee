//! Counters that all clients of a crowd share.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::stats::Histogram;

/// The counters of a crowd.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Decrypted bytes that the clients received.
    pub(crate) bytes: AtomicU64,
    /// Frames that the clients received.
    pub(crate) frames: AtomicU64,
    /// Number of times that a client resumed with a delta instead of a snapshot.
    pub(crate) caught_up: AtomicU64,
    /// The revision that the scenario waits for.
    pub(crate) target: AtomicU64,
    /// Number of clients whose roster has reached the target.
    pub(crate) reached: AtomicUsize,
    /// Number of clients that are online.
    pub(crate) online: AtomicUsize,
    /// Whether heartbeats are timed.
    pub(crate) timing: AtomicBool,
    beats: Mutex<Histogram>,
    trouble: Mutex<BTreeMap<String, u64>>,
}

impl Tally {
    /// Records the round-trip time of a heartbeat, if heartbeats are timed.
    pub(crate) fn beat(&self, after: Duration) {
        if self.timing.load(Ordering::Relaxed) {
            self.beats.lock().unwrap_or_else(PoisonError::into_inner).record(after);
        }
    }

    /// Returns the recorded heartbeat times and starts an empty histogram.
    pub(crate) fn take_beats(&self) -> Histogram {
        std::mem::take(&mut *self.beats.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Counts a failure of the kind `what`.
    pub(crate) fn trouble(&self, what: String) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner).entry(what).or_default() += 1;
    }

    /// The number of failures of each kind.
    pub(crate) fn troubles(&self) -> BTreeMap<String, u64> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
