//! Errors in one line of input. None of them ends the program.

use chat_core::name::{NameError, UserName};
use chat_core::text::TextError;
use serde::Serialize;

/// Why a line of input had no effect, or only a part of it. The code of an error for scripts is the name of its variant
/// in kebab case, unless it has another name here. docs/JSON.md lists the codes.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum InputError {
    /// A slash is followed by a word that is not a command.
    #[error("there is no command {typed}; {} (// begins a text with a slash)", suggest(.suggestion.as_deref(), "/help lists them"))]
    UnknownCommand {
        /// The word with its slash.
        #[serde(skip)]
        typed: String,
        /// The most similar command.
        #[serde(skip)]
        suggestion: Option<String>,
    },
    /// A command lacks an argument or has one too many. The value is its usage.
    #[error("usage: {0}")]
    Usage(#[serde(skip)] &'static str),
    /// The recipient's name breaks a rule.
    #[error("{0}")]
    #[serde(rename = "bad-name")]
    Name(
        #[from]
        #[serde(skip)]
        NameError,
    ),
    /// The text is empty.
    #[error("{}", TextError::Empty)]
    EmptyText,
    /// The text is too long.
    #[error("{}", TextError::TooLong { bytes: *.bytes })]
    TextTooLong {
        /// The length of the text in bytes.
        #[serde(skip)]
        bytes: usize,
    },
    /// The text contains a control character.
    #[error("{}", TextError::Char(*.0))]
    TextCharacter(#[serde(skip)] char),
    /// The line is not a JSON object of the documented form.
    #[error("the line is not the expected JSON object: {0}; write {{\"to\":\"everyone\",\"text\":\"...\"}}")]
    #[serde(rename = "bad-json")]
    Json(#[serde(skip)] String),
    /// The line is not UTF-8.
    #[error("the line is not UTF-8; use that encoding")]
    NotUtf8,
    /// The line is longer than the longest line that can be valid.
    #[error("the line is longer than {max} bytes and was skipped; send it in parts")]
    LineTooLong {
        /// The maximum length of a line in bytes.
        #[serde(skip)]
        max: usize,
    },
    /// The line is longer than the longest one that a terminal certainly passes on whole.
    #[error(
        "the line was not sent: a terminal without line editing passes on at most {max} bytes of a line; send it in parts, or from a file"
    )]
    #[serde(rename = "line-too-long")]
    TerminalLineTooLong {
        /// The maximum length of a line in bytes.
        #[serde(skip)]
        max: usize,
    },
    /// No user of this name is online.
    #[error("nobody called {name} is online; {}", suggest(.suggestion.as_deref(), "/who lists who is"))]
    UnknownRecipient {
        /// The name as typed.
        #[serde(skip)]
        name: UserName,
        /// The most similar name of a user who is online.
        #[serde(skip)]
        suggestion: Option<String>,
    },
    /// The recipient is the sender.
    #[error("you cannot send a message to yourself; name another user")]
    ToOneself,
    /// The queue of messages is full, for this recipient or in all.
    #[error("too many messages are waiting to be delivered; try again in a moment")]
    QueueFull,
    /// The session has ended.
    #[error("the session has ended; nothing can be sent")]
    SessionOver,
    /// The server refused to change the password. The value is the reason.
    #[error("the password was not changed: {0}")]
    PasswordNotChanged(#[serde(skip)] String),
    /// The connection broke during a change of the password, so its outcome is unknown. The value is the reason.
    #[error("the password may or may not have changed: {0}")]
    PasswordUncertain(#[serde(skip)] String),
    /// The line was typed before the prompt for a password, and it may be the password.
    #[error("a line typed ahead of the passwords was not sent, because it may be one of them; type it again")]
    TypedAhead,
    /// Reading the input failed. The value is the reason.
    #[error("cannot read any more input: {0}")]
    InputBroken(#[serde(skip)] String),
    /// A password must be typed, and there is no terminal.
    #[error("a password must be typed at a terminal, and there is none")]
    NoTerminal,
}

impl From<TextError> for InputError {
    fn from(error: TextError) -> Self {
        match error {
            TextError::Empty => Self::EmptyText,
            TextError::TooLong { bytes } => Self::TextTooLong { bytes },
            TextError::Char(ch) => Self::TextCharacter(ch),
        }
    }
}

/// The candidate that is most similar to `typed`, if any is similar enough to be what the user meant.
pub fn most_like<'a>(typed: &str, candidates: impl Iterator<Item = &'a str>) -> Option<String> {
    /// The least similarity, from 0 to 1. In a short word, one typing error changes half of the letters.
    const MIN_SIMILARITY: f64 = 0.5;
    candidates
        .map(|candidate| (strsim::normalized_damerau_levenshtein(typed, candidate), candidate))
        .filter(|(similarity, _)| *similarity >= MIN_SIMILARITY)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, candidate)| candidate.to_owned())
}

fn suggest(suggestion: Option<&str>, otherwise: &str) -> String {
    suggestion.map_or_else(|| otherwise.to_owned(), |suggestion| format!("did you mean {suggestion}?"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::samples::{all_input_errors, code_of};

    #[test]
    fn codes_are_the_documented_ones() {
        let codes = [
            "bad-json",
            "bad-name",
            "empty-text",
            "input-broken",
            "line-too-long",
            "no-terminal",
            "not-utf8",
            "password-not-changed",
            "password-uncertain",
            "queue-full",
            "session-over",
            "text-character",
            "text-too-long",
            "to-oneself",
            "typed-ahead",
            "unknown-command",
            "unknown-recipient",
            "usage",
        ];
        assert_eq!(all_input_errors().each_ref().map(code_of), codes);
        assert_eq!(code_of(&InputError::TerminalLineTooLong { max: 1 }), "line-too-long");
    }

    #[test]
    fn an_unknown_name_gets_a_suggestion_or_a_pointer_to_the_list() {
        let error = |suggestion| InputError::UnknownRecipient { name: UserName::parse("bbo").unwrap(), suggestion };
        assert_eq!(error(Some("bob".into())).to_string(), "nobody called bbo is online; did you mean bob?");
        assert_eq!(error(None).to_string(), "nobody called bbo is online; /who lists who is");
    }

    #[test]
    fn a_misspelled_word_is_similar_and_another_word_is_not() {
        let names = ["alice", "bob", "小明明"];
        for (typed, found) in [("bbo", Some("bob")), ("alcie", Some("alice")), ("小明", Some("小明明")), ("zoe", None)]
        {
            assert_eq!(most_like(typed, names.into_iter()).as_deref(), found, "{typed}");
        }
    }
}
