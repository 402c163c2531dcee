//! One presence server per database.

use std::fmt;
use std::fs::File;
use std::time::Duration;

use mysql_async::Conn;
use mysql_async::prelude::Queryable;

use crate::accounts::SqlAccounts;
use crate::error::OpenError;
use crate::mysql::{self, NamedLock};
use crate::sqlite;
use crate::url::Place;

/// Whether this is the only presence server of its database.
#[derive(Debug)]
#[must_use = "the claim ends when its guard is dropped"]
pub enum Claim {
    /// It is, for as long as the guard lives.
    Ours(ClaimGuard),
    /// Another server has it. A reason to warn: two servers would each know only their own people.
    Others,
}

/// Holds a claim; dropped, or with the process, it ends.
///
/// A restart of a MySQL server ends it too, unnoticed.
#[must_use = "the claim ends when its guard is dropped"]
pub struct ClaimGuard {
    /// Kept open, for the lock is its own.
    _holder: Holder,
}

enum Holder {
    /// A connection that does nothing else.
    MySql { _connection: Conn },
    /// A file beside the database. SQLite has locks on the database itself, which end when anybody in the process closes it.
    Sqlite { _lock: File },
}

impl From<Holder> for ClaimGuard {
    fn from(holder: Holder) -> Self {
        Self { _holder: holder }
    }
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
    /// If the database cannot be asked, or the file beside it not be made.
    pub async fn claim(&self) -> Result<Claim, OpenError> {
        let place = match &self.inner.url.0 {
            Place::MySql(place) => place,
            Place::Sqlite(path) => {
                let locked = sqlite::lock(path).map_err(|source| OpenError::Lock { path: path.clone(), source })?;
                return Ok(locked.map_or(Claim::Others, |lock| Claim::Ours(Holder::Sqlite { _lock: lock }.into())));
            }
        };
        let mut connection = mysql::connect(place).await?;
        let unreachable =
            |error: mysql_async::Error| OpenError::Unreachable { server: place.server(), source: error.into() };
        connection.query_drop(STAY_OPEN).await.map_err(unreachable)?;
        Ok(match NamedLock::Server.take(&mut connection, Duration::ZERO).await.map_err(unreachable)? {
            true => Claim::Ours(Holder::MySql { _connection: connection }.into()),
            false => Claim::Others,
        })
    }
}

/// The server closes silent connections after 8 hours unless it is told otherwise; a year is the most it takes.
const STAY_OPEN: &str = "SET SESSION wait_timeout = 31536000";
