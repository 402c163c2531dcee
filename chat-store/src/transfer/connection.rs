//! A connection for one long transaction, and the rows that it transfers.

use std::error::Error;

use deadpool::managed::Object;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::{ExpressionMethods, Insertable, QueryDsl, Queryable, Selectable, SelectableHelper};
#[cfg(feature = "mysql")]
use diesel_async::AsyncMysqlConnection;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
#[cfg(feature = "sqlite")]
use {crate::backend::AsyncSqliteConnection, diesel::SqliteConnection};

use crate::backend::Backend;
use crate::row::NewAccountRow;
use crate::schema::accounts;

/// A connection taken out of its pool. Dropping it closes it and rolls back its transaction.
pub(crate) enum DedicatedConnection {
    #[cfg(feature = "mysql")]
    MySql(Box<AsyncMysqlConnection>),
    #[cfg(feature = "sqlite")]
    Sqlite(Box<AsyncSqliteConnection>),
}

/// A stored account with all its columns.
#[derive(Clone, Debug, Eq, Insertable, PartialEq, Queryable, Selectable)]
#[diesel(table_name = accounts, treat_none_as_default_value = false)]
pub(super) struct CompleteRow {
    pub(super) id: i64,
    name: String,
    canonical: Option<String>,
    password_hash: String,
    generation: i64,
    status: i32,
    created_at: i64,
    changed_at: Option<i64>,
    last_seen: Option<i64>,
    canonical_skeleton: Option<String>,
    shown_skeleton: Option<String>,
    tickets_void_until: Option<i64>,
}

pub(crate) type DatabaseError = Box<dyn Error + Send + Sync>;

/// Runs one query on either kind of connection.
macro_rules! on {
    ($connection:expr, |$c:ident| $query:expr) => {
        match $connection {
            #[cfg(feature = "mysql")]
            DedicatedConnection::MySql(connection) => {
                let $c = &mut **connection;
                $query.await
            }
            #[cfg(feature = "sqlite")]
            DedicatedConnection::Sqlite(connection) => {
                let $c = &mut **connection;
                $query.await
            }
        }
        .map_err(DatabaseError::from)
    };
}

impl DedicatedConnection {
    pub(crate) async fn open(backend: &Backend) -> Result<Self, DatabaseError> {
        Ok(match backend {
            #[cfg(feature = "mysql")]
            Backend::MySql(pool) => Self::MySql(Box::new(Object::take(pool.get().await?))),
            #[cfg(feature = "sqlite")]
            Backend::Sqlite(pool) => Self::Sqlite(Box::new(Object::take(pool.get().await?))),
        })
    }

    /// Begins a transaction in which all reads see the database as of one moment.
    pub(super) async fn begin_reading(&mut self) -> Result<(), DatabaseError> {
        match self {
            #[cfg(feature = "mysql")]
            Self::MySql(connection) => {
                let begin =
                    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; START TRANSACTION WITH CONSISTENT SNAPSHOT";
                connection.batch_execute(begin).await?;
            }
            #[cfg(feature = "sqlite")]
            Self::Sqlite(connection) => connection.batch_execute("BEGIN").await?,
        }
        Ok(())
    }

    /// Begins a transaction that writes. In SQLite it excludes other writers. In MySQL, the rows of other writers would
    /// collide with its own.
    pub(crate) async fn begin_writing(&mut self) -> Result<(), DatabaseError> {
        match self {
            #[cfg(feature = "mysql")]
            Self::MySql(connection) => connection.batch_execute("START TRANSACTION").await?,
            #[cfg(feature = "sqlite")]
            Self::Sqlite(connection) => connection.batch_execute("BEGIN IMMEDIATE").await?,
        }
        Ok(())
    }

    pub(crate) async fn commit(&mut self) -> Result<(), DatabaseError> {
        on!(self, |c| c.batch_execute("COMMIT"))
    }

    /// Counts the accounts, including removed ones.
    pub(crate) async fn count(&mut self) -> Result<i64, DatabaseError> {
        on!(self, |c| accounts::table.count().get_result::<i64>(c))
    }

    /// Returns the accounts with the lowest ids above `after`.
    pub(super) async fn page(&mut self, after: i64) -> Result<Vec<CompleteRow>, DatabaseError> {
        let page = accounts::table.filter(accounts::id.gt(after)).order(accounts::id.asc()).limit(PAGE);
        on!(self, |c| page.select(CompleteRow::as_select()).load(c))
    }

    pub(super) async fn insert(&mut self, rows: Vec<CompleteRow>) -> Result<(), DatabaseError> {
        match self {
            // One statement, because each statement costs a round trip.
            #[cfg(feature = "mysql")]
            Self::MySql(connection) => {
                diesel::insert_into(accounts::table).values(rows).execute(&mut **connection).await?;
            }
            // One switch to a blocking thread, on which each statement takes microseconds.
            #[cfg(feature = "sqlite")]
            Self::Sqlite(connection) => {
                let insert = |connection: &mut SqliteConnection| {
                    rows.into_iter().try_for_each(|row| {
                        let one = diesel::insert_into(accounts::table).values(row);
                        diesel::RunQueryDsl::execute(one, connection).map(drop)
                    })
                };
                connection.spawn_blocking(insert).await?;
            }
        }
        Ok(())
    }

    /// Inserts new accounts. Returns the places of those that another account excludes: it has the same name, or one that
    /// looks like it. The others are inserted.
    pub(crate) async fn insert_new(&mut self, rows: Vec<NewAccountRow>) -> Result<Vec<usize>, DatabaseError> {
        match self {
            // One statement for each account, because a statement that fails inserts nothing.
            #[cfg(feature = "mysql")]
            Self::MySql(connection) => {
                let mut refused = Vec::new();
                for (place, row) in rows.into_iter().enumerate() {
                    let result = diesel::insert_into(accounts::table).values(row).execute(&mut **connection).await;
                    if !is_inserted(result.map(drop))? {
                        refused.push(place);
                    }
                }
                Ok(refused)
            }
            #[cfg(feature = "sqlite")]
            Self::Sqlite(connection) => {
                let insert = |connection: &mut SqliteConnection| {
                    let mut refused = Vec::new();
                    for (place, row) in rows.into_iter().enumerate() {
                        let one = diesel::insert_into(accounts::table).values(row);
                        if !is_inserted(diesel::RunQueryDsl::execute(one, connection).map(drop))? {
                            refused.push(place);
                        }
                    }
                    diesel::QueryResult::Ok(refused)
                };
                Ok(connection.spawn_blocking(insert).await?)
            }
        }
    }
}

/// Whether a row was inserted. It was not if another row has one of its unique values.
fn is_inserted(result: diesel::QueryResult<()>) -> diesel::QueryResult<bool> {
    match result {
        Ok(()) => Ok(true),
        Err(DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The accounts in a page. They take some 150 KB. With a dozen values each, they are well below the 32,766 parameters of
/// an SQLite statement.
const PAGE: i64 = 500;

/// Lower than all ids.
pub(super) const BEFORE_ALL: i64 = i64::MIN;
