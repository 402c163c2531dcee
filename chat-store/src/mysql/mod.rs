//! Connecting to MySQL, and its named locks.

mod applied;
mod error;
mod probe;

use std::io;
use std::time::Duration;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error};

use self::probe::{Answer, probe};
use crate::backend::CONNECT_TIMEOUT;
use crate::url::MySqlLocation;

pub(crate) use applied::applied;
pub use error::{ConnectError, Refusal, Stranger, Transport};

/// Opens a connection that does not belong to a pool. If the attempt fails without an error from a MySQL server, finds
/// out what answers at the address.
pub(crate) async fn connect(location: &MySqlLocation) -> Result<Conn, ConnectError> {
    match attempt(location).await {
        Ok(connection) => Ok(connection),
        Err(error @ Error::Server(_)) => Err(ConnectError::new(location, error)),
        Err(error) => Err(match probe(location).await {
            Answer::MySql => ConnectError::new(location, error),
            Answer::Stranger(found) => ConnectError::NotMySql { server: location.server(), found },
            Answer::Silence => ConnectError::Silent { server: location.server() },
            Answer::None(source) => ConnectError::none(location, source),
            Answer::UnknownHost(source) => ConnectError::UnknownHost { host: location.host(), source },
        }),
    }
}

/// Opens a connection for a pool. Does not probe the address after a failure, because the pool's callers wait.
pub(crate) async fn connect_for_pool(location: &MySqlLocation) -> Result<Conn, ConnectError> {
    attempt(location).await.map_err(|error| ConnectError::new(location, error))
}

/// Closes a connection that no query needs any more. Dropping it would leave that to a task, which does not run if the
/// program ends soon, and the server then logs an aborted connection.
pub(crate) async fn close(connection: Conn) {
    if let Err(error) = connection.disconnect().await {
        log::debug!("a connection to the database server broke while it was closed: {error}");
    }
}

async fn attempt(location: &MySqlLocation) -> Result<Conn, Error> {
    match tokio::time::timeout(CONNECT_TIMEOUT, Conn::new(location.opts.clone())).await {
        Ok(result) => result,
        Err(elapsed) => Err(io::Error::new(io::ErrorKind::TimedOut, elapsed).into()),
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
    ///
    /// Some clusters have no such locks. The call then succeeds with a warning, and does not exclude other programs.
    pub(crate) async fn acquire(self, connection: &mut Conn, timeout: Duration) -> Result<bool, Error> {
        let purpose = match self {
            Self::Migration => "migration",
            Self::Server => "server",
        };
        // Lock names are shared by all databases of the server and limited to 64 characters, so the name of the database
        // is hashed.
        let lock = format!("CONCAT('chat {purpose} ', LEFT(SHA2(DATABASE(), 256), 32))");
        let query = format!("SELECT GET_LOCK({lock}, {})", timeout.as_secs());
        match connection.query_first::<Option<u8>, _>(query).await {
            Err(Error::Server(refusal)) if refusal.code == NOT_SUPPORTED => {
                log::warn!(
                    "the database server has no named locks; make sure that only one server uses the database: {}",
                    refusal.message
                );
                Ok(true)
            }
            acquired => Ok(acquired?.flatten() == Some(1)),
        }
    }
}

/// A feature that the server does not have, such as named locks in a Galera cluster.
const NOT_SUPPORTED: u16 = 1235;
