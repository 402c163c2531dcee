//! The data folder of a server: its owner and mode, and the lock that keeps a second server out.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::file_lock::has_no_locks;
use crate::platform;

/// The folder in which a server keeps its keys, and a program its other files.
#[derive(Clone, Debug)]
pub struct DataFolder {
    path: PathBuf,
}

impl DataFolder {
    /// Opens the folder, and creates it with mode 0700 if it does not exist. An existing folder keeps its mode, because
    /// other programs may use it. All files that a server creates in it have mode 0600.
    ///
    /// # Errors
    /// The folder cannot be created or is not writable. Also if other users may have put files into it, because it
    /// belongs to another user or every user can write it.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, DataFolderError> {
        let path = path.into();
        let unusable = |source| DataFolderError::Unusable { path: path.clone(), source };
        if platform::is_device(&path) {
            return Err(DataFolderError::Device { path });
        }
        platform::create_private_folder(&path).map_err(unusable)?;
        platform::check_data_folder(&path)?;
        // Detects a folder that is not writable here, with a message that names it, and not only at the first write.
        lock_file(&path.join(LOCK)).map_err(unusable)?;
        Ok(Self { path })
    }

    /// The path of a file in the folder.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The path of the folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Locks the folder for one server, until the lock is dropped or the process ends. On a file system without locks
    /// the call succeeds with a warning, and does not exclude other servers.
    ///
    /// # Errors
    /// [`DataFolderError::InUse`] if another server holds the lock, in this process or in another one.
    pub fn lock(&self) -> Result<FolderLock, DataFolderError> {
        let failed = |source| DataFolderError::Lock { path: self.path.clone(), source };
        let mut file = lock_file(&self.join(LOCK)).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // The process id only helps to find the server. It may not have been written yet.
                drop(file.take(MAX_PID).read_to_string(&mut holder));
                return Err(DataFolderError::InUse { path: self.path.clone(), process: holder.trim().parse().ok() });
            }
            Err(TryLockError::Error(error)) if has_no_locks(&error) => log::warn!(
                "the file system of {} has no locks, so a second server with this folder would not be noticed: {error}",
                self.path.display()
            ),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(failed)?;
        Ok(FolderLock { _file: file })
    }
}

/// The lock of a data folder.
#[derive(Debug)]
#[must_use = "dropping the lock releases it"]
pub struct FolderLock {
    /// The open file carries the lock.
    _file: File,
}

/// The name of the locked file, which contains the process id of the server that holds the lock.
const LOCK: &str = "lock";

/// The most bytes that are read from the file: more than the digits of any process id and a line end.
const MAX_PID: u64 = 32;

/// Opens or creates the file. Refuses a symbolic link, because its target would be emptied.
fn lock_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    platform::refuse_link(platform::private(&mut options));
    let file = options.open(path).map_err(name_link)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other(format!("its '{LOCK}' is not a file; remove it")));
    }
    Ok(file)
}

/// Gives the error of a symbolic link a sentence that names it.
fn name_link(error: io::Error) -> io::Error {
    if platform::is_link(&error) {
        return io::Error::other(format!("its file '{LOCK}' is a symbolic link; remove the link"));
    }
    error
}

/// Why a data folder cannot be used. The operator can correct each cause.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataFolderError {
    /// The folder cannot be created, read or written.
    #[error("the data folder {} cannot be used: {source}", .path.display())]
    Unusable {
        /// The folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// Windows reserves the name for a device, such as `NUL`.
    #[error("the data folder {} is a device of the system", .path.display())]
    Device {
        /// The name of the device.
        path: PathBuf,
    },
    /// The folder belongs to another user, who may have put keys into it.
    #[error("the data folder {} belongs to another user (uid {owner}), whose keys may be in it", .path.display())]
    OtherOwner {
        /// The folder.
        path: PathBuf,
        /// The user id of its owner.
        owner: u32,
    },
    /// Every user can put keys into the folder.
    #[error("every user can write the data folder {}, and the keys in it may belong to another user", .path.display())]
    WritableByEveryone {
        /// The folder.
        path: PathBuf,
    },
    /// The file system refuses the lock.
    #[error("the data folder {} cannot be locked: {source}", .path.display())]
    Lock {
        /// The folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// Another server uses the folder, in this process or in another one.
    #[error("the data folder {} is in use by {}", .path.display(), Holder(*.process))]
    InUse {
        /// The folder.
        path: PathBuf,
        /// The id of the server's process, if it is known.
        process: Option<u32>,
    },
}

/// The server that holds the lock.
struct Holder(Option<u32>);

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(process) => write!(f, "another server (process {process})"),
            None => f.write_str("another server"),
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn only_the_owner_can_access_folder_and_lock() {
        let outer = tempfile::tempdir().unwrap();
        let folder = DataFolder::open(outer.path().join("a/b")).unwrap();
        let lock = folder.lock().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(folder.path()), mode(&folder.join(LOCK))), (0o700, 0o600));
        drop(lock);
    }

    #[test]
    fn a_second_server_is_refused_and_learns_the_process_of_the_first() {
        let outer = tempfile::tempdir().unwrap();
        let folder = DataFolder::open(outer.path()).unwrap();
        let first = folder.lock().unwrap();
        let error = DataFolder::open(outer.path()).unwrap().lock().unwrap_err();
        let this = std::process::id();
        assert!(matches!(error, DataFolderError::InUse { process: Some(pid), .. } if pid == this), "{error:?}");
        assert!(error.to_string().ends_with(&format!("is in use by another server (process {this})")), "{error}");
        drop(first);
        drop(folder.lock().unwrap());
    }

    #[test]
    fn a_lock_that_is_a_link_is_refused_and_the_file_behind_it_kept() {
        let outer = tempfile::tempdir().unwrap();
        let (folder, precious) = (outer.path().join("data"), outer.path().join("precious"));
        fs::create_dir(&folder).unwrap();
        fs::write(&precious, "content").unwrap();
        symlink(&precious, folder.join(LOCK)).unwrap();
        let error = DataFolder::open(folder).unwrap_err().to_string();
        assert!(error.contains("its file 'lock' is a symbolic link; remove the link"), "{error}");
        assert_eq!(fs::read_to_string(&precious).unwrap(), "content");
    }

    #[test]
    fn the_error_names_a_folder_that_cannot_be_created() {
        let outer = tempfile::tempdir().unwrap();
        let file = outer.path().join("file");
        fs::write(&file, "").unwrap();
        let error = DataFolder::open(file.join("data")).unwrap_err().to_string();
        assert!(error.contains("file/data cannot be used: "), "{error}");
    }
}
