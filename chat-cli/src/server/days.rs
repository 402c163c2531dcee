//! A number of days, as an argument.

use std::str::FromStr;
use std::time::Duration;

use crate::texts::{Localised, Texts};

/// A number of whole days, with or without the unit: `30d` or `30`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Days(u32);

impl Days {
    /// The fewest days: more than the day after a registration, in which every account would count as unused.
    const MIN: u32 = 2;

    /// The most days, ten years.
    const MAX: u32 = 3_650;

    /// The time that the days take.
    pub fn duration(self) -> Duration {
        Duration::from_secs(60 * 60 * 24) * self.0
    }
}

impl FromStr for Days {
    type Err = DaysError;

    fn from_str(typed: &str) -> Result<Self, DaysError> {
        let digits = typed.strip_suffix('d').unwrap_or(typed);
        let days = digits.parse().ok().filter(|days| (Self::MIN..=Self::MAX).contains(days));
        days.map(Self).ok_or_else(|| DaysError(typed.to_owned()))
    }
}

/// The argument is not a number of days that is allowed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0} is not a number of days from {min} to {max}; write for example 30d", min = Days::MIN, max = Days::MAX)]
pub struct DaysError(String);

impl Localised for DaysError {
    fn text(&self, texts: &Texts) -> String {
        texts.say().days_range(&self.0, Days::MIN, Days::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_bounds_and_an_optional_unit() {
        for (typed, days) in [("30d", 30), ("30", 30), ("2d", 2), ("3650", 3_650)] {
            assert_eq!(typed.parse::<Days>().unwrap().duration(), Duration::from_secs(86_400 * days), "{typed}");
        }
        for typed in ["", "d", "1d", "0", "-3d", "3651d", "30h", "30 d", "99999999999d"] {
            let error = typed.parse::<Days>().unwrap_err().to_string();
            assert_eq!(error, format!("{typed} is not a number of days from 2 to 3650; write for example 30d"));
        }
    }
}
