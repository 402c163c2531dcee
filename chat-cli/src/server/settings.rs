//! Every option of the server, once: as an argument, as an environment variable and as a key of the configuration file.
//!
//! Nothing here has a default, so that what was not said can still come from the next source: argument, environment,
//! file. The defaults are those of the libraries, and [`super::limits`] puts them in.

use std::env::VarError;
use std::net::SocketAddr;
use std::path::PathBuf;

use chat_core::invitation::InvitationCode;
use chat_net::server::PresenceLogFormat;
use clap::{Args, CommandFactory, ValueEnum};
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use super::args::ServerArgs;
use super::database::NamedDatabase;
use crate::config;
use crate::error::CliError;
use crate::number::Number;

/// What was said about the server, by one source or by all together.
#[derive(Args, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// A TOML file whose keys are these options, without the dashes; arguments and the environment come first
    #[arg(long, env = "CHAT_CONFIG", value_name = "FILE", global = true)]
    #[serde(skip)]
    pub config: Option<PathBuf>,

    /// Where keys, log and database are kept [default: in the user's data folder]
    #[arg(long, env = "CHAT_DATA_DIR", value_name = "DIR", global = true)]
    #[serde(deserialize_with = "config::path")]
    pub data_dir: Option<PathBuf>,

    /// sqlite:PATH or mysql://USER@HOST/DATABASE [env: CHAT_DATABASE] [default: chat.sqlite in the data folder]
    // No env of clap's: its texts would show the password.
    #[arg(long, value_name = "URL", global = true, conflicts_with = "database_file")]
    pub database: Option<NamedDatabase>,

    /// A file whose first line is the database URL
    #[arg(long, env = "CHAT_DATABASE_FILE", value_name = "FILE", global = true)]
    #[serde(deserialize_with = "config::path")]
    pub database_file: Option<PathBuf>,

    /// A certificate chain in a PEM file, instead of one made by the server itself
    #[arg(long, env = "CHAT_CERT", value_name = "FILE", global = true)]
    #[serde(deserialize_with = "config::path")]
    pub cert: Option<PathBuf>,

    /// The private key of that certificate
    #[arg(long, env = "CHAT_KEY", value_name = "FILE", global = true)]
    #[serde(deserialize_with = "config::path")]
    pub key: Option<PathBuf>,

    /// Where to listen; port 0 lets the system choose [default: 127.0.0.1:7777]
    #[arg(long, env = "CHAT_LISTEN", value_name = "IP:PORT", value_parser = crate::address::parse)]
    #[serde(deserialize_with = "config::address")]
    pub listen: Option<SocketAddr>,

    /// Who came and went, one line each [default: presence.log in the data folder]
    #[arg(long, env = "CHAT_PRESENCE_LOG", value_name = "FILE")]
    #[serde(deserialize_with = "config::path")]
    pub presence_log: Option<PathBuf>,

    /// What a line of it looks like [default: text]
    #[arg(long, env = "CHAT_PRESENCE_LOG_FORMAT", value_enum, value_name = "FORMAT")]
    pub presence_log_format: Option<LogFormat>,

    /// Where Prometheus may ask for /metrics, for example 127.0.0.1:9778 [default: nowhere]
    #[arg(long, env = "CHAT_METRICS", value_name = "IP:PORT", value_parser = crate::address::parse)]
    #[serde(deserialize_with = "config::address")]
    pub metrics: Option<SocketAddr>,

    /// Whether new users may make an account [default: open]
    #[arg(long, env = "CHAT_REGISTRATION", value_enum, value_name = "POLICY")]
    pub registration: Option<Registration>,

    /// The code that those who may register know. No argument, because others can see arguments.
    #[arg(skip)]
    #[serde(deserialize_with = "invitation_code")]
    pub invitation_code: Option<InvitationCode>,

    /// The most connections, logged in or not [default: 10000]
    #[arg(long, env = "CHAT_MAX_CONNECTIONS", value_name = "NUMBER", help_heading = LIMITS)]
    pub max_connections: Option<Number<1, 1_000_000>>,

    /// The most connections from one address (of IPv6: one /64 network) [default: 128]
    #[arg(long, env = "CHAT_MAX_CONNECTIONS_PER_ADDRESS", value_name = "NUMBER", help_heading = LIMITS)]
    pub max_connections_per_address: Option<Number<1, 1_000_000>>,

    /// The most connections that have not logged in [default: 2048]
    #[arg(long, env = "CHAT_MAX_GUESTS", value_name = "NUMBER", help_heading = LIMITS)]
    pub max_guests: Option<Number<1, 1_000_000>>,

    /// The most users online, which is the length of the roster [default: 10000]
    #[arg(long, env = "CHAT_MAX_SESSIONS", value_name = "NUMBER", help_heading = LIMITS)]
    pub max_sessions: Option<Number<1, 1_000_000>>,

    /// The most accounts, removed ones included [default: 100000]
    #[arg(long, env = "CHAT_MAX_ACCOUNTS", value_name = "NUMBER", help_heading = LIMITS)]
    pub max_accounts: Option<Number<1, 100_000_000>>,

    /// The accounts that may be made in an hour, by registering [default: 1000]
    #[arg(long, env = "CHAT_REGISTRATIONS_PER_HOUR", value_name = "NUMBER", help_heading = LIMITS)]
    pub registrations_per_hour: Option<Number<1, 1_000_000>>,

    /// The same from one address (of IPv6: one /64 network) [default: 200]
    #[arg(long, env = "CHAT_REGISTRATIONS_PER_ADDRESS", value_name = "NUMBER", help_heading = LIMITS)]
    pub registrations_per_address: Option<Number<1, 1_000_000>>,

    /// How long a TLS handshake may take [default: 10]
    #[arg(long, env = "CHAT_HANDSHAKE_TIME", value_name = "SECONDS", help_heading = LIMITS)]
    pub handshake_time: Option<Number<1, 600>>,

    /// How long a connection may take to say hello, and then to make each attempt to log in [default: 10]
    #[arg(long, env = "CHAT_LOGIN_TIME", value_name = "SECONDS", help_heading = LIMITS)]
    pub login_time: Option<Number<1, 600>>,

    /// The frames that one connection may send per second in the long run [default: 10]
    #[arg(long, env = "CHAT_FRAMES_PER_SECOND", value_name = "NUMBER", help_heading = LIMITS)]
    pub frames_per_second: Option<Number<1, 10_000>>,

    /// The frames that may come at once, after a pause [default: 40]
    #[arg(long, env = "CHAT_FRAME_BURST", value_name = "NUMBER", help_heading = LIMITS)]
    pub frame_burst: Option<Number<1, 100_000>>,

    /// The most password checks under way or waiting, fewer if they would take more than 10 s, and
    /// no fewer than 256; who comes then is told when to try again [default: 1024]
    #[arg(long, env = "CHAT_MAX_PASSWORD_CHECKS", value_name = "NUMBER", help_heading = LIMITS)]
    pub max_password_checks: Option<Number<1, 100_000>>,

    /// Threads that check passwords, with 19 MiB each [default: as many as processors, at most 4]
    #[arg(long, env = "CHAT_PASSWORD_THREADS", value_name = "NUMBER", help_heading = LIMITS)]
    pub password_threads: Option<Number<1, 256>>,
}

