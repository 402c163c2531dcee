//! One line of text input, and what it asks for.

use chat_core::message::Recipient;
use chat_core::name::UserName;
use chat_core::text::{Text, TextError};

use crate::input_error::{InputError, most_like};
use crate::texts::Texts;

/// What a line asks for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Action {
    /// Send a message.
    Send(Draft),
    /// Show the users online.
    Who,
    /// Change the password.
    ChangePassword,
    /// Show the commands.
    Help,
    /// Go offline and end the program.
    Leave,
}

/// A message that is not sent yet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Draft {
    /// The recipient.
    pub to: Recipient,
    /// The text.
    pub text: Text,
    /// The `ref` of a JSON line. It is repeated in `sent`, `error` and `nobody-there`.
    pub reference: Option<String>,
}

/// A command, in the order in which `/help` shows them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Command {
    /// Sends a text to one user.
    Msg,
    /// Lists the users online.
    Who,
    /// Changes the password.
    Passwd,
    /// Lists the commands.
    Help,
    /// Goes offline.
    Offline,
    /// The same as [`Self::Offline`].
    Quit,
}

impl Command {
    /// All commands.
    pub const ALL: [Self; 6] = [Self::Msg, Self::Who, Self::Passwd, Self::Help, Self::Offline, Self::Quit];

    /// The word with its slash, the same in all languages.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Msg => "/msg",
            Self::Who => "/who",
            Self::Passwd => "/passwd",
            Self::Help => "/help",
            Self::Offline => "/offline",
            Self::Quit => "/quit",
        }
    }

    /// The command with its arguments.
    pub fn usage(self, texts: &Texts) -> String {
        match self {
            Self::Msg => texts.say().command_msg(),
            other => other.word().to_owned(),
        }
    }

    /// The effect of the command.
    pub fn effect(self, texts: &Texts) -> String {
        let t = texts.say();
        match self {
            Self::Msg => t.command_msg_effect(),
            Self::Who => t.command_who_effect(),
            Self::Passwd => t.command_passwd_effect(),
            Self::Help => t.command_help_effect(),
            Self::Offline => t.command_offline_effect(),
            Self::Quit => t.command_quit_effect(),
        }
    }

    fn parse(word: &str) -> Result<Self, InputError> {
        Self::ALL.into_iter().find(|command| command.word() == word).ok_or_else(|| InputError::UnknownCommand {
            typed: word.to_owned(),
            suggestion: most_like(word, Self::ALL.into_iter().map(Self::word)),
        })
    }
}

/// Parses a line without its line end.
///
/// # Errors
/// The line is empty, the command does not exist or has the wrong arguments, or the name or text breaks a rule.
pub fn parse(line: &str) -> Result<Action, InputError> {
    if let Some(text) = line.strip_prefix("//") {
        return draft(Recipient::Everyone, &format!("/{text}"));
    }
    if !line.starts_with('/') {
        return draft(Recipient::Everyone, line);
    }
    let (command, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim_start();
    let command = Command::parse(command)?;
    let action = match command {
        Command::Msg => return private(rest),
        Command::Who => Action::Who,
        Command::Passwd => Action::ChangePassword,
        Command::Help => Action::Help,
        Command::Offline | Command::Quit => Action::Leave,
    };
    if rest.is_empty() { Ok(action) } else { Err(InputError::Usage(command)) }
}

fn private(rest: &str) -> Result<Action, InputError> {
    if rest.is_empty() {
        return Err(InputError::Usage(Command::Msg));
    }
    let (name, text) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    draft(recipient(name)?, text.trim_start())
}

/// Parses a recipient: a user name, or `everyone` in any case, which no user can be called.
///
/// # Errors
/// The name breaks a rule.
pub fn recipient(name: &str) -> Result<Recipient, InputError> {
    if name.eq_ignore_ascii_case("everyone") {
        Ok(Recipient::Everyone)
    } else {
        Ok(Recipient::One(UserName::parse(name)?))
    }
}

fn draft(to: Recipient, text: &str) -> Result<Action, InputError> {
    // Typed blanks are a mistake. `--input json` can send them.
    if text.trim().is_empty() {
        return Err(TextError::Empty.into());
    }
    Ok(Action::Send(Draft { to, text: Text::parse(text)?, reference: None }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chat_core::name::NameError;

    fn sends(to: &str, text: &str) -> Result<Action, InputError> {
        Ok(Action::Send(Draft { to: recipient(to).unwrap(), text: Text::parse(text).unwrap(), reference: None }))
    }

    #[test]
    fn lines_become_actions() {
        for (line, action) in [
            ("hello", sends("everyone", "hello")),
            ("  indented ", sends("everyone", "  indented ")),
            ("你好", sends("everyone", "你好")),
            ("//help is a command", sends("everyone", "/help is a command")),
            ("//", sends("everyone", "/")),
            ("/msg bob hi there", sends("bob", "hi there")),
            ("/msg  小明   在吗", sends("小明", "在吗")),
            ("/msg bob /who", sends("bob", "/who")),
            ("/msg everyone hi", sends("everyone", "hi")),
            ("/who", Ok(Action::Who)),
            ("/who ", Ok(Action::Who)),
            ("/passwd", Ok(Action::ChangePassword)),
            ("/help", Ok(Action::Help)),
            ("/offline", Ok(Action::Leave)),
            ("/quit", Ok(Action::Leave)),
        ] {
            assert_eq!(parse(line), action, "{line:?}");
        }
    }

    #[test]
    fn wrong_lines_are_refused_with_the_reason() {
        for (line, error) in [
            ("", TextError::Empty.into()),
            ("  \t", TextError::Empty.into()),
            ("/msg bob", TextError::Empty.into()),
            ("/msg bob  ", TextError::Empty.into()),
            ("/msg", InputError::Usage(Command::Msg)),
            ("/who is there", InputError::Usage(Command::Who)),
            ("/quit now", InputError::Usage(Command::Quit)),
            ("/msg b@b hi", NameError::Char('@').into()),
            ("bell\u{7}", TextError::Char('\u{7}').into()),
            ("/mgs bob hi", InputError::UnknownCommand { typed: "/mgs".into(), suggestion: Some("/msg".into()) }),
            ("/exit", InputError::UnknownCommand { typed: "/exit".into(), suggestion: Some("/quit".into()) }),
            ("/frobnicate", InputError::UnknownCommand { typed: "/frobnicate".into(), suggestion: None }),
            ("/", InputError::UnknownCommand { typed: "/".into(), suggestion: None }),
        ] {
            assert_eq!(parse(line), Err(error), "{line:?}");
        }
        let long = "x".repeat(Text::MAX_BYTES + 1);
        assert_eq!(parse(&long), Err(TextError::TooLong { bytes: long.len() }.into()));
    }
}
