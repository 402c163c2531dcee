//! Counters that all clients of a group share.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::connection::Failure;
use crate::stats::Histogram;

/// The counters of a group of clients.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Decrypted bytes that the clients received.
    pub(crate) bytes: AtomicU64,
    /// Frames that the clients received.
    pub(crate) frames: AtomicU64,
    /// Number of times that a client resumed with a delta instead of a snapshot.
    pub(crate) deltas: AtomicU64,
    /// The revision that the scenario waits for.
    pub(crate) target: AtomicU64,
    /// Number of clients whose roster has reached the target.
    pub(crate) reached: AtomicUsize,
    heartbeats: Mutex<Histogram>,
    failures: Mutex<BTreeMap<String, u64>>,
}

impl Counters {
    /// Records the round-trip time of a heartbeat.
    pub(crate) fn record_heartbeat(&self, time: Duration) {
        self.heartbeats.lock().unwrap_or_else(PoisonError::into_inner).record(time);
    }

    /// Returns the recorded heartbeat times and starts an empty histogram.
    pub(crate) fn take_heartbeats(&self) -> Histogram {
        std::mem::take(&mut *self.heartbeats.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn count(&self, failure: &Failure) {
        *self.failures.lock().unwrap_or_else(PoisonError::into_inner).entry(failure.to_string()).or_default() += 1;
    }

    /// The number of failures of each kind.
    pub(crate) fn failures(&self) -> BTreeMap<String, u64> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Prints the failures, to explain a row with faults.
    #[expect(clippy::print_stderr, reason = "diagnostics of a program")]
    pub(crate) fn print_failures(&self, what: &str) {
        self.failures().iter().for_each(|(failure, count)| eprintln!("{what}: {count} x {failure}"));
    }
}
