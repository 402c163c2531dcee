//! The only place that reads clocks: tokio's for timeouts, the system's for data.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chat_core::time::{Mono, Now, Timestamp};
use tokio::time::Instant;

/// Maps tokio's clock to [`Mono`] and back. One per driver: its start is [`Mono::ZERO`].
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
        Now { mono: Mono::at(self.start.elapsed()), wall: wall() }
    }

    /// When a machine's deadline is, for a timer.
    pub(crate) fn instant(&self, at: Mono) -> Instant {
        // A deadline beyond what an instant can hold is as good as none: no driver lives so long.
        const FAR: Duration = Duration::from_secs(86_400 * 365 * 100);
        self.start + at.since(Mono::ZERO).min(FAR)
    }
}

/// The time on the wall; a clock set before 1970 counts as 1970.
pub(crate) fn wall() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_deadline_is_reached_when_the_machine_thinks_so() {
        let clock = Clock::start();
        let deadline = clock.now().mono + Duration::from_millis(1_500);
        tokio::time::sleep_until(clock.instant(deadline)).await;
        assert!(clock.now().mono >= deadline);
        assert!(clock.instant(Mono::at(Duration::MAX)) > Instant::now());
    }
}