const LIMITS: &str = "Limits";

/// Whether new users may make an account.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Registration {
    /// They may
    #[default]
    Open,
    /// Who knows the code of CHAT_INVITATION_CODE, or of the key invitation-code of the file
    Invited,
    /// Only `chat-server user add` makes accounts
    Closed,
}

/// What a line of the presence log looks like.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// For people
    #[default]
    Text,
    /// One JSON object per line, for programs
    Json,
}

impl From<LogFormat> for PresenceLogFormat {
    fn from(format: LogFormat) -> Self {
        match format {
            LogFormat::Text => Self::Text,
            LogFormat::Json => Self::Json,
        }
    }
}

impl Settings {
    /// Adds what the configuration file says to what arguments and environment said, which come first.
    ///
    /// # Errors
    /// The file cannot be read, or something in it is wrong.
    pub fn with_file(self) -> Result<Self, CliError> {
        let said = Self { invitation_code: invitation_of_environment()?, ..self };
        said.with_keys()
    }

    fn with_keys(self) -> Result<Self, CliError> {
        let Some(path) = &self.config else { return Ok(self) };
        let keys = keys();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let file: Self = config::read(path, &keys)?;
        if file.database.is_some() && file.database_file.is_some() {
            return Err(CliError::usage(format_args!("{} has both database and database-file", path.display()))
                .hint("leave one of the two keys out"));
        }
        if file.database.as_ref().is_some_and(NamedDatabase::holds_password) {
            config::warn_if_open(path, "a password");
        } else if file.invitation_code.is_some() {
            config::warn_if_open(path, "an invitation code");
        }
        Ok(self.or(file))
    }

