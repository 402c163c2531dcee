//! Tables and JSON lines on standard output, progress on standard error.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use serde::Serialize;

/// How results are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub enum Format {
    /// A table.
    Text,
    /// One JSON object per row.
    Json,
}

/// A row of a table.
pub trait Row: Serialize {
    /// The heads of the columns with their widths; text is aligned to the right.
    const COLUMNS: &'static [(&'static str, usize)];

    /// The cells, as many as there are columns.
    fn cells(&self) -> Vec<String>;
}

/// Writes rows as they come.
#[derive(Debug)]
pub struct Table {
    format: Format,
    begun: bool,
}

impl Table {
    /// A table; in text `title` stands above it.
    ///
    /// # Panics
    /// If standard output is closed, as in all its functions.
    pub fn new(format: Format, title: &str) -> Self {
        if format == Format::Text {
            line(title);
        }
        Self { format, begun: false }
    }

    /// A table that goes on, without a title and heads.
    pub const fn continued(format: Format) -> Self {
        Self { format, begun: true }
    }

    /// Writes one row.
    pub fn row<R: Row>(&mut self, row: &R) {
        if self.format == Format::Json {
            return line(&serde_json::to_string(row).expect("a row is plain data"));
        }
        if !std::mem::replace(&mut self.begun, true) {
            line(&join(R::COLUMNS, R::COLUMNS.iter().map(|(head, _)| (*head).to_owned())));
        }
        line(&join(R::COLUMNS, row.cells()));
    }
}

fn join(columns: &[(&str, usize)], cells: impl IntoIterator<Item = String>) -> String {
    let cells = columns.iter().zip(cells).map(|((_, width), cell)| format!("{cell:>width$}"));
    cells.collect::<Vec<_>>().join("  ")
}

fn line(text: &str) {
    writeln!(std::io::stdout(), "{text}").expect("standard output takes results");
}

/// Says on a terminal what is being done, at most once a second.
#[derive(Debug)]
pub struct Progress {
    last: Instant,
}

impl Default for Progress {
    fn default() -> Self {
        Self { last: Instant::now() }
    }
}

impl Progress {
    /// Says `what`, if a second has passed since it last said something.
    pub fn say(&mut self, what: impl FnOnce() -> String) {
        if self.last.elapsed() >= Duration::from_secs(1) && std::io::stderr().is_terminal() {
            self.last = Instant::now();
            // Without a place for progress there is none.
            drop(writeln!(std::io::stderr(), "... {}", what()));
        }
    }
}

/// A duration in microseconds with a sensible number of digits.
pub fn micros(duration: Duration) -> String {
    let micros = duration.as_secs_f64() * 1e6;
    if micros < 100.0 { format!("{micros:.1}") } else { format!("{micros:.0}") }
}
