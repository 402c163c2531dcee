//! Consistent copies of an SQLite database that is in use.

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;
use diesel::{Connection, RunQueryDsl, SqliteConnection};

use super::{ReadableFile, create_private};
use crate::error::BackupError;
use crate::platform;

/// Copies the database at `from` as of one moment, while other connections may write. Only the owner can access the new
/// file.
///
/// # Errors
/// `to` exists, or cannot be written. The call then neither creates nor changes `to`. A process that is killed during
/// the copy leaves a file whose name begins with a dot, and never a partial copy at `to`.
pub(crate) fn copy(from: &ReadableFile, to: &Path) -> Result<(), BackupError> {
    let file_error = |source| BackupError::File { path: to.to_owned(), source };
    // Fails before the work is done. `publish` checks again at the end.
    if platform::is_device(to) || fs::symlink_metadata(to).is_ok() {
        return Err(file_error(ErrorKind::AlreadyExists.into()));
    }
    let temporary = temporary_path(to).map_err(file_error)?;
    create_private(&temporary).map_err(file_error)?;
    let copied = copy_into(from, &temporary)
        .map_err(|source| BackupError::Copy { path: to.to_owned(), source })
        .and_then(|()| publish(&temporary, to).map_err(file_error));
    // Fails after a rename, because the file has moved. Any other failure matters less than the result of the copy.
    drop(fs::remove_file(&temporary));
    copied
}

/// Like [`copy`], but to the first free path of `<path>.before-<version>`, `<path>.before-<version>-2` and so on.
pub(crate) fn copy_before(from: &ReadableFile, path: &str, version: &str) -> Result<PathBuf, BackupError> {
    let mut number = 1;
    loop {
        let suffix = if number == 1 { String::new() } else { format!("-{number}") };
        let to = PathBuf::from(format!("{path}.before-{version}{suffix}"));
        match copy(from, &to) {
            Ok(()) => return Ok(to),
            Err(BackupError::File { source, .. }) if source.kind() == ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(error),
        }
    }
}

/// A path beside `to` that no other call uses.
pub(super) fn temporary_path(to: &Path) -> io::Result<PathBuf> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let name = to.file_name().ok_or_else(|| io::Error::from(ErrorKind::IsADirectory))?.to_string_lossy();
    let (process, number) = (std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    Ok(to.with_file_name(format!(".{name}.{process}-{number}")))
}

/// Moves a complete file to its final path, unless that path exists by now.
fn publish(temporary: &Path, to: &Path) -> io::Result<()> {
    // A hard link never replaces a file, unlike a rename.
    match fs::hard_link(temporary, to) {
        // The file system may not support hard links.
        Err(error) if error.kind() != ErrorKind::AlreadyExists && fs::symlink_metadata(to).is_err() => {
            fs::rename(temporary, to)?;
        }
        linked => linked?,
    }
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    platform::sync_folder(folder)
}

fn copy_into(from: &ReadableFile, to: &Path) -> Result<(), Box<dyn Error + Send + Sync>> {
    let absolute = std::path::absolute(to)?;
    let text = absolute.to_str().ok_or("its path is not valid UTF-8")?;
    // Copying the file itself would omit the contents of the write-ahead log.
    let mut connection = SqliteConnection::establish(from.url())?;
    connection.batch_execute("PRAGMA busy_timeout = 5000;")?;
    diesel::sql_query("VACUUM INTO ?").bind::<Text, _>(text).execute(&mut connection)?;
    from.verify()?;
    // SQLite does not flush the copy to disk. Windows flushes only files that are open for writing.
    File::options().write(true).open(&absolute)?.sync_all()?;
    Ok(())
}
