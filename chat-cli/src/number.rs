//! Whole numbers within bounds, as options and as keys of a file.

use std::fmt;
use std::str::FromStr;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

/// A number from `LEAST` to `MOST`, both allowed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Number<const LEAST: u64, const MOST: u64>(u64);

impl<const LEAST: u64, const MOST: u64> Number<LEAST, MOST> {
    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The number, as what counts things in memory.
    pub fn count(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }

    /// The number, as what fits in 32 bits.
    pub fn small(self) -> u32 {
        u32::try_from(self.0).unwrap_or(u32::MAX)
    }

    const fn wrong(typed: String) -> NumberError {
        NumberError { typed, least: LEAST, most: MOST }
    }

    fn within(number: u64) -> Option<Self> {
        (LEAST..=MOST).contains(&number).then_some(Self(number))
    }
}

impl<const LEAST: u64, const MOST: u64> FromStr for Number<LEAST, MOST> {
    type Err = NumberError;

    fn from_str(typed: &str) -> Result<Self, NumberError> {
        typed.parse().ok().and_then(Self::within).ok_or_else(|| Self::wrong(typed.to_owned()))
    }
}

impl<'de, const LEAST: u64, const MOST: u64> Deserialize<'de> for Number<LEAST, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Within<const LEAST: u64, const MOST: u64>;

        impl<const LEAST: u64, const MOST: u64> Visitor<'_> for Within<LEAST, MOST> {
            type Value = Number<LEAST, MOST>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a whole number from {LEAST} to {MOST}")
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
                let within = u64::try_from(number).ok().and_then(Number::within);
                within.ok_or_else(|| E::custom(Number::<LEAST, MOST>::wrong(number.to_string())))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
                Number::within(number).ok_or_else(|| E::custom(Number::<LEAST, MOST>::wrong(number.to_string())))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Err(E::invalid_type(Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_u64(Within)
    }
}

/// What was typed is not such a number.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("'{typed}' is not allowed; write a whole number from {least} to {most}")]
pub struct NumberError {
    typed: String,
    least: u64,
    most: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    type Hand = Number<1, 5>;

    #[test]
    fn both_ends_are_allowed_and_what_is_beyond_is_named() {
        for typed in ["1", "5"] {
            assert_eq!(typed.parse::<Hand>().map(|number| number.get().to_string()), Ok(typed.to_owned()));
        }
        for typed in ["0", "6", "-1", "", "two", "1.5", "99999999999999999999"] {
            let error = typed.parse::<Hand>().unwrap_err().to_string();
            assert_eq!(error, format!("'{typed}' is not allowed; write a whole number from 1 to 5"));
        }
    }

    #[test]
    fn a_file_is_read_alike() {
        let read = |text| serde_json::from_str::<Hand>(text);
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
