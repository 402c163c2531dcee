//! Percentiles and medians. There are no means: on a machine that other programs share, they say little.

use std::time::Duration;

/// A histogram of durations, exact to two significant digits.
#[derive(Clone, Debug)]
pub struct Histogram(hdrhistogram::Histogram<u64>);

impl Default for Histogram {
    fn default() -> Self {
        Self(hdrhistogram::Histogram::new_with_max(LONGEST_NANOS, SIGNIFICANT_DIGITS).expect("both limits are valid"))
    }
}

impl Histogram {
    /// Adds one duration. Durations above one hour count as one hour.
    pub fn record(&mut self, duration: Duration) {
        self.0.saturating_record(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Adds all durations of `other`.
    pub fn merge(&mut self, other: &Self) {
        self.0 += &other.0;
    }

    /// The number of durations.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The duration that the share `share` (0 to 1) of all durations does not exceed; zero if there are none.
    pub fn percentile(&self, share: f64) -> Duration {
        Duration::from_nanos(self.0.value_at_quantile(share))
    }
}

/// One hour: no run takes longer.
const LONGEST_NANOS: u64 = 3_600_000_000_000;

/// One percent is less than the noise of any machine.
const SIGNIFICANT_DIGITS: u8 = 2;

/// The median; of an even number of values the lower one in the middle.
///
/// # Panics
/// If there are no values.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values[(values.len() - 1) / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_within_one_percent() {
        let (mut histogram, mut other) = (Histogram::default(), Histogram::default());
        (1..=50_000).for_each(|nanos| histogram.record(Duration::from_nanos(nanos)));
        (50_001..=100_000).for_each(|nanos| other.record(Duration::from_nanos(nanos)));
        histogram.merge(&other);
        assert_eq!(histogram.count(), 100_000);
        for (share, exact) in [(0.5, 50_000.0), (0.99, 99_000.0), (0.999, 99_900.0), (1.0, 100_000.0)] {
            let found = histogram.percentile(share).as_nanos() as f64;
            assert!((exact..=exact * 1.01).contains(&found), "{share}: {found}");
        }
        assert_eq!(Histogram::default().percentile(0.5), Duration::ZERO);
    }

    #[test]
    fn the_median_is_one_of_the_values() {
        assert_eq!(median([3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), 2.0);
    }
}
