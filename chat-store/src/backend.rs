//! One pool for either database, and the macro that runs one query text on both.

use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::time::Duration;

use deadpool::managed::Manager;
use diesel::ConnectionError;
use diesel::sqlite::SqliteConnection;
use diesel_async::pooled_connection::deadpool::Pool;
use diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, ManagerConfig, PoolError as ManagerError, PoolableConnection, RecyclingMethod,
};
use diesel_async::sync_connection_wrapper::SyncConnectionWrapper;
use diesel_async::{AsyncConnection, AsyncMysqlConnection, SimpleAsyncConnection};

use crate::error::QueryError;
use crate::sqlite::SETUP;
use crate::url::MySqlPlace;

pub(crate) type LiteConnection = SyncConnectionWrapper<SqliteConnection>;

/// Either database.
pub(crate) enum Backend {
    MySql(Pool<AsyncMysqlConnection>),
    Sqlite(Pool<LiteConnection>),
}

/// Runs one query on a connection of its own: `query!(self, |connection| ...)` is a `Result<_, QueryError>`.
///
/// The text is compiled once for each database, so the compiler checks it against both. What the databases do not
/// share stays out: `RETURNING`, upserts, functions. The query owns what it is about, because it goes to its end even
/// if nobody waits for it any more: half an answer would spoil the connection.
macro_rules! query {
    ($backend:expr, |$connection:ident| $query:expr) => {
        match $backend {
            $crate::backend::Backend::MySql(pool) => {
                let pool = pool.clone();
                $crate::backend::to_its_end(async move {
                    let mut lease = pool.get().await.map_err($crate::error::QueryError::Connection)?;
                    let $connection = &mut *lease;
                    match tokio::time::timeout($crate::backend::QUERY_PATIENCE, $query).await {
                        Ok(result) => result.map_err($crate::error::QueryError::Query),
                        Err(late) => {
                            drop(deadpool::managed::Object::take(lease));
                            Err($crate::error::QueryError::Late(late))
                        }
                    }
                })
                .await
            }
            // Without a limit: what SQLite waits for is limited by `busy_timeout`, and it cannot be stopped on the way.
            $crate::backend::Backend::Sqlite(pool) => {
                let pool = pool.clone();
                $crate::backend::to_its_end(async move {
                    let mut lease = pool.get().await.map_err($crate::error::QueryError::Connection)?;
                    let $connection = &mut *lease;
                    $query.await.map_err($crate::error::QueryError::Query)
                })
                .await
            }
        }
    };
}
pub(crate) use query;

/// Runs a query to its end, also if its caller is dropped.
pub(crate) async fn to_its_end<T: Send + 'static>(
    query: impl Future<Output = Result<T, QueryError>> + Send + 'static,
) -> Result<T, QueryError> {
    match tokio::spawn(query).await {
        Ok(result) => result,
        Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
        Err(stopped) => Err(QueryError::Stopped(stopped)),
    }
}

impl Backend {
    /// A pool that connects on first use.
    pub(crate) fn sqlite(path: &str) -> Self {
        let mut config = ManagerConfig::default();
        // The file does not go away.
        config.recycling_method = RecyclingMethod::Fast;
        config.custom_setup = Box::new(|path| {
            let path = path.to_owned();
            Box::pin(async move {
                let mut connection = LiteConnection::establish(&path).await?;
                connection.batch_execute(SETUP).await.map_err(ConnectionError::CouldntSetupConfiguration)?;
                Ok(connection)
            })
        });
        Self::Sqlite(pool(path, SQLITE_CONNECTIONS, None, config))
    }

    /// A pool that connects on first use.
    pub(crate) fn mysql(place: &MySqlPlace) -> Self {
        let mut config = ManagerConfig::default();
        // One more round trip each time, but a connection that the server has closed is replaced before its query.
        config.recycling_method = RecyclingMethod::Verified;
        let opts = place.opts.clone();
        config.custom_setup = Box::new(move |_| {
            let opts = opts.clone();
            Box::pin(async move {
                let connection = mysql_async::Conn::new(opts)
                    .await
                    .map_err(|error| ConnectionError::BadConnection(error.to_string()))?;
                AsyncMysqlConnection::try_from(connection).await
            })
        });
        // The URL is in the options, where nothing prints its password.
        Self::MySql(pool("", MYSQL_CONNECTIONS, Some(PATIENCE), config))
    }
}

/// `patience` is for a new connection and for the check of an old one.
fn pool<C>(url: &str, size: NonZeroUsize, patience: Option<Duration>, config: ManagerConfig<C>) -> Pool<C>
where
    C: AsyncConnection + PoolableConnection + 'static,
    AsyncDieselConnectionManager<C>: Manager<Type = C, Error = ManagerError>,
{
    Pool::builder(AsyncDieselConnectionManager::new_with_config(url, config))
        .max_size(size.get())
        .wait_timeout(Some(PATIENCE))
        .create_timeout(patience)
        .recycle_timeout(patience)
        .runtime(deadpool::Runtime::Tokio1)
        .build()
        .expect("a pool with timeouts needs only a runtime, and has one")
}

/// For each of: a free connection, a new one, the check of an old one. People wait behind this.
pub(crate) const PATIENCE: Duration = Duration::from_secs(3);
/// For the answer to one query, which takes about a millisecond: a server that hangs must not hold its callers for ever.
pub(crate) const QUERY_PATIENCE: Duration = Duration::from_secs(10);
/// SQLite has one writer at a time anyway.
const SQLITE_CONNECTIONS: NonZeroUsize = NonZeroUsize::new(4).expect("not zero");
/// Queries take about a millisecond: 8 at once are thousands of log-ins per second, and leave room for others in the
/// 151 connections that a MySQL server allows by default.
const MYSQL_CONNECTIONS: NonZeroUsize = NonZeroUsize::new(8).expect("not zero");
