//! The terminal: whether there is one, questions at it, and restoring its state.

use std::env;
use std::io::{self, BufRead, ErrorKind, IsTerminal, Write};
use std::os::fd::AsFd;
use std::sync::OnceLock;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process;
use rustix::termios::{self, LocalModes, OptionalActions, SpecialCodeIndex, Termios};
use tokio::runtime::Handle;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

use crate::secret::PasswordPrompt;
use crate::texts::{Localised, Sentence, Texts};

/// Whether standard input is a terminal. Only then are questions asked, so that a script never waits for an answer.
pub fn is_interactive() -> bool {
    io::stdin().is_terminal()
}

/// Whether the program may use the terminal. In the background, the system stops it when it reads from the terminal or
/// changes its settings.
pub fn is_in_foreground() -> bool {
    // If the terminal is gone, using it reports that.
    termios::tcgetpgrp(io::stdin()).map_or(true, |group| group == process::getpgrp())
}

/// The values of `TERM` for terminals that cannot move the cursor.
const WITHOUT_CURSOR: [&str; 3] = ["dumb", "cons25", "emacs"];

/// Whether the terminal can move the cursor and show colours, by its name.
pub fn moves_cursor() -> bool {
    let term = env::var("TERM").unwrap_or_default();
    !WITHOUT_CURSOR.iter().any(|name| name.eq_ignore_ascii_case(&term))
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
        let typed = rpassword::prompt_password(question).map(Zeroizing::new);
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
struct EchoGuard(Option<Termios>);

impl EchoGuard {
    fn new() -> Self {
        let found = termios::tcgetattr(io::stdin()).ok();
        if let Some(found) = &found {
            let mut silent = found.clone();
            silent.local_modes.remove(LocalModes::ECHO);
            // If this fails, the question fails too and reports it.
            let _refused = termios::tcsetattr(io::stdin(), OptionalActions::Now, &silent);
        }
        Self(found)
    }
}

impl Drop for EchoGuard {
    fn drop(&mut self) {
        if let Some(found) = &self.0 {
            let _gone = termios::tcsetattr(io::stdin(), OptionalActions::Now, found);
        }
    }
}

/// The signal that a process receives when it continues after a stop.
pub fn continued() -> io::Result<Signal> {
    signal(SignalKind::from_raw(process::Signal::CONT.as_raw()))
}

/// Repeats a question each time the process continues after a stop, and hides its answer again, because a shell that
/// used the terminal in between turned on echo.
struct QuestionRepeater(Option<JoinHandle<()>>);

impl QuestionRepeater {
    fn new(question: &str) -> Self {
        let question = question.to_owned();
        // Both programs ask from a thread of their runtime.
        let runtime = Handle::try_current().ok();
        Self(runtime.and_then(|runtime| Some(runtime.spawn(repeat(question, continued().ok()?)))))
    }
}

impl Drop for QuestionRepeater {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}

async fn repeat(question: String, mut continued: Signal) {
    while continued.recv().await.is_some() {
        if let Ok(mut hidden) = termios::tcgetattr(io::stdin())
            && is_in_foreground()
        {
            // The settings that rpassword uses while it reads.
            hidden.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG);
            hidden.special_codes[SpecialCodeIndex::VMIN] = 1;
            hidden.special_codes[SpecialCodeIndex::VTIME] = 0;
            let _gone = termios::tcsetattr(io::stdin(), OptionalActions::Now, &hidden);
            write_if_ready(io::stderr(), &question);
        }
    }
}

/// Writes to a terminal, unless it currently accepts no output.
fn write_if_ready(terminal: impl AsFd, text: &str) {
    if poll(&mut [PollFd::new(&terminal, PollFlags::OUT)], Some(&Timespec::default())) == Ok(1) {
        // Not through the standard library, whose lock a blocked thread may hold.
        let _gone = rustix::io::write(&terminal, text.as_bytes());
    }
}

/// The state of the terminal when the program began, if there is a terminal.
static FOUND: OnceLock<Option<Termios>> = OnceLock::new();

/// Restores the terminal when it is dropped. A question or line editor that is abandoned would otherwise leave the
/// terminal without echo.
#[derive(Debug)]
#[must_use = "the terminal is restored when the guard is dropped"]
pub struct TerminalGuard(());

impl TerminalGuard {
    /// Saves the state of the terminal, if there is one.
    pub fn new() -> Self {
        FOUND.get_or_init(|| is_interactive().then(|| termios::tcgetattr(io::stdin()).ok()).flatten());
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
    let changed = termios::tcgetattr(io::stdin()).is_ok_and(|now| {
        now.local_modes != found.local_modes
            || now.input_modes != found.input_modes
            || now.output_modes != found.output_modes
    });
    if changed {
        // Turns off bracketed paste, which line editors turn on. The line end finishes a half-typed line.
        const END: &str = "\x1b[?2004l\r\n";
        if io::stdout().is_terminal() {
            write_if_ready(io::stdout(), END);
        } else if io::stderr().is_terminal() {
            write_if_ready(io::stderr(), END);
        }
        let _gone = termios::tcsetattr(io::stdin(), OptionalActions::Now, found);
    }
}
