//! Questions at the terminal, each of which is repeated until its answer can be used.

use std::io::{self, ErrorKind, Write};

use chat_core::password::Password;
use tokio::task::spawn_blocking;

use super::end_question;
use crate::error::CliError;
use crate::secret::{self, PasswordKind, PasswordPrompt};
use crate::terminal::{self, TerminalPrompt};
use crate::texts::{Sentence, Texts};

/// The most wrong answers to one question: nobody gives so many, and a program that types into a pseudo-terminal without
/// reading it has to end.
const MAX_ANSWERS: usize = 20;

/// Asks in a language.
#[derive(Clone, Debug)]
pub(super) struct Questions {
    texts: Texts,
}

impl Questions {
    pub(super) const fn new(texts: Texts) -> Self {
        Self { texts }
    }

    pub(super) const fn texts(&self) -> &Texts {
        &self.texts
    }

    /// Shows what was wrong, before the question that follows.
    pub(super) fn tell(&self, sentence: &Sentence) {
        TerminalPrompt::new(self.texts.clone()).show_error(sentence);
    }

    /// Shows a note.
    pub(super) fn note(&self, sentence: impl FnOnce(&Texts) -> String) {
        // If standard error is closed, nobody reads notes.
        drop(writeln!(io::stderr(), "{}", self.texts.say().note_line(sentence(&self.texts))));
    }

    /// Asks until `parse` accepts the answer. An empty answer means `default`, if there is one.
    ///
    /// # Errors
    /// The user ended the input, or the terminal is gone.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        default: Option<String>,
        question: impl FnOnce(&Texts, Option<&str>) -> String,
        parse: impl Fn(&str) -> Result<T, Sentence> + Send + 'static,
    ) -> Result<T, CliError> {
        let question = question(&self.texts, default.as_deref());
        let this = self.clone();
        in_thread(move || {
            for _ in 0..MAX_ANSWERS {
                let typed = this.line(&question)?;
                let answer = match (&typed, &default) {
                    (Ok(typed), Some(default)) if typed.is_empty() => parse(default),
                    (Ok(typed), _) => parse(typed),
                    (Err(wrong), _) => Err(wrong.clone()),
                };
                match answer {
                    Ok(answer) => return Ok(answer),
                    Err(wrong) => this.tell(&wrong),
                }
            }
            Err(CliError::interrupted())
        })
        .await
    }

    /// Asks a question with two answers.
    ///
    /// # Errors
    /// The user ended the input, or the terminal is gone.
    pub(super) async fn yes_or_no(&self, question: impl Fn(&Texts) -> String) -> Result<bool, CliError> {
        let yes = ["y".to_owned(), "yes".to_owned(), self.texts.say().answer_yes()];
        let no = ["n".to_owned(), "no".to_owned(), self.texts.say().start_answer_no()];
        let parse = move |typed: &str| {
            let typed = typed.to_lowercase();
            if yes.contains(&typed) {
                Ok(true)
            } else if no.contains(&typed) {
                Ok(false)
            } else {
                Err(Sentence::from(|texts: &Texts| texts.say().start_yes_or_no()))
            }
        };
        self.ask(None, |texts, _| question(texts), parse).await
    }

    /// Asks for a password without showing it, and for a new one twice.
    ///
    /// # Errors
    /// The user ended the input, every attempt broke a rule, or the terminal is gone.
    pub(super) async fn password(&self, kind: PasswordKind) -> Result<Password, CliError> {
        let texts = self.texts.clone();
        in_thread(move || secret::ask(kind, &mut TerminalPrompt::new(texts))).await
    }

    /// Asks for a password once more, and returns whether it is the same.
    ///
    /// # Errors
    /// The user ended the input, or the terminal is gone.
    pub(super) async fn repeat(&self, password: &Password) -> Result<bool, CliError> {
        let (texts, password) = (self.texts.clone(), password.clone());
        in_thread(move || secret::repeat(&password, &mut TerminalPrompt::new(texts))).await
    }

    /// Reads one answer. The inner error is one that is not text.
    fn line(&self, question: &str) -> Result<Result<String, Sentence>, CliError> {
        match terminal::ask(question) {
            Ok(Some(typed)) => Ok(Ok(typed)),
            Ok(None) => {
                end_question();
                Err(CliError::interrupted())
            }
            Err(error) if error.kind() == ErrorKind::InvalidData => {
                Ok(Err(Sentence::from(|texts: &Texts| texts.say().start_not_utf8())))
            }
            Err(error) => Err(asking_failed(&error)),
        }
    }
}

/// Runs a question in a thread of its own, because typing blocks and signals must still end the program.
async fn in_thread<T: Send + 'static>(
    ask: impl FnOnce() -> Result<T, CliError> + Send + 'static,
) -> Result<T, CliError> {
    spawn_blocking(ask).await.map_err(|error| asking_failed(&io::Error::other(error)))?
}

fn asking_failed(error: &io::Error) -> CliError {
    let detail = error.to_string();
    CliError::system(move |texts: &Texts| texts.say().asking_failed(&detail))
}
