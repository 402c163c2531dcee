//! Which messages are in flight: sent, and not yet got by all receiving applications.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// The most messages that can be in flight.
pub const MOST: usize = 1024;

/// Written by one thread, in which all receivers run, and read by the sender.
#[derive(Debug)]
pub struct Window {
    receivers: u32,
    /// How many receivers have got a message that not all have, by its number.
    arrived: Box<[AtomicU32]>,
    complete: AtomicU64,
    delivered: AtomicU64,
    busy: AtomicBool,
}

/// How often receivers that rest look whether a run begins.
pub const REST: Duration = Duration::from_millis(5);

impl Window {
    /// For so many receivers.
    pub fn new(receivers: usize) -> Self {
        let arrived = (0..MOST).map(|_| AtomicU32::new(0)).collect();
        let receivers = u32::try_from(receivers).unwrap_or(u32::MAX);
        Self {
            receivers,
            arrived,
            complete: AtomicU64::new(0),
            delivered: AtomicU64::new(0),
            busy: AtomicBool::new(false),
        }
    }

    /// A run begins: until [`Window::rest`] the receivers look for datagrams again and again without sleeping, because to
    /// wake a processor costs several times what a datagram does, and would hide everything else.
    pub fn work(&self) {
        self.busy.store(true, Ordering::Release);
        std::thread::sleep(REST * 2);
    }

    /// A run is over.
    pub fn rest(&self) {
        self.busy.store(false, Ordering::Release);
    }

    /// Whether a run goes on.
    pub fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Acquire)
    }

    /// A receiving application got message `number`; each of them gets 1, 2, 3 and so on.
    pub fn arrived(&self, number: u64) {
        let slot = &self.arrived[number as usize % MOST];
        // No other thread writes, so that no locked instruction is needed.
        let count = slot.load(Ordering::Relaxed) + 1;
        if count == self.receivers {
            slot.store(0, Ordering::Relaxed);
            self.complete.store(number, Ordering::Release);
        } else {
            slot.store(count, Ordering::Relaxed);
        }
    }

    /// Receiving applications got so many messages; counted apart, because it is cheaper for many at once.
    pub fn count(&self, messages: u64) {
        self.delivered.store(self.delivered.load(Ordering::Relaxed) + messages, Ordering::Release);
    }

    /// How many messages receiving applications got in all.
    pub fn delivered(&self) -> u64 {
        self.delivered.load(Ordering::Acquire)
    }

    /// The last message that all have.
    pub fn complete(&self) -> u64 {
        self.complete.load(Ordering::Acquire)
    }
}
