//! What a server in a window shares with `chat-server`: its options, its data folder, its database and its certificate,
//! so that the same clients know it, and that the commands of operators reach it.

use std::ffi::OsString;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use chat_core::accounts::AccountError;
use chat_core::invitation::InvitationCode;
use chat_core::name::UserName;
use chat_core::password::Password;
use chat_core::presence::Record;
use chat_core::server::{ObservedAddresses, RegistrationPolicy};
use chat_core::time::Timestamp;
use chat_net::ServerHandle;
use chat_net::identity::Fingerprint;
use chat_store::{RosterUrl, SqlAccounts, StoreUrl};
use clap::{Args, Command};
use zeroize::Zeroizing;

use super::announcer::Announcer;
use super::database::Database;
use super::limits::Limits;
use super::node_name::NodeName;
use super::roster;
use super::running::RunningServer;
use super::settings::ServerSettings;
use super::start::{NotStarted, Started, start};
pub use super::start::{StartAdvice, StartPart};
use super::status::{self, Status};
use super::task::{CertificateFiles, ServeOptions, certificate};
use super::{args, users};
use crate::client::desktop;
use crate::error::CliError;
use crate::fingerprint::in_groups;
use crate::folder::{self, DataFolder};
use crate::texts::{Language, Localised, Sentence, ServerWindowSentence, Texts, help};
use crate::{address, database_url, early, environment, private_file};

/// The name of the program, and of its help.
const NAME: &str = "chat-server-desktop";

/// The program whose data folder a window uses unless another one is named.
const SERVER: &str = "chat-server";

/// Begins a program with a window, as [`begin`](desktop::begin) does. The log is in the data folder that a server uses by
/// default.
pub fn begin() -> Option<PathBuf> {
    desktop::begin_program(SERVER, NAME)
}

/// The language: that of `--lang`, else of the environment, else the one that a window `remembered`, else that of the
/// configuration file that is named, else of the locale.
pub fn language_or(args: &[OsString], remembered: Option<Language>) -> Language {
    early::language_or(args, None, remembered)
}

/// What the arguments, the environment and the configuration file say before a window opens: all options of
/// `chat-server`. Those that a window asks for are suggestions there.
#[derive(Debug)]
pub struct ServerDesktopOptions {
    /// The address to listen on, if one is named.
    pub listen: Option<SocketAddr>,
    /// The data folder, if one is named.
    pub data_dir: Option<PathBuf>,
    /// The data folder that is used otherwise. `None` if the user has no home folder.
    pub default_data_dir: Option<PathBuf>,
    /// The registration policy, if one is set.
    pub registration: Option<RegistrationPolicy>,
    serve: ServeSettings,
}

/// The options that a window does not ask for.
#[derive(Clone, Debug)]
struct ServeSettings {
    database: Database,
    roster: Option<RosterUrl>,
    node_name: Option<NodeName>,
    certificate: Option<CertificateFiles>,
    presence_log: Option<PathBuf>,
    presence_log_format: chat_net::server::PresenceLogFormat,
    metrics: Option<SocketAddr>,
    limits: Limits,
}

impl ServerDesktopOptions {
    /// Parses the arguments and the environment, and reads the files that they name.
    ///
    /// # Errors
    /// A value is wrong, or two contradict each other. Also if the operator asked for help or the version.
    pub fn from_args(args: &[OsString], texts: &Texts) -> Result<Self, CliError> {
        database_url::check_arguments(args)?;
        let command = ServerSettings::augment_args(Command::new(NAME))
            .version(env!("CARGO_PKG_VERSION"))
            .about(ServerWindowSentence::About.text(texts))
            .mut_args(|arg| args::describe(arg, texts));
        database_url::check_environment(&command, std::env::vars_os())?;
        let matches = environment::parse(&help::localise(command, texts), args)?;
        let settings = ServerSettings::merge(&matches)?;
        let limits = Limits::new(&settings)?;
        let is_registration_set = settings.registration.is_some() || settings.invitation_code.is_some();
        Ok(Self {
            listen: settings.listen,
            default_data_dir: folder::default(SERVER, "--data-dir DIR").ok(),
            registration: is_registration_set.then(|| limits.machine().registration.clone()),
            serve: ServeSettings {
                database: Database::choose(settings.database.clone(), settings.database_file.clone())?,
                roster: roster::choose(settings.roster.clone(), settings.roster_file.clone())?,
                node_name: settings.node_name.clone(),
                certificate: certificate(&settings)?,
                presence_log: settings.presence_log,
                presence_log_format: settings.presence_log_format.unwrap_or_default().into(),
                metrics: settings.metrics,
                limits,
            },
            data_dir: settings.data_dir,
        })
    }

