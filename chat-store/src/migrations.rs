//! Runs pending migrations, also while other programs open the same database.

use std::error::Error;

use diesel::backend::Backend;
use diesel::connection::SimpleConnection;
use diesel::migration::MigrationSource;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
#[cfg(feature = "mysql")]
use {
    crate::mysql::{self, ConnectError, NamedLock},
    crate::url::MySqlLocation,
    diesel::mysql::Mysql,
    diesel_async::AsyncMysqlConnection,
    diesel_async::async_connection_wrapper::AsyncConnectionWrapper,
    mysql_async::Conn,
    std::time::Duration,
};
#[cfg(feature = "sqlite")]
use {
    crate::sqlite::{self, ReadableFile},
    diesel::sqlite::Sqlite,
    std::path::Path,
};

use crate::blocking::blocking;
use crate::error::OpenError;
use crate::schema_check::SchemaState;
use crate::skeletons::WithSkeletons;
use crate::url::Location;

#[cfg(feature = "mysql")]
pub(crate) const MYSQL: EmbeddedMigrations = embed_migrations!("migrations/mysql");
#[cfg(feature = "sqlite")]
pub(crate) const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");

/// Whether a database had a schema before its migrations ran.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum SchemaOrigin {
    Created,
    Found,
}

/// Compares the schema of a MySQL database with the migrations of this program.
#[cfg(feature = "mysql")]
pub(crate) async fn mysql_state(location: &MySqlLocation, connection: &mut Conn) -> Result<SchemaState, OpenError> {
    let applied = mysql::applied(connection).await.map_err(|error| ConnectError::new(location, error))?;
    SchemaState::new::<Mysql>(&applied, &MYSQL)
}

/// Runs pending migrations on a MySQL database, and changes nothing if none is pending. A named lock admits one program
/// at a time.
#[cfg(feature = "mysql")]
pub(crate) async fn migrate_mysql(location: &MySqlLocation) -> Result<SchemaOrigin, OpenError> {
    let mut connection = mysql::connect(location).await?;
    if mysql_state(location, &mut connection).await? == SchemaState::Current {
        mysql::close(connection).await;
        return Ok(SchemaOrigin::Found);
    }
    let locked = NamedLock::Migration.acquire(&mut connection, LOCK_TIMEOUT).await;
    if !locked.map_err(|error| ConnectError::new(location, error))? {
        return Err(OpenError::MigrationLocked(LOCK_TIMEOUT));
    }
    let connection =
        AsyncMysqlConnection::try_from(connection).await.map_err(|error| OpenError::Migration(error.into()))?;
    // The lock ends with its connection, which this closure drops.
    blocking(move || run_pending(&mut BlockingMysqlConnection::from(connection), WithSkeletons(MYSQL), |_| Ok(())))
        .await
}

/// Runs pending migrations on the SQLite file at the absolute path `path`.
#[cfg(feature = "sqlite")]
pub(crate) async fn migrate_sqlite(path: String) -> Result<SchemaOrigin, OpenError> {
    blocking(move || migrate_file(&path, WithSkeletons(SQLITE))).await
}

/// Reverts all migrations and removes the table that records them, so that the database is as empty as before its first
/// migration.
pub(crate) async fn remove_schema(location: &Location) -> Result<(), Box<dyn Error + Send + Sync>> {
    match location {
        #[cfg(feature = "sqlite")]
        Location::Sqlite(path) => {
            let path = sqlite::ensure_private_file(path)?;
            blocking(move || revert_all(&mut sqlite::open(&path)?, SQLITE)).await
        }
        #[cfg(feature = "mysql")]
        Location::MySql(location) => {
            let connection = AsyncMysqlConnection::try_from(mysql::connect(location).await?).await?;
            blocking(move || revert_all(&mut BlockingMysqlConnection::from(connection), MYSQL)).await
        }
    }
}

