//! Plain-text passwords. From the keyboard to the hash they exist only in [`Password`], which prints nothing and is wiped.

use std::fmt;

use precis_profiles::OpaqueString;
use precis_profiles::precis_core::profile::PrecisFastInvocation;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

/// A plain-text password of 8 to 128 characters. Wiped when dropped.
///
/// It is normalised (RFC 8265, OpaqueString), so that a letter that two keyboards compose differently is the same.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// The fewest characters of a password.
    pub const MIN_CHARS: usize = 8;
    /// The most characters of a password.
    pub const MAX_CHARS: usize = 128;

    /// Checks and normalises `typed`.
    ///
    /// # Errors
    /// The rule that `typed` breaks. The error contains no part of the password.
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

    /// The plain text. Only for the hash, and for the frame that carries the password.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Prints the name of the type only.
impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

/// Why a password is refused. On the wire: append only.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, thiserror::Error)]
pub enum PasswordError {
    /// The password is empty.
    #[error("the password is empty; it needs 8 to 128 characters")]
    Empty,
    /// The password has fewer than [`Password::MIN_CHARS`] characters.
    #[error("the password is too short; it needs at least 8 characters")]
    TooShort,
    /// The password has more than [`Password::MAX_CHARS`] characters.
    #[error("the password is too long; at most 128 characters are allowed")]
    TooLong,
    /// The password contains a control character or an unassigned code point.
    #[error("the password contains a control character or an unassigned one; use letters, digits, spaces and symbols")]
    Char,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_counted_in_characters() {
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
