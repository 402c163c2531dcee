//! The choice of the database: an argument without a password, a file, `CHAT_DATABASE`, or the configuration file.

use std::path::{Path, PathBuf};

use chat_store::{StoreUrl, UrlError};

use super::named_url::{NamedUrl, SecretUrl, Sources};
use crate::error::CliError;
use crate::texts::Texts;

/// Where the URL of the database may be named.
pub const SOURCES: Sources =
    Sources { option: "--database", file_option: "--database-file", variable: "CHAT_DATABASE" };

/// Where the URL of the database to move the accounts to may be named.
const TARGET: Sources =
    Sources { option: "--to-database", file_option: "--to-database-file", variable: "CHAT_TO_DATABASE" };

/// The SQLite file in the data folder, used unless another database is named.
const DEFAULT_FILE: &str = "chat.sqlite";

/// A database named by an argument or by a key of the configuration file.
pub type NamedDatabase = NamedUrl<StoreUrl>;

impl SecretUrl for StoreUrl {
    type Error = UrlError;

    fn parse(text: &str) -> Result<Self, UrlError> {
        Self::parse(text)
    }

    fn file_unreadable(texts: &Texts, file: &str, reason: String) -> String {
        texts.say().database_file_unreadable(file, reason)
    }
}

/// The database that was named, or the default one in the data folder.
#[derive(Clone, Debug)]
pub struct Database(Option<StoreUrl>);

impl Database {
    /// Chooses the URL in `named`, else the first line of `file`, else the environment variable.
    ///
    /// # Errors
    /// The URL cannot be parsed, the file cannot be read, or an argument contains a password, which all users of the machine
    /// can see.
    pub fn choose(named: Option<NamedDatabase>, file: Option<PathBuf>) -> Result<Self, CliError> {
        SOURCES.choose(named, file).map(Self)
    }

    /// The database that was named. `None` for the default one in the data folder.
    pub fn named(&self) -> Option<&StoreUrl> {
        self.0.as_ref()
    }

    /// The URL, for a server with the data folder `data_dir`.
    pub fn url(&self, data_dir: &Path) -> StoreUrl {
        self.0.clone().unwrap_or_else(|| StoreUrl::sqlite(data_dir.join(DEFAULT_FILE)))
    }
}

impl From<Option<StoreUrl>> for Database {
    fn from(named: Option<StoreUrl>) -> Self {
        Self(named)
    }
}

/// Chooses the database to move the accounts to: the URL in `named`, else the first line of `file`, else the environment
/// variable.
///
/// # Errors
/// No database is named, or as [`Database::choose`].
pub fn target(named: Option<NamedDatabase>, file: Option<PathBuf>) -> Result<StoreUrl, CliError> {
    TARGET.choose(named, file)?.ok_or_else(|| {
        CliError::usage(|texts: &Texts| texts.say().no_target_database())
            .hint(|texts: &Texts| texts.say().hint_no_target_database(TARGET.variable))
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn sentence(result: Result<Database, CliError>) -> String {
        let error = result.unwrap_err();
        assert_eq!(error.exit().code(), 2);
        let mut out = Vec::new();
        error.show(&mut Vec::new(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn an_argument_takes_precedence_and_may_not_hold_a_password() {
        let file = Some("does-not-exist".into());
        let named = Database::choose(Some("mysql://ann@db/chat".parse().unwrap()), file).unwrap();
        assert_eq!(named.url(Path::new("data")).to_string(), "mysql://ann@db:3306/chat");
        for url in ["mysql://ann:hush@db/chat", "mysql://ann:hu@sh/@db/chat", "postgres://ann:hush@db/chat"] {
            let sentence = sentence(Database::choose(Some(url.parse().unwrap()), None));
            assert!(sentence.contains("other users can see arguments") && !sentence.contains("hush"), "{url}");
        }
    }

    #[test]
    fn a_file_may_hold_a_password() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("url");
        fs::write(&path, "\u{feff}mysql://ann:hush@db/chat\r\n").unwrap();
        let database = Database::choose(None, Some(path.clone())).unwrap();
        assert_eq!(database.url(Path::new("data")).to_string(), "mysql://ann:***@db:3306/chat");
        fs::write(&path, "postgres://ann:hush@db/chat\n").unwrap();
        let wrong = sentence(Database::choose(None, Some(path)));
        assert!(wrong.starts_with("error: --database-file cannot be used: unknown kind of database"), "{wrong}");
        assert!(!wrong.contains("hush"));
        assert!(sentence(Database::choose(None, Some("none".into()))).contains("none cannot be read"));
    }

    #[test]
    fn the_default_is_a_file_in_the_data_folder() {
        let file = Path::new("data").join("chat.sqlite");
        assert_eq!(Database(None).url(Path::new("data")).to_string(), format!("sqlite:{}", file.display()));
    }
}
