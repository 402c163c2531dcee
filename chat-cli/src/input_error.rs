//! What can be wrong with one line of input. None of it ends the program.

use chat_core::name::{NameError, UserName};
use chat_core::text::TextError;

/// Why a line of input was not done. Each has a stable code, listed in docs/JSON.md.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InputError {
    /// A slash and a word that is no command.
    #[error("there is no command {typed}; {} (// begins a text with a slash)", meant(.suggestion.as_deref(), "/help lists them"))]
    UnknownCommand {
        /// The word with its slash.
        typed: String,
        /// The command that looks most like it.
        suggestion: Option<String>,
    },
    /// A command without what it needs, or with something it does not take.
    #[error("that command is written {0}")]
    Usage(&'static str),
    /// The recipient's name breaks a rule.
    #[error("{0}")]
    Name(#[from] NameError),
    /// The text breaks a rule.
    #[error("{0}")]
    Text(#[from] TextError),
    /// The line is not a JSON object of the documented form.
    #[error("the line is not the expected JSON object: {0}; write {{\"to\":\"everyone\",\"text\":\"...\"}}")]
    Json(String),
    /// The line is not UTF-8.
    #[error("the line is not UTF-8; send text in that encoding")]
    NotUtf8,
    /// The line is longer than any line that could be sent.
    #[error("the line is longer than {most} bytes and was skipped; send it in parts")]
    LineTooLong {
        /// The most bytes of a line.
        most: usize,
    },
    /// Nobody of this name is online.
    #[error("nobody called {name} is online; {}", meant(.suggestion.as_deref(), "/who lists who is"))]
    UnknownRecipient {
        /// As typed.
        name: UserName,
        /// The user online whose name looks most like it.
        suggestion: Option<String>,
    },
    /// The sender is the recipient.
    #[error("that is you; a message goes to somebody else")]
    ToOneself,
    /// Too much waits for this recipient, or in all.
    #[error("too many messages are waiting to be delivered; try again in a moment")]
    QueueFull,
    /// The session is over, so nothing can be sent any more.
    #[error("the session is over; nothing can be sent any more")]
    SessionOver,
    /// The password was not changed.
    #[error("the password was not changed: {0}")]
    PasswordNotChanged(String),
    /// The connection broke while the password was being changed.
    #[error("it is not known whether the password was changed: {0}")]
    PasswordUncertain(String),
    /// It was typed before the passwords were asked for.
    #[error("a line that was typed ahead of the passwords was not sent, as it may be one; type it again")]
    TypedAhead,
    /// No more can be read.
    #[error("the input cannot be read any more: {0}")]
    InputBroken(String),
    /// A password is to be typed and there is nowhere to ask for it.
    #[error("a password can only be typed at a terminal, and there is none")]
    NoTerminal,
}

impl InputError {
    /// Every code there is, for the documentation's test.
    pub const CODES: [&'static str; 18] = [
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

    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownCommand { .. } => "unknown-command",
            Self::Usage(_) => "usage",
            Self::Name(_) => "bad-name",
            Self::Text(TextError::Empty) => "empty-text",
            Self::Text(TextError::TooLong { .. }) => "text-too-long",
            Self::Text(TextError::Char(_)) => "text-character",
            Self::Json(_) => "bad-json",
            Self::NotUtf8 => "not-utf8",
            Self::LineTooLong { .. } => "line-too-long",
            Self::UnknownRecipient { .. } => "unknown-recipient",
            Self::ToOneself => "to-oneself",
            Self::QueueFull => "queue-full",
            Self::SessionOver => "session-over",
            Self::PasswordNotChanged(_) => "password-not-changed",
            Self::PasswordUncertain(_) => "password-uncertain",
            Self::TypedAhead => "typed-ahead",
            Self::InputBroken(_) => "input-broken",
            Self::NoTerminal => "no-terminal",
        }
    }
}

/// The candidate that looks most like `typed`, if one does.
pub fn most_like<'a>(typed: &str, candidates: impl Iterator<Item = &'a str>) -> Option<String> {
    /// The part of the letters that must be right: of short words half of them, or one slip would hide them.
    const LIKENESS: f64 = 0.5;
    candidates
        .map(|candidate| (strsim::normalized_damerau_levenshtein(typed, candidate), candidate))
        .filter(|(likeness, _)| *likeness >= LIKENESS)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, candidate)| candidate.to_owned())
}

fn meant(suggestion: Option<&str>, otherwise: &str) -> String {
    suggestion.map_or_else(|| otherwise.to_owned(), |suggestion| format!("did you mean {suggestion}?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_listed_once() {
        let bob = || UserName::parse("bob").unwrap();
        let codes = [
            InputError::Json(String::new()).code(),
            InputError::Name(NameError::Empty).code(),
            InputError::Text(TextError::Empty).code(),
            InputError::InputBroken(String::new()).code(),
            InputError::LineTooLong { most: 1 }.code(),
            InputError::NoTerminal.code(),
            InputError::NotUtf8.code(),
            InputError::PasswordNotChanged(String::new()).code(),
            InputError::PasswordUncertain(String::new()).code(),
            InputError::QueueFull.code(),
            InputError::SessionOver.code(),
            InputError::Text(TextError::Char('\r')).code(),
            InputError::Text(TextError::TooLong { bytes: 1 }).code(),
            InputError::ToOneself.code(),
            InputError::TypedAhead.code(),
            InputError::UnknownCommand { typed: String::new(), suggestion: None }.code(),
            InputError::UnknownRecipient { name: bob(), suggestion: None }.code(),
            InputError::Usage("").code(),
        ];
        assert_eq!(codes, InputError::CODES);
    }

    #[test]
    fn sentences_say_what_was_meant_or_where_to_look() {
        let error = |suggestion| InputError::UnknownRecipient { name: UserName::parse("bbo").unwrap(), suggestion };
        assert_eq!(error(Some("bob".into())).to_string(), "nobody called bbo is online; did you mean bob?");
        assert_eq!(error(None).to_string(), "nobody called bbo is online; /who lists who is");
    }

    #[test]
    fn likeness_finds_a_slip_and_not_another_word() {
        let names = ["alice", "bob", "小明明"];
        for (typed, found) in [("bbo", Some("bob")), ("alcie", Some("alice")), ("小明", Some("小明明")), ("zoe", None)]
        {
            assert_eq!(most_like(typed, names.into_iter()).as_deref(), found, "{typed}");
        }
    }
}
