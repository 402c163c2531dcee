//! What is special about SQLite: the file itself, and copies of it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::result::Error;
use diesel::sql_types::Text;
use diesel::{Connection, RunQueryDsl, SqliteConnection};

use crate::error::{BackupError, OpenError};

/// Said on every connection.
///
/// FULL, because a disabled account must stay disabled after a power failure, and accounts change rarely. 5 s for others
/// to finish writing, as [`BUSY`] says, then it is an error.
pub(crate) const SETUP: &str = "PRAGMA busy_timeout = 5000; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;";

/// Makes the file if it is not there, and sees to it that only its owner can read it. Gives its absolute path.
pub(crate) fn prepare(path: &Path) -> Result<String, OpenError> {
    let folder = |source| OpenError::Folder { path: path.to_owned(), source };
    // SQLite takes a relative path such as `file:x` for something else.
    let absolute = std::path::absolute(path).map_err(folder)?;
    let Some(text) = absolute.to_str() else { return Err(OpenError::Path(path.to_owned())) };
    // SQLite's locks are this process's and end when any descriptor of the file is closed: so none of ours may be, while
    // another thread uses the file that we have just made.
    static MAKING: Mutex<()> = Mutex::new(());
    let making = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    let created = create(&absolute);
    drop(making);
    match created {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            restrict(&absolute).map_err(|source| OpenError::File { path: path.to_owned(), source: source.into() })?;
        }
        Err(error) => return Err(folder(error)),
    }
    Ok(text.to_owned())
}

/// Opens the file for a migration, and lets readers go on from now on while somebody writes (WAL), which the file remembers.
pub(crate) fn open(path: &str) -> Result<SqliteConnection, OpenError> {
    let file = |source| OpenError::File { path: path.into(), source };
    let mut connection = SqliteConnection::establish(path).map_err(|error| file(error.into()))?;
    connection.batch_execute(SETUP).map_err(|error| file(error.into()))?;
    // Two who change the mode at once refuse each other without waiting, whatever the busy timeout says.
    let begin = Instant::now();
    loop {
        match connection.batch_execute("PRAGMA journal_mode = WAL;") {
            Ok(()) => return Ok(connection),
            Err(Error::DatabaseError(_, told)) if told.message() == LOCKED && begin.elapsed() < BUSY => {
                thread::sleep(LOCKED_PAUSE);
            }
            Err(error) => return Err(file(error.into())),
        }
    }
}

/// Copies the database, complete as of one moment, while others may go on writing. The new file is only the owner's.
///
/// # Errors
/// If `to` exists, or cannot be written; nothing is left there then. A process that dies on the way leaves a file whose
/// name begins with a dot, and never half a copy at `to`.
pub(crate) fn copy(from: &str, to: &Path) -> Result<(), BackupError> {
    let file = |source| BackupError::File { path: to.to_owned(), source };
    // Said before the work; whether it is still so is seen at the end.
    if fs::symlink_metadata(to).is_ok() {
        return Err(file(ErrorKind::AlreadyExists.into()));
    }
    let temporary = temporary(to).map_err(file)?;
    create(&temporary).map_err(file)?;
    let copied = copy_into(from, &temporary)
        .map_err(|source| BackupError::Copy { path: to.to_owned(), source })
        .and_then(|()| give_name(&temporary, to).map_err(file));
    // After a rename it is gone, and whatever failed is the error to tell.
    drop(fs::remove_file(&temporary));
    copied
}

/// A name beside `to` that no other call uses.
fn temporary(to: &Path) -> io::Result<PathBuf> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let name = to.file_name().ok_or_else(|| io::Error::from(ErrorKind::IsADirectory))?.to_string_lossy();
    let (process, number) = (std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    Ok(to.with_file_name(format!(".{name}.{process}-{number}")))
}

/// Gives a finished file its name, unless another file has it by now.
fn give_name(temporary: &Path, to: &Path) -> io::Result<()> {
    // A hard link, unlike a rename, never takes the place of a file.
    match fs::hard_link(temporary, to) {
        // Some file systems have no hard links.
        Err(error) if error.kind() != ErrorKind::AlreadyExists && fs::symlink_metadata(to).is_err() => {
            fs::rename(temporary, to)?;
        }
        linked => linked?,
    }
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    // Makes the name survive a power cut. Folders can be opened for that on Unix only.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// As [`copy`], to the first free one of `chat.sqlite.before-<version>`, `chat.sqlite.before-<version>-2` and so on.
pub(crate) fn copy_before(from: &str, version: &str) -> Result<PathBuf, BackupError> {
    let mut number = 1;
    loop {
        let suffix = if number == 1 { String::new() } else { format!("-{number}") };
        let to = PathBuf::from(format!("{from}.before-{version}{suffix}"));
        match copy(from, &to) {
            Ok(()) => return Ok(to),
            Err(BackupError::File { source, .. }) if source.kind() == ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(error),
        }
    }
}

fn copy_into(from: &str, to: &Path) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let absolute = std::path::absolute(to)?;
    let text = absolute.to_str().ok_or("its path is not valid UTF-8")?;
    // A plain copy of the file would lack what stands in the write-ahead log.
    let mut connection = SqliteConnection::establish(from)?;
    connection.batch_execute("PRAGMA busy_timeout = 5000;")?;
    diesel::sql_query("VACUUM INTO ?").bind::<Text, _>(text).execute(&mut connection)?;
    // SQLite leaves it to the system when the copy reaches the disk.
    File::open(&absolute)?.sync_all()?;
    Ok(())
}

/// Locks a file beside the database until it is dropped; `None` if another server has it. The file stays, as whoever
/// deleted it could not know who locks it next.
pub(crate) fn lock(path: &Path) -> io::Result<Option<File>> {
    // The same for everybody, whatever links lead to the database.
    let mut name = fs::canonicalize(path)?.into_os_string();
    name.push(".lock");
    let file = private().create(true).truncate(false).open(name)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        // Some file systems have no locks, and then nobody can be told.
        Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => Ok(Some(file)),
        Err(TryLockError::Error(error)) => Err(error),
        Err(TryLockError::WouldBlock) => Ok(None),
    }
}

/// Makes an empty file that only its owner can read.
fn create(path: &Path) -> io::Result<()> {
    private().create_new(true).open(path).map(drop)
}

/// To write a file that only its owner can read.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, OWNER_ONLY);
    options
}

/// Takes the rights of others from an existing file; SQLite gives its other files the same mode.
#[cfg(unix)]
fn restrict(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;

    let permissions = fs::metadata(path)?.permissions();
    if permissions.mode() & 0o077 == 0 {
        return Ok(());
    }
    fs::set_permissions(path, PermissionsExt::from_mode(OWNER_ONLY))
}

#[cfg(not(unix))]
fn restrict(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Password hashes are worth guessing at.
#[cfg(unix)]
const OWNER_ONLY: u32 = 0o600;

/// How long others may take to finish writing.
const BUSY: Duration = Duration::from_secs(5);
/// About what changing the mode takes.
const LOCKED_PAUSE: Duration = Duration::from_millis(5);
/// SQLite's text for SQLITE_BUSY, whose number diesel does not tell.
const LOCKED: &str = "database is locked";
