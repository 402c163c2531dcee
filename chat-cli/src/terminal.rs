//! The terminal: whether there is one, questions at it, and restoring its state.

use std::env;
use std::io::{self, BufRead, ErrorKind, IsTerminal, Write};
use std::sync::OnceLock;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

use crate::platform::signals::{self, Notices};
use crate::platform::terminal::{
    Settings, ask_hidden, interprets_sequences, is_in_foreground, write_to_stderr_if_ready, write_to_stdout_if_ready,
};
use crate::secret::PasswordPrompt;
use crate::texts::{Localised, Sentence, Texts};

/// Whether standard input is a terminal. Only then are questions asked, so that a script never waits for an answer.
pub fn is_interactive() -> bool {
    io::stdin().is_terminal()
}

/// The values of `TERM` for terminals that cannot move the cursor.
const WITHOUT_CURSOR: [&str; 3] = ["dumb", "cons25", "emacs"];

/// Whether the terminal at standard output can move the cursor and show colours.
pub fn moves_cursor() -> bool {
    let term = env::var("TERM").unwrap_or_default();
    !WITHOUT_CURSOR.iter().any(|name| name.eq_ignore_ascii_case(&term)) && interprets_sequences()
}

/// Asks a question whose answer is shown. Returns the trimmed answer, or `None` at the end of the input.
///
/// # Errors
/// The terminal cannot be read or written.
pub fn ask(question: &str) -> io::Result<Option<String>> {
    // Standard output is for the conversation.
    let mut err = io::stderr();
    write!(err, "{question}")?;
    err.flush()?;
    let mut answer = String::new();
    let bytes = io::stdin().lock().read_line(&mut answer)?;
    Ok((bytes > 0).then(|| answer.trim().to_owned()))
}

/// Asks for passwords. From the first question until this value is dropped, the terminal does not echo: not even between
/// two questions.
#[derive(Debug, Default)]
pub struct TerminalPrompt {
    texts: Texts,
    silent: Option<EchoGuard>,
}

impl TerminalPrompt {
    /// Asks in a language.
    pub const fn new(texts: Texts) -> Self {
        Self { texts, silent: None }
    }
}

impl PasswordPrompt for TerminalPrompt {
    fn read_hidden(&mut self, question: &Sentence) -> io::Result<Zeroizing<String>> {
        let question = &question.text(&self.texts);
        self.silent.get_or_insert_with(EchoGuard::new);
        let _repeated = QuestionRepeater::new(question);
        let typed = ask_hidden(question).map(Zeroizing::new);
        if typed.as_ref().is_err_and(|error| error.kind() == ErrorKind::UnexpectedEof) {
            // The next output begins on a new line.
            drop(writeln!(io::stderr()));
        }
        typed
    }

    fn show_error(&mut self, sentence: &Sentence) {
        // If standard error is closed, the user sees only the repeated question.
        drop(writeln!(io::stderr(), "{}", self.texts.say().error_line(sentence.text(&self.texts))));
    }
}

/// Turns echo off while it lives.
#[derive(Debug)]
struct EchoGuard(Option<Settings>);

impl EchoGuard {
    fn new() -> Self {
        let found = Settings::current().ok();
        if let Some(found) = &found {
            // If this fails, the question fails too and reports it.
            drop(found.clone().without_echo().apply());
        }
        Self(found)
    }
}

impl Drop for EchoGuard {
    fn drop(&mut self) {
        if let Some(found) = &self.0 {
            // The terminal may be gone.
            drop(found.apply());
        }
    }
}

/// Repeats a question each time the process continues after a stop, and hides its answer again, because a shell that
/// used the terminal in between turned on echo.
struct QuestionRepeater(Option<JoinHandle<()>>);

impl QuestionRepeater {
    fn new(question: &str) -> Self {
        let question = question.to_owned();
        // Both programs ask from a thread of their runtime.
        let runtime = Handle::try_current().ok();
        Self(runtime.and_then(|runtime| Some(runtime.spawn(repeat(question, signals::continued().ok()?)))))
    }
}

impl Drop for QuestionRepeater {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}

async fn repeat(question: String, mut continued: Notices) {
    while continued.recv().await.is_some() {
        if let Ok(settings) = Settings::current()
            && is_in_foreground()
        {
            // The terminal may be gone.
            drop(settings.for_hidden_answer().apply());
            write_to_stderr_if_ready(&question);
        }
    }
}

/// The state of the terminal when the program began, if there is a terminal.
static FOUND: OnceLock<Option<Settings>> = OnceLock::new();

/// Restores the terminal when it is dropped. A question or line editor that is abandoned would otherwise leave the
/// terminal without echo.
#[derive(Debug)]
#[must_use = "the terminal is restored when the guard is dropped"]
pub struct TerminalGuard(());

impl TerminalGuard {
    /// Saves the state of the terminal, if there is one.
    pub fn new() -> Self {
        FOUND.get_or_init(|| is_interactive().then(|| Settings::current().ok()).flatten());
        Self(())
    }
}

impl Default for TerminalGuard {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for TerminalGuard {
    fn drop(&mut self) {
        restore();
    }
}

/// Restores the terminal as the [`TerminalGuard`] found it. Does nothing if there was none.
pub fn restore() {
    let Some(found) = FOUND.get().and_then(Option::as_ref).filter(|_| is_in_foreground()) else { return };
    let changed = Settings::current().is_ok_and(|now| !now.behaves_like(found));
    if changed {
        // Turns off bracketed paste, which line editors turn on. The line end finishes a half-typed line.
        const END: &str = "\x1b[?2004l\r\n";
        if io::stdout().is_terminal() {
            write_to_stdout_if_ready(END);
        } else if io::stderr().is_terminal() {
            write_to_stderr_if_ready(END);
        }
        // The terminal may be gone.
        drop(found.apply());
    }
}
