//! What the prompt shows at the terminal.

use std::io::{self, Write};

use super::above::{Above, RowChange, RowId};
use crate::client::line_buffer::LineBuffer;
use crate::client::raw_mode::RawMode;
use crate::client::rows::{Rows, Size, as_line, erase};
use crate::platform::terminal;

/// The end of the text in front of the line that is being typed.
const PROMPT: &str = "> ";

/// Asks the terminal to mark pasted texts.
const PASTE_ON: &str = "\x1b[?2004h";
const PASTE_OFF: &str = "\x1b[?2004l";

/// The terminal, and what the prompt shows there.
pub(super) struct Shown {
    pub(super) terminal: Box<dyn Write + Send>,
    pub(super) size: fn() -> Size,
    /// The settings for the line editor, if there is one.
    pub(super) mode: Option<RawMode>,
    pub(super) line: LineBuffer,
    /// Where lines without a command go. Empty for everyone.
    pub(super) recipient: String,
    pub(super) content: Content,
    /// What the program waits for once the input has ended. Empty for nothing.
    pub(super) progress: String,
    /// The rows above the cursor, if the prompt is on the screen.
    pub(super) drawn: Option<usize>,
    /// The rows above the prompt that can still change.
    pub(super) above: Above,
}

/// The content of the prompt.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Content {
    /// Nothing that must be preserved.
    Nothing,
    /// The line that is being typed.
    Line,
    /// A question whose answer is hidden.
    Question(String),
    /// Nothing until the process continues, then this.
    Suspended(Box<Self>),
    /// No line and no question any more, but progress if there is some.
    Ended,
}

/// When the line that is being typed is shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Visibility {
    Always,
    /// Only if it is not empty. Questions and progress are not shown.
    IfTyped,
}

impl Shown {
    /// Writes complete lines above the prompt.
    pub(super) fn write_above(&mut self, lines: &str, visibility: Visibility) -> io::Result<()> {
        self.above.written(lines, (self.size)());
        self.redraw(lines, visibility)
    }

    /// Changes a row above the prompt. Returns whether it is certain where the row is.
    pub(super) fn change_row(&mut self, row: RowId, change: &RowChange, visibility: Visibility) -> io::Result<bool> {
        // While another program uses the terminal, only lines can be added.
        if matches!(self.content, Content::Suspended(_) | Content::Ended) {
            return Ok(false);
        }
        match self.above.change(row, change, (self.size)()) {
            Some(sequence) => self.redraw(&sequence, visibility).map(|()| true),
            None => Ok(false),
        }
    }

    /// Erases the prompt, writes complete lines or changes rows above it, and draws it below them.
    pub(super) fn redraw(&mut self, above: &str, visibility: Visibility) -> io::Result<()> {
        let shown = match &self.content {
            Content::Line if visibility == Visibility::Always || !self.line.is_empty() => {
                let prompt = self.prompt();
                Some((format!("{prompt}{}", self.line.text()), prompt.len() + self.line.cursor()))
            }
            Content::Ended
                if visibility == Visibility::Always && !self.progress.is_empty() && self.may_use_terminal() =>
            {
                Some((self.progress.clone(), self.progress.len()))
            }
            Content::Question(question) if visibility == Visibility::Always => Some((question.clone(), question.len())),
            _ => None,
        };
        let mut out = String::new();
        if self.drawn.is_some() || shown.is_some() {
            erase(self.drawn.take().unwrap_or(0), &mut out);
        }
        out.push_str(above);
        if let Some((text, cursor)) = shown {
            let rows = Rows::new(&text, cursor, (self.size)());
            rows.draw(&mut out);
            self.drawn = Some(rows.above_cursor());
        }
        self.write(&out)
    }

    /// The text in front of the line that is being typed.
    fn prompt(&self) -> String {
        format!("{}{PROMPT}", self.recipient)
    }

    /// Erases the prompt.
    pub(super) fn hide(&mut self) -> io::Result<()> {
        self.content = Content::Nothing;
        self.redraw("", Visibility::Always)
    }

    /// Closes the line or the question with a line end. Returns the row of the line if that can change.
    pub(super) fn finish(&mut self) -> (Option<RowId>, io::Result<()>) {
        let mut out = String::new();
        let mut row = None;
        match std::mem::replace(&mut self.content, Content::Nothing) {
            Content::Question(_) => {
                self.above.forget();
                out.push_str("\r\n");
            }
            Content::Ended => self.content = Content::Ended,
            _ => {
                if let Some(rows) = self.drawn {
                    erase(rows, &mut out);
                }
                let typed = format!("{}{}", self.prompt(), self.line.text());
                row = self.above.typed(&as_line(&typed), (self.size)());
                out.push_str(&format!("{}\r\n", as_line(&typed)));
            }
        }
        self.drawn = None;
        (row, self.write(&out))
    }

    /// Shows nothing until the process continues.
    pub(super) fn suspend(&mut self) {
        if !matches!(self.content, Content::Suspended(_) | Content::Ended) {
            self.content = Content::Suspended(Box::new(self.content.clone()));
        }
    }

    pub(super) fn may_use_terminal(&self) -> bool {
        self.mode.is_none() || terminal::is_in_foreground()
    }

    /// Changes the settings of the terminal for the line editor.
    pub(super) fn acquire(&mut self) -> io::Result<()> {
        if let Some(mode) = &self.mode {
            mode.enter()?;
            self.write(PASTE_ON)?;
        }
        Ok(())
    }

    /// Restores the settings of the terminal.
    pub(super) fn release(&mut self) -> io::Result<()> {
        if let Some(mode) = self.mode.as_ref().filter(|_| self.may_use_terminal()) {
            mode.leave()?;
            self.write(PASTE_OFF)?;
        }
        Ok(())
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        self.terminal.write_all(text.as_bytes())?;
        self.terminal.flush()
    }
}
