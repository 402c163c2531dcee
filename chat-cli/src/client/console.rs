//! Where input comes from: a terminal with a line editor, or any other reader.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chat_net::client::RosterWatch;
use tokio::sync::{Notify, mpsc};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::editor::Editor;
use super::editor::history::History;
use super::input::Input;
use super::line_reader::{self, Source};
use super::prompt::{Prompt, PromptWriter};
use super::raw_mode::RawMode;
use super::screen::Screen;
use crate::error::CliError;
use crate::format::Format;
use crate::platform::signals::{self, Notices};
use crate::texts::{Localised, Sentence, Texts};
use crate::{terminal, threads};

/// The most lines that are read ahead: a few, so that reading and sending overlap.
const READ_AHEAD: usize = 16;

/// The most time for restoring a terminal, which may accept no output.
const END_TIME: Duration = Duration::from_secs(1);

/// The input, and the output that belongs to it.
#[derive(Debug)]
pub struct Console {
    /// The input.
    pub input: mpsc::Receiver<Input>,
    /// The output.
    pub screen: Screen,
    /// The rows that the output must leave intact.
    pub prompt: Prompt,
    /// A note for the user about the console.
    pub advice: Option<Sentence>,
    /// Notified by Ctrl-C: leave immediately, without reading the remaining input.
    pub interrupted: Arc<Notify>,
}

impl Console {
    /// Starts reading standard input: with a line editor if standard input and output are a terminal that supports it,
    /// else line by line. The line editor completes the names in `roster`, and remembers lines of text in the file
    /// `history`. Requires a tokio runtime.
    ///
    /// # Errors
    /// The system refuses a thread.
    pub fn open(format: Format, texts: &Texts, roster: RosterWatch, history: Option<&Path>) -> Result<Self, CliError> {
        if terminal::is_interactive() && io::stdout().is_terminal() && terminal::moves_cursor() {
            match Self::with_editor(format, texts, roster, history) {
                Ok(console) => return console,
                Err(error) => log::info!("the terminal does not support line editing: {error}"),
            }
        }
        let (to, input) = mpsc::channel(READ_AHEAD);
        let (prompt, screen) = if io::stdout().is_terminal() && terminal::moves_cursor() {
            let prompt = Prompt::of_output();
            let screen = above(&prompt)?;
            (prompt, screen)
        } else {
            (Prompt::default(), Screen::new(io::stdout(), io::stderr())?)
        };
        threads::spawn("input", move || read_lines(&to))?;
        Ok(Self { input, screen, prompt, advice: None, interrupted: Arc::default() })
    }

    /// The outer error is that the terminal does not support line editing.
    fn with_editor(
        format: Format,
        texts: &Texts,
        roster: RosterWatch,
        history: Option<&Path>,
    ) -> io::Result<Result<Self, CliError>> {
        let resized = signals::resized()?;
        let continued = signals::continued()?;
        let mode = RawMode::new()?;
        let controls = mode.controls();
        let prompt = Prompt::of_editor(mode)?;
        let screen = above(&prompt);
        tokio::spawn(follow_terminal(prompt.clone(), resized, continued));
        let (to, input) = mpsc::channel(READ_AHEAD);
        let interrupted = Arc::<Notify>::default();
        let (history, advice) = open_history(history.filter(|_| format == Format::Text));
        let (texts, shown) = (texts.clone(), prompt.clone());
        let editor = Editor::new(controls, format, texts, shown, roster, history, Arc::clone(&interrupted));
        let started = screen.and_then(|screen| threads::spawn("input", move || editor.run(&to)).map(|()| screen));
        Ok(started.map(|screen| Self { input, screen, prompt, advice, interrupted }))
    }

    /// Leaves the terminal as it was found.
    pub async fn close(self) {
        // If the terminal accepts no output, the program ends without restoring it.
        drop(timeout(END_TIME, spawn_blocking(move || self.prompt.end())).await);
    }
}

/// The output above a prompt.
fn above(prompt: &Prompt) -> Result<Screen, CliError> {
    let conversation = PromptWriter::new(prompt.clone());
    if io::stderr().is_terminal() {
        Screen::new(conversation, PromptWriter::new(prompt.clone()))
    } else {
        Screen::new(conversation, io::stderr())
    }
}

/// A file that cannot be used is left as it is, and the history ends with the session.
fn open_history(path: Option<&Path>) -> (History, Option<Sentence>) {
    let Some(path) = path else { return (History::default(), None) };
    match History::open(path) {
        Ok(history) => (history, None),
        Err(error) => {
            let file = path.display().to_string();
            let advice = move |texts: &Texts| texts.say().history_unusable(&file, error.text(texts));
            (History::default(), Some(Sentence::from(advice)))
        }
    }
}

/// Draws the prompt again when the size of the terminal changes, and when the process continues after a stop.
async fn follow_terminal(prompt: Prompt, mut resized: Notices, mut continued: Notices) {
    loop {
        let draw: fn(&Prompt) -> io::Result<()> = tokio::select! {
            Some(()) = resized.recv() => Prompt::resized,
            Some(()) = continued.recv() => Prompt::resume,
            else => return,
        };
        let prompt = prompt.clone();
        // If the terminal is gone, the next attempt to read or write reports it.
        drop(spawn_blocking(move || draw(&prompt)).await);
    }
}

fn read_lines(to: &mpsc::Sender<Input>) {
    let source = if terminal::is_interactive() { Source::Terminal } else { Source::Stream };
    let mut stdin = io::stdin().lock();
    // Some editors begin a text file with a byte order mark, which would turn a command in the first line into a
    // message to everyone.
    let mut byte_order_mark = Some('\u{feff}');
    loop {
        match line_reader::read_line(&mut stdin, source) {
            Ok(Some(line)) => {
                let mark = byte_order_mark.take();
                let line = line.map(|line| match mark.and_then(|mark| line.strip_prefix(mark)) {
                    Some(rest) => rest.to_owned(),
                    None => line,
                });
                if to.blocking_send(Input::line(line)).is_err() {
                    return;
                }
            }
            Ok(None) => return,
            Err(error) => return drop(to.blocking_send(Input::broken(&error))),
        }
    }
}
