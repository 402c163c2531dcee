//! Private files, written completely or not at all: first under a temporary name, then under the final one.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use chat_core::generator::Generator;

use crate::random::SystemGenerator;

/// Creates `folder` and its missing parents with mode 0700.
pub(crate) fn private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Reads `path` and removes the access of other users. They may have copied the key already, but it must not stay
/// readable.
pub(crate) fn read_private(path: &Path) -> io::Result<Vec<u8>> {
    let bytes = fs::read(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let permissions = fs::metadata(path)?.permissions();
        if permissions.mode() & 0o077 != 0 {
            log::warn!("{} was readable for other users; now only its owner can read it", path.display());
            fs::set_permissions(path, PermissionsExt::from_mode(0o600))?;
        }
    }
    Ok(bytes)
}

/// Writes `path` with mode 0600, unless the file exists.
pub(crate) fn create_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = write_temporary(path, bytes)?;
    // Unlike a rename, a hard link never replaces a file that another process created meanwhile.
    let result = match fs::hard_link(&temporary, path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        // The file system may not support hard links.
        Err(_) if !path.exists() => fs::rename(&temporary, path),
        other => other,
    };
    fs::remove_file(&temporary)
        .or_else(|error| if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) })?;
    result?;
    sync_folder(path)
}

/// Writes `path` with mode 0600, replacing an existing file.
pub(crate) fn replace_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = write_temporary(path, bytes)?;
    fs::rename(&temporary, path).inspect_err(|_| drop(fs::remove_file(&temporary)))?;
    sync_folder(path)
}

/// Locks a file next to `path` until the returned file is dropped. The lock file is never deleted, because another process
/// may be waiting for it.
///
/// # Errors
/// The file cannot be created, or another process has held the lock for `patience`.
pub(crate) fn lock_beside(path: &Path, patience: Duration) -> io::Result<File> {
    let path = hidden(path, "lock")?;
    let file = private_options().create(true).truncate(false).open(path)?;
    let begin = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            // The file system may not support locks; then go on without one.
            Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if begin.elapsed() < patience => thread::sleep(LOCK_PAUSE),
            Err(TryLockError::WouldBlock) => {
                return Err(io::Error::new(ErrorKind::TimedOut, "another program keeps it locked"));
            }
        }
    }
}

/// The pause between two attempts to get a lock: shorter than people notice.
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// A hidden name next to `path`.
fn hidden(path: &Path, end: &str) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| io::Error::from(ErrorKind::IsADirectory))?;
    Ok(path.with_file_name(format!(".{}.{end}", name.to_string_lossy())))
}

/// Options for a file that only its owner can read.
fn private_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn write_temporary(path: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    let temporary = hidden(path, &format!("{:016x}", SystemGenerator.number()))?;
    let file = private_options().create_new(true).open(&temporary);
    let written = file.and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    match written {
        Ok(()) => Ok(temporary),
        Err(error) => {
            drop(fs::remove_file(&temporary));
            Err(error)
        }
    }
}

/// Makes the new name survive a power failure. Only Unix can open folders for that.
fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if cfg!(unix) => {
            File::open(if folder.as_os_str().is_empty() { Path::new(".") } else { folder })?.sync_all()
        }
        _ => Ok(()),
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn folders_and_files_are_private_and_no_temporary_file_remains() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("a/b");
        private_folder(&folder).unwrap();
        private_folder(&folder).unwrap();
        let file = folder.join("key");
        create_private(&file, b"one").unwrap();
        assert_eq!((mode(&folder), mode(&file)), (0o700, 0o600));
        create_private(&file, b"two").unwrap();
        assert_eq!(read_private(&file).unwrap(), b"one", "an existing file is not replaced");
        replace_private(&file, b"three").unwrap();
        assert_eq!((read_private(&file).unwrap(), mode(&file)), (b"three".to_vec(), 0o600));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    }

    #[test]
    fn reading_a_private_file_removes_the_access_of_others() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        fs::write(&file, b"x").unwrap();
        fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
        read_private(&file).unwrap();
        assert_eq!(mode(&file), 0o600);
    }

    #[test]
    fn a_lock_excludes_others_until_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        let lock = lock_beside(&file, Duration::ZERO).unwrap();
        assert_eq!(lock_beside(&file, LOCK_PAUSE * 2).unwrap_err().kind(), ErrorKind::TimedOut);
        assert_eq!(mode(&folder.path().join(".key.lock")), 0o600);
        drop(lock);
        lock_beside(&file, Duration::ZERO).unwrap();
    }

    #[test]
    fn a_failed_write_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert!(replace_private(&folder.path().join("missing/key"), b"x").is_err());
        assert!(create_private(Path::new("/"), b"x").is_err());
    }
}
