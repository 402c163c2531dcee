//! Plain passwords: one type carries them from the keyboard to the hash. It never prints them, and is wiped when
//! dropped.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::precis;

/// A plain password of 8 to 128 characters, normalised by the profile OpaqueString (RFC 8265), so that keyboards that
/// compose a letter differently produce the same password. Wiped when dropped.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// The shortest password, in characters.
    pub const MIN_CHARS: usize = 8;
    /// The longest password, in characters.
    pub const MAX_CHARS: usize = 128;

    /// Parses and normalises a password as typed.
    ///
    /// # Errors
    /// The rule that `typed` breaks. The error contains no part of it.
    pub fn parse(typed: &str) -> Result<Self, PasswordError> {
        if typed.is_empty() {
            return Err(PasswordError::Empty);
        }
        if typed.len() > Self::MAX_CHARS * 4 {
            return Err(PasswordError::TooLong);
        }
        // Reserve room for the longest result: a string that grows leaves partial copies behind.
        let mut password = Zeroizing::new(String::with_capacity(typed.len() * 3));
        precis::opaque_string(typed, &mut password).map_err(|_| PasswordError::Char)?;
        match password.chars().count() {
            0..Self::MIN_CHARS => Err(PasswordError::TooShort),
            Self::MIN_CHARS..=Self::MAX_CHARS => Ok(Self(password)),
            _ => Err(PasswordError::TooLong),
        }
    }

    /// The plain text. Only the hash function and the frame that carries the password may read it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for Password {
    type Err = PasswordError;

    fn from_str(typed: &str) -> Result<Self, PasswordError> {
        Self::parse(typed)
    }
}

impl TryFrom<&str> for Password {
    type Error = PasswordError;

    fn try_from(typed: &str) -> Result<Self, PasswordError> {
        Self::parse(typed)
    }
}

/// Wipes `typed`.
impl TryFrom<String> for Password {
    type Error = PasswordError;

    fn try_from(typed: String) -> Result<Self, PasswordError> {
        Self::parse(&Zeroizing::new(typed))
    }
}

/// Prints only the name of the type.
impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

/// The rule that a password breaks. On the wire: append only.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// The password has no characters.
    #[error("the password is empty; it needs 8 to 128 characters")]
    Empty,
    /// The password has fewer than [`Password::MIN_CHARS`] characters.
    #[error("the password is too short; it needs at least 8 characters")]
    TooShort,
    /// The password has more than [`Password::MAX_CHARS`] characters.
    #[error("the password is too long; at most 128 characters are allowed")]
    TooLong,
    /// The password contains a control character, an invisible one, or one that Unicode does not assign.
    #[error("the password contains a control or invisible character; use letters, digits, spaces and symbols")]
    Char,
}

/// For values that are valid already, so that their conversion cannot fail.
impl From<Infallible> for PasswordError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_count_characters() {
        for (typed, result) in [
            ("", Err(PasswordError::Empty)),
            ("1234567", Err(PasswordError::TooShort)),
            ("12345678", Ok(())),
            ("密码密码密码密码", Ok(())),
            (&"密".repeat(128), Ok(())),
            (&"密".repeat(129), Err(PasswordError::TooLong)),
            (&"x".repeat(5_000), Err(PasswordError::TooLong)),
            ("🤔🤔🤔🤔🤔🤔🤔🤔", Ok(())),
            ("100 ₽ each", Ok(())),
            ("tab\tin it", Err(PasswordError::Char)),
        ] {
            assert_eq!(Password::parse(typed).map(drop), result, "{typed:?}");
        }
    }

    #[test]
    fn composed_and_decomposed_letters_are_the_same_password() {
        let composed = Password::parse("caf\u{e9} au lait").unwrap();
        assert_eq!(composed.expose(), Password::parse("cafe\u{301} au lait").unwrap().expose());
    }

    #[test]
    fn debug_prints_no_password() {
        assert_eq!(format!("{:?}", Password::parse("correct horse").unwrap()), "Password");
    }
}
