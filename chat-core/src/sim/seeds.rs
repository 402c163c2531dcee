//! Runs a test with many seeds, and reports the command that repeats a failure.

use std::fmt::Display;
use std::io::Write;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The environment variable that restricts a test to one seed.
pub const SEED_VARIABLE: &str = "CHAT_SEED";

/// Runs `scenario` with each of `seeds`, or only with the one in `CHAT_SEED`. Returns the number of runs. `target` is the
/// name of the test target; pass `env!("CARGO_CRATE_NAME")`.
///
/// # Panics
/// If a run panics, with the command that repeats that run, or if `CHAT_SEED` is not a number.
pub fn each_seed(target: &str, seeds: Range<u64>, scenario: impl Fn(u64)) -> u64 {
    let seeds = match std::env::var(SEED_VARIABLE) {
        Ok(seed) => {
            let seed = seed.parse().expect("CHAT_SEED is a number");
            seed..seed + 1
        }
        Err(_) => seeds,
    };
    let count = seeds.end - seeds.start;
    for seed in seeds {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| scenario(seed))) {
            let what = panic.downcast_ref::<String>().map(String::as_str);
            let what = what.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("the run panicked");
            let thread = std::thread::current();
            // The test harness names each thread after its test.
            let test = thread.name().filter(|name| *name != "main").unwrap_or_default();
            panic!("{what}\n\nrepeat it with:\n  {SEED_VARIABLE}={seed} cargo test --test {target} {test}");
        }
    }
    count
}

/// Writes a line to standard error. Unlike `eprintln!`, the test harness does not capture it, so that the number of runs is
/// visible when the tests pass.
pub fn announce(line: impl Display) {
    // Without standard error, nobody misses the line.
    drop(writeln!(std::io::stderr(), "{line}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_reports_the_command_that_repeats_it() {
        if std::env::var(SEED_VARIABLE).is_ok() {
            // This test needs several seeds.
            return;
        }
        assert_eq!(each_seed("scenarios", 3..7, |_| {}), 4);
        let failed = catch_unwind(|| each_seed("scenarios", 3..7, |seed| assert!(seed < 5, "five is too large")));
        let text = failed.unwrap_err().downcast::<String>().unwrap();
        assert!(text.starts_with("five is too large"), "{text}");
        assert!(text.contains("CHAT_SEED=5 cargo test --test scenarios sim::seeds"), "{text}");
    }
}
