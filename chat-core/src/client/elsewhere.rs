//! Other servers for the first login: servers that share a roster fail one by one, and another one may reach its storage.

use super::retry::Failure;
use crate::wire::rejection::Rejection;

/// At how many other servers the first login may still be tried, and whether it has begun to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Elsewhere {
    left: u32,
    /// A server could not reach its storage.
    has_begun: bool,
}

impl Elsewhere {
    pub(super) const fn new(servers: u32) -> Self {
        Self { left: servers, has_begun: false }
    }

    /// Returns whether the first login is tried at another server after this failure: one that cannot reach its storage, and
    /// from then on one that does not answer properly. A rejection for another reason would be the same everywhere.
    pub(super) const fn follows(self, failure: Failure) -> bool {
        self.left > 0 && (is_about_storage(failure) || (self.has_begun && !matches!(failure, Failure::Rejected(_))))
    }

    /// Notes a failure of the first login. Returns the failure to report, and whether another server is tried. A server that
    /// does not answer says less than the one before it that could not reach its storage.
    pub(super) const fn note(&mut self, failure: Failure) -> (Failure, bool) {
        let follows = self.follows(failure);
        let hides_reason = self.has_begun && !matches!(failure, Failure::Rejected(_));
        self.has_begun |= is_about_storage(failure);
        if follows {
            self.left -= 1;
        }
        (if hides_reason { Failure::Rejected(Rejection::StorageUnavailable) } else { failure }, follows)
    }
}

const fn is_about_storage(failure: Failure) -> bool {
    matches!(failure, Failure::Rejected(Rejection::StorageUnavailable))
}
