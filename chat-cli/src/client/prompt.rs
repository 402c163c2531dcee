//! The last line of the terminal, where the user types, and the lines that are written above it.

use std::io::{self, ErrorKind, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustyline::ExternalPrinter;

/// Moves to the beginning of the line and clears it.
pub(super) const CLEAR_LINE: &str = "\r\x1b[K";

/// How long the editor may take to show the lines that it was given, before other lines are written past it.
const EDITOR_TIME: Duration = Duration::from_millis(50);

/// What the last line of the terminal contains. Clones are the same prompt.
#[derive(Clone, Debug, Default)]
pub struct Prompt(Arc<Mutex<Content>>);

#[derive(Clone, Debug, Default, Eq, PartialEq)]
enum Content {
    /// A line that the editor shows.
    Edited,
    /// A question whose answer is hidden.
    Question(String),
    /// Nothing that must be preserved.
    #[default]
    Closed,
}

impl Prompt {
    /// A prompt at which the editor reads a line.
    pub(super) fn editing() -> Self {
        Self(Arc::new(Mutex::new(Content::Edited)))
    }

    /// Ends the input. Lines are written past the editor from now on, which may be gone before it would show them.
    pub fn close(&self) {
        *self.lock() = Content::Closed;
    }

    /// Replaces the editor's line by a question, unless the prompt is closed.
    pub(super) fn begin_question(&self, question: &str) {
        self.replace(&Content::Edited, Content::Question(question.to_owned()));
    }

    /// Returns from the question to the editor, unless the prompt is closed.
    pub(super) fn end_question(&self, question: &str) {
        self.replace(&Content::Question(question.to_owned()), Content::Edited);
    }

    fn replace(&self, from: &Content, to: Content) {
        let mut content = self.lock();
        if *content == *from {
            *content = to;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Content> {
        // No code panics between two changes of the content.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn is_editing(&self) -> bool {
        *self.lock() == Content::Edited
    }

    #[cfg(test)]
    pub(super) fn is_closed(&self) -> bool {
        *self.lock() == Content::Closed
    }
}

/// Writes complete lines above a prompt.
pub(super) struct PromptWriter<P, T = io::Stdout> {
    printer: P,
    /// For lines that do not pass through the editor.
    pub(super) terminal: T,
    lines: String,
    prompt: Prompt,
    waited_for_editor: bool,
}

impl<P: ExternalPrinter, T: Write> PromptWriter<P, T> {
    pub(super) const fn new(printer: P, terminal: T, prompt: Prompt) -> Self {
        Self { printer, terminal, lines: String::new(), prompt, waited_for_editor: false }
    }
}

impl<P: ExternalPrinter, T: Write> Write for PromptWriter<P, T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let lines = std::str::from_utf8(bytes).map_err(|_| io::Error::from(ErrorKind::InvalidData))?;
        self.lines.push_str(lines);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let lines = std::mem::take(&mut self.lines);
        if lines.is_empty() {
            return Ok(());
        }
        let content = self.prompt.lock().clone();
        let question = match content {
            Content::Edited => return self.printer.print(lines).map_err(io::Error::other),
            Content::Question(question) => question,
            Content::Closed => {
                if !self.waited_for_editor {
                    thread::sleep(EDITOR_TIME);
                    self.waited_for_editor = true;
                }
                // The editor's prompt may still be there: clear it.
                String::new()
            }
        };
        write!(self.terminal, "{CLEAR_LINE}{lines}{question}")?;
        self.terminal.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Printed(Vec<String>);

    impl ExternalPrinter for Printed {
        fn print(&mut self, lines: String) -> rustyline::Result<()> {
            self.0.push(lines);
            Ok(())
        }
    }

    #[test]
    fn the_editor_receives_complete_lines() {
        let mut writer = PromptWriter::new(Printed::default(), Vec::new(), Prompt::editing());
        writer.write_all("one\n".as_bytes()).unwrap();
        writer.write_all("二\n".as_bytes()).unwrap();
        writer.flush().unwrap();
        writer.flush().unwrap();
        assert_eq!(writer.printer.0, ["one\n二\n"]);
        assert_eq!(writer.terminal, b"");
    }
}
