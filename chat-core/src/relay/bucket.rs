//! A rate of bytes with a burst.

use std::time::Duration;

use crate::time::Mono;

/// So many bytes a second, and so many together after a pause. The state of each sender is one virtual time, which every
/// byte moves forward (the generic cell rate algorithm).
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    rate: u64,
    /// How far a virtual time may run ahead of the clock: the time of the burst.
    ahead: Duration,
}

impl Bucket {
    pub(super) fn new(rate: u32, burst: u32) -> Self {
        let rate = u64::from(rate.max(1));
        Self { rate, ahead: time(rate, burst.into()) }
    }

    /// For senders that keep to this rate and burst themselves. The network may compress what they send, so a quarter more
    /// is allowed.
    pub(super) fn policing(rate: u32, burst: u32) -> Self {
        let more = |value: u32| value.saturating_add(value / 4);
        Self::new(more(rate), more(burst))
    }

    /// Counts `bytes` if they are within the rate. Otherwise, nothing changes.
    pub(super) fn take(self, now: Mono, used: &mut Mono, bytes: usize) -> bool {
        let after = (*used).max(now) + time(self.rate, super::to_u64(bytes));
        if now.until(after) > self.ahead {
            return false;
        }
        *used = after;
        true
    }

    /// Whether the whole burst is allowed again.
    pub(super) fn is_full(self, now: Mono, used: Mono) -> bool {
        used <= now
    }
}

/// The time in which `bytes` are allowed.
fn time(rate: u64, bytes: u64) -> Duration {
    let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(rate);
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Mono {
        Mono::at(Duration::from_millis(millis))
    }

    /// How many of these bytes pass at this time, in pieces of 100.
    fn taken(bucket: Bucket, used: &mut Mono, millis: u64) -> usize {
        (0..1_000).filter(|_| bucket.take(at(millis), used, 100)).count() * 100
    }

    #[test]
    fn a_burst_passes_and_then_the_even_rate() {
        let bucket = Bucket::new(1_000, 5_000);
        let mut used = Mono::ZERO;
        assert_eq!(taken(bucket, &mut used, 10_000), 5_000);
        assert_eq!(taken(bucket, &mut used, 10_099), 0);
        assert_eq!(taken(bucket, &mut used, 10_100), 100);
        assert_eq!(taken(bucket, &mut used, 12_100), 2_000);
        assert!(!bucket.is_full(at(17_099), used) && bucket.is_full(at(17_100), used));
        assert_eq!(taken(bucket, &mut used, 90_000), 5_000, "a pause restores the burst and no more");
    }

    #[test]
    fn policing_allows_a_quarter_more() {
        let bucket = Bucket::policing(1_000, 4_000);
        let mut used = Mono::ZERO;
        assert_eq!(taken(bucket, &mut used, 10_000), 5_000);
        assert_eq!(taken(bucket, &mut used, 12_000), 2_500);
    }

    #[test]
    fn the_largest_and_the_smallest_rates_have_a_time() {
        for (rate, burst) in [(0, 0), (1, u32::MAX), (u32::MAX, u32::MAX)] {
            let mut used = Mono::ZERO;
            let passes = Bucket::policing(rate, burst).take(at(1), &mut used, 1_200);
            assert_eq!(passes, burst > 0, "{rate} {burst}");
        }
    }
}
