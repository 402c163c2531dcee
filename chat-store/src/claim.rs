//! The claim that a presence server holds on its database.

use std::fmt;

#[cfg(feature = "mysql")]
use {
    crate::mysql::{self, ConnectError, NamedLock},
    crate::url::MySqlLocation,
    mysql_async::Conn,
    mysql_async::prelude::Queryable,
    std::time::Duration,
};

use crate::accounts::SqlAccounts;
use crate::error::OpenError;
#[cfg(feature = "sqlite")]
use crate::sqlite::{self, ClaimFile};
use crate::url::{Location, StoreUrl};

/// The mark that a running server holds on its database. It ends when this is dropped, or with the process.
///
/// A restart of a MySQL server also ends the claim, and the holder does not notice.
#[must_use = "the claim ends when it is dropped"]
pub struct Claim {
    holder: Holder,
}

enum Holder {
    /// The connection that holds the named lock, and carries no queries.
    #[cfg(feature = "mysql")]
    MySql { _connection: Conn },
    /// The locked file beside the database.
    #[cfg(feature = "sqlite")]
    Sqlite(ClaimFile),
}

impl Claim {
    /// Ends the claim and removes the lock file, if the claim created it.
    pub(crate) fn remove(self) {
        match self.holder {
            #[cfg(feature = "mysql")]
            Holder::MySql { .. } => {}
            #[cfg(feature = "sqlite")]
            Holder::Sqlite(file) => file.remove(),
        }
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Claim")
    }
}

impl SqlAccounts {
    /// Claims the database for one presence server. Returns `None` if another server holds the claim, and does not wait
    /// for it to end. Two servers on one database do not see each other's sessions.
    ///
    /// # Errors
    /// If the MySQL server cannot be queried, or if the lock file beside the SQLite file cannot be created.
    ///
    /// # Cancel safety
    /// Cancel safe: if the future is dropped, there is no claim.
    pub async fn claim(&self) -> Result<Option<Claim>, OpenError> {
        claim(&self.inner.url).await
    }
}

/// Claims the database at `url`, which must exist, without opening or changing it.
pub(crate) async fn claim(url: &StoreUrl) -> Result<Option<Claim>, OpenError> {
    let holder = match &url.0 {
        #[cfg(feature = "mysql")]
        Location::MySql(location) => claim_mysql(location).await?,
        #[cfg(feature = "sqlite")]
        Location::Sqlite(path) => sqlite::lock(path)
            .map_err(|source| OpenError::ClaimFile { path: path.clone(), source })?
            .map(Holder::Sqlite),
    };
    Ok(holder.map(|holder| Claim { holder }))
}

#[cfg(feature = "mysql")]
async fn claim_mysql(location: &MySqlLocation) -> Result<Option<Holder>, OpenError> {
    let mut connection = mysql::connect(location).await?;
    let failed = |error| OpenError::Connect(ConnectError::new(location, error));
    connection.query_drop(STAY_OPEN).await.map_err(failed)?;
    let acquired = NamedLock::Server.acquire(&mut connection, Duration::ZERO).await.map_err(failed)?;
    Ok(acquired.then_some(Holder::MySql { _connection: connection }))
}

/// Keeps the claim's connection open. By default MySQL closes a connection after 8 hours without a query. A year is the
/// maximum.
#[cfg(feature = "mysql")]
const STAY_OPEN: &str = "SET SESSION wait_timeout = 31536000";
