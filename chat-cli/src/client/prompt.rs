//! The last rows of the terminal, in which the user types, and the lines that are written above them.

mod above;
mod shown;

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::above::Above;
pub use self::above::{RowChange, RowId};
use self::shown::{Content, Shown, Visibility};
use super::line_buffer::LineBuffer;
use super::raw_mode::{self, RawMode};
use super::rows::Size;
use super::screen::Terminal;
use crate::input_error::InputError;

/// A prompt. Clones refer to the same one. All output of a conversation at a terminal passes through it.
#[derive(Clone)]
pub struct Prompt(Arc<Shared>);

struct Shared {
    /// Outside the lock, so that setting it does not wait for a terminal that accepts no output.
    closed: AtomicBool,
    place: Place,
    shown: Mutex<Shown>,
}

/// Where a prompt is shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Place {
    Terminal,
    Nowhere,
}

impl Prompt {
    /// The prompt of a line editor. Changes the settings of the terminal until [`Self::end`].
    ///
    /// # Errors
    /// The terminal does not allow it.
    pub(super) fn of_editor(mode: RawMode) -> io::Result<Self> {
        let prompt = Self::new(io::stdout(), raw_mode::size, Some(mode), Place::Terminal);
        prompt.lock().acquire()?;
        Ok(prompt)
    }

    /// The prompt of a terminal to which only the output goes. It shows nothing but progress.
    pub(super) fn of_output() -> Self {
        let prompt = Self::new(io::stdout(), raw_mode::size, None, Place::Terminal);
        prompt.lock().content = Content::Ended;
        prompt
    }

    fn new(terminal: impl Write + Send + 'static, size: fn() -> Size, mode: Option<RawMode>, place: Place) -> Self {
        let (terminal, line) = (Box::new(terminal), LineBuffer::default());
        let recipient = String::new();
        let (content, progress, above) = (Content::Nothing, String::new(), Above::default());
        let shown = Shown { terminal, size, mode, line, recipient, content, progress, drawn: None, above };
        Self(Arc::new(Shared { closed: AtomicBool::new(false), place, shown: Mutex::new(shown) }))
    }

    /// Whether the prompt is on a screen, where it can show progress.
    pub fn is_at_terminal(&self) -> bool {
        self.0.place == Place::Terminal
    }

    /// Ends the input. Afterwards an empty prompt and progress are hidden. Does not wait for the terminal.
    pub fn close(&self) {
        self.0.closed.store(true, Ordering::Relaxed);
    }

    /// Leaves the line as it was typed, and restores the settings of the terminal. Of a prompt that has already ended, hides
    /// the progress.
    pub fn end(&self) {
        let mut shown = self.lock();
        if shown.content == Content::Ended {
            shown.progress.clear();
            // The terminal may be gone.
            return drop(shown.redraw("", self.visibility()));
        }
        let is_typed = shown.content == Content::Line && !shown.line.is_empty();
        // The terminal may be gone.
        drop(if is_typed { shown.finish().1 } else { shown.hide() });
        shown.content = Content::Ended;
        drop(shown.release());
        drop(shown.redraw("", self.visibility()));
    }

    /// Shows the line that is being typed.
    pub(super) fn begin_line(&self) -> io::Result<()> {
        let mut shown = self.lock();
        if shown.content == Content::Nothing {
            shown.content = Content::Line;
        }
        shown.redraw("", self.visibility())
    }

    /// Changes the line. [`Self::begin_line`] shows it.
    pub(super) fn edit<T>(&self, change: impl FnOnce(&mut LineBuffer) -> T) -> T {
        change(&mut self.lock().line)
    }

    /// Takes the line, which stays above everything that follows, and its row if that can change.
    pub(super) fn take_line(&self) -> (Result<String, InputError>, Option<RowId>) {
        let mut shown = self.lock();
        // If the terminal is gone, the next attempt to read reports it.
        let (row, _gone) = shown.finish();
        (shown.line.take(), row)
    }

    /// Shows a question whose answer is hidden.
    pub(super) fn ask(&self, question: &str) -> io::Result<()> {
        let mut shown = self.lock();
        if shown.content == Content::Nothing {
            shown.content = Content::Question(question.to_owned());
        }
        shown.redraw("", self.visibility())
    }

    /// Ends a question.
    pub(super) fn answered(&self) {
        drop(self.lock().finish().1);
    }

    /// Shows before the line where it goes if it contains no command. Empty for everyone.
    pub(super) fn show_recipient(&self, recipient: &str) -> io::Result<()> {
        let mut shown = self.lock();
        recipient.clone_into(&mut shown.recipient);
        shown.redraw("", self.visibility())
    }

    /// Shows in place of the prompt what the program waits for once the input has ended. Empty for nothing.
    pub(super) fn show_progress(&self, progress: &str) -> io::Result<()> {
        let mut shown = self.lock();
        progress.clone_into(&mut shown.progress);
        shown.redraw("", self.visibility())
    }

