//! Limits the handshakes in progress for each source. The machine counts connections only after their handshake;
//! without this limit, one client that opens connections and sends nothing would lock out all others.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chat_core::source::Source;

/// The number of handshakes in progress for each source.
#[derive(Clone, Debug, Default)]
pub(super) struct HandshakeLimiter(Arc<Mutex<HashMap<Source, usize>>>);

/// Counts one handshake until it is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    limiter: HandshakeLimiter,
    source: Source,
}

impl HandshakeLimiter {
    /// Returns a slot for a connection from `ip`, or `None` if its source holds `limit` slots.
    pub(super) fn acquire(&self, ip: IpAddr, limit: usize) -> Option<Slot> {
        let source = Source::from(ip);
        let mut counts = self.lock();
        let count = counts.get(&source).copied().unwrap_or(0);
        if count >= limit {
            return None;
        }
        counts.insert(source, count + 1);
        drop(counts);
        Some(Slot { limiter: self.clone(), source })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Source, usize>> {
        // Nothing panics while the lock is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut counts = self.limiter.lock();
        match counts.get_mut(&self.source) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(counts.remove(&self.source)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_source_has_its_own_slots_and_dropping_one_frees_it() {
        let limiter = HandshakeLimiter::default();
        let acquire = |ip: &str| limiter.acquire(ip.parse().unwrap(), 2);
        let first = acquire("2001:db8::1");
        let second = acquire("2001:db8::2");
        assert!(first.is_some() && second.is_some() && acquire("2001:db8::3").is_none());
        assert!(acquire("2001:db8:0:1::1").is_some() && acquire("192.0.2.1").is_some());
        drop(first);
        let third = acquire("2001:db8::3");
        assert!(third.is_some() && acquire("2001:db8::4").is_none());
        drop((second, third));
        assert!(limiter.lock().is_empty());
    }
}
