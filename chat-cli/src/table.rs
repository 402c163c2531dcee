//! Tables: aligned columns with a heading for people, tab-separated lines for programs.

use std::io::{self, IsTerminal};

use unicode_width::UnicodeWidthStr;

use crate::isolate::{Reader, isolated};

/// Rows of cells under a heading.
#[derive(Debug)]
pub struct Table<const COLUMNS: usize> {
    heading: [String; COLUMNS],
    rows: Vec<[Cell; COLUMNS]>,
}

/// One cell. A word of this program has one form for programs, and another one in the language of the people.
#[derive(Clone, Debug)]
pub struct Cell {
    code: String,
    /// `None` if people read the same.
    word: Option<String>,
}

impl Cell {
    /// A word: its form for programs, and that for people.
    pub fn new(code: impl Into<String>, word: impl Into<String>) -> Self {
        Self { code: code.into(), word: Some(word.into()) }
    }

    fn for_people(&self) -> &str {
        self.word.as_ref().unwrap_or(&self.code)
    }
}

/// The same text for people and programs.
impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self { code: text, word: None }
    }
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    /// An empty table.
    pub const fn new(heading: [String; COLUMNS]) -> Self {
        Self { heading, rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row(&mut self, row: [Cell; COLUMNS]) {
        self.rows.push(row);
    }

    /// Formats the table for standard output: in columns for a terminal, with tabs for everything else.
    pub fn for_standard_output(&self) -> String {
        if io::stdout().is_terminal() { self.columns() } else { self.tabs() }
    }

    /// One line per row, with tabs between the cells and without the heading. The columns never change.
    pub fn tabs(&self) -> String {
        self.rows.iter().map(|row| row.each_ref().map(|cell| cell.code.as_str()).join("\t") + "\n").collect()
    }

    /// Aligned columns with the heading. Characters may be two columns wide.
    pub fn columns(&self) -> String {
        let widths: [usize; COLUMNS] = std::array::from_fn(|column| {
            let cells = self.rows.iter().map(|row| row[column].for_people().width());
            cells.chain([self.heading[column].width()]).max().unwrap_or(0)
        });
        let line = |cells: [&str; COLUMNS]| {
            let padded = cells.iter().zip(widths).map(|(cell, width)| {
                let padding = " ".repeat(width.saturating_sub(cell.width()));
                format!("{}{padding}", isolated(cell, Reader::Terminal))
            });
            padded.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
        };
        let rows = self.rows.iter().map(|row| line(row.each_ref().map(Cell::for_people)));
        [line(self.heading.each_ref().map(String::as_str))].into_iter().chain(rows).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(text: &str) -> Cell {
        text.to_owned().into()
    }

    #[test]
    fn words_are_translated_for_people_only() {
        let mut table = Table::new(["用户", "状态", "id"].map(str::to_owned));
        table.row([cell("小明"), Cell::new("active", "正常"), cell("1")]);
        table.row([cell("bob"), Cell::new("disabled", "已停用"), cell("2")]);
        assert_eq!(table.columns(), "用户  状态    id\n小明  正常    1\nbob   已停用  2\n");
        assert_eq!(table.tabs(), "小明\tactive\t1\nbob\tdisabled\t2\n");
    }

    #[test]
    fn columns_are_aligned_and_tabs_separate_cells() {
        let mut table = Table::new(["user", "status"].map(str::to_owned));
        table.row(["小明", "active"].map(cell));
        table.row(["alexandra", "disabled"].map(cell));
        assert_eq!(table.columns(), "user       status\n小明       active\nalexandra  disabled\n");
        assert_eq!(table.tabs(), "小明\tactive\nalexandra\tdisabled\n");
    }

    #[test]
    fn a_name_from_right_to_left_keeps_its_column() {
        let mut table = Table::new(["user", "address"].map(str::to_owned));
        table.row(["שלום", "192.0.2.1:40001"].map(cell));
        table.row(["alice", "192.0.2.2:40001"].map(cell));
        assert_eq!(table.columns(), "user   address\n\u{2068}שלום\u{2069}   192.0.2.1:40001\nalice  192.0.2.2:40001\n");
        assert_eq!(table.tabs(), "שלום\t192.0.2.1:40001\nalice\t192.0.2.2:40001\n");
    }
}
