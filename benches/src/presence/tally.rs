//! What all clients of a crowd count together.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::stats::Histogram;

/// The counters of a crowd.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Plain bytes and frames that clients were sent.
    pub(crate) bytes: AtomicU64,
    pub(crate) frames: AtomicU64,
    /// How often somebody who came back was sent what it had missed, and no copy.
    pub(crate) caught_up: AtomicU64,
    /// The revision that everybody waits for, and how many have it.
    pub(crate) target: AtomicU64,
    pub(crate) reached: AtomicUsize,
    pub(crate) online: AtomicUsize,
    /// Whether heartbeats are timed.
    pub(crate) timing: AtomicBool,
    beats: Mutex<Histogram>,
    trouble: Mutex<BTreeMap<String, u64>>,
}

impl Tally {
    /// A heartbeat came back.
    pub(crate) fn beat(&self, after: Duration) {
        if self.timing.load(Ordering::Relaxed) {
            self.beats.lock().unwrap_or_else(PoisonError::into_inner).record(after);
        }
    }

    /// Takes the times of heartbeats so far.
    pub(crate) fn take_beats(&self) -> Histogram {
        std::mem::take(&mut *self.beats.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Something went wrong.
    pub(crate) fn trouble(&self, what: String) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner).entry(what).or_default() += 1;
    }

    /// What went wrong, and how often.
    pub(crate) fn troubles(&self) -> BTreeMap<String, u64> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
