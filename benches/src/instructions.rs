//! How many instructions an operation takes, counted by valgrind: two runs of this program that differ in nothing but how
//! often they do it, and the difference.

use std::io;
use std::process::Command;

/// A part of a program that can be asked for alone, with `--only` and `--messages`.
#[derive(Clone, Debug)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// A number of messages.
    pub messages: u64,
    /// How many operations that number makes in one run; twice the number makes twice as many.
    pub operations: u64,
}

impl Part {
    /// Counts the instructions of one operation, outside of the kernel.
    ///
    /// # Errors
    /// Valgrind is not installed, or the program fails.
    pub fn instructions(&self, args: &[&str]) -> io::Result<f64> {
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
            .map_err(|error| io::Error::new(error.kind(), format!("valgrind does not start: {error}")))?;
        let told = String::from_utf8_lossy(&run.stderr);
        if !run.status.success() {
            return Err(io::Error::other(format!("{} fails under valgrind: {told}", self.name)));
        }
        collected(&told).ok_or_else(|| io::Error::other(format!("valgrind tells no count: {told}")))
    }
}

/// The count at the end of what callgrind says.
fn collected(told: &str) -> Option<u64> {
    let line = told.lines().find_map(|line| line.split_once("Collected :"))?;
    line.1.trim().parse().ok()
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
