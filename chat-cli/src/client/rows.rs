//! The rows that the prompt takes up on the screen.
//!
//! Each row ends with a line end, before the terminal would wrap it. Thus the terminal never shows fewer rows than were
//! drawn. It may break a row in two, if it is or becomes narrower than expected, or if it shows a character wider. It
//! never joins two rows. Erasing as many rows as were drawn erases nothing else. At worst, a part of the prompt remains
//! on the screen.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::printable::printable_char;

/// The size of the terminal in characters.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Size {
    pub(super) columns: usize,
    pub(super) rows: usize,
}

/// The visible rows of a text with a cursor in it.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Rows {
    rows: Vec<String>,
    /// The row of the cursor.
    cursor_row: usize,
    /// The bytes before the cursor in that row.
    cursor_bytes: usize,
}

impl Rows {
    /// Lays out a text. Half of the terminal remains for other lines. If there are too many rows, those around the cursor
    /// are visible.
    pub(super) fn new(text: &str, cursor: usize, size: Size) -> Self {
        // The last column stays empty, because terminals differ in what they do after it.
        let columns = size.columns.saturating_sub(1);
        let (mut rows, mut width, mut place) = (vec![String::new()], 0, None);
        for (at, character) in text.grapheme_indices(true) {
            let shown = displayed(character);
            let added = width_of(&shown);
            if width > 0 && width + added > columns {
                rows.push(String::new());
                width = 0;
            }
            if at >= cursor && place.is_none() {
                place = Some(end_of(&rows));
            }
            if character.ends_with('\n') {
                rows.push(String::new());
                width = 0;
            } else if let Some(row) = rows.last_mut() {
                row.push_str(&shown);
                width += added;
            }
        }
        let (cursor_row, cursor_bytes) = place.unwrap_or_else(|| end_of(&rows));
        let visible = (size.rows / 2).max(1);
        let first = cursor_row.saturating_sub(visible - 1);
        let rows = rows.into_iter().skip(first).take(visible).collect();
        Self { rows, cursor_row: cursor_row - first, cursor_bytes }
    }

    /// Draws the rows, starting at the beginning of a row of the terminal, and moves the cursor to its place.
    pub(super) fn draw(&self, out: &mut String) {
        out.push_str(&self.rows.join("\r\n"));
        let below = self.rows.len() - 1 - self.cursor_row;
        if below > 0 {
            out.push_str(&format!("\x1b[{below}A"));
        }
        let row = &self.rows[self.cursor_row];
        if below > 0 || self.cursor_bytes < row.len() {
            // Drawing it again places the cursor without counting columns.
            out.push('\r');
            out.push_str(&row[..self.cursor_bytes]);
        }
    }

    /// The number of rows above the row of the cursor.
    pub(super) const fn above_cursor(&self) -> usize {
        self.cursor_row
    }
}

/// Erases `above_cursor` rows above the cursor, the row of the cursor, and everything below it.
pub(super) fn erase(above_cursor: usize, out: &mut String) {
    if above_cursor > 0 {
        out.push_str(&format!("\x1b[{above_cursor}A"));
    }
    out.push_str("\r\x1b[J");
}

/// A whole text as one line that the terminal wraps, without its line end.
pub(super) fn as_line(text: &str) -> String {
    text.graphemes(true)
        .map(|character| if character.ends_with('\n') { "\r\n".to_owned() } else { displayed(character) })
        .collect()
}

fn end_of(rows: &[String]) -> (usize, usize) {
    (rows.len() - 1, rows.last().map_or(0, String::len))
}

/// A character as it is shown.
fn displayed(character: &str) -> String {
    const TAB: &str = "    ";
    character.chars().map(|ch| if ch == '\t' { TAB.to_owned() } else { printable_char(ch) }).collect()
}

/// The most columns that any terminal takes for a character: they disagree about emoji and about East Asian characters of
/// ambiguous width.
fn width_of(shown: &str) -> usize {
    let by_char: usize = shown.chars().map(|ch| ch.width_cjk().unwrap_or(0)).sum();
    by_char.max(shown.width_cjk()).max(1)
}

