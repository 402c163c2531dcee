//! The options of `chat-server`: as arguments, as environment variables, and as keys of the configuration file.
//!
//! The options have no defaults. [`Limits`](super::limits::Limits) fills in those of the libraries.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use chat_core::invitation::InvitationCode;
use chat_core::relay::RelayConfig;
use chat_net::server::PresenceLogFormat;
use chat_store::{RosterUrl, StoreUrl};
use clap::builder::BoolishValueParser;
use clap::{ArgMatches, Args, ValueEnum};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use zeroize::Zeroizing;

use super::database::{self, NamedDatabase};
use super::node_name::NodeName;
use super::roster::{self, NamedRoster};
use crate::config::{self, Settings};
use crate::database_url;
use crate::error::CliError;
use crate::folder;
use crate::invitation;
use crate::number::Number;
use crate::path;
use crate::texts::{Language, Sentence, Texts};

/// The options that the operator gave, from one source or merged from all. Their help is in `locales`, and
/// [`super::args`] adds it.
#[derive(Args, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ServerSettings {
    #[arg(long, env = "CHAT_LANG", value_enum, value_name = "LANGUAGE", ignore_case = true, global = true)]
    pub(super) lang: Option<Language>,

    #[arg(long, env = "CHAT_CONFIG", value_name = "FILE", value_parser = path::parser(), global = true)]
    #[serde(skip)]
    pub(super) config: Option<PathBuf>,

    #[arg(long, env = "CHAT_DATA_DIR", value_name = "DIR", value_parser = path::parser(), global = true)]
    #[serde(deserialize_with = "config::path")]
    pub(super) data_dir: Option<PathBuf>,

    // Without clap's `env`, because clap shows the variable's value, and with it a password.
    #[arg(long, value_name = "URL", global = true, conflicts_with = "database_file")]
    pub(super) database: Option<NamedDatabase>,

    #[arg(long, env = "CHAT_DATABASE_FILE", value_name = "FILE", value_parser = path::parser(), global = true)]
    #[serde(deserialize_with = "config::path")]
    pub(super) database_file: Option<PathBuf>,

    // Without clap's `env`, for the same reason.
    #[arg(long, value_name = "URL", conflicts_with = "roster_file")]
    pub(super) roster: Option<NamedRoster>,

    #[arg(long, env = "CHAT_ROSTER_FILE", value_name = "FILE", value_parser = path::parser())]
    #[serde(deserialize_with = "config::path")]
    pub(super) roster_file: Option<PathBuf>,

    #[arg(long, env = "CHAT_NODE_NAME", value_name = "NAME")]
    pub(super) node_name: Option<NodeName>,

    #[arg(long, env = "CHAT_CERT", value_name = "FILE", value_parser = path::parser(), global = true)]
    #[serde(deserialize_with = "config::path")]
    pub(super) cert: Option<PathBuf>,

    #[arg(long, env = "CHAT_KEY", value_name = "FILE", value_parser = path::parser(), global = true)]
    #[serde(deserialize_with = "config::path")]
    pub(super) key: Option<PathBuf>,

    #[arg(long, env = "CHAT_LISTEN", value_name = "IP:PORT", value_parser = crate::address::parse)]
    #[serde(deserialize_with = "config::bind_address")]
    pub(super) listen: Option<SocketAddr>,

    #[arg(long, env = "CHAT_PRESENCE_LOG", value_name = "FILE", value_parser = path::parser(), global = true)]
    #[serde(deserialize_with = "config::path")]
    pub(super) presence_log: Option<PathBuf>,

    #[arg(long, env = "CHAT_PRESENCE_LOG_FORMAT", value_enum, value_name = "FORMAT")]
    pub(super) presence_log_format: Option<LogFormat>,

    #[arg(long, env = "CHAT_METRICS", value_name = "IP:PORT", value_parser = crate::address::parse)]
    #[serde(deserialize_with = "config::bind_address")]
    pub(super) metrics: Option<SocketAddr>,

    #[arg(long, env = "CHAT_REGISTRATION", value_enum, value_name = "POLICY")]
    pub(super) registration: Option<Registration>,

    /// The code for [`Registration::Invited`]. Not an argument, because other users of the machine can read arguments.
    #[arg(skip)]
    #[serde(deserialize_with = "invitation_code")]
    pub(super) invitation_code: Option<InvitationCode>,

    #[arg(long, env = "CHAT_TRUST_OBSERVED", value_name = "yes|no", value_parser = BoolishValueParser::new(),
        hide_possible_values = true)]
    pub(super) trust_observed: Option<bool>,

    #[arg(long, env = "CHAT_MAX_CONNECTIONS", value_name = "NUMBER")]
    pub(super) max_connections: Option<Number<1, 1_000_000>>,

    #[arg(long, env = "CHAT_MAX_CONNECTIONS_PER_ADDRESS", value_name = "NUMBER")]
    pub(super) max_connections_per_address: Option<Number<1, 1_000_000>>,

    #[arg(long, env = "CHAT_MAX_GUESTS", value_name = "NUMBER")]
    pub(super) max_guests: Option<Number<1, 1_000_000>>,

    #[arg(long, env = "CHAT_MAX_SESSIONS", value_name = "NUMBER")]
    pub(super) max_sessions: Option<Number<1, 1_000_000>>,

    #[arg(long, env = "CHAT_SESSIONS_PER_ACCOUNT", value_name = "NUMBER")]
    pub(super) sessions_per_account: Option<Number<1, 1_000_000>>,

    #[arg(long, env = "CHAT_MAX_ACCOUNTS", value_name = "NUMBER")]
    pub(super) max_accounts: Option<Number<1, 100_000_000>>,

    #[arg(long, env = "CHAT_REGISTRATIONS_PER_HOUR", value_name = "NUMBER")]
    pub(super) registrations_per_hour: Option<Number<1, 1_000_000>>,

    #[arg(long, env = "CHAT_REGISTRATIONS_PER_ADDRESS", value_name = "NUMBER")]
    pub(super) registrations_per_address: Option<Number<1, 1_000_000>>,

    #[arg(long, env = "CHAT_HANDSHAKE_TIME", value_name = "SECONDS")]
    pub(super) handshake_time: Option<Number<1, 600>>,

    #[arg(long, env = "CHAT_LOGIN_TIME", value_name = "SECONDS")]
    pub(super) login_time: Option<Number<1, 600>>,

    #[arg(long, env = "CHAT_FRAMES_PER_SECOND", value_name = "NUMBER")]
    pub(super) frames_per_second: Option<Number<1, 10_000>>,

    #[arg(long, env = "CHAT_FRAME_BURST", value_name = "NUMBER")]
    pub(super) frame_burst: Option<Number<1, 100_000>>,

    #[arg(long, env = "CHAT_MAX_PASSWORD_CHECKS", value_name = "NUMBER")]
    pub(super) max_password_checks: Option<Number<1, 100_000>>,

    #[arg(long, env = "CHAT_PASSWORD_THREADS", value_name = "NUMBER")]
    pub(super) password_threads: Option<Number<1, 256>>,

    #[arg(long, env = "CHAT_RELAY", value_enum, value_name = "on|off", hide_possible_values = true)]
    pub(super) relay: Option<Switch>,

    #[arg(long, env = "CHAT_RELAY_RATE", value_name = "NUMBER")]
    pub(super) relay_rate: Option<Number<LEAST_KIB, MOST_KIB>>,

    #[arg(long, env = "CHAT_RELAY_BURST", value_name = "NUMBER")]
    pub(super) relay_burst: Option<Number<LEAST_KIB, MOST_KIB>>,

    #[arg(long, env = "CHAT_RELAY_TOTAL", value_name = "NUMBER")]
    pub(super) relay_total: Option<Number<LEAST_KIB, MOST_KIB>>,

    #[arg(long, env = "CHAT_RELAY_MEMORY", value_name = "NUMBER")]
    pub(super) relay_memory: Option<Number<LEAST_MEMORY_KIB, MOST_KIB>>,
}

