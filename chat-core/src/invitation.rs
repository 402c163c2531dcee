//! Invitation codes: what lets strangers make an account where registration is not open to everybody.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A code of 8 to 64 characters that whoever runs the server gives to those who may register. Wiped when dropped.
#[derive(Clone)]
pub struct InvitationCode(Zeroizing<String>);

impl InvitationCode {
    /// The fewest characters: shorter codes could be guessed.
    pub const MIN_CHARS: usize = 8;
    /// The most characters: the longest log-in still fits into a guest's frame.
    pub const MAX_CHARS: usize = 64;

    /// Checks what was typed; spaces around it do not count.
    ///
    /// # Errors
    /// The rule that it breaks; the error holds no part of it.
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

    /// The code, for the frame that carries it, and for nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether this is the code, in a time that tells nothing of it but its length.
    pub fn matches(&self, shown: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(shown).into()
    }
}

/// In a time that tells nothing but the length.
impl PartialEq for InvitationCode {
    fn eq(&self, other: &Self) -> bool {
        self.matches(other.0.as_bytes())
    }
}

impl Eq for InvitationCode {}

/// Prints nothing of it.
impl fmt::Debug for InvitationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InvitationCode")
    }
}

/// Why an invitation code is none.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvitationCodeError {
    /// Too short or too long.
    #[error("an invitation code has 8 to 64 characters")]
    Length,
    /// A character that cannot be typed on every keyboard.
    #[error("an invitation code holds ASCII letters, digits and punctuation only, and no spaces")]
    Char,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_its_length_and_only_characters_that_everybody_can_type() {
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
        }
    }

    #[test]
    fn only_the_same_code_is_it_and_none_is_printed() {
        let code = InvitationCode::parse(" spring-2026").unwrap();
        assert!(code.matches(b"spring-2026"));
        for other in ["", "spring-2027", "spring-202", "spring-20266", "Spring-2026"] {
            assert!(!code.matches(other.as_bytes()), "{other}");
        }
        assert_eq!(format!("{code:?}"), "InvitationCode");
    }
}
