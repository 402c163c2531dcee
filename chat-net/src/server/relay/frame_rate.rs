//! The rate of a connection's frames of parcels.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chat_core::time::Mono;

/// The frames of parcels that a connection may send each second in the long run. A client that relays to a whole room
/// sends fewer, because a frame holds some hundred short parcels. Frames of parcels do not count towards
/// [`ServerConfig::frames_per_second`](chat_core::server::ServerConfig::frames_per_second).
const PER_SECOND: u32 = 200;

/// The frames of parcels that a connection may send together: those of 25 s. A network that stood still delivers them at
/// once, and by default the server gives up a connection that is silent for longer.
const BURST: u32 = 25 * PER_SECOND;

const INTERVAL: Duration = Duration::from_nanos(1_000_000_000 / PER_SECOND as u64);

/// Counts frames, with one virtual time that every frame moves forward (the generic cell rate algorithm).
#[derive(Debug, Default)]
pub(super) struct FrameRate {
    /// Nanoseconds. Atomic only because a connection's handle is shared: one task counts.
    used: AtomicU64,
}

impl FrameRate {
    /// Counts a frame if it is within the rate. Otherwise, nothing changes.
    pub(super) fn take(&self, now: Mono) -> bool {
        let used = Mono::at(Duration::from_nanos(self.used.load(Ordering::Relaxed)));
        let after = used.max(now) + INTERVAL;
        if now.until(after) > INTERVAL * BURST {
            return false;
        }
        let nanos = after.since(Mono::ZERO).as_nanos();
        self.used.store(u64::try_from(nanos).unwrap_or(u64::MAX), Ordering::Relaxed);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_even_rate() {
        let rate = FrameRate::default();
        let taken = |seconds: u64| {
            let now = Mono::at(Duration::from_secs(seconds));
            (0..100_000).filter(|_| rate.take(now)).count()
        };
        assert_eq!(taken(100), BURST as usize);
        assert_eq!(taken(101), PER_SECOND as usize);
        assert_eq!(taken(103), 2 * PER_SECOND as usize);
        assert_eq!(taken(1_000), BURST as usize, "a pause restores the burst and no more");
    }
}
