//! Signals that ask a program to stop: SIGTERM, SIGINT, and SIGHUP, which a terminal sends when it is closed.

use std::future::pending;
use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::CliError;
use crate::texts::Texts;

/// The stop signals. While this value exists, they do not kill the process.
#[derive(Debug)]
pub struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Option<Signal>,
}

impl StopSignals {
    /// Handles SIGTERM and SIGINT. Requires a tokio runtime.
    ///
    /// # Errors
    /// The system does not allow the signal handlers.
    pub fn new() -> Result<Self, CliError> {
        let install = || -> io::Result<Self> {
            let (terminate, interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
            Ok(Self { terminate, interrupt, hang_up: None })
        };
        install().map_err(refused)
    }

    /// Handles SIGHUP too.
    ///
    /// # Errors
    /// The system does not allow the signal handlers.
    pub fn with_hang_up() -> Result<Self, CliError> {
        let hang_up = Some(signal(SignalKind::hangup()).map_err(refused)?);
        Ok(Self { hang_up, ..Self::new()? })
    }

    /// Waits for the next signal.
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

fn refused(error: io::Error) -> CliError {
    CliError::system(move |texts: &Texts| texts.say().signals_refused(error.to_string()))
}
