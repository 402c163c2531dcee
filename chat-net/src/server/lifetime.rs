//! How long one run of a server lasts: until the last of its tasks has ended.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::monitor::{Counters, ServerState};
use crate::data_folder::FolderLock;

/// Every task and thread of a run holds a clone. When the last one is dropped, the lock of the data folder is released,
/// and then those who wait for the end are notified.
#[derive(Clone, Debug)]
pub(super) struct Lifetime {
    _run: Arc<Run>,
}

#[derive(Debug)]
struct Run {
    counters: Arc<Counters>,
    lock: Option<FolderLock>,
    ended: CancellationToken,
}

impl Lifetime {
    /// Begins a run that holds `lock` and cancels `ended` at its end.
    pub(super) fn new(counters: Arc<Counters>, lock: Option<FolderLock>, ended: CancellationToken) -> Self {
        Self { _run: Arc::new(Run { counters, lock, ended }) }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.counters.set_state(ServerState::Stopped);
        drop(self.lock.take());
        self.ended.cancel();
    }
}
