//! The command line of `chat-client`: its commands and its help.

use std::ffi::OsString;

use chat_net::address::ServerAddress;
use clap::error::{ContextKind, ContextValue};
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};

use super::settings::ClientSettings;
use crate::environment;
use crate::error::CliError;
use crate::generate::GenerateCommand;

/// The arguments and environment variables, each parsed on its own.
#[derive(Debug, Parser)]
#[command(
    name = "chat-client",
    version,
    about = "Sends messages to everyone on a chat server, or to one user",
    after_help = AFTER_HELP,
    args_conflicts_with_subcommands = true,
    max_term_width = 100
)]
pub(super) struct ClientArgs {
    #[command(subcommand)]
    pub(super) command: Option<ClientCommand>,
    #[command(flatten)]
    pub(super) settings: ClientSettings,
}

const AFTER_HELP: &str = "\
A plain line goes to everyone, /msg NAME TEXT to one user. /help lists the commands.

The password is typed at the terminal or comes from --password-file or the environment variable CHAT_PASSWORD. \
It is never an argument.

Every option can also be set by an environment variable or in the file given by --config.

Exit codes:
  0  every message was delivered
  1  a message failed or stayed unconfirmed, or a line of input was wrong
  2  wrong arguments
  3  could not connect or log in, or the server ended the session
  4  nobody else was online to receive a message, and nothing else failed
 70  a bug ended the program; please report the line on standard error";

/// What `chat-client` does instead of joining the chat.
#[derive(Debug, Subcommand)]
pub(super) enum ClientCommand {
    /// Forget the fingerprint of a server, so that the next connection asks about it again
    Forget {
        /// The server
        #[arg(value_name = "HOST:PORT")]
        server: ServerAddress,
    },
    #[command(flatten)]
    Generate(GenerateCommand),
}

impl ClientArgs {
    /// Parses arguments and environment variables. The matches are for [`config::merge`](crate::config::merge).
    ///
    /// # Errors
    /// An argument is wrong, or the user asked for help or the version.
    pub(super) fn parse(
        args: impl IntoIterator<Item = impl Into<OsString> + Clone>,
    ) -> Result<(Self, ArgMatches), CliError> {
        let matches = environment::parse(&Self::command(), args).map_err(explain)?;
        Ok((Self::from_arg_matches(&matches)?, matches))
    }
}

/// Adds a hint if a word without an option looks like a server address, because other programs expect the server there.
fn explain(error: clap::Error) -> CliError {
    match error.get(ContextKind::InvalidSubcommand) {
        Some(ContextValue::String(word)) if word.parse::<ServerAddress>().is_ok() => {
            CliError::usage(format_args!("'{word}' is not a command"))
                .hint(format_args!("if it is the server, write --server {word}; see --help for the commands"))
        }
        _ => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        ClientArgs::command().debug_assert();
    }

    #[test]
    fn help_of_all_commands() {
        insta::assert_snapshot!("help", crate::help::pages(ClientArgs::command()));
    }
}