/// The least and the highest limit of the relay, in KiB: what it can work with, and what fits its 32-bit numbers.
const LEAST_KIB: u64 = RelayConfig::LEAST as u64 / 1_024;
const MOST_KIB: u64 = u32::MAX as u64 / 1_024;

/// The least memory of the relay, in KiB: it holds one full lane.
const LEAST_MEMORY_KIB: u64 = 128;

/// Whether something is switched on.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Switch {
    On,
    Off,
}

/// Who can register an account.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Registration {
    /// Anyone.
    #[default]
    Open,
    /// Only those who have the invitation code.
    Invited,
    /// No one. An operator creates the accounts.
    Closed,
}

/// The format of the presence log.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(super) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line, for programs.
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
            ("roster-file", &self.roster_file),
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
            let file = path.display().to_string();
            return Err(CliError::usage(move |texts: &Texts| texts.say().two_databases_in_file(&file))
                .hint(|texts: &Texts| texts.say().hint_two_databases()));
        }
        if self.roster.is_some() && self.roster_file.is_some() {
            let file = path.display().to_string();
            return Err(CliError::usage(move |texts: &Texts| texts.say().two_rosters_in_file(&file))
                .hint(|texts: &Texts| texts.say().hint_two_databases()));
        }
        if self.database.as_ref().is_some_and(NamedDatabase::holds_password)
            || self.roster.as_ref().is_some_and(NamedRoster::holds_password)
        {
            folder::warn_if_open(path, "a password");
        } else if self.invitation_code.is_some() {
            folder::warn_if_open(path, "an invitation code");
        }
        Ok(())
    }

    fn describe(key: &str, value: &str) -> Option<Sentence> {
        match key {
            "database" => StoreUrl::parse(value).err().map(Sentence::about),
            "roster" => RosterUrl::parse(value).err().map(Sentence::about),
            "invitation-code" => InvitationCode::parse(value).err().map(Sentence::about),
            _ => None,
        }
    }

    fn yield_to(&mut self, given: &Self) {
        // Each of the two names the database, and so does the environment variable, which clap does not know.
        if given.database.is_some() || given.database_file.is_some() || database::SOURCES.is_in_environment() {
            (self.database, self.database_file) = (None, None);
        }
        if given.roster.is_some() || given.roster_file.is_some() || roster::SOURCES.is_in_environment() {
            (self.roster, self.roster_file) = (None, None);
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
        assert_eq!(keys.len(), 35, "{keys:?}");
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
