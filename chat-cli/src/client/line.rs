//! One line of text input, and what it asks for.

use std::borrow::Cow;

use chat_core::away::AwayText;
use chat_core::message::Recipient;
use chat_core::name::UserName;
use chat_core::text::{Text, TextError};

pub use super::command::Command;
use crate::input_error::InputError;

/// What a line asks for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Action {
    /// Send a message to the chosen recipient.
    Say(Text),
    /// Send a message to a recipient that the line names.
    Send(Draft),
    /// Send a message to the sender of the last private message.
    Reply(Text),
    /// Choose the recipient of lines without a command.
    ChooseRecipient(Recipient),
    /// Show who has the last message.
    Info,
    /// Send the last message again to those for whom it failed.
    Resend,
    /// Show the users online.
    Who,
    /// Show others that the user is away, or with `None` that the user is back.
    SetAway {
        /// The away text.
        away: Option<AwayText>,
        /// The `ref` of a JSON line.
        reference: Option<String>,
    },
    /// Hide the messages of a user.
    Ignore(UserName),
    /// Show the users whose messages are hidden.
    ListIgnored,
    /// Show the messages of a user again.
    Unignore(UserName),
    /// Change the password.
    ChangePassword,
    /// Clear the screen.
    Clear,
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

/// Parses a line without its line end.
///
/// # Errors
/// The line is empty, the command does not exist or has the wrong arguments, or the name or text breaks a rule.
pub fn parse(line: &str) -> Result<Action, InputError> {
    let line = &*with_slashes(line);
    if let Some(text) = line.strip_prefix("//") {
        return Ok(Action::Say(typed(&format!("/{text}"))?));
    }
    if !line.starts_with('/') {
        return Ok(Action::Say(typed(line)?));
    }
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let (command, rest) = (Command::parse(word)?, rest.trim_start());
    let without_arguments = match command {
        Command::Msg | Command::Reply | Command::To | Command::Me | Command::Unignore if rest.is_empty() => {
            return Err(InputError::Usage(command));
        }
        Command::Msg => return private(rest),
        Command::Reply => return Ok(Action::Reply(typed(rest)?)),
        // The receiving program shows a text that begins like this as something that the sender does (XEP-0245).
        Command::Me => return Ok(Action::Say(typed(&format!("{ACTION}{rest}"))?)),
        Command::To => return Ok(Action::ChooseRecipient(recipient(only_word(command, rest)?)?)),
        Command::Ignore if !rest.is_empty() => return Ok(Action::Ignore(UserName::parse(only_word(command, rest)?)?)),
        Command::Unignore => return Ok(Action::Unignore(UserName::parse(only_word(command, rest)?)?)),
        Command::Ignore => Action::ListIgnored,
        Command::Info => Action::Info,
        Command::Resend => Action::Resend,
        Command::Away => {
            return Ok(Action::SetAway { away: Some(AwayText::parse(rest.trim_end())?), reference: None });
        }
        Command::Back => Action::SetAway { away: None, reference: None },
        Command::Who => Action::Who,
        Command::Passwd => Action::ChangePassword,
        Command::Clear => Action::Clear,
        Command::Help => Action::Help,
        Command::Offline | Command::Quit => Action::Leave,
    };
    if rest.is_empty() { Ok(without_arguments) } else { Err(InputError::Usage(command)) }
}

/// The line with full-width slashes at its beginning as slashes: Chinese input methods type them, and a private message
/// must not go to everyone because of that.
fn with_slashes(line: &str) -> Cow<'_, str> {
    const FULL_WIDTH: char = '／';
    let rest = line.trim_start_matches([FULL_WIDTH, '/']);
    let slashes = &line[..line.len() - rest.len()];
    if slashes.contains(FULL_WIDTH) {
        Cow::Owned(format!("{}{rest}", slashes.replace(FULL_WIDTH, "/")))
    } else {
        Cow::Borrowed(line)
    }
}

/// The beginning of a text that says what its sender does.
pub const ACTION: &str = "/me ";

fn private(rest: &str) -> Result<Action, InputError> {
    let (name, text) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    Ok(Action::Send(Draft { to: recipient(name)?, text: typed(text.trim_start())?, reference: None }))
}

