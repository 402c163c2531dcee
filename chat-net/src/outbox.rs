//! What waits to be written to one connection: bounded in bytes, and putting something in never waits.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use chat_core::server::Missed;
use chat_core::wire::frame::{MAX_FRAME, MAX_GUEST_FRAME};
use tokio::sync::Notify;

use crate::frames::Frames;

/// For a connection that is not logged in: some refusals, nothing more is ever sent to it.
pub(crate) const GUEST_LIMIT: usize = 16 * 1024;

/// For a connection that is logged in: some ten thousand changes of the roster. To send a fresh copy is cheaper than to
/// send more.
pub(crate) const MEMBER_LIMIT: usize = 1024 * 1024;

/// Frames that wait behind each other are written together up to this, which are four records of TLS. It takes two of them
/// and 64 frames at a time. When all are told so often that nobody is written to in time, each is written to
/// less often instead.
const TOGETHER: usize = 64 * 1024;

/// What answers may take beyond that, as they cannot be left out.
const ROOM_FOR_ANSWERS: usize = GUEST_LIMIT;

/// The queue between the task that decides and the task that writes.
#[derive(Debug)]
pub(crate) struct Outbox {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    queue: VecDeque<Queued>,
    /// The bytes in the queue that are not those of a copy, which all connections share.
    bytes: usize,
    limit: usize,
    frame_limit: usize,
    stage: Stage,
    follows: Follows,
    /// Whether the owner waits to hear that everything is written.
    awaited: bool,
}

#[derive(Debug)]
enum Queued {
    Counted(Bytes),
    OfCopy(Bytes),
}

/// How far a connection is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
    Open,
    /// What is queued is written, then the connection ends.
    Ending,
    /// It ends at once.
    Aborted,
}

/// Whether a connection gets broadcasts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Follows {
    /// It has no copy that they would change.
    Nothing,
    Changes,
    /// It has missed one, and needs another copy.
    NoLonger,
}

/// More waits than is allowed: the other side does not read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Full;

/// What the task that writes has to do.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Next {
    Write(Frames),
    /// To tell the owner that everything is written.
    Tell(Missed),
    End,
    /// To end at once.
    Abort,
}

