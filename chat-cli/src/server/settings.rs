//! The options of `chat-server`: as arguments, as environment variables, and as keys of the configuration file.
//!
//! The options have no defaults. [`Limits`](super::limits::Limits) fills in those of the libraries.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use chat_core::invitation::InvitationCode;
use chat_net::server::PresenceLogFormat;
use clap::builder::BoolishValueParser;
use clap::{ArgMatches, Args, ValueEnum};
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use super::database::NamedDatabase;
use crate::config::{self, Settings};
use crate::database_url;
use crate::error::CliError;
use crate::folder;
use crate::invitation;
use crate::number::Number;

/// The options that the operator gave, from one source or merged from all.
#[derive(Args, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ServerSettings {
    /// A TOML file that sets these options, without the dashes; arguments and the environment take precedence
    #[arg(long, env = "CHAT_CONFIG", value_name = "FILE", global = true)]
    #[serde(skip)]
    pub(super) config: Option<PathBuf>,

    /// The folder for keys, presence log and database [default: in the user's data folder]
    #[arg(long, env = "CHAT_DATA_DIR", value_name = "DIR", global = true)]
    #[serde(deserialize_with = "config::path")]
    pub(super) data_dir: Option<PathBuf>,

    /// sqlite:PATH or mysql://USER@HOST/DATABASE [env: CHAT_DATABASE] [default: chat.sqlite in the data folder]
    // Without clap's `env`, because clap shows the variable's value, and with it a password.
    #[arg(long, value_name = "URL", global = true, conflicts_with = "database_file")]
    pub(super) database: Option<NamedDatabase>,

    /// A file whose first line is the database URL
    #[arg(long, env = "CHAT_DATABASE_FILE", value_name = "FILE", global = true)]
    #[serde(deserialize_with = "config::path")]
    pub(super) database_file: Option<PathBuf>,

    /// A certificate chain in a PEM file, instead of the server's self-signed certificate
    #[arg(long, env = "CHAT_CERT", value_name = "FILE", global = true)]
    #[serde(deserialize_with = "config::path")]
    pub(super) cert: Option<PathBuf>,

    /// The private key of that certificate, in a PEM file
    #[arg(long, env = "CHAT_KEY", value_name = "FILE", global = true)]
    #[serde(deserialize_with = "config::path")]
    pub(super) key: Option<PathBuf>,

    /// The address to listen on; port 0 lets the system choose [default: 127.0.0.1:7777]
    #[arg(long, env = "CHAT_LISTEN", value_name = "IP:PORT", value_parser = crate::address::parse)]
    #[serde(deserialize_with = "config::bind_address")]
    pub(super) listen: Option<SocketAddr>,

    /// The file that records arrivals and departures [default: presence.log in the data folder]
    #[arg(long, env = "CHAT_PRESENCE_LOG", value_name = "FILE")]
    #[serde(deserialize_with = "config::path")]
    pub(super) presence_log: Option<PathBuf>,

    /// The format of the presence log [default: text]
    #[arg(long, env = "CHAT_PRESENCE_LOG_FORMAT", value_enum, value_name = "FORMAT")]
    pub(super) presence_log_format: Option<LogFormat>,

    /// The address that serves /metrics to Prometheus, for example 127.0.0.1:9778 [default: none]
    #[arg(long, env = "CHAT_METRICS", value_name = "IP:PORT", value_parser = crate::address::parse)]
    #[serde(deserialize_with = "config::bind_address")]
    pub(super) metrics: Option<SocketAddr>,

    /// Who can register an account [default: open]
    #[arg(long, env = "CHAT_REGISTRATION", value_enum, value_name = "POLICY")]
    pub(super) registration: Option<Registration>,

    /// The code for [`Registration::Invited`]. Not an argument, because other users of the machine can read arguments.
    #[arg(skip)]
    #[serde(deserialize_with = "invitation_code")]
    pub(super) invitation_code: Option<InvitationCode>,

    /// Whether connections come directly from the clients' machines; no if a port forwarder, proxy or container engine is
    /// in front of the server, so that it sees one address for all [default: yes]
    #[arg(long, env = "CHAT_TRUST_OBSERVED", value_name = "yes|no", value_parser = BoolishValueParser::new(),
        hide_possible_values = true)]
    pub(super) trust_observed: Option<bool>,

    /// Maximum number of connections, logged in or not [default: 10000]
    #[arg(long, env = "CHAT_MAX_CONNECTIONS", value_name = "NUMBER", help_heading = LIMITS)]
    pub(super) max_connections: Option<Number<1, 1_000_000>>,

    /// Maximum number of connections from one address (IPv6: one /64 network) [default: 256]
    #[arg(long, env = "CHAT_MAX_CONNECTIONS_PER_ADDRESS", value_name = "NUMBER", help_heading = LIMITS)]
    pub(super) max_connections_per_address: Option<Number<1, 1_000_000>>,

    /// Maximum number of connections that have not logged in [default: 2048]
    #[arg(long, env = "CHAT_MAX_GUESTS", value_name = "NUMBER", help_heading = LIMITS)]
    pub(super) max_guests: Option<Number<1, 1_000_000>>,

    /// Maximum number of users online, which is the length of the roster [default: 10000]
    #[arg(long, env = "CHAT_MAX_SESSIONS", value_name = "NUMBER", help_heading = LIMITS)]
    pub(super) max_sessions: Option<Number<1, 1_000_000>>,

    /// Number of sessions that one account may begin together; then one more each 10 s [default: 20]
    #[arg(long, env = "CHAT_SESSIONS_PER_ACCOUNT", value_name = "NUMBER", help_heading = LIMITS)]
    pub(super) sessions_per_account: Option<Number<1, 1_000_000>>,

    /// Maximum number of accounts, including removed ones [default: 100000]
    #[arg(long, env = "CHAT_MAX_ACCOUNTS", value_name = "NUMBER", help_heading = LIMITS)]
    pub(super) max_accounts: Option<Number<1, 100_000_000>>,

    /// Maximum number of registrations per hour [default: 1000]
    #[arg(long, env = "CHAT_REGISTRATIONS_PER_HOUR", value_name = "NUMBER", help_heading = LIMITS)]
    pub(super) registrations_per_hour: Option<Number<1, 1_000_000>>,

    /// Maximum number of registrations per hour from one address (IPv6: one /64 network) [default: 200]
    #[arg(long, env = "CHAT_REGISTRATIONS_PER_ADDRESS", value_name = "NUMBER", help_heading = LIMITS)]
    pub(super) registrations_per_address: Option<Number<1, 1_000_000>>,

    /// Time limit for a TLS handshake [default: 10]
    #[arg(long, env = "CHAT_HANDSHAKE_TIME", value_name = "SECONDS", help_heading = LIMITS)]
    pub(super) handshake_time: Option<Number<1, 600>>,

    /// Time limit from the connection to the login, all attempts included [default: 10]
    #[arg(long, env = "CHAT_LOGIN_TIME", value_name = "SECONDS", help_heading = LIMITS)]
    pub(super) login_time: Option<Number<1, 600>>,

    /// Frames per second that a connection may send on average [default: 10]
    #[arg(long, env = "CHAT_FRAMES_PER_SECOND", value_name = "NUMBER", help_heading = LIMITS)]
    pub(super) frames_per_second: Option<Number<1, 10_000>>,

    /// Frames that a connection may send in one burst after a pause [default: 40]
    #[arg(long, env = "CHAT_FRAME_BURST", value_name = "NUMBER", help_heading = LIMITS)]
    pub(super) frame_burst: Option<Number<1, 100_000>>,

    /// Maximum number of password checks running or waiting; fewer if they would take more than 10 s. Further clients
    /// receive a retry time [default: 1024]
    #[arg(long, env = "CHAT_MAX_PASSWORD_CHECKS", value_name = "NUMBER", help_heading = LIMITS)]
    pub(super) max_password_checks: Option<Number<1, 100_000>>,

    /// Threads that check passwords, each with 19 MiB of memory [default: number of processors, at most 4]
    #[arg(long, env = "CHAT_PASSWORD_THREADS", value_name = "NUMBER", help_heading = LIMITS)]
    pub(super) password_threads: Option<Number<1, 256>>,
}

