//! One seed for each run, and the command that repeats the one that failed.

use std::fmt::Display;
use std::io::Write;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The environment variable with the only seed to be run.
pub const SEED_VARIABLE: &str = "CHAT_SEED";

/// Runs `story` with each of `seeds`, or only with that in `CHAT_SEED`; gives how many were run. `target` is the test
/// program, which is `env!("CARGO_CRATE_NAME")` there.
///
/// # Panics
/// If a run does, with the command that repeats it alone. If `CHAT_SEED` is no number.
pub fn each_seed(target: &str, seeds: Range<u64>, story: impl Fn(u64)) -> u64 {
    let seeds = match std::env::var(SEED_VARIABLE) {
        Ok(seed) => {
            let seed = seed.parse().expect("CHAT_SEED is a number");
            seed..seed + 1
        }
        Err(_) => seeds,
    };
    let count = seeds.end - seeds.start;
    for seed in seeds {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| story(seed))) {
            let what = panic.downcast_ref::<String>().map(String::as_str);
            let what = what.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked");
            let thread = std::thread::current();
            // The test harness names its threads after the tests.
            let test = thread.name().filter(|name| *name != "main").unwrap_or_default();
            panic!("{what}\n\nrepeat it with:\n  {SEED_VARIABLE}={seed} cargo test --test {target} {test}");
        }
    }
    count
}

/// Writes a line to standard error, past the test harness, which shows what tests print only if they fail: how much was
/// proved has to be seen when they pass.
pub fn announce(line: impl Display) {
    // Without standard error there is nobody to read it.
    drop(writeln!(std::io::stderr(), "{line}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_command_that_repeats_it() {
        if std::env::var(SEED_VARIABLE).is_ok() {
            // Then there is one seed, and this is about several.
            return;
        }
        assert_eq!(each_seed("stories", 3..7, |_| {}), 4);
        let failed = catch_unwind(|| each_seed("stories", 3..7, |seed| assert!(seed < 5, "five is too much")));
        let text = failed.unwrap_err().downcast::<String>().unwrap();
        assert!(text.starts_with("five is too much"), "{text}");
        assert!(text.contains("CHAT_SEED=5 cargo test --test stories sim::seeds"), "{text}");
    }
}
