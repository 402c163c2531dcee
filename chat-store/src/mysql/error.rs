//! Why a connection to a MySQL server failed, as the server or the system explains it.

use std::error::Error as StdError;
use std::fmt;
use std::io::{self, ErrorKind};
use std::path::PathBuf;

use mysql_async::{DriverError, Error, IoError};

use crate::url::MySqlLocation;

/// Why there is no connection to the MySQL server. No text contains the password.
///
/// `server` is the host and port, or the socket.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// Nothing answers at the address.
    #[error("the database server at {server} does not answer; check that it runs and that its address is right")]
    Unreachable {
        /// The address in the URL.
        server: String,
        /// The error of the system.
        source: io::Error,
    },
    /// The host has no address.
    #[error("the host '{host}' of the database server is unknown; check the host in the URL")]
    UnknownHost {
        /// The host in the URL.
        host: String,
        /// The error of the resolver.
        source: io::Error,
    },
    /// The socket that the URL names cannot be used.
    #[error(
        "the socket {} of the database server cannot be used; check the path after socket= in the URL, and that the \
         server runs",
        path.display()
    )]
    Socket {
        /// The path in the URL.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// A server that is not a MySQL server answers.
    #[error("what answers at {server} does not speak MySQL: {found}; check the host and the port in the URL")]
    NotMySql {
        /// The address in the URL.
        server: String,
        /// What answers.
        found: Stranger,
    },
    /// The address accepts connections and sends nothing.
    #[error(
        "{server} accepts connections and sends no greeting: a server of another kind, which does not speak MySQL, or a \
         database server that hangs; check the host and the port in the URL"
    )]
    Silent {
        /// The address in the URL.
        server: String,
    },
    /// The URL requires TLS, and no trusted connection could be made.
    #[error(
        "cannot make a secure connection to the database server at {server}; check its certificate, and the file that \
         ca=FILE in the URL names"
    )]
    Tls {
        /// The address in the URL.
        server: String,
        /// The error of TLS.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The server accepts connections with TLS only.
    #[error("the database server at {server} requires TLS; append ?require_ssl=true to the URL")]
    TlsRequired {
        /// The address in the URL.
        server: String,
        /// The server's answer.
        source: Refusal,
    },
    /// The server refuses the user name or the password.
    #[error(
        "the database server at {server} refuses the user '{user}'; check the user name and the password in the URL, \
         and that their special characters are percent-encoded{transport}"
    )]
    Login {
        /// The address in the URL.
        server: String,
        /// The user in the URL.
        user: String,
        /// How the connection was made.
        transport: Transport,
        /// The server's answer.
        source: Refusal,
    },
    /// The account of the user is locked.
    #[error(
        "the user '{user}' of the database server at {server} is locked; unlock it with ALTER USER .. ACCOUNT UNLOCK"
    )]
    Locked {
        /// The address in the URL.
        server: String,
        /// The user in the URL.
        user: String,
        /// The server's answer.
        source: Refusal,
    },
    /// The password of the user has expired.
    #[error(
        "the password of the user '{user}' of the database server at {server} has expired; set a new one with ALTER \
         USER .. IDENTIFIED BY"
    )]
    Expired {
        /// The address in the URL.
        server: String,
        /// The user in the URL.
        user: String,
        /// The server's answer.
        source: Refusal,
    },
    /// The server or this user has reached its limit of connections.
    #[error(
        "the database server at {server} has reached its limit of connections; close some, or raise the limit \
         (max_connections, max_user_connections)"
    )]
    Full {
        /// The address in the URL.
        server: String,
        /// The server's answer.
        source: Refusal,
    },
    /// The user lacks a right.
    #[error("the user '{user}' may not use the database '{database}'; grant it the rights that the command needs")]
    Rights {
        /// The user in the URL.
        user: String,
        /// The database in the URL.
        database: String,
        /// The server's answer.
        source: Refusal,
    },
    /// The server has no database of this name.
    #[error("the server at {server} has no database '{database}'; create it with CREATE DATABASE, or correct the URL")]
    NoDatabase {
        /// The address in the URL.
        server: String,
        /// The database in the URL.
        database: String,
        /// The server's answer.
        source: Refusal,
    },
    /// The server refuses for another reason, which it states.
    #[error("the database server at {server} refuses the connection")]
    Refused {
        /// The address in the URL.
        server: String,
        /// The server's answer.
        source: Refusal,
    },
    /// The connection broke before it was usable.
    #[error("the connection to the database server at {server} failed")]
    Failed {
        /// The address in the URL.
        server: String,
        /// The error of the system or of the driver.
        source: Box<dyn StdError + Send + Sync>,
    },
}