const LIMITS: &str = "Limits";

/// Who can register an account.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Registration {
    /// Anyone
    #[default]
    Open,
    /// Only with the invitation code (CHAT_INVITATION_CODE or `invitation-code`)
    Invited,
    /// No one; `chat-server user add` creates accounts
    Closed,
}

/// The format of the presence log.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(super) enum LogFormat {
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

impl ServerSettings {
    /// Combines all sources; see [`config::merge`]. The environment's invitation code takes precedence over the file's.
    ///
    /// # Errors
    /// The file or the invitation code is wrong.
    pub(super) fn merge(given: &ArgMatches) -> Result<Self, CliError> {
        let mut settings: Self = config::merge(given)?;
        if let Some(code) = invitation::from_environment()? {
            settings.invitation_code = Some(code);
        }
        Ok(settings)
    }
}

impl Settings for ServerSettings {
    const SECRET_KEYS: &'static [&'static str] = &["invitation-code"];

    fn check_file(&self, path: &Path) -> Result<(), CliError> {
        let paths = [
            ("data-dir", &self.data_dir),
            ("database-file", &self.database_file),
            ("cert", &self.cert),
            ("key", &self.key),
            ("presence-log", &self.presence_log),
        ];
        for (key, value) in paths {
            if let Some(value) = value {
                database_url::check_value(&format!("{}: {key}", path.display()), value.as_os_str())?;
            }
        }
        if self.database.is_some() && self.database_file.is_some() {
            return Err(CliError::usage(format_args!("{} sets both database and database-file", path.display()))
                .hint("remove one of the two keys"));
        }
        if self.database.as_ref().is_some_and(NamedDatabase::holds_password) {
            folder::warn_if_open(path, "a password");
        } else if self.invitation_code.is_some() {
            folder::warn_if_open(path, "an invitation code");
        }
        Ok(())
    }

    fn yield_to(&mut self, given: &Self) {
        // Each of the two names the database, and so does the environment variable, which clap does not know.
        if given.database.is_some() || given.database_file.is_some() || NamedDatabase::is_in_environment() {
            (self.database, self.database_file) = (None, None);
        }
    }
}