    /// Writes complete lines above the prompt.
    pub(super) fn write_above(&self, lines: &str) -> io::Result<()> {
        self.lock().write_above(lines, self.visibility())
    }

    /// Changes a row above the prompt. Returns whether it is certain where the row is.
    pub(super) fn change_row(&self, row: RowId, change: &RowChange) -> io::Result<bool> {
        self.lock().change_row(row, change, self.visibility())
    }

    /// Draws the prompt for the current size of the terminal.
    pub(super) fn resized(&self) -> io::Result<()> {
        self.lock().redraw("", self.visibility())
    }

    /// Scrolls everything off the screen, and moves the prompt to the top. Nothing is erased.
    pub(super) fn clear_screen(&self) -> io::Result<()> {
        let mut shown = self.lock();
        shown.above.forget();
        let rows = (shown.size)().rows;
        let up = if rows == usize::MAX { String::new() } else { format!("\x1b[{rows}B{}\x1b[H", "\n".repeat(rows)) };
        shown.redraw(&up, self.visibility())
    }

    /// Hides the prompt and restores the settings of the terminal, until [`Self::resume`].
    pub(super) fn suspend(&self) -> io::Result<()> {
        let mut shown = self.lock();
        shown.suspend();
        shown.above.forget();
        shown.redraw("", self.visibility())?;
        shown.release()
    }

    /// Shows the prompt again when the process continues after a stop, unless it continues in the background.
    pub(super) fn resume(&self) -> io::Result<()> {
        let mut shown = self.lock();
        if shown.content == Content::Ended {
            // Another program may have used the terminal: the rows above the cursor are not those of the progress.
            shown.drawn = None;
            return shown.redraw("", self.visibility());
        }
        if shown.mode.as_ref().is_some_and(|mode| !mode.is_in_force()) {
            // Another program has used the terminal: the rows above the cursor are not the prompt's.
            shown.drawn = None;
            shown.above.forget();
        }
        if !shown.may_use_terminal() {
            shown.suspend();
            return Ok(());
        }
        shown.acquire()?;
        if let Content::Suspended(content) = &shown.content {
            shown.content = (**content).clone();
        }
        shown.redraw("", self.visibility())
    }

    fn visibility(&self) -> Visibility {
        if self.0.closed.load(Ordering::Relaxed) { Visibility::IfTyped } else { Visibility::Always }
    }

    fn lock(&self) -> MutexGuard<'_, Shown> {
        // A panic between two changes can only leave rows on the screen.
        self.0.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// No prompt, for input that is no terminal.
impl Default for Prompt {
    fn default() -> Self {
        Self::new(io::sink(), raw_mode::size, None, Place::Nowhere)
    }
}

impl fmt::Debug for Prompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither the line, which may be secret, nor the lock.
        f.debug_struct("Prompt").field("closed", &self.0.closed).finish_non_exhaustive()
    }
}

/// Writes complete lines above a prompt.
pub(super) struct PromptWriter {
    prompt: Prompt,
    lines: String,
}

impl PromptWriter {
    pub(super) const fn new(prompt: Prompt) -> Self {
        Self { prompt, lines: String::new() }
    }
}

impl Write for PromptWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let lines = std::str::from_utf8(bytes).map_err(|_| io::Error::from(ErrorKind::InvalidData))?;
        self.lines.push_str(lines);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let lines = std::mem::take(&mut self.lines);
        if lines.is_empty() { Ok(()) } else { self.prompt.write_above(&lines) }
    }
}

impl Terminal for PromptWriter {
    fn show_recipient(&mut self, recipient: &str) -> io::Result<()> {
        self.prompt.show_recipient(recipient)
    }

    fn show_progress(&mut self, progress: &str) -> io::Result<()> {
        self.prompt.show_progress(progress)
    }

    fn change_row(&mut self, row: RowId, change: &RowChange) -> io::Result<bool> {
        self.prompt.change_row(row, change)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A terminal that remembers what was written to it.
    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<String>>);

    impl Written {
        fn take(&self) -> String {
            std::mem::take(&mut *self.0.lock().unwrap())
        }
    }

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().push_str(std::str::from_utf8(bytes).unwrap());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn prompt() -> (Prompt, PromptWriter, Written) {
        let written = Written::default();
        let prompt = Prompt::new(written.clone(), || Size { columns: 8, rows: 24 }, None, Place::Terminal);
        (prompt.clone(), PromptWriter::new(prompt), written)
    }

    #[test]
    fn lines_are_written_above_the_rows_of_the_prompt() {
        let (prompt, mut writer, written) = prompt();
        writer.write_all("one\n".as_bytes()).unwrap();
        writer.write_all("二\n".as_bytes()).unwrap();
        assert_eq!(written.take(), "");
        writer.flush().unwrap();
        writer.flush().unwrap();
        assert_eq!(written.take(), "one\n二\n");
        prompt.edit(|line| line.insert("abcdefg"));
        prompt.begin_line().unwrap();
        assert_eq!(written.take(), "\r\x1b[J> abcde\r\nfg");
        prompt.write_above("line\n").unwrap();
        assert_eq!(written.take(), "\x1b[1A\r\x1b[Jline\n> abcde\r\nfg");
        assert_eq!(prompt.take_line(), (Ok("abcdefg".to_owned()), None));
        assert_eq!(written.take(), "\x1b[1A\r\x1b[J> abcdefg\r\n");
        prompt.write_above("line\n").unwrap();
        assert_eq!(written.take(), "line\n");
    }

