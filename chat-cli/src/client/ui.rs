//! Shows events: renders them and writes them to the screen.

use super::console::Console;
use super::prompt::Prompt;
use super::renderer::Renderer;
use super::screen::{Batch, Screen};
use super::text::Stream;
use crate::error::CliError;
use crate::texts::{Localised, Sentence};
use crate::view::ViewEvent;

/// The output of a conversation.
#[derive(Clone, Debug)]
pub struct Ui {
    renderer: Renderer,
    screen: Screen,
    prompt: Prompt,
}

impl Ui {
    /// The output side of a console, in the format of the renderer.
    pub fn new(renderer: Renderer, console: &Console) -> Self {
        Self { renderer, screen: console.screen.clone(), prompt: console.prompt.clone() }
    }

    /// Whether the output is read by people, rather than by a script.
    pub const fn is_text(&self) -> bool {
        matches!(self.renderer, Renderer::Text(_))
    }

    /// Appends an event to a batch.
    pub fn render(&self, event: &ViewEvent, batch: &mut Batch) {
        self.renderer.render(event, batch);
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
    pub async fn show(&self, event: &ViewEvent) -> Result<(), CliError> {
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

    /// Ends the input. Afterwards the prompt shows only a line that is partly typed.
    pub fn close_prompt(&self) {
        self.prompt.close();
    }
}
