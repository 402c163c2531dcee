//! What can go wrong, by whose fault it is.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chat_core::accounts::AccountError;
use diesel_async::pooled_connection::deadpool::PoolError;

use crate::hashing::HashError;
use crate::url::StoreUrl;

/// Why a database was not opened. No text holds a password.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file is not there and cannot be made.
    #[error("the database file {} cannot be made; name a file in a folder that exists and may be written to", path.display())]
    Folder {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file beside it, which says that a server uses it, cannot be made or locked.
    #[error("the file {}.lock, which says that a server uses the database, cannot be made", path.display())]
    Lock {
        /// The database file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is there and cannot be used: no rights, or not a database.
    #[error("the database file {} cannot be used; it must be an SQLite database that may be written to", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system or SQLite says.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The path is not text, which SQLite needs.
    #[error("the path {} is not valid UTF-8; name another file", .0.display())]
    Path(PathBuf),
    /// Nobody answers there.
    #[error("the database server at {server} does not answer; check that it runs and that its address is right")]
    Unreachable {
        /// Host and port.
        server: String,
        /// What the system says.
        source: Box<dyn Error + Send + Sync>,
    },
    /// TLS was asked for and there is none that can be trusted.
    #[error(
        "there is no secure connection to the database server at {server}; check its certificate, and the file that \
         ca=FILE in the URL names"
    )]
    Tls {
        /// Host and port.
        server: String,
        /// What TLS says.
        source: Box<dyn Error + Send + Sync>,
    },
    /// Wrong user name or password for the database.
    #[error(
        "the database server at {server} refuses the user '{user}'; check the user name and the password in the URL"
    )]
    Login {
        /// Host and port.
        server: String,
        /// As in the URL.
        user: String,
    },
    /// The user may not use this database.
    #[error("the user '{user}' may not use the database '{database}'; grant it all rights on that database")]
    Rights {
        /// As in the URL.
        user: String,
        /// As in the URL.
        database: String,
    },
    /// The server has no such database.
    #[error("the server at {server} has no database '{database}'; make it with CREATE DATABASE, or correct the URL")]
    NoDatabase {
        /// Host and port.
        server: String,
        /// As in the URL.
        database: String,
    },
    /// Made by a newer version of the program.
    #[error(
        "the database has the schema {found}, newer than this program knows; use the newer version of the program, \
         or restore the copy that was made before the change"
    )]
    NewerSchema {
        /// The newest migration in the database.
        found: String,
    },
    /// Another server is preparing the database and does not come to an end.
    #[error("another program has been preparing the database for {} s; try again when it is done", .0.as_secs())]
    Locked(Duration),
    /// The copy before a migration could not be made, so the migration was not begun.
    #[error("the database was left as it is, because the copy before the change of its schema failed")]
    Copy(#[source] BackupError),
    /// A migration failed.
    #[error("the schema of the database cannot be brought up to date")]
    Migration(#[source] Box<dyn Error + Send + Sync>),
    /// The threads that hash did not start.
    #[error("the threads that check passwords cannot be started")]
    Hashing(#[source] io::Error),
}

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The file cannot be made, or is there already.
    #[error("the file {} cannot be made; name one that does not exist, in a folder that may be written to", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The database was not copied.
    #[error("the database cannot be copied to {}", path.display())]
    Copy {
        /// The file, which was removed again.
        path: PathBuf,
        /// What the system or SQLite says.
        source: Box<dyn Error + Send + Sync>,
    },
    /// There is nothing to be copied.
    #[error("there is no database file {}; name the one that the server uses", .0.display())]
    NoDatabase(PathBuf),
    /// Not what this is for.
    #[error("a MySQL database is backed up by its own tools: {command} > FILE")]
    MySql {
        /// What makes a backup as of one moment while servers go on. Asks for the password.
        command: String,
    },
}

/// Why accounts were not copied into another database. Those in the first one are as they were in any case.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// There are accounts already.
    #[error("{target} holds accounts already ({count}); name an empty database")]
    NotEmpty {
        /// Where.
        target: StoreUrl,
        /// How many.
        count: i64,
    },
    /// The accounts cannot be read, and nothing was copied.
    #[error("the accounts in {source_url} cannot be read; nothing was copied")]
    Read {
        /// Where.
        source_url: StoreUrl,
        /// What the database says.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The accounts cannot be written, and nothing was copied.
    #[error("the accounts cannot be written to {target}; nothing was copied")]
    Write {
        /// Where.
        target: StoreUrl,
        /// What the database says.
        source: Box<dyn Error + Send + Sync>,
    },
    /// What was copied is not what was there.
    #[error("account {id} is not the same in {target}; do not use that database, and empty it before the next try")]
    Different {
        /// Where.
        target: StoreUrl,
        /// The first account that differs or is missing.
        id: i64,
    },
}

/// What stands behind [`AccountError::Unavailable`], for the log.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// No connection within the time for one.
    #[error("no connection to the database")]
    Connection(#[source] PoolError),
    /// A query failed; it is not repeated.
    #[error("the database did not carry out a query")]
    Query(#[source] diesel::result::Error),
    /// No answer within the time for one; whether the query was carried out is not known.
    #[error("the database does not answer a query")]
    Late(#[source] tokio::time::error::Elapsed),
    /// The runtime is ending.
    #[error("the program is ending")]
    Stopped(#[source] tokio::task::JoinError),
    /// A password was not hashed, and not because of too many of them.
    #[error("a password was not hashed")]
    Hash(#[source] HashError),
    /// A row holds what this program did not write.
    #[error("the row of account {id} is damaged: {what}")]
    Row {
        /// The account.
        id: i64,
        /// Which column, and why.
        what: String,
    },
    /// A registered account was gone when it was read back.
    #[error("a registered account is gone")]
    Gone,
}

impl From<QueryError> for AccountError {
    fn from(error: QueryError) -> Self {
        Self::Unavailable(Arc::new(error))
    }
}

impl From<HashError> for QueryError {
    fn from(error: HashError) -> Self {
        Self::Hash(error)
    }
}

/// Too many passwords are told as such; all else is a matter for the log.
pub(crate) fn hash_error(error: HashError) -> AccountError {
    match error {
        HashError::Busy(retry_after) => AccountError::Busy(retry_after),
        error => QueryError::Hash(error).into(),
    }
}
