//! Writes lines in a thread of its own, so that a slow reader of the output blocks nothing else.

use std::io::{self, Write};

use tokio::sync::{mpsc, oneshot};

use super::prompt::{RowChange, RowId};
use super::text::Stream;
use crate::error::CliError;
use crate::threads;

/// The most batches that wait for the writing thread. Callers wait for each batch, so one is enough.
const BATCHES: usize = 1;

/// The two streams. Dropping the last clone ends the writing thread.
#[derive(Clone, Debug)]
pub struct Screen {
    batches: mpsc::Sender<(Batch, oneshot::Sender<io::Result<()>>)>,
}

/// Complete lines, and changes of what is on the screen, in order.
#[derive(Debug, Default)]
pub struct Batch {
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    Lines(Stream, String),
    Recipient(String),
    Progress(String),
    Change {
        row: RowId,
        change: RowChange,
        /// The line that is written if the row cannot be changed.
        otherwise: String,
    },
}

/// What the conversation is written to. Only a terminal with a line editor can show more than lines.
pub trait Terminal: Write {
    /// Shows in the prompt where lines without a command go. Empty for everyone.
    ///
    /// # Errors
    /// The terminal cannot be written.
    fn show_recipient(&mut self, _recipient: &str) -> io::Result<()> {
        Ok(())
    }

    /// Shows what the program waits for once the input has ended. Empty for nothing.
    ///
    /// # Errors
    /// The terminal cannot be written.
    fn show_progress(&mut self, _progress: &str) -> io::Result<()> {
        Ok(())
    }

    /// Changes a row that was written before. Returns whether that was possible.
    ///
    /// # Errors
    /// The terminal cannot be written.
    fn change_row(&mut self, _row: RowId, _change: &RowChange) -> io::Result<bool> {
        Ok(false)
    }
}

impl Terminal for io::Stdout {}

impl Batch {
    /// Appends the text that `write` produces to the stream that it returns.
    pub fn add(&mut self, write: impl FnOnce(&mut String) -> Stream) {
        let mut text = String::new();
        let stream = write(&mut text);
        match self.parts.last_mut() {
            Some(Part::Lines(last, before)) if *last == stream => before.push_str(&text),
            _ if text.is_empty() => {}
            _ => self.parts.push(Part::Lines(stream, text)),
        }
    }

    /// Shows in the prompt where lines without a command go. Empty for everyone.
    pub fn show_recipient(&mut self, recipient: String) {
        self.parts.push(Part::Recipient(recipient));
    }

    /// Shows what the program waits for once the input has ended. Empty for nothing.
    pub fn show_progress(&mut self, progress: String) {
        self.parts.push(Part::Progress(progress));
    }

    /// All lines, whatever their stream.
    pub fn into_text(self) -> String {
        let lines = |part| match part {
            Part::Lines(_, text) => text,
            Part::Recipient(_) | Part::Progress(_) | Part::Change { .. } => String::new(),
        };
        self.parts.into_iter().map(lines).collect()
    }

    /// Changes a row that was written before. If that is not possible, appends the lines `otherwise`.
    pub fn change(&mut self, row: RowId, change: RowChange, otherwise: String) {
        self.parts.push(Part::Change { row, change, otherwise });
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }
}

impl Screen {
    /// Starts the writing thread.
    ///
    /// # Errors
    /// The system refuses the thread.
    pub fn new(
        conversation: impl Terminal + Send + 'static,
        diagnostics: impl Write + Send + 'static,
    ) -> Result<Self, CliError> {
        let (batches, work) = mpsc::channel(BATCHES);
        threads::spawn("output", move || write_all(work, conversation, diagnostics))?;
        Ok(Self { batches })
    }

    /// Writes a batch and returns once it is flushed.
    ///
    /// Cancel safety: if the future is dropped, the lines may have been written or not.
    ///
    /// # Errors
    /// The conversation cannot be written. Failures of the diagnostics are ignored, because a closed standard error has no
    /// reader.
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
    mut conversation: impl Terminal,
    mut diagnostics: impl Write,
) {
    while let Some((batch, written)) = work.blocking_recv() {
        let mut result = Ok(());
        for part in batch.parts {
            match part {
                Part::Lines(Stream::Conversation, text) => {
                    result = result.and_then(|()| write(&mut conversation, &text));
                }
                Part::Lines(Stream::Diagnostics, text) => drop(write(&mut diagnostics, &text)),
                Part::Change { row, change, otherwise } => {
                    result = result.and_then(|()| match conversation.change_row(row, &change)? {
                        true => Ok(()),
                        false => write(&mut conversation, &otherwise),
                    });
                }
                Part::Recipient(recipient) => {
                    result = result.and_then(|()| conversation.show_recipient(&recipient));
                }
                Part::Progress(progress) => result = result.and_then(|()| conversation.show_progress(&progress)),
            }
        }
        // The caller may have been cancelled.
        drop(written.send(result));
    }
}

fn write(stream: &mut impl Write, text: &str) -> io::Result<()> {
    stream.write_all(text.as_bytes())?;
    stream.flush()
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

    impl Terminal for Shared {}

    struct Closed;

    impl Terminal for Closed {}

    impl Write for Closed {
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
    async fn write_returns_after_one_flush_per_stream() {
        let (out, err) = (Shared::default(), Shared::default());
        let screen = Screen::new(out.clone(), err.clone()).unwrap();
        let (one, two) = ((Stream::Conversation, "a\n"), (Stream::Conversation, "b\n"));
        screen.write(batch(&[one, two, (Stream::Diagnostics, "c\n")])).await.unwrap();
        assert_eq!(out.0.lock().unwrap().as_slice(), b"a\nb\n!");
        assert_eq!(err.0.lock().unwrap().as_slice(), b"c\n!");
    }

    #[tokio::test]
    async fn only_failures_of_the_conversation_are_errors() {
        let screen = Screen::new(Closed, Closed).unwrap();
        let kind = |result: io::Result<()>| result.map_err(|error| error.kind());
        let conversation = screen.write(batch(&[(Stream::Conversation, "a\n")])).await;
        assert_eq!(kind(conversation), Err(io::ErrorKind::BrokenPipe));
        assert_eq!(kind(screen.write(batch(&[(Stream::Diagnostics, "a\n")])).await), Ok(()));
        assert_eq!(kind(screen.write(Batch::default()).await), Ok(()));
    }
}