/// The most columns that a line takes up in any terminal, without the sequences for colours in it.
pub(super) fn most_columns(line: &str) -> usize {
    /// The greatest distance between two tab stops.
    const TAB: usize = 8;
    let mut parts = line.split('\x1b');
    let first = parts.next().unwrap_or_default();
    // A sequence ends with its first letter.
    let after = |part: &'_ str| part.find(|ch: char| ch.is_ascii_alphabetic()).map_or(part.len(), |end| end + 1);
    let texts = [first].into_iter().chain(parts.map(|part| &part[after(part)..]));
    let columns = |text: &str| {
        text.graphemes(true)
            .map(|character| match character {
                "\t" => TAB,
                "\x07" => 0,
                character => width_of(character),
            })
            .sum::<usize>()
    };
    texts.map(columns).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str, cursor: usize, columns: usize, height: usize) -> (Vec<String>, usize, usize) {
        let Rows { rows, cursor_row, cursor_bytes } = Rows::new(text, cursor, Size { columns, rows: height });
        (rows, cursor_row, cursor_bytes)
    }

    #[test]
    fn rows_end_before_the_last_column() {
        for (text, columns, expected) in [
            ("> ", 80, &["> "][..]),
            ("> abcdef", 6, &["> abc", "def"]),
            ("> 你好吗", 6, &["> 你", "好吗"]),
            ("> 你好吗", 7, &["> 你好", "吗"]),
            ("> a\nb\n", 80, &["> a", "b", ""]),
            ("> \x1b[2J\u{202e}\tx", 80, &["> ^[[2J\u{fffd}    x"]),
            ("👩‍👩‍👧👩‍👩‍👧", 9, &["👩‍👩‍👧", "👩‍👩‍👧"]),
            ("你好", 1, &["你", "好"]),
        ] {
            let (rows, row, bytes) = rows(text, text.len(), columns, 24);
            assert_eq!(rows, expected, "{text}");
            assert_eq!((row, bytes), (expected.len() - 1, expected.last().unwrap().len()), "{text}");
        }
    }

    #[test]
    fn colours_take_up_no_columns() {
        for (line, columns) in
            [("abc", 3), ("你好", 4), ("\x1b[31mbob\x1b[0m → x", 8), ("\x07a\tb", 10), ("e\u{301}", 1), ("👩‍👩‍👧", 6)]
        {
            assert_eq!(most_columns(line), columns, "{line:?}");
        }
    }

    #[test]
    fn the_cursor_is_in_the_row_of_its_character() {
        for (cursor, place) in [(2, (0, 2)), (4, (0, 4)), (5, (1, 0)), (7, (1, 2)), (8, (1, 3))] {
            let (_, row, bytes) = rows("> abcdef", cursor, 6, 24);
            assert_eq!((row, bytes), place, "{cursor}");
        }
    }

    #[test]
    fn the_rows_around_the_cursor_are_visible() {
        let text = "a\nb\nc\nd";
        assert_eq!(rows(text, text.len(), 80, 5), (vec!["c".to_owned(), "d".to_owned()], 1, 1));
        assert_eq!(rows(text, 0, 80, 4), (vec!["a".to_owned(), "b".to_owned()], 0, 0));
        assert_eq!(rows(text, 4, 80, 1), (vec!["c".to_owned()], 0, 0));
    }

    #[test]
    fn drawing_ends_at_the_cursor() {
        let drawn = |cursor| {
            let mut out = String::new();
            Rows::new("> abcdef", cursor, Size { columns: 6, rows: 24 }).draw(&mut out);
            out
        };
        assert_eq!(drawn(8), "> abc\r\ndef");
        assert_eq!(drawn(7), "> abc\r\ndef\rde");
        assert_eq!(drawn(3), "> abc\r\ndef\x1b[1A\r> a");
    }
}
