//! The lock file beside an SQLite database, by which a server claims the database.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::private;
use crate::platform;

/// A locked file. The lock ends when this is dropped, or with the process.
///
/// SQLite's own locks do not serve this purpose: they end when the process closes any descriptor of the database.
pub(crate) struct ClaimFile {
    _file: File,
    path: PathBuf,
    origin: Origin,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Origin {
    Created,
    Found,
}

impl ClaimFile {
    /// Ends the lock, and removes the file if [`lock`] created it. The file is removed while it is locked, so a process
    /// that opened it before notices in [`lock`] that it is gone.
    pub(crate) fn remove(self) {
        if self.origin == Origin::Created
            && let Err(error) = fs::remove_file(&self.path)
        {
            log::warn!("cannot remove {}: {error}", self.path.display());
        }
    }
}

/// Locks `<file>.lock`. Returns `None` if another server holds the lock. The file stays when the lock ends.
///
/// On a file system without locks the claim has no effect on other servers, and the call succeeds with a warning.
pub(crate) fn lock(path: &Path) -> io::Result<Option<ClaimFile>> {
    let path = lock_path(path)?;
    loop {
        let (file, origin) = open(&path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::Error(error)) if has_no_locks(&error) => {
                log::warn!(
                    "the file system of {} has no locks; make sure that only one server uses the database: {error}",
                    path.display()
                );
            }
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) => return Ok(None),
        }
        // Its last holder may have removed the file in the meantime. Another server would then lock a new file.
        if platform::is_at(&file, &path)? {
            return Ok(Some(ClaimFile { _file: file, path, origin }));
        }
    }
}

fn open(path: &Path) -> io::Result<(File, Origin)> {
    match private().create_new(true).open(path) {
        Ok(file) => Ok((file, Origin::Created)),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let file = match private().create(true).truncate(false).open(path) {
                // Reading is enough for a lock.
                Err(error) if forbids_writing(&error) => File::open(path)?,
                file => file?,
            };
            Ok((file, Origin::Found))
        }
        // Some systems report this also if the file exists.
        Err(error) if forbids_writing(&error) => File::open(path).map(|file| (file, Origin::Found)).map_err(|_| error),
        Err(error) => Err(error),
    }
}

/// Returns whether `error` means that the file or the folder cannot be written.
pub(crate) fn forbids_writing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem)
}

/// Returns whether `error` means that the file system has no locks. Some network file systems have none.
// chat-net has the same function for its own files. The two crates do not depend on each other.
fn has_no_locks(error: &io::Error) -> bool {
    platform::has_no_locks(error) || error.kind() == ErrorKind::Unsupported
}

/// The path of the lock file, which does not depend on the symbolic links in `path`.
fn lock_path(path: &Path) -> io::Result<PathBuf> {
    let mut name = fs::canonicalize(path)?.into_os_string();
    name.push(".lock");
    Ok(name.into())
}
