//! Reads the JSON events of a client.

use std::io::{BufRead, BufReader};
use std::process::ChildStdout;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// Reads a client's standard output in a thread, which ends with the client.
#[derive(Debug)]
pub(crate) struct EventReader {
    events: Receiver<Value>,
    gate: Arc<Mutex<()>>,
}

impl EventReader {
    pub(crate) fn new(stdout: ChildStdout) -> Self {
        let (to, events) = channel();
        let gate = Arc::new(Mutex::new(()));
        let reading = Arc::clone(&gate);
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // A test that failed while it paused the reader poisons the lock.
                drop(reading.lock());
                let event = serde_json::from_str(&line);
                let event: Value = event.unwrap_or_else(|error| panic!("{line:?} is not JSON: {error}"));
                // Whether this notice comes depends on the machine.
                if event["code"] != "receive-buffer-small" && to.send(event).is_err() {
                    return;
                }
            }
        });
        Self { events, gate }
    }

    /// The next event.
    ///
    /// # Errors
    /// No event arrived in time, or the output has ended.
    pub(crate) fn next(&self, patience: Duration) -> Result<Value, RecvTimeoutError> {
        self.events.recv_timeout(patience)
    }

    /// Returns a value that pauses the reading; see [`Pause::begin`].
    pub(crate) fn pause(&self) -> Pause {
        Pause(Arc::clone(&self.gate))
    }
}

/// Pauses the reading of a client's output.
pub(crate) struct Pause(Arc<Mutex<()>>);

impl Pause {
    /// Reads nothing more from the client until the guard is dropped.
    pub(crate) fn begin(&self) -> MutexGuard<'_, ()> {
        self.0.lock().unwrap()
    }
}
