//! What `chat-server` is asked to do: the meaning of its arguments, environment and configuration file together.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use chat_core::accounts::NewStatus;
use chat_core::name::UserName;
use chat_core::password::Password;
use chat_net::server::PresenceLogFormat;
use chat_store::{RosterUrl, StoreOptions, StoreUrl};
use clap::{ArgMatches, CommandFactory};

use super::args::{AccountCommand, OperatorCommand, ServerArgs, ServerCommand, ServiceCommand, UserCommand};
use super::database::{self, Database};
use super::days::Days;
use super::effective::{EffectiveSetting, Sources};
use super::limits::Limits;
use super::node_name::NodeName;
use super::presence_log::LogOptions;
use super::presence_log::since::Since;
use super::roster;
use super::service::NewService;
use super::settings::ServerSettings;
use crate::database_url;
use crate::error::CliError;
use crate::format::Format;
use crate::generate::GenerateCommand;
use crate::secret::PasswordSource;
use crate::texts::{Sentence, Texts};

/// The action.
#[derive(Debug)]
pub enum ServerTask {
    /// Describe the command line, for which neither a data folder nor a configuration is needed.
    Generate(GenerateCommand),
    /// Run as the service of the system.
    RunService {
        /// The file that receives the standard error of the server.
        log: PathBuf,
        /// The arguments of the server.
        arguments: Vec<OsString>,
    },
    /// Remove the service from the system.
    UninstallService,
    /// Serve, or work on a server's accounts, keys and state.
    Operate(Operation),
}

/// What to do, and with which data folder and certificate.
#[derive(Debug)]
pub struct Operation {
    /// The data folder.
    pub data_dir: PathBuf,
    /// The certificate to use instead of the self-signed one in the data folder.
    pub certificate: Option<CertificateFiles>,
    /// The action.
    pub action: ServerAction,
}

/// The PEM files of a certificate.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CertificateFiles {
    /// The certificate chain.
    pub chain: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// The action.
#[derive(Debug)]
pub enum ServerAction {
    /// Serve, until something asks the server to stop.
    Serve(Box<ServeOptions>, StopRequest),
    /// Install the server as a service of the system.
    InstallService(NewService),
    /// Manage accounts.
    User {
        /// The database that holds them.
        database: Database,
        /// What to do with them.
        task: UserTask<PasswordSource>,
    },
    /// Create the accounts of a file.
    Import {
        /// The database that receives them.
        database: Database,
        /// The limit of accounts, and how passwords are hashed.
        store: StoreOptions,
        /// The file.
        file: PathBuf,
        /// The format of the report.
        format: Format,
    },
    /// Print the fingerprint.
    Fingerprint,
    /// Print the line that somebody types to join.
    Invite(Format),
    /// Print the state of the running server.
    Status(Format),
    /// Print the sessions that are online.
    Online(Format),
    /// Let the running server reload its certificate and its presence log.
    Reload,
    /// Print the effective settings.
    Config(Vec<EffectiveSetting>, Format),
    /// Print the presence log.
    Log(LogOptions),
    /// Copy the database to a file.
    Backup {
        /// The database.
        database: Database,
        /// The file, which must not exist.
        to: PathBuf,
    },
    /// Copy all accounts into another database.
    Move {
        /// The database that holds them.
        from: Database,
        /// The empty database.
        to: StoreUrl,
    },
}

/// The event that ends a server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StopRequest {
    /// A signal.
    Signal,
    /// The end of standard input.
    EndOfInput,
}

/// The options that only serving needs.
#[derive(Debug)]
pub struct ServeOptions {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// The database that holds the accounts.
    pub database: Database,
    /// The roster that it shares with other servers, if it is not alone.
    pub roster: Option<RosterUrl>,
    /// The name by which operators tell it from these servers.
    pub node_name: String,
    /// The presence log, if it is not in the data folder.
    pub presence_log: Option<PathBuf>,
    /// The format of the presence log.
    pub presence_log_format: PresenceLogFormat,
    /// The address that serves metrics.
    pub metrics: Option<SocketAddr>,
    /// The limits.
    pub limits: Limits,
}

/// What to do with the accounts. `P` is a password, or the source that one comes from.
#[derive(Debug)]
pub enum UserTask<P> {
    /// Create an account.
    Add(UserName, P),
    /// Set the password of an account.
    SetPassword(UserName, P),
    /// Disable, enable or remove an account.
    SetStatus(UserName, NewStatus),
    /// List all accounts.
    List(Format),
    /// List or delete the accounts that nobody has used.
    Purge {
        /// The time since the registration of each of them is longer than this.
        unused_for: Days,
        /// Whether to delete them.
        mode: PurgeMode,
        /// The format of the list.
        format: Format,
    },
}

