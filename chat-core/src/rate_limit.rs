//! Rate limits: an even rate with bursts.

mod by_source;

use std::time::Duration;

pub use self::by_source::SourceRates;
use crate::time::Mono;

/// A limit on how often events may happen, with a burst: the generic cell rate algorithm (ITU-T I.371).
///
/// Each event moves a virtual time forward by the interval. The limit is exceeded while the virtual time is further
/// ahead of the clock than a whole burst. A caller either asks before each event ([`take`](Self::take)), or counts
/// events that have happened ([`count`](Self::count)) and waits until [`free_at`](Self::free_at).
///
/// The default is no limit.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RateLimit {
    interval: Duration,
    /// How far the virtual time may run ahead: the burst times the interval.
    ahead: Duration,
    virtual_time: Mono,
}

impl RateLimit {
    /// One event per `interval` in the long run, and up to `burst` together after a pause. A burst of 0 allows nothing;
    /// an interval of zero is no limit.
    pub(crate) fn new(interval: Duration, burst: u32) -> Self {
        Self { interval, ahead: interval.saturating_mul(burst), virtual_time: Mono::ZERO }
    }

    /// `rate` events per second in the long run, and up to `burst` together. A rate of 0 is no limit.
    pub(crate) fn per_second(rate: u32, burst: u32) -> Self {
        let interval = Duration::from_secs(1).checked_div(rate).unwrap_or_default();
        Self::new(interval, burst)
    }

    /// Counts one event if the limit allows it.
    ///
    /// # Errors
    /// The time to wait until the limit allows one more. The event does not count.
    pub(crate) fn take(&mut self, now: Mono) -> Result<(), Duration> {
        let mut after = *self;
        after.count(now);
        let wait = now.until(after.free_at());
        if wait > Duration::ZERO {
            return Err(wait);
        }
        *self = after;
        Ok(())
    }

    /// Counts one event, whether or not the limit allows it.
    pub(crate) fn count(&mut self, now: Mono) {
        self.count_many(now, 1);
    }

    /// Counts as many events, whether or not the limit allows them.
    pub(crate) fn count_many(&mut self, now: Mono, events: u32) {
        self.virtual_time = self.virtual_time.max(now) + self.interval.saturating_mul(events);
    }

    /// Counts one event, whether or not the limit allows it, but only as far as the time of one more burst makes good.
    pub(crate) fn count_up_to_a_burst(&mut self, now: Mono) {
        let (before, most) = (self.virtual_time, now + self.ahead.saturating_mul(2));
        self.count(now);
        self.virtual_time = self.virtual_time.min(most).max(before);
    }

    /// The time from which the events counted so far are within the limit.
    pub(crate) fn free_at(&self) -> Mono {
        self.virtual_time.before(self.ahead)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_even_rate_applies() {
        let mut limit = RateLimit::new(Duration::from_millis(100), 4);
        let mut take = |millis| limit.take(Mono::at(Duration::from_millis(millis)));
        assert_eq!((0..6).filter(|_| take(0).is_ok()).count(), 4);
        assert_eq!(take(99), Err(Duration::from_millis(1)));
        assert_eq!(take(100), Ok(()));
        assert_eq!(take(199), Err(Duration::from_millis(1)));
        assert_eq!((0..6).filter(|_| take(9_000).is_ok()).count(), 4, "a pause restores the burst and no more");
    }

    #[test]
    fn events_that_are_counted_up_to_a_burst_are_made_good_in_the_time_of_one() {
        let mut limit = RateLimit::new(Duration::from_secs(1), 4);
        let now = Mono::at(Duration::from_secs(9));
        (0..6).for_each(|_| limit.count_up_to_a_burst(now));
        assert_eq!(now.until(limit.free_at()), Duration::from_secs(2));
        (0..1_000).for_each(|_| limit.count_up_to_a_burst(now));
        assert_eq!(now.until(limit.free_at()), Duration::from_secs(4));
        limit.count_many(now, 3);
        limit.count_up_to_a_burst(now);
        assert_eq!(now.until(limit.free_at()), Duration::from_secs(7), "what was counted before stays");
    }

    #[test]
    fn counted_events_beyond_the_burst_delay_the_next_ones() {
        let mut limit = RateLimit::per_second(50, 500);
        let now = Mono::at(Duration::from_secs(9));
        (0..500).for_each(|_| limit.count(now));
        assert_eq!(limit.free_at(), now);
        limit.count(now);
        assert_eq!(limit.free_at(), now + Duration::from_millis(20));
    }

    #[test]
    fn a_burst_of_zero_allows_nothing() {
        assert!(RateLimit::new(Duration::from_secs(1), 0).take(Mono::ZERO).is_err());
    }

    #[test]
    fn a_rate_of_zero_and_the_default_are_no_limit() {
        for mut limit in [RateLimit::per_second(0, 0), RateLimit::default()] {
            (0..1_000_000).for_each(|_| limit.count(Mono::ZERO));
            assert_eq!(limit.free_at(), Mono::ZERO);
            assert_eq!(limit.take(Mono::ZERO), Ok(()));
        }
    }
}