    /// The database that the options name, without its password.
    pub fn named_database(&self) -> Option<String> {
        self.serve.database.named().map(ToString::to_string)
    }

    /// Prepares a server. `observer` is called for each record, and must not block.
    ///
    /// # Errors
    /// The server cannot start: what is unusable, and what the operator can do.
    pub async fn host(
        &self,
        wanted: HostSettings,
        observer: impl FnMut(&Record) + Send + 'static,
    ) -> Result<Host, HostError> {
        let HostSettings { listen, data_dir, database, registration } = wanted;
        let ServeSettings {
            roster,
            node_name,
            certificate,
            presence_log,
            presence_log_format,
            metrics,
            mut limits,
            ..
        } = self.serve.clone();
        limits.set_registration(registration);
        let database = match database {
            HostDatabase::InFolder => Database::from(None),
            HostDatabase::Named => self.serve.database.clone(),
            HostDatabase::Url(DatabaseUrl(url)) => Database::from(Some(url)),
        };
        let node_name = node_name.unwrap_or_else(|| NodeName::default(listen)).to_string();
        let options =
            ServeOptions { listen, database, roster, node_name, presence_log, presence_log_format, metrics, limits };
        // Progress and the lines about a reload are for a terminal.
        let texts = Texts::default();
        let folder = DataFolder::open(data_dir).map_err(NotStarted::from)?;
        let path = folder.path().to_owned();
        let started = start(folder, certificate, options, |_| observer, &texts).await?;
        Ok(Host { running: started.running().clone(), started, folder: path })
    }
}

/// The settings with which a window starts a server.
#[derive(Debug)]
pub struct HostSettings {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// The data folder.
    pub data_dir: PathBuf,
    /// The database.
    pub database: HostDatabase,
    /// The registration policy.
    pub registration: RegistrationPolicy,
}

/// The choice of a database.
#[derive(Clone, Debug)]
pub enum HostDatabase {
    /// The SQLite file in the data folder.
    InFolder,
    /// The one that the options name.
    Named,
    /// The one at this URL.
    Url(DatabaseUrl),
}

/// The URL of a database, as it was typed. Neither `Display` nor `Debug` shows the password.
#[derive(Clone, Debug)]
pub struct DatabaseUrl(StoreUrl);

impl DatabaseUrl {
    /// Parses a URL.
    ///
    /// # Errors
    /// The sentence about what is wrong, which quotes no part of it.
    pub fn parse(typed: &str) -> Result<Self, Sentence> {
        StoreUrl::parse(typed).map(Self).map_err(Sentence::about)
    }
}

/// Why a server did not start.
#[derive(Clone, Debug)]
pub struct HostError {
    /// The setting that is unusable.
    pub part: StartPart,
    /// The sentence about it, with what the operator can do.
    pub sentence: Sentence,
}

impl From<NotStarted> for HostError {
    fn from(NotStarted { part, advice, error }: NotStarted) -> Self {
        let problem = error.into_sentence();
        let sentence = match advice {
            None => problem,
            Some(advice) => Sentence::from(move |texts: &Texts| {
                let problem = problem.text(texts);
                ServerWindowSentence::Advice { problem, advice }.text(texts)
            }),
        };
        Self { part, sentence }
    }
}

/// A server that is ready to run.
#[must_use = "a server accepts no client until it runs"]
#[derive(Debug)]
pub struct Host {
    started: Started,
    running: RunningServer,
    folder: PathBuf,
}

impl Host {
    /// The handles to the server.
    pub fn controls(&self) -> HostControls {
        HostControls { running: self.running.clone(), folder: self.folder.clone() }
    }

