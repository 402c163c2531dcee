//! The text of a message: bounded, and without characters that could forge or garble the display.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// A text of 1 to 16,384 bytes of UTF-8.
///
/// It contains no control characters other than newline and tab, no bidirectional controls, and neither U+2028 nor
/// U+2029. Both the sender and the receiver check this.
#[derive(Clone, Eq, PartialEq)]
pub struct Text(Arc<str>);

impl Text {
    /// The most bytes of a text: enough for several pages, and little memory to reassemble.
    pub const MAX_BYTES: usize = 16_384;

    /// Checks `typed`.
    ///
    /// # Errors
    /// The rule that `typed` breaks.
    pub fn parse(typed: &str) -> Result<Self, TextError> {
        Self::check(typed)?;
        Ok(Self(typed.into()))
    }

    /// Checks the rules of a text.
    ///
    /// # Errors
    /// The rule that `typed` breaks.
    pub(crate) fn check(typed: &str) -> Result<(), TextError> {
        if typed.is_empty() {
            return Err(TextError::Empty);
        }
        if typed.len() > Self::MAX_BYTES {
            return Err(TextError::TooLong { bytes: typed.len() });
        }
        // Fast path for printable ASCII. Without an early exit the compiler vectorises the loop.
        if typed.bytes().fold(true, |plain, byte| plain & matches!(byte, b' '..=b'~')) {
            return Ok(());
        }
        match typed.chars().find(|&ch| is_forbidden(ch)) {
            Some(ch) => Err(TextError::Char(ch)),
            None => Ok(()),
        }
    }

    /// A text that [`Self::check`] has passed.
    pub(crate) fn from_checked(checked: &str) -> Self {
        Self(checked.into())
    }

    /// The text as a string.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Text {
    type Err = TextError;

    fn from_str(typed: &str) -> Result<Self, TextError> {
        Self::parse(typed)
    }
}

impl TryFrom<&str> for Text {
    type Error = TextError;

    fn try_from(typed: &str) -> Result<Self, TextError> {
        Self::parse(typed)
    }
}

impl TryFrom<String> for Text {
    type Error = TextError;

    fn try_from(typed: String) -> Result<Self, TextError> {
        Self::parse(&typed)
    }
}

pub(crate) fn is_forbidden(ch: char) -> bool {
    match ch {
        '\n' | '\t' => false,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        '\u{2028}' | '\u{2029}' => true,
        _ => ch.is_control(),
    }
}

/// Prints only the length: texts do not belong in logs.
impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} bytes)", self.0.len())
    }
}

/// Why a text is refused. Exhaustive: sender and receiver check the same rules, so a new one needs a new version of the
/// protocol.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(clippy::exhaustive_enums, reason = "the rules are part of the protocol")]
pub enum TextError {
    /// The text is empty.
    #[error("the text is empty; type something to send")]
    Empty,
    /// The text has more than [`Text::MAX_BYTES`] bytes.
    #[error("the text is too long ({bytes} bytes); at most 16384 bytes are allowed, send it in parts")]
    TooLong {
        /// The length of the text in bytes.
        bytes: usize,
    },
    /// The text contains this control character.
    #[error("the text contains the control character U+{:04X}; only newline and tab are allowed", u32::from(*.0))]
    Char(char),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_any_script_are_accepted_up_to_the_limit() {
        for typed in ["x", "大家好", "two\nlines\tand a tab", "👩‍👩‍👧 family", &"é".repeat(8192)] {
            assert_eq!(Text::parse(typed).as_ref().map(Text::as_str), Ok(typed));
        }
    }

    #[test]
    fn each_broken_rule_has_its_own_error() {
        for (typed, error) in [
            ("", TextError::Empty),
            (&"x".repeat(16_385), TextError::TooLong { bytes: 16_385 }),
            ("a\u{1b}[2J", TextError::Char('\u{1b}')),
            ("a\r", TextError::Char('\r')),
            ("a\u{202e}b", TextError::Char('\u{202e}')),
            ("a\u{2028}b", TextError::Char('\u{2028}')),
            ("\u{9b}1m", TextError::Char('\u{9b}')),
        ] {
            assert_eq!(Text::parse(typed), Err(error), "{typed:?}");
        }
    }

    #[test]
    fn debug_prints_no_text() {
        assert_eq!(format!("{:?}", Text::parse("secret").unwrap()), "Text(6 bytes)");
    }
}
