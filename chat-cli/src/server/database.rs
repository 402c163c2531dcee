//! The choice of the database: an argument without a password, a file, `CHAT_DATABASE`, or the configuration file.

use std::convert::Infallible;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use chat_store::StoreUrl;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use crate::database_url::{self, holds_password};
use crate::error::CliError;
use crate::texts::{Localised, Texts};
use crate::{environment, folder, text_file};

/// The environment variable that holds the database URL.
pub(super) const VARIABLE: &str = "CHAT_DATABASE";

/// The environment variable that holds the URL of the database to move the accounts to.
const TO_VARIABLE: &str = "CHAT_TO_DATABASE";

/// The SQLite file in the data folder, used unless another database is named.
const DEFAULT_FILE: &str = "chat.sqlite";

/// A database named by an argument or by a key of the configuration file.
#[derive(Clone)]
pub enum NamedDatabase {
    /// An argument as it was typed. It is parsed later, because clap prints arguments that it cannot parse.
    Argument(Zeroizing<String>),
    /// A key of the configuration file.
    File {
        /// The parsed URL.
        url: StoreUrl,
        /// Whether the URL contains a password.
        holds_password: bool,
    },
}

impl NamedDatabase {
    /// Returns whether the URL contains a password.
    pub fn holds_password(&self) -> bool {
        match self {
            Self::Argument(url) => holds_password(url),
            Self::File { holds_password, .. } => *holds_password,
        }
    }

    /// Returns whether the environment names a database.
    pub fn is_in_environment() -> bool {
        environment::is_set(VARIABLE)
    }
}

/// Omits the URL.
impl fmt::Debug for NamedDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NamedDatabase")
    }
}

impl FromStr for NamedDatabase {
    type Err = Infallible;

    fn from_str(typed: &str) -> Result<Self, Infallible> {
        Ok(Self::Argument(Zeroizing::new(typed.to_owned())))
    }
}

impl<'de> Deserialize<'de> for NamedDatabase {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let url = Zeroizing::new(String::deserialize(deserializer)?);
        let holds_password = holds_password(&url);
        StoreUrl::parse(&url).map(|url| Self::File { url, holds_password }).map_err(D::Error::custom)
    }
}

/// The database that was named, or the default one in the data folder.
#[derive(Clone, Debug)]
pub struct Database(Option<StoreUrl>);

impl Database {
    /// Chooses the URL in `named`, else the first line of `file`, else the environment variable.
    ///
    /// # Errors
    /// The URL cannot be parsed, or it is an argument with a password, which all users of the machine can see.
    pub fn choose(named: Option<NamedDatabase>, file: Option<PathBuf>) -> Result<Self, CliError> {
        match named {
            Some(NamedDatabase::File { url, .. }) => return Ok(Self(Some(url))),
            Some(NamedDatabase::Argument(url)) => return argument("--database", &url),
            None => {}
        }
        if let Some(path) = file {
            return first_line("--database-file", &path);
        }
        from_environment(VARIABLE)
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
/// No database is named, the URL cannot be parsed, or it is an argument with a password.
pub fn target(named: Option<NamedDatabase>, file: Option<PathBuf>) -> Result<StoreUrl, CliError> {
    let database = match (named, file) {
        (Some(NamedDatabase::File { url, .. }), _) => return Ok(url),
        (Some(NamedDatabase::Argument(url)), _) => argument("--to-database", &url)?,
        (None, Some(path)) => first_line("--to-database-file", &path)?,
        (None, None) => from_environment(TO_VARIABLE)?,
    };
    database.0.ok_or_else(|| {
        CliError::usage(|texts: &Texts| texts.say().no_target_database())
            .hint(|texts: &Texts| texts.say().hint_no_target_database(TO_VARIABLE))
    })
}

fn from_environment(variable: &str) -> Result<Database, CliError> {
    environment::secret(variable)?.map_or(Ok(Database(None)), |url| parse(variable, &url))
}

fn argument(option: &str, url: &str) -> Result<Database, CliError> {
    if holds_password(url) {
        return Err(database_url::argument_error(option));
    }
    parse(option, url)
}

fn first_line(option: &str, path: &Path) -> Result<Database, CliError> {
    database_url::check_value(option, path.as_os_str())?;
    let line = text_file::first_line(path).map_err(|error| {
        let file = path.display().to_string();
        CliError::usage(move |texts: &Texts| texts.say().database_file_unreadable(&file, error.text(texts)))
    })?;
    let url = line.trim();
    if holds_password(url) {
        folder::warn_if_open(path, "a password");
    }
    parse(option, url)
}

fn parse(from: &str, url: &str) -> Result<Database, CliError> {
    match StoreUrl::parse(url) {
        Ok(url) => Ok(Database(Some(url))),
        Err(error) => {
            let from = from.to_owned();
            Err(CliError::usage(move |texts: &Texts| texts.say().database_url_unusable(&from, error.text(texts))))
        }
    }
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
