//! The options of `chat-client`: as arguments, as environment variables, and as keys of the configuration file.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use chat_core::name::UserName;
use chat_net::address::{AdvertisedAddress, ServerAddress};
use chat_net::identity::Fingerprint;
use clap::Args;
use clap::builder::BoolishValueParser;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::named_servers::NamedServers;
use super::reach::ReachChoice;
use super::text::ColorChoice;
use crate::config::{self, Settings};
use crate::error::CliError;
use crate::format::Format;
use crate::path;
use crate::texts::{Language, Texts};

/// The options that the user gave, from one source or merged from all. Their help is in `locales`, and
/// [`super::args`] adds it.
#[derive(Args, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ClientSettings {
    #[arg(long, env = "CHAT_LANG", value_enum, value_name = "LANGUAGE", ignore_case = true, global = true)]
    pub(super) lang: Option<Language>,

    #[arg(long, env = "CHAT_CONFIG", value_name = "FILE", value_parser = path::parser())]
    #[serde(skip)]
    pub(super) config: Option<PathBuf>,

    #[arg(long, env = "CHAT_SERVER", value_name = "HOST:PORT", value_delimiter = ',')]
    #[serde(deserialize_with = "config::one_or_more")]
    pub(super) server: Vec<ServerAddress>,

    #[arg(long, env = "CHAT_USER", value_name = "NAME")]
    #[serde(deserialize_with = "config::from_str")]
    pub(super) user: Option<UserName>,

    #[arg(long, env = "CHAT_REGISTER", value_name = "yes|no", value_parser = BoolishValueParser::new(), num_args = 0..=1,
        require_equals = true, default_missing_value = "yes", hide_possible_values = true)]
    pub(super) register: Option<bool>,

    #[arg(long, env = "CHAT_PASSWORD_FILE", value_name = "FILE", value_parser = path::parser())]
    #[serde(deserialize_with = "config::path")]
    pub(super) password_file: Option<PathBuf>,

    #[arg(long, env = "CHAT_INVITATION_FILE", value_name = "FILE", value_parser = path::parser())]
    #[serde(deserialize_with = "config::path")]
    pub(super) invitation_file: Option<PathBuf>,

    #[arg(long, env = "CHAT_UDP", value_name = "IP:PORT", value_parser = crate::address::parse)]
    #[serde(deserialize_with = "config::bind_address")]
    pub(super) udp: Option<SocketAddr>,

    #[arg(long, env = "CHAT_ADVERTISE", value_name = "IP[:PORT]", value_delimiter = ',')]
    #[serde(deserialize_with = "advertised_addresses")]
    pub(super) advertise: Vec<AdvertisedAddress>,

    #[arg(long, env = "CHAT_REACH", value_enum, value_name = "MODE")]
    pub(super) reach: Option<ReachChoice>,

    #[arg(long, env = "CHAT_FINGERPRINT", value_name = "HEX", conflicts_with = "ca")]
    #[serde(deserialize_with = "config::from_str")]
    pub(super) fingerprint: Option<Fingerprint>,

    #[arg(long, env = "CHAT_ACCEPT_NEW", value_name = "yes|no", value_parser = BoolishValueParser::new(), num_args = 0..=1,
        require_equals = true, default_missing_value = "yes", hide_possible_values = true)]
    pub(super) accept_new: Option<bool>,

    #[arg(long, env = "CHAT_CA", value_name = "FILE", value_parser = path::parser())]
    #[serde(deserialize_with = "config::path")]
    pub(super) ca: Option<PathBuf>,

    #[arg(long, env = "CHAT_KNOWN_SERVERS", value_name = "FILE", value_parser = path::parser(), global = true)]
    #[serde(deserialize_with = "config::path")]
    pub(super) known_servers: Option<PathBuf>,

    #[arg(long, env = "CHAT_FORMAT", value_enum, value_name = "FORMAT")]
    pub(super) format: Option<Format>,

    #[arg(long, env = "CHAT_COLOR", value_enum, value_name = "WHEN")]
    pub(super) color: Option<ColorChoice>,

    #[arg(long, env = "CHAT_BELL", value_name = "yes|no", value_parser = BoolishValueParser::new(), num_args = 0..=1,
        require_equals = true, default_missing_value = "yes", hide_possible_values = true)]
    pub(super) bell: Option<bool>,

    #[arg(long, env = "CHAT_HISTORY", value_name = "FILE|none", value_parser = path::parser())]
    #[serde(deserialize_with = "config::path")]
    pub(super) history: Option<PathBuf>,

    #[arg(long, env = "CHAT_INPUT", value_enum, value_name = "FORMAT")]
    pub(super) input: Option<Format>,

    #[arg(long, env = "CHAT_STAY", value_name = "yes|no", value_parser = BoolishValueParser::new(), num_args = 0..=1,
        require_equals = true, default_missing_value = "yes", hide_possible_values = true)]
    pub(super) stay: Option<bool>,

    /// The servers that have names. Tables of the file only.
    #[arg(skip)]
    pub(super) servers: NamedServers,
}

