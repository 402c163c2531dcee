//! The choice of the roster that several servers share: an argument without a password, a file, `CHAT_ROSTER`, or the
//! configuration file.

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use chat_net::ServerBuilder;
use chat_net::identity::ServerIdentity;
use chat_net::server::Alone;
use chat_store::{RedisError, RedisJournal, RosterUrl};
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use crate::database_url::{self, holds_password};
use crate::error::CliError;
use crate::texts::{Localised, Texts, chain};
use crate::{environment, folder, text_file};

/// The environment variable that holds the URL of the roster.
pub(super) const VARIABLE: &str = "CHAT_ROSTER";

/// A roster named by an argument or by a key of the configuration file.
#[derive(Clone)]
pub enum NamedRoster {
    /// An argument as it was typed. It is parsed later, because clap prints arguments that it cannot parse.
    Argument(Zeroizing<String>),
    /// A key of the configuration file.
    File {
        /// The parsed URL.
        url: RosterUrl,
        /// Whether the URL contains a password.
        holds_password: bool,
    },
}

impl NamedRoster {
    /// Returns whether the URL contains a password.
    pub fn holds_password(&self) -> bool {
        match self {
            Self::Argument(url) => holds_password(url),
            Self::File { holds_password, .. } => *holds_password,
        }
    }

    /// Returns whether the environment names a roster.
    pub fn is_in_environment() -> bool {
        environment::is_set(VARIABLE)
    }
}

/// Omits the URL.
impl fmt::Debug for NamedRoster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NamedRoster")
    }
}

impl FromStr for NamedRoster {
    type Err = Infallible;

    fn from_str(typed: &str) -> Result<Self, Infallible> {
        Ok(Self::Argument(Zeroizing::new(typed.to_owned())))
    }
}

impl<'de> Deserialize<'de> for NamedRoster {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let url = Zeroizing::new(String::deserialize(deserializer)?);
        let holds_password = holds_password(&url);
        RosterUrl::parse(&url).map(|url| Self::File { url, holds_password }).map_err(D::Error::custom)
    }
}

/// Chooses the URL in `named`, else the first line of `file`, else the environment variable. `None` if there is none of
/// them: the server is alone.
///
/// # Errors
/// The URL cannot be parsed, or it is an argument with a password, which all users of the machine can see.
pub(super) fn choose(named: Option<NamedRoster>, file: Option<PathBuf>) -> Result<Option<RosterUrl>, CliError> {
    match (named, file) {
        (Some(NamedRoster::File { url, .. }), _) => Ok(Some(url)),
        (Some(NamedRoster::Argument(url)), _) if holds_password(&url) => Err(database_url::argument_error("--roster")),
        (Some(NamedRoster::Argument(url)), _) => parse("--roster", &url).map(Some),
        (None, Some(path)) => {
            database_url::check_value("--roster-file", path.as_os_str())?;
            let line = text_file::first_line(&path).map_err(|error| {
                let file = path.display().to_string();
                CliError::usage(move |texts: &Texts| texts.say().roster_file_unreadable(&file, error.text(texts)))
            })?;
            let url = line.trim();
            if holds_password(url) {
                folder::warn_if_open(&path, "a password");
            }
            parse("--roster-file", url).map(Some)
        }
        (None, None) => environment::secret(VARIABLE)?.map(|url| parse(VARIABLE, &url)).transpose(),
    }
}

fn parse(from: &str, url: &str) -> Result<RosterUrl, CliError> {
    RosterUrl::parse(url).map_err(|error| {
        let from = from.to_owned();
        CliError::usage(move |texts: &Texts| texts.say().database_url_unusable(&from, error.text(texts)))
    })
}

/// A roster that is open, and the name that its other servers know this one by.
#[derive(Debug)]
pub(super) struct OpenRoster {
    journal: RedisJournal,
    node_name: String,
}

impl OpenRoster {
    /// Opens the roster for a server with this identity. A Redis server that is merely away does not keep a server from
    /// starting: it enters as soon as Redis answers, and logs why it cannot until then.
    ///
    /// # Errors
    /// The roster cannot be used. The message says why.
    pub(super) async fn open(url: &RosterUrl, identity: &ServerIdentity, node_name: String) -> Result<Self, CliError> {
        let unusable = |error: RedisError| CliError::not_there(chain(error));
        let journal = RedisJournal::new(url, identity.ticket_key_fingerprint()).map_err(unusable)?;
        match journal.check().await {
            Err(error) if !error.is_temporary() => Err(unusable(error)),
            _ => Ok(Self { journal, node_name }),
        }
    }

    /// Lets a server share the roster.
    pub(super) fn share<A: chat_net::Accounts>(
        self,
        server: ServerBuilder<A, Alone>,
    ) -> ServerBuilder<A, RedisJournal> {
        server.sharing(self.journal, self.node_name)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn sentence(result: Result<Option<RosterUrl>, CliError>) -> String {
        let error = result.unwrap_err();
        assert_eq!(error.exit().code(), 2);
        let mut out = Vec::new();
        error.show(&mut Vec::new(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn an_argument_takes_precedence_and_may_not_hold_a_password() {
        let named = choose(Some("redis://chat@db".parse().unwrap()), Some("none".into())).unwrap();
        assert_eq!(named.unwrap().to_string(), "redis://chat@db:6379");
        for url in ["redis://chat:hush@db", "rediss://:hush@db?ca=x", "redis:/chat:hush@db"] {
            let sentence = sentence(choose(Some(url.parse().unwrap()), None));
            let expected = "error: the roster URL holds a password, and other users can see arguments\nhint: put it into the \
                            environment variable CHAT_ROSTER, or into a file for --roster-file\n";
            assert_eq!(sentence, expected, "{url}");
        }
        let wrong = sentence(choose(Some("mysql://db/chat".parse().unwrap()), None));
        assert!(wrong.starts_with("error: --roster cannot be used: unknown kind of roster; "), "{wrong}");
    }

    #[test]
    fn a_file_may_hold_a_password() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("url");
        fs::write(&path, "redis://chat:hush@db\n").unwrap();
        assert_eq!(choose(None, Some(path)).unwrap().unwrap().to_string(), "redis://chat:***@db:6379");
        assert!(sentence(choose(None, Some("none".into()))).starts_with("error: the roster file none cannot be read"));
    }
}