/// Whether unused accounts are deleted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PurgeMode {
    /// They are only listed.
    DryRun,
    /// They are deleted.
    Delete,
}

impl ServerTask {
    /// Parses arguments and environment variables, and reads the files with the configuration and the database URL that
    /// they name.
    ///
    /// # Errors
    /// A value is wrong, or two contradict each other. Also if the operator asked for help or the version.
    pub fn from_args(
        args: impl IntoIterator<Item = impl Into<OsString> + Clone>,
        texts: &Texts,
    ) -> Result<Self, CliError> {
        let args: Vec<OsString> = args.into_iter().map(Into::into).collect();
        database_url::check_arguments(&args)?;
        database_url::check_environment(&ServerArgs::command(), std::env::vars_os())?;
        let (args, matches) = ServerArgs::parse(args, texts)?;
        let command = match args.command {
            Some(ServerCommand::Generate(command)) => return Ok(Self::Generate(command)),
            Some(ServerCommand::Service(ServiceCommand::RunService { log, arguments })) => {
                return Ok(Self::RunService { log, arguments });
            }
            Some(ServerCommand::Service(ServiceCommand::UninstallService)) => return Ok(Self::UninstallService),
            Some(ServerCommand::Operate(command)) => Some(command),
            None => None,
        };
        Operation::new(command, &matches, texts).map(Self::Operate)
    }
}

impl Operation {
    fn new(command: Option<OperatorCommand>, matches: &ArgMatches, texts: &Texts) -> Result<Self, CliError> {
        let settings = ServerSettings::merge(matches)?;
        let limits = Limits::new(&settings);
        let data_dir = match &settings.data_dir {
            Some(path) => path.clone(),
            None => crate::folder::default("chat-server", "--data-dir DIR")?,
        };
        let certificate = certificate(&settings)?;
        let database = || Database::choose(settings.database.clone(), settings.database_file.clone());
        let roster = || roster::choose(settings.roster.clone(), settings.roster_file.clone());
        let listen = settings.listen.unwrap_or(LISTEN);
        let node_name = settings.node_name.clone().unwrap_or_else(|| NodeName::default(listen)).to_string();
        let stop = match command {
            Some(OperatorCommand::ServeUntilInputEnds) => StopRequest::EndOfInput,
            _ => StopRequest::Signal,
        };
        let action = match command {
            Some(OperatorCommand::Fingerprint) => ServerAction::Fingerprint,
            Some(OperatorCommand::Invite { output }) => ServerAction::Invite(output.format),
            Some(OperatorCommand::Status { output }) => ServerAction::Status(output.format),
            Some(OperatorCommand::Reload) => ServerAction::Reload,
            Some(OperatorCommand::Config { output }) => {
                let (limits, database, roster) = (limits?, database()?, roster()?);
                let sources = Sources {
                    given: matches,
                    settings: &settings,
                    limits: &limits,
                    data_dir: &data_dir,
                    database: &database,
                    roster: roster.as_ref(),
                    node_name,
                    listen: listen.to_string(),
                };
                ServerAction::Config(sources.effective(texts), output.format)
            }
            Some(OperatorCommand::Log { user, since, follow, output }) => {
                let path = settings.presence_log.unwrap_or_else(|| super::presence_log_in(&data_dir));
                let since = since.map(Since::timestamp);
                ServerAction::Log(LogOptions { path, user, since, follow, format: output.format })
            }
            Some(OperatorCommand::User(UserCommand::Account(AccountCommand::List { online: true, output }))) => {
                ServerAction::Online(output.format)
            }
            Some(OperatorCommand::User(UserCommand::Import { import_file, output })) => ServerAction::Import {
                database: database()?,
                store: limits?.store(),
                file: import_file,
                format: output.format,
            },
            Some(OperatorCommand::User(UserCommand::Account(user))) => {
                ServerAction::User { database: database()?, task: user.into() }
            }
            Some(OperatorCommand::Backup { to }) => ServerAction::Backup { database: database()?, to },
            Some(OperatorCommand::Move { to_database, to_database_file }) => {
                ServerAction::Move { from: database()?, to: database::target(to_database, to_database_file)? }
            }
            Some(OperatorCommand::InstallService) => {
                // Wrong ones are refused here, because nobody watches the start of a service.
                drop((limits?, database()?, roster()?));
                ServerAction::InstallService(NewService::new(matches, &settings, listen)?)
            }
            None | Some(OperatorCommand::ServeUntilInputEnds) => ServerAction::Serve(
                Box::new(ServeOptions {
                    listen,
                    database: database()?,
                    roster: roster()?,
                    node_name,
                    presence_log: settings.presence_log,
                    presence_log_format: settings.presence_log_format.unwrap_or_default().into(),
                    metrics: settings.metrics,
                    limits: limits?,
                }),
                stop,
            ),
        };
        Ok(Self { data_dir, certificate, action })
    }
}

