//! Plain passwords: one type, from the keyboard to the hash, that prints nothing and is wiped.

use std::fmt;

use precis_profiles::OpaqueString;
use precis_profiles::precis_core::profile::PrecisFastInvocation;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

/// A plain password of 8 to 128 characters, normalised by RFC 8265 OpaqueString so that two keyboards
/// that compose the same letter differently type the same password. Wiped when dropped.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// The fewest characters.
    pub const MIN_CHARS: usize = 8;
    /// The most characters.
    pub const MAX_CHARS: usize = 128;

    /// Checks and normalises `typed`.
    ///
    /// # Errors
    /// The rule that `typed` breaks; the error holds no part of it.
    pub fn parse(typed: &str) -> Result<Self, PasswordError> {
        if typed.is_empty() {
            return Err(PasswordError::Empty);
        }
        if typed.len() > Self::MAX_CHARS * 4 {
            return Err(PasswordError::TooLong);
        }
        let mut enforced = OpaqueString::enforce(typed).map_err(|_| PasswordError::Char)?;
        let mut password = Zeroizing::new(String::with_capacity(enforced.len()));
        password.push_str(&enforced);
        if let std::borrow::Cow::Owned(copy) = &mut enforced {
            copy.zeroize();
        }
        match password.chars().count() {
            0..Self::MIN_CHARS => Err(PasswordError::TooShort),
            Self::MIN_CHARS..=Self::MAX_CHARS => Ok(Self(password)),
            _ => Err(PasswordError::TooLong),
        }
    }

    /// The plain text, for the hash and for the frame that carries it, and for nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Prints nothing of it.
impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

/// Why a password is refused. On the wire: append only.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, thiserror::Error)]
pub enum PasswordError {
    /// Nothing was typed.
    #[error("the password is empty; it needs 8 to 128 characters")]
    Empty,
    /// Fewer than [`Password::MIN_CHARS`] characters.
    #[error("the password is too short; it needs at least 8 characters")]
    TooShort,
    /// More than [`Password::MAX_CHARS`] characters.
    #[error("the password is too long; at most 128 characters are allowed")]
    TooLong,
    /// A control character or one that Unicode does not assign.
    #[error(
        "the password contains a control character or one that is not allowed; use letters, digits, spaces and signs"
    )]
    Char,
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
