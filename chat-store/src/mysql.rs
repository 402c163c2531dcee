//! What is special about MySQL: connecting to it, and its named locks.

use std::io::ErrorKind;
use std::time::Duration;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, DriverError, Error, IoError};

use crate::backend::PATIENCE;
use crate::error::OpenError;
use crate::url::MySqlPlace;

/// Connects, and says whose fault it is if that fails.
pub(crate) async fn connect(place: &MySqlPlace) -> Result<Conn, OpenError> {
    match tokio::time::timeout(PATIENCE, Conn::new(place.opts.clone())).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(refused(place, error)),
        Err(late) => Err(OpenError::Unreachable { server: place.server(), source: late.into() }),
    }
}

/// A lock that one connection at a time has, named by its purpose and the database.
#[derive(Clone, Copy, Debug)]
pub(crate) enum NamedLock {
    /// Held while migrations run, because MySQL commits each of their statements at once.
    Migration,
    /// Held by the one presence server of the database.
    Server,
}

impl NamedLock {
    /// Waits for the lock; whether it was given. It ends with its connection.
    pub(crate) async fn take(self, connection: &mut Conn, patience: Duration) -> Result<bool, Error> {
        let purpose = match self {
            Self::Migration => "migration",
            Self::Server => "server",
        };
        // These names are the whole server's and at most 64 characters long, so the database's name is in it as a hash.
        let lock = format!("CONCAT('chat {purpose} ', LEFT(SHA2(DATABASE(), 256), 32))");
        let given: Option<Option<u8>> =
            connection.query_first(format!("SELECT GET_LOCK({lock}, {})", patience.as_secs())).await?;
        Ok(given.flatten() == Some(1))
    }
}

fn refused(place: &MySqlPlace, error: Error) -> OpenError {
    let (server, user, database) = (place.server(), place.user(), place.database.clone());
    match &error {
        Error::Server(told) => match told.code {
            ACCESS_DENIED | ACCESS_DENIED_NO_PASSWORD | ACCESS_DENIED_BY_PLUGIN => OpenError::Login { server, user },
            DATABASE_ACCESS_DENIED => OpenError::Rights { user, database },
            UNKNOWN_DATABASE => OpenError::NoDatabase { server, database },
            _ => OpenError::Unreachable { server, source: error.into() },
        },
        _ if place.opts.ssl_opts().is_some() && is_about_tls(&error) => OpenError::Tls { server, source: error.into() },
        _ => OpenError::Unreachable { server, source: error.into() },
    }
}

fn is_about_tls(error: &Error) -> bool {
    match error {
        Error::Driver(DriverError::NoClientSslFlagFromServer) | Error::Io(IoError::Tls(_)) => true,
        // A refused certificate, or a file of certificates that is not there.
        Error::Io(IoError::Io(error)) => matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::NotFound),
        _ => false,
    }
}

// The numbers of MySQL's and MariaDB's error reference.
const DATABASE_ACCESS_DENIED: u16 = 1044;
const ACCESS_DENIED: u16 = 1045;
const UNKNOWN_DATABASE: u16 = 1049;
const ACCESS_DENIED_BY_PLUGIN: u16 = 1524;
const ACCESS_DENIED_NO_PASSWORD: u16 = 1698;
