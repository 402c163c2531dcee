//! The choice of the roster that several servers share: an argument without a password, a file, `CHAT_ROSTER`, or the
//! configuration file.

use std::path::PathBuf;

use chat_net::ServerBuilder;
use chat_net::identity::ServerIdentity;
use chat_net::server::Alone;
use chat_store::{RedisError, RedisJournal, RosterUrl, RosterUrlError};

use super::named_url::{NamedUrl, SecretUrl, Sources};
use crate::error::CliError;
use crate::texts::{Texts, chain};

/// Where the URL of the roster may be named.
pub(super) const SOURCES: Sources =
    Sources { option: "--roster", file_option: "--roster-file", variable: "CHAT_ROSTER" };

/// A roster named by an argument or by a key of the configuration file.
pub type NamedRoster = NamedUrl<RosterUrl>;

impl SecretUrl for RosterUrl {
    type Error = RosterUrlError;

    fn parse(text: &str) -> Result<Self, RosterUrlError> {
        Self::parse(text)
    }

    fn file_unreadable(texts: &Texts, file: &str, reason: String) -> String {
        texts.say().roster_file_unreadable(file, reason)
    }
}

/// Chooses the URL in `named`, else the first line of `file`, else the environment variable. `None` if there is none of
/// them: the server is alone.
///
/// # Errors
/// The URL cannot be parsed, the file cannot be read, or an argument contains a password, which all users of the machine can
/// see.
pub(super) fn choose(named: Option<NamedRoster>, file: Option<PathBuf>) -> Result<Option<RosterUrl>, CliError> {
    SOURCES.choose(named, file)
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
