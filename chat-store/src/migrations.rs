//! Brings the schema up to date, whoever else is doing the same.

use std::collections::BTreeSet;
use std::time::Duration;

use diesel::backend::Backend;
use diesel::migration::MigrationSource;
use diesel_async::AsyncMysqlConnection;
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::error::OpenError;
use crate::mysql::{self, NamedLock};
use crate::sqlite;
use crate::url::MySqlPlace;

pub(crate) const MYSQL: EmbeddedMigrations = embed_migrations!("../migrations/mysql");
pub(crate) const SQLITE: EmbeddedMigrations = embed_migrations!("../migrations/sqlite");

/// Prepares a MySQL database; servers that start together take turns.
pub(crate) async fn migrate_mysql(place: &MySqlPlace) -> Result<(), OpenError> {
    let mut connection = mysql::connect(place).await?;
    let locked = NamedLock::Migration.take(&mut connection, LOCK_PATIENCE).await;
    if !locked.map_err(|error| OpenError::Migration(error.into()))? {
        return Err(OpenError::Locked(LOCK_PATIENCE));
    }
    let connection =
        AsyncMysqlConnection::try_from(connection).await.map_err(|error| OpenError::Migration(error.into()))?;
    // The lock goes with the connection, which ends with this closure.
    blocking(move || bring_up_to_date(&mut Wrapped::from(connection), MYSQL, |_| Ok(()))).await
}

/// Prepares an SQLite file, whose absolute path this is.
pub(crate) async fn migrate_sqlite(path: String) -> Result<(), OpenError> {
    blocking(move || migrate_file(&path, SQLITE)).await
}

/// Runs blocking work on tokio's threads for that.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        // Only a panic in `work` or the end of the runtime leads here; both are not ours to hide.
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

pub(crate) type Wrapped = AsyncConnectionWrapper<AsyncMysqlConnection>;

fn migrate_file(path: &str, source: impl MigrationSource<diesel::sqlite::Sqlite>) -> Result<(), OpenError> {
    let mut connection = sqlite::open(path)?;
    // The write lock comes before the list of what was applied is read, so that two do not apply the same.
    connection.immediate_transaction(|connection| {
        bring_up_to_date(connection, source, |version| {
            // Another connection reads while this one has the lock, so the copy is what the migration finds.
            let copy = sqlite::copy_before(path, version).map_err(OpenError::Copy)?;
            log::info!("the database was copied to {} before its schema changes", copy.display());
            Ok(())
        })
    })
}

/// Runs what is missing; `before` is called with the version of the first, unless the database is new.
fn bring_up_to_date<B: Backend>(
    connection: &mut impl MigrationHarness<B>,
    source: impl MigrationSource<B>,
    before: impl FnOnce(&str) -> Result<(), OpenError>,
) -> Result<(), OpenError> {
    let applied = connection.applied_migrations().map_err(OpenError::Migration)?;
    let migrations = source.migrations().map_err(OpenError::Migration)?;
    let known: BTreeSet<String> = migrations.iter().map(|migration| migration.name().version().to_string()).collect();
    let unknown = applied.iter().map(ToString::to_string).filter(|version| !known.contains(version)).max();
    if let Some(found) = unknown {
        return Err(OpenError::NewerSchema { found });
    }
    let pending = connection.pending_migrations(source).map_err(OpenError::Migration)?;
    if let Some(first) = pending.first()
        && !applied.is_empty()
    {
        before(&first.name().version().to_string())?;
    }
    connection.run_migrations(&pending).map(drop).map_err(OpenError::Migration)
}

impl From<diesel::result::Error> for OpenError {
    /// What a transaction for migrations adds: that it cannot begin or commit.
    fn from(error: diesel::result::Error) -> Self {
        Self::Migration(error.into())
    }
}

/// A migration of some thousand accounts takes seconds.
const LOCK_PATIENCE: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use diesel::connection::SimpleConnection;
    use diesel_migrations::FileBasedMigrations;

    use super::*;

    /// A folder of migrations of which only the first `count` exist yet.
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
        let text = sqlite::prepare(&path).unwrap();
        (path, text)
    }

    fn runs(path: &Path, sql: &str) -> bool {
        sqlite::open(path.to_str().unwrap()).unwrap().batch_execute(sql).is_ok()
    }

    #[test]
    fn only_an_existing_database_is_copied_and_only_before_a_change() {
        let folder = tempfile::tempdir().unwrap();
        let (_, path) = database(folder.path());
        let copy = folder.path().join("chat.sqlite.before-2");
        for count in [1, 1] {
            migrate_file(&path, migrations(folder.path(), count)).unwrap();
            assert!(!copy.exists(), "a new database and an unchanged one need no copy");
        }
        // In the write-ahead log only, as long as somebody has the file open.
        let mut open = sqlite::open(&path).unwrap();
        open.batch_execute("INSERT INTO t VALUES ('late');").unwrap();
        migrate_file(&path, migrations(folder.path(), 2)).unwrap();
        assert!(copy.exists(), "a changed database needs a copy");
        assert!(runs(&copy, "INSERT INTO t SELECT a FROM t WHERE a = 'late'"), "the copy is a database");
        assert!(!runs(&copy, "SELECT b FROM t"), "the copy has the old schema");
        let mut copied = sqlite::open(copy.to_str().unwrap()).unwrap();
        let rows = diesel::RunQueryDsl::execute(diesel::sql_query("UPDATE t SET a = a"), &mut copied).unwrap();
        assert_eq!(rows, 3, "the copy has 'kept' and 'late', and the second 'late' from above");
    }

    #[test]
    fn of_eight_who_change_an_old_database_at_once_one_does() {
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
            assert!(!folder.path().join("chat.sqlite.before-2-2").exists(), "only who changes it makes a copy");
        }
    }

    #[test]
    fn a_migration_that_fails_changes_nothing_and_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let (file, path) = database(folder.path());
        migrate_file(&path, migrations(folder.path(), 2)).unwrap();
        for _ in 0..2 {
            let error = migrate_file(&path, migrations(folder.path(), 3)).unwrap_err();
            assert!(matches!(error, OpenError::Migration(_)), "{error:?}");
            assert!(!runs(&file, "SELECT c FROM t"), "half a migration must not stay");
        }
        for copy in ["chat.sqlite.before-3", "chat.sqlite.before-3-2"] {
            assert!(folder.path().join(copy).exists(), "no copy is ever overwritten: {copy}");
        }
    }

    #[test]
    fn a_newer_schema_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (_, path) = database(folder.path());
        migrate_file(&path, migrations(folder.path(), 2)).unwrap();
        let error = migrate_file(&path, migrations(folder.path(), 1)).unwrap_err();
        assert!(matches!(&error, OpenError::NewerSchema { found } if found == "2"), "{error:?}");
        migrate_file(&path, migrations(folder.path(), 2)).unwrap();
    }
}
