//! Database URLs.

#[cfg(feature = "mysql")]
mod mysql;

use std::fmt;
use std::path::Path;
#[cfg(feature = "sqlite")]
use std::path::PathBuf;
use std::str::FromStr;

#[cfg(feature = "mysql")]
pub(crate) use mysql::MySqlLocation;

#[cfg(feature = "sqlite")]
use crate::platform;

/// The URL of a database: `sqlite:PATH` or `mysql://user:password@host[:port]/database`.
///
/// In a MySQL URL, special characters of the user name and the password are percent-encoded. `?require_ssl=true` enables
/// TLS, which a connection to another machine needs to be confidential. The server's certificate must be issued by a
/// public certificate authority, or by the one in the PEM file that `&ca=FILE` names. `?socket=PATH` names the socket of a
/// server on this machine.
///
/// `Display` and `Debug` omit the password and the options, except the socket.
#[derive(Clone)]
pub struct StoreUrl(pub(crate) Location);

#[derive(Clone)]
pub(crate) enum Location {
    /// The path as it was given.
    #[cfg(feature = "sqlite")]
    Sqlite(PathBuf),
    #[cfg(feature = "mysql")]
    MySql(MySqlLocation),
}

impl StoreUrl {
    /// Parses a URL.
    ///
    /// # Errors
    /// [`UrlError`], whose text never contains the password.
    pub fn parse(url: &str) -> Result<Self, UrlError> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            return parse_sqlite(path).map(Self);
        }
        if url.starts_with("mysql:") {
            return parse_mysql(url).map(Self);
        }
        Err(UrlError::Kind)
    }

    /// The URL of the SQLite database in the file at `path`, which may contain any characters.
    #[cfg(feature = "sqlite")]
    pub fn sqlite(path: impl Into<PathBuf>) -> Self {
        Self(Location::Sqlite(path.into()))
    }

    /// The path of the file, if this is an SQLite database.
    pub fn sqlite_path(&self) -> Option<&Path> {
        match &self.0 {
            #[cfg(feature = "sqlite")]
            Location::Sqlite(path) => Some(path),
            #[cfg(feature = "mysql")]
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

impl TryFrom<&str> for StoreUrl {
    type Error = UrlError;

    fn try_from(url: &str) -> Result<Self, UrlError> {
        Self::parse(url)
    }
}

impl TryFrom<String> for StoreUrl {
    type Error = UrlError;

    fn try_from(url: String) -> Result<Self, UrlError> {
        Self::parse(&url)
    }
}

/// The URL without its password and its options, except the socket.
impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            #[cfg(feature = "sqlite")]
            Location::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            #[cfg(feature = "mysql")]
            Location::MySql(location) => location.fmt(f),
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreUrl({self})")
    }
}

#[cfg(feature = "mysql")]
fn parse_mysql(url: &str) -> Result<Location, UrlError> {
    MySqlLocation::parse(url).map(Location::MySql)
}

#[cfg(not(feature = "mysql"))]
fn parse_mysql(_: &str) -> Result<Location, UrlError> {
    Err(UrlError::NotBuiltIn { database: "MySQL", feature: "mysql" })
}

#[cfg(feature = "sqlite")]
fn parse_sqlite(path: &str) -> Result<Location, UrlError> {
    parse_sqlite_path(path).map(Location::Sqlite)
}

#[cfg(not(feature = "sqlite"))]
fn parse_sqlite(_: &str) -> Result<Location, UrlError> {
    Err(UrlError::NotBuiltIn { database: "SQLite", feature: "sqlite" })
}

#[cfg(feature = "sqlite")]
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
        path if path.contains("://") => Err(UrlError::SqliteUrl),
        path => {
            let path = PathBuf::from(platform::path_in_url(path));
            if platform::is_device(&path) { Err(UrlError::SqliteDevice) } else { Ok(path) }
        }
    }
}

/// Why a database URL was refused. No text contains the password.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// This program was built without the database that the URL names.
    #[error(
        "this program is built without {database}; name another database, or build it with the feature {feature} of chat-store"
    )]
    NotBuiltIn {
        /// The name of the database.
        database: &'static str,
        /// The feature that is disabled.
        feature: &'static str,
    },
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
    /// An SQLite database in memory. Every connection would have a database of its own.
    #[error("an SQLite database in memory cannot keep accounts; write sqlite:PATH")]
    SqliteMemory,
    /// An SQLite URL that contains another URL, which may hold a password.
    #[error("the SQLite URL contains another URL instead of a path; write sqlite:PATH, or the other URL alone")]
    SqliteUrl,
    /// An SQLite URL that leads to a device of Windows, such as `sqlite:COM1`.
    #[error("Windows reserves the name of the SQLite file for a device; write sqlite:PATH with another name")]
    SqliteDevice,
    /// A MySQL URL that cannot be parsed.
    #[error(
        "the MySQL URL cannot be read; write mysql://user:password@host[:port]/database, with special characters of \
         the password percent-encoded (%40 for @)"
    )]
    MySql,
    /// A MySQL URL in which a special character, usually of the password, is not percent-encoded.
    #[error(
        "the MySQL URL has a special character that is not percent-encoded; in the user name and the password write %2F \
         for /, %3F for ?, %23 for # and %25 for %, and write %40 for every @ except the one before the host"
    )]
    NotEncoded,
    /// A MySQL URL with an unknown option or an invalid value of one. The text does not quote what the URL contains,
    /// because it may be a part of the password.
    #[error("the MySQL URL has an option that is not allowed: {0}")]
    MySqlOption(String),
    /// A MySQL URL without the name of a database.
    #[error("the MySQL URL names no database; write mysql://user:password@host[:port]/database")]
    MySqlDatabase,
}

