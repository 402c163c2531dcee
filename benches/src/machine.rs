//! The machine that is measured on: its name, its processors, and the processor time that was used.

use std::sync::OnceLock;
use std::time::Duration;

/// A line that says what was measured on.
pub fn describe() -> String {
    let cpu = read("/proc/cpuinfo", |line| line.strip_prefix("model name")?.split_once(": ").map(|(_, name)| name));
    let kernel = read("/proc/sys/kernel/osrelease", |line| Some(line));
    let count = processors();
    let load = read("/proc/loadavg", |line| line.split(' ').next());
    format!("{count} x {cpu}, {} {kernel}, load {load}", std::env::consts::OS)
}

fn read(path: &str, find: fn(&str) -> Option<&str>) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().find_map(find).unwrap_or("unknown").to_owned()
}

/// How many processors there are. Counted once, because a thread that is pinned already counts one only.
pub fn processors() -> usize {
    static PROCESSORS: OnceLock<usize> = OnceLock::new();
    *PROCESSORS.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from))
}

/// Keeps the calling thread on the processor number `index`, counted round if there are fewer. Does nothing where that
/// is not possible; the figures are noisier then.
pub fn pin(index: usize) {
    #[cfg(target_os = "linux")]
    {
        use nix::sched::{CpuSet, sched_setaffinity};
        use nix::unistd::Pid;
        let count = processors();
        let mut set = CpuSet::new();
        if set.set(index % count).is_ok() {
            // Not allowed in some containers.
            let _pinned = sched_setaffinity(Pid::from_raw(0), &set);
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = index;
}

/// The processor time that this process has used so far, all threads; zero where it is not known.
pub fn process_time() -> Duration {
    #[cfg(target_os = "linux")]
    return clock(nix::time::ClockId::CLOCK_PROCESS_CPUTIME_ID);
    #[cfg(not(target_os = "linux"))]
    Duration::ZERO
}

#[cfg(target_os = "linux")]
fn clock(id: nix::time::ClockId) -> Duration {
    nix::time::clock_gettime(id).map_or(Duration::ZERO, Duration::from)
}

/// Tells how busy others keep the machine, which a figure has to be read with.
#[derive(Debug)]
pub struct Others {
    begin: std::time::Instant,
    used: Duration,
}

impl Others {
    /// Begins to look.
    pub fn watch() -> Self {
        Self { begin: std::time::Instant::now(), used: used_by_others() }
    }

    /// The share of all processors that was used since then by anybody but this process and those of its children that
    /// have ended; zero where it is not known.
    pub fn share(&self) -> f64 {
        let all = self.begin.elapsed().as_secs_f64() * processors() as f64;
        used_by_others().saturating_sub(self.used).as_secs_f64() / all.max(1e-9)
    }
}

/// The processor time of the whole system without this process and its children, time stolen by other systems included.
fn used_by_others() -> Duration {
    /// `USER_HZ`, which Linux shows to programs since ever.
    const TICKS_PER_SECOND: f64 = 100.0;
    let line = read("/proc/stat", |line| line.strip_prefix("cpu "));
    // User, nice, system; then idle and waiting, which are no use; then interrupts of two kinds, and what was stolen.
    let fields = line.split_ascii_whitespace().map(|field| field.parse::<u64>().unwrap_or(0));
    let ticks: u64 = fields.enumerate().filter(|(at, _)| matches!(at, 0..=2 | 5..=7)).map(|(_, ticks)| ticks).sum();
    Duration::from_secs_f64(ticks as f64 / TICKS_PER_SECOND).saturating_sub(process_time() + children_time())
}

fn children_time() -> Duration {
    #[cfg(target_os = "linux")]
    {
        use nix::sys::resource::{UsageWho, getrusage};
        let micros = |time: nix::sys::time::TimeVal| {
            Duration::from_micros(time.tv_sec() as u64 * 1_000_000 + time.tv_usec() as u64)
        };
        getrusage(UsageWho::RUSAGE_CHILDREN)
            .map_or(Duration::ZERO, |usage| micros(usage.user_time()) + micros(usage.system_time()))
    }
    #[cfg(not(target_os = "linux"))]
    Duration::ZERO
}

/// Raises the limit of open files as far as it goes.
pub fn raise_file_limit() {
    #[cfg(target_os = "linux")]
    {
        use nix::sys::resource::{Resource, getrlimit, setrlimit};
        if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
            // Who asks for more sockets than that is told when they cannot be opened.
            let _raised = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
        }
    }
}

/// The memory that this process has resident, in bytes; zero where it is not known.
pub fn resident() -> u64 {
    let kib = read("/proc/self/status", |line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"));
    kib.parse::<u64>().unwrap_or(0) * 1024
}