/// A server's refusal in its own words.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{message} (error {code})")]
pub struct Refusal {
    code: u16,
    message: String,
}

/// Whether others can read a connection. MariaDB reports missing TLS as a wrong password, so that error mentions TLS if
/// the connection was plain.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Transport {
    /// TCP without TLS.
    Plain,
    /// TLS, or a socket.
    Private,
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "; if the server requires TLS, append ?require_ssl=true",
            Self::Private => "",
        })
    }
}

/// What answers instead of a MySQL server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Stranger {
    /// A web server.
    Http,
    /// A Redis server.
    Redis,
    /// An SSH server.
    Ssh,
    /// A server that ends the connection.
    Closes,
    /// A server of any other kind.
    Other,
}

impl fmt::Display for Stranger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "it is a web server",
            Self::Redis => "it is a Redis server",
            Self::Ssh => "it is an SSH server",
            Self::Closes => "it ends the connection without a greeting",
            Self::Other => "it is a server of another kind",
        })
    }
}

impl ConnectError {
    /// The error of an address at which a MySQL server answers, or is assumed to.
    pub(crate) fn new(location: &MySqlLocation, error: Error) -> Self {
        let (server, user, database) = (location.server(), location.shown_user(), location.database.clone());
        match error {
            Error::Server(refusal) => {
                let source = Refusal { code: refusal.code, message: refusal.message };
                match source.code {
                    ACCESS_DENIED | ACCESS_DENIED_NO_PASSWORD => {
                        let is_private = location.opts.ssl_opts().is_some() || location.socket().is_some();
                        let transport = if is_private { Transport::Private } else { Transport::Plain };
                        Self::Login { server, user, transport, source }
                    }
                    DATABASE_ACCESS_DENIED | TABLE_ACCESS_DENIED => Self::Rights { user, database, source },
                    UNKNOWN_DATABASE => Self::NoDatabase { server, database, source },
                    LOCKED | LOCKED_MARIADB => Self::Locked { server, user, source },
                    EXPIRED | EXPIRED_LOGIN => Self::Expired { server, user, source },
                    FULL | FULL_FOR_USER | FULL_FOR_RESOURCE => Self::Full { server, source },
                    TLS_REQUIRED => Self::TlsRequired { server, source },
                    _ => Self::Refused { server, source },
                }
            }
            error if location.opts.ssl_opts().is_some() && is_about_tls(&error) => {
                Self::Tls { server, source: cause(error) }
            }
            error => Self::Failed { server, source: cause(error) },
        }
    }

    /// The error of an address at which nothing answers.
    pub(super) fn none(location: &MySqlLocation, source: io::Error) -> Self {
        match location.socket() {
            Some(path) => Self::Socket { path: path.into(), source },
            None => Self::Unreachable { server: location.server(), source },
        }
    }
}

/// The error without the driver's wrappers, each of which repeats it.
fn cause(error: Error) -> Box<dyn StdError + Send + Sync> {
    match error {
        Error::Io(IoError::Io(error)) => error.into(),
        Error::Io(error) => error.into(),
        Error::Driver(error) => error.into(),
        error => error.into(),
    }
}

fn is_about_tls(error: &Error) -> bool {
    match error {
        Error::Driver(DriverError::NoClientSslFlagFromServer) | Error::Io(IoError::Tls(_)) => true,
        // A certificate that is not trusted, or a missing CA file.
        Error::Io(IoError::Io(error)) => matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::NotFound),
        _ => false,
    }
}

// The error codes. MySQL and MariaDB share them, unless the constant names one of the two.
const FULL: u16 = 1040;
const DATABASE_ACCESS_DENIED: u16 = 1044;
const ACCESS_DENIED: u16 = 1045;
const UNKNOWN_DATABASE: u16 = 1049;
const TABLE_ACCESS_DENIED: u16 = 1142;
const FULL_FOR_USER: u16 = 1203;
const FULL_FOR_RESOURCE: u16 = 1226;
const ACCESS_DENIED_NO_PASSWORD: u16 = 1698;
const EXPIRED: u16 = 1820;
const EXPIRED_LOGIN: u16 = 1862;
const LOCKED: u16 = 3118;
const TLS_REQUIRED: u16 = 3159;
const LOCKED_MARIADB: u16 = 4151;
