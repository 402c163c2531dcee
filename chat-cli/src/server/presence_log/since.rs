//! The beginning of a period, as an argument.

use std::str::FromStr;

use chat_core::time::Timestamp;
use jiff::civil::{DateTime, Time};
use jiff::{SignedDuration, Zoned};

use crate::texts::{Localised, Texts};

/// A time: `2026-11-23T04:28:00Z`, a date or a date and a time of the local time zone, the last occurrence of a time of
/// day, or a span of time before now, such as `2h`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Since(Timestamp);

impl Since {
    /// The time.
    pub const fn timestamp(self) -> Timestamp {
        self.0
    }

    fn parse(typed: &str, now: &Zoned) -> Option<Self> {
        let typed = typed.trim();
        let time = if let Some(span) = span(typed) {
            now.timestamp().checked_sub(span).ok()?
        } else if let Ok(time) = typed.parse::<jiff::Timestamp>() {
            time
        } else if let Ok(time) = typed.parse::<DateTime>() {
            time.to_zoned(now.time_zone().clone()).ok()?.timestamp()
        } else {
            let today = now.with().time(typed.parse::<Time>().ok()?).build().ok()?;
            let last = if today <= *now { today } else { today.yesterday().ok()? };
            last.timestamp()
        };
        Some(Self(Timestamp::from_millis(u64::try_from(time.as_millisecond()).ok()?)))
    }
}

/// A number with a unit: seconds, minutes, hours or days of 24 hours.
fn span(typed: &str) -> Option<SignedDuration> {
    let (number, unit) = typed.split_at_checked(typed.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    number.parse::<u32>().ok().map(|number| SignedDuration::from_secs(i64::from(number) * seconds))
}

impl FromStr for Since {
    type Err = SinceError;

    fn from_str(typed: &str) -> Result<Self, SinceError> {
        Self::parse(typed, &Zoned::now()).ok_or(SinceError)
    }
}

/// The argument is not a time.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("{}", self.text(&Texts::default()))]
pub struct SinceError;

impl Localised for SinceError {
    fn text(&self, texts: &Texts) -> String {
        texts.say().since_form()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_absolute_local_or_before_now() {
        let now: Zoned = "2026-11-23T12:00:00+08:00[Asia/Shanghai]".parse().unwrap();
        for (typed, utc) in [
            ("2026-11-23T04:28:00Z", "2026-11-23T04:28:00.000Z"),
            ("2026-11-23T04:28:00.5+01:00", "2026-11-23T03:28:00.500Z"),
            ("2026-11-23", "2026-11-22T16:00:00.000Z"),
            ("2026-11-23 09:30", "2026-11-23T01:30:00.000Z"),
            ("2026-11-23T09:30:15", "2026-11-23T01:30:15.000Z"),
            ("09:30", "2026-11-23T01:30:00.000Z"),
            ("12:00", "2026-11-23T04:00:00.000Z"),
            ("23:15", "2026-11-22T15:15:00.000Z"),
            ("30s", "2026-11-23T03:59:30.000Z"),
            ("90m", "2026-11-23T02:30:00.000Z"),
            ("2h", "2026-11-23T02:00:00.000Z"),
            ("7d", "2026-11-16T04:00:00.000Z"),
        ] {
            let since = Since::parse(typed, &now).unwrap_or_else(|| panic!("{typed} is not accepted"));
            assert_eq!(since.timestamp().to_string(), utc, "{typed}");
        }
        for typed in ["", "h", "-2h", "2w", "noon", "25:00", "2026-13-01", "1969-01-01", "2026-11-23 25:00", "明天"] {
            assert!(Since::parse(typed, &now).is_none(), "{typed}");
        }
    }
}
