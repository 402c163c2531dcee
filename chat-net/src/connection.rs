//! One TLS connection, for both ends: reads frames, writes the send queue, and closes so that the other side sees the
//! reason.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Buf;
use chat_core::wire::frame::MAX_FRAME;
use tokio::io::{self, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::mpsc;
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout, timeout_at};
use zeroize::Zeroizing;

use crate::framed::FrameReader;
use crate::frames::Frames;
use crate::send_queue::{Next, Relayed, SESSION_LIMIT, SendQueue};

/// The time for which the other side may read nothing before it counts as too slow. It is longer than any pause of a
/// working network.
pub(crate) const UNREAD_TIME: Duration = Duration::from_secs(30);

/// The most time for writing the rest of the queue once the connection is closing. Closing connections count towards no
/// limit, so a client that reads slowly must not keep one open for hours.
const CLOSE_TIME: Duration = Duration::from_secs(30);

/// The time that the other side has to close its direction. Closing earlier could reset the connection and lose the
/// last frame, which usually states the reason.
const LINGER: Duration = Duration::from_secs(1);

/// What a connection's owner shares with the task that runs it.
#[derive(Debug)]
pub(crate) struct Handle<M = Infallible, B = ()> {
    pub(crate) queue: SendQueue<M>,
    pub(crate) bypass: B,
    /// The longest frame that may be received.
    frame_limit: AtomicUsize,
}

/// What passes by the owner of a connection: relayed frames.
pub(crate) trait Bypass {
    /// Takes a received frame, or returns it for the owner.
    fn take(&self, frame: Zeroizing<Vec<u8>>) -> Option<Zeroizing<Vec<u8>>>;

    /// The relayed frame of the send queue is written.
    fn written(&self, relayed: Relayed);
}

/// Nothing passes by the owner.
impl Bypass for () {
    fn take(&self, frame: Zeroizing<Vec<u8>>) -> Option<Zeroizing<Vec<u8>>> {
        Some(frame)
    }

    fn written(&self, _: Relayed) {}
}

impl<B: Default> Handle<Infallible, B> {
    /// For a client's connection.
    pub(crate) fn client() -> Self {
        Self::new(SESSION_LIMIT, MAX_FRAME)
    }
}

impl<M, B: Default> Handle<M, B> {
    pub(crate) fn new(queue_limit: usize, frame_limit: usize) -> Self {
        let queue = SendQueue::new(queue_limit);
        Self { queue, bypass: B::default(), frame_limit: AtomicUsize::new(frame_limit) }
    }
}

impl<M, B> Handle<M, B> {
    /// Raises both limits, for the bytes and frames that follow.
    pub(crate) fn set_limits(&self, queue_limit: usize, frame_limit: usize) {
        self.queue.set_limit(queue_limit);
        self.frame_limit.store(frame_limit, Ordering::Relaxed);
    }

    fn frame_limit(&self) -> usize {
        self.frame_limit.load(Ordering::Relaxed)
    }
}

/// What a connection sends to its owner.
#[derive(Debug)]
pub(crate) enum Incoming<M = Infallible> {
    Frame(Zeroizing<Vec<u8>>),
    /// Everything before this mark of the send queue is written.
    Written(M),
    /// The connection ended without the owner having closed it. Nothing follows.
    Gone(Gone),
}

/// Why a connection ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Gone {
    /// The other side closed or reset it, or sent something that is not a frame.
    Broken,
    /// The other side does not read.
    TooSlow,
}

/// Runs a connection to its end: received frames go to `inbound`, frames in the send queue are written. After the owner
/// has closed or aborted the queue, `inbound` receives no [`Incoming::Gone`].
///
/// Takes halves, because a future that took the whole stream would reserve space for it, and a server runs ten thousand
/// of these futures.
pub(crate) async fn run<S: AsyncRead + AsyncWrite + Unpin, M, B: Bypass, T>(
    (read, mut write): (ReadHalf<S>, WriteHalf<S>),
    handle: &Handle<M, B>,
    unread_time: Duration,
    inbound: &mpsc::Sender<T>,
    wrap: impl Fn(Incoming<M>) -> T,
) {
    let mut reader = FrameReader::new(read, handle.frame_limit());
    let end = tokio::select! {
        end = read_all(&mut reader, handle, inbound, &wrap) => end,
        end = write_all(&mut write, handle, unread_time, inbound, &wrap) => end,
    };
    match end {
        End::Gone(gone) => {
            // An owner that has ended needs no answer.
            drop(inbound.send(wrap(Incoming::Gone(gone))).await);
        }
        End::Aborted => {}
        End::Closed => {
            tokio::select! {
                result = timeout(LINGER, linger(reader.into_inner(), write)) => drop(result),
                () = handle.queue.aborted() => {}
            }
        }
    }
}