/// The only argument of a command.
fn only_word(command: Command, rest: &str) -> Result<&str, InputError> {
    let word = rest.trim_end();
    if word.contains(char::is_whitespace) { Err(InputError::Usage(command)) } else { Ok(word) }
}

/// Parses a recipient: a user name, or `everyone` in any case or 所有人, which no user can be called.
///
/// # Errors
/// The name breaks a rule.
pub fn recipient(name: &str) -> Result<Recipient, InputError> {
    if name.eq_ignore_ascii_case("everyone") || name == "所有人" {
        Ok(Recipient::Everyone)
    } else {
        Ok(Recipient::One(UserName::parse(name)?))
    }
}

fn typed(text: &str) -> Result<Text, InputError> {
    // Typed blanks are a mistake. `--input json` can send them.
    if text.trim().is_empty() {
        return Err(TextError::Empty.into());
    }
    Ok(Text::parse(text)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chat_core::away::AwayTextError;
    use chat_core::name::NameError;

    fn sends(to: &str, text: &str) -> Result<Action, InputError> {
        Ok(Action::Send(Draft { to: recipient(to).unwrap(), text: Text::parse(text).unwrap(), reference: None }))
    }

    fn says(text: &str) -> Result<Action, InputError> {
        Ok(Action::Say(Text::parse(text).unwrap()))
    }

    fn away(text: &str) -> Action {
        Action::SetAway { away: Some(text.parse().unwrap()), reference: None }
    }

    fn user(name: &str) -> UserName {
        UserName::parse(name).unwrap()
    }

    #[test]
    fn lines_become_actions() {
        for (line, action) in [
            ("hello", says("hello")),
            ("  indented ", says("  indented ")),
            ("你好", says("你好")),
            ("//help is a command", says("/help is a command")),
            ("//", says("/")),
            ("／who", Ok(Action::Who)),
            ("／msg\u{3000}小明 在吗", sends("小明", "在吗")),
            ("／／help 是命令", says("/help 是命令")),
            ("/／help 是命令", says("/help 是命令")),
            ("用／分开", says("用／分开")),
            ("/to 所有人", Ok(Action::ChooseRecipient(Recipient::Everyone))),
            ("/me waves", says("/me waves")),
            ("/r  on my way ", Ok(Action::Reply(Text::parse("on my way ").unwrap()))),
            ("/to 小明 ", Ok(Action::ChooseRecipient(Recipient::One(user("小明"))))),
            ("/to Everyone", Ok(Action::ChooseRecipient(Recipient::Everyone))),
            ("/ignore bob", Ok(Action::Ignore(user("bob")))),
            ("/ignore", Ok(Action::ListIgnored)),
            ("/unignore bob", Ok(Action::Unignore(user("bob")))),
            ("/clear", Ok(Action::Clear)),
            ("/msg bob hi there", sends("bob", "hi there")),
            ("/msg  小明   在吗", sends("小明", "在吗")),
            ("/msg bob /who", sends("bob", "/who")),
            ("/msg everyone hi", sends("everyone", "hi")),
            ("/info", Ok(Action::Info)),
            ("/resend ", Ok(Action::Resend)),
            ("/away 在开会， 三点回来 ", Ok(away("在开会， 三点回来"))),
            ("/away", Ok(away(""))),
            ("/away  ", Ok(away(""))),
            ("/back", Ok(Action::SetAway { away: None, reference: None })),
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
            ("/r ", InputError::Usage(Command::Reply)),
            ("/to", InputError::Usage(Command::To)),
            ("/to bob hello", InputError::Usage(Command::To)),
            ("/me", InputError::Usage(Command::Me)),
            ("/ignore bob carol", InputError::Usage(Command::Ignore)),
            ("/ignore everyone", NameError::Reserved.into()),
            ("/unignore", InputError::Usage(Command::Unignore)),
            ("/clear all", InputError::Usage(Command::Clear)),
            ("/away a\tb", InputError::Away(AwayTextError::Char('\t'))),
            ("/back now", InputError::Usage(Command::Back)),
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
