//! Checks whether the schema of a database is up to date, without changing anything.
//!
//! The migration library creates the table in which it records migrations before it reads that table. A database user
//! without the right to create tables could then not use a database whose schema is current.

use std::collections::BTreeSet;

use diesel::backend::Backend;
use diesel::migration::MigrationSource;
use diesel::result::Error as DieselError;
use diesel::sql_types::Text;
use diesel::{QueryableByName, RunQueryDsl, SqliteConnection};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error as MySqlError};

use crate::error::OpenError;

/// How the schema of a database compares with the migrations of this program.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum SchemaState {
    /// No migration has run.
    Absent,
    /// Migrations are pending.
    Older,
    /// All migrations have run.
    Current,
}

impl SchemaState {
    /// Compares the versions that were applied with those of `source`.
    ///
    /// # Errors
    /// [`OpenError::NewerSchema`] if a version is unknown.
    pub(crate) fn new<B: Backend>(applied: &[String], source: &impl MigrationSource<B>) -> Result<Self, OpenError> {
        let migrations = source.migrations().map_err(OpenError::Migration)?;
        let known: BTreeSet<String> =
            migrations.iter().map(|migration| migration.name().version().to_string()).collect();
        if let Some(found) = applied.iter().filter(|version| !known.contains(*version)).max() {
            return Err(OpenError::NewerSchema { found: found.clone() });
        }
        Ok(match applied.len() {
            0 => Self::Absent,
            count if count < known.len() => Self::Older,
            _ => Self::Current,
        })
    }

    /// Requires that no migration is pending.
    ///
    /// # Errors
    /// [`OpenError::NoSchema`] or [`OpenError::OlderSchema`].
    pub(crate) fn require_current(self) -> Result<(), OpenError> {
        match self {
            Self::Absent => Err(OpenError::NoSchema),
            Self::Older => Err(OpenError::OlderSchema),
            Self::Current => Ok(()),
        }
    }
}

/// The versions of the migrations that were applied to a MySQL database.
pub(crate) async fn applied_to_mysql(connection: &mut Conn) -> Result<Vec<String>, MySqlError> {
    match connection.query(APPLIED).await {
        Err(MySqlError::Server(refusal)) if refusal.code == NO_SUCH_TABLE => Ok(Vec::new()),
        versions => versions,
    }
}

/// The versions of the migrations that were applied to an SQLite database.
pub(crate) fn applied_to_sqlite(connection: &mut SqliteConnection) -> Result<Vec<String>, DieselError> {
    match diesel::sql_query(APPLIED).load::<AppliedRow>(connection) {
        Ok(rows) => Ok(rows.into_iter().map(|row| row.version).collect()),
        Err(DieselError::DatabaseError(_, info)) if info.message().starts_with(NO_TABLE) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

#[derive(QueryableByName)]
struct AppliedRow {
    #[diesel(sql_type = Text)]
    version: String,
}

const APPLIED: &str = "SELECT version FROM __diesel_schema_migrations";
/// The code of the error of a MySQL query to a table that does not exist.
const NO_SUCH_TABLE: u16 = 1146;
/// The message of SQLite's error, which has no code of its own.
const NO_TABLE: &str = "no such table";
