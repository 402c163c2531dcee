//! All accounts into another database, of the same kind or the other.

use std::error::Error;

use deadpool::managed::Object;
use diesel::{ExpressionMethods, Insertable, QueryDsl, Queryable, Selectable, SelectableHelper, SqliteConnection};
use diesel_async::{AsyncMysqlConnection, RunQueryDsl, SimpleAsyncConnection};

use crate::accounts::SqlAccounts;
use crate::backend::{Backend, LiteConnection};
use crate::error::TransferError;
use crate::schema::accounts;

/// Copies all accounts from one database into another, which must be empty, and compares them afterwards: ids, names,
/// hashes, generations, states and times are the same there. Gives how many there are.
///
/// It is one transaction on either side: all of them are copied as of one moment, or none. The source is only read.
/// Accounts that a server changes meanwhile are copied as they were, so no server should run.
///
/// # Errors
/// By whose fault it is; what [`TransferError::Different`] finds is no longer undone.
///
/// # Cancel safety
/// Nothing is copied if the future is dropped before it is complete, unless it had come to comparing.
pub async fn transfer(from: &SqlAccounts, to: &SqlAccounts) -> Result<u64, TransferError> {
    let target = || to.url().clone();
    let read = |source: Fault| TransferError::Read { source_url: from.url().clone(), source };
    let write = |source: Fault| TransferError::Write { target: target(), source };

    let mut source = Connection::open(&from.inner.backend).await.map_err(read)?;
    let mut sink = Connection::open(&to.inner.backend).await.map_err(write)?;
    source.begin_reading().await.map_err(read)?;
    sink.begin_writing().await.map_err(write)?;
    let count = sink.count().await.map_err(write)?;
    if count != 0 {
        return Err(TransferError::NotEmpty { target: target(), count });
    }
    let mut after = BEFORE_ALL;
    loop {
        let page = source.page(after).await.map_err(read)?;
        let Some(last) = page.last() else { break };
        after = last.id;
        sink.insert(page).await.map_err(write)?;
    }
    sink.commit().await.map_err(write)?;

    // With a new connection, so that what is compared is what others will see.
    let mut sink = Connection::open(&to.inner.backend).await.map_err(write)?;
    let (mut after, mut compared) = (BEFORE_ALL, 0);
    loop {
        let (there, here) = (source.page(after).await.map_err(read)?, sink.page(after).await.map_err(write)?);
        if let Some(id) = first_difference(&there, &here) {
            return Err(TransferError::Different { target: target(), id });
        }
        let Some(last) = there.last() else { return Ok(compared) };
        after = last.id;
        compared += there.len() as u64;
    }
}

/// An account as it is stored, every column of it.
#[derive(Clone, Debug, Eq, Insertable, PartialEq, Queryable, Selectable)]
#[diesel(table_name = accounts, treat_none_as_default_value = false)]
struct Whole {
    id: i64,
    name: String,
    canonical: Option<String>,
    password_hash: String,
    generation: i64,
    status: i32,
    created_at: i64,
    changed_at: Option<i64>,
    last_seen: Option<i64>,
}

fn first_difference(there: &[Whole], here: &[Whole]) -> Option<i64> {
    let differing = there.iter().zip(here).find(|(there, here)| there != here).map(|(there, _)| there.id);
    let more = if there.len() > here.len() { there.get(here.len()) } else { here.get(there.len()) };
    differing.or_else(|| more.map(|row| row.id))
}

/// A connection taken from its pool for good: dropped in the middle of a transaction, it ends, and the transaction with
/// it.
enum Connection {
    MySql(Box<AsyncMysqlConnection>),
    Sqlite(Box<LiteConnection>),
}

type Fault = Box<dyn Error + Send + Sync>;

/// Runs one query text on either connection.
macro_rules! on {
    ($connection:expr, |$c:ident| $query:expr) => {
        match $connection {
            Connection::MySql(connection) => {
                let $c = &mut **connection;
                $query.await
            }
            Connection::Sqlite(connection) => {
                let $c = &mut **connection;
                $query.await
            }
        }
        .map_err(Fault::from)
    };
}

impl Connection {
    async fn open(backend: &Backend) -> Result<Self, Fault> {
        Ok(match backend {
            Backend::MySql(pool) => Self::MySql(Box::new(Object::take(pool.get().await?))),
            Backend::Sqlite(pool) => Self::Sqlite(Box::new(Object::take(pool.get().await?))),
        })
    }

    /// Everything that is read from now on is as of one moment.
    async fn begin_reading(&mut self) -> Result<(), Fault> {
        match self {
            Self::MySql(connection) => {
                let begin =
                    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; START TRANSACTION WITH CONSISTENT SNAPSHOT";
                connection.batch_execute(begin).await?;
            }
            Self::Sqlite(connection) => connection.batch_execute("BEGIN").await?,
        }
        Ok(())
    }

    /// In SQLite nobody else writes until the end; in MySQL rows of others would collide with ours.
    async fn begin_writing(&mut self) -> Result<(), Fault> {
        match self {
            Self::MySql(connection) => connection.batch_execute("START TRANSACTION").await?,
            Self::Sqlite(connection) => connection.batch_execute("BEGIN IMMEDIATE").await?,
        }
        Ok(())
    }

    async fn commit(&mut self) -> Result<(), Fault> {
        on!(self, |c| c.batch_execute("COMMIT"))
    }

    async fn count(&mut self) -> Result<i64, Fault> {
        on!(self, |c| accounts::table.count().get_result::<i64>(c))
    }

    async fn page(&mut self, after: i64) -> Result<Vec<Whole>, Fault> {
        let page = accounts::table.filter(accounts::id.gt(after)).order(accounts::id.asc()).limit(PAGE);
        on!(self, |c| page.select(Whole::as_select()).load(c))
    }

    async fn insert(&mut self, rows: Vec<Whole>) -> Result<(), Fault> {
        match self {
            // One statement, as each is a journey over the network.
            Self::MySql(connection) => {
                diesel::insert_into(accounts::table).values(rows).execute(&mut **connection).await?;
            }
            // One trip to the blocking threads, as each statement takes microseconds there.
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
}

/// Accounts at once: well below what one statement may hold (nine values each, 32,766 in SQLite), and some 150 KB.
const PAGE: i64 = 500;

/// Lower than every id.
const BEFORE_ALL: i64 = i64::MIN;