fn invitation_code<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<InvitationCode>, D::Error> {
    let code = Zeroizing::new(String::deserialize(deserializer)?);
    InvitationCode::parse(&code).map(Some).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use clap::Command;

    use super::*;

    fn merged(content: &str, args: &[&str]) -> Result<ServerSettings, CliError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.toml");
        fs::write(&path, content).unwrap();
        let args = [&["chat-server", "--config", path.to_str().unwrap()], args].concat();
        ServerSettings::merge(&ServerSettings::augment_args(Command::new("chat-server")).get_matches_from(args))
    }

    #[test]
    fn every_option_is_a_key_and_every_key_an_option() {
        let keys = config::keys::<ServerSettings>();
        for key in &keys {
            // A wrong type, so that only an unknown key is reported as one.
            let error = format!("{:?}", merged(&format!("{key} = {{}}"), &[]).unwrap_err());
            assert!(!error.contains("there is no key"), "{key}: {error}");
        }
        assert_eq!(keys.len(), 26, "{keys:?}");
    }

    #[test]
    fn the_example_file_and_the_reference_contain_every_key() {
        let (example, reference) =
            (include_str!("../../../packaging/server.toml"), include_str!("../../../docs/OPERATIONS.md"));
        for key in config::keys::<ServerSettings>() {
            let line = example
                .lines()
                .map(|line| line.strip_prefix("# ").unwrap_or(line))
                .find(|line| line.starts_with(&format!("{key} = ")));
            let line = line.unwrap_or_else(|| panic!("packaging/server.toml lacks {key}"));
            assert!(merged(line, &[]).is_ok(), "{line}");
            let row = reference.lines().any(|line| line.starts_with("| `") && line.contains(&format!("`{key}`")));
            assert!(row, "docs/OPERATIONS.md lacks {key}");
        }
    }

    #[test]
    fn arguments_take_precedence_over_the_file() {
        let file = "listen = '[::]:1'\nframe-burst = 50\ndatabase = 'sqlite:x'\n";
        let settings = merged(file, &["--listen", "[::]:2"]).unwrap();
        assert_eq!(settings.listen.unwrap().port(), 2);
        assert_eq!(settings.frame_burst.map(Number::get), Some(50));
        assert!(settings.database.is_some());
        let settings = merged(file, &["--database-file", "url"]).unwrap();
        assert!(settings.database.is_none(), "an argument that names a file replaces the database of the file");
    }

    #[test]
    fn a_file_may_not_set_two_databases() {
        let error = merged("database = 'sqlite:x'\ndatabase-file = 'y'\n", &[]).unwrap_err();
        assert_eq!(error.exit().code(), 2);
    }
}
