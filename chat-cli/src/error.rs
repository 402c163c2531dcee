//! Errors that end a program: a sentence, hints, and an exit code.

use std::io::{self, Write};
use std::process::ExitCode;

use crate::error_code::ErrorCode;
use crate::texts::{Localised, Sentence, Texts, help, parse_error};

/// How a program ended. `--help` documents the codes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Exit {
    /// Success. For `chat-client`: every message was delivered.
    Fine,
    /// The request was refused or failed. For `chat-client`: a message failed or stayed unconfirmed.
    Failed,
    /// An argument, an environment variable or the configuration file is wrong, or the version of `chat-server` is older
    /// than that of a server that it shares a roster with: a restart does not help.
    Usage,
    /// `chat-client` could not connect or log in, or the server ended its session. `chat-server` could not start, or no
    /// server was running to answer its command.
    NotThere,
    /// `chat-client` sent a message to everyone while nobody else was online.
    NobodyThere,
    /// A thread panicked, which is a bug. `EX_SOFTWARE` of sysexits.h.
    Bug,
}

impl Exit {
    /// The exit code.
    pub const fn code(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NotThere => 3,
            Self::NobodyThere => 4,
            Self::Bug => 70,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a program ends early, as a message for people, an exit code, and a code for scripts.
#[derive(Debug)]
pub struct CliError {
    exit: Exit,
    /// `None` if standard output receives no event about the error.
    code: Option<ErrorCode>,
    message: Message,
    hints: Vec<Sentence>,
}

#[derive(Debug)]
enum Message {
    Sentence(Sentence),
    /// From clap: wrong arguments, or the help that was asked for.
    Clap(Box<clap::Error>),
    /// Shown already. Only scripts still need it.
    Shown(Sentence),
    /// None, because the reader closed the output.
    None,
}

impl CliError {
    /// An error with an exit code.
    pub fn new(exit: Exit, sentence: impl Into<Sentence>) -> Self {
        let message = Message::Sentence(sentence.into());
        Self { exit, code: Some(ErrorCode::Failed), message, hints: Vec::new() }
    }

    /// An argument, an environment variable or the configuration file is wrong.
    pub fn usage(sentence: impl Into<Sentence>) -> Self {
        Self::new(Exit::Usage, sentence).code(ErrorCode::WrongArguments)
    }

    /// The program cannot start, connect or log in.
    pub fn not_there(sentence: impl Into<Sentence>) -> Self {
        Self::new(Exit::NotThere, sentence)
    }

    /// The request was refused or failed.
    pub fn failed(sentence: impl Into<Sentence>) -> Self {
        Self::new(Exit::Failed, sentence)
    }

    /// Ctrl-C or a signal stopped the program before it finished its work.
    pub fn interrupted() -> Self {
        Self::not_there(|texts: &Texts| texts.say().interrupted()).code(ErrorCode::Interrupted)
    }

    /// The system does not provide something that the program needs, such as a thread.
    pub fn system(sentence: impl Into<Sentence>) -> Self {
        Self::not_there(sentence).code(ErrorCode::SystemRefused)
    }

    /// Writing the output failed. A broken pipe ends the program silently and successfully, because its reader is gone.
    pub fn output(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self { exit: Exit::Fine, code: None, message: Message::None, hints: Vec::new() }
        } else {
            let detail = error.to_string();
            Self { code: None, ..Self::failed(move |texts: &Texts| texts.say().output_failed(&detail)) }
        }
    }

    /// Sets the code for scripts.
    #[must_use]
    pub(crate) fn code(self, code: impl Into<ErrorCode>) -> Self {
        Self { code: Some(code.into()), ..self }
    }

    /// Adds a line that says what the user can do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<Sentence>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The same error, for a user who has read its sentence and decided to end the program.
    #[must_use]
    pub fn already_shown(&self) -> Self {
        let message = match &self.message {
            Message::Sentence(sentence) | Message::Shown(sentence) => Message::Shown(sentence.clone()),
            Message::Clap(_) | Message::None => Message::None,
        };
        Self { exit: self.exit, code: self.code, message, hints: Vec::new() }
    }

    /// Whether there is no message to show.
    pub const fn is_quiet(&self) -> bool {
        matches!(self.message, Message::None)
    }

    /// The exit code.
    pub const fn exit(&self) -> Exit {
        self.exit
    }

    /// The code and the sentence for scripts. `None` if standard output cannot be written, and for help and version.
    pub(crate) fn for_scripts(&self, texts: &Texts) -> Option<(ErrorCode, String)> {
        let sentence = match &self.message {
            Message::Sentence(sentence) | Message::Shown(sentence) => sentence.text(texts),
            Message::Clap(error) => parse_error::on_one_line(error, texts),
            Message::None => return None,
        };
        self.code.map(|code| (code, sentence))
    }

    /// The sentence without its hints, for a window.
    pub(crate) fn into_sentence(self) -> Sentence {
        match self.message {
            Message::Sentence(sentence) | Message::Shown(sentence) => sentence,
            Message::Clap(error) => Sentence::from(move |texts: &Texts| parse_error::on_one_line(&error, texts)),
            Message::None => Sentence::from(""),
        }
    }

    /// Writes the message and one line per hint to `err`. Help and version are not errors and go to `out`.
    ///
    /// # Errors
    /// Writing to `out` or `err` fails.
    pub fn show_in(&self, texts: &Texts, out: &mut impl Write, err: &mut impl Write) -> io::Result<()> {
        let t = texts.say();
        let mut hints: Vec<String> = self.hints.iter().map(|hint| hint.text(texts)).collect();
        match &self.message {
            Message::Sentence(sentence) => writeln!(err, "{}", t.error_line(sentence.text(texts)))?,
            Message::Clap(error) if is_help(error) => {
                write!(out, "{}", help::with_headings(&error.to_string(), texts))?;
            }
            Message::Clap(error) => match parse_error::explain(error, texts) {
                Some(explained) => {
                    writeln!(err, "{}", t.error_line(explained.sentence))?;
                    hints.extend(explained.hints);
                }
                None => write!(err, "{}", help::with_headings(&error.to_string(), texts))?,
            },
            Message::Shown(_) | Message::None => {}
        }
        for hint in hints {
            writeln!(err, "{}", t.hint_line(hint))?;
        }
        out.flush()?;
        err.flush()
    }

    /// As [`Self::show_in`], in English.
    #[cfg(test)]
    pub(crate) fn show(&self, out: &mut impl Write, err: &mut impl Write) -> io::Result<()> {
        self.show_in(&Texts::default(), out, err)
    }
}

/// Also for `--help` and `--version`, which clap reports as errors.
impl From<clap::Error> for CliError {
    fn from(error: clap::Error) -> Self {
        let (exit, code) = match is_help(&error) {
            true => (Exit::Fine, None),
            false => (Exit::Usage, Some(ErrorCode::WrongArguments)),
        };
        Self { exit, code, message: Message::Clap(Box::new(error)), hints: Vec::new() }
    }
}

/// Whether the user asked for help or the version, and got it.
fn is_help(error: &clap::Error) -> bool {
    !error.use_stderr()
}

/// Shows an error and returns how the program ends.
pub fn report(error: &CliError, texts: &Texts) -> Exit {
    // If standard error is closed, no other place is left to report it.
    let _written = error.show_in(texts, &mut io::stdout(), &mut io::stderr());
    error.exit()
}

/// Shows what the user of a command should know besides its result.
pub fn note(sentence: &str, texts: &Texts) {
    // If standard error is closed, nobody reads it.
    drop(writeln!(io::stderr(), "{}", texts.say().note_line(sentence)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(error: &CliError) -> (String, String) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        error.show(&mut out, &mut err).unwrap();
        (String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    }

    #[test]
    fn hints_follow_the_message() {
        let error = CliError::not_there("the address is in use").hint("choose another port");
        assert_eq!(shown(&error), (String::new(), "error: the address is in use\nhint: choose another port\n".into()));
        assert_eq!(error.exit().code(), 3);
    }

    #[test]
    fn an_error_that_was_shown_is_not_repeated_for_people() {
        let error = CliError::not_there("the server is full").hint("wait").already_shown();
        assert_eq!(shown(&error), (String::new(), String::new()));
        let (code, sentence) = error.for_scripts(&Texts::default()).unwrap();
        assert_eq!((error.exit().code(), code, sentence.as_str()), (3, ErrorCode::Failed, "the server is full"));
    }

    #[test]
    fn exit_codes_are_the_documented_ones() {
        let exits = [Exit::Fine, Exit::Failed, Exit::Usage, Exit::NotThere, Exit::NobodyThere, Exit::Bug];
        assert_eq!(exits.map(Exit::code), [0, 1, 2, 3, 4, 70]);
    }

    #[test]
    fn a_broken_pipe_is_no_error_and_a_full_disk_is() {
        let gone = CliError::output(&io::ErrorKind::BrokenPipe.into());
        assert_eq!((gone.exit(), shown(&gone)), (Exit::Fine, (String::new(), String::new())));
        let full = CliError::output(&io::ErrorKind::StorageFull.into());
        assert_eq!(
            (full.exit(), shown(&full).1.as_str()),
            (Exit::Failed, "error: cannot write the output: no storage space\n")
        );
    }
}
