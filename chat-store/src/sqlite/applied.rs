//! Which migrations were applied to an SQLite database.

use diesel::result::Error;
use diesel::sql_types::Text;
use diesel::{QueryableByName, RunQueryDsl, SqliteConnection};

use crate::schema_check::APPLIED;

/// The versions of the migrations that were applied.
pub(crate) fn applied(connection: &mut SqliteConnection) -> Result<Vec<String>, Error> {
    match diesel::sql_query(APPLIED).load::<AppliedRow>(connection) {
        Ok(rows) => Ok(rows.into_iter().map(|row| row.version).collect()),
        Err(Error::DatabaseError(_, info)) if info.message().starts_with(NO_TABLE) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

#[derive(QueryableByName)]
struct AppliedRow {
    #[diesel(sql_type = Text)]
    version: String,
}

/// The message of SQLite's error, which has no code of its own.
const NO_TABLE: &str = "no such table";
