//! Lines on the server's standard output. A reader that is slow or gone never holds up the server.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::thread;
use std::time::Duration;

/// Lines that may wait for the reader: a whole office that arrives at once. Beyond that they are counted instead.
const LINES: usize = 1_024;

/// How long the last lines may take when the server ends.
const LAST_LINES: Duration = Duration::from_millis(500);

/// Hands lines to the thread that writes them. Clones write to the same place.
#[derive(Clone, Debug)]
pub struct Announcer {
    lines: SyncSender<String>,
    left_out: Arc<AtomicU64>,
}

/// Tells when all lines are written.
#[derive(Debug)]
pub struct Done(Receiver<()>);

impl Announcer {
    /// Starts the thread; the second tells whoever ends the program when all is written.
    pub fn new(place: impl Write + Send + 'static) -> (Self, Done) {
        let (lines, queue) = mpsc::sync_channel(LINES);
        let (end, done) = mpsc::channel();
        thread::spawn(move || {
            write_all(&queue, place);
            drop::<mpsc::Sender<()>>(end);
        });
        (Self { lines, left_out: Arc::default() }, Done(done))
    }

    /// Says one line, without waiting.
    pub fn say(&self, line: impl Into<String>) {
        let left_out = self.left_out.swap(0, Ordering::Relaxed);
        if left_out > 0 && self.lines.try_send(format!("({left_out} lines were left out)")).is_err() {
            self.left_out.fetch_add(left_out + 1, Ordering::Relaxed);
            return;
        }
        match self.lines.try_send(line.into()) {
            Ok(()) | Err(TrySendError::Disconnected(_)) => {}
            Err(TrySendError::Full(_)) => drop(self.left_out.fetch_add(1, Ordering::Relaxed)),
        }
    }
}

impl Done {
    /// Waits until all is written once nobody says any more, but not for long.
    pub fn wait(self) {
        match self.0.recv_timeout(LAST_LINES) {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => {}
            Err(RecvTimeoutError::Timeout) => log::warn!("standard output does not take the last lines"),
        }
    }
}

fn write_all(queue: &Receiver<String>, mut place: impl Write) {
    for line in queue {
        let written = writeln!(place, "{line}").and_then(|()| place.flush());
        if let Err(error) = written {
            if error.kind() != io::ErrorKind::BrokenPipe {
                log::error!("standard output cannot be written any more: {error}");
            }
            // What is said from now on is dropped with the queue.
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Takes lines only while nobody else holds the lock.
    #[derive(Clone, Default)]
    struct Slow(Arc<Mutex<Vec<u8>>>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_come_out_in_order_and_the_end_waits_for_them() {
        let place = Slow::default();
        let (announcer, done) = Announcer::new(place.clone());
        announcer.say("one");
        announcer.clone().say("two");
        drop(announcer);
        done.wait();
        assert_eq!(place.0.lock().unwrap().as_slice(), b"one\ntwo\n");
    }

    #[test]
    fn a_reader_that_stops_holds_nobody_up() {
        let place = Slow::default();
        let stopped = place.0.lock().unwrap();
        let (announcer, done) = Announcer::new(place.clone());
        let left_out = || announcer.left_out.load(Ordering::Relaxed);
        // One may be in the writer's hands already.
        for number in 0..LINES + 5 {
            announcer.say(number.to_string());
        }
        assert!((4..=5).contains(&left_out()), "{}", left_out());
        drop(stopped);
        while left_out() > 0 {
            announcer.say("again");
        }
        drop(announcer);
        done.wait();
        let text = String::from_utf8(place.0.lock().unwrap().clone()).unwrap();
        assert!(text.contains(" lines were left out)\nagain\n"), "{text}");
    }
}
