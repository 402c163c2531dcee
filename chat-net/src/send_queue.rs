//! The send queue of a connection: frames that wait to be written, bounded in bytes. Adding to it never waits.
//!
//! Besides the queue, there is a place for one relayed frame, which whoever relays fills again once it is written. All
//! other frames are written first, up to a limit, so that neither kind waits for long.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use chat_core::time::Mono;
use tokio::sync::Notify;

use crate::frames::Frames;

/// The limit for a session in bytes: room for about ten thousand roster changes. A client that has more to read
/// receives a snapshot instead, which is shorter.
pub(crate) const SESSION_LIMIT: usize = 1024 * 1024;

/// The bytes that replies may occupy beyond the limit. Unlike broadcasts, replies cannot be dropped.
pub(crate) const REPLY_RESERVE: usize = 16 * 1024;

/// The most bytes that are written together: four TLS records. One call of the TLS stream takes up to two of them.
const MAX_WRITE: usize = 64 * 1024;

/// The most bytes of other frames that are written before a relayed frame that waits.
const MAX_AHEAD: u32 = 64 * 1024;

/// The queue between the task that decides what to send and the task that writes. A mark `M` in the queue comes back to
/// its owner once everything before it is written.
#[derive(Debug)]
pub(crate) struct SendQueue<M = Infallible> {
    state: Mutex<State<M>>,
    changed: Notify,
}

#[derive(Debug)]
struct State<M> {
    items: VecDeque<Item<M>>,
    /// The bytes in the queue, without those of shared frames.
    bytes: usize,
    limit: usize,
    stage: Stage,
    relaying: Relaying,
    /// The bytes that were written while the relayed frame waited.
    ahead: u32,
    /// The relayed frame that waits or is being written. Boxed, because most connections never have one.
    relayed: Option<Box<RelayedFrame>>,
}

/// What becomes of the place for a relayed frame.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Relaying {
    is_written: bool,
    /// Whoever relays waits for the place.
    is_wanted: bool,
}

#[derive(Debug)]
struct RelayedFrame {
    bytes: Bytes,
    since: Mono,
}

#[derive(Debug)]
enum Item<M> {
    /// Complete frames, and the bytes that they count against the limit: zero for frames that many connections share.
    Frames(Bytes, usize),
    Mark(M),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
    Open,
    /// The connection ends once the queue is written. Nothing can be added.
    Closing,
    /// The connection ends immediately.
    Aborted,
}

/// The error of a queue without room: the other side does not read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Full;

/// What the writing task does next.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Next<M> {
    Write(Frames),
    /// Everything before this mark is written.
    Mark(M),
    /// The relayed frame is written.
    Relayed(Relayed),
    Close,
    Abort,
}

/// What is to be known once a relayed frame is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Relayed {
    /// Since when its content waited.
    pub(crate) since: Mono,
    /// Whether more content waits for the place.
    pub(crate) is_wanted: bool,
}

impl<M> SendQueue<M> {
    /// Creates a queue for `limit` bytes and [`REPLY_RESERVE`].
    pub(crate) fn new(limit: usize) -> Self {
        let state = State {
            items: VecDeque::new(),
            bytes: 0,
            limit,
            stage: Stage::Open,
            relaying: Relaying::default(),
            ahead: 0,
            relayed: None,
        };
        Self { state: Mutex::new(state), changed: Notify::new() }
    }

    pub(crate) fn set_limit(&self, limit: usize) {
        self.lock().limit = limit;
    }

    /// Adds frames that must not be dropped; they may use the reserve. Has no effect on a queue that is closing.
    pub(crate) fn push_reply(&self, bytes: Bytes) -> Result<(), Full> {
        self.push(bytes, REPLY_RESERVE)
    }

    /// Adds frames that the caller can drop. Has no effect on a queue that is closing.
    pub(crate) fn push_broadcast(&self, bytes: Bytes) -> Result<(), Full> {
        self.push(bytes, 0)
    }

