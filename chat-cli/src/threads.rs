//! Starts the threads of a program. A program starts all of them at its beginning. If the system refuses one, the
//! program then ends with an error at its start, and never in the middle of its work.

use std::io;
use std::panic;
use std::process;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use crate::error::{CliError, Exit};
use crate::platform;
use crate::texts::Texts;

/// The threads for work that blocks: one for each of the 4 connections to an SQLite file, and as many for everything else
/// (looking up a host name, reading a certificate, typing a password). More work than that waits for its turn.
const BLOCKING_THREADS: usize = 8;

/// Starts a runtime with `workers` threads for tasks, and all of its threads for work that blocks.
///
/// `report` shows an error to the user and returns the exit code. It is called if the system refuses a worker: tokio
/// then panics instead of returning the error, so the process ends with that exit code.
///
/// # Errors
/// The system refuses a thread, or the files that a runtime needs.
pub fn start_runtime(
    workers: usize,
    report: impl Fn(&CliError) -> Exit + Send + Sync + 'static,
) -> Result<Runtime, CliError> {
    let before = platform::process::threads();
    let hook = panic::take_hook();
    // Exits, because unwinding would wait forever for the workers that did start.
    panic::set_hook(Box::new(move |_| process::exit(report(&missing_threads()).code().into())));
    let runtime = Builder::new_multi_thread()
        .enable_all()
        .worker_threads(workers)
        .max_blocking_threads(BLOCKING_THREADS)
        // An idle thread must not end, because the system may refuse its replacement.
        .thread_keep_alive(Duration::MAX)
        .build();
    if let Ok(runtime) = &runtime {
        start_blocking_threads(runtime);
    }
    panic::set_hook(hook);
    let runtime = runtime
        .map_err(|error| CliError::system(move |texts: &Texts| texts.say().runtime_refused(error.to_string())))?;
    match (before, platform::process::threads()) {
        // Once there is one thread for blocking work, tokio ignores that the system refuses further ones.
        (Some(before), Some(now)) if now < before + workers + BLOCKING_THREADS => Err(missing_threads()),
        _ => Ok(runtime),
    }
}

/// Makes the runtime start all its threads for blocking work, by occupying all of them at the same time.
fn start_blocking_threads(runtime: &Runtime) {
    let gate = Arc::new(Mutex::new(()));
    let closed = gate.lock().unwrap_or_else(PoisonError::into_inner);
    for _ in 0..BLOCKING_THREADS {
        let gate = Arc::clone(&gate);
        drop(runtime.spawn_blocking(move || drop(gate.lock())));
    }
    drop(closed);
}

/// Starts a separate thread for work that lasts as long as the program.
///
/// # Errors
/// The system refuses the thread.
pub fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), CliError> {
    thread::Builder::new().name(name.to_owned()).spawn(work).map(drop).map_err(|error| refused(&error))
}

/// The error about a thread that the system refuses.
pub fn refused(error: &io::Error) -> CliError {
    let detail = error.to_string();
    with_hint(CliError::system(move |texts: &Texts| texts.say().thread_refused(&detail)))
}

fn missing_threads() -> CliError {
    with_hint(CliError::system(|texts: &Texts| texts.say().threads_missing()))
}

fn with_hint(error: CliError) -> CliError {
    error.hint(|texts: &Texts| texts.say().hint_threads())
}
