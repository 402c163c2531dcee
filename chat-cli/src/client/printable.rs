//! Makes any text safe to show: replaces the characters that control the terminal, and those that reorder the text
//! around them.

/// Replaces control characters, and all other characters that a [`chat_core::text::Text`] must not contain.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(printable_char).collect()
}

/// A character, or the sign for one that is not printed: `^[` for escape.
pub(super) fn printable_char(ch: char) -> String {
    match ch {
        '\0'..='\x1f' | '\x7f' => format!("^{}", char::from(b'@' ^ u8::try_from(ch).unwrap_or_default())),
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            "\u{fffd}".to_owned()
        }
        _ if ch.is_control() => "\u{fffd}".to_owned(),
        _ => ch.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_are_not_printed_are_shown_as_signs() {
        for (text, shown) in [
            ("héllo 你好 👩‍👩‍👧", "héllo 你好 👩‍👩‍👧"),
            ("\x1b[2J\x07\0\n\x7f", "^[[2J^G^@^J^?"),
            ("\u{9b}2J\u{202e}\u{2028}", "\u{fffd}2J\u{fffd}\u{fffd}"),
        ] {
            assert_eq!(printable(text), shown, "{text:?}");
        }
    }
}
