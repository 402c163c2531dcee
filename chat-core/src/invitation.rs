//! Invitation codes, which registration requires if the server's policy says so.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A secret of 8 to 64 printable ASCII characters that the operator gives to those who may register. Wiped when dropped.
#[derive(Clone)]
pub struct InvitationCode(Zeroizing<String>);

impl InvitationCode {
    /// The shortest length in characters. Shorter codes could be guessed.
    pub const MIN_CHARS: usize = 8;
    /// The longest length in characters. With it, the longest login request still fits into a guest's frame.
    pub const MAX_CHARS: usize = 64;

    /// Checks a code as typed. Surrounding white space is ignored.
    ///
    /// # Errors
    /// The rule that `typed` breaks. The error contains no part of the code.
    pub fn parse(typed: &str) -> Result<Self, InvitationCodeError> {
        let typed = typed.trim();
        if !typed.chars().all(|char| char.is_ascii_graphic()) {
            return Err(InvitationCodeError::Char);
        }
        match typed.len() {
            Self::MIN_CHARS..=Self::MAX_CHARS => Ok(Self(Zeroizing::new(typed.to_owned()))),
            _ => Err(InvitationCodeError::Length),
        }
    }

    /// The code itself. Only for the frame that carries it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether `candidate` is this code. The time of the comparison depends only on the lengths.
    pub fn matches(&self, candidate: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(candidate).into()
    }
}

impl FromStr for InvitationCode {
    type Err = InvitationCodeError;

    fn from_str(typed: &str) -> Result<Self, InvitationCodeError> {
        Self::parse(typed)
    }
}

impl TryFrom<&str> for InvitationCode {
    type Error = InvitationCodeError;

    fn try_from(typed: &str) -> Result<Self, InvitationCodeError> {
        Self::parse(typed)
    }
}

/// Wipes `typed`.
impl TryFrom<String> for InvitationCode {
    type Error = InvitationCodeError;

    fn try_from(typed: String) -> Result<Self, InvitationCodeError> {
        Self::parse(&Zeroizing::new(typed))
    }
}

/// Compares in a time that depends only on the lengths.
impl PartialEq for InvitationCode {
    fn eq(&self, other: &Self) -> bool {
        self.matches(other.0.as_bytes())
    }
}

impl Eq for InvitationCode {}

/// Prints only the name of the type.
impl fmt::Debug for InvitationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InvitationCode")
    }
}

/// Why a string is not an invitation code.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvitationCodeError {
    /// The code is too short or too long.
    #[error("an invitation code needs 8 to 64 characters")]
    Length,
    /// The code contains a space or a character outside ASCII.
    #[error("an invitation code may contain only ASCII letters, digits and punctuation, and no spaces")]
    Char,
}

/// For values that are valid already, so that their conversion cannot fail.
impl From<Infallible> for InvitationCodeError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_broken_rule_has_its_own_error() {
        for (typed, result) in [
            ("", Some(InvitationCodeError::Length)),
            ("1234567", Some(InvitationCodeError::Length)),
            ("12345678", None),
            (" spring-2026!\n", None),
            ("spring 2026", Some(InvitationCodeError::Char)),
            ("春天春天春天春天", Some(InvitationCodeError::Char)),
            (&"x".repeat(64), None),
            (&"x".repeat(65), Some(InvitationCodeError::Length)),
        ] {
            assert_eq!(InvitationCode::parse(typed).err(), result, "{typed:?}");
            assert_eq!(InvitationCode::try_from(typed.to_owned()).err(), result, "{typed:?}");
        }
    }

    #[test]
    fn only_the_same_code_matches_and_none_is_printed() {
        let code = InvitationCode::parse(" spring-2026").unwrap();
        assert!(code.matches(b"spring-2026"));
        for other in ["", "spring-2027", "spring-202", "spring-20266", "Spring-2026"] {
            assert!(!code.matches(other.as_bytes()), "{other}");
        }
        assert_eq!(format!("{code:?}"), "InvitationCode");
    }
}
