//! One line of input: what its writer wants.

use chat_core::message::Recipient;
use chat_core::name::UserName;
use chat_core::text::{Text, TextError};

use crate::input_error::{InputError, most_like};

/// What a line asks for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Action {
    /// To send a text.
    Say(Say),
    /// To see who is online.
    Who,
    /// To change the password.
    ChangePassword,
    /// To see the commands.
    Help,
    /// To go offline and end.
    Leave,
}

/// A text to send.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Say {
    /// Whom it is for.
    pub to: Recipient,
    /// What it says.
    pub text: Text,
    /// What the writer calls it; comes back in `sent` and `error`.
    pub reference: Option<String>,
}

/// The commands and what they do, as `/help` shows them.
pub const COMMANDS: [(&str, &str); 6] = [
    ("/msg NAME TEXT", "says TEXT to NAME alone; a line without a command goes to everyone"),
    ("/who", "lists who is online"),
    ("/passwd", "changes your password"),
    ("/help", "shows this"),
    ("/offline", "goes offline and ends, after waiting for what is still on its way"),
    ("/quit", "the same as /offline"),
];

/// Reads a line of the text form, without its line end.
///
/// # Errors
/// What is wrong with it.
pub fn parse(line: &str) -> Result<Action, InputError> {
    if let Some(text) = line.strip_prefix("//") {
        return say(Recipient::Everyone, &format!("/{text}"));
    }
    if !line.starts_with('/') {
        return say(Recipient::Everyone, line);
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

/// The commands' words, without what follows them.
fn words() -> impl Iterator<Item = &'static str> {
    COMMANDS.into_iter().map(|(usage, _)| usage.split_once(' ').map_or(usage, |(word, _)| word))
}

fn private(rest: &str) -> Result<Action, InputError> {
    if rest.is_empty() {
        return Err(InputError::Usage(COMMANDS[0].0));
    }
    let (name, text) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    say(recipient(name)?, text.trim_start())
}

/// Reads whom a message is for: a user name or the word `everyone`, which nobody is called however it is written.
///
/// # Errors
/// The rule that the name breaks.
pub fn recipient(name: &str) -> Result<Recipient, InputError> {
    if name.eq_ignore_ascii_case("everyone") {
        Ok(Recipient::Everyone)
    } else {
        Ok(Recipient::One(UserName::parse(name)?))
    }
}

fn say(to: Recipient, text: &str) -> Result<Action, InputError> {
    // Blanks alone are a slip of the thumb; `--input json` sends them if they are meant.
    if text.trim().is_empty() {
        return Err(TextError::Empty.into());
    }
    Ok(Action::Say(Say { to, text: Text::parse(text)?, reference: None }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chat_core::name::NameError;

    fn says(to: &str, text: &str) -> Result<Action, InputError> {
        Ok(Action::Say(Say { to: recipient(to).unwrap(), text: Text::parse(text).unwrap(), reference: None }))
    }

    #[test]
    fn lines_become_actions() {
        for (line, action) in [
            ("hello", says("everyone", "hello")),
            ("  indented ", says("everyone", "  indented ")),
            ("你好", says("everyone", "你好")),
            ("//help is a command", says("everyone", "/help is a command")),
            ("//", says("everyone", "/")),
            ("/msg bob hi there", says("bob", "hi there")),
            ("/msg  小明   在吗", says("小明", "在吗")),
            ("/msg bob /who", says("bob", "/who")),
            ("/msg everyone hi", says("everyone", "hi")),
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
    fn wrong_lines_are_told_what_is_wrong() {
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
