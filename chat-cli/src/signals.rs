//! SIGTERM and SIGINT, which ask a program to end, and SIGHUP, by which a terminal tells that its window was closed.

use std::future::pending;
use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::CliError;

/// The signals; from its making on they no longer kill the process.
#[derive(Debug)]
pub struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Option<Signal>,
}

impl StopSignals {
    /// Takes SIGTERM and SIGINT over. Needs a tokio runtime.
    ///
    /// # Errors
    /// The system refuses.
    pub fn new() -> Result<Self, CliError> {
        let make = || -> io::Result<Self> {
            let (terminate, interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
            Ok(Self { terminate, interrupt, hang_up: None })
        };
        make().map_err(refused)
    }

    /// Takes SIGHUP over as well.
    ///
    /// # Errors
    /// The system refuses.
    pub fn with_hang_up() -> Result<Self, CliError> {
        let hang_up = Some(signal(SignalKind::hangup()).map_err(refused)?);
        Ok(Self { hang_up, ..Self::new()? })
    }

    /// Waits for the next of them.
    ///
    /// Cancel safety: safe; a signal that came before is not lost.
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
    CliError::not_there(format_args!("signals cannot be received: {error}"))
}
