//! Reads the clocks for the drivers: tokio's for timers, the system's for timestamps.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chat_core::time::{Mono, Now, Timestamp};
use tokio::time::Instant;

/// Maps tokio's clock to [`Mono`] and back. Each driver has one; its start is [`Mono::ZERO`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// Reads both clocks.
    pub(crate) fn now(&self) -> Now {
        Now { mono: self.mono(), wall: wall() }
    }

    /// Reads the monotonic clock only.
    pub(crate) fn mono(&self) -> Mono {
        Mono::at(self.start.elapsed())
    }

    /// Converts a machine's deadline for a timer.
    pub(crate) fn instant(&self, at: Mono) -> Instant {
        // Bounds the sum so that an `Instant` can hold it. No driver runs that long.
        const FAR: Duration = Duration::from_secs(86_400 * 365 * 100);
        self.start + at.since(Mono::ZERO).min(FAR)
    }
}

/// The system time. A clock set before 1970 reads as 1970.
pub(crate) fn wall() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_timer_fires_at_the_deadline_of_the_machine() {
        let clock = Clock::start();
        let deadline = clock.now().mono + Duration::from_millis(1_500);
        tokio::time::sleep_until(clock.instant(deadline)).await;
        assert!(clock.now().mono >= deadline);
        assert!(clock.instant(Mono::at(Duration::MAX)) > Instant::now());
    }
}
