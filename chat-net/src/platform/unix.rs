//! Modes, owners and links of files, as Unix has them.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::Path;

use rustix::fs::OFlags;
use rustix::io::Errno;
#[cfg(any(target_os = "linux", target_os = "android"))]
use socket2::SockRef;
use socket2::Socket;
use tokio::net::TcpStream;

use crate::data_folder::DataFolderError;

/// Creates `folder` and its missing parents with mode 0700.
pub(crate) fn create_private_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Makes a file that these options create accessible to its owner only.
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options.mode(0o600)
}

/// Makes these options refuse a symbolic link with an error for which [`is_link`] holds.
pub(crate) fn refuse_link(options: &mut OpenOptions) -> &mut OpenOptions {
    options.custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
}

/// Whether [`refuse_link`] caused the error.
pub(crate) fn is_link(error: &io::Error) -> bool {
    Errno::from_io_error(error) == Some(Errno::LOOP)
}

/// Removes the access of other users to the secret in `file`, or logs that it cannot.
///
/// # Errors
/// Other users can still write the file.
pub(crate) fn make_private(file: &File, path: &Path) -> io::Result<()> {
    const OWNER: u32 = 0o700;
    const OTHERS: u32 = 0o077;
    const OTHERS_WRITE: u32 = 0o022;
    let mode = || Ok::<_, io::Error>(file.metadata()?.permissions().mode());
    let found = mode()?;
    if found & OTHERS == 0 {
        return Ok(());
    }
    let changed = file.set_permissions(PermissionsExt::from_mode(found & OWNER));
    // Some file systems ignore the change.
    let now = mode()?;
    if now & OTHERS == 0 {
        log::warn!("{} was accessible to other users; now only its owner can read it", path.display());
        return Ok(());
    }
    if now & OTHERS_WRITE != 0 {
        return Err(io::Error::other(
            "other users can write it, so its content may not be yours; if it is, restrict it with chmod 600",
        ));
    }
    let why = changed.err().map_or_else(|| "the file system keeps its mode".to_owned(), |error| error.to_string());
    log::warn!("other users can read {}, and this program cannot change that: {why}", path.display());
    Ok(())
}

/// Gives a file the owner of the file that it replaces, if the system allows it.
pub(crate) fn keep_owner(path: &Path, found: &Metadata) {
    drop(chown(path, Some(found.uid()), Some(found.gid())));
}

/// Gives a file its final name, and replaces the file that has it.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)
}

/// Makes the names in a folder survive a power failure.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Whether a path leads to a device by a reserved name. There are none.
pub(crate) const fn is_device(_path: &Path) -> bool {
    false
}

/// Whether the error of an attempt to lock a file means that the file system has no locks.
pub(crate) fn has_no_locks(error: &io::Error) -> bool {
    let refusals = [Errno::NOLCK, Errno::NOSYS, Errno::NOTSUP, Errno::OPNOTSUPP];
    Errno::from_io_error(error).is_some_and(|error| refusals.contains(&error))
}

/// Refuses a folder in which other users can replace the files, because the server would use their keys.
///
/// # Errors
/// Also if the folder cannot be examined.
pub(crate) fn check_data_folder(path: &Path) -> Result<(), DataFolderError> {
    let found = fs::metadata(path).map_err(|source| DataFolderError::Unusable { path: path.to_owned(), source })?;
    check_access(path, rustix::process::geteuid().as_raw(), found.uid(), found.mode())
}

fn check_access(path: &Path, user: u32, owner: u32, mode: u32) -> Result<(), DataFolderError> {
    const ROOT: u32 = 0;
    const OTHERS: u32 = 0o077;
    /// Access of the group causes only a warning, because the owner chose the group.
    const EVERYBODY_WRITES: u32 = 0o002;
    if owner != user && owner != ROOT {
        return Err(DataFolderError::OtherOwner { path: path.to_owned(), owner });
    }
    if mode & EVERYBODY_WRITES != 0 {
        return Err(DataFolderError::WritableByEveryone { path: path.to_owned() });
    }
    if mode & OTHERS != 0 {
        log::warn!("other users can access the data folder {}; restrict it with chmod 700", path.display());
    }
    Ok(())
}

/// Lets a restarted server bind while connections of the previous one are in TIME_WAIT.
pub(crate) fn allow_restart(socket: &Socket) -> io::Result<()> {
    socket.set_reuse_address(true)
}

/// Whether [`limit_unsent`] has an effect.
#[cfg(test)]
pub(crate) const LIMITS_UNSENT: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// Limits the bytes that the kernel holds for this socket before it sends them. Has no effect on other systems than Linux.
pub(crate) fn limit_unsent(stream: &TcpStream, bytes: u32) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    return SockRef::from(stream).set_tcp_notsent_lowat(bytes);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    {
        let _ = (stream, bytes);
        Ok(())
    }
}

/// The limit that [`limit_unsent`] has set.
#[cfg(test)]
pub(crate) fn unsent_limit(stream: &TcpStream) -> io::Result<Option<u32>> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    return SockRef::from(stream).tcp_notsent_lowat().map(Some);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    {
        let _ = stream;
        Ok(None)
    }
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

    #[test]
    fn a_folder_in_which_somebody_else_can_replace_files_is_refused() {
        const ROOT: u32 = 0;
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
            match (check_access(path, user, owner, mode), reason) {
                (Ok(()), None) => {}
                (Err(error), Some(reason)) => assert!(error.to_string().contains(reason), "{error}"),
                (result, _) => panic!("{user} {owner} {mode:o}: {result:?}"),
            }
        }
    }
}
