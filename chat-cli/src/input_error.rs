//! Errors in one line of input. None of them ends the program.

use chat_core::away::AwayTextError;
use chat_core::name::{NameError, UserName};
use chat_core::text::TextError;
use chat_net::client::{ChangePasswordError, SetAwayError};
use serde::Serialize;

pub use crate::client::line::Command;
use crate::texts::{Localised, Texts};

/// Why a line of input had no effect, or only a part of it. The code of an error for scripts is the name of its variant
/// in kebab case, unless it has another name here. docs/JSON.md lists the codes.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum InputError {
    /// A slash is followed by a word that is not a command.
    UnknownCommand {
        /// The word with its slash.
        #[serde(skip)]
        typed: String,
        /// The most similar command.
        #[serde(skip)]
        suggestion: Option<String>,
    },
    /// A command lacks an argument or has one too many.
    Usage(#[serde(skip)] Command),
    /// The recipient's name breaks a rule.
    #[serde(rename = "bad-name")]
    Name(#[serde(skip)] NameError),
    /// The away text breaks a rule.
    #[serde(rename = "bad-away")]
    Away(#[serde(skip)] AwayTextError),
    /// The text is empty.
    EmptyText,
    /// The text is too long.
    TextTooLong {
        /// The length of the text in bytes.
        #[serde(skip)]
        bytes: usize,
    },
    /// The text contains a control character.
    TextCharacter(#[serde(skip)] char),
    /// The line is not a JSON object of the documented form. The value is the detail.
    #[serde(rename = "bad-json")]
    Json(#[serde(skip)] String),
    /// The line is no JSON object at all.
    #[serde(rename = "bad-json")]
    JsonNoObject,
    /// The line is not UTF-8.
    NotUtf8,
    /// The line is longer than the longest line that can be valid.
    LineTooLong {
        /// The maximum length of a line in bytes.
        #[serde(skip)]
        max: usize,
    },
    /// The line is so long that a terminal without line editing may have cut it.
    #[serde(rename = "line-too-long")]
    TerminalLineTooLong {
        /// The maximum length of a line in bytes.
        #[serde(skip)]
        max: usize,
    },
    /// No user of this name is online.
    UnknownRecipient {
        /// The name as typed.
        #[serde(skip)]
        name: UserName,
        /// The most similar name of a user who is online.
        #[serde(skip)]
        suggestion: Option<String>,
    },
    /// The user to whom lines without a command go is not online.
    RecipientOffline {
        /// The user.
        #[serde(skip)]
        name: UserName,
    },
    /// No private message has arrived that could be answered.
    NothingToAnswer,
    /// No message was sent that a command could be about.
    NothingSent,
    /// The last message has failed for nobody.
    NothingToResend,
    /// The recipient is the sender.
    ToOneself,
    /// The user to ignore is the user of this client.
    IgnoreOneself,
    /// So many users are ignored that no other can be.
    IgnoredFull {
        /// The maximum number.
        #[serde(skip)]
        max: usize,
    },
    /// The user to show again is not ignored.
    NotIgnored {
        /// The user.
        #[serde(skip)]
        name: UserName,
    },
    /// There is no line editor, so there is no screen that could be cleared.
    NoScreen,
    /// The queue of messages is full, for this recipient or in total.
    QueueFull,
    /// The session has ended.
    SessionOver,
    /// Nobody learns that the user is away or back. The value is the reason.
    AwayNotSet(#[serde(skip)] SetAwayError),
    /// The password was not changed. The value is the reason.
    PasswordNotChanged(#[serde(skip)] ChangePasswordError),
    /// The connection broke during a change of the password, so its outcome is unknown.
    PasswordUncertain,
    /// The line was typed before the prompt for a password, and it may be the password.
    TypedAhead,
    /// Reading the input failed. The value is the reason.
    InputBroken(#[serde(skip)] String),
    /// A password must be typed, and there is no terminal.
    NoTerminal,
}

impl Localised for InputError {
    fn text(&self, texts: &Texts) -> String {
        let t = texts.say();
        let suggest = |suggestion: &Option<String>| suggestion.as_ref().map(|suggestion| t.did_you_mean(suggestion));
        match self {
            Self::UnknownCommand { typed, suggestion } => {
                t.input_unknown_command(typed, suggest(suggestion).unwrap_or_else(|| t.help_lists_commands()))
            }
            Self::Usage(command) => t.input_usage(command.usage(texts)),
            Self::Name(error) => error.text(texts),
            Self::Away(error) => error.text(texts),
            Self::AwayNotSet(error) => error.text(texts),
            Self::EmptyText => TextError::Empty.text(texts),
            Self::TextTooLong { bytes } => TextError::TooLong { bytes: *bytes }.text(texts),
            Self::TextCharacter(ch) => TextError::Char(*ch).text(texts),
            Self::Json(detail) => t.input_json(detail),
            Self::JsonNoObject => t.input_json(t.input_json_no_object()),
            Self::NotUtf8 => t.input_not_utf8(),
            Self::LineTooLong { max } => t.input_line_too_long(*max),
            Self::TerminalLineTooLong { max } => t.input_terminal_line_too_long(*max),
            Self::UnknownRecipient { name, suggestion } => {
                t.input_unknown_recipient(name.as_str(), suggest(suggestion).unwrap_or_else(|| t.who_lists_users()))
            }
            Self::RecipientOffline { name } => t.input_recipient_offline(name.as_str()),
            Self::NothingToAnswer => t.input_nothing_to_answer(),
            Self::NothingSent => t.input_nothing_sent(),
            Self::NothingToResend => t.input_nothing_to_resend(),
            Self::ToOneself => t.input_to_oneself(),
            Self::IgnoreOneself => t.input_ignore_oneself(),
            Self::IgnoredFull { max } => t.input_ignored_full(*max),
            Self::NotIgnored { name } => t.input_not_ignored(name.as_str()),
            Self::NoScreen => t.input_no_screen(),
            Self::QueueFull => t.input_queue_full(),
            Self::SessionOver => t.input_session_over(),
            Self::PasswordNotChanged(reason) => t.input_password_not_changed(reason.text(texts)),
            Self::PasswordUncertain => t.input_password_uncertain(t.password_change_unanswered()),
            Self::TypedAhead => t.input_typed_ahead(),
            Self::InputBroken(detail) => t.input_broken(detail),
            Self::NoTerminal => t.input_no_terminal(),
        }
    }
}

impl From<NameError> for InputError {
    fn from(error: NameError) -> Self {
        Self::Name(error)
    }
}

impl From<AwayTextError> for InputError {
    fn from(error: AwayTextError) -> Self {
        Self::Away(error)
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::samples::{all_input_errors, code_of};

    #[test]
    fn codes_are_the_documented_ones() {
        let codes = [
            "away-not-set",
            "bad-away",
            "bad-json",
            "bad-name",
            "empty-text",
            "ignore-oneself",
            "ignored-full",
            "input-broken",
            "line-too-long",
            "no-screen",
            "no-terminal",
            "not-ignored",
            "not-utf8",
            "nothing-sent",
            "nothing-to-answer",
            "nothing-to-resend",
            "password-not-changed",
            "password-uncertain",
            "queue-full",
            "recipient-offline",
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
        let texts = Texts::default();
        let error = |suggestion| InputError::UnknownRecipient { name: UserName::parse("bbo").unwrap(), suggestion };
        assert_eq!(error(Some("bob".into())).text(&texts), "nobody called bbo is online; did you mean bob?");
        assert_eq!(error(None).text(&texts), "nobody called bbo is online; /who lists who is");
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
