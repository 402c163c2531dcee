//! The line that is being typed, and the cursor in it.

use unicode_segmentation::UnicodeSegmentation;

use super::line_reader::MAX_LINE_BYTES;
use crate::input_error::InputError;

/// A change of the line or of the cursor.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Edit {
    /// Move by one character.
    Left,
    /// Move by one character.
    Right,
    /// Move to the beginning of a word.
    WordLeft,
    /// Move to the end of a word.
    WordRight,
    /// Move to the beginning of the line.
    Start,
    /// Move to the end of the line.
    End,
    /// Delete the character before the cursor.
    DeleteLeft,
    /// Delete the character at the cursor.
    DeleteRight,
    /// Cut up to the beginning of a word.
    CutWordLeft,
    /// Cut up to the end of a word.
    CutWordRight,
    /// Cut everything before the cursor.
    CutToStart,
    /// Cut everything from the cursor on.
    CutToEnd,
    /// Insert what was cut last.
    Yank,
}

/// A line of at most [`MAX_LINE_BYTES`]. A character is a grapheme cluster, which the user perceives as one character.
#[derive(Clone, Debug, Default)]
pub(super) struct LineBuffer {
    text: String,
    cursor: usize,
    cut: String,
    fault: Option<InputError>,
}

impl LineBuffer {
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The bytes before the cursor.
    pub(super) const fn cursor(&self) -> usize {
        self.cursor
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Inserts a text at the cursor. A text for which there is no room makes the line invalid.
    pub(super) fn insert(&mut self, text: &str) {
        if self.text.len() + text.len() > MAX_LINE_BYTES {
            self.fault = Some(InputError::LineTooLong { max: MAX_LINE_BYTES });
            return;
        }
        self.text.insert_str(self.cursor, text);
        self.cursor += text.len();
    }

    /// Makes the line invalid because bytes arrived that are not UTF-8, and inserts a mark in their place.
    pub(super) fn insert_not_utf8(&mut self) {
        self.insert("\u{fffd}");
        self.fault.get_or_insert(InputError::NotUtf8);
    }

    /// Replaces the text from the byte `begin` to the cursor.
    pub(super) fn replace_before_cursor(&mut self, begin: usize, text: &str) {
        self.remove(begin, self.cursor);
        self.insert(text);
    }

    /// Replaces the line, and moves the cursor to its end.
    pub(super) fn replace(&mut self, text: String) {
        self.cursor = text.len();
        self.text = text;
        self.fault = None;
    }

    /// Takes the line and leaves an empty one. An error says why the line is invalid.
    pub(super) fn take(&mut self) -> Result<String, InputError> {
        self.cursor = 0;
        let text = std::mem::take(&mut self.text);
        self.fault.take().map_or(Ok(text), Err)
    }

    pub(super) fn apply(&mut self, edit: Edit) {
        match edit {
            Edit::Left => self.cursor = self.left(),
            Edit::Right => self.cursor = self.right(),
            Edit::WordLeft => self.cursor = self.word_left(),
            Edit::WordRight => self.cursor = self.word_right(),
            Edit::Start => self.cursor = 0,
            Edit::End => self.cursor = self.text.len(),
            Edit::DeleteLeft => drop(self.remove(self.left(), self.cursor)),
            Edit::DeleteRight => drop(self.remove(self.cursor, self.right())),
            Edit::CutWordLeft => self.cut(self.word_left(), self.cursor),
            Edit::CutWordRight => self.cut(self.cursor, self.word_right()),
            Edit::CutToStart => self.cut(0, self.cursor),
            Edit::CutToEnd => self.cut(self.cursor, self.text.len()),
            Edit::Yank => self.insert(&self.cut.clone()),
        }
    }

    fn cut(&mut self, begin: usize, end: usize) {
        if begin < end {
            self.cut = self.remove(begin, end);
        }
    }

    fn remove(&mut self, begin: usize, end: usize) -> String {
        let removed = self.text.drain(begin..end).collect();
        self.cursor = begin;
        if self.text.is_empty() {
            self.fault = None;
        }
        removed
    }

    fn left(&self) -> usize {
        self.text[..self.cursor].grapheme_indices(true).next_back().map_or(0, |(at, _)| at)
    }

    fn right(&self) -> usize {
        self.cursor + self.text[self.cursor..].graphemes(true).next().map_or(0, str::len)
    }

    fn word_left(&self) -> usize {
        let before = self.text[..self.cursor].trim_end_matches(is_gap);
        before.trim_end_matches(|ch| !is_gap(ch)).len()
    }

    fn word_right(&self) -> usize {
        let after = self.text[self.cursor..].trim_start_matches(is_gap);
        self.text.len() - after.trim_start_matches(|ch| !is_gap(ch)).len()
    }
}

/// Whether a character stands between words.
fn is_gap(ch: char) -> bool {
    ch.is_whitespace() || ch.is_ascii_punctuation()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The line after some edits, with `|` at the cursor.
    fn after(text: &str, edits: &[Edit]) -> String {
        let mut line = LineBuffer::default();
        line.insert(text);
        edits.iter().for_each(|&edit| line.apply(edit));
        let (before, behind) = line.text.split_at(line.cursor);
        format!("{before}|{behind}")
    }

    #[test]
    fn edits_change_the_line_at_the_cursor() {
        use Edit::{
            CutToEnd, CutToStart, CutWordLeft, CutWordRight, DeleteLeft, DeleteRight, End, Left, Right, Start,
            WordLeft, WordRight, Yank,
        };
        for (text, edits, line) in [
            ("", &[Left, Right, DeleteLeft, DeleteRight, WordLeft, WordRight, CutToEnd, Yank][..], "|"),
            ("abc", &[Left, DeleteLeft], "a|c"),
            ("abc", &[Start, DeleteRight, End], "bc|"),
            ("你好", &[Left, DeleteLeft], "|好"),
            ("e\u{301}👩‍👩‍👧", &[DeleteLeft], "e\u{301}|"),
            ("e\u{301}👩‍👩‍👧", &[DeleteLeft, DeleteLeft], "|"),
            ("one, two", &[WordLeft], "one, |two"),
            ("one, two", &[WordLeft, WordLeft, WordRight], "one|, two"),
            ("one two", &[CutWordLeft, Start, Yank], "two|one "),
            ("one two", &[Start, CutWordRight], "| two"),
            ("one two", &[WordLeft, CutToStart, End, Yank], "twoone |"),
            ("one two", &[WordLeft, CutToEnd, Yank, Yank], "one twotwo|"),
        ] {
            assert_eq!(after(text, edits), line, "{text} {edits:?}");
        }
    }

    #[test]
    fn a_line_that_is_too_long_or_not_utf8_is_an_error_and_the_next_one_is_not() {
        let mut line = LineBuffer::default();
        line.insert(&"x".repeat(MAX_LINE_BYTES));
        line.insert("y");
        assert_eq!(line.take(), Err(InputError::LineTooLong { max: MAX_LINE_BYTES }));
        line.insert("caf");
        line.insert_not_utf8();
        assert_eq!(line.text(), "caf\u{fffd}");
        assert_eq!(line.take(), Err(InputError::NotUtf8));
        line.insert("café");
        assert_eq!(line.take(), Ok("café".to_owned()));
    }
}
