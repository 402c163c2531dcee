//! What ends a program: a sentence, hints, and the one place that knows the exit codes.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

/// How a program ended. The only place where the numbers are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Exit {
    /// Everything that was asked for was done; for `chat-client`: all was delivered.
    Fine,
    /// Something was refused, failed or stayed unconfirmed.
    Failed,
    /// The arguments are wrong.
    Usage,
    /// `chat-client` could not connect or log in, or the server ended its session; `chat-server` could not start.
    NotThere,
    /// `chat-client` had something to say and nobody else was online.
    NobodyThere,
}

impl Exit {
    /// The number.
    pub const fn code(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NotThere => 3,
            Self::NobodyThere => 4,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a program ends early.
#[derive(Debug)]
pub struct CliError {
    exit: Exit,
    said: Said,
    hints: Vec<String>,
}

/// What people are told of it.
#[derive(Debug)]
enum Said {
    Sentence(String),
    /// As clap formats it, colours and usage included.
    Clap(Box<clap::Error>),
    /// Whoever read our output has gone; there is nobody to tell.
    Nothing,
}

impl CliError {
    /// An error with what it means for the caller.
    pub fn new(exit: Exit, sentence: impl Display) -> Self {
        Self { exit, said: Said::Sentence(sentence.to_string()), hints: Vec::new() }
    }

    /// Wrong arguments.
    pub fn usage(sentence: impl Display) -> Self {
        Self::new(Exit::Usage, sentence)
    }

    /// The program could not start, connect or log in.
    pub fn not_there(sentence: impl Display) -> Self {
        Self::new(Exit::NotThere, sentence)
    }

    /// What was asked for did not work.
    pub fn failed(sentence: impl Display) -> Self {
        Self::new(Exit::Failed, sentence)
    }

    /// Ctrl-C or a signal, before the program did what it was started for.
    pub fn interrupted() -> Self {
        Self::not_there("interrupted")
    }

    /// Writing failed: quiet if the reader has gone, an error otherwise.
    pub fn output(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self { exit: Exit::Fine, said: Said::Nothing, hints: Vec::new() }
        } else {
            Self::failed(format_args!("cannot write the output: {error}"))
        }
    }

    /// Adds a line that says what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Display) -> Self {
        self.hints.push(hint.to_string());
        self
    }

    /// Whether there is nobody to tell it.
    pub const fn is_quiet(&self) -> bool {
        matches!(self.said, Said::Nothing)
    }

    /// What it means for the caller.
    pub const fn exit(&self) -> Exit {
        self.exit
    }

    /// Writes it for people: the sentence, then one line per hint. Help and version are no errors and go to `out`.
    ///
    /// # Errors
    /// Neither could be written to.
    pub fn show(&self, out: &mut impl Write, err: &mut impl Write) -> io::Result<()> {
        match &self.said {
            Said::Sentence(sentence) => writeln!(err, "error: {sentence}")?,
            Said::Clap(error) if error.use_stderr() => write!(err, "{error}")?,
            Said::Clap(error) => write!(out, "{error}")?,
            Said::Nothing => {}
        }
        for hint in &self.hints {
            writeln!(err, "hint: {hint}")?;
        }
        out.flush()?;
        err.flush()
    }
}

/// `--help` and `--version` come this way too.
impl From<clap::Error> for CliError {
    fn from(error: clap::Error) -> Self {
        let exit = if error.use_stderr() { Exit::Usage } else { Exit::Fine };
        Self { exit, said: Said::Clap(Box::new(error)), hints: Vec::new() }
    }
}

/// Tells people about an error, if it is one, and gives the exit code.
pub fn finish(result: Result<Exit, CliError>) -> ExitCode {
    let exit = match result {
        Ok(exit) => exit,
        Err(error) => {
            // Nowhere is left to say that standard error is gone.
            let _written = error.show(&mut io::stdout(), &mut io::stderr());
            error.exit()
        }
    };
    exit.into()
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
    fn a_sentence_is_followed_by_its_hints() {
        let error = CliError::not_there("the address is in use").hint("choose another port");
        assert_eq!(shown(&error), (String::new(), "error: the address is in use\nhint: choose another port\n".into()));
        assert_eq!(error.exit().code(), 3);
    }

    #[test]
    fn each_exit_has_its_number() {
        let exits = [Exit::Fine, Exit::Failed, Exit::Usage, Exit::NotThere, Exit::NobodyThere];
        assert_eq!(exits.map(Exit::code), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn a_reader_that_went_away_is_no_error_but_a_full_disk_is() {
        let gone = CliError::output(&io::ErrorKind::BrokenPipe.into());
        assert_eq!((gone.exit(), shown(&gone)), (Exit::Fine, (String::new(), String::new())));
        let full = CliError::output(&io::ErrorKind::StorageFull.into());
        assert_eq!(
            (full.exit(), shown(&full).1.as_str()),
            (Exit::Failed, "error: cannot write the output: no storage space\n")
        );
    }
}