/// Loopback, so that no other machine can connect before the operator allows it.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 7777);

/// The certificate that the settings name.
///
/// # Errors
/// One of its two files is missing.
pub(super) fn certificate(settings: &ServerSettings) -> Result<Option<CertificateFiles>, CliError> {
    match (settings.cert.clone(), settings.key.clone()) {
        (Some(chain), Some(key)) => Ok(Some(CertificateFiles { chain, key })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(incomplete(|texts: &Texts| texts.say().certificate_without_key(), "--key")),
        (None, Some(_)) => Err(incomplete(|texts: &Texts| texts.say().key_without_certificate(), "--cert")),
    }
}

fn incomplete(sentence: impl Into<Sentence>, option: &'static str) -> CliError {
    let placeholder = |texts: &Texts| texts.say().placeholder_file();
    CliError::usage(sentence)
        .hint(move |texts: &Texts| texts.say().hint_certificate_pair(format!("{option} <{}>", placeholder(texts))))
}

impl UserTask<PasswordSource> {
    /// Replaces the source of the password, if the task needs one, by the password that `get` takes from it.
    ///
    /// # Errors
    /// The error of `get`.
    pub fn with_password(
        self,
        get: impl FnOnce(PasswordSource) -> Result<Password, CliError>,
    ) -> Result<UserTask<Password>, CliError> {
        Ok(match self {
            Self::Add(name, source) => UserTask::Add(name, get(source)?),
            Self::SetPassword(name, source) => UserTask::SetPassword(name, get(source)?),
            Self::SetStatus(name, status) => UserTask::SetStatus(name, status),
            Self::List(format) => UserTask::List(format),
            Self::Purge { unused_for, mode, format } => UserTask::Purge { unused_for, mode, format },
        })
    }
}

impl From<AccountCommand> for UserTask<PasswordSource> {
    fn from(command: AccountCommand) -> Self {
        match command {
            AccountCommand::Add { user, password } => Self::Add(user.name, PasswordSource::new(password.password_file)),
            AccountCommand::Passwd { user, password } => {
                Self::SetPassword(user.name, PasswordSource::new(password.password_file))
            }
            AccountCommand::Disable { user } => Self::SetStatus(user.name, NewStatus::Disabled),
            AccountCommand::Enable { user } => Self::SetStatus(user.name, NewStatus::Active),
            AccountCommand::Remove { user, free_name: false } => Self::SetStatus(user.name, NewStatus::Removed),
            AccountCommand::Remove { user, free_name: true } => Self::SetStatus(user.name, NewStatus::RemovedAndFreed),
            AccountCommand::List { output, .. } => Self::List(output.format),
            AccountCommand::Purge { unused_for, yes, output } => {
                let mode = if yes { PurgeMode::Delete } else { PurgeMode::DryRun };
                Self::Purge { unused_for, mode, format: output.format }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use chat_core::server::RegistrationPolicy;

    use super::*;

    fn task(args: &[&str]) -> Result<Operation, CliError> {
        match ServerTask::from_args([&["chat-server", "--data-dir", "data"], args].concat(), &Texts::default())? {
            ServerTask::Operate(operation) => Ok(operation),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn serving_is_the_default() {
        let task = task(&["--database", "sqlite:x"]).unwrap();
        let ServerAction::Serve(serve, _) = task.action else { panic!("{task:?}") };
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
        let ServerAction::Serve(serve, _) = task.action else { panic!("{task:?}") };
        assert_eq!(serve.listen.to_string(), "[::]:0");
        assert_eq!(serve.presence_log, Some("log".into()));
        assert_eq!(serve.limits.machine().registration, RegistrationPolicy::Closed);
        assert_eq!(task.certificate, Some(CertificateFiles { chain: "c".into(), key: "k".into() }));
    }

    #[test]
    fn options_are_accepted_before_and_after_the_command() {
        for args in [
            ["--database", "sqlite:x", "user", "remove", "小明", "--free-name"],
            ["user", "remove", "小明", "--free-name", "--database", "sqlite:x"],
        ] {
            let task = task(&args).unwrap();
            let ServerAction::User { database, task: UserTask::SetStatus(name, status) } = task.action else {
                panic!("{task:?}")
            };
            assert_eq!((name.as_str(), status), ("小明", NewStatus::RemovedAndFreed));
            assert_eq!(database.url(&PathBuf::from("data")).to_string(), "sqlite:x");
        }
        assert!(matches!(task(&["fingerprint"]).unwrap().action, ServerAction::Fingerprint));
    }

    #[test]
    fn a_certificate_needs_its_key() {
        assert_eq!(task(&["--cert", "c"]).unwrap_err().exit().code(), 2);
        assert_eq!(task(&["--key", "k"]).unwrap_err().exit().code(), 2);
    }
}
