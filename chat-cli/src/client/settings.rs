//! The configuration file of `chat-client`: what arguments and environment leave open.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use chat_core::name::UserName;
use chat_net::address::{AdvertisedAddress, ServerAddress};
use chat_net::identity::Fingerprint;
use clap::CommandFactory;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::args::{ClientArgs, Format};
use crate::config;
use crate::error::CliError;

/// The keys, named as the options are.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Settings {
    #[serde(deserialize_with = "config::typed")]
    pub(super) server: Option<ServerAddress>,
    #[serde(deserialize_with = "config::typed")]
    pub(super) user: Option<UserName>,
    pub(super) register: Option<bool>,
    #[serde(deserialize_with = "config::path")]
    pub(super) password_file: Option<PathBuf>,
    #[serde(deserialize_with = "config::path")]
    pub(super) invitation_file: Option<PathBuf>,
    #[serde(deserialize_with = "config::address")]
    pub(super) udp: Option<SocketAddr>,
    #[serde(deserialize_with = "advertised")]
    pub(super) advertise: Vec<AdvertisedAddress>,
    #[serde(deserialize_with = "config::typed")]
    pub(super) fingerprint: Option<Fingerprint>,
    pub(super) accept_new: Option<bool>,
    #[serde(deserialize_with = "config::path")]
    pub(super) ca: Option<PathBuf>,
    #[serde(deserialize_with = "config::path")]
    pub(super) known_servers: Option<PathBuf>,
    pub(super) format: Option<Format>,
    pub(super) input: Option<Format>,
}

impl Settings {
    /// Reads the file.
    ///
    /// # Errors
    /// It cannot be read, or something in it is wrong.
    pub(super) fn read(path: &Path) -> Result<Self, CliError> {
        let keys = keys();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let settings: Self = config::read(path, &keys)?;
        let trusts = [settings.fingerprint.is_some(), settings.accept_new == Some(true), settings.ca.is_some()];
        if trusts.into_iter().filter(|said| *said).count() > 1 {
            let sentence = format!("{} has more than one of fingerprint, accept-new and ca", path.display());
            return Err(CliError::usage(sentence).hint("leave one of them: they say in different ways whom to trust"));
        }
        Ok(settings)
    }
}

fn keys() -> Vec<String> {
    let command = ClientArgs::command();
    let options = command.get_arguments().filter_map(clap::Arg::get_long);
    options.filter(|name| !matches!(*name, "config" | "help" | "version")).map(str::to_owned).collect()
}

fn advertised<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<AdvertisedAddress>, D::Error> {
    let typed = Vec::<String>::deserialize(deserializer)?;
    typed.iter().map(|address| address.parse().map_err(D::Error::custom)).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn read(content: &str) -> Result<Settings, CliError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("client.toml");
        fs::write(&path, content).unwrap();
        Settings::read(&path)
    }

    #[test]
    fn every_option_is_a_key() {
        for key in keys() {
            let error = format!("{:?}", read(&format!("{key} = {{}}")).unwrap_err());
            assert!(!error.contains("there is no key"), "{key}: {error}");
        }
    }

    #[test]
    fn values_are_those_of_the_options() {
        let settings = read(
            "server = 'lab:1'\nuser = '小明'\nregister = true\nadvertise = ['10.0.0.7', '10.0.0.8:5000']\nformat = 'json'",
        )
        .unwrap();
        assert_eq!((settings.server.unwrap().to_string().as_str(), settings.register), ("lab:1", Some(true)));
        assert_eq!((settings.advertise.len(), settings.format, settings.input), (2, Some(Format::Json), None));
        assert!(read("user = 'two words'").is_err());
        assert!(read("accept-new = true\nca = 'x'").is_err());
    }
}
