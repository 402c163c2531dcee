//! Private files, written all or not at all: a temporary file first, then its final name.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use chat_core::generator::Generator;

use crate::random::SystemGenerator;

/// Makes `folder` and what is missing above it; the folder is for its owner only (0700).
pub(crate) fn private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Reads `path`, and takes others' access away from it: whoever could read it before may have copied it already, but
/// a key must not stay open.
pub(crate) fn read_private(path: &Path) -> io::Result<Vec<u8>> {
    let bytes = fs::read(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let permissions = fs::metadata(path)?.permissions();
        if permissions.mode() & 0o077 != 0 {
            log::warn!("{} could be read by others; it is now for its owner only", path.display());
            fs::set_permissions(path, PermissionsExt::from_mode(0o600))?;
        }
    }
    Ok(bytes)
}

/// Writes `path` (0600) unless it exists by now, in which case the one that exists stays as it is.
pub(crate) fn create_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = write_temporary(path, bytes)?;
    // A hard link, unlike a rename, never takes the place of a file that another process made meanwhile.
    let result = match fs::hard_link(&temporary, path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        // Some file systems have no hard links.
        Err(_) if !path.exists() => fs::rename(&temporary, path),
        other => other,
    };
    fs::remove_file(&temporary)
        .or_else(|error| if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) })?;
    result?;
    sync_folder(path)
}

/// Writes `path` (0600) in place of what is there.
pub(crate) fn replace_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = write_temporary(path, bytes)?;
    fs::rename(&temporary, path).inspect_err(|_| drop(fs::remove_file(&temporary)))?;
    sync_folder(path)
}

/// Keeps all others who ask for this out until it is dropped: locks a file beside `path`, which stays there, as whoever
/// deleted it could not know who waits for it.
///
/// # Errors
/// It cannot be made, or somebody has had the lock for `patience`.
pub(crate) fn lock_beside(path: &Path, patience: Duration) -> io::Result<File> {
    let path = hidden(path, "lock")?;
    let file = private_options().create(true).truncate(false).open(path)?;
    let begin = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            // Some file systems have no locks, and then there is no better.
            Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if begin.elapsed() < patience => thread::sleep(LOCK_PAUSE),
            Err(TryLockError::WouldBlock) => {
                return Err(io::Error::new(ErrorKind::TimedOut, "another program does not finish changing it"));
            }
        }
    }
}

/// Between two attempts to get a lock: less than people notice.
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// A name beside `path` that is not shown.
fn hidden(path: &Path, end: &str) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| io::Error::from(ErrorKind::IsADirectory))?;
    Ok(path.with_file_name(format!(".{}.{end}", name.to_string_lossy())))
}

/// To write a file that only its owner can read.
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

/// Makes the new name survive a power cut. Folders can be opened for that on Unix only.
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
    fn folders_and_files_are_for_their_owner_only_and_nothing_is_left_over() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("a/b");
        private_folder(&folder).unwrap();
        private_folder(&folder).unwrap();
        let file = folder.join("key");
        create_private(&file, b"one").unwrap();
        assert_eq!((mode(&folder), mode(&file)), (0o700, 0o600));
        create_private(&file, b"two").unwrap();
        assert_eq!(read_private(&file).unwrap(), b"one", "a file that exists stays");
        replace_private(&file, b"three").unwrap();
        assert_eq!((read_private(&file).unwrap(), mode(&file)), (b"three".to_vec(), 0o600));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_others_could_read_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        fs::write(&file, b"x").unwrap();
        fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
        read_private(&file).unwrap();
        assert_eq!(mode(&file), 0o600);
    }

    #[test]
    fn a_lock_keeps_others_out_until_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        let lock = lock_beside(&file, Duration::ZERO).unwrap();
        assert_eq!(lock_beside(&file, LOCK_PAUSE * 2).unwrap_err().kind(), ErrorKind::TimedOut);
        assert_eq!(mode(&folder.path().join(".key.lock")), 0o600);
        drop(lock);
        lock_beside(&file, Duration::ZERO).unwrap();
    }

    #[test]
    fn what_cannot_be_written_leaves_the_old_file_alone() {
        let folder = tempfile::tempdir().unwrap();
        assert!(replace_private(&folder.path().join("missing/key"), b"x").is_err());
        assert!(create_private(Path::new("/"), b"x").is_err());
    }
}
