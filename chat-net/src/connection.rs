//! One TLS connection, as both ends run it: frames in, bytes out, and an end that the other side gets to see.

use std::time::Duration;

use bytes::Buf;
use chat_core::server::Missed;
use tokio::io::{self, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::mpsc;
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout, timeout_at};
use zeroize::Zeroizing;

use crate::framed::FrameReader;
use crate::frames::Frames;
use crate::outbox::{Next, Outbox};

/// How long a reader may take nothing before it counts as too slow: longer than any pause of a working
/// network, shorter than anybody waits.
pub(crate) const STALL: Duration = Duration::from_secs(30);

/// How long what was said last may take to be written in all. Nobody counts a connection that is ending, so that one who
/// reads a little now and then must not keep it, and what waits for it, for hours.
const LAST_WORDS: Duration = Duration::from_secs(30);

/// How long the other side may take to notice that the connection has ended. Closing earlier could reset the
/// connection, and with it what was written last: mostly the reason why it ends.
const LINGER: Duration = Duration::from_secs(1);

/// What a connection tells its owner.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// A frame arrived.
    Frame(Zeroizing<Vec<u8>>),
    /// What the outbox was awaited for is written.
    Drained(Missed),
    /// The connection is gone. Nothing follows.
    Gone(Gone),
}

/// Why a connection is gone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Gone {
    /// The other side closed or reset it, or sent what is not a frame.
    Broken,
    /// The other side does not read.
    TooSlow,
}

/// Runs a connection to its end: received frames go to `inbound`, what is in `outbox` is written. When the outbox is
/// finished or aborted, nothing more is told.
pub(crate) fn run<S, T>(
    stream: S,
    outbox: &Outbox,
    stall: Duration,
    inbound: &mpsc::Sender<T>,
    wrap: impl Fn(Incoming) -> T,
) -> impl Future<Output = ()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    // Not in the future, which would have room for the whole stream to its end: of these there are ten thousand.
    let (read, write) = io::split(stream);
    run_halves(read, write, outbox, stall, inbound, wrap)
}

async fn run_halves<S, T>(
    read: ReadHalf<S>,
    mut write: WriteHalf<S>,
    outbox: &Outbox,
    stall: Duration,
    inbound: &mpsc::Sender<T>,
    wrap: impl Fn(Incoming) -> T,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut reader = FrameReader::new(read, outbox.frame_limit());
    let end = tokio::select! {
        end = read_all(&mut reader, outbox, inbound, &wrap) => end,
        end = write_all(&mut write, outbox, stall, inbound, &wrap) => end,
    };
    match end {
        End::Gone(why) => {
            // The owner may be gone itself, and then nobody needs to know.
            drop(inbound.send(wrap(Incoming::Gone(why))).await);
        }
        End::Aborted => {}
        End::Finished => {
            tokio::select! {
                result = timeout(LINGER, linger(reader.into_inner(), write)) => drop(result),
                () = outbox.aborted() => {}
            }
        }
    }
}

enum End {
    Finished,
    Aborted,
    Gone(Gone),
}

async fn read_all<S, T>(
    reader: &mut FrameReader<ReadHalf<S>>,
    outbox: &Outbox,
    inbound: &mpsc::Sender<T>,
    wrap: &impl Fn(Incoming) -> T,
) -> End
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        match reader.next(|| outbox.frame_limit()).await {
            Ok(Some(frame)) => {
                if inbound.send(wrap(Incoming::Frame(frame))).await.is_err() {
                    // The owner wants to hear nothing more, but what it said last is still to be written.
                    outbox.finish();
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

async fn write_all<S, T>(
    write: &mut WriteHalf<S>,
    outbox: &Outbox,
    stall: Duration,
    inbound: &mpsc::Sender<T>,
    wrap: &impl Fn(Incoming) -> T,
) -> End
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut patience = Patience { stall, outbox, last: None };
    loop {
        match outbox.next().await {
            // Whether to abort is looked at only when something has to be waited for: mostly nothing has.
            Next::Write(frames) => tokio::select! {
                biased;
                written = write_together(write, frames, &mut patience) => {
                    if let Err(gone) = written {
                        return End::Gone(gone);
                    }
                }
                () = outbox.aborted() => return End::Aborted,
            },
            // The owner may be gone itself; what it said last is still to be written.
            Next::Tell(missed) => tokio::select! {
                biased;
                told = inbound.send(wrap(Incoming::Drained(missed))) => drop(told),
                () = outbox.aborted() => return End::Aborted,
            },
            Next::End => return End::Finished,
            Next::Abort => return End::Aborted,
        }
    }
}

/// How long the other side may take.
struct Patience<'a> {
    stall: Duration,
    outbox: &'a Outbox,
    /// When a connection that is ending has to be over.
    last: Option<Instant>,
}

impl Patience<'_> {
    /// Until when it has to take something.
    fn end(&mut self) -> Instant {
        let (now, last) = (Instant::now(), &mut self.last);
        let last = self.outbox.is_ending().then(|| *last.get_or_insert(now + LAST_WORDS));
        last.map_or(now + self.stall, |last| last.min(now + self.stall))
    }
}

