//! Access lists and identities of files. New files inherit the access list of their folder, and the folders of a user are
//! private to that user and the administrators. No safe library reads access lists, so those of existing files are not
//! checked.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::Path;

use chat_core::device_name;
use winapi_util::HandleRef;
use winapi_util::file::information;

/// Creates `folder` and its missing parents. They inherit the access list of the folder in which they are.
///
/// # Errors
/// The system refuses.
pub fn create_private_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

/// Files inherit the access list of their folder.
pub const fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// The access list stays as it is.
///
/// # Errors
/// None on this system.
#[expect(clippy::unnecessary_wraps, reason = "other systems can refuse")]
pub const fn make_private(_file: &File) -> io::Result<()> {
    Ok(())
}

/// Whether other users can access a file. Not known here.
pub const fn is_open_to_others(_path: &Path) -> bool {
    false
}

/// Whether every user can access a file. Not known here.
pub const fn is_open_to_everyone(_path: &Path) -> bool {
    false
}

/// Whether every user can read a file. Not known here.
pub const fn is_readable_by_everyone(_path: &Path) -> bool {
    false
}

/// The command that restricts a file to its owner, for hints.
pub const RESTRICT: &str = "icacls FILE /inheritance:r /grant:r %USERNAME%:F";

/// The command that takes a file from everyone else, for hints.
pub const RESTRICT_TO_GROUP: &str = RESTRICT;

/// Whether a path leads to a device by a reserved name, such as `NUL` or `CON` in any folder. A path that names a device
/// explicitly, such as `\\.\pipe\name`, is what the user means.
pub fn has_device_name(path: &Path) -> bool {
    device_name::has_device_name(&path.to_string_lossy())
}

/// Whether a path leads to a device, by a reserved name or explicitly.
pub fn is_device(path: &Path) -> bool {
    device_name::is_device_path(&path.to_string_lossy())
}

/// Whether `path` leads to `file`.
///
/// # Errors
/// One of them cannot be examined.
pub fn is_at(file: &File, path: &Path) -> io::Result<bool> {
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

/// Why this user cannot write in a folder that exists. Not known before the attempt.
pub const fn write_refusal(_folder: &Path) -> Option<io::Error> {
    None
}
