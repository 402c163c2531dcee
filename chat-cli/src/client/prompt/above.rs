//! The rows above the prompt that can still change: the user's own lines, which get a time and a mark.
//!
//! A row is changed only while it is certain where it is. Everything that is written above the prompt moves the rows up by
//! one for each of its lines, if each line fits into a row of any terminal. After a line that may take up more rows, after
//! a change of the size, and after another program has used the terminal, no earlier row is changed any more.

use std::collections::VecDeque;

use crate::client::rows::{Size, most_columns};
use crate::client::text::MARK_COLUMN;

/// The most rows that are known. Rows further up than half of a large screen are never changed.
const MAX_ROWS: usize = 64;

/// Identifies a row above the prompt, for the whole session.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RowId(u64);

/// A change of a row.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RowChange {
    /// The whole row shows this text, which leaves [`MARK_COLUMN`] blank.
    Line(String),
    /// A mark in [`MARK_COLUMN`].
    Mark(char),
}

/// The content of a row.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    /// A line as it was typed.
    Typed,
    /// A line with room for a mark.
    Marked,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    id: RowId,
    kind: Kind,
    /// How many rows above the first row of the prompt it is.
    distance: usize,
}

/// The rows that can change.
#[derive(Debug, Default)]
pub(super) struct Above {
    rows: VecDeque<Row>,
    /// The size of the terminal when they were written.
    size: Option<Size>,
    next: u64,
}

impl Above {
    /// Takes into account that complete lines were written below the rows.
    pub(super) fn written(&mut self, lines: &str, size: Size) {
        self.check(size);
        for line in lines.split_terminator('\n') {
            if most_columns(line) >= size.columns {
                self.rows.clear();
            }
            self.rows.iter_mut().for_each(|row| row.distance += 1);
        }
        self.rows.retain(|row| row.distance <= reach(size));
    }

    /// Takes into account that a typed line was written below the rows. Returns its row if that can change.
    pub(super) fn typed(&mut self, line: &str, size: Size) -> Option<RowId> {
        self.written(line, size);
        if line.contains('\n') || most_columns(line) >= size.columns || reach(size) == 0 {
            self.rows.clear();
            return None;
        }
        let id = RowId(self.next);
        self.next += 1;
        if self.rows.len() == MAX_ROWS {
            self.rows.pop_front();
        }
        self.rows.push_back(Row { id, kind: Kind::Typed, distance: 1 });
        Some(id)
    }

    /// The sequence that changes a row, from the beginning of the first row of the prompt and back there. `None` if it is
    /// not certain where the row is, or if the change does not fit.
    pub(super) fn change(&mut self, id: RowId, change: &RowChange, size: Size) -> Option<String> {
        self.check(size);
        let row = self.rows.iter_mut().find(|row| row.id == id)?;
        let content = match (change, row.kind) {
            (RowChange::Line(line), Kind::Typed) if most_columns(line) < size.columns => {
                row.kind = Kind::Marked;
                format!("\x1b[K{line}")
            }
            (RowChange::Mark(mark), Kind::Marked) => format!("\x1b[{MARK_COLUMN}C{mark}"),
            _ => return None,
        };
        let distance = row.distance;
        Some(format!("\x1b[{distance}A\r{content}\r\x1b[{distance}B"))
    }

    /// Forgets all rows, because something else was written.
    pub(super) fn forget(&mut self) {
        self.rows.clear();
    }

    fn check(&mut self, size: Size) {
        if self.size != Some(size) {
            self.rows.clear();
            self.size = Some(size);
        }
    }
}

/// How far up a row is certainly on the screen: the prompt takes up the other half at most. A terminal that does not report
/// its height may have scrolled everything away.
const fn reach(size: Size) -> usize {
    if size.rows == usize::MAX { 0 } else { size.rows / 2 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { columns: 20, rows: 10 };

    fn line(text: &str) -> RowChange {
        RowChange::Line(text.to_owned())
    }

    #[test]
    fn a_row_is_changed_where_it_is() {
        let mut above = Above::default();
        let row = above.typed("> hi", SIZE).unwrap();
        assert_eq!(above.change(row, &RowChange::Mark('✓'), SIZE), None, "there is no room for a mark yet");
        assert_eq!(above.change(row, &line("00:00:00   hi"), SIZE).unwrap(), "\x1b[1A\r\x1b[K00:00:00   hi\r\x1b[1B");
        above.written("\x1b[31mbob\x1b[0m: twelve+\nx\n", SIZE);
        let other = above.typed("> ho", SIZE).unwrap();
        assert_eq!(above.change(row, &RowChange::Mark('✓'), SIZE).unwrap(), "\x1b[4A\r\x1b[9C✓\r\x1b[4B");
        assert!(above.change(other, &line("00:00:00   ho"), SIZE).is_some());
    }

    #[test]
    fn a_row_whose_place_is_uncertain_is_not_changed() {
        let lost = |what: &str, change: fn(&mut Above) -> Size| {
            let mut above = Above::default();
            let row = above.typed("> hi", SIZE).unwrap();
            let size = change(&mut above);
            assert_eq!(above.change(row, &line("x"), size), None, "{what}");
        };
        lost("a line that may be wrapped", |above| {
            above.written(&format!("{}\n", "x".repeat(20)), SIZE);
            SIZE
        });
        lost("a line that some terminals wrap", |above| {
            above.written(&format!("{}\n", "°".repeat(10)), SIZE);
            SIZE
        });
        lost("a typed line of several rows", |above| {
            assert_eq!(above.typed("> one\ntwo", SIZE), None);
            SIZE
        });
        lost("another size", |_| Size { columns: 30, rows: 10 });
        lost("a row that may have scrolled away", |above| {
            above.written(&"x\n".repeat(5), SIZE);
            SIZE
        });
        let mut above = Above::default();
        assert_eq!(above.typed("> hi", Size { columns: 80, rows: usize::MAX }), None);
        let row = above.typed("> hi", SIZE).unwrap();
        assert_eq!(above.change(row, &line(&"x".repeat(20)), SIZE), None, "it does not fit");
    }

    #[test]
    fn the_number_of_rows_is_limited() {
        let (mut above, tall) = (Above::default(), Size { columns: 20, rows: 1_000 });
        let rows: Vec<RowId> = (0..=MAX_ROWS).map(|_| above.typed("> hi", tall).unwrap()).collect();
        assert_eq!(above.rows.len(), MAX_ROWS);
        assert!(above.change(rows[0], &line("x"), tall).is_none() && above.change(rows[1], &line("x"), tall).is_some());
    }
}
