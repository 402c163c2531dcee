//! The commands: their words, their arguments, and what `/help` says of them.

use unicode_width::UnicodeWidthStr;

use crate::input_error::{InputError, most_like};
use crate::texts::Texts;

/// A command, in the order in which `/help` shows them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Command {
    /// Sends a text to one user.
    Msg,
    /// Sends a text to the sender of the last private message.
    Reply,
    /// Chooses where lines without a command go.
    To,
    /// Sends what the user does, instead of says.
    Me,
    /// Shows who has the last message.
    Info,
    /// Sends the last message again to those for whom it failed.
    Resend,
    /// Lists the users online.
    Who,
    /// Shows others that the user is away.
    Away,
    /// Shows others that the user is back.
    Back,
    /// Hides the messages of a user, or lists the users that are ignored.
    Ignore,
    /// Ends the effect of [`Self::Ignore`].
    Unignore,
    /// Changes the password.
    Passwd,
    /// Clears the screen.
    Clear,
    /// Lists the commands.
    Help,
    /// Goes offline.
    Offline,
    /// The same as [`Self::Offline`].
    Quit,
}

/// The heading below which `/help` lists a command.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Group {
    Messages,
    People,
    Program,
}

/// The kind of names that can follow a command, for completion.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum NameArgument {
    /// None.
    Nobody,
    /// Those of users.
    User,
    /// Those of users, or `everyone`.
    Recipient,
}

impl Command {
    /// All commands.
    pub const ALL: [Self; 16] = [
        Self::Msg,
        Self::Reply,
        Self::To,
        Self::Me,
        Self::Info,
        Self::Resend,
        Self::Who,
        Self::Away,
        Self::Back,
        Self::Ignore,
        Self::Unignore,
        Self::Passwd,
        Self::Clear,
        Self::Help,
        Self::Offline,
        Self::Quit,
    ];

    /// The word with its slash, the same in all languages.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Msg => "/msg",
            Self::Reply => "/r",
            Self::To => "/to",
            Self::Me => "/me",
            Self::Info => "/info",
            Self::Resend => "/resend",
            Self::Who => "/who",
            Self::Away => "/away",
            Self::Back => "/back",
            Self::Ignore => "/ignore",
            Self::Unignore => "/unignore",
            Self::Passwd => "/passwd",
            Self::Clear => "/clear",
            Self::Help => "/help",
            Self::Offline => "/offline",
            Self::Quit => "/quit",
        }
    }

    /// The command with its arguments.
    pub fn usage(self, texts: &Texts) -> String {
        let t = texts.say();
        match self {
            Self::Msg => t.command_msg(),
            Self::Reply => t.command_reply(),
            Self::To => t.command_to(),
            Self::Me => t.command_me(),
            Self::Away => t.command_away(),
            Self::Ignore => t.command_ignore(),
            Self::Unignore => t.command_unignore(),
            other => other.word().to_owned(),
        }
    }

    /// The effect of the command.
    pub fn effect(self, texts: &Texts) -> String {
        let t = texts.say();
        match self {
            Self::Msg => t.command_msg_effect(),
            Self::Reply => t.command_reply_effect(),
            Self::To => t.command_to_effect(),
            Self::Me => t.command_me_effect(),
            Self::Info => t.command_info_effect(),
            Self::Resend => t.command_resend_effect(),
            Self::Who => t.command_who_effect(),
            Self::Away => t.command_away_effect(),
            Self::Back => t.command_back_effect(),
            Self::Ignore => t.command_ignore_effect(),
            Self::Unignore => t.command_unignore_effect(),
            Self::Passwd => t.command_passwd_effect(),
            Self::Clear => t.command_clear_effect(),
            Self::Help => t.command_help_effect(),
            Self::Offline => t.command_offline_effect(),
            Self::Quit => t.command_quit_effect(),
        }
    }

    /// The names that can follow the command.
    pub(super) const fn name_argument(self) -> NameArgument {
        match self {
            Self::Msg | Self::To => NameArgument::Recipient,
            Self::Ignore | Self::Unignore => NameArgument::User,
            _ => NameArgument::Nobody,
        }
    }

    const fn group(self) -> Group {
        match self {
            Self::Msg | Self::Reply | Self::To | Self::Me | Self::Info | Self::Resend => Group::Messages,
            Self::Who | Self::Away | Self::Back | Self::Ignore | Self::Unignore => Group::People,
            Self::Passwd | Self::Clear | Self::Help | Self::Offline | Self::Quit => Group::Program,
        }
    }

    /// Parses a word with its slash.
    ///
    /// # Errors
    /// There is no such command.
    pub(super) fn parse(word: &str) -> Result<Self, InputError> {
        Self::ALL.into_iter().find(|command| command.word() == word).ok_or_else(|| InputError::UnknownCommand {
            typed: word.to_owned(),
            // A single letter is as much like /r as like any other command.
            suggestion: (word.len() > "/x".len())
                .then(|| most_like(word, Self::ALL.into_iter().map(Self::word)))
                .flatten(),
        })
    }
}

impl Group {
    const ALL: [Self; 3] = [Self::Messages, Self::People, Self::Program];

    fn heading(self, texts: &Texts) -> String {
        let t = texts.say();
        match self {
            Self::Messages => t.help_messages(),
            Self::People => t.help_people(),
            Self::Program => t.help_program(),
        }
    }
}

/// The text of `/help`: one line for each command, in groups. The effects are aligned, even after characters that are two
/// columns wide.
pub(crate) fn help(texts: &Texts) -> String {
    let width = Command::ALL.iter().map(|command| command.usage(texts).width()).max().unwrap_or(0) + 2;
    let mut help = texts.say().help_intro();
    for group in Group::ALL {
        help.push_str(&format!("\n{}", group.heading(texts)));
        for command in Command::ALL.into_iter().filter(|command| command.group() == group) {
            let usage = command.usage(texts);
            let padding = " ".repeat(width.saturating_sub(usage.width()));
            help.push_str(&format!("\n  {usage}{padding}{}", command.effect(texts)));
        }
    }
    help
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::Language;

    #[test]
    fn help_fits_on_one_screen() {
        for language in [Language::English, Language::Chinese] {
            let help = help(&Texts::new(language));
            // The line that was typed and the prompt are there too.
            assert!(help.lines().count() <= 24 - 2, "{help}");
            for line in help.lines() {
                assert!(line.width() < 80, "{line}");
            }
            for command in Command::ALL {
                assert_eq!(help.matches(&format!("\n  {}", command.usage(&Texts::new(language)))).count(), 1, "{help}");
            }
        }
    }

    #[test]
    fn help_in_both_languages() {
        let both = [Language::English, Language::Chinese].map(|language| help(&Texts::new(language)));
        insta::assert_snapshot!("help", both.join("\n\n"));
    }
}