/// Reverts the migrations above `version`.
#[cfg(feature = "testing")]
pub(crate) async fn revert_above(
    location: &Location,
    version: &'static str,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    fn revert<B: Backend, C: MigrationHarness<B>>(
        connection: &mut C,
        source: impl Fn() -> EmbeddedMigrations,
        version: &str,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        while connection.applied_migrations()?.first().is_some_and(|last| *last.to_string() > *version) {
            connection.revert_last_migration(source())?;
        }
        Ok(())
    }
    match location {
        #[cfg(feature = "sqlite")]
        Location::Sqlite(path) => {
            let path = sqlite::ensure_private_file(path)?;
            blocking(move || revert(&mut sqlite::open(&path)?, || SQLITE, version)).await
        }
        #[cfg(feature = "mysql")]
        Location::MySql(location) => {
            let connection = AsyncMysqlConnection::try_from(mysql::connect(location).await?).await?;
            blocking(move || revert(&mut BlockingMysqlConnection::from(connection), || MYSQL, version)).await
        }
    }
}

fn revert_all<B: Backend, C: MigrationHarness<B> + SimpleConnection>(
    connection: &mut C,
    source: impl MigrationSource<B>,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    connection.revert_all_migrations(source)?;
    Ok(connection.batch_execute("DROP TABLE __diesel_schema_migrations;")?)
}

#[cfg(feature = "mysql")]
pub(crate) type BlockingMysqlConnection = AsyncConnectionWrapper<AsyncMysqlConnection>;

#[cfg(feature = "sqlite")]
fn migrate_file(path: &str, source: impl MigrationSource<Sqlite>) -> Result<SchemaOrigin, OpenError> {
    let mut connection = sqlite::open(path)?;
    let unusable = |error: diesel::result::Error| OpenError::File { path: path.into(), source: error.into() };
    if SchemaState::new(&sqlite::applied(&mut connection).map_err(unusable)?, &source)? == SchemaState::Current {
        return Ok(SchemaOrigin::Found);
    }
    // Takes the write lock before it reads the list of applied migrations, so that two programs do not run the same
    // migration.
    let migrated = connection.immediate_transaction(|connection| {
        let origin = run_pending(connection, source, |version| {
            // The copy uses another connection, which reads the database as it was before this transaction.
            let file = ReadableFile::find(Path::new(path))?;
            let copy = sqlite::copy_before(&file, path, version).map_err(OpenError::Copy)?;
            log::info!("copied the database to {} before changing its schema", copy.display());
            Ok(())
        });
        origin.map_err(TransactionError::Migration)
    });
    migrated.map_err(|error| match error {
        TransactionError::Migration(error) => error,
        TransactionError::Transaction(error) => OpenError::Migration(error.into()),
    })
}

/// Why the transaction of the migrations failed. Not [`OpenError`], because diesel requires a conversion from its own
/// error, which would then be in the interface of this crate.
#[cfg(feature = "sqlite")]
enum TransactionError {
    /// A migration failed.
    Migration(OpenError),
    /// The transaction did not begin or was not committed.
    Transaction(diesel::result::Error),
}

#[cfg(feature = "sqlite")]
impl From<diesel::result::Error> for TransactionError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Transaction(error)
    }
}

/// Runs the pending migrations. Calls `before` with the version of the first one, unless the database is new.
fn run_pending<B: Backend>(
    connection: &mut impl MigrationHarness<B>,
    source: impl MigrationSource<B>,
    before: impl FnOnce(&str) -> Result<(), OpenError>,
) -> Result<SchemaOrigin, OpenError> {
    let applied = connection.applied_migrations().map_err(OpenError::Migration)?;
    let versions: Vec<String> = applied.iter().map(ToString::to_string).collect();
    SchemaState::new(&versions, &source)?;
    let pending = connection.pending_migrations(source).map_err(OpenError::Migration)?;
    if let Some(first) = pending.first()
        && !applied.is_empty()
    {
        before(&first.name().version().to_string())?;
    }
    connection.run_migrations(&pending).map_err(OpenError::Migration)?;
    Ok(if applied.is_empty() { SchemaOrigin::Created } else { SchemaOrigin::Found })
}

/// The time to wait for another program's migrations. Migrating some thousand accounts takes seconds.
#[cfg(feature = "mysql")]
const LOCK_TIMEOUT: Duration = Duration::from_secs(30);

#[cfg(test)]
#[cfg(feature = "sqlite")]
mod tests {
    use std::path::PathBuf;

    use diesel_migrations::FileBasedMigrations;

    use super::*;

