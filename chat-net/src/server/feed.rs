//! The feed of a session's connection: a snapshot or a delta of the roster, then broadcasts.

use bytes::Bytes;
use chat_core::server::Missed;

use crate::send_queue::SendQueue;

/// Whether a connection receives broadcasts.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Feed {
    /// Not yet: the client has no roster to which they apply.
    #[default]
    Waiting,
    Following,
    /// No longer: there was no room for a broadcast, and the client needs another snapshot.
    Interrupted,
}

impl Feed {
    /// Queues the frames of a snapshot or a delta. From now on broadcasts follow. `queue` returns the mark
    /// [`Missed::Nothing`] once the frames are written.
    pub(super) fn send_snapshot(&mut self, queue: &SendQueue<Missed>, frames: &[Bytes]) {
        *self = Self::Following;
        queue.push_shared(frames, Missed::Nothing);
    }

    /// Queues a broadcast if the feed is [`Feed::Following`]. Returns whether it did. If the queue has no room, this
    /// broadcast and all later ones are dropped; `queue` returns the mark [`Missed::Changes`] once everything before
    /// them is written.
    pub(super) fn broadcast(&mut self, queue: &SendQueue<Missed>, bytes: &Bytes) -> bool {
        if *self != Self::Following {
            return false;
        }
        let is_queued = queue.push_broadcast(bytes.clone()).is_ok();
        if !is_queued {
            *self = Self::Interrupted;
            queue.push_shared(&[], Missed::Changes);
        }
        is_queued
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::send_queue::Next;

    const LIMIT: usize = 1024;

    fn bytes(len: usize) -> Bytes {
        Bytes::from(vec![7; len])
    }

    fn write(frames: &[Bytes]) -> Next<Missed> {
        Next::Write(frames.iter().cloned().collect())
    }

    #[tokio::test]
    async fn broadcasts_follow_a_snapshot() {
        let (mut feed, queue) = (Feed::default(), SendQueue::new(LIMIT));
        assert!(!feed.broadcast(&queue, &bytes(1)));
        feed.send_snapshot(&queue, &[bytes(2), bytes(3)]);
        assert!(feed.broadcast(&queue, &bytes(4)));
        assert_eq!(queue.next().await, write(&[bytes(2), bytes(3)]));
        assert_eq!(queue.next().await, Next::Mark(Missed::Nothing));
        assert_eq!(queue.next().await, write(&[bytes(4)]));
        assert!(feed.broadcast(&queue, &bytes(5)));
        assert_eq!(queue.next().await, write(&[bytes(5)]));
        queue.close();
        assert_eq!(queue.next().await, Next::Close, "the mark comes once");
    }

    #[tokio::test]
    async fn a_client_that_does_not_read_misses_broadcasts_and_then_receives_a_snapshot() {
        let (mut feed, queue) = (Feed::default(), SendQueue::new(LIMIT));
        feed.send_snapshot(&queue, &[bytes(9 * LIMIT)]);
        assert!(feed.broadcast(&queue, &bytes(LIMIT)));
        assert!(!feed.broadcast(&queue, &bytes(1)));
        queue.push_reply(bytes(2)).unwrap();
        assert_eq!(queue.next().await, write(&[bytes(9 * LIMIT)]));
        assert_eq!(queue.next().await, Next::Mark(Missed::Nothing));
        assert_eq!(queue.next().await, write(&[bytes(LIMIT)]));
        assert!(!feed.broadcast(&queue, &bytes(3)), "although there is room again");
        assert_eq!(queue.next().await, Next::Mark(Missed::Changes));
        assert_eq!(queue.next().await, write(&[bytes(2)]), "replies are not dropped");
        feed.send_snapshot(&queue, &[bytes(4)]);
        assert!(feed.broadcast(&queue, &bytes(5)));
        assert_eq!(queue.next().await, write(&[bytes(4)]));
        assert_eq!(queue.next().await, Next::Mark(Missed::Nothing));
        assert_eq!(queue.next().await, write(&[bytes(5)]));
    }
}
