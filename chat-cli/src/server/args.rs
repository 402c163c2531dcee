//! The command line of `chat-server`: its commands and its help.

use std::ffi::OsString;
use std::path::PathBuf;

use chat_core::name::{NameError, UserName};
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use super::database::NamedDatabase;
use super::days::Days;
use super::settings::ServerSettings;
use crate::environment;
use crate::error::CliError;
use crate::format::Format;
use crate::generate::GenerateCommand;

/// The arguments and environment variables, each parsed on its own.
#[derive(Debug, Parser)]
#[command(
    name = "chat-server",
    version,
    about = "Holds the accounts of a chat and knows who is online; messages do not pass through it",
    after_help = AFTER_HELP,
    max_term_width = 100
)]
pub(super) struct ServerArgs {
    #[command(subcommand)]
    pub(super) command: Option<ServerCommand>,
    #[command(flatten)]
    pub(super) settings: ServerSettings,
}

const AFTER_HELP: &str = "\
Without a command, chat-server serves until SIGTERM or SIGINT. On SIGHUP it reopens the presence log and reloads --cert \
and --key. All commands except move work while a server runs.

Every option can also be set by an environment variable or in the file given by --config. An argument takes precedence \
over the environment, and the environment over the file.

Passwords are typed at the terminal or come from --password-file or the environment variable CHAT_PASSWORD. A database \
URL that contains a password comes from CHAT_DATABASE, --database-file or the configuration file. Neither is ever an \
argument.

Exit codes:
  0  success, or stopped on request
  1  the accounts refused the request, or the server had to stop
  2  wrong arguments
  3  could not start: address, data folder, certificate or database is unusable, or interrupted;
     for status and user list --online: no server is running
 70  a bug ended the program; please report the line on standard error";

/// What `chat-server` does instead of serving.
#[derive(Debug, Subcommand)]
pub(super) enum ServerCommand {
    #[command(flatten)]
    Operate(OperatorCommand),
    #[command(flatten)]
    Generate(GenerateCommand),
}

/// The commands on a server's accounts, keys and state.
#[derive(Debug, Subcommand)]
pub(super) enum OperatorCommand {
    /// Manage the accounts
    #[command(subcommand)]
    User(UserCommand),
    /// Print the fingerprint by which clients recognise this server: the SHA-256 of its public key
    Fingerprint,
    /// Show the state of the running server
    Status {
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Copy the SQLite database to a new file, consistent as of one moment, also while the server runs
    Backup {
        /// The file to create
        #[arg(value_name = "FILE")]
        to: PathBuf,
    },
    /// Copy all accounts into another, empty database, while no server runs
    Move {
        /// sqlite:PATH or mysql://USER@HOST/DATABASE [env: CHAT_TO_DATABASE]
        // Without clap's `env`, because clap shows the variable's value, and with it a password.
        #[arg(long, value_name = "URL", conflicts_with = "to_database_file")]
        to_database: Option<NamedDatabase>,

        /// A file whose first line is the URL of that database
        #[arg(long, env = "CHAT_TO_DATABASE_FILE", value_name = "FILE")]
        to_database_file: Option<PathBuf>,
    },
}

/// The option of the commands that print structured data.
#[derive(Args, Debug)]
pub(super) struct OutputArgs {
    /// The format of the output
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(super) format: Format,
}

/// What to do with the accounts.
#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// Create an account
    Add {
        #[command(flatten)]
        user: NewUserArgs,
        #[command(flatten)]
        password: PasswordArgs,
    },
    /// Set the password of an account and end its session
    Passwd {
        #[command(flatten)]
        user: UserArgs,
        #[command(flatten)]
        password: PasswordArgs,
    },
    /// Disable an account, so that it cannot log in, and end its session
    Disable {
        #[command(flatten)]
        user: UserArgs,
    },
    /// Enable a disabled account
    Enable {
        #[command(flatten)]
        user: UserArgs,
    },
    /// Remove an account permanently and end its session
    Remove {
        #[command(flatten)]
        user: UserArgs,
        /// Allow the user name to be registered again
        #[arg(long)]
        free_name: bool,
    },
    /// List the accounts that nobody has used, or delete them, so that they no longer count against max-accounts
    ///
    /// An account is unused if nobody was online with it later than a day after its registration. Disabled accounts stay,
    /// and so do removed ones whose names are reserved. The names of deleted accounts can be registered again.
    Purge {
        /// Only accounts that were registered longer ago than this, such as 30d
        #[arg(long, value_name = "DAYS")]
        unused_for: Days,
        /// Delete the accounts instead of listing them
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// List all accounts: user name, status, creation time, last-seen time
    List {
        /// List the sessions online instead: user name, address, time of login
        #[arg(long)]
        online: bool,
        #[command(flatten)]
        output: OutputArgs,
    },
}

/// The user name of a new account.
#[derive(Args, Debug)]
pub(super) struct NewUserArgs {
    /// The user name
    #[arg(value_name = "NAME", value_parser = new_name)]
    pub(super) name: UserName,
}

fn new_name(typed: &str) -> Result<UserName, NameError> {
    let name = UserName::parse(typed)?;
    name.check_new()?;
    Ok(name)
}

/// The account that a command works on.
#[derive(Args, Debug)]
pub(super) struct UserArgs {
    /// The user name
    #[arg(value_name = "NAME")]
    pub(super) name: UserName,
}

/// Where a password comes from, unless it is typed.
#[derive(Args, Debug)]
pub(super) struct PasswordArgs {
    /// A file whose first line is the password
    #[arg(long, env = "CHAT_PASSWORD_FILE", value_name = "FILE")]
    pub(super) password_file: Option<PathBuf>,
}

impl ServerArgs {
    /// Parses arguments and environment variables. The matches are for [`ServerSettings::merge`].
    ///
    /// # Errors
    /// An argument is wrong, or the operator asked for help or the version.
    pub(super) fn parse(
        args: impl IntoIterator<Item = impl Into<OsString> + Clone>,
    ) -> Result<(Self, ArgMatches), CliError> {
        let matches = environment::parse(&Self::command(), args)?;
        Ok((Self::from_arg_matches(&matches)?, matches))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        ServerArgs::command().debug_assert();
    }

    #[test]
    fn help_of_all_commands() {
        insta::assert_snapshot!("help", crate::help::pages(ServerArgs::command()));
    }
}
