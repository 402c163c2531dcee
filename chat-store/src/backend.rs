//! The connection pool of either database, and the macro that compiles one query for both.

use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::time::Duration;

use deadpool::managed::Manager;
use diesel::ConnectionError;
use diesel_async::AsyncConnection;
use diesel_async::pooled_connection::deadpool::Pool;
use diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, ManagerConfig, PoolError as ManagerError, PoolableConnection, RecyclingMethod,
};
#[cfg(feature = "sqlite")]
use {
    crate::blocking::blocking,
    crate::migrations::{self, migrate_sqlite},
    crate::schema_check::SchemaState,
    crate::sqlite::{self, READING_SETUP, SETUP},
    diesel::sqlite::{Sqlite, SqliteConnection},
    diesel_async::SimpleAsyncConnection,
    diesel_async::sync_connection_wrapper::SyncConnectionWrapper,
};
#[cfg(feature = "mysql")]
use {
    crate::migrations::{migrate_mysql, mysql_state},
    crate::mysql,
    crate::url::MySqlLocation,
    chat_core::error_chain::error_chain,
    diesel_async::AsyncMysqlConnection,
};

use crate::error::{OpenError, QueryError};
use crate::migrations::SchemaOrigin;
use crate::url::Location;

#[cfg(feature = "sqlite")]
pub(crate) use crate::sqlite::ReadableFile;

/// Stands for the file of the other database. There is none.
#[cfg(not(feature = "sqlite"))]
#[derive(Debug)]
pub(crate) enum ReadableFile {}

#[cfg(not(feature = "sqlite"))]
impl ReadableFile {
    pub(crate) fn verify(&self) -> std::io::Result<()> {
        match *self {}
    }
}

#[cfg(feature = "sqlite")]
pub(crate) type AsyncSqliteConnection = SyncConnectionWrapper<SqliteConnection>;

/// The connection pool of a database.
pub(crate) enum Backend {
    #[cfg(feature = "mysql")]
    MySql(Pool<AsyncMysqlConnection>),
    #[cfg(feature = "sqlite")]
    Sqlite(Pool<AsyncSqliteConnection>),
}

/// Runs one query on a connection from the pool: `query!(self, |connection| ...)` is a `Result<_, QueryError>`.
///
/// The query is compiled once for each database, so the compiler checks it against both. It cannot use features that
/// only one of them has, such as `RETURNING`, upserts and functions. The query must own its data, because it runs to
/// completion even if its caller is dropped: a partly read response would make the connection unusable.
macro_rules! query {
    ($backend:expr, |$connection:ident| $query:expr) => {
        match $backend {
            #[cfg(feature = "mysql")]
            $crate::backend::Backend::MySql(pool) => {
                let pool = pool.clone();
                $crate::backend::run_to_completion(Box::pin(async move {
                    let mut lease = pool.get().await.map_err($crate::error::QueryError::connection)?;
                    let $connection = &mut *lease;
                    match tokio::time::timeout($crate::backend::QUERY_TIMEOUT, $query).await {
                        Ok(result) => result.map_err($crate::error::QueryError::query),
                        Err(elapsed) => {
                            drop(deadpool::managed::Object::take(lease));
                            Err($crate::error::QueryError::Timeout(elapsed.into()))
                        }
                    }
                }))
                .await
            }
            // Without a timeout: `busy_timeout` limits how long SQLite waits, and a running query cannot be cancelled.
            #[cfg(feature = "sqlite")]
            $crate::backend::Backend::Sqlite(pool) => {
                let pool = pool.clone();
                $crate::backend::run_to_completion(Box::pin(async move {
                    let mut lease = pool.get().await.map_err($crate::error::QueryError::connection)?;
                    let $connection = &mut *lease;
                    $query.await.map_err($crate::error::QueryError::query)
                }))
                .await
            }
        }
    };
}
pub(crate) use query;

/// Runs a query in a task, so that it completes even if its caller is dropped.
///
/// The query is boxed, so that tokio's code for a task exists once for each type of result. Otherwise every crate that uses
/// this one would compile it for each of some hundred queries.
pub(crate) async fn run_to_completion<T: Send + 'static>(
    query: Pin<Box<dyn Future<Output = Result<T, QueryError>> + Send>>,
) -> Result<T, QueryError> {
    match tokio::spawn(query).await {
        Ok(result) => result,
        Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
        Err(cancelled) => Err(QueryError::Stopped(cancelled.into())),
    }
}

