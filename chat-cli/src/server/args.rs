//! The arguments of `chat-server`: first as typed, then what they mean.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use chat_core::accounts::NewStatus;
use chat_core::name::UserName;
use chat_core::password::Password;
use chat_net::server::PresenceLogFormat;
use chat_store::StoreUrl;
use clap::{Args, Parser, Subcommand};

use super::database::{Database, NamedDatabase};
use super::limits::Limits;
use super::settings::Settings;
use crate::client::args::Format;
use crate::error::CliError;
use crate::secret::PasswordSource;

/// What was typed, each value checked by itself.
#[derive(Debug, Parser)]
#[command(
    name = "chat-server",
    version,
    about = "Knows who has an account and who is here now; messages do not pass through it",
    after_help = AFTER_HELP,
    max_term_width = 100
)]
pub struct ServerArgs {
    #[command(subcommand)]
    command: Option<Command>,
    /// The options.
    #[command(flatten)]
    pub settings: Settings,
}

const AFTER_HELP: &str = "\
Without a command it serves until SIGTERM or SIGINT; SIGHUP opens the presence log anew and reloads --cert and --key. \
The commands work while a server runs, but for move. \
Every option can also be said by the environment or in the file that --config names; an argument comes before the \
environment, the environment before the file. \
Passwords are asked for at the terminal, or come from --password-file or the environment variable CHAT_PASSWORD; \
a database URL that holds a password comes from CHAT_DATABASE, --database-file or the configuration file. Neither is ever an argument.

Exit codes:
  0  done, or stopped as asked
  1  the accounts did not do what was asked, or the server had to stop
  2  wrong arguments
  3  could not start: address, data folder, certificate or database cannot be used, or interrupted;
     for status and user list --online: no server runs";

#[derive(Debug, Subcommand)]
enum Command {
    /// Look after the accounts
    #[command(subcommand)]
    User(UserCommand),
    /// Print what clients know this server by: the SHA-256 of its public key
    Fingerprint,
    /// Show how the running server is
    Status {
        #[command(flatten)]
        form: FormArg,
    },
    /// Copy the SQLite database to a new file, complete as of one moment, also while the server runs
    Backup {
        /// The file, which must not exist
        #[arg(value_name = "FILE")]
        to: PathBuf,
    },
    /// Copy all accounts into another, empty database, while no server runs
    Move {
        /// sqlite:PATH or mysql://USER@HOST/DATABASE [env: CHAT_TO_DATABASE]
        // No env of clap's: its texts would show the password.
        #[arg(long, value_name = "URL", conflicts_with = "to_database_file")]
        to_database: Option<NamedDatabase>,

        /// A file whose first line is the URL of that database
        #[arg(long, env = "CHAT_TO_DATABASE_FILE", value_name = "FILE")]
        to_database_file: Option<PathBuf>,
    },
}

#[derive(Args, Debug)]
struct FormArg {
    /// How to write it
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: Format,
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    /// Make an account
    Add {
        #[command(flatten)]
        user: UserArg,
        #[command(flatten)]
        password: PasswordArg,
    },
    /// Set the password of an account, and end its session
    Passwd {
        #[command(flatten)]
        user: UserArg,
        #[command(flatten)]
        password: PasswordArg,
    },
    /// Keep an account from logging in, and end its session
    Disable {
        #[command(flatten)]
        user: UserArg,
    },
    /// Let a disabled account log in again
    Enable {
        #[command(flatten)]
        user: UserArg,
    },
    /// Remove an account for good, and end its session
    Remove {
        #[command(flatten)]
        user: UserArg,
        /// Let anybody register the name again
        #[arg(long)]
        free_name: bool,
    },
    /// List the accounts: name, status, made, last seen
    List {
        /// List who is online instead: name, address, since
        #[arg(long)]
        online: bool,
        #[command(flatten)]
        form: FormArg,
    },
}

#[derive(Args, Debug)]
struct UserArg {
    /// The user name
    #[arg(value_name = "NAME")]
    name: UserName,
}

#[derive(Args, Debug)]
struct PasswordArg {
    /// A file whose first line is the password
    #[arg(long, env = "CHAT_PASSWORD_FILE", value_name = "FILE")]
    password_file: Option<PathBuf>,
}

