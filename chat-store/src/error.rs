//! The errors of this crate, sorted by who can remedy them. No text contains a password.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chat_core::accounts::AccountError;
use chat_core::server::SettingError;
use diesel::result::{DatabaseErrorKind, Error as DieselError};

use crate::hashing::HashError;
#[cfg(feature = "mysql")]
use crate::mysql::ConnectError;
use crate::url::{StoreUrl, UrlError};

/// Why a database was not opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// A setting cannot work. The error names it.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The URL cannot be parsed.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// The SQLite file does not exist and cannot be created.
    #[error("the database file {} cannot be created; name a file in an existing folder that is writable", path.display())]
    CreateFile {
        /// The path as in the URL.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// The lock file, by which a server claims the database, cannot be created or locked.
    #[error("the lock file {}.lock, by which a server claims the database, cannot be used", path.display())]
    ClaimFile {
        /// The path of the database.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// The SQLite file exists and cannot be used: its permissions forbid it, or it is not a database.
    #[error("the database file {} cannot be used; it must be a writable SQLite database", path.display())]
    File {
        /// The path as in the URL.
        path: PathBuf,
        /// The error of the system or of SQLite.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The file system of the SQLite file has no locks, which SQLite needs for every change.
    #[error(
        "the file system of the database file {} has no locks, which SQLite needs; use a folder on a disk of this machine, or MySQL",
        path.display()
    )]
    NoLocks {
        /// The absolute path.
        path: PathBuf,
    },
    /// The SQLite file or its folder cannot be written.
    #[error("the database file {} cannot be changed; this needs a file and a folder that are writable", path.display())]
    ReadOnly {
        /// The path as in the URL.
        path: PathBuf,
    },
    /// The SQLite file cannot be read.
    #[error("the database file {} cannot be read; it must be an SQLite database", path.display())]
    Unreadable {
        /// The path as in the URL.
        path: PathBuf,
        /// The error of the system or of SQLite.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The newest changes are in a file beside the SQLite file, and a folder that is not writable prevents reading them.
    #[error(
        "the newest changes of the database file {} are in another file beside it, which cannot be read in a folder that \
         is not writable; copy it with its -wal, -shm and -journal files into a writable folder, and use that copy",
        path.display()
    )]
    UnreadableJournal {
        /// The path as in the URL.
        path: PathBuf,
        /// The error of SQLite.
        source: Box<dyn Error + Send + Sync>,
    },
    /// SQLite requires paths in UTF-8.
    #[error("the path {} is not valid UTF-8; name another file", .0.display())]
    NotUtf8(PathBuf),
    /// There is no connection to the MySQL server, or it refuses.
    #[cfg(feature = "mysql")]
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// A newer version of the program has migrated the database.
    #[error(
        "the database has the schema {found}, newer than this program knows; use the newer version of the program, \
         or restore the copy that was made before the change"
    )]
    NewerSchema {
        /// The newest migration in the database.
        found: String,
    },
    /// The database has no tables, and was opened for reading.
    #[error("the database is empty; start the server with it, or add an account, which creates its tables")]
    NoSchema,
    /// An older version of the program has created the schema, and the database was opened for reading.
    #[error("the schema of the database is older than this program; start the server once, which brings it up to date")]
    OlderSchema,
    /// Another program has been running migrations for this long.
    #[error("another program has been preparing the database for {} s; try again when it is done", .0.as_secs())]
    MigrationLocked(Duration),
    /// The copy that precedes a migration failed, so the migration did not run.
    #[error("the database is unchanged, because the copy before the change of its schema failed")]
    Copy(#[source] BackupError),
    /// A migration failed.
    #[error("the schema of the database cannot be brought up to date; this needs all rights on the database")]
    Migration(#[source] Box<dyn Error + Send + Sync>),
    /// The user names that earlier versions stored cannot be read.
    #[error("the user names in the database cannot be read")]
    Names(#[source] QueryError),
    /// The threads of the hash pool cannot be started.
    #[error("the threads that check passwords cannot be started")]
    HashThreads(#[source] io::Error),
}

/// Why a backup was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The file exists already, or cannot be created.
    #[error("the file {} cannot be created; name one that does not exist, in a folder that is writable", path.display())]
    File {
        /// The path of the backup.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// The database cannot be copied.
    #[error("the database cannot be copied to {}", path.display())]
    Copy {
        /// The path of the backup, at which nothing remains.
        path: PathBuf,
        /// The error of the system or of SQLite.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The database does not exist.
    #[error("there is no database file {}; name the one that the server uses", .0.display())]
    NoDatabase(PathBuf),
    /// MySQL databases are backed up by MySQL's own tools.
    #[error("a MySQL database is backed up by its own tools: {command} > FILE")]
    MySql {
        /// A command that writes a backup as of one moment while servers use the database. It asks for the password.
        command: String,
    },
}

/// Why accounts were not transferred. The source is unchanged in all cases.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransferError {
    /// Source and target are the same database.
    #[error("source and target are the same database: {0}")]
    SameDatabase(StoreUrl),
    /// A server has claimed the database.
    #[error("a server uses {0}")]
    InUse(StoreUrl),
    /// A database cannot be opened.
    #[error("{source}")]
    Open {
        /// The database.
        url: StoreUrl,
        /// Why it cannot be opened.
        source: OpenError,
    },
    /// The target holds accounts already.
    #[error("{target} holds accounts already ({count}); name an empty database")]
    NotEmpty {
        /// The database.
        target: StoreUrl,
        /// The number of accounts.
        count: i64,
    },
    /// The accounts cannot be read.
    #[error("the accounts in {source_url} cannot be read; nothing was copied")]
    Read {
        /// The database.
        source_url: StoreUrl,
        /// The error of the database.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The accounts cannot be written.
    #[error("the accounts cannot be written to {target}; nothing was copied")]
    Write {
        /// The database.
        target: StoreUrl,
        /// The error of the database.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The copy differs from the source.
    #[error("account {id} is not the same in {target}; do not use that database, and empty it before the next attempt")]
    Different {
        /// The database.
        target: StoreUrl,
        /// The id of the first account that differs or is missing.
        id: i64,
    },
}

/// The cause of an [`AccountError::Unavailable`], for the log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// No connection became available in time.
    #[error("no connection to the database")]
    Connection(#[source] Box<dyn Error + Send + Sync>),
    /// A query failed. It is not repeated.
    #[error("a query to the database failed")]
    Query(#[source] Box<dyn Error + Send + Sync>),
    /// A query was not answered in time. It may or may not have been carried out.
    #[error("the database does not answer a query")]
    Timeout(#[source] Box<dyn Error + Send + Sync>),
    /// The runtime is shutting down.
    #[error("the program is ending")]
    Stopped(#[source] Box<dyn Error + Send + Sync>),
    /// A password was not hashed, for a reason other than a full queue.
    #[error("a password was not hashed")]
    Hash(#[source] HashError),
    /// A row holds values that this program does not write.
    #[error("the row of account {id} is damaged: {reason}")]
    Row {
        /// The id of the account.
        id: i64,
        /// The column and its fault.
        reason: String,
    },
    /// An SQLite file that is only read was changed by another program.
    #[error("the database cannot be read")]
    Changed(#[source] io::Error),
    /// An account was deleted between its registration and the query that reads it back.
    #[error("a registered account is gone")]
    Gone,
}

impl QueryError {
    pub(crate) fn connection(error: impl Error + Send + Sync + 'static) -> Self {
        Self::Connection(Box::new(error))
    }

    pub(crate) fn query(error: DieselError) -> Self {
        Self::Query(Box::new(error))
    }

    /// Whether a row that was to be written has a unique value that another row has.
    pub(crate) fn is_unique_violation(&self) -> bool {
        matches!(self.diesel(), Some(DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)))
    }

    /// Whether no row was found.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self.diesel(), Some(DieselError::NotFound))
    }

    /// The error of diesel. It is boxed, so that no type of diesel is in the interface of this crate.
    fn diesel(&self) -> Option<&DieselError> {
        match self {
            Self::Query(source) => source.downcast_ref(),
            _ => None,
        }
    }

    /// Whether MySQL rolled the query back because it and another one waited for each other. It has no effect, and can be
    /// repeated.
    pub(crate) fn is_deadlock(&self) -> bool {
        // Diesel does not expose the code, which is 1213.
        matches!(self.diesel(), Some(DieselError::DatabaseError(_, info)) if info.message().starts_with("Deadlock found"))
    }
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
