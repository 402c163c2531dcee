//! Access, locks and identities of files, as Windows has them. Files inherit the access list of their folder. There are no
//! sockets in the file system, and the priority of threads stays.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::Path;

use chat_core::device_name::is_device_path;
use winapi_util::HandleRef;
use winapi_util::file::information;

/// Creates `folder` and its missing parents. They inherit the access list of the folder in which they are.
pub(crate) fn create_private_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

/// Files inherit the access list of their folder.
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// The access list stays as it is.
#[expect(clippy::unnecessary_wraps, reason = "other systems can refuse")]
pub(crate) fn make_private(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Returns whether a file is not marked as read-only. Folders have no such mark.
pub(crate) fn may_write(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.is_dir() || !file.permissions().readonly())
}

/// The path that the text behind `sqlite:` means. In a URL, a slash stands before a drive: `sqlite:///C:/chat.sqlite`.
pub(crate) fn path_in_url(text: &str) -> &str {
    match text.strip_prefix('/') {
        Some(path) if path.as_bytes().get(1) == Some(&b':') => path,
        _ => text,
    }
}

/// Returns whether a path leads to a device, such as `NUL` or `CON` in any folder.
pub(crate) fn is_device(path: &Path) -> bool {
    is_device_path(&path.to_string_lossy())
}

/// Locks a file as SQLite does, until it is closed. Windows has one kind of locks.
pub(crate) fn lock_as_sqlite(file: &File) -> io::Result<()> {
    Ok(file.try_lock()?)
}

/// Returns whether the error of an attempt to lock a file means that the file system has no locks, as some network drives
/// report it.
pub(crate) fn has_no_locks(error: &io::Error) -> bool {
    const INVALID_FUNCTION: i32 = 1;
    const NOT_SUPPORTED: i32 = 50;
    matches!(error.raw_os_error(), Some(INVALID_FUNCTION | NOT_SUPPORTED))
}

/// Returns whether `path` leads to `file`.
pub(crate) fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let identity = |file: &File| {
        let found = information(HandleRef::from_file(file))?;
        Ok::<_, io::Error>((found.volume_serial_number(), found.file_index()))
    };
    match File::open(path) {
        Ok(there) => Ok(identity(&there)? == identity(file)?),
        // A file that was removed while it was open keeps its name until it is closed, and cannot be opened again.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Windows cannot flush folders.
#[expect(clippy::unnecessary_wraps, reason = "other systems can refuse")]
pub(crate) fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// The threads keep the usual priority: no safe library changes it.
#[expect(clippy::unnecessary_wraps, reason = "other systems can refuse")]
pub(crate) const fn lower_thread_priority() -> io::Result<()> {
    Ok(())
}

/// There is no such socket.
#[cfg(feature = "mysql")]
#[expect(clippy::unused_async, reason = "other systems wait")]
pub(crate) async fn connect_socket(path: &str) -> io::Result<tokio::io::Empty> {
    Err(io::Error::new(ErrorKind::Unsupported, path))
}

/// There is no such user.
#[cfg(all(feature = "mysql", feature = "testing"))]
#[expect(clippy::unnecessary_wraps, reason = "other systems can fail")]
pub(crate) const fn belongs_to_root(_path: &Path) -> io::Result<bool> {
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_refusals_of_file_systems_without_locks_are_tolerated() {
        const ACCESS_DENIED: i32 = 5;
        const LOCK_VIOLATION: i32 = 33;
        for (error, tolerated) in [(1, true), (50, true), (ACCESS_DENIED, false), (LOCK_VIOLATION, false)] {
            assert_eq!(has_no_locks(&io::Error::from_raw_os_error(error)), tolerated, "{error}");
        }
    }
}