/// What is to be done, and where.
#[derive(Debug)]
pub struct Task {
    /// The data folder.
    pub data_dir: PathBuf,
    /// The certificate that is not the server's own.
    pub certificate: Option<Certificate>,
    /// What.
    pub work: Work,
}

/// A certificate and its key, in PEM files.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Certificate {
    /// The chain.
    pub chain: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// What is to be done.
#[derive(Debug)]
pub enum Work {
    /// To serve.
    Serve(Box<Serve>),
    /// To do something about accounts.
    User {
        /// Where they are.
        database: Database,
        /// What.
        task: UserTask<PasswordSource>,
    },
    /// To print the fingerprint.
    Fingerprint,
    /// To show how the running server is.
    Status(Format),
    /// To show who is online.
    Online(Format),
    /// To copy the database to a file.
    Backup {
        /// Which.
        database: Database,
        /// Where to.
        to: PathBuf,
    },
    /// To copy all accounts into another database.
    Move {
        /// Where they are.
        from: Database,
        /// Where they are to be.
        to: StoreUrl,
    },
}

/// All that serving needs to know.
#[derive(Debug)]
pub struct Serve {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where the accounts are.
    pub database: Database,
    /// Where the presence log is, if not in the data folder.
    pub presence_log: Option<PathBuf>,
    /// What a line of it looks like.
    pub presence_log_format: PresenceLogFormat,
    /// Where metrics may be asked for, if anywhere.
    pub metrics: Option<SocketAddr>,
    /// What serving is bounded by.
    pub limits: Limits,
}

/// Something about accounts, with passwords or where they come from.
#[derive(Debug)]
pub enum UserTask<P> {
    /// To make one.
    Add(UserName, P),
    /// To set the password of one.
    SetPassword(UserName, P),
    /// To disable, enable or remove one.
    SetStatus(UserName, NewStatus),
    /// To list them all.
    List(Format),
}

impl UserTask<PasswordSource> {
    /// Gets the password, if one is needed.
    ///
    /// # Errors
    /// As `get`.
    pub fn with_password(
        self,
        get: impl FnOnce(PasswordSource) -> Result<Password, CliError>,
    ) -> Result<UserTask<Password>, CliError> {
        Ok(match self {
            Self::Add(name, source) => UserTask::Add(name, get(source)?),
            Self::SetPassword(name, source) => UserTask::SetPassword(name, get(source)?),
            Self::SetStatus(name, status) => UserTask::SetStatus(name, status),
            Self::List(format) => UserTask::List(format),
        })
    }
}

impl ServerArgs {
    /// Works out what arguments, environment and configuration file mean together. Reads the database URL from where
    /// it is.
    ///
    /// # Errors
    /// They do not go together, or something is missing.
    pub fn task(self) -> Result<Task, CliError> {
        let settings = self.settings.with_file()?;
        let limits = Limits::new(&settings);
        let data_dir = match settings.data_dir {
            Some(path) => path,
            None => crate::folder::default("chat-server", "--data-dir DIR")?,
        };
        let certificate = match (settings.cert, settings.key) {
            (Some(chain), Some(key)) => Some(Certificate { chain, key }),
            (None, None) => None,
            (Some(_), None) => return Err(half("a certificate is named without its private key", "--key <FILE>")),
            (None, Some(_)) => return Err(half("a private key is named without its certificate", "--cert <FILE>")),
        };
        let database = || Database::choose(settings.database, settings.database_file);
        let work = match self.command {
            Some(Command::Fingerprint) => Work::Fingerprint,
            Some(Command::Status { form }) => Work::Status(form.format),
            Some(Command::User(UserCommand::List { online: true, form })) => Work::Online(form.format),
            Some(Command::Backup { to }) => Work::Backup { database: database()?, to },
            Some(Command::Move { to_database, to_database_file }) => {
                Work::Move { from: database()?, to: super::database::target(to_database, to_database_file)? }
            }
            Some(Command::User(user)) => Work::User { database: database()?, task: user.into() },
            None => Work::Serve(Box::new(Serve {
                listen: settings.listen.unwrap_or(LISTEN),
                database: database()?,
                presence_log: settings.presence_log,
                presence_log_format: settings.presence_log_format.unwrap_or_default().into(),
                metrics: settings.metrics,
                limits: limits?,
            })),
        };
        Ok(Task { data_dir, certificate, work })
    }
}

