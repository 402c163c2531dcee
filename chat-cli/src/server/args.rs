//! The command line of `chat-server`: its commands and its help.

use std::ffi::OsString;
use std::path::PathBuf;

use chat_core::name::{NameError, UserName};
use clap::{Arg, ArgMatches, Args, Command, CommandFactory, FromArgMatches, Parser, Subcommand};

use super::database::NamedDatabase;
use super::days::Days;
use super::presence_log::since::Since;
use super::settings::ServerSettings;
use crate::environment;
use crate::error::CliError;
use crate::format::Format;
use crate::generate::GenerateCommand;
use crate::path;
use crate::texts::{Texts, help};

/// The arguments and environment variables, each parsed on its own.
#[derive(Debug, Parser)]
#[command(name = "chat-server", version, max_term_width = 100)]
pub(super) struct ServerArgs {
    #[command(subcommand)]
    pub(super) command: Option<ServerCommand>,
    #[command(flatten)]
    pub(super) settings: ServerSettings,
}

/// What `chat-server` does instead of serving.
#[derive(Debug, Subcommand)]
pub(super) enum ServerCommand {
    #[command(flatten)]
    Operate(OperatorCommand),
    #[command(flatten)]
    Service(ServiceCommand),
    #[command(flatten)]
    Generate(GenerateCommand),
}

/// The commands about the service of Windows that need no settings.
#[derive(Debug, Subcommand)]
pub(super) enum ServiceCommand {
    UninstallService,
    /// What the system runs as the service.
    #[command(hide = true)]
    RunService {
        #[arg(long, value_name = "FILE")]
        log: PathBuf,
        #[arg(value_name = "ARGUMENT", last = true)]
        arguments: Vec<OsString>,
    },
}

/// The commands on a server's accounts, keys and state.
#[derive(Debug, Subcommand)]
pub(super) enum OperatorCommand {
    #[command(subcommand)]
    User(UserCommand),
    Fingerprint,
    Invite {
        #[command(flatten)]
        output: OutputArgs,
    },
    Status {
        #[command(flatten)]
        output: OutputArgs,
    },
    Reload,
    Config {
        #[command(flatten)]
        output: OutputArgs,
    },
    Log {
        #[arg(long, value_name = "NAME")]
        user: Option<UserName>,
        #[arg(long, value_name = "TIME")]
        since: Option<Since>,
        #[arg(long)]
        follow: bool,
        #[command(flatten)]
        output: OutputArgs,
    },
    Backup {
        #[arg(value_name = "FILE", value_parser = path::parser())]
        to: PathBuf,
    },
    Move {
        // Without clap's `env`, because clap shows the variable's value, and with it a password.
        #[arg(long, value_name = "URL", conflicts_with = "to_database_file")]
        to_database: Option<NamedDatabase>,

        #[arg(long, env = "CHAT_TO_DATABASE_FILE", value_name = "FILE", value_parser = path::parser())]
        to_database_file: Option<PathBuf>,
    },
    InstallService,
    /// What the service runs.
    #[command(hide = true)]
    ServeUntilInputEnds,
}

/// The option of the commands that print structured data.
#[derive(Args, Debug)]
pub(super) struct OutputArgs {
    #[arg(long, value_enum, default_value_t, hide_default_value = true, value_name = "FORMAT")]
    pub(super) format: Format,
}

/// What to do with the accounts.
#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    #[command(flatten)]
    Account(AccountCommand),
    Import {
        #[arg(value_name = "FILE", value_parser = path::parser())]
        import_file: PathBuf,
        #[command(flatten)]
        output: OutputArgs,
    },
}

/// The command for one account, or for those that match.
#[derive(Debug, Subcommand)]
pub(super) enum AccountCommand {
    Add {
        #[command(flatten)]
        user: NewUserArgs,
        #[command(flatten)]
        password: PasswordArgs,
    },
    Passwd {
        #[command(flatten)]
        user: UserArgs,
        #[command(flatten)]
        password: PasswordArgs,
    },
    Disable {
        #[command(flatten)]
        user: UserArgs,
    },
    Enable {
        #[command(flatten)]
        user: UserArgs,
    },
    Remove {
        #[command(flatten)]
        user: UserArgs,
        #[arg(long)]
        free_name: bool,
    },
    Purge {
        #[arg(long, value_name = "DAYS")]
        unused_for: Days,
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        output: OutputArgs,
    },
    List {
        #[arg(long)]
        online: bool,
        #[command(flatten)]
        output: OutputArgs,
    },
}

/// The user name of a new account.
#[derive(Args, Debug)]
pub(super) struct NewUserArgs {
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
    #[arg(value_name = "NAME")]
    pub(super) name: UserName,
}

/// Where a password comes from, unless it is typed.
#[derive(Args, Debug)]
pub(super) struct PasswordArgs {
    #[arg(long, env = "CHAT_PASSWORD_FILE", value_name = "FILE", value_parser = path::parser())]
    pub(super) password_file: Option<PathBuf>,
}

impl ServerArgs {
    /// Parses arguments and environment variables. The matches are for [`ServerSettings::merge`]. Help is in the language
    /// of `texts`.
    ///
    /// # Errors
    /// An argument is wrong, or the operator asked for help or the version.
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
    describe_all(ServerArgs::command().about(t.server_about()).after_help(t.server_after_help()), texts)
}