    fn push(&self, bytes: Bytes, reserve: usize) -> Result<(), Full> {
        self.update(|state| {
            if state.bytes + bytes.len() > state.limit.saturating_add(reserve) {
                return Err(Full);
            }
            let counted = bytes.len();
            state.bytes += counted;
            state.items.push_back(Item::Frames(bytes, counted));
            Ok(())
        })
        .unwrap_or(Ok(()))
    }

    /// Adds frames that many connections share, and behind them a mark. Has no effect on a queue that is closing.
    pub(crate) fn push_shared(&self, frames: &[Bytes], mark: M) {
        self.update(|state| {
            state.items.extend(frames.iter().map(|bytes| Item::Frames(bytes.clone(), 0)));
            state.items.push_back(Item::Mark(mark));
        });
    }

    /// Whether there is a place for a relayed frame. If not, [`Next::Relayed`] will say that it is wanted.
    pub(crate) fn takes_relayed(&self) -> bool {
        let mut state = self.lock();
        let is_free = state.relayed.is_none();
        state.relaying.is_wanted = !is_free;
        is_free && state.stage == Stage::Open
    }

    /// Sets the relayed frame, whose content has waited `since` then. `is_wanted` is whether more content waits. Has no
    /// effect on a queue that is closing. Call it only after [`takes_relayed`](Self::takes_relayed).
    pub(crate) fn set_relayed(&self, bytes: Bytes, since: Mono, is_wanted: bool) {
        self.update(|state| {
            state.relayed = Some(Box::new(RelayedFrame { bytes, since }));
            state.relaying.is_wanted = is_wanted;
            state.ahead = 0;
        });
    }

    /// Closes the connection once everything in the queue is written, except relayed frames.
    pub(crate) fn close(&self) {
        self.update(|state| state.stage = Stage::Closing);
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.lock().stage == Stage::Closing
    }

    /// Ends the connection immediately, even in the middle of a frame.
    pub(crate) fn abort(&self) {
        let mut state = self.lock();
        state.stage = Stage::Aborted;
        state.items = VecDeque::new();
        state.relayed = None;
        drop(state);
        self.changed.notify_one();
    }

