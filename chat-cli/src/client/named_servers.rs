//! The servers that the configuration file gives names to, and what a word that stands for a server means.

use std::collections::BTreeMap;

use chat_core::name::UserName;
use chat_net::address::{AddressError, ServerAddress};
use chat_net::identity::Fingerprint;
use serde::Deserialize;
use serde::de::{Deserializer, Error};

use crate::config;
use crate::input_error::most_like;
use crate::texts::{Sentence, Texts};

/// The table `servers` of the configuration file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct NamedServers(BTreeMap<String, NamedServer>);

/// One server of the table.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct NamedServer {
    /// Its address, and those of the servers that share its roster. At least one.
    #[serde(rename = "address", deserialize_with = "addresses")]
    pub addresses: Vec<ServerAddress>,
    /// The fingerprint of its key. Without one, the file of known servers decides.
    #[serde(default, deserialize_with = "config::from_str")]
    pub fingerprint: Option<Fingerprint>,
    /// The user name there.
    #[serde(default, deserialize_with = "config::from_str")]
    pub user: Option<UserName>,
}

fn addresses<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<ServerAddress>, D::Error> {
    let addresses: Vec<ServerAddress> = config::one_or_more(deserializer)?;
    if addresses.is_empty() { Err(D::Error::missing_field("address")) } else { Ok(addresses) }
}

impl NamedServers {
    /// The server of this name, or at this address. Servers that share a roster are written with commas in between.
    ///
    /// # Errors
    /// There is no server of this name, and it is no address.
    pub fn find(&self, typed: &str) -> Result<NamedServer, Sentence> {
        if let Some(server) = self.0.get(typed) {
            return Ok(server.clone());
        }
        let addresses = split_addresses(typed).map_err(Sentence::about)?;
        Ok(NamedServer { addresses, fingerprint: None, user: None })
    }

    /// The server that an argument without an option stands for. An address is one that contains a dot or a colon,
    /// because a single word is more likely a name or a misspelled command.
    ///
    /// # Errors
    /// There is no server of this name, and it does not look like an address, or the address is wrong.
    pub fn find_argument(&self, word: &str) -> Result<NamedServer, Sentence> {
        if self.0.contains_key(word) || word.contains(['.', ':']) || word == "localhost" {
            return self.find(word);
        }
        let word = word.to_owned();
        Err(Sentence::from(move |texts: &Texts| texts.say().start_no_named_server(&word)))
    }

    /// The hint for a word that is neither a name nor an address.
    pub fn hint(&self, word: &str, commands: &[&str]) -> Sentence {
        let names = self.0.keys().map(String::as_str).chain(commands.iter().copied());
        if let Some(suggestion) = most_like(word, names) {
            return Sentence::from(move |texts: &Texts| texts.say().did_you_mean(&suggestion));
        }
        let word = word.to_owned();
        Sentence::from(move |texts: &Texts| texts.say().start_hint_named_server(&word))
    }
}

/// The addresses in a text, which has commas between them, and perhaps spaces. At least one.
///
/// # Errors
/// One of them is no address.
pub(super) fn split_addresses(text: &str) -> Result<Vec<ServerAddress>, AddressError> {
    text.split(',').map(|address| address.trim().parse()).collect()
}

/// The text that [`split_addresses`] takes.
pub(super) fn join_addresses(addresses: &[ServerAddress]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::Localised;

    fn servers(toml: &str) -> Result<NamedServers, String> {
        toml::from_str(toml).map_err(|error| error.to_string())
    }

    #[test]
    fn a_name_stands_for_its_table_and_an_address_for_itself() {
        let digits = "ab".repeat(32);
        let servers = servers(&format!(
            "[lab]\naddress = 'lab.example:1'\nfingerprint = '{digits}'\nuser = '小明'\n[\"办公室\"]\naddress = '10.0.0.7'\n"
        ))
        .unwrap();
        let lab = servers.find_argument("lab").unwrap();
        assert_eq!((lab.addresses[0].to_string().as_str(), lab.user.unwrap().as_str()), ("lab.example:1", "小明"));
        assert_eq!(lab.fingerprint.unwrap().to_string(), digits);
        assert_eq!(servers.find("办公室").unwrap().addresses[0].to_string(), "10.0.0.7:7777");
        for address in ["192.168.1.5", "chat.example:1", "[::1]:2", "localhost"] {
            assert!(servers.find_argument(address).is_ok(), "{address}");
        }
        assert_eq!(servers.find("other").unwrap().addresses[0].to_string(), "other:7777");
        let several = servers.find("north, [::1]:2").unwrap();
        assert_eq!(join_addresses(&several.addresses), "north:7777,[::1]:2");
        let texts = Texts::default();
        let wrong = |word: &str| servers.find_argument(word).unwrap_err().text(&texts);
        assert!(wrong("lap").contains("'lap'"), "{}", wrong("lap"));
        assert!(wrong("lab:x").contains("'x' is not a port"), "{}", wrong("lab:x"));
        assert!(wrong("lab:1,lab:x").contains("'x' is not a port") && servers.find("lab:1,").is_err());
        assert_eq!(servers.hint("lap", &["forget"]).text(&texts), "did you mean lab?");
        assert_eq!(servers.hint("forgt", &["forget"]).text(&texts), "did you mean forget?");
        assert!(servers.hint("zzz", &["forget"]).text(&texts).contains("[servers.\"zzz\"]"));
    }

    #[test]
    fn each_wrong_value_in_the_table_is_named() {
        for (toml, problem) in [
            ("[lab]\nuser = 'alice'", "missing field `address`"),
            ("[lab]\naddress = 'lab:0'", "'0' is not a port"),
            ("[lab]\naddress = 'lab'\nfingerprint = 'x'", "64 hexadecimal digits"),
            ("[lab]\naddress = 'lab'\nuser = 'a b'", "contains a space"),
            ("[lab]\nadress = 'lab'", "unknown field `adress`"),
        ] {
            let error = servers(toml).unwrap_err();
            assert!(error.contains(problem), "{toml}: {error}");
        }
    }
}
