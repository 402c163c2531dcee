//! Which migrations were applied to a MySQL database.

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error};

use crate::schema_check::APPLIED;

/// The versions of the migrations that were applied.
pub(crate) async fn applied(connection: &mut Conn) -> Result<Vec<String>, Error> {
    match connection.query(APPLIED).await {
        Err(Error::Server(refusal)) if refusal.code == NO_SUCH_TABLE => Ok(Vec::new()),
        versions => versions,
    }
}

/// The code of the error of a query to a table that does not exist.
const NO_SUCH_TABLE: u16 = 1146;
