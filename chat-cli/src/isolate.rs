//! Names that are written from right to left, in lines for people.
//!
//! A terminal that orders text by the Unicode Bidirectional Algorithm moves the digits that follow such a name to its other
//! side: an address, or a number that belongs to the next name. Isolates keep the order of the line. Programs read lines
//! without them.

use std::borrow::Cow;

use chat_core::name::is_right_to_left;

/// The destination of a line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reader {
    /// People at a terminal.
    Terminal,
    /// A file or another program.
    Other,
}

/// A name as this reader needs it: for a terminal, between isolates if it is written from right to left.
pub fn isolated(name: &str, reader: Reader) -> Cow<'_, str> {
    if reader == Reader::Terminal && is_right_to_left(name) {
        Cow::Owned(format!("\u{2068}{name}\u{2069}"))
    } else {
        Cow::Borrowed(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_from_right_to_left_are_isolated_and_only_in_terminals() {
        for (name, shown) in [
            ("alice", "alice"),
            ("小明", "小明"),
            ("שלום", "\u{2068}שלום\u{2069}"),
            ("علي9", "\u{2068}علي9\u{2069}"),
            ("ސާރާ", "\u{2068}ސާރާ\u{2069}"),
        ] {
            assert_eq!(isolated(name, Reader::Terminal), shown);
            assert_eq!(isolated(name, Reader::Other), name);
        }
    }
}
