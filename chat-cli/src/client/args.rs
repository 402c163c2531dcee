//! The command line of `chat-client`: its commands and its help.

use std::ffi::OsString;

use chat_net::address::ServerAddress;
use clap::{Arg, ArgMatches, Command, CommandFactory, FromArgMatches, Parser, Subcommand};

use super::settings::ClientSettings;
use crate::environment;
use crate::error::CliError;
use crate::generate::GenerateCommand;
use crate::texts::{Texts, help};

/// The arguments and environment variables, each parsed on its own.
#[derive(Debug, Parser)]
#[command(name = "chat-client", version, args_conflicts_with_subcommands = true, max_term_width = 100)]
pub(super) struct ClientArgs {
    #[command(subcommand)]
    pub(super) command: Option<ClientCommand>,
    /// A name of a server in the configuration file, or an address.
    #[arg(value_name = "SERVER")]
    pub(super) place: Option<String>,
    #[command(flatten)]
    pub(super) settings: ClientSettings,
}

/// What `chat-client` does instead of joining the chat.
#[derive(Debug, Subcommand)]
pub(super) enum ClientCommand {
    Forget {
        #[arg(id = "known_server", value_name = "HOST:PORT")]
        server: ServerAddress,
    },
    #[command(flatten)]
    Generate(GenerateCommand),
}

impl ClientArgs {
    /// Parses arguments and environment variables. The matches are for [`config::merge`](crate::config::merge). Help is
    /// in the language of `texts`.
    ///
    /// # Errors
    /// An argument is wrong, or the user asked for help or the version.
    pub(super) fn parse(
        args: impl IntoIterator<Item = impl Into<OsString> + Clone>,
        texts: &Texts,
    ) -> Result<(Self, ArgMatches), CliError> {
        let matches = environment::parse(&command(texts), args)?;
        Ok((Self::from_arg_matches(&matches)?, matches))
    }
}

/// The command line with its help, in the frame of a language.
fn command(texts: &Texts) -> Command {
    help::localise(described(texts), texts)
}

/// The command line with its help.
pub(super) fn described(texts: &Texts) -> Command {
    let t = texts.say();
    ClientArgs::command()
        .about(t.client_about())
        .after_help(t.client_after_help())
        .mut_args(|arg| describe(arg, texts))
        .mut_subcommands(|command| {
            let about = match command.get_name() {
                "forget" => t.client_forget(),
                "completions" => t.command_completions(),
                "man" => t.command_man(),
                _ => return command,
            };
            command.about(about).mut_args(|arg| describe(arg, texts))
        })
}

pub(super) fn describe(arg: Arg, texts: &Texts) -> Arg {
    let t = texts.say();
    let text = match arg.get_id().as_str() {
        "lang" => t.option_lang(),
        "config" => t.option_config(),
        "place" => t.start_argument_server(),
        "server" => t.option_server(),
        "known_server" => t.argument_known_server(),
        "user" => t.option_user(),
        "register" => t.option_register(),
        "password_file" => t.option_password_file(),
        "invitation_file" => t.option_invitation_file(),
        "udp" => t.option_udp(),
        "advertise" => t.option_advertise(),
        "reach" => t.option_reach(),
        "fingerprint" => t.option_fingerprint(),
        "accept_new" => t.option_accept_new(),
        "ca" => t.option_ca(),
        "known_servers" => t.option_known_servers(),
        "format" => t.option_format(),
        "input" => t.option_input(),
        "color" => t.option_color(),
        "history" => t.option_history(),
        "bell" => t.option_bell(),
        "stay" => t.option_stay(),
        "shell" => t.option_shell(),
        "folder" => t.option_folder(),
        _ => return arg,
    };
    arg.help(text)
}

/// The names of the commands.
pub(super) fn command_names() -> Vec<String> {
    ClientArgs::command().get_subcommands().map(|command| command.get_name().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::Language;

    #[test]
    fn the_definition_is_consistent() {
        command(&Texts::default()).debug_assert();
    }

    #[test]
    fn help_of_all_commands() {
        let texts = Texts::default();
        insta::assert_snapshot!("help", crate::help::pages(command(&texts), &texts));
    }

    #[test]
    fn help_of_all_commands_in_chinese() {
        let texts = Texts::new(Language::Chinese);
        insta::assert_snapshot!("help-zh-CN", crate::help::pages(command(&texts), &texts));
    }

    #[test]
    fn every_option_and_command_has_its_help_in_each_language() {
        for language in [Language::English, Language::Chinese] {
            let command = command(&Texts::new(language));
            for command in [&command].into_iter().chain(command.get_subcommands()) {
                assert!(command.get_about().is_some(), "{language:?}: {}", command.get_name());
                for arg in command.get_arguments().filter(|_| command.get_name() != "help") {
                    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
                    assert!(!help.is_empty() && !help.starts_with('['), "{language:?}: {}", arg.get_id());
                }
            }
        }
    }
}