enum End {
    Closed,
    Aborted,
    Gone(Gone),
}

async fn read_all<R: AsyncRead + Unpin, M, B: Bypass, T>(
    reader: &mut FrameReader<R>,
    handle: &Handle<M, B>,
    inbound: &mpsc::Sender<T>,
    wrap: &impl Fn(Incoming<M>) -> T,
) -> End {
    loop {
        match reader.next(|| handle.frame_limit()).await {
            Ok(Some(frame)) => {
                let Some(frame) = handle.bypass.take(frame) else { continue };
                if inbound.send(wrap(Incoming::Frame(frame))).await.is_err() {
                    // The owner has ended. The frames that it queued last must still be written.
                    handle.queue.close();
                    return std::future::pending().await;
                }
            }
            Ok(None) => return End::Gone(Gone::Broken),
            Err(error) => {
                log::debug!("connection ends: {error}");
                return End::Gone(Gone::Broken);
            }
        }
    }
}

async fn write_all<W: AsyncWrite + Unpin, M, B: Bypass, T>(
    write: &mut W,
    handle: &Handle<M, B>,
    unread_time: Duration,
    inbound: &mpsc::Sender<T>,
    wrap: &impl Fn(Incoming<M>) -> T,
) -> End {
    let queue = &handle.queue;
    let mut deadline = WriteDeadline { unread_time, queue, close: None };
    loop {
        match queue.next().await {
            // Biased, because most writes complete without waiting, and then polling for an abort is a waste.
            Next::Write(frames) => tokio::select! {
                biased;
                written = write_frames(write, frames, &mut deadline) => {
                    if let Err(gone) = written {
                        return End::Gone(gone);
                    }
                }
                () = queue.aborted() => return End::Aborted,
            },
            // An error means that the owner has ended. The frames that it queued last must still be written.
            Next::Mark(mark) => tokio::select! {
                biased;
                sent = inbound.send(wrap(Incoming::Written(mark))) => drop(sent),
                () = queue.aborted() => return End::Aborted,
            },
            Next::Relayed(relayed) => handle.bypass.written(relayed),
            Next::Close => return End::Closed,
            Next::Abort => return End::Aborted,
        }
    }
}

/// How long the other side may take to read.
struct WriteDeadline<'a, M> {
    unread_time: Duration,
    queue: &'a SendQueue<M>,
    /// When a closing connection must have ended.
    close: Option<Instant>,
}

impl<M> WriteDeadline<'_, M> {
    /// The deadline of a write that begins now.
    fn next(&mut self) -> Instant {
        let now = Instant::now();
        if self.queue.is_closing() {
            self.close.get_or_insert(now + CLOSE_TIME);
        }
        self.close.map_or(now + self.unread_time, |close| close.min(now + self.unread_time))
    }
}

async fn write_frames<W: AsyncWrite + Unpin, M>(
    write: &mut W,
    mut frames: Frames,
    deadline: &mut WriteDeadline<'_, M>,
) -> Result<(), Gone> {
    let in_time = |result: Result<io::Result<usize>, Elapsed>| match result {
        Ok(Ok(0)) | Ok(Err(_)) => Err(Gone::Broken),
        Ok(Ok(count)) => Ok(count),
        Err(_) => Err(Gone::TooSlow),
    };
    while frames.has_remaining() {
        in_time(timeout_at(deadline.next(), write.write_buf(&mut frames)).await)?;
    }
    // TLS may buffer records. Only a flush shows that the socket takes them, so that the other side reads.
    in_time(timeout_at(deadline.next(), write.flush()).await.map(|result| result.map(|()| 1))).map(drop)
}

