//! Modes and identities of files and folders.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::{Access, access};
use rustix::io::Errno;

const OWNER_ONLY: u32 = 0o600;
const OTHERS: u32 = 0o077;

/// Creates `folder` and its missing parents with mode 0700.
///
/// # Errors
/// The system refuses.
pub fn create_private_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Makes a file that these options create accessible to its owner only.
pub fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options.mode(OWNER_ONLY)
}

/// Revokes the access of other users to a file.
///
/// # Errors
/// The file belongs to another user, or the system refuses.
pub fn make_private(file: &File) -> io::Result<()> {
    if file.metadata()?.mode() & OTHERS == 0 {
        return Ok(());
    }
    file.set_permissions(PermissionsExt::from_mode(OWNER_ONLY))
}

/// Whether other users can access a file, including the users of its group.
pub fn is_open_to_others(path: &Path) -> bool {
    has_mode(path, OTHERS)
}

/// Whether every user can access a file. The group may have access, because the owner chose it.
pub fn is_open_to_everyone(path: &Path) -> bool {
    has_mode(path, 0o007)
}

/// Whether every user can read a file.
pub fn is_readable_by_everyone(path: &Path) -> bool {
    has_mode(path, 0o004)
}

fn has_mode(path: &Path, bits: u32) -> bool {
    // A file without readable metadata could not be read either, and that is an error elsewhere.
    fs::metadata(path).is_ok_and(|file| file.mode() & bits != 0)
}

/// The command that restricts a file to its owner, for hints.
pub const RESTRICT: &str = "chmod 600";

/// The command that takes a file from everyone else than its owner and its group, for hints.
pub const RESTRICT_TO_GROUP: &str = "chmod o-rwx";

/// Whether a path leads to a device by a reserved name. There are none.
pub const fn has_device_name(_path: &Path) -> bool {
    false
}

/// Whether a path alone shows that it leads to a device. It does not.
pub const fn is_device(_path: &Path) -> bool {
    false
}

/// Whether `path` leads to `file`.
///
/// # Errors
/// One of them cannot be examined.
pub fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let ours = file.metadata()?;
    match fs::metadata(path) {
        Ok(there) => Ok((there.dev(), there.ino()) == (ours.dev(), ours.ino())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Why this user cannot write in a folder that exists. `None` if the user can, or if that is not certain.
pub fn write_refusal(folder: &Path) -> Option<io::Error> {
    match access(folder, Access::WRITE_OK) {
        Err(error @ (Errno::ACCESS | Errno::PERM | Errno::ROFS)) => Some(error.into()),
        _ => None,
    }
}
