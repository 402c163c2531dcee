//! How long things took, in classes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counts durations by class: a few atomic additions each, and nobody waits.
#[derive(Debug, Default)]
pub(crate) struct Histogram {
    classes: [AtomicU64; Distribution::BOUNDS.len()],
    longer: AtomicU64,
    micros: AtomicU64,
}

impl Histogram {
    /// Counts one.
    pub(crate) fn record(&self, took: Duration) {
        let class = Distribution::BOUNDS.iter().position(|bound| took <= *bound);
        class.map_or(&self.longer, |class| &self.classes[class]).fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// What was counted by now.
    pub(crate) fn distribution(&self) -> Distribution {
        let classes = std::array::from_fn(|class| self.classes[class].load(Ordering::Relaxed));
        Distribution {
            classes,
            longer: self.longer.load(Ordering::Relaxed),
            sum: Duration::from_micros(self.micros.load(Ordering::Relaxed)),
        }
    }
}

/// How long things took since the start.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Distribution {
    classes: [u64; Self::BOUNDS.len()],
    longer: u64,
    sum: Duration,
}

impl Distribution {
    /// The upper end of each class, inclusive: from what a quiet server needs for a turn to what nobody waits for.
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

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.classes.iter().sum::<u64>() + self.longer
    }

    /// All of them together.
    pub const fn sum(&self) -> Duration {
        self.sum
    }

    /// For each bound, how many took at most that long.
    pub fn cumulative(&self) -> impl Iterator<Item = (Duration, u64)> {
        let mut total = 0;
        Self::BOUNDS.into_iter().zip(self.classes).map(move |(bound, count)| {
            total += count;
            (bound, total)
        })
    }

    /// The bound of the class in which the given part of all lies, as 0.99 for all but the slowest hundredth; `None` if
    /// there were none, or that one took longer than the last bound.
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
    fn durations_fall_into_the_class_whose_end_they_do_not_exceed() {
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
        assert_eq!(found.quantile(1.0), None, "longer than the last bound");
    }
}
