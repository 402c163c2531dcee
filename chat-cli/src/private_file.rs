//! Small files of a user that only the user can read.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use crate::platform::files;

/// Replaces a file by one that only its owner can read, and creates its folder if it is missing. The process id keeps two
/// programs apart.
///
/// # Errors
/// The system refuses. The previous file stays.
pub(crate) fn replace(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        files::create_private_folder(folder)?;
    }
    let new = path.with_extension(format!("new-{}", std::process::id()));
    let mut file = files::private(OpenOptions::new().write(true).create(true).truncate(true)).open(&new)?;
    file.write_all(text.as_bytes()).and_then(|()| fs::rename(&new, path)).inspect_err(|_| {
        // The error that is returned matters more.
        drop(fs::remove_file(&new));
    })
}
