//! Opening SQLite files.

mod applied;
mod copy;
mod lock;
mod probe;
mod readable;

use std::fs::OpenOptions;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::result::Error;
use diesel::{Connection, SqliteConnection};

use crate::error::OpenError;
use crate::platform;

pub(crate) use applied::applied;
pub(crate) use copy::{copy, copy_before};
pub(crate) use lock::{ClaimFile, forbids_writing, lock};
pub(crate) use readable::{READING_SETUP, ReadableFile};

/// Executed on every connection.
///
/// With `synchronous = FULL` a disabled account stays disabled after a power failure. Accounts change rarely, so the cost
/// does not matter. The busy timeout equals [`BUSY_TIMEOUT`].
pub(crate) const SETUP: &str = "PRAGMA busy_timeout = 5000; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;";

/// Creates the file if it does not exist, and otherwise makes it accessible to its owner only. Returns its absolute path.
///
/// # Errors
/// The file cannot be created. Also if it exists and is not a file, cannot be written, or cannot be made private.
pub(crate) fn ensure_private_file(path: &Path) -> Result<String, OpenError> {
    let not_created = |source| OpenError::CreateFile { path: path.to_owned(), source };
    let not_a_file = || OpenError::File { path: path.to_owned(), source: "it is not a file".into() };
    if platform::is_device(path) {
        return Err(not_a_file());
    }
    let text = absolute(path)?;
    let absolute = Path::new(&text);
    // SQLite's locks belong to the process and end when it closes any descriptor of the file. Therefore no thread may
    // close the descriptor with which it creates the file while another thread already uses the file.
    static CREATING: Mutex<()> = Mutex::new(());
    let creating = CREATING.lock().unwrap_or_else(PoisonError::into_inner);
    let created = create_private(absolute);
    drop(creating);
    match created {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            if !absolute.is_file() {
                return Err(not_a_file());
            }
            if !is_writable(absolute) {
                return Err(OpenError::ReadOnly { path: path.to_owned() });
            }
            match platform::make_private(absolute) {
                Ok(()) => {}
                // Another user owns the file and shares it with this one.
                Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                    log::warn!("other users can access {}, and its mode cannot be changed: {error}", path.display());
                }
                Err(source) => return Err(OpenError::File { path: path.to_owned(), source: source.into() }),
            }
        }
        Err(error) => return Err(not_created(error)),
    }
    Ok(text)
}

/// The absolute path, because SQLite interprets relative ones such as `file:x`.
fn absolute(path: &Path) -> Result<String, OpenError> {
    let absolute =
        std::path::absolute(path).map_err(|source| OpenError::CreateFile { path: path.to_owned(), source })?;
    absolute.into_os_string().into_string().map_err(|_| OpenError::NotUtf8(path.to_owned()))
}

/// The path of a file beside the database, whose name ends with `suffix`.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Returns whether the file can be written, and files can be created beside it. Opens no descriptor, because closing it
/// would end SQLite's locks.
fn is_writable(path: &Path) -> bool {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    platform::may_write(path) && platform::may_write(folder)
}

/// Opens the file for migrations and switches it to WAL mode, in which readers and a writer do not block each other. The
/// mode is stored in the file.
pub(crate) fn open(path: &str) -> Result<SqliteConnection, OpenError> {
    try_open(path).map_err(|source| {
        let path = PathBuf::from(path);
        if probe::lacks_locks(&path) { OpenError::NoLocks { path } } else { OpenError::File { path, source } }
    })
}

fn try_open(path: &str) -> Result<SqliteConnection, Box<dyn std::error::Error + Send + Sync>> {
    let mut connection = SqliteConnection::establish(path)?;
    connection.batch_execute(SETUP)?;
    // Two connections that switch the mode at the same time both fail immediately, regardless of the busy timeout.
    let begin = Instant::now();
    loop {
        match connection.batch_execute("PRAGMA journal_mode = WAL;") {
            Ok(()) => return Ok(connection),
            Err(Error::DatabaseError(_, info)) if info.message() == LOCKED && begin.elapsed() < BUSY_TIMEOUT => {
                thread::sleep(WAL_RETRY_PAUSE);
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Creates an empty file that only its owner can access.
fn create_private(path: &Path) -> io::Result<()> {
    private().create_new(true).open(path).map(drop)
}

/// Options that open a file for writing and create it accessible to its owner only.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    platform::private(options.write(true));
    options
}

/// The time that another connection has to finish writing.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// The pause between two attempts to switch the mode, which takes about as long.
const WAL_RETRY_PAUSE: Duration = Duration::from_millis(5);
/// The message of SQLITE_BUSY, whose code diesel does not expose.
const LOCKED: &str = "database is locked";
