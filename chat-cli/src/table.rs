//! Tables: aligned columns with a heading for people, tab-separated lines for programs.

use std::io::{self, IsTerminal};

use unicode_width::UnicodeWidthStr;

use crate::isolate::{Reader, isolated};

/// Rows of cells under a heading.
#[derive(Debug)]
pub struct Table<const COLUMNS: usize> {
    heading: [&'static str; COLUMNS],
    rows: Vec<[String; COLUMNS]>,
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    /// An empty table.
    pub const fn new(heading: [&'static str; COLUMNS]) -> Self {
        Self { heading, rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row(&mut self, row: [String; COLUMNS]) {
        self.rows.push(row);
    }

    /// Formats the table for standard output: in columns for a terminal, with tabs for everything else.
    pub fn for_standard_output(&self) -> String {
        if io::stdout().is_terminal() { self.columns() } else { self.tabs() }
    }

    /// One line per row, with tabs between the cells and without the heading. The columns never change.
    pub fn tabs(&self) -> String {
        self.rows.iter().map(|row| row.join("\t") + "\n").collect()
    }

    /// Aligned columns with the heading. Characters may be two columns wide.
    pub fn columns(&self) -> String {
        let widths: [usize; COLUMNS] = std::array::from_fn(|column| {
            let cells = self.rows.iter().map(|row| row[column].width());
            cells.chain([self.heading[column].width()]).max().unwrap_or(0)
        });
        let line = |cells: [&str; COLUMNS]| {
            let padded = cells.iter().zip(widths).map(|(cell, width)| {
                let padding = " ".repeat(width.saturating_sub(cell.width()));
                format!("{}{padding}", isolated(cell, Reader::Terminal))
            });
            padded.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
        };
        let rows = self.rows.iter().map(|row| line(row.each_ref().map(String::as_str)));
        [line(self.heading)].into_iter().chain(rows).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_tabs_separate_cells() {
        let mut table = Table::new(["user", "status"]);
        table.row(["小明".into(), "active".into()]);
        table.row(["alexandra".into(), "disabled".into()]);
        assert_eq!(table.columns(), "user       status\n小明       active\nalexandra  disabled\n");
        assert_eq!(table.tabs(), "小明\tactive\nalexandra\tdisabled\n");
    }

    #[test]
    fn a_name_from_right_to_left_keeps_its_column() {
        let mut table = Table::new(["user", "address"]);
        table.row(["שלום".into(), "192.0.2.1:40001".into()]);
        table.row(["alice".into(), "192.0.2.2:40001".into()]);
        assert_eq!(table.columns(), "user   address\n\u{2068}שלום\u{2069}   192.0.2.1:40001\nalice  192.0.2.2:40001\n");
        assert_eq!(table.tabs(), "שלום\t192.0.2.1:40001\nalice\t192.0.2.2:40001\n");
    }
}