impl Queued {
    const fn bytes(&self) -> &Bytes {
        match self {
            Self::Counted(bytes) | Self::OfCopy(bytes) => bytes,
        }
    }
}

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
        let state = State {
            queue: VecDeque::new(),
            bytes: 0,
            limit,
            frame_limit,
            stage: Stage::Open,
            follows: Follows::Nothing,
            awaited: false,
        };
        Self { state: Mutex::new(state), changed: Notify::new() }
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

    /// Puts an answer at the end. After [`Outbox::finish`] it vanishes.
    pub(crate) fn push(&self, bytes: Bytes) -> Result<(), Full> {
        let mut state = self.lock();
        if state.stage != Stage::Open {
            return Ok(());
        }
        if state.bytes + bytes.len() > state.limit + ROOM_FOR_ANSWERS {
            return Err(Full);
        }
        state.put(bytes);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// Puts a copy of the roster at the end, or what was missed of it; from now on broadcasts follow. Its owner is told
    /// when all is written.
    pub(crate) fn copy(&self, frames: &[Bytes]) {
        let mut state = self.lock();
        if state.stage == Stage::Open {
            state.queue.extend(frames.iter().cloned().map(Queued::OfCopy));
            state.follows = Follows::Changes;
            state.awaited = true;
            drop(state);
            self.changed.notify_one();
        }
    }

    /// Puts a broadcast at the end, if the connection follows them. If it does not fit, this one and all later ones are
    /// left out, and its owner is told when the rest is written. Whether it was put.
    pub(crate) fn broadcast(&self, bytes: &Bytes) -> bool {
        let mut state = self.lock();
        if state.stage != Stage::Open || state.follows != Follows::Changes {
            return false;
        }
        let fits = state.bytes + bytes.len() <= state.limit;
        if !fits {
            state.follows = Follows::NoLonger;
            state.awaited = true;
        } else {
            state.put(bytes.clone());
        }
        drop(state);
        self.changed.notify_one();
        fits
    }

    /// Ends the connection once everything is written.
    pub(crate) fn finish(&self) {
        let mut state = self.lock();
        if state.stage == Stage::Open {
            state.stage = Stage::Ending;
            drop(state);
            self.changed.notify_one();
        }
    }

    /// Whether it is to end once everything is written.
    pub(crate) fn is_ending(&self) -> bool {
        self.lock().stage == Stage::Ending
    }

    /// Ends the connection at once, even in the middle of a frame.
    pub(crate) fn abort(&self) {
        let mut state = self.lock();
        state.stage = Stage::Aborted;
        state.queue = VecDeque::new();
        drop(state);
        self.changed.notify_one();
    }

    /// Resolves once the connection is to end at once. Cancel safe, and for the task that asks what is next: it may wait
    /// for this while it does something else.
    pub(crate) async fn aborted(&self) {
        loop {
            let waiting = self.changed.notified();
            if self.lock().stage == Stage::Aborted {
                return;
            }
            waiting.await;
        }
    }

    /// What is to be done next. Whoever asks has written what it was given before.
    ///
    /// Cancel safety: nothing is lost if the future is dropped. For one task at a time.
    pub(crate) async fn next(&self) -> Next {
        loop {
            let waiting = self.changed.notified();
            if let Some(next) = self.lock().next() {
                return next;
            }
            waiting.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics half-way, so a poisoned lock still guards a sound queue.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn put(&mut self, bytes: Bytes) {
        self.bytes += bytes.len();
        self.queue.push_back(Queued::Counted(bytes));
    }

    /// Takes what is to be written together off the queue.
    fn pop(&mut self) -> Option<Frames> {
        let mut len = 0;
        let fits = |queued: &&Queued| {
            len += queued.bytes().len();
            len <= TOGETHER
        };
        let count = self.queue.iter().take_while(fits).count().max(1).min(self.queue.len());
        let frames = self.queue.drain(..count).map(|queued| match queued {
            Queued::Counted(bytes) => {
                self.bytes -= bytes.len();
                bytes
            }
            Queued::OfCopy(bytes) => bytes,
        });
        let frames = frames.collect();
        (count > 0).then_some(frames)
    }

    fn next(&mut self) -> Option<Next> {
        if let Some(frames) = self.pop() {
            return Some(Next::Write(frames));
        }
        // A connection that has nothing to say for hours keeps no memory for it.
        self.queue = VecDeque::new();
        match self.stage {
            Stage::Open => {}
            Stage::Ending => return Some(Next::End),
            Stage::Aborted => return Some(Next::Abort),
        }
        let missed = if self.follows == Follows::NoLonger { Missed::Changes } else { Missed::Nothing };
        std::mem::take(&mut self.awaited).then_some(Next::Tell(missed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(len: usize) -> Bytes {
        Bytes::from(vec![7; len])
    }

    fn write(frames: &[Bytes]) -> Next {
        Next::Write(frames.iter().cloned().collect())
    }

    #[tokio::test]
    async fn what_was_put_in_before_the_end_is_written() {
        let outbox = Outbox::guest();
        outbox.push(Bytes::from_static(b"one")).unwrap();
        outbox.push(Bytes::from_static(b"two")).unwrap();
        outbox.finish();
        outbox.push(Bytes::from_static(b"late")).unwrap();
        assert_eq!(outbox.next().await, write(&[Bytes::from_static(b"one"), Bytes::from_static(b"two")]));
        assert_eq!(outbox.next().await, Next::End);
    }

    #[tokio::test]
    async fn the_bound_is_in_bytes_and_is_raised_at_log_in() {
        let outbox = Outbox::guest();
        let chunk = bytes(GUEST_LIMIT + ROOM_FOR_ANSWERS);
        outbox.push(chunk.clone()).unwrap();
        assert_eq!(outbox.push(bytes(1)), Err(Full));
        assert_eq!(outbox.frame_limit(), MAX_GUEST_FRAME);
        outbox.admit(MEMBER_LIMIT);
        assert_eq!(outbox.frame_limit(), MAX_FRAME);
        outbox.push(chunk.clone()).unwrap();
        assert_eq!(outbox.next().await, write(&[chunk.clone(), chunk.clone()]));
        outbox.push(bytes(MEMBER_LIMIT)).unwrap();
        assert_eq!(outbox.push(chunk), Err(Full));
    }

    #[tokio::test]
    async fn broadcasts_follow_a_copy_and_its_end_is_told() {
        let outbox = Outbox::guest();
        outbox.broadcast(&bytes(1));
        outbox.copy(&[bytes(2), bytes(3)]);
        outbox.broadcast(&bytes(4));
        assert_eq!(outbox.next().await, write(&[bytes(2), bytes(3), bytes(4)]));
        assert_eq!(outbox.next().await, Next::Tell(Missed::Nothing));
        outbox.broadcast(&bytes(5));
        assert_eq!(outbox.next().await, write(&[bytes(5)]));
        outbox.finish();
        assert_eq!(outbox.next().await, Next::End, "and it is told once");
    }

    #[tokio::test]
    async fn who_does_not_read_misses_broadcasts_gets_answers_and_then_a_copy() {
        let outbox = Outbox::guest();
        outbox.copy(&[bytes(9 * GUEST_LIMIT)]);
        outbox.broadcast(&bytes(GUEST_LIMIT));
        outbox.broadcast(&bytes(1));
        outbox.push(bytes(2)).unwrap();
        for frames in [&[bytes(9 * GUEST_LIMIT)][..], &[bytes(GUEST_LIMIT), bytes(2)]] {
            assert_eq!(outbox.next().await, write(frames));
        }
        outbox.broadcast(&bytes(3));
        assert_eq!(outbox.next().await, Next::Tell(Missed::Changes), "although there would be room again");
        outbox.copy(&[bytes(4)]);
        outbox.broadcast(&bytes(5));
        assert_eq!(outbox.next().await, write(&[bytes(4), bytes(5)]));
        assert_eq!(outbox.next().await, Next::Tell(Missed::Nothing));
    }

    #[tokio::test]
    async fn what_waits_is_written_together_in_order_up_to_four_records() {
        let outbox = Outbox::member();
        let small: Vec<_> = (1..=9).map(|byte| Bytes::from(vec![byte; TOGETHER / 4])).collect();
        small.iter().for_each(|bytes| outbox.push(bytes.clone()).unwrap());
        let large = bytes(2 * TOGETHER);
        outbox.push(large.clone()).unwrap();
        outbox.push(bytes(1)).unwrap();
        for frames in [&small[..4], &small[4..8], &small[8..], &[large], &[bytes(1)]] {
            assert_eq!(outbox.next().await, write(frames));
        }
        assert_eq!(outbox.lock().bytes, 0);
    }

    #[tokio::test]
    async fn an_abort_drops_what_waits() {
        let outbox = Outbox::member();
        outbox.push(Bytes::from_static(b"one")).unwrap();
        outbox.copy(&[bytes(1)]);
        outbox.abort();
        outbox.finish();
        outbox.aborted().await;
        assert_eq!(outbox.next().await, Next::Abort);
    }
}