impl Settings for ClientSettings {
    const FILE_KEYS: &'static [&'static str] = &["servers"];

    fn check_file(&self, path: &Path) -> Result<(), CliError> {
        let trusts = [self.fingerprint.is_some(), self.accept_new == Some(true), self.ca.is_some()];
        if trusts.into_iter().filter(|set| *set).count() > 1 {
            let file = path.display().to_string();
            return Err(CliError::usage(move |texts: &Texts| texts.say().client_trust_conflict_in_file(&file))
                .hint(|texts: &Texts| texts.say().hint_trust_conflict_in_file()));
        }
        if self.reach == Some(ReachChoice::Relay) && !self.advertise.is_empty() {
            let file = path.display().to_string();
            return Err(CliError::usage(move |texts: &Texts| texts.say().client_reach_conflict_in_file(&file))
                .hint(|texts: &Texts| texts.say().hint_reach_conflict_in_file()));
        }
        Ok(())
    }

    fn yield_to(&mut self, given: &Self) {
        // Each of the three decides which server to trust.
        if given.fingerprint.is_some() || given.accept_new.is_some() || given.ca.is_some() {
            (self.fingerprint, self.accept_new, self.ca) = (None, None, None);
        }
        // The argument --reach relay hides every address, also those that the configuration file advertises.
        if given.reach == Some(ReachChoice::Relay) {
            self.advertise.clear();
        }
    }
}

fn advertised_addresses<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<AdvertisedAddress>, D::Error> {
    let addresses = Vec::<String>::deserialize(deserializer)?;
    addresses.iter().map(|address| address.parse().map_err(D::Error::custom)).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use clap::Command;

    use super::*;

    fn read(content: &str) -> Result<ClientSettings, CliError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("client.toml");
        fs::write(&path, content).unwrap();
        let command = ClientSettings::augment_args(Command::new("chat-client"));
        config::merge(&command.get_matches_from(["chat-client", "--config", path.to_str().unwrap()]))
    }

    #[test]
    fn every_option_is_a_key() {
        for key in config::keys::<ClientSettings>() {
            // A wrong type, so that only an unknown key is reported as one.
            let error = format!("{:?}", read(&format!("{key} = [[]]")).unwrap_err());
            assert!(!error.contains("there is no key"), "{key}: {error}");
        }
    }

    #[test]
    fn names_of_servers_are_tables() {
        let settings = read("user = 'alice'\n[servers.lab]\naddress = 'lab:1'\n").unwrap();
        assert_eq!(settings.servers.find("lab").unwrap().addresses[0].to_string(), "lab:1");
        let several = read("server = ['north', 'south:1']\n[servers.lab]\naddress = ['lab', 'ship:2']\n").unwrap();
        let texts = |servers: &[ServerAddress]| servers.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(texts(&several.server), ["north:7777", "south:1"]);
        assert_eq!(texts(&several.servers.find("lab").unwrap().addresses), ["lab:7777", "ship:2"]);
        let wrong = format!("{:?}", read("server = ['north', 'south:x']").unwrap_err());
        assert!(wrong.contains("'x' is not a port"), "{wrong}");
        assert!(read("[servers.lab]\naddress = []\n").is_err());
        let error = format!("{:?}", read("[servers.lab]\nadress = 'lab:1'\n").unwrap_err());
        assert!(
            error.contains("line 2: there is no key 'adress'") && error.contains("did you mean address?"),
            "{error}"
        );
        let error = format!("{:?}", read("[servers.lab]\naddress = 'lab:x'\n").unwrap_err());
        assert!(error.contains("line 2: 'x' is not a port"), "{error}");
        assert!(read("servers = 1").is_err());
    }

    #[test]
    fn keys_take_the_values_of_the_options() {
        let settings = read(
            "server = 'lab:1'\nuser = '小明'\nregister = true\nadvertise = ['10.0.0.7', '10.0.0.8:5000']\nformat = 'json'",
        )
        .unwrap();
        assert_eq!((settings.server[0].to_string().as_str(), settings.register), ("lab:1", Some(true)));
        assert_eq!((settings.advertise.len(), settings.format, settings.input), (2, Some(Format::Json), None));
        assert!(read("user = 'two words'").is_err());
        assert!(read("accept-new = true\nca = 'x'").is_err());
        assert_eq!(read("reach = 'direct'").unwrap().reach, Some(ReachChoice::Direct));
        assert!(read("reach = 'everywhere'").is_err());
        assert!(read("reach = 'relay'\nadvertise = ['10.0.0.7']").is_err());
    }
}
