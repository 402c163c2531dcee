//! What the system says about this process.

use std::fs;
use std::time::Duration;

/// The unit of times in `/proc`: 10 ms on every Linux.
const TICK: Duration = Duration::from_millis(10);

/// A field of `/proc/self/stat`, counted from 1 as in proc(5).
fn stat(field: usize) -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    // The name before it may contain spaces.
    let rest = stat.rsplit(')').next().unwrap();
    rest.split_whitespace().nth(field - 3).unwrap().parse().unwrap()
}

fn ticks(count: u64) -> Duration {
    TICK * u32::try_from(count).unwrap()
}

/// The processor time of all threads so far.
pub(crate) fn processor_time() -> Duration {
    ticks(stat(14) + stat(15))
}

/// How long this process has been running.
pub(crate) fn age() -> Duration {
    let uptime = fs::read_to_string("/proc/uptime").unwrap();
    let uptime: f64 = uptime.split_whitespace().next().unwrap().parse().unwrap();
    Duration::from_secs_f64(uptime).saturating_sub(ticks(stat(22)))
}

/// The memory that is in use, in MB: all of it, and what is not a part of a file.
pub(crate) fn memory() -> (f64, f64) {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let of = |name: &str| -> f64 {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1_000.0
    };
    (of("VmRSS:"), of("RssAnon:"))
}
