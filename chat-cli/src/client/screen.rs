//! Where lines are written: one thread that may wait for a slow reader, so that nothing else has to.

use std::io::{self, Write};
use std::thread;

use tokio::sync::{mpsc, oneshot};

use super::text::Stream;

/// Lines on their way to the writing thread at once. Its users wait for each batch, so more would never be used.
const BATCHES: usize = 1;

/// The two places for lines. Dropping the last one ends the writing thread.
#[derive(Clone, Debug)]
pub struct Screen {
    batches: mpsc::Sender<(Batch, oneshot::Sender<io::Result<()>>)>,
}

/// Whole lines to be written in order.
#[derive(Debug, Default)]
pub struct Batch {
    parts: Vec<(Stream, String)>,
}

impl Batch {
    /// Appends what `write` writes, for the place that it names.
    pub fn add(&mut self, write: impl FnOnce(&mut String) -> Stream) {
        let mut text = String::new();
        let stream = write(&mut text);
        match self.parts.last_mut() {
            Some((last, before)) if *last == stream => before.push_str(&text),
            _ if text.is_empty() => {}
            _ => self.parts.push((stream, text)),
        }
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }
}

impl Screen {
    /// Starts the writing thread over the two places.
    pub fn new(conversation: impl Write + Send + 'static, diagnostics: impl Write + Send + 'static) -> Self {
        let (batches, work) = mpsc::channel(BATCHES);
        thread::spawn(move || write_all(work, conversation, diagnostics));
        Self { batches }
    }

    /// Writes the lines and returns once they are flushed.
    ///
    /// Cancel safety: if the future is dropped the lines may be written or not.
    ///
    /// # Errors
    /// The first place that failed. Whether a diagnostic could be written is nobody's error: without standard error
    /// there is nobody to read it.
    pub async fn write(&self, batch: Batch) -> io::Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        let (written, result) = oneshot::channel();
        let gone = || io::Error::other("the writing thread has ended");
        self.batches.send((batch, written)).await.map_err(|_| gone())?;
        result.await.map_err(|_| gone())?
    }
}

fn write_all(
    mut work: mpsc::Receiver<(Batch, oneshot::Sender<io::Result<()>>)>,
    mut conversation: impl Write,
    mut diagnostics: impl Write,
) {
    while let Some((batch, written)) = work.blocking_recv() {
        let mut result = Ok(());
        for (stream, text) in batch.parts {
            match stream {
                Stream::Conversation => result = result.and_then(|()| write(&mut conversation, &text)),
                Stream::Diagnostics => drop(write(&mut diagnostics, &text)),
            }
        }
        // Whoever waited may have been cancelled.
        drop(written.send(result));
    }
}

fn write(place: &mut impl Write, text: &str) -> io::Result<()> {
    place.write_all(text.as_bytes())?;
    place.flush()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            self.0.lock().unwrap().push(b'!');
            Ok(())
        }
    }

    struct Gone;

    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn batch(lines: &[(Stream, &str)]) -> Batch {
        let mut batch = Batch::default();
        for (stream, line) in lines {
            batch.add(|out| {
                out.push_str(line);
                *stream
            });
        }
        batch
    }

    #[tokio::test]
    async fn lines_are_flushed_when_write_returns_and_neighbours_share_a_flush() {
        let (out, err) = (Shared::default(), Shared::default());
        let screen = Screen::new(out.clone(), err.clone());
        let (one, two) = ((Stream::Conversation, "a\n"), (Stream::Conversation, "b\n"));
        screen.write(batch(&[one, two, (Stream::Diagnostics, "c\n")])).await.unwrap();
        assert_eq!(out.0.lock().unwrap().as_slice(), b"a\nb\n!");
        assert_eq!(err.0.lock().unwrap().as_slice(), b"c\n!");
    }

    #[tokio::test]
    async fn a_reader_that_went_away_is_told_and_missing_diagnostics_are_not() {
        let screen = Screen::new(Gone, Gone);
        let kind = |result: io::Result<()>| result.map_err(|error| error.kind());
        let conversation = screen.write(batch(&[(Stream::Conversation, "a\n")])).await;
        assert_eq!(kind(conversation), Err(io::ErrorKind::BrokenPipe));
        assert_eq!(kind(screen.write(batch(&[(Stream::Diagnostics, "a\n")])).await), Ok(()));
        assert_eq!(kind(screen.write(Batch::default()).await), Ok(()));
    }
}
