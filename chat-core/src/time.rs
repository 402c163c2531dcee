//! Two kinds of time: [`Mono`] for timeouts, and [`Timestamp`] for times that are stored, sent and displayed.

use std::fmt;
use std::ops::Add;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Both clocks. The driver reads them once per event.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "there are two clocks")]
pub struct Now {
    /// The monotonic clock, for timeouts. Never goes back.
    pub mono: Mono,
    /// The wall clock, for data. May be set at any time.
    pub wall: Timestamp,
}

/// A monotonic time, in nanoseconds since a moment that the driver chose.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Mono(u64);

impl Mono {
    /// The moment from which the driver counts.
    pub const ZERO: Self = Self(0);

    /// The time `elapsed` after [`Mono::ZERO`], at most about 584 years.
    pub fn at(elapsed: Duration) -> Self {
        Self(saturating_nanos(elapsed))
    }

    /// The time since `earlier`, or zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// The time until `later`, or zero if `later` is earlier.
    pub fn until(self, later: Self) -> Duration {
        later.since(self)
    }

    /// The time `duration` earlier, but not before [`Mono::ZERO`].
    #[must_use]
    pub fn before(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(saturating_nanos(duration)))
    }
}

impl Add<Duration> for Mono {
    type Output = Self;

    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(saturating_nanos(rhs)))
    }
}

fn saturating_nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// A point in time in milliseconds since the Unix epoch. Times are stored and sent in this form only.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The time `millis` milliseconds after 1970-01-01T00:00:00Z.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// The time moved by `offset` milliseconds, saturating at the ends of the range.
    pub const fn offset_by(self, offset: i64) -> Self {
        Self(self.0.saturating_add_signed(offset))
    }

    /// The absolute difference between two times.
    pub const fn abs_diff(self, other: Self) -> Duration {
        Duration::from_millis(self.0.abs_diff(other.0))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(rhs.as_millis()).unwrap_or(u64::MAX)))
    }
}

/// RFC 3339 in UTC with milliseconds. Times after the year 9999 are displayed as the end of that year.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = i64::try_from(self.0)
            .ok()
            .and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok())
            .unwrap_or(jiff::Timestamp::MAX);
        write!(f, "{time:.3}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_displayed_as_rfc_3339_with_milliseconds() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_795_408_080_123, "2026-11-23T04:28:00.123Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
        ] {
            assert_eq!(Timestamp::from_millis(millis).to_string(), text, "{millis}");
        }
        assert!(Timestamp::from_millis(u64::MAX).to_string().starts_with("9999-12-30"));
    }

    #[test]
    fn monotonic_times_saturate() {
        let later = Mono::ZERO + Duration::from_secs(3);
        assert_eq!(later.since(Mono::ZERO), Duration::from_secs(3));
        assert_eq!(Mono::ZERO.since(later), Duration::ZERO);
        assert_eq!(later + Duration::MAX, Mono::at(Duration::MAX));
    }

    #[test]
    fn offsets_work_in_both_directions_and_saturate() {
        let noon = Timestamp::from_millis(1_000);
        assert_eq!(noon.offset_by(-400), Timestamp::from_millis(600));
        assert_eq!(noon.offset_by(-4_000), Timestamp::from_millis(0));
        assert_eq!(noon.abs_diff(noon.offset_by(-400)), Duration::from_millis(400));
    }
}
