//! `chat-server config`: the effective value of each setting, and where it comes from.

use std::path::{Path, PathBuf};

use chat_store::RosterUrl;
use clap::ArgMatches;
use clap::parser::ValueSource;
use serde::Serialize;

use super::database::{self, Database};
use super::limits::{KIB, Limits};
use super::roster;
use super::settings::{ServerSettings, Switch};
use super::status::json_lines;
use crate::format::Format;
use crate::table::{Cell, Table};
use crate::texts::Texts;
use crate::{environment, invitation};

/// A setting as the server would use it. docs/JSON.md documents the fields.
#[derive(Debug, Eq, PartialEq, Serialize)]
pub struct EffectiveSetting {
    key: &'static str,
    /// `None` if there is no value. Of a secret, only that there is one.
    value: Option<String>,
    source: SettingSource,
    /// The argument, the variable, the file or the key that it comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
}

/// The kind of place that a setting comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum SettingSource {
    Argument,
    Environment,
    File,
    /// Another setting names the file with the value.
    Setting,
    Default,
}

/// Stands for the value of a secret.
const SECRET: &str = "***";

/// The sources of the settings, as they were read.
pub(super) struct Sources<'a> {
    pub(super) given: &'a ArgMatches,
    pub(super) settings: &'a ServerSettings,
    pub(super) limits: &'a Limits,
    pub(super) data_dir: &'a Path,
    pub(super) database: &'a Database,
    pub(super) roster: Option<&'a RosterUrl>,
    pub(super) node_name: String,
    pub(super) listen: String,
}

impl Sources<'_> {
    /// All settings, in the order of the options.
    pub(super) fn effective(&self, texts: &Texts) -> Vec<EffectiveSetting> {
        let Self { settings, limits, data_dir, .. } = *self;
        let (machine, store) = (limits.machine(), limits.store());
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let yes_no = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
        let log = settings.presence_log.clone().unwrap_or_else(|| super::presence_log_in(data_dir));
        let mut all = vec![
            self.setting("lang", settings.lang.is_some(), Some(texts.language().name().to_owned())),
            self.setting("data-dir", settings.data_dir.is_some(), Some(data_dir.display().to_string())),
            self.database(),
            self.setting("database-file", settings.database_file.is_some(), path(&settings.database_file)),
            self.roster(),
            self.setting("roster-file", settings.roster_file.is_some(), path(&settings.roster_file)),
            self.setting("node-name", settings.node_name.is_some(), Some(self.node_name.clone())),
            self.setting("cert", settings.cert.is_some(), path(&settings.cert)),
            self.setting("key", settings.key.is_some(), path(&settings.key)),
            self.setting("listen", settings.listen.is_some(), Some(self.listen.clone())),
            self.setting("presence-log", settings.presence_log.is_some(), Some(log.display().to_string())),
            self.setting(
                "presence-log-format",
                settings.presence_log_format.is_some(),
                Some(value_name(settings.presence_log_format.unwrap_or_default())),
            ),
            self.setting("metrics", settings.metrics.is_some(), settings.metrics.map(|address| address.to_string())),
            self.setting("registration", settings.registration.is_some(), Some(limits.registration().to_owned())),
            self.invitation_code(),
            self.setting(
                "trust-observed",
                settings.trust_observed.is_some(),
                Some(yes_no(settings.trust_observed.unwrap_or(true))),
            ),
        ];
        let numbers = [
            ("max-connections", settings.max_connections.is_some(), machine.max_connections as u64),
            (
                "max-connections-per-address",
                settings.max_connections_per_address.is_some(),
                machine.max_connections_per_address as u64,
            ),
            ("max-guests", settings.max_guests.is_some(), machine.max_guests as u64),
            ("max-sessions", settings.max_sessions.is_some(), machine.max_sessions as u64),
            ("sessions-per-account", settings.sessions_per_account.is_some(), machine.sessions_per_account.into()),
            ("max-accounts", settings.max_accounts.is_some(), store.max_accounts.into()),
            (
                "registrations-per-hour",
                settings.registrations_per_hour.is_some(),
                machine.registrations_per_hour.into(),
            ),
            (
                "registrations-per-address",
                settings.registrations_per_address.is_some(),
                machine.registrations_per_address.into(),
            ),
            ("handshake-time", settings.handshake_time.is_some(), limits.handshake_time().as_secs()),
            ("login-time", settings.login_time.is_some(), machine.login_time.as_secs()),
            ("frames-per-second", settings.frames_per_second.is_some(), machine.frames_per_second.into()),
            ("frame-burst", settings.frame_burst.is_some(), machine.frame_burst.into()),
            ("max-password-checks", settings.max_password_checks.is_some(), machine.max_checks as u64),
            ("password-threads", settings.password_threads.is_some(), store.hashing.threads.get() as u64),
        ];
        all.extend(numbers.map(|(key, is_set, number)| self.setting(key, is_set, Some(number.to_string()))));
        all.extend(self.relay());
        all
    }

    fn relay(&self) -> Vec<EffectiveSetting> {
        let (settings, relay) = (self.settings, self.limits.relay_limits());
        let numbers = [
            ("relay-rate", settings.relay_rate.is_some(), u64::from(relay.rate / KIB)),
            ("relay-burst", settings.relay_burst.is_some(), u64::from(relay.burst / KIB)),
            ("relay-total", settings.relay_total.is_some(), u64::from(relay.total / KIB)),
            ("relay-memory", settings.relay_memory.is_some(), relay.memory as u64 / u64::from(KIB)),
        ];
        let switch = value_name(settings.relay.unwrap_or(Switch::On));
        let mut all = vec![self.setting("relay", settings.relay.is_some(), Some(switch))];
        all.extend(numbers.map(|(key, is_set, number)| self.setting(key, is_set, Some(number.to_string()))));
        all
    }

    /// A setting whose argument, variable and key have the same name. `is_set` is whether any of them sets it.
    fn setting(&self, key: &'static str, is_set: bool, value: Option<String>) -> EffectiveSetting {
        let (source, from) = match self.given.value_source(&key.replace('-', "_")) {
            Some(ValueSource::CommandLine) => (SettingSource::Argument, Some(format!("--{key}"))),
            Some(ValueSource::EnvVariable) => (SettingSource::Environment, Some(variable_of(key))),
            _ if is_set => (SettingSource::File, self.file()),
            _ => (SettingSource::Default, None),
        };
        EffectiveSetting { key, value, source, from }
    }

    fn database(&self) -> EffectiveSetting {
        let (key, value) = ("database", Some(self.database.url(self.data_dir).to_string()));
        let (source, from) = if self.settings.database.is_some() {
            return self.setting(key, true, value);
        } else if self.settings.database_file.is_some() {
            (SettingSource::Setting, Some("database-file".to_owned()))
        } else if database::SOURCES.is_in_environment() {
            (SettingSource::Environment, Some(variable_of(key)))
        } else {
            (SettingSource::Default, None)
        };
        EffectiveSetting { key, value, source, from }
    }

    fn roster(&self) -> EffectiveSetting {
        let (key, value) = ("roster", self.roster.map(ToString::to_string));
        let (source, from) = if self.settings.roster.is_some() {
            return self.setting(key, true, value);
        } else if self.settings.roster_file.is_some() {
            (SettingSource::Setting, Some("roster-file".to_owned()))
        } else if roster::SOURCES.is_in_environment() {
            (SettingSource::Environment, Some(variable_of(key)))
        } else {
            (SettingSource::Default, None)
        };
        EffectiveSetting { key, value, source, from }
    }

    fn invitation_code(&self) -> EffectiveSetting {
        let (key, is_set) = ("invitation-code", self.settings.invitation_code.is_some());
        let (source, from) = if is_set && environment::is_set(invitation::VARIABLE) {
            (SettingSource::Environment, Some(invitation::VARIABLE.to_owned()))
        } else if is_set {
            (SettingSource::File, self.file())
        } else {
            (SettingSource::Default, None)
        };
        EffectiveSetting { key, value: is_set.then(|| SECRET.to_owned()), source, from }
    }

    fn file(&self) -> Option<String> {
        self.settings.config.as_ref().map(|file| file.display().to_string())
    }
}

