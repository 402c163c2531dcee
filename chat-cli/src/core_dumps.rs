//! Core dumps, which would write keys and passwords to disk.

use std::io;

use rustix::process::{Resource, Rlimit, setrlimit};

/// Turns off the core dumps of this process until it ends.
///
/// # Errors
/// The system refuses.
pub(crate) fn disable() -> io::Result<()> {
    // A system that hands core dumps to a program ignores the limit below. This also keeps the other programs of the user
    // from reading the memory and the environment of this process.
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    Ok(())
}
