//! Whole numbers with bounds, for arguments and for keys of a file.

use std::fmt;
use std::str::FromStr;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

/// A number from `MIN` to `MAX`, inclusive.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Number<const MIN: u64, const MAX: u64>(u64);

impl<const MIN: u64, const MAX: u64> Number<MIN, MAX> {
    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The number as a count of things in memory. Saturates on platforms where it does not fit.
    pub fn count(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }

    /// The number in 32 bits. Saturates if it does not fit.
    pub fn small(self) -> u32 {
        u32::try_from(self.0).unwrap_or(u32::MAX)
    }

    const fn invalid(typed: String) -> NumberError {
        NumberError { typed, min: MIN, max: MAX }
    }

    fn within(number: u64) -> Option<Self> {
        (MIN..=MAX).contains(&number).then_some(Self(number))
    }
}

impl<const MIN: u64, const MAX: u64> FromStr for Number<MIN, MAX> {
    type Err = NumberError;

    fn from_str(typed: &str) -> Result<Self, NumberError> {
        typed.parse().ok().and_then(Self::within).ok_or_else(|| Self::invalid(typed.to_owned()))
    }
}

impl<'de, const MIN: u64, const MAX: u64> Deserialize<'de> for Number<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Within<const MIN: u64, const MAX: u64>;

        impl<const MIN: u64, const MAX: u64> Visitor<'_> for Within<MIN, MAX> {
            type Value = Number<MIN, MAX>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a whole number from {MIN} to {MAX}")
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
                let within = u64::try_from(number).ok().and_then(Number::within);
                within.ok_or_else(|| E::custom(Number::<MIN, MAX>::invalid(number.to_string())))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
                Number::within(number).ok_or_else(|| E::custom(Number::<MIN, MAX>::invalid(number.to_string())))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Err(E::invalid_type(Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_u64(Within)
    }
}

/// The text is not a number within the bounds.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("'{typed}' is not allowed; write a whole number from {min} to {max}")]
pub struct NumberError {
    typed: String,
    min: u64,
    max: u64,
}

impl NumberError {
    /// The typed text.
    pub fn typed(&self) -> &str {
        &self.typed
    }

    /// The least number that is allowed.
    pub const fn min(&self) -> u64 {
        self.min
    }

    /// The greatest number that is allowed.
    pub const fn max(&self) -> u64 {
        self.max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Digit = Number<1, 5>;

    #[test]
    fn both_bounds_are_valid_and_the_error_quotes_what_is_beyond() {
        for typed in ["1", "5"] {
            assert_eq!(typed.parse::<Digit>().map(|number| number.get().to_string()), Ok(typed.to_owned()));
        }
        for typed in ["0", "6", "-1", "", "two", "1.5", "99999999999999999999"] {
            let error = typed.parse::<Digit>().unwrap_err().to_string();
            assert_eq!(error, format!("'{typed}' is not allowed; write a whole number from 1 to 5"));
        }
    }

    #[test]
    fn a_file_obeys_the_same_bounds() {
        let read = |text| serde_json::from_str::<Digit>(text);
        assert_eq!(read("5").unwrap(), Number(5));
        for (text, sentence) in [
            ("6", "'6' is not allowed; write a whole number from 1 to 5"),
            ("-1", "'-1' is not allowed; write a whole number from 1 to 5"),
            ("\"5\"", "invalid type: string \"5\", expected a whole number from 1 to 5"),
        ] {
            assert!(read(text).unwrap_err().to_string().starts_with(sentence), "{text}");
        }
    }
}
