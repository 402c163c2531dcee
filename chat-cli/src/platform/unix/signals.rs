//! Signals.

use std::future::pending;
use std::io;

use rustix::process;
pub use tokio::signal::unix::Signal as Notices;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that ask a program to stop. While this value exists, they do not kill the process.
#[derive(Debug)]
pub struct StopRequests {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Option<Signal>,
}

impl StopRequests {
    /// Handles SIGTERM and SIGINT. Requires a tokio runtime.
    ///
    /// # Errors
    /// The system does not allow the signal handlers.
    pub fn new() -> io::Result<Self> {
        let (terminate, interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        Ok(Self { terminate, interrupt, hang_up: None })
    }

    /// Handles SIGHUP too, which a terminal sends when it is closed.
    ///
    /// # Errors
    /// The system does not allow the signal handlers.
    pub fn with_hang_up() -> io::Result<Self> {
        let hang_up = Some(signal(SignalKind::hangup())?);
        Ok(Self { hang_up, ..Self::new()? })
    }

    /// Waits for the next request.
    ///
    /// Cancel safety: this method is cancel safe. No signal is lost.
    pub async fn next(&mut self) {
        let hang_up = async {
            match &mut self.hang_up {
                Some(signal) => drop(signal.recv().await),
                None => pending().await,
            }
        };
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            () = hang_up => {}
        }
    }
}

/// Requests to reload files: SIGHUP.
///
/// # Errors
/// The system does not allow the signal handler.
pub fn reload_requests() -> io::Result<Notices> {
    signal(SignalKind::hangup())
}

/// The signal that a process receives when it continues after a stop.
///
/// # Errors
/// The system does not allow the signal handler.
pub fn continued() -> io::Result<Notices> {
    signal(SignalKind::from_raw(process::Signal::CONT.as_raw()))
}

/// The signal that the size of the terminal has changed.
///
/// # Errors
/// The system does not allow the signal handler.
pub fn resized() -> io::Result<Notices> {
    signal(SignalKind::window_change())
}