    /// A folder with the first `count` of three migrations.
    fn migrations(folder: &Path, count: usize) -> FileBasedMigrations {
        let steps = [
            ("1_first", "CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('kept');"),
            ("2_second", "ALTER TABLE t ADD COLUMN b TEXT;"),
            ("3_broken", "ALTER TABLE t ADD COLUMN c TEXT; ALTER TABLE none ADD COLUMN d TEXT;"),
        ];
        let folder = folder.join(format!("migrations-{count}"));
        for (name, sql) in &steps[..count] {
            std::fs::create_dir_all(folder.join(name)).unwrap();
            std::fs::write(folder.join(name).join("up.sql"), sql).unwrap();
            std::fs::write(folder.join(name).join("down.sql"), "").unwrap();
        }
        FileBasedMigrations::from_path(folder).unwrap()
    }

    fn database(folder: &Path) -> (PathBuf, String) {
        let path = folder.join("chat.sqlite");
        let text = sqlite::ensure_private_file(&path).unwrap();
        (path, text)
    }

    fn runs(path: &Path, sql: &str) -> bool {
        sqlite::open(path.to_str().unwrap()).unwrap().batch_execute(sql).is_ok()
    }

    #[test]
    fn an_existing_database_is_copied_before_its_schema_changes() {
        let folder = tempfile::tempdir().unwrap();
        let (_, path) = database(folder.path());
        let copy = folder.path().join("chat.sqlite.before-2");
        for count in [1, 1] {
            migrate_file(&path, migrations(folder.path(), count)).unwrap();
            assert!(!copy.exists(), "a new or unchanged database is not copied");
        }
        // While a connection is open, this row is only in the write-ahead log.
        let mut open = sqlite::open(&path).unwrap();
        open.batch_execute("INSERT INTO t VALUES ('late');").unwrap();
        migrate_file(&path, migrations(folder.path(), 2)).unwrap();
        assert!(copy.exists(), "a database is copied before it changes");
        assert!(runs(&copy, "INSERT INTO t SELECT a FROM t WHERE a = 'late'"), "the copy includes the write-ahead log");
        assert!(!runs(&copy, "SELECT b FROM t"), "the copy has the old schema");
        let mut copied = sqlite::open(copy.to_str().unwrap()).unwrap();
        let rows = diesel::RunQueryDsl::execute(diesel::sql_query("UPDATE t SET a = a"), &mut copied).unwrap();
        assert_eq!(rows, 3, "the copy holds 'kept', 'late', and the row inserted above");
    }

    #[test]
    fn eight_concurrent_migrations_make_one_copy() {
        for _ in 0..5 {
            let folder = tempfile::tempdir().unwrap();
            let (_, path) = database(folder.path());
            migrate_file(&path, migrations(folder.path(), 1)).unwrap();
            migrations(folder.path(), 2);
            std::thread::scope(|scope| {
                for _ in 0..8 {
                    let source = FileBasedMigrations::from_path(folder.path().join("migrations-2")).unwrap();
                    let path = path.as_str();
                    scope.spawn(move || migrate_file(path, source).unwrap());
                }
            });
            assert!(folder.path().join("chat.sqlite.before-2").exists());
            assert!(
                !folder.path().join("chat.sqlite.before-2-2").exists(),
                "only the program that runs the migration makes a copy"
            );
        }
    }

    #[test]
    fn a_failed_migration_is_rolled_back() {
        let folder = tempfile::tempdir().unwrap();
        let (file, path) = database(folder.path());
        migrate_file(&path, migrations(folder.path(), 2)).unwrap();
        for _ in 0..2 {
            let error = migrate_file(&path, migrations(folder.path(), 3)).unwrap_err();
            assert!(matches!(error, OpenError::Migration(_)), "{error:?}");
            assert!(!runs(&file, "SELECT c FROM t"), "a failed migration leaves no changes");
        }
        for copy in ["chat.sqlite.before-3", "chat.sqlite.before-3-2"] {
            assert!(folder.path().join(copy).exists(), "copies are never overwritten: {copy}");
        }
    }

    #[test]
    fn a_newer_schema_is_refused_and_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        let (_, path) = database(folder.path());
        migrate_file(&path, migrations(folder.path(), 2)).unwrap();
        let error = migrate_file(&path, migrations(folder.path(), 1)).unwrap_err();
        assert!(matches!(&error, OpenError::NewerSchema { found } if found == "2"), "{error:?}");
        migrate_file(&path, migrations(folder.path(), 2)).unwrap();
    }
}
