//! One presence server per database.

use std::fmt;
use std::time::Duration;

use mysql_async::Conn;
use mysql_async::prelude::Queryable;

use crate::accounts::SqlAccounts;
use crate::error::OpenError;
use crate::mysql::{self, NamedLock};
use crate::url::Place;

/// Whether this is the only presence server of its database.
#[derive(Debug)]
#[must_use = "the claim ends when its guard is dropped"]
pub enum Claim {
    /// It is, for as long as the guard lives.
    Ours(ClaimGuard),
    /// Another server has it. A reason to warn: two servers would each know only their own people.
    Others,
    /// SQLite has one file, whose folder the server locks itself.
    NotNeeded,
}

/// Holds a claim, by a connection that does nothing else; dropped, or with the process, it ends.
///
/// A restart of the database ends it too, unnoticed.
#[must_use = "the claim ends when its guard is dropped"]
pub struct ClaimGuard {
    /// Kept open, for the lock is its own.
    _connection: Conn,
}

impl fmt::Debug for ClaimGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClaimGuard")
    }
}

impl SqlAccounts {
    /// Claims the database for one presence server. Does not wait for another one to end.
    ///
    /// # Errors
    /// If the database cannot be asked.
    pub async fn claim(&self) -> Result<Claim, OpenError> {
        let Place::MySql(place) = &self.inner.url.0 else { return Ok(Claim::NotNeeded) };
        let mut connection = mysql::connect(place).await?;
        let unreachable =
            |error: mysql_async::Error| OpenError::Unreachable { server: place.server(), source: error.into() };
        connection.query_drop(STAY_OPEN).await.map_err(unreachable)?;
        Ok(match NamedLock::Server.take(&mut connection, Duration::ZERO).await.map_err(unreachable)? {
            true => Claim::Ours(ClaimGuard { _connection: connection }),
            false => Claim::Others,
        })
    }
}

/// The server closes silent connections after 8 hours unless it is told otherwise; a year is the most it takes.
const STAY_OPEN: &str = "SET SESSION wait_timeout = 31536000";
