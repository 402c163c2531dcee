//! The terminal: whether there is one, questions asked at it, and that it is left as it was found.

use std::io::{self, BufRead, ErrorKind, IsTerminal, Write};

use rustix::termios::{self, LocalModes, OptionalActions, Termios};
use zeroize::Zeroizing;

use crate::secret::Ask;

/// Whether somebody sits there: questions are asked only then, so that a script never waits for an answer.
pub fn is_there() -> bool {
    io::stdin().is_terminal()
}

/// Asks for a line that may be seen. `None` at the end of the input.
///
/// # Errors
/// The terminal cannot be read or written.
pub fn ask(question: &str) -> io::Result<Option<String>> {
    // Standard output belongs to the conversation.
    let mut err = io::stderr();
    write!(err, "{question}")?;
    err.flush()?;
    let mut answer = String::new();
    let bytes = io::stdin().lock().read_line(&mut answer)?;
    Ok((bytes > 0).then(|| answer.trim().to_owned()))
}

/// Passwords, typed unseen. From the first question on nothing that is typed is shown until this is dropped: neither the
/// moment a question is there nor between two of them.
#[derive(Debug, Default)]
pub struct Terminal(Option<Unseen>);

impl Ask for Terminal {
    fn hidden(&mut self, prompt: &str) -> io::Result<Zeroizing<String>> {
        self.0.get_or_insert_with(Unseen::new);
        let typed = rpassword::prompt_password(prompt).map(Zeroizing::new);
        if typed.as_ref().is_err_and(|error| error.kind() == ErrorKind::UnexpectedEof) {
            // What is said next does not belong behind the question.
            drop(writeln!(io::stderr()));
        }
        typed
    }

    fn tell(&mut self, sentence: &str) {
        // Without standard error the prompt itself has to do.
        drop(writeln!(io::stderr(), "error: {sentence}"));
    }
}

/// While this lives, the terminal does not show what is typed.
#[derive(Debug)]
struct Unseen(Option<Termios>);

impl Unseen {
    fn new() -> Self {
        let found = termios::tcgetattr(io::stdin()).ok();
        if let Some(found) = &found {
            let mut silent = found.clone();
            silent.local_modes.remove(LocalModes::ECHO);
            // What cannot be silenced here cannot be silenced by the prompt either, which says so.
            let _refused = termios::tcsetattr(io::stdin(), OptionalActions::Now, &silent);
        }
        Self(found)
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        if let Some(found) = &self.0 {
            let _gone = termios::tcsetattr(io::stdin(), OptionalActions::Now, found);
        }
    }
}

/// Puts the terminal back into the state in which it was found, however the program ends: a prompt that is abandoned
/// in the middle would leave it without echo.
#[derive(Debug)]
#[must_use = "the terminal is put back when this is dropped"]
pub struct Restore(Option<Termios>);

impl Restore {
    /// Notes the state of the terminal, if there is one.
    pub fn new() -> Self {
        Self(is_there().then(|| termios::tcgetattr(io::stdin()).ok()).flatten())
    }
}

impl Default for Restore {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Restore {
    fn drop(&mut self) {
        let Some(found) = &self.0 else { return };
        let changed = termios::tcgetattr(io::stdin()).is_ok_and(|now| {
            now.local_modes != found.local_modes
                || now.input_modes != found.input_modes
                || now.output_modes != found.output_modes
        });
        if changed {
            // Ends bracketed paste, which line editors switch on, and the line that was being typed.
            const END: &str = "\x1b[?2004l";
            if io::stdout().is_terminal() {
                drop(writeln!(io::stdout(), "{END}"));
            } else if io::stderr().is_terminal() {
                drop(writeln!(io::stderr(), "{END}"));
            }
            let _gone = termios::tcsetattr(io::stdin(), OptionalActions::Now, found);
        }
    }
}
