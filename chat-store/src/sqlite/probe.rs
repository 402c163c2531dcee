//! Whether the file system of a database has the locks that SQLite needs.
//!
//! SQLite does not say so. On a file system that answers ENOLCK it waits, and reports "database is locked" as if another
//! program had the file; after any other refusal it reports "disk I/O error".

use std::fs::{self, OpenOptions};
use std::path::Path;

use super::copy::temporary_path;
use crate::platform;

/// Returns whether the file system refuses to lock a file, to be asked after SQLite has failed. Returns `false` if that
/// cannot be found out.
///
/// It tries a new file beside the database, which no other program uses. It does not open the database, because closing
/// that would end SQLite's locks in this process.
pub(super) fn lacks_locks(database: &Path) -> bool {
    let Ok(path) = temporary_path(database) else { return false };
    let mut options = OpenOptions::new();
    let Ok(file) = platform::private(options.write(true).create_new(true)).open(&path) else { return false };
    let locked = platform::lock_as_sqlite(&file);
    drop(file);
    if let Err(error) = fs::remove_file(&path) {
        log::warn!("cannot remove {}: {error}", path.display());
    }
    locked.is_err_and(|error| platform::has_no_locks(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_with_locks_has_them_and_keeps_no_file() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!lacks_locks(&folder.path().join("chat.sqlite")));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_that_does_not_exist_is_not_said_to_lack_locks() {
        assert!(!lacks_locks(Path::new("missing/chat.sqlite")));
    }
}
