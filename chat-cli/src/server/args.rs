//! The arguments of `chat-server`: first as typed, then what they mean.

use std::net::SocketAddr;
use std::path::PathBuf;

use chat_core::accounts::NewStatus;
use chat_core::name::UserName;
use chat_core::password::Password;
use chat_core::server::RegistrationPolicy;
use clap::{Args, Parser, Subcommand, ValueEnum};

use super::database::Database;
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
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    serve: ServeArgs,
}

const AFTER_HELP: &str = "\
Without a command it serves until SIGTERM or SIGINT; SIGHUP opens the presence log anew. \
The commands work while a server runs. \
Passwords are asked for at the terminal, or come from --password-file or the environment variable CHAT_PASSWORD; \
a database URL that holds a password comes from CHAT_DATABASE or --database-file. Neither is ever an argument.

Exit codes:
  0  done, or stopped as asked
  1  the accounts did not do what was asked, or the server had to stop
  2  wrong arguments
  3  could not start: address, data folder, certificate or database cannot be used, or interrupted";

#[derive(Args, Debug)]
struct DataArgs {
    /// Where keys, log and database are kept [default: in the user's data folder]
    #[arg(long, env = "CHAT_DATA_DIR", value_name = "DIR", global = true)]
    data_dir: Option<PathBuf>,

    /// sqlite:PATH or mysql://USER@HOST/DATABASE [env: CHAT_DATABASE] [default: chat.sqlite in the data folder]
    // No env of clap's: its texts would show the password.
    #[arg(long, value_name = "URL", global = true, conflicts_with = "database_file")]
    database: Option<String>,

    /// A file whose first line is the database URL
    #[arg(long, env = "CHAT_DATABASE_FILE", value_name = "FILE", global = true)]
    database_file: Option<PathBuf>,
}

#[derive(Args, Debug)]
struct ServeArgs {
    /// Where to listen; port 0 lets the system choose
    #[arg(long, env = "CHAT_LISTEN", value_name = "IP:PORT", default_value = "127.0.0.1:7777", value_parser = crate::address::parse)]
    listen: SocketAddr,

    /// Who came and went, one line each [default: presence.log in the data folder]
    #[arg(long, env = "CHAT_PRESENCE_LOG", value_name = "FILE")]
    presence_log: Option<PathBuf>,

    /// Whether new users may make an account
    #[arg(long, env = "CHAT_REGISTRATION", value_enum, default_value_t, value_name = "POLICY")]
    registration: Registration,

    /// A certificate chain in a PEM file, instead of one made by the server itself
    #[arg(long, env = "CHAT_CERT", value_name = "FILE", requires = "key", global = true)]
    cert: Option<PathBuf>,

    /// The private key of that certificate
    #[arg(long, env = "CHAT_KEY", value_name = "FILE", requires = "cert", global = true)]
    key: Option<PathBuf>,
}

/// Whether new users may make an account.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
enum Registration {
    /// They may
    #[default]
    Open,
    /// Only `chat-server user add` makes accounts
    Closed,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Look after the accounts
    #[command(subcommand)]
    User(UserCommand),
    /// Print what clients know this server by: the SHA-256 of its public key
    Fingerprint,
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
    List,
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
    Serve(Serve),
    /// To do something about accounts.
    User {
        /// Where they are.
        database: Database,
        /// What.
        task: UserTask<PasswordSource>,
    },
    /// To print the fingerprint.
    Fingerprint,
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
    /// Whether new users may make an account.
    pub registration: RegistrationPolicy,
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
    List,
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
            Self::List => UserTask::List,
        })
    }
}

impl ServerArgs {
    /// Works out what the arguments mean together. Reads the database URL from where it is.
    ///
    /// # Errors
    /// They do not go together, or something is missing.
    pub fn task(self) -> Result<Task, CliError> {
        let Self { command, data, serve } = self;
        let data_dir = match data.data_dir {
            Some(path) => path,
            None => crate::folder::default("chat-server", "--data-dir DIR")?,
        };
        let database = || Database::choose(data.database, data.database_file);
        let work = match command {
            Some(Command::Fingerprint) => Work::Fingerprint,
            Some(Command::User(user)) => Work::User { database: database()?, task: user.into() },
            None => Work::Serve(Serve {
                listen: serve.listen,
                database: database()?,
                presence_log: serve.presence_log,
                registration: match serve.registration {
                    Registration::Open => RegistrationPolicy::Open,
                    Registration::Closed => RegistrationPolicy::Closed,
                },
            }),
        };
        let certificate = serve.cert.zip(serve.key).map(|(chain, key)| Certificate { chain, key });
        Ok(Task { data_dir, certificate, work })
    }
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
            UserCommand::List => Self::List,
        }
    }
}

#[cfg(test)]
mod tests {
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
        assert_eq!((serve.presence_log, serve.registration), (None, RegistrationPolicy::Open));
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
        assert_eq!((serve.presence_log, serve.registration), (Some("log".into()), RegistrationPolicy::Closed));
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