async fn linger(mut read: impl AsyncRead + Unpin, mut write: impl AsyncWrite + Unpin) {
    if write.shutdown().await.is_err() {
        return;
    }
    // Small, because every connection's task reserves space for it.
    let mut discarded = [0; 256];
    while matches!(read.read(&mut discarded).await, Ok(1..)) {}
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use tokio::io::DuplexStream;
    use tokio::task::JoinHandle;

    use super::*;

    type Started = (DuplexStream, Arc<Handle<()>>, mpsc::Receiver<Incoming<()>>, JoinHandle<()>);

    fn start(buffer: usize) -> Started {
        let (near, far) = io::duplex(buffer);
        let handle = Arc::new(Handle::<()>::new(GUEST, 1024));
        let (inbound, received) = mpsc::channel(1);
        let task = tokio::spawn({
            let handle = Arc::clone(&handle);
            async move { run(io::split(far), &handle, UNREAD_TIME, &inbound, |incoming| incoming).await }
        });
        (near, handle, received, task)
    }

    #[tokio::test(start_paused = true)]
    async fn everything_queued_reaches_a_side_that_keeps_sending() {
        let (mut near, handle, mut received, task) = start(64 * 1024);
        near.write_all(&[0, 0, 0, 1, b'x']).await.unwrap();
        assert!(matches!(received.recv().await, Some(Incoming::Frame(frame)) if *frame == b"x"));
        handle.queue.push_reply(Bytes::from_static(b"the reason")).unwrap();
        handle.queue.close();
        near.write_all(&[0, 0, 0, 1, b'y']).await.unwrap();
        let mut all = Vec::new();
        near.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, b"the reason");
        task.await.unwrap();
        assert!(!matches!(received.recv().await, Some(Incoming::Gone(_))), "the owner closed the connection itself");
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_whose_other_side_closes_or_sends_garbage_is_broken() {
        let (near, _handle, mut received, _task) = start(64);
        drop(near);
        assert!(matches!(received.recv().await, Some(Incoming::Gone(Gone::Broken))));
        let (mut near, _handle, mut received, _task) = start(64);
        near.write_all(&[0xff; 4]).await.unwrap();
        assert!(matches!(received.recv().await, Some(Incoming::Gone(Gone::Broken))));
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_is_too_slow_only_if_it_reads_nothing() {
        let (mut near, handle, mut received, _task) = start(BUFFER);
        handle.queue.push_reply(Bytes::from(vec![7; GUEST])).unwrap();
        for _ in 0..GUEST / BUFFER {
            tokio::time::sleep(UNREAD_TIME / 2).await;
            near.read_exact(&mut [0; BUFFER]).await.unwrap();
        }
        handle.queue.push_reply(Bytes::from(vec![7; GUEST])).unwrap();
        assert!(matches!(received.recv().await, Some(Incoming::Gone(Gone::TooSlow))));
    }

    const GUEST: usize = 16 * 1024;
    const BUFFER: usize = 4096;

    #[tokio::test(start_paused = true)]
    async fn a_trickling_reader_does_not_keep_a_closing_connection() {
        let (mut near, handle, _received, task) = start(BUFFER);
        handle.queue.push_reply(Bytes::from(vec![7; GUEST])).unwrap();
        tokio::task::yield_now().await;
        handle.queue.close();
        let begin = Instant::now();
        let trickle = async {
            while near.read_exact(&mut [0; 64]).await.is_ok() {
                tokio::time::sleep(UNREAD_TIME / 2).await;
            }
        };
        tokio::select! {
            () = trickle => panic!("everything was read"),
            result = task => result.unwrap(),
        }
        assert!(begin.elapsed() <= UNREAD_TIME + CLOSE_TIME + UNREAD_TIME, "{:?}", begin.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_mark_arrives_when_everything_before_it_is_written() {
        let (mut near, handle, mut received, _task) = start(GUEST);
        handle.queue.push_shared(&[Bytes::from(vec![7; GUEST]), Bytes::from_static(b"end")], ());
        tokio::time::sleep(UNREAD_TIME / 2).await;
        assert!(received.try_recv().is_err());
        near.read_exact(&mut [0; GUEST]).await.unwrap();
        assert!(matches!(received.recv().await, Some(Incoming::Written(()))));
    }

    #[tokio::test(start_paused = true)]
    async fn an_abort_does_not_wait_for_the_reader() {
        let (_near, handle, _received, task) = start(64);
        handle.queue.push_reply(Bytes::from(vec![7; GUEST])).unwrap();
        tokio::task::yield_now().await;
        let before = Instant::now();
        handle.queue.abort();
        task.await.unwrap();
        assert_eq!(before.elapsed(), Duration::ZERO);
    }
}
