//! The machine that runs the benchmark: its description, pinning, limits, and the processor time and memory of processes.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage, setrlimit};
use nix::sys::time::TimeValLike;
use nix::time::{ClockId, clock_gettime};
use nix::unistd::Pid;

/// Describes the machine in one line: processors, kernel and load.
pub fn describe() -> String {
    let cpu = read("/proc/cpuinfo", |line| line.strip_prefix("model name")?.split_once(": ").map(|(_, name)| name));
    let kernel = read("/proc/sys/kernel/osrelease", |line| Some(line));
    let load = read("/proc/loadavg", |line| line.split(' ').next());
    format!("{} x {cpu}, {} {kernel}, load {load}", processors(), std::env::consts::OS)
}

/// The first value that `find` finds in a line of a file.
fn read(path: impl AsRef<Path>, find: impl Fn(&str) -> Option<&str>) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().find_map(find).unwrap_or("unknown").to_owned()
}

/// The number of processors. Determined once, because a pinned thread sees only one.
pub fn processors() -> usize {
    static PROCESSORS: OnceLock<usize> = OnceLock::new();
    *PROCESSORS.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from))
}

/// Pins the calling thread to processor `index`, modulo the number of processors.
pub fn pin(index: usize) {
    let mut set = CpuSet::new();
    if set.set(index % processors()).is_ok() {
        // Some containers forbid it. The figures are noisier then.
        let _pinned = sched_setaffinity(Pid::from_raw(0), &set);
    }
}

/// Raises the limit of open files as far as possible.
pub fn raise_file_limit() {
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        // If the limit is still too low, opening the sockets fails and reports it.
        let _raised = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
}

/// The processor time of this process, all threads together.
pub fn process_time() -> Duration {
    clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}

/// The processor time of the calling thread.
pub fn thread_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}

/// `USER_HZ`, which is 100 on Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// Measures how much processor time other programs use, which distorts the figures.
#[derive(Debug)]
pub struct OtherLoad {
    begin: Instant,
    used: Duration,
}

impl OtherLoad {
    /// Starts to measure.
    pub fn watch() -> Self {
        Self { begin: Instant::now(), used: Self::used() }
    }

    /// The share of all processors that was used since the start by processes other than this one and its children.
    /// Only children that have ended are counted.
    pub fn share(&self) -> f64 {
        let available = self.begin.elapsed().as_secs_f64() * processors() as f64;
        Self::used().saturating_sub(self.used).as_secs_f64() / available.max(1e-9)
    }

    /// The processor time of the whole system, without this process and its children.
    fn used() -> Duration {
        let line = read("/proc/stat", |line| line.strip_prefix("cpu "));
        let fields = line.split_ascii_whitespace().map(|field| field.parse::<u64>().unwrap_or(0));
        // User, nice, system; skip idle and iowait; interrupts, soft interrupts, and time stolen by other systems.
        let ticks: u64 = fields.enumerate().filter(|(at, _)| matches!(at, 0..=2 | 5..=7)).map(|(_, ticks)| ticks).sum();
        let children = getrusage(UsageWho::RUSAGE_CHILDREN)
            .map_or(0, |usage| (usage.user_time() + usage.system_time()).num_microseconds());
        let own = process_time() + Duration::from_micros(children as u64);
        Duration::from_secs_f64(ticks as f64 / TICKS_PER_SECOND).saturating_sub(own)
    }
}

/// A process, seen through `/proc`.
#[derive(Clone, Debug)]
pub struct Process(PathBuf);

/// The memory of a process, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// Resident memory.
    pub resident: u64,
    /// The part of the resident memory that no file backs: heap and stacks.
    pub anonymous: u64,
    /// The highest resident memory so far.
    pub peak: u64,
}

impl Process {
    /// The process with this id.
    pub fn new(id: u32) -> Self {
        Self(PathBuf::from(format!("/proc/{id}")))
    }

    /// The memory of the process; zero if the process has ended.
    pub fn memory(&self) -> Memory {
        let bytes = |file: &str, key: &str| {
            let kib = read(self.0.join(file), |line| line.strip_prefix(key)?.trim().strip_suffix(" kB"));
            kib.parse::<u64>().unwrap_or(0) * 1024
        };
        Memory {
            resident: bytes("smaps_rollup", "Rss:"),
            anonymous: bytes("smaps_rollup", "Anonymous:"),
            peak: bytes("status", "VmHWM:"),
        }
    }

    /// The processor time of the process, with a resolution of 10 ms.
    pub fn time(&self) -> Duration {
        // Skip the name, which may contain spaces. User and system time are fields 12 and 13 after it.
        let stat = read(self.0.join("stat"), |line| line.rsplit_once(") ").map(|(_, fields)| fields));
        let ticks = stat.split(' ').skip(11).take(2).filter_map(|field| field.parse::<f64>().ok());
        Duration::from_secs_f64(ticks.sum::<f64>() / TICKS_PER_SECOND)
    }

    /// The current threads of the process whose names start with `prefix`.
    pub fn threads(&self, prefix: &str) -> Threads {
        let tasks = fs::read_dir(self.0.join("task")).into_iter().flatten().flatten().map(|task| task.path());
        let has_name =
            |task: &PathBuf| fs::read_to_string(task.join("comm")).is_ok_and(|name| name.starts_with(prefix));
        Threads(tasks.filter(has_name).map(|task| task.join("schedstat")).collect())
    }
}

/// A set of threads.
#[derive(Debug, Default)]
pub struct Threads(Vec<PathBuf>);

impl Threads {
    /// The processor time of the threads, all together.
    pub fn time(&self) -> Duration {
        // The first field is the time on a processor in nanoseconds.
        let nanos = |stat: &PathBuf| read(stat, |line| line.split(' ').next()).parse().unwrap_or(0);
        self.0.iter().map(|stat| Duration::from_nanos(nanos(stat))).sum()
    }
}