/// Where to listen unless told otherwise: nobody else can connect before that was decided.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 7777);

fn half(sentence: &str, option: &str) -> CliError {
    CliError::usage(sentence).hint(format_args!("name it with {option}, or in the configuration file"))
}

impl From<UserCommand> for UserTask<PasswordSource> {
    fn from(command: UserCommand) -> Self {
        match command {
            UserCommand::Add { user, password } => Self::Add(user.name, PasswordSource::new(password.password_file)),
            UserCommand::Passwd { user, password } => {
                Self::SetPassword(user.name, PasswordSource::new(password.password_file))
            }
            UserCommand::Disable { user } => Self::SetStatus(user.name, NewStatus::Disabled),
            UserCommand::Enable { user } => Self::SetStatus(user.name, NewStatus::Active),
            UserCommand::Remove { user, free_name: false } => Self::SetStatus(user.name, NewStatus::Removed),
            UserCommand::Remove { user, free_name: true } => Self::SetStatus(user.name, NewStatus::RemovedAndFreed),
            UserCommand::List { form, .. } => Self::List(form.format),
        }
    }
}

#[cfg(test)]
mod tests {
    use chat_core::server::RegistrationPolicy;
    use clap::CommandFactory;

    use super::*;

    fn task(args: &[&str]) -> Result<Task, CliError> {
        let args = [&["chat-server", "--data-dir", "data"], args].concat();
        ServerArgs::try_parse_from(args).map_err(CliError::from).and_then(ServerArgs::task)
    }

    #[test]
    fn the_definition_is_consistent() {
        ServerArgs::command().debug_assert();
    }

    #[test]
    fn serving_is_the_default() {
        let task = task(&["--database", "sqlite:x"]).unwrap();
        let Work::Serve(serve) = task.work else { panic!("{task:?}") };
        assert_eq!(serve.listen.to_string(), "127.0.0.1:7777");
        assert_eq!(serve.presence_log, None);
        assert_eq!((task.data_dir, task.certificate), (PathBuf::from("data"), None));
    }

    #[test]
    fn options_become_typed_values() {
        let task = task(&[
            "--database",
            "sqlite:x",
            "--listen",
            "[::]:0",
            "--presence-log",
            "log",
            "--registration",
            "closed",
            "--cert",
            "c",
            "--key",
            "k",
        ])
        .unwrap();
        let Work::Serve(serve) = task.work else { panic!("{task:?}") };
        assert_eq!(serve.listen.to_string(), "[::]:0");
        assert_eq!(serve.presence_log, Some("log".into()));
        let mut net = chat_net::server::ServerOptions::default();
        serve.limits.apply(&mut net);
        assert_eq!(net.machine.registration, RegistrationPolicy::Closed);
        assert_eq!(task.certificate, Some(Certificate { chain: "c".into(), key: "k".into() }));
    }

    #[test]
    fn commands_take_the_data_options_on_either_side() {
        for args in [
            ["--database", "sqlite:x", "user", "remove", "小明", "--free-name"],
            ["user", "remove", "小明", "--free-name", "--database", "sqlite:x"],
        ] {
            let task = task(&args).unwrap();
            let Work::User { database, task: UserTask::SetStatus(name, status) } = task.work else {
                panic!("{task:?}")
            };
            assert_eq!((name.as_str(), status), ("小明", NewStatus::RemovedAndFreed));
            assert_eq!(database.url(&PathBuf::from("data")).to_string(), "sqlite:x");
        }
        assert!(matches!(task(&["fingerprint"]).unwrap().work, Work::Fingerprint));
    }

    #[test]
    fn a_certificate_needs_its_key() {
        assert_eq!(task(&["--cert", "c"]).unwrap_err().exit().code(), 2);
        assert_eq!(task(&["--key", "k"]).unwrap_err().exit().code(), 2);
    }
}
