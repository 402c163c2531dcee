//! Passwords: from a file, from `CHAT_PASSWORD`, or typed unseen. Never from an argument.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use chat_core::password::Password;
use zeroize::Zeroizing;

use crate::error::CliError;

/// The environment variable.
const VARIABLE: &str = "CHAT_PASSWORD";

/// The most bytes read of a password file: the longest password and whatever else its first line may hold.
const MAX_FILE: u64 = 4_096;

/// How often a password that breaks a rule may be typed again before the program gives up.
const TRIES: u32 = 3;

/// Where a password comes from: the file if there is one, else the environment variable, else the terminal.
#[derive(Debug)]
pub struct PasswordSource {
    file: Option<PathBuf>,
}

/// Whether a typed password is a known or a new one; new ones are typed twice.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Wanted {
    /// One that exists.
    Known,
    /// One that is set now.
    New,
}

/// Asks at the terminal, without showing what is typed.
pub trait Ask {
    /// Shows the prompt and reads one line unseen.
    ///
    /// # Errors
    /// There is no terminal, or it was interrupted.
    fn hidden(&mut self, prompt: &str) -> io::Result<Zeroizing<String>>;

    /// Tells what was wrong with it.
    fn tell(&mut self, sentence: &str);
}

impl PasswordSource {
    /// Names the file, if there is one.
    pub const fn new(file: Option<PathBuf>) -> Self {
        Self { file }
    }

    /// Whether somebody has to type it.
    pub fn is_typed(&self) -> bool {
        self.file.is_none() && std::env::var_os(VARIABLE).is_none()
    }

    /// Gets the password. Blocks while it is typed; `ask` is `None` without a terminal.
    ///
    /// # Errors
    /// It breaks a rule, cannot be read, or there is nowhere to get it from.
    pub fn get(&self, wanted: Wanted, ask: Option<&mut dyn Ask>) -> Result<Password, CliError> {
        if let Some(path) = &self.file {
            return from_file(path);
        }
        match std::env::var(VARIABLE) {
            Ok(typed) => {
                return Password::parse(&Zeroizing::new(typed))
                    .map_err(|error| CliError::usage(format_args!("{VARIABLE} cannot be used: {error}")));
            }
            Err(std::env::VarError::NotUnicode(_)) => {
                return Err(CliError::usage(format_args!("{VARIABLE} cannot be used: it is not UTF-8")));
            }
            Err(std::env::VarError::NotPresent) => {}
        }
        match ask {
            Some(ask) => typed(wanted, ask),
            None => Err(CliError::usage("no password is given, and there is no terminal to ask for it")
                .hint(format_args!("use --password-file FILE or the environment variable {VARIABLE}"))),
        }
    }
}

fn from_file(path: &Path) -> Result<Password, CliError> {
    let unreadable =
        |why: &dyn std::fmt::Display| CliError::usage(format_args!("the password file {} {why}", path.display()));
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(MAX_FILE).unwrap_or(0)));
    File::open(path)
        .and_then(|file| file.take(MAX_FILE).read_to_end(&mut bytes))
        .map_err(|error| unreadable(&format_args!("cannot be read: {error}")))?;
    let text = std::str::from_utf8(&bytes).map_err(|_| unreadable(&"is not UTF-8"))?;
    Password::parse(text.lines().next().unwrap_or_default())
        .map_err(|error| unreadable(&format_args!("cannot be used: {error}")))
}

/// Asks for a password, again if it breaks a rule.
///
/// # Errors
/// There is no terminal, it was interrupted, or no try was right.
pub fn typed(wanted: Wanted, ask: &mut dyn Ask) -> Result<Password, CliError> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::Interrupted => CliError::interrupted(),
        _ => CliError::usage(format_args!("no password was typed: {error}")),
    };
    let prompt = match wanted {
        Wanted::Known => "password: ",
        Wanted::New => "new password: ",
    };
    let mut last = String::new();
    for _ in 0..TRIES {
        match Password::parse(&ask.hidden(prompt).map_err(failed)?) {
            Err(error) => {
                last = error.to_string();
                ask.tell(&last);
            }
            Ok(password) if wanted == Wanted::Known => return Ok(password),
            Ok(password) => {
                let again = ask.hidden("the same again: ").map_err(failed)?;
                if Password::parse(&again).is_ok_and(|again| again.expose() == password.expose()) {
                    return Ok(password);
                }
                "the two are not the same".clone_into(&mut last);
                ask.tell(&last);
            }
        }
    }
    Err(CliError::usage(format_args!("no password after {TRIES} tries: {last}")))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    struct Script(Vec<&'static str>, Vec<String>);

    impl Ask for Script {
        fn hidden(&mut self, _: &str) -> io::Result<Zeroizing<String>> {
            if self.0.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            Ok(Zeroizing::new(self.0.remove(0).to_owned()))
        }

        fn tell(&mut self, sentence: &str) {
            self.1.push(sentence.to_owned());
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
        let get = |content: &[u8]| {
            fs::write(&path, content).unwrap();
            PasswordSource::new(Some(path.clone())).get(Wanted::Known, None)
        };
        for content in ["correct horse", "correct horse\n", "correct horse\r\nbattery\n"] {
            assert_eq!(get(content.as_bytes()).unwrap().expose(), "correct horse", "{content:?}");
        }
        for (content, sentence) in [
            (&b""[..], "the password is empty"),
            (b"\nsecond line", "the password is empty"),
            (b"short", "the password is too short"),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff", "is not UTF-8"),
        ] {
            let error = get(content).unwrap_err();
            assert_eq!(error.exit().code(), 2);
            assert!(shown(error).contains(sentence), "{content:?}");
        }
        let missing = PasswordSource::new(Some(folder.path().join("none"))).get(Wanted::Known, None).unwrap_err();
        assert!(shown(missing).contains("none cannot be read: "));
    }

    #[test]
    fn a_known_password_is_typed_once_and_a_new_one_twice() {
        let mut ask = Script(vec!["correct horse"], vec![]);
        assert_eq!(typed(Wanted::Known, &mut ask).unwrap().expose(), "correct horse");
        let mut ask = Script(vec!["correct horse", "correct hose", "short", "correct horse", "correct horse"], vec![]);
        assert_eq!(typed(Wanted::New, &mut ask).unwrap().expose(), "correct horse");
        assert_eq!(ask.1, ["the two are not the same", "the password is too short; it needs at least 8 characters"]);
    }

    #[test]
    fn typing_ends_after_three_tries_or_when_interrupted() {
        let error = typed(Wanted::Known, &mut Script(vec!["a", "b", "c", "correct horse"], vec![])).unwrap_err();
        assert!(shown(error).starts_with("error: no password after 3 tries: the password is too short"));
        let mut ask = Script(vec!["correct horse", "correct hose", "a", ""], vec![]);
        let error = typed(Wanted::New, &mut ask).unwrap_err();
        assert!(shown(error).starts_with("error: no password after 3 tries: the password is empty"));
        let mut ask = Script(["correct horse", "correct hose"].repeat(3), vec![]);
        let error = typed(Wanted::New, &mut ask).unwrap_err();
        assert!(shown(error).starts_with("error: no password after 3 tries: the two are not the same"));
        assert_eq!(typed(Wanted::Known, &mut Script(vec![], vec![])).unwrap_err().exit().code(), 2);
    }
}
