//! Connecting to MySQL, and its named locks.

use std::io::ErrorKind;
use std::time::Duration;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, DriverError, Error, IoError};

use crate::backend::CONNECT_TIMEOUT;
use crate::error::OpenError;
use crate::url::MySqlLocation;

/// Opens a connection that does not belong to a pool.
pub(crate) async fn connect(location: &MySqlLocation) -> Result<Conn, OpenError> {
    match tokio::time::timeout(CONNECT_TIMEOUT, Conn::new(location.opts.clone())).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(connect_error(location, error)),
        Err(elapsed) => Err(OpenError::Unreachable { server: location.server(), source: elapsed.into() }),
    }
}

/// A lock of the MySQL server that one connection at a time can hold, named by its purpose and the database.
#[derive(Clone, Copy, Debug)]
pub(crate) enum NamedLock {
    /// Held while migrations run, because MySQL commits each of their statements separately.
    Migration,
    /// Held by the presence server that has claimed the database.
    Server,
}

impl NamedLock {
    /// Waits for the lock, for at most `timeout`. Returns whether it was acquired. The lock ends with its connection.
    pub(crate) async fn acquire(self, connection: &mut Conn, timeout: Duration) -> Result<bool, Error> {
        let purpose = match self {
            Self::Migration => "migration",
            Self::Server => "server",
        };
        // Lock names are shared by all databases of the server and limited to 64 characters, so the name of the database
        // is hashed.
        let lock = format!("CONCAT('chat {purpose} ', LEFT(SHA2(DATABASE(), 256), 32))");
        let acquired: Option<Option<u8>> =
            connection.query_first(format!("SELECT GET_LOCK({lock}, {})", timeout.as_secs())).await?;
        Ok(acquired.flatten() == Some(1))
    }
}

fn connect_error(location: &MySqlLocation, error: Error) -> OpenError {
    let (server, user, database) = (location.server(), location.user(), location.database.clone());
    match &error {
        Error::Server(refusal) => match refusal.code {
            ACCESS_DENIED | ACCESS_DENIED_NO_PASSWORD | ACCESS_DENIED_BY_PLUGIN => OpenError::Login { server, user },
            DATABASE_ACCESS_DENIED => OpenError::Rights { user, database },
            UNKNOWN_DATABASE => OpenError::NoDatabase { server, database },
            _ => OpenError::Unreachable { server, source: error.into() },
        },
        _ if location.opts.ssl_opts().is_some() && is_about_tls(&error) => {
            OpenError::Tls { server, source: error.into() }
        }
        _ => OpenError::Unreachable { server, source: error.into() },
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

// The error codes, which MySQL and MariaDB share.
const DATABASE_ACCESS_DENIED: u16 = 1044;
const ACCESS_DENIED: u16 = 1045;
const UNKNOWN_DATABASE: u16 = 1049;
const ACCESS_DENIED_BY_PLUGIN: u16 = 1524;
const ACCESS_DENIED_NO_PASSWORD: u16 = 1698;
