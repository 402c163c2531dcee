//! Who stands before the door: connections that have not shaken hands yet, counted by where they come from.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chat_core::source::Source;

/// The count of each network. The machine counts connections only once they are secure; without this, one machine that
/// opens many and says nothing would keep everybody else out.
#[derive(Clone, Debug, Default)]
pub(super) struct HandshakeLimiter(Arc<Mutex<HashMap<Source, usize>>>);

/// One connection before the door, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    porch: HandshakeLimiter,
    source: Source,
}

impl HandshakeLimiter {
    /// Takes a connection from `ip` in, unless there are `most` already.
    pub(super) fn enter(&self, ip: IpAddr, most: usize) -> Option<Place> {
        let source = Source::from(ip);
        let mut counts = self.lock();
        let count = counts.get(&source).copied().unwrap_or(0);
        if count >= most {
            return None;
        }
        counts.insert(source, count + 1);
        drop(counts);
        Some(Place { porch: self.clone(), source })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Source, usize>> {
        // Nothing under the lock panics half-way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.porch.lock();
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
    fn each_network_has_its_places_and_those_that_are_left_are_free() {
        let porch = HandshakeLimiter::default();
        let enter = |ip: &str| porch.enter(ip.parse().unwrap(), 2);
        let first = enter("2001:db8::1");
        let second = enter("2001:db8::2");
        assert!(first.is_some() && second.is_some() && enter("2001:db8::3").is_none());
        assert!(enter("2001:db8:0:1::1").is_some() && enter("192.0.2.1").is_some());
        drop(first);
        let third = enter("2001:db8::3");
        assert!(third.is_some() && enter("2001:db8::4").is_none());
        drop((second, third));
        assert!(porch.lock().is_empty());
    }
}