    #[test]
    fn a_typed_line_gets_a_mark_while_another_is_typed() {
        let written = Written::default();
        let prompt = Prompt::new(written.clone(), || Size { columns: 40, rows: 24 }, None, Place::Terminal);
        prompt.edit(|line| line.insert("hi"));
        let (_, row) = prompt.take_line();
        let row = row.unwrap();
        prompt.edit(|line| line.insert("half"));
        prompt.begin_line().unwrap();
        written.take();
        let change = |change| prompt.change_row(row, &change).unwrap();
        assert!(change(RowChange::Line("00:00:00   hi".to_owned())));
        assert_eq!(written.take(), "\r\x1b[J\x1b[1A\r\x1b[K00:00:00   hi\r\x1b[1B> half");
        prompt.write_above("line\n").unwrap();
        written.take();
        assert!(change(RowChange::Mark('✓')));
        assert_eq!(written.take(), "\r\x1b[J\x1b[2A\r\x1b[9C✓\r\x1b[2B> half");
        prompt.clear_screen().unwrap();
        assert!(!change(RowChange::Mark('✓')));
    }

    #[test]
    fn the_prompt_shows_where_lines_go() {
        let (prompt, _, written) = prompt();
        prompt.show_recipient("bob").unwrap();
        prompt.edit(|line| line.insert("hi"));
        prompt.begin_line().unwrap();
        assert_eq!(written.take(), "\r\x1b[Jbob> hi");
        prompt.show_recipient("").unwrap();
        assert_eq!(written.take(), "\r\x1b[J> hi");
    }

    #[test]
    fn a_question_stays_below_the_lines_that_arrive_meanwhile() {
        let (prompt, _, written) = prompt();
        prompt.ask("secret: ").unwrap();
        prompt.write_above("line\n").unwrap();
        prompt.answered();
        assert_eq!(written.take(), "\r\x1b[Jsecret:\r\n \x1b[1A\r\x1b[Jline\nsecret:\r\n \r\n");
    }

    #[test]
    fn a_closed_prompt_shows_only_what_was_typed() {
        let (prompt, _, written) = prompt();
        prompt.begin_line().unwrap();
        prompt.close();
        prompt.write_above("line\n").unwrap();
        prompt.begin_line().unwrap();
        prompt.ask("secret: ").unwrap();
        prompt.end();
        assert_eq!(written.take(), "\r\x1b[J> \r\x1b[Jline\n");
        prompt.begin_line().unwrap();
        prompt.end();
        assert_eq!(written.take(), "", "a prompt after the end");

        let (prompt, _, written) = self::prompt();
        prompt.edit(|line| line.insert("half"));
        prompt.begin_line().unwrap();
        prompt.close();
        prompt.write_above("line\n").unwrap();
        prompt.end();
        assert_eq!(written.take(), "\r\x1b[J> half\r\x1b[Jline\n> half\r\x1b[J> half\r\n");
    }

    #[test]
    fn progress_stands_below_the_lines_until_the_prompt_is_closed() {
        let (prompt, _, written) = prompt();
        prompt.begin_line().unwrap();
        prompt.show_progress("wait").unwrap();
        assert_eq!(written.take(), "\r\x1b[J> \r\x1b[J> ", "the input has not ended");
        prompt.end();
        assert_eq!(written.take(), "\r\x1b[J\r\x1b[Jwait");
        prompt.write_above("line\n").unwrap();
        prompt.show_progress("waiting").unwrap();
        assert_eq!(written.take(), "\r\x1b[Jline\nwait\r\x1b[Jwaiting");
        prompt.resume().unwrap();
        assert_eq!(written.take(), "\r\x1b[Jwaiting");
        prompt.end();
        assert_eq!(written.take(), "\r\x1b[J");
        prompt.show_progress("wait").unwrap();
        prompt.close();
        prompt.write_above("line\n").unwrap();
        prompt.write_above("line\n").unwrap();
        assert_eq!(written.take(), "\r\x1b[Jwait\r\x1b[Jline\nline\n");
    }

    #[test]
    fn a_suspended_prompt_is_hidden_until_it_resumes() {
        let (prompt, _, written) = prompt();
        prompt.edit(|line| line.insert("half"));
        prompt.begin_line().unwrap();
        written.take();
        prompt.suspend().unwrap();
        assert_eq!(written.take(), "\r\x1b[J");
        prompt.write_above("line\n").unwrap();
        prompt.resume().unwrap();
        assert_eq!(written.take(), "line\n\r\x1b[J> half");
        prompt.resume().unwrap();
        assert_eq!(written.take(), "\r\x1b[J> half");
    }
}
