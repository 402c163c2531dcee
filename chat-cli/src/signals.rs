//! SIGTERM and SIGINT, which ask a program to end.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::CliError;

/// The two signals; from its making on they no longer kill the process.
#[derive(Debug)]
pub struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    /// Takes the signals over. Needs a tokio runtime.
    ///
    /// # Errors
    /// The system refuses.
    pub fn new() -> Result<Self, CliError> {
        let make = || -> io::Result<Self> {
            Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
        };
        make().map_err(|error| CliError::not_there(format_args!("signals cannot be received: {error}")))
    }

    /// Waits for the next of them.
    ///
    /// Cancel safety: safe; a signal that came before is not lost.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
