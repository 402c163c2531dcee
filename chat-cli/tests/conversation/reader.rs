//! The events of a client, read as they come unless a story holds the reading up.

use std::io::{BufRead, BufReader};
use std::process::ChildStdout;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// Reads a client's standard output in a thread of its own, which ends with the client.
#[derive(Debug)]
pub(crate) struct Reader {
    events: Receiver<Value>,
    /// While somebody holds this lock nothing more is read.
    pub(crate) reading: Arc<Mutex<()>>,
}

impl Reader {
    pub(crate) fn new(stdout: ChildStdout) -> Self {
        let (to, events) = channel();
        let reading = Arc::new(Mutex::new(()));
        let gate = Arc::clone(&reading);
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // A story that failed meanwhile holds nothing up.
                drop(gate.lock());
                let event = serde_json::from_str(&line);
                let event: Value = event.unwrap_or_else(|error| panic!("{line:?} is not JSON: {error}"));
                // Whether the machine grants large buffers is not part of any story.
                if event["code"] != "receive-buffer-small" && to.send(event).is_err() {
                    return;
                }
            }
        });
        Self { events, reading }
    }

    /// The next event.
    ///
    /// # Errors
    /// None came in time, or the output has ended.
    pub(crate) fn next(&self, patience: Duration) -> Result<Value, RecvTimeoutError> {
        self.events.recv_timeout(patience)
    }
}
