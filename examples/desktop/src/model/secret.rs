//! A password, or another secret, while it is typed.

use std::fmt;

use zeroize::Zeroizing;

/// The most characters, as in a password.
pub const MAX_CHARS: usize = 128;

/// The longest character in bytes.
const CHAR_BYTES: usize = 4;

/// A typed secret, which is wiped from memory when it is cleared or dropped.
pub struct Secret {
    /// Has room for the longest text, so that typing never moves it and leaves a copy behind.
    text: Zeroizing<String>,
    max_chars: usize,
}

impl Secret {
    /// An empty one for at most this many characters.
    pub fn with_limit(max_chars: usize) -> Self {
        Self { text: Zeroizing::new(String::with_capacity(max_chars * CHAR_BYTES)), max_chars }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether nothing is typed.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Inserts what fits of a text before the character at this byte. Returns the number of characters.
    pub fn insert(&mut self, byte: usize, text: &str) -> usize {
        let free = self.max_chars.saturating_sub(self.text.chars().count());
        let end = text.char_indices().nth(free).map_or(text.len(), |(end, _)| end);
        self.text.insert_str(byte, &text[..end]);
        text[..end].chars().count()
    }

    /// Removes the bytes from `start` to `end`.
    pub fn remove(&mut self, start: usize, end: usize) {
        self.text.replace_range(start..end, "");
    }

    /// Wipes the text.
    pub fn clear(&mut self) {
        *self = Self::with_limit(self.max_chars);
    }
}

impl Default for Secret {
    fn default() -> Self {
        Self::with_limit(MAX_CHARS)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_and_never_moves() {
        let mut secret = Secret::default();
        let place = secret.as_str().as_ptr();
        assert_eq!(secret.insert(0, &"密".repeat(200)), MAX_CHARS);
        assert_eq!(secret.insert(0, "x"), 0);
        assert_eq!((secret.as_str().len(), secret.as_str().as_ptr()), (3 * MAX_CHARS, place));
        secret.remove(0, 3);
        assert_eq!((secret.insert(3, "ab"), &secret.as_str()[..7]), (1, "密a密"));
        assert_eq!(format!("{secret:?}"), "Secret");
        secret.clear();
        assert!(secret.is_empty());
    }
}
