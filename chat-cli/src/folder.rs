//! The data folder: where it is, that it is for its owner only, and that one server uses it.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use directories::ProjectDirs;

use crate::error::CliError;

/// Where `program` keeps its data unless told otherwise by `option`.
///
/// # Errors
/// The user has no home folder.
pub fn default(program: &str, option: &str) -> Result<PathBuf, CliError> {
    ProjectDirs::from("", "", program)
        .map(|folders| folders.data_dir().to_owned())
        .ok_or_else(|| CliError::usage("there is no home folder to keep data in").hint(format_args!("write {option}")))
}

/// The data folder of a server, made if it was not there.
#[derive(Clone, Debug)]
pub struct DataFolder {
    path: PathBuf,
}

impl DataFolder {
    /// Makes the folder (0700) if it is not there. One that is there keeps its mode, as it may serve others too; what
    /// is put in is 0600 anyway.
    ///
    /// # Errors
    /// It cannot be made, or nothing can be written into it.
    pub fn open(path: PathBuf) -> Result<Self, CliError> {
        let unusable = |error: io::Error| {
            CliError::not_there(format_args!("the data folder {} cannot be used: {error}", path.display()))
                .hint("choose a folder that you may write to with --data-dir DIR")
        };
        DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(unusable)?;
        if fs::metadata(&path).map_err(unusable)?.permissions().mode() & 0o077 != 0 {
            log::warn!("the data folder {} is open to others; chmod 700 closes it", path.display());
        }
        // Found out now and by name, not later by one of the many who write here.
        private_file(&path.join(LOCK)).map_err(unusable)?;
        Ok(Self { path })
    }

    /// The path of a file in it.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Claims the folder for one server, until the guard is dropped or the process ends.
    ///
    /// # Errors
    /// Another server has it; the sentence says which process.
    pub fn lock(&self) -> Result<FolderLock, CliError> {
        let path = self.join(LOCK);
        let failed = |error: io::Error| {
            CliError::not_there(format_args!("the data folder {} cannot be locked: {error}", self.path.display()))
        };
        let mut file = private_file(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Its number is a help only, and may not be written yet.
                drop(file.take(MAX_PID).read_to_string(&mut holder));
                let holder = match holder.trim() {
                    "" => "another server".to_owned(),
                    pid => format!("the server with process number {pid}"),
                };
                return Err(CliError::not_there(format_args!(
                    "the data folder {} is in use by {holder}",
                    self.path.display()
                ))
                .hint("stop that server, or choose another folder with --data-dir DIR"));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(failed)?;
        Ok(FolderLock { _file: file })
    }
}

/// The claim on a data folder.
#[derive(Debug)]
#[must_use = "the claim ends when it is dropped"]
pub struct FolderLock {
    /// Kept open, for the lock is on it.
    _file: File,
}

/// The file that is locked; it holds the process number of whoever has it.
const LOCK: &str = "lock";

/// The digits of the largest process number and a line end, with room to spare.
const MAX_PID: u64 = 32;

fn private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(error: &CliError) -> String {
        let mut out = Vec::new();
        error.show(&mut Vec::new(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn folder_and_lock_are_for_their_owner_only() {
        let outer = tempfile::tempdir().unwrap();
        let folder = DataFolder::open(outer.path().join("a/b")).unwrap();
        let lock = folder.lock().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(folder.path()), mode(&folder.join(LOCK))), (0o700, 0o600));
        drop(lock);
    }

    #[test]
    fn the_second_server_is_told_who_has_the_folder() {
        let outer = tempfile::tempdir().unwrap();
        let folder = DataFolder::open(outer.path().to_owned()).unwrap();
        let first = folder.lock().unwrap();
        let error = DataFolder::open(outer.path().to_owned()).unwrap().lock().unwrap_err();
        assert_eq!(error.exit().code(), 3);
        let holder = format!("is in use by the server with process number {}\n", std::process::id());
        assert!(shown(&error).contains(&holder), "{}", shown(&error));
        drop(first);
        drop(folder.lock().unwrap());
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let outer = tempfile::tempdir().unwrap();
        let file = outer.path().join("file");
        fs::write(&file, "").unwrap();
        let error = DataFolder::open(file.join("data")).unwrap_err();
        assert_eq!(error.exit().code(), 3);
        assert!(shown(&error).contains("file/data cannot be used: "), "{}", shown(&error));
    }
}