fn describe_all(command: Command, texts: &Texts) -> Command {
    let command = command.mut_args(|arg| describe(arg, texts));
    command.mut_subcommands(|command| describe_all(describe_command(command, texts), texts))
}

fn describe_command(command: Command, texts: &Texts) -> Command {
    let t = texts.say();
    let about = match command.get_name() {
        "user" => t.server_user(),
        "add" => t.server_user_add(),
        "passwd" => t.server_user_passwd(),
        "disable" => t.server_user_disable(),
        "enable" => t.server_user_enable(),
        "remove" => t.server_user_remove(),
        "import" => {
            let about = t.server_user_import();
            let long = format!("{about}\n\n{}", t.server_user_import_long());
            return command.about(about).long_about(long);
        }
        "purge" => {
            let about = t.server_user_purge();
            let long = format!("{about}\n\n{}", t.server_user_purge_long());
            return command.about(about).long_about(long);
        }
        "list" => t.server_user_list(),
        "fingerprint" => t.server_fingerprint(),
        "invite" => t.server_invite(),
        "config" => t.server_config(),
        "log" => t.server_log(),
        "status" => t.server_status(),
        "reload" => t.server_reload(),
        "backup" => t.server_backup(),
        "move" => t.server_move(),
        "install-service" => {
            let about = t.server_install_service();
            let long = format!("{about}\n\n{}", t.server_install_service_long());
            return command.about(about).long_about(long);
        }
        "uninstall-service" => t.server_uninstall_service(),
        "run-service" => t.server_run_service(),
        "serve-until-input-ends" => t.server_serve_until_input_ends(),
        "completions" => t.command_completions(),
        "man" => t.command_man(),
        _ => return command,
    };
    command.about(about)
}

pub(super) fn describe(arg: Arg, texts: &Texts) -> Arg {
    let t = texts.say();
    let text = match arg.get_id().as_str() {
        "lang" => t.option_lang(),
        "config" => t.option_config(),
        "data_dir" => t.server_option_data_dir(),
        "database" => t.server_option_database(),
        "database_file" => t.server_option_database_file(),
        "roster" => t.server_option_roster(),
        "roster_file" => t.server_option_roster_file(),
        "node_name" => t.server_option_node_name(),
        "cert" => t.server_option_cert(),
        "key" => t.server_option_key(),
        "listen" => t.server_option_listen(),
        "presence_log" => t.server_option_presence_log(),
        "presence_log_format" => t.server_option_presence_log_format(),
        "metrics" => t.server_option_metrics(),
        "registration" => t.server_option_registration(),
        "trust_observed" => t.server_option_trust_observed(),
        "to" => t.server_option_to(),
        "to_database" => t.server_option_to_database(),
        "to_database_file" => t.server_option_to_database_file(),
        "format" => t.option_format(),
        "password_file" => t.option_password_file(),
        "name" => t.server_option_name(),
        "import_file" => t.server_option_import_file(),
        "free_name" => t.server_option_free_name(),
        "unused_for" => t.server_option_unused_for(),
        "yes" => t.server_option_yes(),
        "online" => t.server_option_online(),
        "user" => t.server_option_log_user(),
        "since" => t.server_option_since(),
        "follow" => t.server_option_follow(),
        "log" => t.server_option_service_log(),
        "arguments" => t.server_option_service_arguments(),
        "shell" => t.option_shell(),
        "folder" => t.option_folder(),
        _ => return describe_limit(arg, texts),
    };
    arg.help(text)
}

fn describe_limit(arg: Arg, texts: &Texts) -> Arg {
    let t = texts.say();
    let text = match arg.get_id().as_str() {
        "max_connections" => t.server_option_max_connections(),
        "max_connections_per_address" => t.server_option_max_connections_per_address(),
        "max_guests" => t.server_option_max_guests(),
        "max_sessions" => t.server_option_max_sessions(),
        "sessions_per_account" => t.server_option_sessions_per_account(),
        "max_accounts" => t.server_option_max_accounts(),
        "registrations_per_hour" => t.server_option_registrations_per_hour(),
        "registrations_per_address" => t.server_option_registrations_per_address(),
        "handshake_time" => t.server_option_handshake_time(),
        "login_time" => t.server_option_login_time(),
        "frames_per_second" => t.server_option_frames_per_second(),
        "frame_burst" => t.server_option_frame_burst(),
        "max_password_checks" => t.server_option_max_password_checks(),
        "password_threads" => t.server_option_password_threads(),
        "relay" => t.server_option_relay(),
        "relay_rate" => t.server_option_relay_rate(),
        "relay_burst" => t.server_option_relay_burst(),
        "relay_total" => t.server_option_relay_total(),
        "relay_memory" => t.server_option_relay_memory(),
        _ => return arg,
    };
    arg.help(text).help_heading(t.help_limits())
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
            assert_described(&command(&Texts::new(language)));
        }
    }

    fn assert_described(command: &Command) {
        assert!(command.get_about().is_some(), "{}", command.get_name());
        for arg in command.get_arguments().filter(|_| command.get_name() != "help") {
            let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
            assert!(!help.is_empty() && !help.starts_with('['), "{}: {}", command.get_name(), arg.get_id());
        }
        command.get_subcommands().filter(|command| command.get_name() != "help").for_each(assert_described);
    }
}
