//! The numbers that the server's tasks keep for operators. Most are atomics, each correct by itself. The locks are held
//! only to copy a value.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chat_core::relay::RelayCounts;
use chat_core::server::{Counts, JournalStatus, Limit, Server};
use tokio::time::Instant;

use super::histogram::Histogram;
use super::{Metrics, ServerState};
use crate::server::node_name;

/// A number that the server keeps. Totals count from its start; the others say how many there are now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Metric {
    /// Connections with a finished TLS handshake, guests included.
    Connections,
    /// Total of accepted TCP connections.
    Accepted,
    /// Total of failures to accept a connection, for example for lack of file descriptors.
    AcceptFailed,
    /// Total of connections closed before the end of their handshake, because their source had or began too many
    /// handshakes, or because too many were in progress and they gave way.
    Refused,
    /// TLS handshakes in progress.
    Handshakes,
    /// Total of TLS handshakes that failed or exceeded their time limit.
    HandshakesFailed,
    /// Sessions with a connection.
    Sessions,
    /// Sessions in the roster, those in their grace time included.
    Roster,
    /// Total of published roster changes.
    Revision,
    /// Password checks in progress or waiting.
    PasswordChecks,
    /// Total of connections closed because the client did not read.
    TooSlow,
    /// Total of frames received.
    FramesIn,
    /// Total of bytes in received frames, with their lengths and without TLS.
    BytesIn,
    /// Total of frames queued for connections.
    FramesOut,
    /// Total of bytes in queued frames, with their lengths and without TLS.
    BytesOut,
    /// Total of records that are missing in the presence log.
    PresenceLogLost,
    /// Total of calls to the accounts that failed because the accounts were unavailable or panicked.
    AccountsFailed,
    /// Sessions that sent or received a relayed datagram within the last minute. Counted again as long as datagrams pass,
    /// and then each minute.
    RelayedSessions,
    /// The bytes of memory that relayed datagrams occupy while they wait for their recipients to read.
    RelayWaiting,
}

/// How many metrics there are.
pub(super) const METRICS: usize = Metric::RelayWaiting as usize + 1;

/// What the tasks of one server count.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) login_time: Histogram,
    pub(crate) turn_time: Histogram,
    pub(crate) relay_time: Histogram,
    pub(crate) append_time: Histogram,
    state: Mutex<ServerState>,
    metrics: [AtomicU64; METRICS],
    limits: [AtomicU64; Limit::ALL.len()],
    counts: Mutex<Counts>,
    relay: Mutex<RelayCounts>,
    journal: Mutex<Journal>,
}

/// The state of the journal, as the server knows it.
#[derive(Debug, Default)]
struct Journal {
    read: Option<Instant>,
    status: Option<JournalStatus>,
    nodes: Vec<String>,
}

/// The time between two observations of the journal: it counts sessions, of which there may be thousands, and a busy hub has
/// thousands of turns a second.
const JOURNAL_INTERVAL: Duration = Duration::from_secs(1);

impl Counters {
    pub(crate) fn add(&self, metric: Metric, number: u64) {
        self.metrics[metric as usize].fetch_add(number, Ordering::Relaxed);
    }

    pub(crate) fn get(&self, metric: Metric) -> u64 {
        self.metrics[metric as usize].load(Ordering::Relaxed)
    }

    /// Counts one for as long as the guard lives.
    pub(crate) fn hold(self: &Arc<Self>, metric: Metric) -> Held {
        self.add(metric, 1);
        Held { counters: Arc::clone(self), metric }
    }

    pub(crate) fn set_state(&self, state: ServerState) {
        *lock(&self.state) = state;
    }

    /// Publishes the machine's numbers after a turn of the hub that took `elapsed`.
    pub(crate) fn turned(&self, server: &Server, elapsed: Duration) {
        self.turn_time.record(elapsed);
        self.observe(server);
    }

    /// Publishes the machine's numbers.
    pub(crate) fn observe(&self, server: &Server) {
        self.set(Metric::Roster, server.roster().len() as u64);
        self.set(Metric::Revision, server.revision().get());
        self.set(Metric::PasswordChecks, server.checks() as u64);
        *lock(&self.counts) = server.counts();
        let mut journal = lock(&self.journal);
        if journal.read.is_none_or(|read| read.elapsed() >= JOURNAL_INTERVAL)
            && let Some(status) = server.journal()
        {
            let mut nodes: Vec<_> = server.nodes().map(node_name::shown).collect();
            nodes.sort_unstable();
            *journal = Journal { read: Some(Instant::now()), status: Some(status), nodes };
        }
    }

