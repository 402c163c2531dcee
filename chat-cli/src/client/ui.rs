//! Shows events: renders them and writes them to the screen.

use std::future::pending;
use std::time::Duration;

use chat_core::message::Recipient;
use chat_core::text::Text;
use tokio::time::{Instant, sleep_until};

use super::console::Console;
use super::crowd::{Admission, Crowd};
use super::own_rows::{OwnOutcome, OwnRows};
use super::prompt::{Prompt, RowChange, RowId};
use super::renderer::Renderer;
use super::screen::{Batch, Screen};
use super::text::Stream;
use crate::error::CliError;
use crate::isolate::{Reader, isolated};
use crate::texts::{Localised, Sentence};
use crate::view::{Notice, ViewEvent};

/// The output of a conversation.
#[derive(Debug)]
pub struct Ui {
    renderer: Renderer,
    screen: Screen,
    prompt: Prompt,
    crowd: Crowd,
    own_rows: OwnRows,
}

impl Ui {
    /// The output side of a console, in the format of the renderer.
    pub fn new(renderer: Renderer, console: &Console) -> Self {
        Self {
            renderer,
            screen: console.screen.clone(),
            prompt: console.prompt.clone(),
            crowd: Crowd::default(),
            own_rows: OwnRows::default(),
        }
    }

    /// Whether the output is read by people, rather than by a script.
    pub const fn is_text(&self) -> bool {
        matches!(self.renderer, Renderer::Text(_))
    }

    /// Appends an event to a batch. An arrival or a departure may wait for the line that it shares with others.
    pub fn render(&mut self, event: &ViewEvent, batch: &mut Batch) {
        if self.renderer.gathers() {
            if self.crowd.admit(Instant::now(), event) == Admission::Wait {
                return;
            }
            // A user's message does not stand above the user's arrival.
            self.gather(batch);
        }
        match self.own_rows.take(event) {
            Some((row, OwnOutcome::Delivered)) => {
                let mut otherwise = Batch::default();
                self.renderer.render(event, &mut otherwise);
                batch.change(row, RowChange::Mark('✓'), otherwise.into_text());
            }
            Some((row, OwnOutcome::Incomplete)) => {
                batch.change(row, RowChange::Mark('✗'), String::new());
                self.renderer.render(event, batch);
            }
            None => self.renderer.render(event, batch),
        }
    }

    /// Shows a message that was sent. If the line is still on the screen as it was typed, at `row`, it gets its time there.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub async fn show_sent(&mut self, sent: &ViewEvent, text: &Text, row: Option<RowId>) -> Result<(), CliError> {
        let mut batch = Batch::default();
        self.render(sent, &mut batch);
        if let (ViewEvent::Sent { id, to, at, .. }, Some(row)) = (sent, row)
            && let Some(line) = self.renderer.own_line(to, text, *at)
        {
            batch.change(row, RowChange::Line(line), String::new());
            self.own_rows.add(*id, row);
        }
        self.write(batch).await
    }

    /// Waits until the line for many arrivals and departures is due; forever if none waits.
    ///
    /// Cancel safety: this method is cancel safe.
    pub async fn crowd_due(&self) {
        match self.crowd.due() {
            Some(due) => sleep_until(due).await,
            None => pending().await,
        }
    }

    /// Writes the line for many arrivals and departures, if one waits.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub async fn show_crowd(&mut self) -> Result<(), CliError> {
        let mut batch = Batch::default();
        self.gather(&mut batch);
        self.write(batch).await
    }

    fn gather(&mut self, batch: &mut Batch) {
        if let Some(gathering) = self.crowd.take(Instant::now()) {
            self.renderer.crowd(&gathering, batch);
        }
    }

    /// Writes a batch, and returns once it is flushed.
    ///
    /// Cancel safety: if the future is dropped, the lines may have been written or not.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub async fn write(&self, batch: Batch) -> Result<(), CliError> {
        self.screen.write(batch).await.map_err(|error| CliError::output(&error))
    }

    /// Renders and writes one event.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub async fn show(&mut self, event: &ViewEvent) -> Result<(), CliError> {
        let mut batch = Batch::default();
        self.render(event, &mut batch);
        self.write(batch).await
    }

    /// Writes a line to standard error in both formats: for the person who starts the program, not for a script.
    pub async fn advise(&self, advice: &Sentence) {
        let mut batch = Batch::default();
        batch.add(|out| {
            let texts = self.renderer.texts();
            out.push_str(&texts.say().note_line(advice.text(texts)));
            out.push('\n');
            Stream::Diagnostics
        });
        // A closed standard error has no reader.
        drop(self.screen.write(batch).await);
    }

    /// Shows in the prompt where lines without a command go.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub async fn show_recipient(&self, to: &Recipient) -> Result<(), CliError> {
        let mut batch = Batch::default();
        batch.show_recipient(match to {
            Recipient::Everyone => String::new(),
            Recipient::One(user) => isolated(user.as_str(), Reader::Terminal).into_owned(),
            other => other.to_string(),
        });
        self.write(batch).await
    }

    /// Shows how many outcomes the client waits for, and for at most how long: at a terminal continuously, elsewhere once
    /// as a notice.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub async fn show_waiting(&mut self, outcomes: usize, left: Duration, is_first: bool) -> Result<(), CliError> {
        if self.is_text() && self.prompt.is_at_terminal() {
            let mut batch = Batch::default();
            batch.show_progress(self.renderer.texts().say().progress_waiting(outcomes, left.as_secs()));
            self.write(batch).await
        } else if is_first {
            self.show(&Notice::Waiting { outcomes }.into()).await
        } else {
            Ok(())
        }
    }

    /// Hides what [`Self::show_waiting`] showed at a terminal.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub async fn end_waiting(&self) -> Result<(), CliError> {
        let mut batch = Batch::default();
        batch.show_progress(String::new());
        self.write(batch).await
    }

    /// Ends the input. Afterwards the prompt shows only a line that is partly typed.
    pub fn close_prompt(&self) {
        self.prompt.close();
    }
}
