//! Access lists and sharing of files, as Windows has them. No safe library reads access lists, so those of existing files
//! and folders are not checked. What is created in a private folder inherits its access list.

use std::env;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use chat_core::device_name::is_device_path;
use socket2::Socket;
use tokio::net::TcpStream;

use crate::data_folder::DataFolderError;

/// Creates `folder` and its missing parents. If `folder` is new and not in the user's own folder, which is private already,
/// only its owner, the administrators and the system get access to it.
pub(crate) fn create_private_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    let own = env::var_os("USERPROFILE").map(PathBuf::from);
    if own.is_some_and(|own| std::path::absolute(folder).is_ok_and(|folder| folder.starts_with(own))) {
        return Ok(());
    }
    if let Err(error) = restrict(folder) {
        log::warn!("other users may be able to access {}, because icacls failed: {error}", folder.display());
    }
    Ok(())
}

/// Replaces the access list of a folder. The program is part of Windows; no safe library changes access lists.
fn restrict(folder: &Path) -> io::Result<()> {
    /// The owner, the administrators and the system, by their well-known identifiers: their names are translated.
    const GRANTED: [&str; 3] = ["*S-1-3-4:(OI)(CI)F", "*S-1-5-32-544:(OI)(CI)F", "*S-1-5-18:(OI)(CI)F"];
    let root = env::var_os("SystemRoot").map_or_else(|| PathBuf::from(r"C:\Windows"), PathBuf::from);
    let mut icacls = Command::new(root.join(r"System32\icacls.exe"));
    icacls.arg(folder).args(["/inheritance:r", "/grant:r"]).args(GRANTED);
    let status = icacls.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(status.to_string())) }
}

/// Files inherit the access list of their folder.
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// Only administrators create symbolic links on Windows.
pub(crate) fn refuse_link(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// [`refuse_link`] refuses none.
pub(crate) fn is_link(_error: &io::Error) -> bool {
    false
}

/// The access list stays as it is.
#[expect(clippy::unnecessary_wraps, reason = "other systems can refuse")]
pub(crate) fn make_private(_file: &File, _path: &Path) -> io::Result<()> {
    Ok(())
}

/// Files belong to the user who creates them.
pub(crate) fn keep_owner(_path: &Path, _found: &Metadata) {}

/// How long a file that is to be replaced may be open in another program. Programs that check new files for viruses open
/// them for some milliseconds.
const SHARING_TIME: Duration = Duration::from_secs(1);

/// The pause between two attempts to replace a file.
const SHARING_PAUSE: Duration = Duration::from_millis(10);

/// Gives a file its final name, and replaces the file that has it. Windows refuses that while a program has the other file
/// open, so this function tries again.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    let begin = Instant::now();
    loop {
        match fs::rename(from, to) {
            Err(error) if error.kind() == ErrorKind::PermissionDenied && begin.elapsed() < SHARING_TIME => {
                thread::sleep(SHARING_PAUSE);
            }
            result => return result,
        }
    }
}

/// Windows cannot flush folders.
#[expect(clippy::unnecessary_wraps, reason = "other systems can refuse")]
pub(crate) fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// Whether a path leads to a device, such as `NUL` or `CON` in any folder.
pub(crate) fn is_device(path: &Path) -> bool {
    is_device_path(&path.to_string_lossy())
}

/// Whether the error of an attempt to lock a file means that the file system has no locks, as some network drives report it.
pub(crate) fn has_no_locks(error: &io::Error) -> bool {
    const INVALID_FUNCTION: i32 = 1;
    const NOT_SUPPORTED: i32 = 50;
    matches!(error.raw_os_error(), Some(INVALID_FUNCTION | NOT_SUPPORTED))
}

/// The access list of the folder is not checked.
#[expect(clippy::unnecessary_wraps, reason = "other systems can refuse")]
pub(crate) fn check_data_folder(_path: &Path) -> Result<(), DataFolderError> {
    Ok(())
}

/// A restarted server can bind in any case, and SO_REUSEADDR would let two servers use one port.
#[expect(clippy::unnecessary_wraps, reason = "other systems can refuse")]
pub(crate) fn allow_restart(_socket: &Socket) -> io::Result<()> {
    Ok(())
}

/// Whether [`limit_unsent`] has an effect.
#[cfg(test)]
pub(crate) const LIMITS_UNSENT: bool = false;

/// The limit that [`limit_unsent`] has set.
#[cfg(test)]
#[expect(clippy::unnecessary_wraps, reason = "other systems can refuse")]
pub(crate) fn unsent_limit(_stream: &TcpStream) -> io::Result<Option<u32>> {
    Ok(None)
}

/// Has no effect: Windows has no such limit.
pub(crate) fn limit_unsent(_stream: &TcpStream, _bytes: u32) -> io::Result<()> {
    Ok(())
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
