//! What a failed attempt to lock a file means.

use std::io::{self, ErrorKind};

use crate::platform;

/// Returns whether `error` means that the file system has no locks. Some network file systems have none.
pub(crate) fn has_no_locks(error: &io::Error) -> bool {
    platform::has_no_locks(error) || error.kind() == ErrorKind::Unsupported
}
