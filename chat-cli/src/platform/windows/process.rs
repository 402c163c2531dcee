//! Measurements of this process. The system limits neither its handles nor its core dumps.

use std::io;

/// Windows writes no core dumps unless an administrator asks for them.
///
/// # Errors
/// None on this system.
#[expect(clippy::unnecessary_wraps, reason = "other systems can refuse")]
pub const fn disable_core_dumps() -> io::Result<()> {
    Ok(())
}

/// Raises the limit of open files. There is none.
pub const fn raise_open_files(_wanted: u64) -> Option<u64> {
    None
}

/// The name of this machine.
pub fn host_name() -> Option<String> {
    std::env::var("COMPUTERNAME").ok()
}

/// The number of open files. No safe library reports it.
pub const fn open_files() -> Option<usize> {
    None
}

/// The limit of open files. There is none.
pub const fn max_open_files() -> Option<u64> {
    None
}

/// The resident memory in bytes.
pub fn resident_memory() -> Option<u64> {
    memory_stats::memory_stats().map(|found| found.physical_mem as u64)
}

/// The number of threads. No safe library reports it.
pub const fn threads() -> Option<usize> {
    None
}

/// Stops this process. Nothing asks for it, because no key does; see [`super::terminal::ControlCharacters`].
///
/// # Errors
/// The system cannot stop processes.
pub fn stop_group() -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// The locale of the user, which the system does not name in the environment, such as `zh-CN`.
pub fn locale() -> Option<String> {
    sys_locale::get_locale()
}
