//! Passwords: from a file, from `CHAT_PASSWORD`, or typed without echo. Never from an argument.

use std::io;
use std::path::{Path, PathBuf};

use chat_core::password::Password;
use zeroize::Zeroizing;

use crate::error::CliError;
use crate::texts::{Localised, Sentence, Texts};
use crate::{environment, text_file};

/// The environment variable that may contain the password.
const VARIABLE: &str = "CHAT_PASSWORD";

/// The most attempts to type a password before the program gives up.
const ATTEMPTS: u32 = 3;

/// Where a password comes from: the file if one is named, else the environment variable, else the terminal.
#[derive(Debug)]
pub struct PasswordSource {
    file: Option<PathBuf>,
}

/// Which password is typed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PasswordKind {
    /// The password of an account, to log in.
    Existing,
    /// The password of the user who is logged in, before a new one.
    Current,
    /// A new password, which is typed twice.
    New,
}

/// Asks the user for passwords.
pub trait PasswordPrompt {
    /// Shows a question and reads one line without echo.
    ///
    /// # Errors
    /// There is no terminal, or the user interrupted the question.
    fn read_hidden(&mut self, question: &Sentence) -> io::Result<Zeroizing<String>>;

    /// Shows what was wrong with the answer.
    fn show_error(&mut self, sentence: &Sentence);
}

impl PasswordSource {
    /// A source that reads this file, if one is named.
    pub const fn new(file: Option<PathBuf>) -> Self {
        Self { file }
    }

    /// Reads the password. Blocks while the user types. `prompt` is `None` if there is no terminal.
    ///
    /// # Errors
    /// There is no source, the source cannot be read, or the password breaks a rule.
    pub fn read(&self, kind: PasswordKind, prompt: Option<&mut dyn PasswordPrompt>) -> Result<Password, CliError> {
        if let Some(password) = self.given()? {
            return Ok(password);
        }
        match prompt {
            Some(prompt) => ask(kind, prompt),
            None => Err(CliError::usage(|texts: &Texts| texts.say().password_missing())
                .hint(|texts: &Texts| texts.say().hint_password(VARIABLE))),
        }
    }

    /// The password that the file or the environment variable names. `None` if it has to be typed.
    ///
    /// # Errors
    /// The source cannot be read, or the password breaks a rule.
    pub fn given(&self) -> Result<Option<Password>, CliError> {
        if let Some(path) = &self.file {
            return from_file(path).map(Some);
        }
        let typed = environment::secret(VARIABLE)?.map(|typed| Password::parse(&typed)).transpose();
        typed.map_err(|error| CliError::usage(environment::unusable(VARIABLE, error)))
    }
}

fn from_file(path: &Path) -> Result<Password, CliError> {
    let file = path.display().to_string();
    let line = text_file::first_line(path).map_err(|error| {
        let file = file.clone();
        CliError::usage(move |texts: &Texts| texts.say().password_file_unreadable(&file, error.text(texts)))
    })?;
    Password::parse(&line).map_err(|error| {
        CliError::usage(move |texts: &Texts| texts.say().password_file_unusable(&file, error.text(texts)))
    })
}

/// Asks for a password, and asks again if it breaks a rule.
///
/// # Errors
/// There is no terminal, the user interrupted the question, or every attempt was wrong.
pub fn ask(kind: PasswordKind, prompt: &mut dyn PasswordPrompt) -> Result<Password, CliError> {
    let question = match kind {
        PasswordKind::Existing => Sentence::from(|texts: &Texts| texts.say().ask_password()),
        PasswordKind::Current => Sentence::from(|texts: &Texts| texts.say().ask_current_password()),
        PasswordKind::New => Sentence::from(|texts: &Texts| texts.say().ask_new_password()),
    };
    let mut last = Sentence::from("");
    for _ in 0..ATTEMPTS {
        match Password::parse(&prompt.read_hidden(&question).map_err(not_typed)?) {
            Err(error) => {
                last = Sentence::about(error);
                prompt.show_error(&last);
            }
            Ok(password) if kind != PasswordKind::New => return Ok(password),
            Ok(password) => {
                if repeat(&password, prompt)? {
                    return Ok(password);
                }
                last = Sentence::from(|texts: &Texts| texts.say().passwords_differ());
                prompt.show_error(&last);
            }
        }
    }
    Err(CliError::usage(move |texts: &Texts| texts.say().password_attempts(ATTEMPTS, last.text(texts))))
}

