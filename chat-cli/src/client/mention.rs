//! Whether a text names a user after `@`.

use chat_core::name::UserName;
use unicode_width::UnicodeWidthChar;

/// Whether a text contains `@` and the name. Chinese is written without spaces, so a name that ends with a character of
/// such a script may be followed by further ones: `@小明你好`.
pub(super) fn mentions(text: &str, user: &UserName) -> bool {
    text.split(is_at_sign).skip(1).any(|after| {
        let word = after.split(|ch: char| !is_in_name(ch)).next().unwrap_or_default();
        let is_name = |word: &str| UserName::parse(word).is_ok_and(|name| name == *user);
        let ends_open = user.as_str().chars().last().is_some_and(|last| last.width() == Some(2));
        // A full stop at the end of a sentence is no part of the name.
        is_name(word)
            || is_name(word.trim_end_matches(['.', '-', '_']))
            || (ends_open && word.starts_with(user.as_str()))
    })
}

/// Whether a character announces a name. Chinese input methods type the full-width form.
pub(super) const fn is_at_sign(ch: char) -> bool {
    matches!(ch, '@' | '＠')
}

fn is_in_name(ch: char) -> bool {
    ch.is_alphanumeric() || matches!(ch, '.' | '-' | '_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::samples::name;

    #[test]
    fn a_name_after_an_at_sign_is_a_mention() {
        for (text, user, expected) in [
            ("hi @bob", "bob", true),
            ("@Bob: look", "bob", true),
            ("ask @bob.", "bob", true),
            ("@bobby", "bob", false),
            ("bob", "bob", false),
            ("bob@example.org", "bob", false),
            ("mail x@bob", "bob", true),
            ("@小明你好", "小明", true),
            ("＠小明，你好", "小明", true),
            ("@小", "小明", false),
            ("@@ @bob", "bob", true),
        ] {
            assert_eq!(mentions(text, &name(user)), expected, "{text}");
        }
    }
}