/// The environment variable of an option.
fn variable_of(key: &str) -> String {
    format!("CHAT_{}", key.replace('-', "_").to_ascii_uppercase())
}

/// The name of a value as it is written in an argument.
fn value_name(value: impl clap::ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// The settings for people as a table, or for scripts as JSON.
pub(super) fn show(settings: &[EffectiveSetting], format: Format, texts: &Texts) -> String {
    if format == Format::Json { json_lines(settings) } else { table(settings, texts).for_standard_output() }
}

fn table(settings: &[EffectiveSetting], texts: &Texts) -> Table<3> {
    let t = texts.say();
    let mut table = Table::new([t.column_setting(), t.column_value(), t.column_source()]);
    for EffectiveSetting { key, value, source, from } in settings {
        let none = || Cell::new("", t.status_none());
        let value = value.clone().map_or_else(none, Cell::from);
        let from = from.as_deref().unwrap_or_default();
        let words = match source {
            SettingSource::Argument => t.source_argument(from),
            SettingSource::Environment => t.source_environment(from),
            SettingSource::File => t.source_file(from),
            SettingSource::Setting => t.source_setting(from),
            SettingSource::Default => t.source_default(),
        };
        let code = match source {
            SettingSource::Argument => "argument",
            SettingSource::Environment => "environment",
            SettingSource::File => "file",
            SettingSource::Setting => "setting",
            SettingSource::Default => "default",
        };
        table.row([(*key).to_owned().into(), value, Cell::new(format!("{code} {from}").trim_end(), words)]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::Language;

    #[test]
    fn the_table_in_both_languages() {
        let setting = |key, value: Option<&str>, source, from: Option<&str>| EffectiveSetting {
            key,
            value: value.map(str::to_owned),
            source,
            from: from.map(str::to_owned),
        };
        let settings = [
            setting("lang", Some("en"), SettingSource::Environment, Some("CHAT_LANG")),
            setting("data-dir", Some("/var/lib/聊天"), SettingSource::Argument, Some("--data-dir")),
            setting("database", Some("mysql://ann:***@db:3306/chat"), SettingSource::Setting, Some("database-file")),
            setting("metrics", None, SettingSource::Default, None),
            setting("invitation-code", Some(SECRET), SettingSource::File, Some("/etc/chat-server/server.toml")),
        ];
        let tables =
            [Language::English, Language::Chinese].map(|language| table(&settings, &Texts::new(language)).columns());
        insta::assert_snapshot!("config", tables.join("\n"));
    }
}
