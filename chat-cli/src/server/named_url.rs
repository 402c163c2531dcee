//! A URL that may contain a password, and where it may come from: an argument without a password, a file, an environment
//! variable, or the configuration file.

use std::convert::Infallible;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use crate::database_url::{self, holds_password};
use crate::error::CliError;
use crate::texts::{Localised, Texts};
use crate::{environment, folder, text_file};

/// A kind of URL, such as that of a database.
pub trait SecretUrl: Sized {
    /// The reason why a text is no such URL.
    type Error: Localised + fmt::Display + Send + Sync + 'static;

    /// Parses a URL.
    ///
    /// # Errors
    /// The text is no such URL.
    fn parse(text: &str) -> Result<Self, Self::Error>;

    /// Says that a file with such a URL cannot be read.
    fn file_unreadable(texts: &Texts, file: &str, reason: String) -> String;
}

/// Where a URL may be named, apart from the configuration file.
#[derive(Clone, Copy, Debug)]
pub struct Sources {
    /// The option that takes the URL.
    pub option: &'static str,
    /// The option that takes the path of a file whose first line is the URL.
    pub file_option: &'static str,
    /// The environment variable.
    pub variable: &'static str,
}

/// A URL named by an argument or by a key of the configuration file.
#[derive(Clone)]
pub enum NamedUrl<U> {
    /// An argument as it was typed. It is parsed later, because clap prints arguments that it cannot parse.
    Argument(Zeroizing<String>),
    /// A key of the configuration file.
    File {
        /// The parsed URL.
        url: U,
        /// Whether the URL contains a password.
        holds_password: bool,
    },
}

impl<U> NamedUrl<U> {
    /// Returns whether the URL contains a password.
    pub fn holds_password(&self) -> bool {
        match self {
            Self::Argument(url) => holds_password(url),
            Self::File { holds_password, .. } => *holds_password,
        }
    }
}

/// Omits the URL.
impl<U> fmt::Debug for NamedUrl<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NamedUrl")
    }
}

impl<U> FromStr for NamedUrl<U> {
    type Err = Infallible;

    fn from_str(typed: &str) -> Result<Self, Infallible> {
        Ok(Self::Argument(Zeroizing::new(typed.to_owned())))
    }
}

impl<'de, U: SecretUrl> Deserialize<'de> for NamedUrl<U> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let url = Zeroizing::new(String::deserialize(deserializer)?);
        let holds_password = holds_password(&url);
        U::parse(&url).map(|url| Self::File { url, holds_password }).map_err(D::Error::custom)
    }
}

impl Sources {
    /// Chooses the URL in `named`, else the first line of `file`, else the environment variable. `None` if none of them
    /// names one.
    ///
    /// # Errors
    /// The URL cannot be parsed, the file cannot be read, or an argument contains a password, which all users of the machine
    /// can see.
    pub fn choose<U: SecretUrl>(
        self,
        named: Option<NamedUrl<U>>,
        file: Option<PathBuf>,
    ) -> Result<Option<U>, CliError> {
        match (named, file) {
            (Some(NamedUrl::File { url, .. }), _) => Ok(Some(url)),
            (Some(NamedUrl::Argument(url)), _) if holds_password(&url) => {
                Err(database_url::argument_error(self.option))
            }
            (Some(NamedUrl::Argument(url)), _) => parse(self.option, &url).map(Some),
            (None, Some(path)) => first_line(self.file_option, &path).map(Some),
            (None, None) => environment::secret(self.variable)?.map(|url| parse(self.variable, &url)).transpose(),
        }
    }

    /// Returns whether the environment variable is set.
    pub fn is_in_environment(self) -> bool {
        environment::is_set(self.variable)
    }
}

fn first_line<U: SecretUrl>(option: &str, path: &Path) -> Result<U, CliError> {
    database_url::check_value(option, path.as_os_str())?;
    let line = text_file::first_line(path).map_err(|error| {
        let file = path.display().to_string();
        CliError::usage(move |texts: &Texts| U::file_unreadable(texts, &file, error.text(texts)))
    })?;
    let url = line.trim();
    if holds_password(url) {
        folder::warn_if_open(path, "a password");
    }
    parse(option, url)
}

fn parse<U: SecretUrl>(from: &str, url: &str) -> Result<U, CliError> {
    U::parse(url).map_err(|error| {
        let from = from.to_owned();
        CliError::usage(move |texts: &Texts| texts.say().database_url_unusable(&from, error.text(texts)))
    })
}
