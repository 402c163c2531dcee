//! Where the accounts are kept, as one line that a person can type.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use mysql_async::{Opts, OptsBuilder};

/// The address of a database: `sqlite:PATH` or `mysql://user:password@host[:port]/database`.
///
/// Neither `Display` nor `Debug` shows the password. In a MySQL URL, special characters of the user name and the
/// password are percent-encoded; `?require_ssl=true` asks for TLS, with a certificate that the public authorities vouch
/// for, or the one in a PEM file with `&ca=FILE`. Across machines it should be asked for: without it, whoever is between
/// reads along.
#[derive(Clone)]
pub struct StoreUrl(pub(crate) Place);

#[derive(Clone)]
pub(crate) enum Place {
    /// A file, the path as it was given.
    Sqlite(PathBuf),
    MySql(MySqlPlace),
}

#[derive(Clone)]
pub(crate) struct MySqlPlace {
    pub(crate) opts: Opts,
    pub(crate) database: String,
}

impl StoreUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// What is wrong with it, without the password.
    pub fn parse(url: &str) -> Result<Self, UrlError> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            return sqlite_path(path).map(|path| Self(Place::Sqlite(path)));
        }
        if url.starts_with("mysql:") {
            return mysql_place(url).map(|place| Self(Place::MySql(place)));
        }
        Err(UrlError::Kind)
    }

    /// The SQLite database in this file, whatever characters its path holds.
    pub fn sqlite(path: impl Into<PathBuf>) -> Self {
        Self(Place::Sqlite(path.into()))
    }

    /// The file, if it is SQLite.
    pub fn sqlite_path(&self) -> Option<&Path> {
        match &self.0 {
            Place::Sqlite(path) => Some(path),
            Place::MySql(_) => None,
        }
    }
}

impl FromStr for StoreUrl {
    type Err = UrlError;

    fn from_str(url: &str) -> Result<Self, UrlError> {
        Self::parse(url)
    }
}

/// The URL without its password and options.
impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Place::MySql(place) => {
                let user = place.opts.user().unwrap_or_default();
                let password = if place.opts.pass().is_some() { ":***" } else { "" };
                write!(f, "mysql://{user}{password}@{}/{}", place.server(), place.database)
            }
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreUrl({self})")
    }
}

impl MySqlPlace {
    /// Host and port, for sentences.
    pub(crate) fn server(&self) -> String {
        let host = self.opts.ip_or_hostname();
        let port = self.opts.tcp_port();
        if host.contains(':') && !host.starts_with('[') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }

    pub(crate) fn user(&self) -> String {
        self.opts.user().unwrap_or_default().to_owned()
    }
}

fn sqlite_path(path: &str) -> Result<PathBuf, UrlError> {
    let path = match path.strip_prefix("//") {
        // As many write it: sqlite:///absolute.
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

fn mysql_place(url: &str) -> Result<MySqlPlace, UrlError> {
    let (url, authority) = without_authority(url);
    let opts = Opts::from_url(&url).map_err(|error| match error {
        // The only ones whose texts hold nothing but what stands after the question mark.
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
    let tls = match (tls, authority) {
        (Some(tls), Some(file)) => {
            Some(tls.with_root_certs(vec![PathBuf::from(file).into()]).with_disable_built_in_roots(true))
        }
        (None, Some(_)) => return Err(UrlError::MySqlOption("`ca' without require_ssl=true".to_owned())),
        (tls, None) => tls,
    };
    let opts = OptsBuilder::from_opts(opts)
        .ssl_opts(tls)
        // Off, as a server in a container names a socket path that may be another server's outside of it.
        .prefer_socket(false)
        // diesel-async keeps its own.
        .stmt_cache_size(0)
        // An update that changes nothing still says how many rows it found, as SQLite does.
        .client_found_rows(true);
    Ok(MySqlPlace { opts: opts.into(), database })
}

/// Takes `ca=FILE`, which is ours and not the driver's, out of the options.
fn without_authority(url: &str) -> (String, Option<&str>) {
    let Some((base, options)) = url.split_once('?') else { return (url.to_owned(), None) };
    let authority = options.split('&').find_map(|option| option.strip_prefix("ca="));
    let rest: Vec<&str> = options.split('&').filter(|option| !option.starts_with("ca=")).collect();
    (format!("{base}?{}", rest.join("&")), authority)
}

/// What is wrong with a database URL.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum UrlError {
    /// Neither of the two kinds.
    #[error(
        "unknown kind of database; allowed are sqlite:PATH and mysql://user:password@host[:port]/database \
         (MariaDB too)"
    )]
    Kind,
    /// `sqlite:` and nothing else.
    #[error("the database URL has no file; write sqlite:PATH")]
    SqlitePath,
    /// `sqlite://host/...`.
    #[error("the SQLite URL names a host; write sqlite:PATH, with one slash before an absolute path")]
    SqliteHost,
    /// Every connection would have a database of its own.
    #[error("an SQLite database in memory cannot keep accounts; write sqlite:PATH")]
    SqliteMemory,
    /// Not a URL at all.
    #[error(
        "the MySQL URL cannot be read; write mysql://user:password@host[:port]/database, with special characters of \
         the password percent-encoded (%40 for @)"
    )]
    MySql,
    /// Something after the question mark.
    #[error("the MySQL URL has an option that is not allowed: {0}")]
    MySqlOption(String),
    /// No database name.
    #[error("the MySQL URL names no database; write mysql://user:password@host[:port]/database")]
    MySqlDatabase,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_show_everything_but_the_password() {
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
    fn each_mistake_has_its_own_sentence() {
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
    fn no_mistake_repeats_the_password() {
        for typed in ["mysql://ann:hush@db:x/chat", "mysql://ann:hush@db/chat?sslmode=on", "postgres://ann:hush@db/x"] {
            let error = StoreUrl::parse(typed).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hush"), "{error:?}");
        }
    }
}
