//! What a failed attempt to lock a file means.

use std::io::{self, ErrorKind};

/// Returns whether `error` means that the file system has no locks. Some network file systems have none.
pub(crate) fn has_no_locks(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        let refusals = [Errno::NOLCK, Errno::NOSYS, Errno::NOTSUP, Errno::OPNOTSUPP];
        if Errno::from_io_error(error).is_some_and(|error| refusals.contains(&error)) {
            return true;
        }
    }
    error.kind() == ErrorKind::Unsupported
}

#[cfg(all(test, unix))]
mod tests {
    use rustix::io::Errno;

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
}