    /// Runs the server until `stop` resolves. The clients receive the reason.
    ///
    /// # Errors
    /// The server has to stop: the sentence about it.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<(), Sentence> {
        let texts = Texts::default();
        let (announcer, _writer) = Announcer::new(io::sink(), texts.clone()).map_err(CliError::into_sentence)?;
        self.started.run(announcer, stop, &texts).await.map_err(CliError::into_sentence)
    }
}

/// Handles to a server. Clones belong to the same one.
#[derive(Clone, Debug)]
pub struct HostControls {
    running: RunningServer,
    folder: PathBuf,
}

impl HostControls {
    /// The server.
    pub fn server(&self) -> &ServerHandle {
        &self.running.server
    }

    /// Its accounts.
    pub fn accounts(&self) -> &SqlAccounts {
        &self.running.accounts
    }

    /// Its status now.
    pub fn status(&self) -> HostStatus {
        HostStatus(self.running.status())
    }

    /// What others need to know to join, and what does not change while the server runs.
    pub fn facts(&self) -> HostFacts {
        let invitation = self.running.invitation();
        let addresses = invitation.reachable();
        let listening = self.running.server.address();
        let reach = if self.running.observed_addresses == ObservedAddresses::Ignored {
            Reach::Forwarder
        } else if listening.ip().is_loopback() {
            Reach::ThisMachine
        } else if addresses.is_empty() {
            Reach::Nowhere
        } else {
            Reach::Others
        };
        HostFacts {
            listening,
            invitation: addresses.first().map(|address| invitation.command(*address)),
            addresses,
            reach,
            fingerprint: self.running.server.fingerprint(),
            folder: self.folder.clone(),
            database: self.running.facts.database.clone(),
        }
    }
}

/// What others need to know to join a server, and where it keeps its data.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HostFacts {
    /// The address on which the server listens.
    pub listening: SocketAddr,
    /// The addresses at which others reach it, the most likely one first.
    pub addresses: Vec<SocketAddr>,
    /// The networks from which clients reach it.
    pub reach: Reach,
    /// The line that a colleague types, as `chat-server invite` prints it. `None` if the machine has no address.
    pub invitation: Option<String>,
    /// The fingerprint by which clients know the server.
    pub fingerprint: Fingerprint,
    /// The data folder.
    pub folder: PathBuf,
    /// The URL of the database, without its password.
    pub database: String,
}

/// The networks from which clients reach a server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reach {
    /// Everyone in the networks of this machine.
    Others,
    /// The programs of this machine only.
    ThisMachine,
    /// A forwarder, whose address the clients need instead.
    Forwarder,
    /// Nobody: the machine has no address.
    Nowhere,
}

/// The status of a server at one moment. The default is that of a server which has counted nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HostStatus(Status);

impl HostStatus {
    /// Reads what `chat-server status --format json` printed.
    ///
    /// # Errors
    /// It is something else.
    pub fn from_json(text: &str) -> serde_json::Result<Self> {
        serde_json::from_str(text).map(Self)
    }

    /// The number of sessions that are online.
    pub const fn online(&self) -> u64 {
        self.0.online
    }

    /// The number of logins since the start.
    pub const fn logins(&self) -> u64 {
        self.0.logins.password + self.0.logins.resumed + self.0.logins.fresh
    }

    /// The number of rejections since the start.
    pub fn refused(&self) -> u64 {
        self.0.refused.values().sum()
    }

    /// Rises when the roster changes.
    pub const fn revision(&self) -> u64 {
        self.0.roster_changes
    }

    /// When the server started.
    pub const fn started_at(&self) -> Timestamp {
        Timestamp::from_millis(self.0.facts.started_at)
    }

    /// Names and values, as `chat-server status` prints them, with the start as the window shows times, and the fingerprint
    /// in groups.
    pub fn rows(&self, texts: &Texts, started: String) -> Vec<(String, String)> {
        let plain = self.0.fingerprint.clone();
        let fingerprint = plain.parse().map_or(plain, |fingerprint| in_groups(fingerprint).join("\n"));
        status::rows(&self.0, texts, started, fingerprint)
    }
}

