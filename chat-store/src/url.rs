//! Database URLs.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use mysql_async::{Opts, OptsBuilder};

/// The URL of a database: `sqlite:PATH` or `mysql://user:password@host[:port]/database`.
///
/// In a MySQL URL, special characters of the user name and the password are percent-encoded. `?require_ssl=true` enables
/// TLS, which a connection to another machine needs to be confidential. The server's certificate must be issued by a
/// public certificate authority, or by the one in the PEM file that `&ca=FILE` names.
///
/// `Display` and `Debug` omit the password and the options.
#[derive(Clone)]
pub struct StoreUrl(pub(crate) Location);

#[derive(Clone)]
pub(crate) enum Location {
    /// The path as it was given.
    Sqlite(PathBuf),
    MySql(MySqlLocation),
}

#[derive(Clone)]
pub(crate) struct MySqlLocation {
    pub(crate) opts: Opts,
    pub(crate) database: String,
}

impl StoreUrl {
    /// Parses a URL.
    ///
    /// # Errors
    /// [`UrlError`], whose text never contains the password.
    pub fn parse(url: &str) -> Result<Self, UrlError> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            return parse_sqlite_path(path).map(|path| Self(Location::Sqlite(path)));
        }
        if url.starts_with("mysql:") {
            return parse_mysql(url).map(|location| Self(Location::MySql(location)));
        }
        Err(UrlError::Kind)
    }

    /// The URL of the SQLite database in the file at `path`, which may contain any characters.
    pub fn sqlite(path: impl Into<PathBuf>) -> Self {
        Self(Location::Sqlite(path.into()))
    }

    /// The path of the file, if this is an SQLite database.
    pub fn sqlite_path(&self) -> Option<&Path> {
        match &self.0 {
            Location::Sqlite(path) => Some(path),
            Location::MySql(_) => None,
        }
    }
}

impl FromStr for StoreUrl {
    type Err = UrlError;

    fn from_str(url: &str) -> Result<Self, UrlError> {
        Self::parse(url)
    }
}

/// The URL without its password and its options.
impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Location::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Location::MySql(location) => {
                let user = location.opts.user().unwrap_or_default();
                let password = if location.opts.pass().is_some() { ":***" } else { "" };
                write!(f, "mysql://{user}{password}@{}/{}", location.server(), location.database)
            }
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreUrl({self})")
    }
}

impl MySqlLocation {
    /// The host and port, for messages.
    pub(crate) fn server(&self) -> String {
        let host = self.opts.ip_or_hostname();
        let port = self.opts.tcp_port();
        if host.contains(':') && !host.starts_with('[') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }

    pub(crate) fn user(&self) -> String {
        self.opts.user().unwrap_or_default().to_owned()
    }
}

fn parse_sqlite_path(path: &str) -> Result<PathBuf, UrlError> {
    let path = match path.strip_prefix("//") {
        // The customary form sqlite:///absolute.
        Some(absolute) if absolute.starts_with('/') => absolute,
        Some(_) => return Err(UrlError::SqliteHost),
        None => path,
    };
    match path {
        "" => Err(UrlError::SqlitePath),
        ":memory:" => Err(UrlError::SqliteMemory),
        path => Ok(path.into()),
    }
}

fn parse_mysql(url: &str) -> Result<MySqlLocation, UrlError> {
    let (url, ca_file) = take_ca_file(url);
    let opts = Opts::from_url(&url).map_err(|error| match error {
        // Only these errors quote nothing but the part after the question mark.
        mysql_async::UrlError::UnknownParameter { .. } | mysql_async::UrlError::InvalidParamValue { .. } => {
            UrlError::MySqlOption(error.to_string())
        }
        _ => UrlError::MySql,
    })?;
    let database = opts.db_name().unwrap_or_default().to_owned();
    if database.is_empty() {
        return Err(UrlError::MySqlDatabase);
    }
    let tls = opts.ssl_opts().cloned();
    let tls = match (tls, ca_file) {
        (Some(tls), Some(file)) => {
            Some(tls.with_root_certs(vec![PathBuf::from(file).into()]).with_disable_built_in_roots(true))
        }
        (None, Some(_)) => return Err(UrlError::MySqlOption("`ca' without require_ssl=true".to_owned())),
        (tls, None) => tls,
    };
    let opts = OptsBuilder::from_opts(opts)
        .ssl_opts(tls)
        // A server in a container reports a socket path that may belong to another server outside of it.
        .prefer_socket(false)
        // diesel-async has its own cache.
        .stmt_cache_size(0)
        // An update reports the rows that it found, not only those that it changed, as in SQLite.
        .client_found_rows(true);
    Ok(MySqlLocation { opts: opts.into(), database })
}