impl Backend {
    /// Creates an SQLite file that does not exist, runs pending migrations, and creates a pool.
    pub(crate) async fn open(location: &Location) -> Result<(Self, SchemaOrigin), OpenError> {
        Ok(match location {
            #[cfg(feature = "sqlite")]
            Location::Sqlite(path) => {
                let path = path.clone();
                let path = blocking(move || sqlite::ensure_private_file(&path)).await?;
                let origin = migrate_sqlite(path.clone()).await?;
                (Self::sqlite(&path, SETUP), origin)
            }
            #[cfg(feature = "mysql")]
            Location::MySql(location) => {
                let origin = migrate_mysql(location).await?;
                (Self::mysql(location), origin)
            }
        })
    }

    /// Creates a pool for a database that must exist and have the current schema, and changes nothing in it. For an SQLite
    /// database, also returns the file.
    pub(crate) async fn open_for_reading(location: &Location) -> Result<(Self, Option<ReadableFile>), OpenError> {
        Ok(match location {
            #[cfg(feature = "sqlite")]
            Location::Sqlite(path) => {
                let path = path.clone();
                let file = blocking(move || {
                    let file = ReadableFile::find(&path)?;
                    SchemaState::new::<Sqlite>(&file.applied()?, &migrations::SQLITE)?.require_current()?;
                    Ok::<_, OpenError>(file)
                })
                .await?;
                (Self::sqlite(file.url(), READING_SETUP), Some(file))
            }
            #[cfg(feature = "mysql")]
            Location::MySql(location) => {
                let mut connection = mysql::connect(location).await?;
                let state = mysql_state(location, &mut connection).await;
                mysql::close(connection).await;
                state?.require_current()?;
                (Self::mysql(location), None)
            }
        })
    }

    /// Creates a pool that connects on first use, and executes `setup` on each connection.
    #[cfg(feature = "sqlite")]
    fn sqlite(path: &str, setup: &'static str) -> Self {
        let mut config = ManagerConfig::default();
        // A connection to a file does not break.
        config.recycling_method = RecyclingMethod::Fast;
        config.custom_setup = Box::new(move |path| {
            let path = path.to_owned();
            Box::pin(async move {
                let mut connection = AsyncSqliteConnection::establish(&path).await?;
                connection.batch_execute(setup).await.map_err(ConnectionError::CouldntSetupConfiguration)?;
                Ok(connection)
            })
        });
        Self::Sqlite(pool(path, SQLITE_CONNECTIONS, None, config))
    }

    /// Creates a pool that connects on first use.
    #[cfg(feature = "mysql")]
    fn mysql(location: &MySqlLocation) -> Self {
        let mut config = ManagerConfig::default();
        // Costs one round trip per query, and replaces a connection that the server has closed before the query needs it.
        config.recycling_method = RecyclingMethod::Verified;
        let location = location.clone();
        config.custom_setup = Box::new(move |_| {
            let location = location.clone();
            Box::pin(async move {
                let connection = mysql::connect_for_pool(&location)
                    .await
                    .map_err(|error| ConnectionError::BadConnection(error_chain(&error)))?;
                AsyncMysqlConnection::try_from(connection).await
            })
        });
        // The pool gets no URL, because it might print one. `location` holds the password and is never printed with it.
        Self::MySql(pool("", MYSQL_CONNECTIONS, Some(CONNECT_TIMEOUT), config))
    }
}

/// Builds a pool. `timeout` limits opening a connection, and checking one that is reused.
fn pool<C>(url: &str, size: NonZeroUsize, timeout: Option<Duration>, config: ManagerConfig<C>) -> Pool<C>
where
    C: AsyncConnection + PoolableConnection + 'static,
    AsyncDieselConnectionManager<C>: Manager<Type = C, Error = ManagerError>,
{
    Pool::builder(AsyncDieselConnectionManager::new_with_config(url, config))
        .max_size(size.get())
        .wait_timeout(Some(CONNECT_TIMEOUT))
        .create_timeout(timeout)
        .recycle_timeout(timeout)
        .runtime(deadpool::Runtime::Tokio1)
        .build()
        .expect("a pool with timeouts requires a runtime, and one is set")
}

/// The limit for each of these steps: waiting for a free connection, opening a new one, and checking one that is
/// reused. It is short, because users wait.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// The limit for one query, which usually takes about a millisecond. A database server that hangs must not block its
/// callers.
#[cfg(feature = "mysql")]
pub(crate) const QUERY_TIMEOUT: Duration = Duration::from_secs(10);
/// The size of the pool. SQLite has only one writer at a time, so more connections would only wait.
#[cfg(feature = "sqlite")]
const SQLITE_CONNECTIONS: NonZeroUsize = NonZeroUsize::new(4).expect("not zero");
/// The size of the pool. At about a millisecond per query, 8 connections carry thousands of logins per second. A MySQL
/// server allows 151 connections by default, which other programs share.
#[cfg(feature = "mysql")]
const MYSQL_CONNECTIONS: NonZeroUsize = NonZeroUsize::new(8).expect("not zero");
