//! Counts the instructions of an operation with valgrind. This program runs twice, with different numbers of
//! operations, and the difference is the result.

use std::io;
use std::process::Command;

/// A part of this program that runs alone with `--only` and `--messages`.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) name: String,
    /// A value of `--messages`.
    pub(crate) messages: u64,
    /// The number of operations in one run with that value. Twice the value gives twice the number.
    pub(crate) operations: u64,
}

impl Part {
    /// Counts the instructions of one operation, outside of the kernel.
    pub(crate) fn instructions(&self, args: &[&str]) -> io::Result<f64> {
        let (once, twice) = (self.run(self.messages, args)?, self.run(2 * self.messages, args)?);
        Ok(twice.saturating_sub(once) as f64 / self.operations as f64)
    }

    fn run(&self, messages: u64, args: &[&str]) -> io::Result<u64> {
        let run = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(std::env::current_exe()?)
            .args(["--runs", "1", "--only", &self.name, "--messages", &messages.to_string()])
            .args(args)
            .output()
            .map_err(|error| io::Error::new(error.kind(), format!("cannot start valgrind: {error}")))?;
        let log = String::from_utf8_lossy(&run.stderr);
        collected(&log)
            .filter(|_| run.status.success())
            .ok_or_else(|| io::Error::other(format!("valgrind did not count the instructions of {}: {log}", self.name)))
    }
}

/// The count at the end of callgrind's output.
fn collected(log: &str) -> Option<u64> {
    log.lines().find_map(|line| line.split_once("Collected :"))?.1.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_found() {
        assert_eq!(collected("==7== \n==7== Events    : Ir\n==7== Collected : 635635633\n"), Some(635_635_633));
        assert_eq!(collected("==7== killed"), None);
    }
}
