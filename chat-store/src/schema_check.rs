//! Checks whether the schema of a database is up to date, without changing anything.
//!
//! The migration library creates the table in which it records migrations before it reads that table. A database user
//! without the right to create tables could then not use a database whose schema is current.

use std::collections::BTreeSet;

use diesel::backend::Backend;
use diesel::migration::MigrationSource;

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

/// Reads the versions of the migrations that were applied.
pub(crate) const APPLIED: &str = "SELECT version FROM __diesel_schema_migrations";