    /// Resolves once the queue is aborted. The writing task polls it while it waits for something else.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn aborted(&self) {
        loop {
            let changed = self.changed.notified();
            if self.lock().stage == Stage::Aborted {
                return;
            }
            changed.await;
        }
    }

    /// Waits for the next step of the writing task, which is the only caller. Each call means that the frames from the
    /// previous call are written.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is removed from the queue unless the future resolves.
    pub(crate) async fn next(&self) -> Next<M> {
        loop {
            let changed = self.changed.notified();
            if let Some(next) = self.lock().next() {
                return next;
            }
            changed.await;
        }
    }

    /// Changes an open queue and wakes the writing task.
    fn update<T>(&self, change: impl FnOnce(&mut State<M>) -> T) -> Option<T> {
        let mut state = self.lock();
        if state.stage != Stage::Open {
            return None;
        }
        let result = change(&mut state);
        drop(state);
        self.changed.notify_one();
        Some(result)
    }

    fn lock(&self) -> MutexGuard<'_, State<M>> {
        // Nothing panics between two changes that belong together.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<M> State<M> {
    fn next(&mut self) -> Option<Next<M>> {
        if self.stage == Stage::Aborted {
            return Some(Next::Abort);
        }
        if std::mem::take(&mut self.relaying.is_written)
            && let Some(relayed) = self.relayed.take()
        {
            let is_wanted = std::mem::take(&mut self.relaying.is_wanted);
            return Some(Next::Relayed(Relayed { since: relayed.since, is_wanted }));
        }
        if self.ahead >= MAX_AHEAD
            && let Some(relayed) = self.begin_relayed()
        {
            return Some(relayed);
        }
        if let Some(frames) = self.pop_frames() {
            return Some(Next::Write(frames));
        }
        if let Some(Item::Mark(mark)) = self.items.pop_front() {
            return Some(Next::Mark(mark));
        }
        if let Some(relayed) = self.begin_relayed() {
            return Some(relayed);
        }
        // An idle connection keeps no memory for its queue.
        self.items = VecDeque::new();
        (self.stage == Stage::Closing).then_some(Next::Close)
    }

    /// Removes the frames that are written together: all up to the next mark or [`MAX_WRITE`], and at least one.
    fn pop_frames(&mut self) -> Option<Frames> {
        let (mut len, mut frames) = (0_usize, VecDeque::new());
        while let Some(Item::Frames(bytes, counted)) = self.items.front()
            && (frames.is_empty() || len + bytes.len() <= MAX_WRITE)
        {
            len += bytes.len();
            self.bytes -= counted;
            frames.push_back(bytes.clone());
            self.items.pop_front();
        }
        if self.relayed.is_some() {
            self.ahead = self.ahead.saturating_add(u32::try_from(len).unwrap_or(u32::MAX));
        }
        (!frames.is_empty()).then(|| frames.into_iter().collect())
    }

    fn begin_relayed(&mut self) -> Option<Next<M>> {
        if self.stage == Stage::Closing {
            self.relayed = None;
        }
        let frames = [self.relayed.as_ref()?.bytes.clone()].into_iter().collect();
        self.relaying.is_written = true;
        Some(Next::Write(frames))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(len: usize) -> Bytes {
        Bytes::from(vec![7; len])
    }

    fn write<M>(frames: &[Bytes]) -> Next<M> {
        Next::Write(frames.iter().cloned().collect())
    }

    #[tokio::test]
    async fn everything_queued_before_closing_is_written() {
        let queue = SendQueue::<()>::new(100);
        queue.push_reply(Bytes::from_static(b"one")).unwrap();
        queue.push_reply(Bytes::from_static(b"two")).unwrap();
        queue.close();
        queue.push_reply(Bytes::from_static(b"late")).unwrap();
        assert_eq!(queue.next().await, write(&[Bytes::from_static(b"one"), Bytes::from_static(b"two")]));
        assert_eq!(queue.next().await, Next::Close);
    }

    #[tokio::test]
    async fn the_limit_is_in_bytes_and_leaves_a_reserve_for_replies() {
        let queue = SendQueue::<()>::new(10);
        queue.push_broadcast(bytes(10)).unwrap();
        assert_eq!(queue.push_broadcast(bytes(1)), Err(Full));
        queue.push_reply(bytes(REPLY_RESERVE)).unwrap();
        assert_eq!(queue.push_reply(bytes(1)), Err(Full));
        queue.set_limit(20);
        queue.push_reply(bytes(10)).unwrap();
        assert_eq!(queue.next().await, write(&[bytes(10), bytes(REPLY_RESERVE), bytes(10)]));
        queue.push_reply(bytes(20 + REPLY_RESERVE)).unwrap();
        assert_eq!(queue.push_reply(bytes(1)), Err(Full));
    }

    #[tokio::test]
    async fn a_mark_comes_back_once_everything_before_it_is_written() {
        let queue = SendQueue::new(10);
        queue.push_shared(&[bytes(100), bytes(3)], "first");
        queue.push_broadcast(bytes(10)).unwrap();
        queue.push_shared(&[], "second");
        queue.close();
        assert_eq!(queue.next().await, write(&[bytes(100), bytes(3)]));
        assert_eq!(queue.next().await, Next::Mark("first"));
        assert_eq!(queue.next().await, write(&[bytes(10)]));
        assert_eq!(queue.next().await, Next::Mark("second"));
        assert_eq!(queue.next().await, Next::Close);
    }

    #[tokio::test]
    async fn frames_are_written_together_in_order_up_to_four_records() {
        let queue = SendQueue::<()>::new(SESSION_LIMIT);
        let small: Vec<_> = (1..=9).map(|byte| Bytes::from(vec![byte; MAX_WRITE / 4])).collect();
        small.iter().for_each(|bytes| queue.push_reply(bytes.clone()).unwrap());
        let large = bytes(2 * MAX_WRITE);
        queue.push_reply(large.clone()).unwrap();
        queue.push_reply(bytes(1)).unwrap();
        for frames in [&small[..4], &small[4..8], &small[8..], &[large], &[bytes(1)]] {
            assert_eq!(queue.next().await, write(frames));
        }
        assert_eq!(queue.lock().bytes, 0);
    }

    #[tokio::test]
    async fn an_abort_drops_everything_queued() {
        let queue = SendQueue::new(10);
        queue.push_reply(Bytes::from_static(b"one")).unwrap();
        queue.push_shared(&[bytes(1)], ());
        queue.abort();
        queue.close();
        queue.aborted().await;
        assert_eq!(queue.next().await, Next::Abort);
    }

    #[tokio::test]
    async fn a_relayed_frame_waits_for_all_others_and_then_its_place_is_free_again() {
        let (queue, since) = (SendQueue::new(SESSION_LIMIT), Mono::at(std::time::Duration::from_secs(1)));
        assert!(queue.takes_relayed());
        queue.set_relayed(bytes(9), since, false);
        assert!(!queue.takes_relayed(), "one waits");
        queue.push_broadcast(bytes(1)).unwrap();
        queue.push_shared(&[bytes(2)], "mark");
        assert_eq!(queue.next().await, write(&[bytes(1), bytes(2)]));
        assert_eq!(queue.next().await, Next::Mark("mark"));
        assert_eq!(queue.next().await, write(&[bytes(9)]));
        assert!(!queue.takes_relayed(), "it is being written");
        queue.push_reply(bytes(3)).unwrap();
        assert_eq!(queue.next().await, Next::Relayed(Relayed { since, is_wanted: true }));
        assert!(queue.takes_relayed());
        queue.set_relayed(bytes(8), since, false);
        assert_eq!(queue.next().await, write(&[bytes(3)]), "the others first, again");
        assert_eq!(queue.next().await, write(&[bytes(8)]));
        assert_eq!(queue.next().await, Next::Relayed(Relayed { since, is_wanted: false }), "nobody asked meanwhile");
        queue.set_relayed(bytes(7), since, true);
        assert_eq!(queue.next().await, write(&[bytes(7)]));
        assert_eq!(queue.next().await, Next::Relayed(Relayed { since, is_wanted: true }), "more waits in the lane");
    }

    #[tokio::test]
    async fn a_relayed_frame_is_written_after_at_most_64_kib_of_others() {
        let queue = SendQueue::<()>::new(SESSION_LIMIT);
        let part = bytes(MAX_WRITE / 2);
        (0..6).for_each(|_| queue.push_reply(part.clone()).unwrap());
        queue.set_relayed(bytes(9), Mono::ZERO, false);
        assert_eq!(queue.next().await, write(&[part.clone(), part.clone()]));
        assert_eq!(queue.next().await, write(&[bytes(9)]));
        assert!(matches!(queue.next().await, Next::Relayed(_)));
        assert_eq!(queue.next().await, write(&[part.clone(), part.clone()]));
        assert_eq!(queue.next().await, write(&[part.clone(), part]));
    }

    #[tokio::test]
    async fn a_queue_that_closes_drops_what_is_relayed() {
        let queue = SendQueue::<()>::new(100);
        queue.set_relayed(bytes(9), Mono::ZERO, false);
        queue.push_reply(bytes(1)).unwrap();
        queue.close();
        queue.set_relayed(bytes(8), Mono::ZERO, false);
        assert!(!queue.takes_relayed());
        assert_eq!(queue.next().await, write(&[bytes(1)]));
        assert_eq!(queue.next().await, Next::Close);
    }
}
