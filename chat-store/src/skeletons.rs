//! Fills the columns of skeletons for accounts that are older than these columns.
//!
//! SQL cannot compute a skeleton. Therefore the program fills the columns as part of their migration: under the lock of
//! migrations, and before the migration is recorded. In SQLite both are one transaction. A MySQL migration that is
//! interrupted runs again, and continues with the accounts that have no skeletons yet.
//!
//! Later registrations bring their skeletons along. An older program that still runs on the database does not, so that an
//! account which it registers meanwhile stays without them.

use chat_core::name::{Skeletons, UserName};
use diesel::backend::Backend;
use diesel::connection::BoxableConnection;
use diesel::migration::{Migration, MigrationMetadata, MigrationName, MigrationSource, MigrationVersion, Result};
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::{Connection, ExpressionMethods, QueryDsl, QueryResult, RunQueryDsl};

use crate::schema::accounts;

/// The migration that adds the columns.
const VERSION: &str = "20261126000001";

/// The accounts that are filled in one transaction: with one transaction for each account, a database of 100,000
/// accounts would wait for its disk 100,000 times.
const PAGE: i64 = 500;

/// Migrations of which the one that adds the columns also fills them.
pub(crate) struct WithSkeletons<S>(pub(crate) S);

impl<B: FillableBackend, S: MigrationSource<B>> MigrationSource<B> for WithSkeletons<S> {
    fn migrations(&self) -> Result<Vec<Box<dyn Migration<B>>>> {
        let with_skeletons = |migration: Box<dyn Migration<B>>| -> Box<dyn Migration<B>> {
            let adds_columns = migration.name().version() == MigrationVersion::from(VERSION);
            if adds_columns { Box::new(Filling(migration)) } else { migration }
        };
        Ok(self.0.migrations()?.into_iter().map(with_skeletons).collect())
    }
}

/// A migration after which the columns are filled.
struct Filling<B>(Box<dyn Migration<B>>);

impl<B: FillableBackend> Migration<B> for Filling<B> {
    fn run(&self, connection: &mut dyn BoxableConnection<B>) -> Result<()> {
        self.0.run(connection)?;
        B::fill(connection)
    }

    fn revert(&self, connection: &mut dyn BoxableConnection<B>) -> Result<()> {
        self.0.revert(connection)
    }

    fn metadata(&self) -> &dyn MigrationMetadata {
        self.0.metadata()
    }

    fn name(&self) -> &dyn MigrationName {
        self.0.name()
    }
}

/// A database whose accounts can be filled in its migrations.
pub(crate) trait FillableBackend: Backend + 'static {
    fn fill(connection: &mut dyn BoxableConnection<Self>) -> Result<()>;
}

/// The two queries on a connection of either kind.
trait Fillable: Connection {
    /// The ids and names of the first accounts above `after` that have a name and no skeletons.
    fn unfilled(&mut self, after: i64) -> QueryResult<Vec<(i64, String)>>;

    fn set(&mut self, id: i64, skeletons: &Skeletons) -> QueryResult<usize>;
}

macro_rules! fillable {
    ($backend:ty, $connection:ty) => {
        impl FillableBackend for $backend {
            fn fill(connection: &mut dyn BoxableConnection<Self>) -> Result<()> {
                let connection = connection.downcast_mut::<$connection>();
                Ok(fill(connection.ok_or("migrations run on another kind of connection")?)?)
            }
        }

        impl Fillable for $connection {
            fn unfilled(&mut self, after: i64) -> QueryResult<Vec<(i64, String)>> {
                let named = accounts::table.filter(accounts::canonical.is_not_null()).filter(accounts::id.gt(after));
                let unfilled = named.filter(accounts::canonical_skeleton.is_null());
                unfilled.order(accounts::id.asc()).limit(PAGE).select((accounts::id, accounts::name)).load(self)
            }

            fn set(&mut self, id: i64, skeletons: &Skeletons) -> QueryResult<usize> {
                let columns = (
                    accounts::canonical_skeleton.eq(skeletons.canonical()),
                    accounts::shown_skeleton.eq(skeletons.shown()),
                );
                diesel::update(accounts::table.find(id)).set(columns).execute(self)
            }
        }
    };
}

#[cfg(feature = "mysql")]
fillable!(diesel::mysql::Mysql, crate::migrations::BlockingMysqlConnection);
#[cfg(feature = "sqlite")]
fillable!(diesel::sqlite::Sqlite, diesel::SqliteConnection);

/// Fills the columns of all accounts in the order of ids, so that of accounts whose names look alike the first one gets
/// its skeletons. The others stay without, and keep their names: everybody can log in, and no newcomer gets a name that
/// looks like theirs, because the first one has the skeletons. After the name of the first one is freed, a newcomer can
/// get such a name. The others then stay without skeletons all the same: which of them should have a claim to the looks
/// of a name that none of them had alone is for the operator to decide.
fn fill(connection: &mut impl Fillable) -> QueryResult<()> {
    let mut after = i64::MIN;
    loop {
        let page = connection.unfilled(after)?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after = *last;
        connection.transaction(|connection| page.iter().try_for_each(|(id, name)| fill_one(connection, *id, name)))?;
    }
}

fn fill_one(connection: &mut impl Fillable, id: i64, name: &str) -> QueryResult<()> {
    // A name that breaks a newer rule is shown to nobody, because its owner cannot log in.
    let Ok(name) = UserName::parse(name) else { return Ok(()) };
    match connection.set(id, &name.skeletons()) {
        Err(DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => Ok(()),
        result => result.map(drop),
    }
}
