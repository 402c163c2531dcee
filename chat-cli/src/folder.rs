//! The data folder: its default place, its owner and mode, and the lock that keeps a second server out.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use chat_net::file_lock::has_no_locks;
use directories::ProjectDirs;
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::process::geteuid;

use crate::error::CliError;

/// The default data folder of `program`, which `option` overrides.
///
/// # Errors
/// The user has no home folder.
pub fn default(program: &str, option: &str) -> Result<PathBuf, CliError> {
    ProjectDirs::from("", "", program).map(|folders| folders.data_dir().to_owned()).ok_or_else(|| {
        CliError::usage("there is no home folder to keep data in").hint(format_args!("name a folder with {option}"))
    })
}

/// The data folder of a server.
#[derive(Clone, Debug)]
pub struct DataFolder {
    path: PathBuf,
}

impl DataFolder {
    /// Opens the folder, and creates it with mode 0700 if it does not exist. An existing folder keeps its mode, because
    /// other programs may use it. All files that the server creates have mode 0600.
    ///
    /// # Errors
    /// The folder cannot be created or is not writable. Also if other users may have put files into it, because it
    /// belongs to another user or every user can write it.
    pub fn open(path: PathBuf) -> Result<Self, CliError> {
        let unusable = |error: io::Error| {
            CliError::not_there(format_args!("the data folder {} cannot be used: {error}", path.display()))
                .hint("choose a folder that you can write to with --data-dir DIR")
        };
        DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(unusable)?;
        let found = fs::metadata(&path).map_err(unusable)?;
        check_access(&path, geteuid().as_raw(), found.uid(), found.mode())?;
        // Detects a folder that is not writable here, with a message that names it, and not only at the first write.
        private_file(&path.join(LOCK)).map_err(unusable)?;
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

    /// Locks the folder for one server, until the lock is dropped or the process ends.
    ///
    /// # Errors
    /// Another server holds the lock. The message names its process.
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
                // The process id only helps to find the server. It may not have been written yet.
                drop(file.take(MAX_PID).read_to_string(&mut holder));
                let holder = match holder.trim() {
                    "" => "another server".to_owned(),
                    pid => format!("another server (process {pid})"),
                };
                return Err(CliError::not_there(format_args!(
                    "the data folder {} is in use by {holder}",
                    self.path.display()
                ))
                .hint("stop that server, or choose another folder with --data-dir DIR"));
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

const ROOT: u32 = 0;

/// Refuses a folder in which other users can replace the files, because the server would use their keys.
fn check_access(path: &Path, user: u32, owner: u32, mode: u32) -> Result<(), CliError> {
    const OTHERS: u32 = 0o077;
    /// Access of the group causes only a warning, because the owner chose the group.
    const EVERYBODY_WRITES: u32 = 0o002;
    let path = path.display();
    if owner != user && owner != ROOT {
        return Err(CliError::not_there(format_args!(
            "the data folder {path} belongs to another user (uid {owner}), whose keys may be in it"
        ))
        .hint("run this command as that user, or choose a folder of your own with --data-dir DIR"));
    }
    if mode & EVERYBODY_WRITES != 0 {
        return Err(CliError::not_there(format_args!(
            "every user can write the data folder {path}, and the keys in it may belong to another user"
        ))
        .hint("choose another folder with --data-dir DIR, or restrict this one with chmod 700 if all files in it are yours"));
    }
    if mode & OTHERS != 0 {
        log::warn!("other users can access the data folder {path}; restrict it with chmod 700");
    }
    Ok(())
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

/// Maximum length of the file's content in bytes: more than the digits of any process id and a line end.
const MAX_PID: u64 = 32;

/// Opens or creates the file. Refuses a symbolic link, because its target would be emptied.
fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let file = options.custom_flags(OFlags::NOFOLLOW.bits().cast_signed()).open(path).map_err(|error| {
        match Errno::from_io_error(&error) {
            Some(Errno::LOOP) => io::Error::other(format!("its file '{LOCK}' is a symbolic link; remove the link")),
            _ => error,
        }
    })?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other(format!("its '{LOCK}' is not a file; remove it")));
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn shown(error: &CliError) -> String {
        let mut out = Vec::new();
        error.show(&mut Vec::new(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

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
        let folder = DataFolder::open(outer.path().to_owned()).unwrap();
        let first = folder.lock().unwrap();
        let error = DataFolder::open(outer.path().to_owned()).unwrap().lock().unwrap_err();
        assert_eq!(error.exit().code(), 3);
        let holder = format!("is in use by another server (process {})\n", std::process::id());
        assert!(shown(&error).contains(&holder), "{}", shown(&error));
        drop(first);
        drop(folder.lock().unwrap());
    }

    #[test]
    fn a_folder_in_which_somebody_else_can_replace_files_is_refused() {
        let path = Path::new("data");
        for (user, owner, mode, reason) in [
            (1_000, 1_000, 0o700, None),
            (1_000, ROOT, 0o770, None),
            (1_000, 1_000, 0o775, None),
            (ROOT, ROOT, 0o755, None),
            (1_000, 1_001, 0o700, Some("belongs to another user (uid 1001)")),
            (ROOT, 1_001, 0o700, Some("belongs to another user (uid 1001)")),
            (1_000, 1_000, 0o777, Some("every user can write the data folder data")),
            (1_000, ROOT, 0o1777, Some("every user can write the data folder data")),
        ] {
            let result = check_access(path, user, owner, mode).map_err(|error| shown(&error));
            match (result, reason) {
                (Ok(()), None) => {}
                (Err(error), Some(reason)) => assert!(error.contains(reason), "{error}"),
                (result, _) => panic!("{user} {owner} {mode:o}: {result:?}"),
            }
        }
    }

    #[test]
    fn a_lock_that_is_a_link_is_refused_and_the_file_behind_it_kept() {
        let outer = tempfile::tempdir().unwrap();
        let (folder, precious) = (outer.path().join("data"), outer.path().join("precious"));
        fs::create_dir(&folder).unwrap();
        fs::write(&precious, "content").unwrap();
        symlink(&precious, folder.join(LOCK)).unwrap();
        let error = DataFolder::open(folder).unwrap_err();
        assert!(shown(&error).contains("its file 'lock' is a symbolic link; remove the link"), "{}", shown(&error));
        assert_eq!(fs::read_to_string(&precious).unwrap(), "content");
    }

    #[test]
    fn the_error_names_a_folder_that_cannot_be_created() {
        let outer = tempfile::tempdir().unwrap();
        let file = outer.path().join("file");
        fs::write(&file, "").unwrap();
        let error = DataFolder::open(file.join("data")).unwrap_err();
        assert_eq!(error.exit().code(), 3);
        assert!(shown(&error).contains("file/data cannot be used: "), "{}", shown(&error));
    }
}