/// The file of the settings of the window. `None` if the user has no home folder.
pub fn settings_file() -> Option<PathBuf> {
    folder::default(SERVER, "--data-dir DIR").ok().map(|folder| folder.join("desktop-settings"))
}

/// Replaces a file by one that only its owner can read, and creates its folder if it is missing.
///
/// # Errors
/// The system refuses. The previous file stays.
pub fn save_private(path: &Path, text: &str) -> io::Result<()> {
    private_file::replace(path, text)
}

/// Parses an address to listen on, `IP:PORT`.
///
/// # Errors
/// The sentence about what is wrong.
pub fn listen_address(typed: &str) -> Result<SocketAddr, Sentence> {
    address::parse(typed).map_err(Sentence::about)
}

/// The sentence about a change of an account that failed.
pub fn account_problem(user: UserName, error: AccountError) -> Sentence {
    users::describe(user, error).into_sentence()
}

/// The sentence about a list of accounts that failed.
pub fn list_problem(error: AccountError) -> Sentence {
    users::failed(error).into_sentence()
}

/// A new invitation code that nobody guesses: 60 random bits.
///
/// # Panics
/// The system provides no randomness.
pub fn new_invitation_code() -> InvitationCode {
    InvitationCode::parse(&random_groups(3)).expect("12 letters and digits are a valid code")
}

/// A new password that nobody guesses, for an account whose owner forgot the previous one: 80 random bits.
///
/// # Panics
/// The system provides no randomness.
pub fn new_password() -> Password {
    Password::parse(&random_groups(4)).expect("16 letters and digits are a valid password")
}

/// Groups of four random characters with 5 bits each. No two of the characters look alike (Crockford's base 32).
fn random_groups(count: usize) -> Zeroizing<String> {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    // Enough room, because a string that grows leaves copies behind.
    let mut groups = Zeroizing::new(String::with_capacity(count * 5));
    let mut bytes = Zeroizing::new([0; 4]);
    for group in 0..count {
        getrandom::fill(&mut *bytes).expect("the system provides randomness, as TLS needs it too");
        if group > 0 {
            groups.push('-');
        }
        groups.extend(bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])));
    }
    groups
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn options(args: &[&str]) -> Result<ServerDesktopOptions, CliError> {
        let args: Vec<OsString> = [NAME].iter().chain(args).map(OsString::from).collect();
        ServerDesktopOptions::from_args(&args, &Texts::default())
    }

    #[test]
    fn the_options_of_chat_server_count_and_its_commands_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("server.toml");
        fs::write(&file, "listen = '[::]:9'\ndatabase = 'mysql://ann:hush@db/chat'\ninvitation-code = 'spring-2026'\n")
            .unwrap();
        let options_in_file = options(&["--config", file.to_str().unwrap(), "--data-dir", "data"]).unwrap();
        assert_eq!(options_in_file.listen.map(|address| address.to_string()).as_deref(), Some("[::]:9"));
        assert_eq!(options_in_file.data_dir, Some("data".into()));
        assert_eq!(options_in_file.named_database().as_deref(), Some("mysql://ann:***@db:3306/chat"));
        assert!(matches!(options_in_file.registration, Some(RegistrationPolicy::Invited(_))));
        assert!(!format!("{options_in_file:?}").contains("hush"));
        let nothing = options(&[]).unwrap();
        assert_eq!((nothing.listen, nothing.data_dir, nothing.registration), (None, None, None));
        for wrong in [&["invite"][..], &["--listen", "x"], &["--database", "mysql://ann:hush@db/chat"]] {
            assert_eq!(options(wrong).unwrap_err().exit().code(), 2, "{wrong:?}");
        }
        assert_eq!(options(&["--help"]).unwrap_err().exit().code(), 0);
    }

    #[test]
    fn codes_and_passwords_are_valid_and_differ() {
        let [one, other] = [new_password(), new_password()];
        assert_ne!(one.expose(), other.expose());
        assert_eq!(one.expose().len(), 19);
        assert_ne!(new_invitation_code(), new_invitation_code());
    }
}
