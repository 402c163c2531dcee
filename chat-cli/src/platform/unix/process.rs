//! Limits and measurements of this process.

use std::fs;
use std::io;

use rustix::process::{Resource, Rlimit, Signal, getrlimit, kill_current_process_group, setrlimit};

/// Turns off the core dumps of this process until it ends.
///
/// # Errors
/// The system refuses.
pub fn disable_core_dumps() -> io::Result<()> {
    // A system that hands core dumps to a program ignores the limit below. This also keeps the other programs of the user
    // from reading the memory and the environment of this process.
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    Ok(())
}

/// Raises the limit of open files to `wanted`, as far as the system allows. Returns the limit that now holds, or `None` if
/// it was high enough.
pub fn raise_open_files(wanted: u64) -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    let current = limit.current.filter(|current| *current < wanted)?;
    let raised = limit.maximum.map_or(wanted, |maximum| maximum.min(wanted)).max(current);
    match setrlimit(Resource::Nofile, Rlimit { current: Some(raised), ..limit }) {
        Ok(()) => Some(raised),
        Err(_) => Some(current),
    }
}

/// The name of this machine. `None` on a system that keeps it elsewhere.
pub fn host_name() -> Option<String> {
    // The systemd unit hides the second one.
    let files = ["/etc/hostname", "/proc/sys/kernel/hostname"];
    files.iter().find_map(|file| fs::read_to_string(file).ok())?.lines().next().map(str::to_owned)
}

/// The number of open files, including connections. `None` on a system that does not report it.
pub fn open_files() -> Option<usize> {
    fs::read_dir("/proc/self/fd").ok().map(Iterator::count)
}

/// The limit of open files, if there is one.
pub fn max_open_files() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}

/// The resident memory in bytes. `None` on a system that does not report it.
pub fn resident_memory() -> Option<u64> {
    let statm = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split(' ').nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

/// The number of threads. `None` on a system that does not report it.
pub fn threads() -> Option<usize> {
    fs::read_dir("/proc/self/task").ok().map(Iterator::count)
}

/// Stops this process and the others of its group, as a terminal does on Ctrl-Z.
///
/// # Errors
/// The system refuses.
pub fn stop_group() -> io::Result<()> {
    // The whole group, so that the shell learns of it even if a script started this program.
    Ok(kill_current_process_group(Signal::TSTP)?)
}

/// The locale of the user, if the system does not name it in the environment. It does.
pub const fn locale() -> Option<String> {
    None
}
