//! Files that are written completely or not at all (first under a temporary name, then under the final one), and files
//! whose content is secret.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use chat_core::generator::Generator;
use zeroize::Zeroizing;

use crate::file_lock::has_no_locks;
use crate::platform;
use crate::random::SystemGenerator;

/// Reads a secret from `path` and removes the access of other users. They may have copied the secret already, but it
/// must not stay readable. If the mode cannot change, as for a secret that a container mounts, the function only logs a
/// warning.
///
/// # Errors
/// The file cannot be read, or other users can still write it, so that they may have replaced the secret.
pub(crate) fn read_private(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut file = File::open(path)?;
    platform::make_private(&file, path)?;
    let length = usize::try_from(file.metadata()?.len()).unwrap_or_default();
    // Room for the whole file, because a buffer that grows leaves copies of the secret behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(length + 1));
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Skips the byte order mark with which some editors begin a text file.
pub(crate) fn without_byte_order_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text)
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

/// Writes `path`. A file that exists is replaced and keeps its mode and its owner; a new one gets mode 0600. A device
/// is written to.
///
/// Replaces a symbolic link by a file: pass what [`follow_links`] returns.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if is_device(path) {
        return OpenOptions::new().write(true).open(path)?.write_all(bytes);
    }
    let temporary = write_temporary(path, bytes)?;
    if let Ok(found) = fs::metadata(path) {
        keep_access(&temporary, &found);
    }
    platform::rename(&temporary, path).inspect_err(|_| drop(fs::remove_file(&temporary)))?;
    sync_folder(path)
}

/// Whether `path` exists and is not a regular file. A device such as /dev/null must not be replaced by a file.
pub(crate) fn is_device(path: &Path) -> bool {
    platform::is_device(path) || fs::metadata(path).is_ok_and(|found| !found.is_file())
}

/// Gives a new file the owner and the mode of the file that it replaces, as far as the system allows.
fn keep_access(path: &Path, found: &fs::Metadata) {
    platform::keep_owner(path, found);
    drop(fs::set_permissions(path, found.permissions()));
}

/// The file that `path` leads to through symbolic links, whether or not it exists.
///
/// # Errors
/// A link cannot be read, or the links form a loop.
pub(crate) fn follow_links(path: &Path) -> io::Result<PathBuf> {
    /// The limit of Linux.
    const MAX_LINKS: usize = 40;
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        match fs::symlink_metadata(&path) {
            // A relative target starts at the folder of its link.
            Ok(found) if found.is_symlink() => {
                let target = fs::read_link(&path)?;
                path.pop();
                path.push(target);
            }
            Ok(_) => return Ok(path),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(path),
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("too many levels of symbolic links"))
}

/// Locks a file next to `path` until the returned file is dropped. The lock file is never deleted, because another
/// process may be waiting for it.
///
/// # Errors
/// The file cannot be created, or another process holds the lock for longer than `patience`.
pub(crate) fn lock_beside(path: &Path, patience: Duration) -> io::Result<File> {
    let path = hidden(path, "lock")?;
    let file = private_options().create(true).truncate(false).open(&path)?;
    let begin = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) if has_no_locks(&error) => {
                log::warn!(
                    "the file system cannot lock {}, so programs can overwrite each other: {error}",
                    path.display()
                );
                return Ok(file);
            }
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if begin.elapsed() < patience => thread::sleep(LOCK_PAUSE),
            Err(TryLockError::WouldBlock) => {
                return Err(io::Error::new(ErrorKind::TimedOut, "another program holds its lock; try again"));
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
    platform::private(options.write(true));
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

/// Makes the new name survive a power failure.
fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if folder.as_os_str().is_empty() => platform::sync_folder(Path::new(".")),
        Some(folder) => platform::sync_folder(folder),
        None => Ok(()),
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn folders_and_files_are_private_and_no_temporary_file_remains() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("a/b");
        platform::create_private_folder(&folder).unwrap();
        platform::create_private_folder(&folder).unwrap();
        let file = folder.join("key");
        create_private(&file, b"one").unwrap();
        assert_eq!((mode(&folder), mode(&file)), (0o700, 0o600));
        create_private(&file, b"two").unwrap();
        assert_eq!(read_private(&file).unwrap().as_slice(), b"one", "an existing file is not replaced");
        let new = folder.join("new");
        replace(&new, b"three").unwrap();
        assert_eq!((fs::read(&new).unwrap(), mode(&new)), (b"three".to_vec(), 0o600));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
    }

    #[test]
    fn reading_a_secret_removes_the_access_of_others() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        for (found, left) in [(0o644, 0o600), (0o666, 0o600), (0o440, 0o400), (0o600, 0o600)] {
            fs::write(&file, b"x").unwrap();
            fs::set_permissions(&file, PermissionsExt::from_mode(found)).unwrap();
            assert_eq!(read_private(&file).unwrap().as_slice(), b"x");
            assert_eq!(mode(&file), left, "{found:o}");
            fs::remove_file(&file).unwrap();
        }
    }

    #[test]
    fn a_replaced_file_keeps_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("known");
        fs::write(&file, b"x").unwrap();
        fs::set_permissions(&file, PermissionsExt::from_mode(0o664)).unwrap();
        replace(&file, b"y").unwrap();
        assert_eq!((fs::read(&file).unwrap(), mode(&file)), (b"y".to_vec(), 0o664));
    }

    #[test]
    fn a_device_is_written_to_and_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        // A link, so that a mistake replaces the link and not the device.
        let null = folder.path().join("null");
        symlink("/dev/null", &null).unwrap();
        replace(&null, b"x").unwrap();
        assert!(is_device(&null) && !is_device(&folder.path().join("none")));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn links_are_followed_to_the_file_that_exists_or_will() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("inner")).unwrap();
        symlink("inner/second", path("first")).unwrap();
        symlink("../file", path("inner/second")).unwrap();
        symlink(path("first"), path("absolute")).unwrap();
        symlink("circle", path("circle")).unwrap();
        for found in [false, true] {
            for name in ["first", "absolute", "file"] {
                let end = follow_links(&path(name)).unwrap();
                assert_eq!(end.file_name(), path("file").file_name(), "{name}");
                assert_eq!(end.exists(), found);
            }
            fs::write(path("file"), b"x").unwrap();
        }
        assert!(follow_links(&path("circle")).is_err());
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
        assert!(replace(&folder.path().join("missing/key"), b"x").is_err());
        assert!(create_private(Path::new("/"), b"x").is_err());
    }
}
