//! Where input comes from: a terminal with a line editor, or any other reader.

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::thread;

use chat_core::password::Password;
use rustyline::DefaultEditor;
use tokio::sync::{Notify, mpsc};

use super::editor::Editor;
use super::line_reader;
use super::prompt::{Prompt, PromptWriter};
use super::screen::Screen;
use crate::format::Format;
use crate::input_error::InputError;
use crate::terminal;

/// One item of input. The end of the channel is the end of the input.
#[derive(Debug)]
pub enum Input {
    /// A line, or why it could not be read.
    Line(Result<String, InputError>),
    /// The passwords that were typed for `/passwd`.
    Passwords {
        /// The current password.
        old: Password,
        /// The new password.
        new: Password,
    },
}

impl Input {
    /// Reading failed for good.
    pub(super) fn broken(error: &dyn std::fmt::Display) -> Self {
        Self::Line(Err(InputError::InputBroken(error.to_string())))
    }
}

/// The most lines that are read ahead: a few, so that reading and sending overlap.
const READ_AHEAD: usize = 16;

/// The input, and the output that belongs to it.
#[derive(Debug)]
pub struct Console {
    /// The input.
    pub input: mpsc::Receiver<Input>,
    /// The output.
    pub screen: Screen,
    /// The line that the output must leave intact.
    pub prompt: Prompt,
    /// Notified by Ctrl-C: leave immediately, without reading the remaining input.
    pub interrupted: Arc<Notify>,
}

impl Console {
    /// Starts reading standard input: with a line editor if standard input and output are a terminal that supports it,
    /// else line by line.
    pub fn open(format: Format) -> Self {
        if terminal::is_interactive() && io::stdout().is_terminal() {
            match Self::with_editor(format) {
                Ok(console) => return console,
                Err(error) => log::info!("the terminal does not support line editing: {error}"),
            }
        }
        let (to, input) = mpsc::channel(READ_AHEAD);
        thread::spawn(move || read_lines(&to));
        let screen = Screen::new(io::stdout(), io::stderr());
        Self { input, screen, prompt: Prompt::default(), interrupted: Arc::default() }
    }

    fn with_editor(format: Format) -> rustyline::Result<Self> {
        let mut editor = DefaultEditor::new()?;
        let prompt = Prompt::editing();
        let conversation = PromptWriter::new(editor.create_external_printer()?, io::stdout(), prompt.clone());
        let screen = if io::stderr().is_terminal() {
            let diagnostics = PromptWriter::new(editor.create_external_printer()?, io::stdout(), prompt.clone());
            Screen::new(conversation, diagnostics)
        } else {
            Screen::new(conversation, io::stderr())
        };
        let (to, input) = mpsc::channel(READ_AHEAD);
        let interrupted = Arc::<Notify>::default();
        let editor = Editor::new(editor, format, prompt.clone(), Arc::clone(&interrupted));
        thread::spawn(move || editor.run(&to));
        Ok(Self { input, screen, prompt, interrupted })
    }
}

fn read_lines(to: &mpsc::Sender<Input>) {
    let mut stdin = io::stdin().lock();
    loop {
        match line_reader::read_line(&mut stdin) {
            Ok(Some(line)) => {
                if to.blocking_send(Input::Line(line)).is_err() {
                    return;
                }
            }
            Ok(None) => return,
            Err(error) => return drop(to.blocking_send(Input::broken(&error))),
        }
    }
}
