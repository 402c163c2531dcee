//! Requests to stop a program, such as SIGTERM, SIGINT and SIGHUP on Unix.

use std::io;

use crate::error::CliError;
use crate::platform::signals::StopRequests;
use crate::texts::Texts;

/// The stop signals. While this value exists, they do not kill the process.
#[derive(Debug)]
pub struct StopSignals(StopRequests);

impl StopSignals {
    /// Handles the requests of a service manager and of Ctrl-C. Requires a tokio runtime.
    ///
    /// # Errors
    /// The system does not allow the signal handlers.
    pub fn new() -> Result<Self, CliError> {
        StopRequests::new().map(Self).map_err(refused)
    }

    /// Handles the end of the terminal too.
    ///
    /// # Errors
    /// The system does not allow the signal handlers.
    pub fn with_hang_up() -> Result<Self, CliError> {
        StopRequests::with_hang_up().map(Self).map_err(refused)
    }

    /// Waits for the next signal.
    ///
    /// Cancel safety: this method is cancel safe. No signal is lost.
    pub async fn next(&mut self) {
        self.0.next().await;
    }
}

fn refused(error: io::Error) -> CliError {
    CliError::system(move |texts: &Texts| texts.say().signals_refused(error.to_string()))
}
