//! The sources from which somebody has logged in. Their guests are the last to give way when there are too many.

use super::config::ThrottleConfig;
use crate::memory::Memory;
use crate::source::Source;
use crate::time::Mono;

/// Sources from which a session has begun, or has returned after a restart, and which are remembered for as long as a
/// pair of user name and source is proven.
#[derive(Debug)]
pub(super) struct KnownSources(Memory<Source, ()>);

impl KnownSources {
    pub(super) fn new(config: &ThrottleConfig) -> Self {
        Self(Memory::new(config.proven_memory, config.max_remembered))
    }

    pub(super) fn contains(&self, now: Mono, source: Source) -> bool {
        self.0.get(now, &source).is_some()
    }

    /// A session has begun from `source`.
    pub(super) fn session_began(&mut self, now: Mono, source: Source) {
        self.0.renew(now, source);
    }
}
