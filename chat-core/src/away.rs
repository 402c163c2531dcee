//! The away text: what users say who are away. It is part of their entry in the roster, for the time of a session.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::text;

/// The text of a user who is away: up to 128 bytes of UTF-8 on one line. An empty one says only that the user is away.
///
/// It contains no control characters, no bidirectional controls, and neither U+2028 nor U+2029. The server and the
/// clients that receive it check this.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct AwayText(Arc<str>);

impl AwayText {
    /// The most bytes of an away text: a sentence, or forty Chinese characters. The client of everybody online keeps one
    /// of everybody else, and each change is sent to all.
    pub const MAX_BYTES: usize = 128;

    /// Checks `typed`.
    ///
    /// # Errors
    /// The rule that `typed` breaks.
    pub fn parse(typed: &str) -> Result<Self, AwayTextError> {
        if typed.len() > Self::MAX_BYTES {
            return Err(AwayTextError::TooLong { bytes: typed.len() });
        }
        match typed.chars().find(|&ch| ch.is_control() || text::is_forbidden(ch)) {
            Some(ch) => Err(AwayTextError::Char(ch)),
            None => Ok(Self(typed.into())),
        }
    }

    /// The text as a string.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the user says nothing but that they are away.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromStr for AwayText {
    type Err = AwayTextError;

    fn from_str(typed: &str) -> Result<Self, AwayTextError> {
        Self::parse(typed)
    }
}

impl TryFrom<&str> for AwayText {
    type Error = AwayTextError;

    fn try_from(typed: &str) -> Result<Self, AwayTextError> {
        Self::parse(typed)
    }
}

impl TryFrom<String> for AwayText {
    type Error = AwayTextError;

    fn try_from(typed: String) -> Result<Self, AwayTextError> {
        Self::parse(&typed)
    }
}

/// As a string.
impl Serialize for AwayText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// Checks the rules.
impl<'de> Deserialize<'de> for AwayText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let typed = <&str>::deserialize(deserializer)?;
        Self::parse(typed).map_err(serde::de::Error::custom)
    }
}

/// Prints only the length: what people write does not belong in logs.
impl fmt::Debug for AwayText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AwayText({} bytes)", self.0.len())
    }
}

/// Why an away text is refused. Exhaustive: the server and all clients check the same rules.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(clippy::exhaustive_enums, reason = "the rules are part of the protocol")]
pub enum AwayTextError {
    /// The text has more than [`AwayText::MAX_BYTES`] bytes.
    #[error("the away text is too long ({bytes} bytes); at most {} bytes are allowed", AwayText::MAX_BYTES)]
    TooLong {
        /// The length of the text in bytes.
        bytes: usize,
    },
    /// The text contains this control character.
    #[error("the away text contains the control character U+{:04X}; type one line of plain text", u32::from(*.0))]
    Char(char),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_away_text_is_at_most_one_short_line() {
        for good in ["", "x", "在开会，下午三点回来", &"x".repeat(AwayText::MAX_BYTES)] {
            let text = AwayText::parse(good).unwrap();
            assert_eq!((text.as_str(), text.is_empty()), (good, good.is_empty()));
        }
        for (bad, error) in [
            (&*"x".repeat(AwayText::MAX_BYTES + 1), AwayTextError::TooLong { bytes: 129 }),
            ("a\nb", AwayTextError::Char('\n')),
            ("a\tb", AwayTextError::Char('\t')),
            ("a\x1b[31m", AwayTextError::Char('\x1b')),
            ("\u{202e}b", AwayTextError::Char('\u{202e}')),
            ("\u{2028}", AwayTextError::Char('\u{2028}')),
        ] {
            assert_eq!(AwayText::parse(bad), Err(error), "{bad:?}");
        }
    }

    #[test]
    fn debug_output_does_not_contain_the_text() {
        assert_eq!(format!("{:?}", AwayText::parse("lunch").unwrap()), "AwayText(5 bytes)");
    }
}
