//! One line of text input, and what it asks for.

use chat_core::message::Recipient;
use chat_core::name::UserName;
use chat_core::text::{Text, TextError};

use crate::input_error::{InputError, most_like};

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

/// The commands and their effects, as `/help` shows them.
pub const COMMANDS: [(&str, &str); 6] = [
    ("/msg NAME TEXT", "sends TEXT to NAME only; a line without a command goes to everyone"),
    ("/who", "lists the users online"),
    ("/passwd", "changes your password"),
    ("/help", "shows this list"),
    ("/offline", "waits for outstanding outcomes, goes offline and ends the program"),
    ("/quit", "the same as /offline"),
];

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
    let action = match command {
        "/msg" => return private(rest),
        "/who" => Action::Who,
        "/passwd" => Action::ChangePassword,
        "/help" => Action::Help,
        "/offline" | "/quit" => Action::Leave,
        _ => {
            let suggestion = most_like(command, words());
            return Err(InputError::UnknownCommand { typed: command.to_owned(), suggestion });
        }
    };
    if rest.is_empty() {
        Ok(action)
    } else {
        Err(InputError::Usage(words().find(|&word| word == command).unwrap_or("")))
    }
}

/// The commands without their arguments.
fn words() -> impl Iterator<Item = &'static str> {
    COMMANDS.into_iter().map(|(usage, _)| usage.split_once(' ').map_or(usage, |(word, _)| word))
}

fn private(rest: &str) -> Result<Action, InputError> {
    if rest.is_empty() {
        return Err(InputError::Usage(COMMANDS[0].0));
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
            ("/msg", InputError::Usage("/msg NAME TEXT")),
            ("/who is there", InputError::Usage("/who")),
            ("/quit now", InputError::Usage("/quit")),
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
