//! What the driver counts. Nobody waits for anybody: relaxed atomics, each of which is right by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chat_core::server::{Counts, Limit, Server};

use super::histogram::Histogram;
use super::{Snapshot, State};

/// A number that only grows, or is set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counter(Arc<AtomicU64>);

impl Counter {
    pub(crate) fn add(&self, number: u64) {
        self.0.fetch_add(number, Ordering::Relaxed);
    }

    pub(crate) fn set(&self, number: u64) {
        self.0.store(number, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Counts one for as long as the guard lives.
    pub(crate) fn hold(&self) -> Held {
        self.add(1);
        Held(self.clone())
    }
}

/// One that is there.
#[derive(Debug)]
#[must_use = "it counts only as long as it lives"]
pub(crate) struct Held(Counter);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) state: Counter,
    pub(crate) connections: Counter,
    pub(crate) accepted: Counter,
    pub(crate) accept_failed: Counter,
    pub(crate) refused: Counter,
    pub(crate) handshakes: Counter,
    pub(crate) handshakes_failed: Counter,
    pub(crate) sessions: Counter,
    pub(crate) roster: Counter,
    pub(crate) revision: Counter,
    pub(crate) checks: Counter,
    pub(crate) too_slow: Counter,
    pub(crate) frames_in: Counter,
    pub(crate) bytes_in: Counter,
    pub(crate) frames_out: Counter,
    pub(crate) bytes_out: Counter,
    pub(crate) log_lost: Counter,
    pub(crate) log_in_time: Histogram,
    pub(crate) turn_time: Histogram,
    reached: [Counter; Limit::ALL.len()],
    log_ins: LogIns,
}

/// The machine's counts, where others can see them.
#[derive(Debug, Default)]
struct LogIns([Counter; 19]);

impl Counters {
    /// What the machine knows, after a turn that took so long.
    pub(crate) fn turned(&self, server: &Server, took: Duration) {
        self.turn_time.record(took);
        self.roster.set(server.roster().len() as u64);
        self.revision.set(server.revision().get());
        self.checks.set(server.checks() as u64);
        self.log_ins.set(server.counts());
    }

    /// Somebody was refused because of a bound.
    pub(crate) fn reached(&self, bound: Limit) {
        let place = Limit::ALL.iter().position(|known| *known == bound);
        if let Some(place) = place {
            self.reached[place].add(1);
        }
    }

    /// A frame came.
    pub(crate) fn received(&self, payload: usize) {
        self.frames_in.add(1);
        self.bytes_in.add((payload + LENGTH) as u64);
    }

    /// Whole frames go to so many connections.
    pub(crate) fn sent(&self, bytes: &[u8], connections: usize) {
        self.frames_out.add(frames(bytes) * connections as u64);
        self.bytes_out.add((bytes.len() * connections) as u64);
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot {
            state: State::of(self.state.get()),
            connections: self.connections.get(),
            accepted: self.accepted.get(),
            accept_failed: self.accept_failed.get(),
            refused: self.refused.get(),
            handshakes: self.handshakes.get(),
            handshakes_failed: self.handshakes_failed.get(),
            sessions: self.sessions.get(),
            roster: self.roster.get(),
            revision: self.revision.get(),
            password_checks: self.checks.get(),
            log_ins: self.log_ins.get(),
            too_slow: self.too_slow.get(),
            frames_in: self.frames_in.get(),
            bytes_in: self.bytes_in.get(),
            frames_out: self.frames_out.get(),
            bytes_out: self.bytes_out.get(),
            presence_log_lost: self.log_lost.get(),
            reached: std::array::from_fn(|place| (Limit::ALL[place], self.reached[place].get())),
            log_in_time: self.log_in_time.distribution(),
            turn_time: self.turn_time.distribution(),
        }
    }
}

impl LogIns {
    fn set(&self, counts: Counts) {
        let mut counts = counts;
        for (place, count) in self.0.iter().zip(Self::fields(&mut counts)) {
            place.set(*count);
        }
    }

    fn get(&self) -> Counts {
        let mut counts = Counts::default();
        for (place, count) in self.0.iter().zip(Self::fields(&mut counts)) {
            *count = place.get();
        }
        counts
    }

    /// All fields, in one order for both ways.
    fn fields(counts: &mut Counts) -> [&mut u64; 19] {
        let Counts {
            entered,
            continued,
            caught_up,
            fresh,
            wrong_credentials,
            disabled,
            name_taken,
            registration_closed,
            not_invited,
            registrations,
            accounts_full,
            busy,
            throttled,
            storage_unavailable,
            ticket_refused,
            full,
            too_late,
            too_many_requests,
            other,
        } = counts;
        [
            entered,
            continued,
            caught_up,
            fresh,
            wrong_credentials,
            disabled,
            name_taken,
            registration_closed,
            not_invited,
            registrations,
            accounts_full,
            busy,
            throttled,
            storage_unavailable,
            ticket_refused,
            full,
            too_late,
            too_many_requests,
            other,
        ]
    }
}

/// The length in front of each frame.
const LENGTH: usize = 4;

/// How many frames stand one after another in `bytes`.
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
    fn frames_and_bytes_are_counted_for_each_connection() {
        let (counters, mut bytes) = (Counters::default(), Vec::new());
        frame::encode_raw(b"one", &mut bytes);
        frame::encode_raw(b"", &mut bytes);
        counters.sent(&bytes, 3);
        counters.received(10);
        let seen = counters.snapshot();
        assert_eq!((seen.frames_out, seen.bytes_out), (6, 3 * 11));
        assert_eq!((seen.frames_in, seen.bytes_in), (1, 14));
    }

    #[test]
    fn what_is_held_is_counted_until_it_is_let_go() {
        let counter = Counter::default();
        let (one, other) = (counter.hold(), counter.hold());
        drop(one);
        assert_eq!(counter.get(), 1);
        drop(other);
        assert_eq!(counter.get(), 0);
    }

    #[test]
    fn each_count_of_the_machine_arrives_as_itself() {
        let log_ins = LogIns::default();
        let mut counts = Counts::default();
        for (number, field) in (1..).zip(LogIns::fields(&mut counts)) {
            *field = number;
        }
        log_ins.set(counts);
        assert_eq!(log_ins.get(), counts);
    }
}