/// Removes the option `ca=FILE`, which the driver does not know, from the URL. Returns the rest and the file.
fn take_ca_file(url: &str) -> (String, Option<&str>) {
    let Some((base, options)) = url.split_once('?') else { return (url.to_owned(), None) };
    let ca_file = options.split('&').find_map(|option| option.strip_prefix("ca="));
    let rest: Vec<&str> = options.split('&').filter(|option| !option.starts_with("ca=")).collect();
    (format!("{base}?{}", rest.join("&")), ca_file)
}

/// Why a database URL was refused. No text contains the password.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum UrlError {
    /// The scheme is neither `sqlite` nor `mysql`.
    #[error(
        "unknown kind of database; allowed are sqlite:PATH and mysql://user:password@host[:port]/database \
         (MariaDB too)"
    )]
    Kind,
    /// An SQLite URL without a path.
    #[error("the database URL has no file; write sqlite:PATH")]
    SqlitePath,
    /// An SQLite URL with a host: `sqlite://host/...`.
    #[error("the SQLite URL names a host; write sqlite:PATH, with one slash before an absolute path")]
    SqliteHost,
    /// An in-memory SQLite database, of which every connection would have its own.
    #[error("an SQLite database in memory cannot keep accounts; write sqlite:PATH")]
    SqliteMemory,
    /// A MySQL URL that cannot be parsed.
    #[error(
        "the MySQL URL cannot be read; write mysql://user:password@host[:port]/database, with special characters of \
         the password percent-encoded (%40 for @)"
    )]
    MySql,
    /// A MySQL URL with an unknown option or an invalid value of one.
    #[error("the MySQL URL has an option that is not allowed: {0}")]
    MySqlOption(String),
    /// A MySQL URL without the name of a database.
    #[error("the MySQL URL names no database; write mysql://user:password@host[:port]/database")]
    MySqlDatabase,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_and_debug_omit_the_password() {
        for (typed, shown) in [
            ("sqlite:chat.sqlite", "sqlite:chat.sqlite"),
            ("sqlite:/var/lib/chat/chat.sqlite", "sqlite:/var/lib/chat/chat.sqlite"),
            ("sqlite:///var/lib/chat.sqlite", "sqlite:/var/lib/chat.sqlite"),
            ("mysql://ann:hush%40hush@db/chat", "mysql://ann:***@db:3306/chat"),
            ("mysql://ann@db:3307/chat", "mysql://ann@db:3307/chat"),
            ("mysql://ann:hush@[::1]:3307/chat?require_ssl=true&ca=/ca.pem", "mysql://ann:***@[::1]:3307/chat"),
        ] {
            let url = StoreUrl::parse(typed).unwrap();
            assert_eq!(url.to_string(), shown, "{typed}");
            assert_eq!(format!("{url:?}"), format!("StoreUrl({shown})"), "{typed}");
        }
    }

    #[test]
    fn each_mistake_has_its_own_error() {
        for (typed, error) in [
            ("", UrlError::Kind),
            ("chat.sqlite", UrlError::Kind),
            ("postgres://ann:hush@db/chat", UrlError::Kind),
            ("爱:x", UrlError::Kind),
            ("sqlite:", UrlError::SqlitePath),
            ("sqlite://chat.sqlite", UrlError::SqliteHost),
            ("sqlite::memory:", UrlError::SqliteMemory),
            ("mysql://ann:hush@db", UrlError::MySqlDatabase),
            ("mysql://ann:hush@db/", UrlError::MySqlDatabase),
            ("mysql:chat", UrlError::MySql),
            ("mysql://ann@db/chat?ca=ca.pem", UrlError::MySqlOption("`ca' without require_ssl=true".to_owned())),
            ("mysql://ann:hush@db:port/chat", UrlError::MySql),
        ] {
            let result = StoreUrl::parse(typed).map(|url| url.to_string());
            assert_eq!(result, Err(error), "{typed}");
        }
    }

    #[test]
    fn errors_omit_the_password() {
        for typed in ["mysql://ann:hush@db:x/chat", "mysql://ann:hush@db/chat?sslmode=on", "postgres://ann:hush@db/x"] {
            let error = StoreUrl::parse(typed).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hush"), "{error:?}");
        }
    }
}
