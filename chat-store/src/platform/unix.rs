//! Modes, locks and identities of files, the priority of threads, and sockets in the file system, as Unix has them.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::{Access, FlockOperation, access, fcntl_lock};
use rustix::io::Errno;

/// The files hold password hashes, which allow offline guessing.
const OWNER_ONLY: u32 = 0o600;

/// Creates `folder` and its missing parents with mode 0700.
pub(crate) fn create_private_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Makes a file that these options create accessible to its owner only.
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options.mode(OWNER_ONLY)
}

/// Revokes the access of others to an existing file. SQLite creates the files beside it with the same mode.
pub(crate) fn make_private(path: &Path) -> io::Result<()> {
    let permissions = fs::metadata(path)?.permissions();
    if permissions.mode() & 0o077 == 0 {
        return Ok(());
    }
    fs::set_permissions(path, PermissionsExt::from_mode(OWNER_ONLY))
}

/// Returns whether this process may write a file, or create files in a folder. Opens no descriptor.
pub(crate) fn may_write(path: &Path) -> bool {
    access(path, Access::WRITE_OK).is_ok()
}

/// The path that the text behind `sqlite:` means: the text itself.
pub(crate) const fn path_in_url(text: &str) -> &str {
    text
}

/// Returns whether a path leads to a device by a reserved name. There are none.
pub(crate) const fn is_device(_path: &Path) -> bool {
    false
}

/// Locks a file as SQLite does, until it is closed. A file system can have these locks and not those of [`File::lock`], or the
/// other way round.
pub(crate) fn lock_as_sqlite(file: &File) -> io::Result<()> {
    Ok(fcntl_lock(file, FlockOperation::NonBlockingLockExclusive)?)
}

/// Returns whether the error of an attempt to lock a file means that the file system has no locks.
pub(crate) fn has_no_locks(error: &io::Error) -> bool {
    let refusals = [Errno::NOLCK, Errno::NOSYS, Errno::NOTSUP, Errno::OPNOTSUPP];
    Errno::from_io_error(error).is_some_and(|error| refusals.contains(&error))
}

/// Returns whether `path` leads to `file`.
pub(crate) fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let ours = file.metadata()?;
    match fs::metadata(path) {
        Ok(there) => Ok((there.dev(), there.ino()) == (ours.dev(), ours.ino())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Makes the names in a folder survive a power failure.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Lets threads of normal priority run first. On Linux the nice value belongs to the thread.
#[cfg(target_os = "linux")]
pub(crate) fn lower_thread_priority() -> io::Result<()> {
    /// A thread of normal priority gets nine tenths of a processor that it shares with a thread of this one.
    const NICE_INCREMENT: i32 = 10;
    rustix::process::nice(NICE_INCREMENT)?;
    Ok(())
}

/// Outside Linux, the nice value belongs to the process, which keeps its priority.
#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "other systems can refuse")]
pub(crate) const fn lower_thread_priority() -> io::Result<()> {
    Ok(())
}

/// Connects to the socket of a database server on this machine.
#[cfg(feature = "mysql")]
pub(crate) async fn connect_socket(path: &str) -> io::Result<tokio::net::UnixStream> {
    tokio::net::UnixStream::connect(path).await
}

/// Returns whether a file belongs to the user who may do everything.
#[cfg(all(feature = "mysql", feature = "testing"))]
pub(crate) fn belongs_to_root(path: &Path) -> io::Result<bool> {
    Ok(fs::metadata(path)?.uid() == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_refusals_of_file_systems_without_locks_are_tolerated() {
        for (error, tolerated) in [
            (Errno::NOLCK, true),
            (Errno::NOSYS, true),
            (Errno::NOTSUP, true),
            (Errno::OPNOTSUPP, true),
            (Errno::IO, false),
            (Errno::WOULDBLOCK, false),
        ] {
            assert_eq!(has_no_locks(&error.into()), tolerated, "{error:?}");
        }
    }
}
