//! Ends the program when any thread panics, which is a bug. Without that thread, the program would hang or lose data,
//! and nobody would learn the reason.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, Write};
use std::panic::{self, PanicHookInfo};
use std::process;
use std::sync::Mutex;

use crate::error::Exit;
use crate::terminal;

/// Held by the first thread that panics.
static FIRST: Mutex<()> = Mutex::new(());

/// Installs a hook: every later panic restores the terminal, writes one line to standard error, and ends the program
/// with [`Exit::Bug`]. `RUST_BACKTRACE=1` adds a backtrace.
pub(crate) fn end_program_on_panic() {
    panic::set_hook(Box::new(|panic| {
        // Never released: another thread that panics meanwhile waits here for the end of the process.
        let _first = FIRST.lock();
        terminal::restore();
        // If standard error is closed, no other place is left to report it.
        drop(write(&mut io::stderr(), panic));
        // Exits instead of returning, because unwinding would end only this thread, and may wait for others.
        process::exit(Exit::Bug.code().into());
    }));
}

fn write(err: &mut impl Write, panic: &PanicHookInfo<'_>) -> io::Result<()> {
    let what = panic.payload_as_str().unwrap_or("an unknown panic").replace('\n', " ");
    let place = panic.location().map_or_else(String::new, |location| format!(" ({location})"));
    writeln!(err, "error: internal error; please report it: {what}{place}")?;
    let backtrace = Backtrace::capture();
    if backtrace.status() == BacktraceStatus::Captured {
        writeln!(err, "{backtrace}")?;
    }
    Ok(())
}
