//! Services of Windows, which this system does not have.

use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

fn none<T>() -> io::Result<T> {
    Err(ErrorKind::Unsupported.into())
}

/// Whether the service can be installed. It cannot.
///
/// # Errors
/// [`ErrorKind::Unsupported`].
pub fn check_installable() -> io::Result<()> {
    none()
}

/// The data folder of a service.
///
/// # Errors
/// [`ErrorKind::Unsupported`].
pub fn default_folder() -> io::Result<PathBuf> {
    none()
}

/// Installs the service.
///
/// # Errors
/// [`ErrorKind::Unsupported`].
pub fn install(_arguments: Vec<OsString>, _folder: &Path) -> io::Result<()> {
    none()
}

/// Starts the service.
///
/// # Errors
/// [`ErrorKind::Unsupported`].
pub fn start() -> io::Result<bool> {
    none()
}

/// Removes the service.
///
/// # Errors
/// [`ErrorKind::Unsupported`].
pub fn uninstall() -> io::Result<()> {
    none()
}

/// Runs as the service.
///
/// # Errors
/// [`ErrorKind::Unsupported`].
pub fn run(_log: PathBuf, _arguments: Vec<OsString>) -> io::Result<()> {
    none()
}
