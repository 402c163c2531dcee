//! What differs between operating systems. Every system has the same modules with the same items, and nothing else in this
//! crate depends on the system.
//!
//! - `control` connects the operator's commands with the running server.
//! - `files` restricts files and folders to their owner.
//! - `process` limits and measures this process.
//! - `service` runs the server as a service of Windows.
//! - `signals` waits for what the system asks of a program.
//! - `terminal` reads keys, and changes the settings of the terminal.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use self::unix::{control, files, process, service, signals, terminal};
#[cfg(windows)]
pub use self::windows::{control, files, process, service, signals, terminal};
