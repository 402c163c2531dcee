//! Results as a table or as JSON lines on standard output, progress and diagnostics on standard error.
#![expect(clippy::print_stderr, clippy::print_stdout, reason = "the output of the programs")]

use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::machine;

/// How results are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub enum Format {
    /// A table.
    Text,
    /// One JSON object per row.
    Json,
}

/// One row of results: its figures, in the order of the columns.
#[derive(Debug, Default)]
pub struct Row {
    figures: Vec<(&'static str, Value)>,
    faults: u64,
}

impl Row {
    /// Adds a figure.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.figures.push((name, value.into()));
        self
    }

    /// Adds a number of faults. Any number but zero makes the program fail.
    #[must_use]
    pub fn with_faults(mut self, name: &'static str, count: u64) -> Self {
        self.faults += count;
        self.with(name, count)
    }
}

/// Writes rows as they come.
#[derive(Debug)]
pub struct Table {
    format: Format,
    /// The widths of the columns, once the heads are written.
    widths: Vec<usize>,
    faults: u64,
}

/// The smallest width of a column. Later rows may hold longer figures than the first one.
const MIN_WIDTH: usize = 7;

impl Table {
    /// Runs a benchmark, which may open as many files as the system permits and writes its results to a table with this
    /// title. The exit code is 0, 1 if a row had faults, or 2 if the benchmark failed.
    pub fn fill(format: Format, title: &str, benchmark: impl FnOnce(&mut Self) -> io::Result<()>) -> ExitCode {
        machine::raise_file_limit();
        if format == Format::Text {
            println!("{title} ({})", machine::describe());
        }
        let mut table = Self { format, widths: Vec::new(), faults: 0 };
        let others = machine::OtherLoad::watch();
        let result = benchmark(&mut table);
        // Load from other programs distorts the figures, and not evenly.
        eprintln!("other programs used {:.0} % of the processors during the benchmark", others.share() * 100.0);
        match result {
            Ok(()) if table.faults == 0 => ExitCode::SUCCESS,
            Ok(()) => ExitCode::FAILURE,
            Err(error) => {
                eprintln!("benchmark failed: {error}");
                ExitCode::from(2)
            }
        }
    }

    /// Writes one row. All rows of a table have the same columns.
    pub fn row(&mut self, row: &Row) {
        self.faults += row.faults;
        if self.format == Format::Json {
            let figures = row.figures.iter().map(|(name, value)| format!("\"{name}\":{value}"));
            return println!("{{{}}}", figures.collect::<Vec<_>>().join(","));
        }
        let cells: Vec<String> = row.figures.iter().map(|(_, value)| cell(value)).collect();
        if self.widths.is_empty() {
            // Each word of a column's name has a line of its own.
            let heads: Vec<Vec<&str>> = row.figures.iter().map(|(name, _)| name.split('_').collect()).collect();
            let widest = |head: &Vec<&str>| head.iter().map(|word| word.len()).max().unwrap_or(0);
            self.widths = heads.iter().zip(&cells).map(|(h, c)| widest(h).max(c.len()).max(MIN_WIDTH)).collect();
            for above in (0..heads.iter().map(Vec::len).max().unwrap_or(0)).rev() {
                let word = |head: &Vec<&'static str>| head.len().checked_sub(above + 1).map_or("", |at| head[at]);
                self.line(heads.iter().map(word));
            }
        }
        self.line(cells.iter().map(String::as_str));
    }

    fn line<'a>(&self, cells: impl Iterator<Item = &'a str>) {
        let mut cells: Vec<String> =
            self.widths.iter().zip(cells).map(|(width, cell)| format!("{cell:>width$}")).collect();
        // The last column is aligned to the left, because it holds names of varying length.
        if let Some(last) = cells.last_mut() {
            *last = last.trim().to_owned();
        }
        println!("{}", cells.join("  "));
    }
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(cell).collect::<Vec<_>>().join(" "),
        Value::Number(number) if number.as_u64().is_some_and(|number| number < 1_000_000) => number.to_string(),
        value => short(value.as_f64().unwrap_or(f64::NAN)),
    }
}

/// Rounds to three significant digits. On a machine that other programs share, further digits carry no information.
/// JSON output has all digits.
fn short(value: f64) -> String {
    let (value, unit) = match value {
        1e9.. => (value / 1e9, " G"),
        1e6.. => (value / 1e6, " M"),
        1e4.. => (value / 1e3, " k"),
        _ => (value, ""),
    };
    let decimals = match value.abs() {
        100.0.. => 0,
        10.0.. => 1,
        0.1.. => 2,
        _ => 4,
    };
    format!("{value:.decimals$}{unit}")
}

/// Reports progress on a terminal, at most once a second.
#[derive(Debug)]
pub struct Progress(Instant);

impl Default for Progress {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Progress {
    /// Reports `status`, unless the last report is less than a second old.
    pub fn report(&mut self, status: impl FnOnce() -> String) {
        if self.0.elapsed() >= Duration::from_secs(1) && io::stderr().is_terminal() {
            self.0 = Instant::now();
            eprintln!("... {}", status());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_have_three_digits() {
        let values: [Value; 8] = [
            0.031.into(),
            1.0.into(),
            999.5.into(),
            98_432.1.into(),
            999_999.into(),
            6_300_000_000_u64.into(),
            vec![1.25, 10.0].into(),
            Value::Null,
        ];
        assert_eq!(
            values.each_ref().map(cell),
            ["0.0310", "1.00", "1000", "98.4 k", "999999", "6.30 G", "1.25 10.0", ""]
        );
    }
}
