//! The line editor, and the passwords for `/passwd`, which are asked for where lines are read.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustyline::DefaultEditor;
use rustyline::error::{ReadlineError, Signal};
use tokio::sync::{Notify, mpsc};
use zeroize::Zeroizing;

use super::console::Input;
use super::line::{self, Action};
use super::prompt::{CLEAR_LINE, Prompt};
use crate::format::Format;
use crate::input_error::InputError;
use crate::secret::{self, PasswordKind, PasswordPrompt};
use crate::terminal::TerminalPrompt;

/// The editor's prompt.
const PROMPT: &str = "> ";

/// Nobody types a line in less time, so a line that is complete by then was typed earlier.
const TYPED_AHEAD_TIME: Duration = Duration::from_millis(100);

/// Reads lines at a terminal.
pub(super) struct Editor {
    editor: DefaultEditor,
    format: Format,
    prompt: Prompt,
    interrupted: Arc<Notify>,
    last_line: LastLine,
}

/// What the most recent line was. Lines typed ahead of the passwords may be passwords and must not be sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum LastLine {
    Ordinary,
    PasswordChange,
}

impl Editor {
    pub(super) const fn new(editor: DefaultEditor, format: Format, prompt: Prompt, interrupted: Arc<Notify>) -> Self {
        Self { editor, format, prompt, interrupted, last_line: LastLine::Ordinary }
    }

    /// Sends the input until it ends, the user leaves, or the receiver is dropped.
    pub(super) fn run(mut self, to: &mpsc::Sender<Input>) {
        while let Some(input) = self.read() {
            let is_last = match &input {
                Input::Line(Ok(line)) => self.action(line) == Some(Action::Leave),
                Input::Line(Err(error)) => matches!(error, InputError::InputBroken(_)),
                Input::Passwords { .. } => false,
            };
            if to.blocking_send(input).is_err() || is_last {
                break;
            }
        }
        self.prompt.close();
    }

    /// The next item of input, or `None` at the end or after Ctrl-C.
    fn read(&mut self) -> Option<Input> {
        loop {
            let begin = Instant::now();
            let line = match self.editor.readline(PROMPT) {
                Ok(line) => line,
                Err(ReadlineError::Interrupted | ReadlineError::Signal(Signal::Interrupt)) => {
                    self.interrupted.notify_one();
                    return None;
                }
                Err(ReadlineError::Signal(Signal::Resize)) => continue,
                Err(ReadlineError::Eof) => return None,
                Err(ReadlineError::Io(error)) if error.kind() == ErrorKind::InvalidData => {
                    return Some(Input::Line(Err(InputError::NotUtf8)));
                }
                Err(error) => return Some(Input::broken(&error)),
            };
            if self.last_line == LastLine::PasswordChange && begin.elapsed() < TYPED_AHEAD_TIME {
                return Some(Input::Line(Err(InputError::TypedAhead)));
            }
            self.last_line = LastLine::Ordinary;
            // If there is no memory for the history, the line can be typed again.
            let _kept = self.editor.add_history_entry(&line);
            if self.action(&line) != Some(Action::ChangePassword) {
                return Some(Input::Line(Ok(line)));
            }
            self.last_line = LastLine::PasswordChange;
            if let Some(passwords) = ask_for_passwords(&self.prompt) {
                return Some(passwords);
            }
        }
    }

    fn action(&self, line: &str) -> Option<Action> {
        if self.format == Format::Text { line::parse(line).ok() } else { None }
    }
}

/// Asks for the passwords. Lines that arrive meanwhile are shown above the question.
fn ask_for_passwords(prompt: &Prompt) -> Option<Input> {
    let mut questions = Questions { terminal: TerminalPrompt::default(), prompt };
    let old = secret::ask(PasswordKind::Existing, &mut questions);
    match old.and_then(|old| Ok((old, secret::ask(PasswordKind::New, &mut questions)?))) {
        Ok((old, new)) => Some(Input::Passwords { old, new }),
        Err(error) => {
            // If the terminal cannot be written, the editor reports that next.
            drop(error.show(&mut io::stdout(), &mut io::stderr()));
            None
        }
    }
}

/// Asks at the terminal, and keeps the question below the lines that arrive meanwhile.
struct Questions<'a, P> {
    terminal: P,
    prompt: &'a Prompt,
}

impl<P: PasswordPrompt> PasswordPrompt for Questions<'_, P> {
    fn read_hidden(&mut self, question: &str) -> io::Result<Zeroizing<String>> {
        self.prompt.begin_question(question);
        // A line that has just arrived may have printed the question already.
        let typed = self.terminal.read_hidden(&format!("{CLEAR_LINE}{question}"));
        self.prompt.end_question(question);
        typed
    }

    fn show_error(&mut self, sentence: &str) {
        self.terminal.show_error(sentence);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use rustyline::ExternalPrinter;

    use super::*;
    use crate::client::prompt::PromptWriter;

    struct NoPrinter;

    impl ExternalPrinter for NoPrinter {
        fn print(&mut self, lines: String) -> rustyline::Result<()> {
            panic!("the editor is not reading, and would print {lines:?}");
        }
    }

    /// Answers every question, while a line arrives.
    struct Typist<'a>(&'a mut PromptWriter<NoPrinter, Vec<u8>>);

    impl PasswordPrompt for Typist<'_> {
        fn read_hidden(&mut self, question: &str) -> io::Result<Zeroizing<String>> {
            self.0.terminal.extend_from_slice(question.as_bytes());
            self.0.write_all(b"a line\n")?;
            self.0.flush()?;
            Ok(Zeroizing::new("correct horse".to_owned()))
        }

        fn show_error(&mut self, _: &str) {}
    }

    #[test]
    fn a_question_stays_below_the_lines_that_arrive_meanwhile() {
        let prompt = Prompt::editing();
        let mut writer = PromptWriter::new(NoPrinter, Vec::new(), prompt.clone());
        let mut questions = Questions { terminal: Typist(&mut writer), prompt: &prompt };
        assert!(secret::ask(PasswordKind::Existing, &mut questions).is_ok());
        assert_eq!(String::from_utf8_lossy(&writer.terminal), "\r\x1b[Kpassword: \r\x1b[Ka line\npassword: ");
        assert!(prompt.is_editing());
        prompt.close();
        let mut questions = Questions { terminal: Typist(&mut writer), prompt: &prompt };
        assert!(secret::ask(PasswordKind::Existing, &mut questions).is_ok());
        assert!(prompt.is_closed(), "a question reopened the prompt");
    }
}