#[cfg(test)]
#[cfg(not(all(feature = "mysql", feature = "sqlite")))]
mod tests_of_one {
    use super::*;

    #[test]
    fn a_database_that_is_not_built_in_is_refused_with_its_feature() {
        let (url, missing) =
            if cfg!(feature = "sqlite") { ("mysql://ann:hush@db/chat", "mysql") } else { ("sqlite:x", "sqlite") };
        let error = StoreUrl::parse(url).unwrap_err();
        assert!(matches!(error, UrlError::NotBuiltIn { feature, .. } if feature == missing), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("hush"), "{error:?}");
    }
}

#[cfg(test)]
#[cfg(all(feature = "mysql", feature = "sqlite"))]
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
            ("mysql://ann:hu@sh@db/chat", "mysql://ann:***@db:3306/chat"),
            ("mysql://ann:%zzhush@db/chat", "mysql://ann:***@db:3306/chat"),
            ("mysql://ann%3Ahush@db/chat", "mysql://ann:***@db:3306/chat"),
            ("mysql://ann:hush@db/chat?socket=%2Frun%2Fmysql.sock", "mysql://ann:***@db/chat?socket=/run/mysql.sock"),
        ] {
            let url = StoreUrl::parse(typed).unwrap();
            assert_eq!(url.to_string(), shown, "{typed}");
            assert_eq!(format!("{url:?}"), format!("StoreUrl({shown})"), "{typed}");
        }
    }

    #[cfg(windows)]
    #[test]
    fn paths_may_begin_with_a_drive() {
        for (typed, path) in [
            (r"sqlite:C:\chat data\小明.sqlite", r"C:\chat data\小明.sqlite"),
            ("sqlite:///C:/chat data/x.sqlite", "C:/chat data/x.sqlite"),
            ("sqlite:/C:/x.sqlite", "C:/x.sqlite"),
            (r"sqlite:\\server\share\x.sqlite", r"\\server\share\x.sqlite"),
            ("sqlite:/data/x.sqlite", "/data/x.sqlite"),
        ] {
            assert_eq!(StoreUrl::parse(typed).unwrap().sqlite_path(), Some(Path::new(path)), "{typed}");
        }
    }

    #[test]
    fn names_of_devices_are_refused_where_they_are_reserved() {
        for typed in ["sqlite:CON", "sqlite:/data/com1.sqlite", "sqlite:///C:/nul", r"sqlite:\\.\pipe\chat"] {
            let expected = if cfg!(windows) { Some(UrlError::SqliteDevice) } else { None };
            assert_eq!(StoreUrl::parse(typed).err(), expected, "{typed}");
        }
        let authority = StoreUrl::parse("mysql://ann@db/chat?require_ssl=true&ca=com1.pem");
        assert_eq!(authority.is_err(), cfg!(windows));
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
            ("mysql://ann@db/chat?ca=ca.pem", UrlError::MySqlOption("ca requires require_ssl=true".to_owned())),
            ("mysql://ann:hush@db:port/chat", UrlError::MySql),
            ("sqlite:mysql://ann:hush@db/chat", UrlError::SqliteUrl),
        ] {
            let result = StoreUrl::parse(typed).map(|url| url.to_string());
            assert_eq!(result, Err(error), "{typed}");
        }
    }

    #[test]
    fn no_part_of_a_password_that_is_not_encoded_is_shown() {
        let passwords = [
            "/hush",
            "2024?hush",
            "2024/hush",
            "pa#hush",
            "2024#hush",
            "a@/hush",
            "/hush@a",
            "?a=hush&require_ssl=hush",
        ];
        for password in passwords {
            for typed in [
                format!("mysql://ann:{password}@db/chat"),
                format!("mysql://ann:{password}@db:3306/chat?require_ssl=true"),
                format!("mysql://ann:{password}@localhost/chat?socket=/run/mysql.sock"),
                format!("mysql://{password}@db/chat"),
            ] {
                let error = StoreUrl::parse(&typed).map(|url| url.to_string()).unwrap_err();
                assert_eq!(error, UrlError::NotEncoded, "{typed}");
            }
        }
        for typed in [
            "mysql://ann:hush",
            "mysql://ann:/hush",
            "mysql://ann:2024?hush",
            "mysql://ann:2024/chat?hush",
            "mysql://ann@db/chat?require_ssl=hush",
            "mysql://ann:hush@db:x/chat",
            "mysql://ann:hush@db/chat?sslmode=hush",
            "mysql:ann:hush@db/chat",
            "MYSQL://ann:hush@db/chat",
            "postgres://ann:hush@db/x",
            "jdbc:mysql://db/chat?user=ann&password=hush",
        ] {
            let error = StoreUrl::parse(typed).map(|url| url.to_string()).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hush"), "{typed}: {error:?}");
        }
    }

    #[test]
    fn options_are_percent_encoded_too() {
        let url = StoreUrl::parse("mysql://ann:hush@db/chat?require_ssl=true&ca=/a%40b%25.pem").unwrap();
        let Location::MySql(location) = url.0 else { panic!("a MySQL URL") };
        let shown = format!("{:?}", location.opts.ssl_opts().unwrap().root_certs());
        assert!(shown.contains("/a@b%.pem"), "{shown}");
    }
}