async fn write_together<S: AsyncRead + AsyncWrite + Unpin>(
    write: &mut WriteHalf<S>,
    mut frames: Frames,
    patience: &mut Patience<'_>,
) -> Result<(), Gone> {
    let in_time = |result: Result<io::Result<usize>, Elapsed>| match result {
        Ok(Ok(0)) | Ok(Err(_)) => Err(Gone::Broken),
        Ok(Ok(count)) => Ok(count),
        Err(_) => Err(Gone::TooSlow),
    };
    while frames.has_remaining() {
        in_time(timeout_at(patience.end(), write.write_buf(&mut frames)).await)?;
    }
    // What TLS holds back is not written: whoever reads nothing is noticed here.
    in_time(timeout_at(patience.end(), write.flush()).await.map(|result| result.map(|()| 1))).map(drop)
}

async fn linger<S: AsyncRead + AsyncWrite + Unpin>(mut read: ReadHalf<S>, mut write: WriteHalf<S>) {
    if write.shutdown().await.is_err() {
        return;
    }
    // Small, because it is part of every connection's task.
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

    fn start(buffer: usize) -> (DuplexStream, Arc<Outbox>, mpsc::Receiver<Incoming>, JoinHandle<()>) {
        let (near, far) = io::duplex(buffer);
        let outbox = Arc::new(Outbox::guest());
        let (inbound, received) = mpsc::channel(1);
        let task = tokio::spawn({
            let outbox = Arc::clone(&outbox);
            async move { run(far, &outbox, STALL, &inbound, |incoming| incoming).await }
        });
        (near, outbox, received, task)
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_queued_reaches_a_side_that_goes_on_sending() {
        let (mut near, outbox, mut received, task) = start(64 * 1024);
        near.write_all(&[0, 0, 0, 1, b'x']).await.unwrap();
        assert!(matches!(received.recv().await, Some(Incoming::Frame(frame)) if *frame == b"x"));
        outbox.push(Bytes::from_static(b"the reason")).unwrap();
        outbox.finish();
        near.write_all(&[0, 0, 0, 1, b'y']).await.unwrap();
        let mut all = Vec::new();
        near.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, b"the reason");
        task.await.unwrap();
        assert!(!matches!(received.recv().await, Some(Incoming::Gone(_))), "whoever ends it knows that");
    }

    #[tokio::test(start_paused = true)]
    async fn a_side_that_closes_or_sends_garbage_is_gone() {
        let (near, _outbox, mut received, _task) = start(64);
        drop(near);
        assert!(matches!(received.recv().await, Some(Incoming::Gone(Gone::Broken))));
        let (mut near, _outbox, mut received, _task) = start(64);
        near.write_all(&[0xff; 4]).await.unwrap();
        assert!(matches!(received.recv().await, Some(Incoming::Gone(Gone::Broken))));
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_is_too_slow_only_when_nothing_drains() {
        let (mut near, outbox, mut received, _task) = start(BUFFER);
        outbox.push(Bytes::from(vec![7; GUEST])).unwrap();
        for _ in 0..GUEST / BUFFER {
            tokio::time::sleep(STALL / 2).await;
            near.read_exact(&mut [0; BUFFER]).await.unwrap();
        }
        outbox.push(Bytes::from(vec![7; GUEST])).unwrap();
        assert!(matches!(received.recv().await, Some(Incoming::Gone(Gone::TooSlow))));
    }

    const GUEST: usize = crate::outbox::GUEST_LIMIT;
    const BUFFER: usize = 4096;

    #[tokio::test(start_paused = true)]
    async fn a_trickling_reader_does_not_keep_a_connection_that_ends() {
        let (mut near, outbox, _received, task) = start(BUFFER);
        outbox.push(Bytes::from(vec![7; GUEST])).unwrap();
        tokio::task::yield_now().await;
        outbox.finish();
        let begin = Instant::now();
        let trickle = async {
            while near.read_exact(&mut [0; 64]).await.is_ok() {
                tokio::time::sleep(STALL / 2).await;
            }
        };
        tokio::select! {
            () = trickle => panic!("it was all read"),
            result = task => result.unwrap(),
        }
        assert!(begin.elapsed() <= STALL + LAST_WORDS + STALL, "{:?}", begin.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn the_owner_hears_when_a_copy_is_written() {
        let (mut near, outbox, mut received, _task) = start(GUEST);
        outbox.copy(&[Bytes::from(vec![7; GUEST]), Bytes::from_static(b"end")]);
        tokio::time::sleep(STALL / 2).await;
        assert!(received.try_recv().is_err());
        near.read_exact(&mut [0; GUEST]).await.unwrap();
        assert!(matches!(received.recv().await, Some(Incoming::Drained(Missed::Nothing))));
    }

    #[tokio::test(start_paused = true)]
    async fn an_abort_does_not_wait_for_the_reader() {
        let (_near, outbox, _received, task) = start(64);
        outbox.push(Bytes::from(vec![7; GUEST])).unwrap();
        tokio::task::yield_now().await;
        let before = Instant::now();
        outbox.abort();
        task.await.unwrap();
        assert_eq!(before.elapsed(), Duration::ZERO);
    }
}