/// Asks for a new password once more. Returns whether it is the same.
///
/// # Errors
/// There is no terminal, or the user interrupted the question.
pub fn repeat(password: &Password, prompt: &mut dyn PasswordPrompt) -> Result<bool, CliError> {
    let again = Sentence::from(|texts: &Texts| texts.say().ask_new_password_again());
    let repeated = prompt.read_hidden(&again).map_err(not_typed)?;
    Ok(Password::parse(&repeated).is_ok_and(|repeated| repeated.expose() == password.expose()))
}

fn not_typed(error: io::Error) -> CliError {
    match error.kind() {
        io::ErrorKind::Interrupted => CliError::interrupted(),
        _ => CliError::usage(move |texts: &Texts| texts.say().password_not_typed(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    struct Script(Vec<&'static str>, Vec<String>);

    impl PasswordPrompt for Script {
        fn read_hidden(&mut self, _: &Sentence) -> io::Result<Zeroizing<String>> {
            if self.0.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            Ok(Zeroizing::new(self.0.remove(0).to_owned()))
        }

        fn show_error(&mut self, sentence: &Sentence) {
            self.1.push(sentence.text(&Texts::default()));
        }
    }

    fn shown(error: CliError) -> String {
        let mut out = Vec::new();
        error.show(&mut Vec::new(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_first_line_of_a_file_is_the_password() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        let read = |content: &[u8]| {
            fs::write(&path, content).unwrap();
            PasswordSource::new(Some(path.clone())).read(PasswordKind::Existing, None)
        };
        for content in ["correct horse", "correct horse\n", "correct horse\r\nbattery\n", "\u{feff}correct horse\r\n"] {
            assert_eq!(read(content.as_bytes()).unwrap().expose(), "correct horse", "{content:?}");
        }
        for (content, sentence) in [
            (&b""[..], "the password is empty"),
            (b"\nsecond line", "the password is empty"),
            (b"short", "the password is too short"),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff", "is not UTF-8"),
        ] {
            let error = read(content).unwrap_err();
            assert_eq!(error.exit().code(), 2);
            assert!(shown(error).contains(sentence), "{content:?}");
        }
        let missing =
            PasswordSource::new(Some(folder.path().join("none"))).read(PasswordKind::Existing, None).unwrap_err();
        assert!(shown(missing).contains("none cannot be read: "));
    }

    #[test]
    fn an_existing_password_is_typed_once_and_a_new_one_twice() {
        let mut script = Script(vec!["correct horse"], vec![]);
        assert_eq!(ask(PasswordKind::Existing, &mut script).unwrap().expose(), "correct horse");
        let mut script =
            Script(vec!["correct horse", "correct hose", "short", "correct horse", "correct horse"], vec![]);
        assert_eq!(ask(PasswordKind::New, &mut script).unwrap().expose(), "correct horse");
        assert_eq!(script.1, ["the two passwords differ", "the password is too short; it needs at least 8 characters"]);
    }

    #[test]
    fn asking_ends_after_three_attempts_or_at_the_end_of_the_input() {
        let error = ask(PasswordKind::Existing, &mut Script(vec!["a", "b", "c", "correct horse"], vec![])).unwrap_err();
        assert!(shown(error).starts_with("error: no password after 3 attempts: the password is too short"));
        let mut script = Script(vec!["correct horse", "correct hose", "a", ""], vec![]);
        let error = ask(PasswordKind::New, &mut script).unwrap_err();
        assert!(shown(error).starts_with("error: no password after 3 attempts: the password is empty"));
        let mut script = Script(["correct horse", "correct hose"].repeat(3), vec![]);
        let error = ask(PasswordKind::New, &mut script).unwrap_err();
        assert!(shown(error).starts_with("error: no password after 3 attempts: the two passwords differ"));
        assert_eq!(ask(PasswordKind::Existing, &mut Script(vec![], vec![])).unwrap_err().exit().code(), 2);
    }
}
