//! Percentiles and medians. Means are not computed, because load from other programs distorts them.

use std::time::Duration;

/// A histogram of durations, exact to two significant digits.
#[derive(Clone, Debug)]
pub struct Histogram(hdrhistogram::Histogram<u64>);

/// One hour, because no run takes longer.
const MAX_NANOS: u64 = 3_600_000_000_000;

impl Default for Histogram {
    fn default() -> Self {
        // Two digits: one percent is less than the noise of any machine.
        Self(hdrhistogram::Histogram::new_with_max(MAX_NANOS, 2).expect("both limits are valid"))
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

    /// The duration in milliseconds that the share `share` (0 to 1) of all durations does not exceed. `None` if there
    /// are no durations.
    pub fn millis(&self, share: f64) -> Option<f64> {
        (!self.0.is_empty()).then(|| self.0.value_at_quantile(share) as f64 / 1e6)
    }

    /// [`millis`](Self::millis) in microseconds.
    pub fn micros(&self, share: f64) -> Option<f64> {
        self.millis(share).map(|millis| millis * 1e3)
    }
}

/// A duration in milliseconds.
pub fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// The median. For an even number of values, the lower of the two middle ones.
///
/// # Panics
/// Panics if there are no values.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values[(values.len() - 1) / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_one_of_the_values() {
        assert_eq!(median([3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), 2.0);
    }
}