    pub(crate) fn nodes(&self) -> Vec<String> {
        lock(&self.journal).nodes.clone()
    }

    /// Publishes the relay's numbers after one of its turns.
    pub(crate) fn relayed(&self, counts: RelayCounts, waiting: usize) {
        self.set(Metric::RelayWaiting, waiting as u64);
        *lock(&self.relay) = counts;
    }

    pub(crate) fn relayed_sessions(&self, sessions: usize) {
        self.set(Metric::RelayedSessions, sessions as u64);
    }

    /// Counts that a client reached `limit`.
    pub(crate) fn limit_reached(&self, limit: Limit) {
        self.limits[limit as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a received frame with `payload` bytes.
    pub(crate) fn received(&self, payload: usize) {
        self.add(Metric::FramesIn, 1);
        self.add(Metric::BytesIn, (payload + LENGTH) as u64);
    }

    /// Counts the complete frames in `bytes`, once for each of `connections`.
    pub(crate) fn sent(&self, bytes: &[u8], connections: usize) {
        self.add(Metric::FramesOut, frames(bytes) * connections as u64);
        self.add(Metric::BytesOut, (bytes.len() * connections) as u64);
    }

    pub(crate) fn metrics(&self) -> Metrics {
        let load = |number: &AtomicU64| number.load(Ordering::Relaxed);
        Metrics {
            state: *lock(&self.state),
            login_time: self.login_time.distribution(),
            turn_time: self.turn_time.distribution(),
            relay_time: self.relay_time.distribution(),
            relay: *lock(&self.relay),
            journal: lock(&self.journal).status,
            append_time: self.append_time.distribution(),
            metrics: self.metrics.each_ref().map(load),
            limits: self.limits.each_ref().map(load),
            counts: *lock(&self.counts),
        }
    }

    fn set(&self, metric: Metric, number: u64) {
        self.metrics[metric as usize].store(number, Ordering::Relaxed);
    }
}

/// Counts one in a metric until the guard is dropped.
#[derive(Debug)]
#[must_use = "it counts only while it lives"]
pub(crate) struct Held {
    counters: Arc<Counters>,
    metric: Metric,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.counters.metrics[self.metric as usize].fetch_sub(1, Ordering::Relaxed);
    }
}

fn lock<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    // Locked only to copy a value in or out, which does not panic.
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The size of the length in front of each frame, in bytes.
const LENGTH: usize = 4;

/// The number of frames in `bytes`.
fn frames(mut bytes: &[u8]) -> u64 {
    let mut count = 0;
    while let Some((length, rest)) = bytes.split_first_chunk::<LENGTH>() {
        count += 1;
        bytes = rest.get(u32::from_be_bytes(*length) as usize..).unwrap_or_default();
    }
    count
}

#[cfg(test)]
mod tests {
    use chat_core::wire::frame;

    use super::*;

    #[test]
    fn sent_frames_count_once_for_each_connection() {
        let (counters, mut bytes) = (Counters::default(), Vec::new());
        frame::encode_raw(b"one", &mut bytes);
        frame::encode_raw(b"", &mut bytes);
        counters.sent(&bytes, 3);
        counters.received(10);
        let seen = counters.metrics();
        assert_eq!((seen[Metric::FramesOut], seen[Metric::BytesOut]), (6, 3 * 11));
        assert_eq!((seen[Metric::FramesIn], seen[Metric::BytesIn]), (1, 14));
    }

    #[test]
    fn a_guard_counts_until_it_is_dropped() {
        let counters = Arc::new(Counters::default());
        let (one, other) = (counters.hold(Metric::Sessions), counters.hold(Metric::Sessions));
        drop(one);
        assert_eq!(counters.get(Metric::Sessions), 1);
        drop(other);
        assert_eq!(counters.get(Metric::Sessions), 0);
    }

    #[test]
    fn each_limit_has_its_own_count() {
        let counters = Counters::default();
        for (number, limit) in Limit::ALL.iter().enumerate() {
            (0..number).for_each(|_| counters.limit_reached(*limit));
        }
        let seen = counters.metrics();
        assert!(Limit::ALL.iter().enumerate().all(|(number, limit)| seen[*limit] == number as u64));
    }
}
