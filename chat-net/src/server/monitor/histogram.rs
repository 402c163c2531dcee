//! Durations, counted in buckets.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counts durations with a few atomic additions each.
#[derive(Debug, Default)]
pub(crate) struct Histogram {
    buckets: [AtomicU64; Distribution::BOUNDS.len()],
    longer: AtomicU64,
    micros: AtomicU64,
}

impl Histogram {
    pub(crate) fn record(&self, elapsed: Duration) {
        let bucket = Distribution::BOUNDS.iter().position(|bound| elapsed <= *bound);
        bucket.map_or(&self.longer, |bucket| &self.buckets[bucket]).fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    pub(crate) fn distribution(&self) -> Distribution {
        let load = |number: &AtomicU64| number.load(Ordering::Relaxed);
        Distribution {
            buckets: self.buckets.each_ref().map(load),
            longer: load(&self.longer),
            sum: Duration::from_micros(load(&self.micros)),
        }
    }
}

/// The durations recorded since the server started, as a histogram.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Distribution {
    buckets: [u64; Self::BOUNDS.len()],
    longer: u64,
    sum: Duration,
}

impl Distribution {
    /// The upper bound of each bucket, inclusive: from a turn of an idle server to a wait that nobody accepts.
    pub const BOUNDS: [Duration; 16] = [
        Duration::from_micros(100),
        Duration::from_micros(250),
        Duration::from_micros(500),
        Duration::from_millis(1),
        Duration::from_micros(2_500),
        Duration::from_millis(5),
        Duration::from_millis(10),
        Duration::from_millis(25),
        Duration::from_millis(50),
        Duration::from_millis(100),
        Duration::from_millis(250),
        Duration::from_millis(500),
        Duration::from_secs(1),
        Duration::from_millis(2_500),
        Duration::from_secs(5),
        Duration::from_secs(10),
    ];

    /// The number of durations, including those above the last bound.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum::<u64>() + self.longer
    }

    /// The sum of all durations. Each counts in whole microseconds.
    pub const fn sum(&self) -> Duration {
        self.sum
    }

    /// Each bound in ascending order, with the number of durations that do not exceed it. Durations above the last
    /// bound are only in [`Self::count`].
    pub fn cumulative(&self) -> impl Iterator<Item = (Duration, u64)> {
        let mut total = 0;
        Self::BOUNDS.into_iter().zip(self.buckets).map(move |(bound, count)| {
            total += count;
            (bound, total)
        })
    }

    /// The smallest bound that at least the fraction `part` of all durations does not exceed: 0.99 gives the 99th
    /// percentile, rounded up to a bound. `None` without durations, or if the percentile exceeds the last bound.
    pub fn quantile(&self, part: f64) -> Option<Duration> {
        let rank = self.count() as f64 * part;
        let (bound, _) = self.cumulative().find(|(_, count)| *count > 0 && *count as f64 >= rank)?;
        Some(bound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_counts_in_the_first_bucket_whose_bound_it_does_not_exceed() {
        let histogram = Histogram::default();
        assert_eq!(histogram.distribution().quantile(0.5), None);
        for micros in [1, 100, 101, 30_000, 20_000_000] {
            histogram.record(Duration::from_micros(micros));
        }
        let found = histogram.distribution();
        assert_eq!((found.count(), found.sum()), (5, Duration::from_micros(20_030_202)));
        let counts: Vec<u64> = found.cumulative().map(|(_, count)| count).collect();
        assert_eq!((counts[0], counts[1], counts[8], counts[15]), (2, 3, 4, 4));
        assert_eq!(found.quantile(0.5), Some(Duration::from_micros(250)));
        assert_eq!(found.quantile(0.8), Some(Duration::from_millis(50)));
        assert_eq!(found.quantile(1.0), None, "the longest exceeds the last bound");
    }
}
