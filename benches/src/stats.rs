//! Percentiles and medians, the only statistics here: a mean says nothing about a machine that others use too.

use std::time::Duration;

/// Counts durations in buckets whose width is at most 1/32 of their value.
#[derive(Clone, Debug)]
pub struct Histogram {
    buckets: Vec<u64>,
    count: u64,
    most: u64,
}

/// Each power of two is cut into so many buckets.
const PARTS: u64 = 32;

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: vec![0; 64 * PARTS as usize], count: 0, most: 0 }
    }
}

impl Histogram {
    /// Adds one duration.
    pub fn record(&mut self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.buckets[bucket(nanos)] += 1;
        self.count += 1;
        self.most = self.most.max(nanos);
    }

    /// Adds all of another one.
    pub fn merge(&mut self, other: &Self) {
        self.buckets.iter_mut().zip(&other.buckets).for_each(|(mine, theirs)| *mine += theirs);
        self.count += other.count;
        self.most = self.most.max(other.most);
    }

    /// How many durations it has.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The duration that `share` (0 to 1) of all do not exceed, to within 1/32; zero if there is none.
    pub fn percentile(&self, share: f64) -> Duration {
        let rank = ((self.count as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        let bucket = self.buckets.iter().position(|count| {
            seen += count;
            seen >= rank
        });
        Duration::from_nanos(bucket.map_or(0, |bucket| upper(bucket as u64).min(self.most)))
    }
}

fn bucket(nanos: u64) -> usize {
    if nanos < PARTS {
        return nanos as usize;
    }
    let shift = u64::from(nanos.ilog2()) - u64::from(PARTS.ilog2());
    (shift * PARTS + (nanos >> shift)) as usize
}

/// The highest value of a bucket.
const fn upper(bucket: u64) -> u64 {
    if bucket < PARTS {
        return bucket;
    }
    let shift = bucket / PARTS - 1;
    (((bucket - shift * PARTS) + 1) << shift) - 1
}

/// The value in the middle; of an even number the lower of the two.
///
/// # Panics
/// If there is none.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values[(values.len() - 1) / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_within_a_thirty_second() {
        let mut histogram = Histogram::default();
        (1..=100_000).for_each(|nanos| histogram.record(Duration::from_nanos(nanos)));
        for (share, exact) in [(0.5, 50_000.0), (0.99, 99_000.0), (0.999, 99_900.0), (1.0, 100_000.0)] {
            let told = histogram.percentile(share).as_nanos() as f64;
            assert!((exact..=exact * (1.0 + 1.0 / 32.0)).contains(&told), "{share}: {told}");
        }
        assert_eq!(Histogram::default().percentile(0.5), Duration::ZERO);
    }

    #[test]
    fn buckets_and_their_bounds_belong_together() {
        for nanos in [0, 1, 31, 32, 33, 63, 64, 1_000, 123_456_789, u64::MAX / 2] {
            let bucket = bucket(nanos) as u64;
            assert!(nanos <= upper(bucket) && (bucket == 0 || nanos > upper(bucket - 1)), "{nanos}");
        }
    }

    #[test]
    fn the_median_is_a_value_that_was_measured() {
        assert_eq!(median([3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), 2.0);
    }
}
