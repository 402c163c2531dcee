//! Resumption state of removed links.
//!
//! Two sessions derive the same keys each time they meet, so a link that is opened again must continue the numbers of
//! its predecessor.

use std::collections::BTreeMap;

use super::config::MAX_RESUMPTIONS;
use super::link::Resumption;
use crate::id::SessionId;

/// The resumption state of removed links, by session id: at most [`MAX_RESUMPTIONS`].
#[derive(Debug, Default)]
pub(super) struct Resumptions {
    by_session: BTreeMap<SessionId, Resumption>,
    capacity: Capacity,
}

/// Whether the state of every removed link was kept.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Capacity {
    #[default]
    Available,
    /// The state of some link was dropped, so a session without state may be one of those.
    Exceeded,
}

/// The limit was reached for the first time.
#[derive(Debug)]
pub(super) struct Exhausted;

impl Resumptions {
    /// Keeps the state of a removed link, or drops it if the limit is reached.
    ///
    /// # Errors
    /// State was dropped for the first time.
    pub(super) fn insert(&mut self, session: SessionId, resumption: Resumption) -> Result<(), Exhausted> {
        if resumption == Resumption::default() {
            return Ok(());
        }
        if self.by_session.len() < MAX_RESUMPTIONS {
            self.by_session.insert(session, resumption);
            return Ok(());
        }
        match std::mem::replace(&mut self.capacity, Capacity::Exceeded) {
            Capacity::Available => Err(Exhausted),
            Capacity::Exceeded => Ok(()),
        }
    }

    /// Removes and returns the state for a link to `session`: the default for a new session.
    pub(super) fn take(&mut self, session: &SessionId) -> Resumption {
        self.by_session.remove(session).unwrap_or_default()
    }

    /// Whether the state for `session` may have been dropped.
    pub(super) fn may_lack(&self, session: &SessionId) -> bool {
        self.is_exhausted() && !self.by_session.contains_key(session)
    }

    /// Whether the state of some link was dropped.
    pub(super) fn is_exhausted(&self) -> bool {
        self.capacity == Capacity::Exceeded
    }
}
