//! Lines on the server's standard output. A reader that is slow or gone never delays the server.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::time::Duration;

use crate::error::CliError;
use crate::texts::Texts;
use crate::threads;

/// Hands lines to the thread that writes them. Clones write to the same output.
#[derive(Clone, Debug)]
pub struct Announcer {
    lines: SyncSender<String>,
    dropped: Arc<AtomicU64>,
    texts: Texts,
}

/// The thread that writes lines, for waiting until it ends.
#[derive(Debug)]
pub struct Writer(Receiver<()>);

/// The maximum number of lines that wait for the reader: enough for a whole office that arrives at the same time.
/// Further lines are dropped and counted.
const MAX_LINES: usize = 1_024;

/// The time limit for writing the last lines when the server ends.
const FLUSH_TIME: Duration = Duration::from_millis(500);

impl Announcer {
    /// Starts a thread that writes to `output`. The thread ends when the last clone is dropped.
    ///
    /// # Errors
    /// The system refuses the thread.
    pub fn new(output: impl Write + Send + 'static, texts: Texts) -> Result<(Self, Writer), CliError> {
        let (lines, queue) = mpsc::sync_channel(MAX_LINES);
        let (end, ended) = mpsc::channel();
        threads::spawn("output", move || {
            write_all(&queue, output);
            drop::<mpsc::Sender<()>>(end);
        })?;
        Ok((Self { lines, dropped: Arc::default(), texts }, Writer(ended)))
    }

    /// Queues one line without waiting. After dropped lines, a line with their number comes first.
    pub fn announce(&self, line: impl Into<String>) {
        let dropped = self.dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 && self.lines.try_send(self.texts.say().lines_dropped(dropped)).is_err() {
            self.dropped.fetch_add(dropped + 1, Ordering::Relaxed);
            return;
        }
        match self.lines.try_send(line.into()) {
            Ok(()) | Err(TrySendError::Disconnected(_)) => {}
            Err(TrySendError::Full(_)) => drop(self.dropped.fetch_add(1, Ordering::Relaxed)),
        }
    }
}

impl Writer {
    /// Waits until the last lines are written, for at most half a second. All announcers must be dropped first.
    pub fn wait(self) {
        match self.0.recv_timeout(FLUSH_TIME) {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => {}
            Err(RecvTimeoutError::Timeout) => log::warn!("standard output does not accept the last lines"),
        }
    }
}

fn write_all(queue: &Receiver<String>, mut output: impl Write) {
    for line in queue {
        let written = writeln!(output, "{line}").and_then(|()| output.flush());
        if let Err(error) = written {
            if error.kind() != io::ErrorKind::BrokenPipe {
                log::error!("cannot write to standard output any more: {error}");
            }
            // Dropping the queue discards all further lines.
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// An output that blocks while a test holds its lock.
    #[derive(Clone, Default)]
    struct Blockable(Arc<Mutex<Vec<u8>>>);

    impl Write for Blockable {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_are_written_in_order_and_wait_returns_after_the_last() {
        let output = Blockable::default();
        let (announcer, writer) = Announcer::new(output.clone(), Texts::default()).unwrap();
        announcer.announce("one");
        announcer.clone().announce("two");
        drop(announcer);
        writer.wait();
        assert_eq!(output.0.lock().unwrap().as_slice(), b"one\ntwo\n");
    }

    #[test]
    fn lines_are_dropped_and_counted_while_the_reader_is_stopped() {
        let output = Blockable::default();
        let stopped = output.0.lock().unwrap();
        let (announcer, writer) = Announcer::new(output.clone(), Texts::default()).unwrap();
        let dropped = || announcer.dropped.load(Ordering::Relaxed);
        // The thread may already have taken one.
        for number in 0..MAX_LINES + 5 {
            announcer.announce(number.to_string());
        }
        assert!((4..=5).contains(&dropped()), "{}", dropped());
        drop(stopped);
        while dropped() > 0 {
            announcer.announce("again");
        }
        drop(announcer);
        writer.wait();
        let text = String::from_utf8(output.0.lock().unwrap().clone()).unwrap();
        assert!(text.contains(" lines were dropped)\nagain\n"), "{text}");
    }
}
