//! What waits to be written to one connection: bounded in bytes, and putting something in never waits.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use chat_core::wire::frame::{MAX_FRAME, MAX_GUEST_FRAME};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// For a connection that is not logged in: some refusals, nothing more is ever sent to it.
pub(crate) const GUEST_LIMIT: usize = 16 * 1024;

/// For a connection that is logged in: a fresh copy of a roster of tens of thousands and the changes meanwhile.
pub(crate) const MEMBER_LIMIT: usize = 4 * 1024 * 1024;

/// The queue between the task that decides and the task that writes.
#[derive(Debug)]
pub(crate) struct Outbox {
    state: Mutex<State>,
    changed: Notify,
    aborted: CancellationToken,
}

#[derive(Debug)]
struct State {
    queue: VecDeque<Bytes>,
    bytes: usize,
    limit: usize,
    frame_limit: usize,
    stage: Stage,
}

/// How far a connection is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
    Open,
    /// What is queued is written, then the connection ends.
    Ending,
}

/// More waits than is allowed: the other side does not read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Full;

impl Outbox {
    /// For a connection that is not logged in yet.
    pub(crate) fn guest() -> Self {
        Self::new(GUEST_LIMIT, MAX_GUEST_FRAME)
    }

    /// For a connection whose other side is the server.
    pub(crate) fn member() -> Self {
        Self::new(MEMBER_LIMIT, MAX_FRAME)
    }

    fn new(limit: usize, frame_limit: usize) -> Self {
        let state = State { queue: VecDeque::new(), bytes: 0, limit, frame_limit, stage: Stage::Open };
        Self { state: Mutex::new(state), changed: Notify::new(), aborted: CancellationToken::new() }
    }

    /// It is logged in: more may wait, and it may send longer frames.
    pub(crate) fn admit(&self, limit: usize) {
        let mut state = self.lock();
        state.limit = limit;
        state.frame_limit = MAX_FRAME;
    }

    /// The longest frame that may be received.
    pub(crate) fn frame_limit(&self) -> usize {
        self.lock().frame_limit
    }

    /// Puts bytes at the end. After [`Outbox::finish`] they vanish.
    pub(crate) fn push(&self, bytes: Bytes) -> Result<(), Full> {
        let mut state = self.lock();
        if state.stage != Stage::Open {
            return Ok(());
        }
        if state.bytes + bytes.len() > state.limit {
            return Err(Full);
        }
        state.bytes += bytes.len();
        state.queue.push_back(bytes);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// Ends the connection once everything is written.
    pub(crate) fn finish(&self) {
        self.lock().stage = Stage::Ending;
        self.changed.notify_one();
    }

    /// Ends the connection at once, even in the middle of a frame.
    pub(crate) fn abort(&self) {
        let mut state = self.lock();
        state.stage = Stage::Ending;
        state.queue.clear();
        drop(state);
        self.aborted.cancel();
    }

    /// Resolves once the connection is to end at once. Cancel safe.
    pub(crate) async fn aborted(&self) {
        self.aborted.cancelled().await;
    }

    /// What is to be written next; `None` once the connection is to end.
    ///
    /// Cancel safety: nothing is lost if the future is dropped. For one task at a time.
    pub(crate) async fn next(&self) -> Option<Bytes> {
        loop {
            let waiting = self.changed.notified();
            {
                let mut state = self.lock();
                if let Some(bytes) = state.queue.pop_front() {
                    state.bytes -= bytes.len();
                    return Some(bytes);
                }
                if state.stage != Stage::Open {
                    return None;
                }
            }
            waiting.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics half-way, so a poisoned lock still guards a sound queue.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_put_in_before_the_end_is_written() {
        let outbox = Outbox::guest();
        outbox.push(Bytes::from_static(b"one")).unwrap();
        outbox.push(Bytes::from_static(b"two")).unwrap();
        outbox.finish();
        outbox.push(Bytes::from_static(b"late")).unwrap();
        assert_eq!(outbox.next().await.as_deref(), Some(&b"one"[..]));
        assert_eq!(outbox.next().await.as_deref(), Some(&b"two"[..]));
        assert_eq!(outbox.next().await, None);
    }

    #[tokio::test]
    async fn the_bound_is_in_bytes_and_is_raised_at_log_in() {
        let outbox = Outbox::guest();
        let chunk = Bytes::from(vec![0; GUEST_LIMIT]);
        outbox.push(chunk.clone()).unwrap();
        assert_eq!(outbox.push(Bytes::from_static(b"x")), Err(Full));
        assert_eq!(outbox.frame_limit(), MAX_GUEST_FRAME);
        outbox.admit(MEMBER_LIMIT);
        assert_eq!(outbox.frame_limit(), MAX_FRAME);
        outbox.push(chunk.clone()).unwrap();
        outbox.next().await.unwrap();
        outbox.next().await.unwrap();
        outbox.push(Bytes::from(vec![0; MEMBER_LIMIT])).unwrap();
        assert_eq!(outbox.push(chunk), Err(Full));
    }

    #[tokio::test]
    async fn an_abort_drops_what_waits() {
        let outbox = Outbox::member();
        outbox.push(Bytes::from_static(b"one")).unwrap();
        outbox.abort();
        outbox.aborted().await;
        assert_eq!(outbox.next().await, None);
    }
}
