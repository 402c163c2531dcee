//! Rates with bursts.

use std::time::Duration;

use crate::time::Mono;

/// An even rate with bursts, as one time: when the burst would be used up if everything came at the even rate (the
/// generic cell rate algorithm).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rate(Mono);

impl Rate {
    /// Counts one, if at most `burst` have come since one was due every `interval`.
    ///
    /// # Errors
    /// The time after which one more may come.
    pub(super) fn take(&mut self, now: Mono, interval: Duration, burst: u32) -> Result<(), Duration> {
        let used = now.until(self.0) + interval;
        let allowed = interval.saturating_mul(burst);
        if used > allowed {
            return Err(used - allowed);
        }
        self.0 = now + used;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_allowed_and_then_the_even_rate() {
        let mut rate = Rate::default();
        let mut take = |millis| rate.take(Mono::at(Duration::from_millis(millis)), Duration::from_millis(100), 4);
        assert_eq!((0..6).filter(|_| take(0).is_ok()).count(), 4);
        assert_eq!(take(99), Err(Duration::from_millis(1)));
        assert_eq!(take(100), Ok(()));
        assert_eq!(take(199), Err(Duration::from_millis(1)));
        assert_eq!((0..6).filter(|_| take(9_000).is_ok()).count(), 4, "a pause fills the burst, not more");
    }

    #[test]
    fn a_burst_of_none_allows_nothing() {
        assert!(Rate::default().take(Mono::ZERO, Duration::from_secs(1), 0).is_err());
    }
}