    fn or(self, file: Self) -> Self {
        // Both keys say the same thing, so whoever names one of them overrides the other of the file, too.
        let names_database =
            self.database.is_some() || self.database_file.is_some() || NamedDatabase::is_in_environment();
        let (database, database_file) = if names_database { (None, None) } else { (file.database, file.database_file) };
        Self {
            config: self.config,
            data_dir: self.data_dir.or(file.data_dir),
            database: self.database.or(database),
            database_file: self.database_file.or(database_file),
            cert: self.cert.or(file.cert),
            key: self.key.or(file.key),
            listen: self.listen.or(file.listen),
            presence_log: self.presence_log.or(file.presence_log),
            presence_log_format: self.presence_log_format.or(file.presence_log_format),
            metrics: self.metrics.or(file.metrics),
            registration: self.registration.or(file.registration),
            invitation_code: self.invitation_code.or(file.invitation_code),
            max_guests: self.max_guests.or(file.max_guests),
            max_sessions: self.max_sessions.or(file.max_sessions),
            max_accounts: self.max_accounts.or(file.max_accounts),
            registrations_per_hour: self.registrations_per_hour.or(file.registrations_per_hour),
            registrations_per_address: self.registrations_per_address.or(file.registrations_per_address),
            max_connections: self.max_connections.or(file.max_connections),
            max_connections_per_address: self.max_connections_per_address.or(file.max_connections_per_address),
            handshake_time: self.handshake_time.or(file.handshake_time),
            login_time: self.login_time.or(file.login_time),
            frames_per_second: self.frames_per_second.or(file.frames_per_second),
            frame_burst: self.frame_burst.or(file.frame_burst),
            max_password_checks: self.max_password_checks.or(file.max_password_checks),
            password_threads: self.password_threads.or(file.password_threads),
        }
    }
}

/// The keys of the file: the options of serving, without those that only make sense as arguments.
pub fn keys() -> Vec<String> {
    let command = ServerArgs::command();
    let options = command.get_arguments().filter_map(clap::Arg::get_long);
    let options = options.filter(|name| !matches!(*name, "config" | "help" | "version"));
    // A secret, and therefore no option.
    options.chain(["invitation-code"]).map(str::to_owned).collect()
}

/// The environment variable of the invitation code.
const INVITATION_CODE: &str = "CHAT_INVITATION_CODE";

fn invitation_of_environment() -> Result<Option<InvitationCode>, CliError> {
    match std::env::var(INVITATION_CODE).map(Zeroizing::new) {
        Ok(code) => InvitationCode::parse(&code).map(Some).map_err(|error| error.to_string()),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err("it is not UTF-8".to_owned()),
    }
    .map_err(|why| CliError::usage(format_args!("{INVITATION_CODE} cannot be used: {why}")))
}

fn invitation_code<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<InvitationCode>, D::Error> {
    let code = Zeroizing::new(String::deserialize(deserializer)?);
    InvitationCode::parse(&code).map(Some).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn file(content: &str) -> (tempfile::TempDir, Settings) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.toml");
        fs::write(&path, content).unwrap();
        (folder, Settings { config: Some(path), ..Settings::default() })
    }

    #[test]
    fn every_option_is_a_key_and_every_key_an_option() {
        let keys = keys();
        // A key that is an option but not a field would be refused as unknown; a wrong value of it is not.
        for key in &keys {
            let (_folder, settings) = file(&format!("{key} = {{}}"));
            let error = format!("{:?}", settings.with_file().unwrap_err());
            assert!(!error.contains("there is no key"), "{key}: {error}");
        }
        assert_eq!(keys.len(), 24, "{keys:?}");
    }

    /// Each key of the example, as its line says once it is no comment any more.
    #[test]
    fn the_example_and_the_reference_have_every_key() {
        let (example, reference) =
            (include_str!("../../../packaging/server.toml"), include_str!("../../../docs/OPERATIONS.md"));
        for key in keys() {
            let line = example
                .lines()
                .map(|line| line.strip_prefix("# ").unwrap_or(line))
                .find(|line| line.starts_with(&format!("{key} = ")));
            let line = line.unwrap_or_else(|| panic!("packaging/server.toml lacks {key}"));
            let (_folder, settings) = file(line);
            assert!(settings.with_file().is_ok(), "{line}");
            let row = reference.lines().any(|line| line.starts_with("| `") && line.contains(&format!("`{key}`")));
            assert!(row, "docs/OPERATIONS.md lacks {key}");
        }
    }

    #[test]
    fn arguments_come_before_the_file() {
        let (_folder, said) = file("listen = '[::]:1'\nframe-burst = 50\ndatabase = 'sqlite:x'\n");
        let settings = Settings { listen: Some("[::]:2".parse().unwrap()), ..said }.with_file().unwrap();
        assert_eq!(settings.listen.unwrap().port(), 2);
        assert_eq!(settings.frame_burst.map(Number::get), Some(50));
        assert!(settings.database.is_some());
        let (_folder, said) = file("database = 'sqlite:x'\n");
        let settings = Settings { database_file: Some("url".into()), ..said }.with_file().unwrap();
        assert!(settings.database.is_none(), "the file's database is not the one that was named");
    }

    #[test]
    fn a_file_names_its_database_once() {
        let (_folder, settings) = file("database = 'sqlite:x'\ndatabase-file = 'y'\n");
        assert_eq!(settings.with_file().unwrap_err().exit().code(), 2);
    }
}
