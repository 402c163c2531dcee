//! Which messages are in flight: sent, and not yet received by all receiving applications.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// The most messages that can be in flight.
pub(super) const MAX_IN_FLIGHT: u64 = 1024;

/// How often idle receivers check whether a run begins.
pub(super) const IDLE_CHECK: Duration = Duration::from_millis(5);

/// Counts the messages that arrive. One thread, in which all receivers run, writes it; the sender reads it.
#[derive(Debug)]
pub(super) struct Window {
    receivers: u32,
    /// The number of receivers that have a message, by its number modulo [`MAX_IN_FLIGHT`]. Zero once all receivers
    /// have it.
    arrived: Box<[AtomicU32]>,
    complete: AtomicU64,
    delivered: AtomicU64,
    /// How many messages arrived twice or out of order.
    pub(super) disorder: AtomicU64,
    /// During a run the receivers poll without sleeping, because waking a processor costs several times as much as a
    /// datagram and would hide everything else.
    pub(super) is_running: AtomicBool,
    /// Makes the receiving thread return.
    pub(super) is_stopped: AtomicBool,
}

impl Window {
    pub(super) fn new(receivers: usize) -> Self {
        Self {
            receivers: u32::try_from(receivers).unwrap_or(u32::MAX),
            arrived: (0..MAX_IN_FLIGHT).map(|_| AtomicU32::new(0)).collect(),
            complete: AtomicU64::new(0),
            delivered: AtomicU64::new(0),
            disorder: AtomicU64::new(0),
            is_running: AtomicBool::new(false),
            is_stopped: AtomicBool::new(false),
        }
    }

    /// Begins a run and waits until the receivers have noticed it.
    pub(super) fn begin_run(&self) {
        self.is_running.store(true, Ordering::Release);
        std::thread::sleep(IDLE_CHECK * 2);
    }

    /// Records that a receiving application received message `number`. The numbers of each application start at 1
    /// without gaps.
    pub(super) fn arrived(&self, number: u64) {
        let slot = &self.arrived[(number % MAX_IN_FLIGHT) as usize];
        // No other thread writes, so no locked instruction is needed.
        let count = slot.load(Ordering::Relaxed) + 1;
        if count == self.receivers {
            slot.store(0, Ordering::Relaxed);
            self.complete.store(number, Ordering::Release);
        } else {
            slot.store(count, Ordering::Relaxed);
        }
    }

    /// Records that receiving applications received `messages` messages. Separate from [`arrived`](Self::arrived),
    /// because counting many at once is cheaper.
    pub(super) fn count(&self, messages: u64) {
        self.delivered.store(self.delivered.load(Ordering::Relaxed) + messages, Ordering::Release);
    }

    /// The number of messages that all receiving applications together received.
    pub(super) fn delivered(&self) -> u64 {
        self.delivered.load(Ordering::Acquire)
    }

    /// The number of the last message that all receivers have.
    pub(super) fn complete(&self) -> u64 {
        self.complete.load(Ordering::Acquire)
    }
}
