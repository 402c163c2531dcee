//! One connection of a client: the hello, the login, and the replies and updates that follow.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use chat_core::wire::control::{Ended, Reply, Request};
use chat_core::wire::frame::{self, FrameDecoder, MAX_FRAME};
use chat_core::wire::hello::Hello;
use chat_core::wire::rejection::Rejection;
use tokio::io::{AsyncBufRead, AsyncWriteExt};
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_rustls::client::TlsStream;

use super::member::{Member, Moment};
use super::net::{Net, Socket};
use super::peek_reply::PeekReply;
use super::tally::Tally;

/// A connection of a client to the server.
#[derive(Debug)]
pub(crate) struct Line {
    member: Arc<Member>,
    tally: Arc<Tally>,
    stream: TlsStream<Socket>,
    decoder: FrameDecoder,
    stage: Stage,
    /// The heartbeats' interval, the timer of the next one, their number so far, and when the last one was sent.
    interval: Duration,
    beat: Pin<Box<Sleep>>,
    beats: u32,
    beat_sent: Instant,
}

/// What the client expects from the server next.
#[derive(Debug)]
enum Stage {
    Hello,
    Answer,
    Online,
}

/// Why a connection or an attempt ended.
#[derive(Debug)]
pub(crate) enum Trouble {
    Io(io::Error),
    Closed,
    Protocol(&'static str),
    Rejected(Rejection),
    Ended(Ended),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "connection: {:?}", error.kind()),
            Self::Closed => f.write_str("connection: closed by the server"),
            Self::Protocol(what) => write!(f, "protocol: {what}"),
            // Without the retry times, so that equal rejections are counted together.
            Self::Rejected(Rejection::Busy { .. }) => f.write_str("rejected: busy"),
            Self::Rejected(Rejection::SlowDown { .. }) => f.write_str("rejected: slow down"),
            Self::Rejected(rejection) => write!(f, "rejected: {rejection:?}"),
            Self::Ended(ended) => write!(f, "ended: {ended:?}"),
        }
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

const UNREADABLE: Trouble = Trouble::Protocol("malformed reply");

impl Line {
    /// Connects and exchanges hellos. The first heartbeat is due after `first`.
    pub(crate) async fn open(
        net: &Net,
        member: &Arc<Member>,
        tally: &Arc<Tally>,
        interval: Duration,
        first: Duration,
    ) -> Result<Self, Trouble> {
        let stream = net.dial(member.place, &member.arrived).await?;
        let first = Instant::now() + first;
        let mut line = Self {
            member: Arc::clone(member),
            tally: Arc::clone(tally),
            stream,
            decoder: FrameDecoder::new(MAX_FRAME),
            stage: Stage::Hello,
            interval,
            beat: Box::pin(sleep_until(first)),
            beats: 0,
            beat_sent: first,
        };
        let mut bytes = Vec::new();
        frame::encode_raw(&Hello::OURS.encode(), &mut bytes);
        line.write(&bytes).await?;
        while matches!(line.stage, Stage::Hello) {
            line.read().await?;
        }
        Ok(line)
    }

    /// Sends the encoded login or resume request and waits until the server has answered it with a welcome.
    pub(crate) async fn enter(&mut self, request: &[u8]) -> Result<(), Trouble> {
        self.member.lock().asked = Some(Moment::now());
        self.write(request).await?;
        while matches!(self.stage, Stage::Answer) {
            self.read().await?;
        }
        Ok(())
    }

    /// Sends a request.
    pub(crate) async fn say(&mut self, request: &Request<'_>) -> Result<(), Trouble> {
        Ok(self.write(&encoded(request)).await?)
    }

    /// Ready when a heartbeat is due.
    pub(crate) fn poll_beat(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.beat.as_mut().poll(cx)
    }

    /// Sends a heartbeat.
    pub(crate) async fn beat(&mut self) -> Result<(), Trouble> {
        self.beats += 1;
        self.beat_sent = Instant::now();
        self.beat.as_mut().reset(self.beat_sent + self.interval);
        let number = self.beats;
        self.say(&Request::Heartbeat { number }).await
    }

    /// Reads and processes the available bytes; waits if there are none.
    pub(crate) async fn read(&mut self) -> Result<(), Trouble> {
        poll_fn(|cx| self.poll_read(cx)).await
    }

    /// Polls [`read`](Self::read). Ready once one buffer of bytes has been processed.
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Trouble>> {
        let Self { member, tally, stream, decoder, stage, beats, beat_sent, .. } = self;
        let bytes = ready!(Pin::new(&mut *stream).poll_fill_buf(cx))?;
        let count = bytes.len();
        if count == 0 {
            return Poll::Ready(Err(Trouble::Closed));
        }
        tally.bytes.fetch_add(count as u64, Ordering::Relaxed);
        let mut input = bytes;
        let mut frames = 0;
        let mut state = member.lock();
        while let Some(payload) = decoder.next(&mut input).map_err(|_| Trouble::Protocol("malformed frame"))? {
            frames += 1;
            if matches!(stage, Stage::Hello) {
                Hello::decode(&payload).map_err(|_| Trouble::Protocol("malformed hello"))?;
                *stage = Stage::Answer;
                continue;
            }
            let peeked = PeekReply::at(&payload).map_err(|_| UNREADABLE)?;
            let reply = match peeked {
                PeekReply::Other(reply) => *reply,
                part => {
                    state.view.see(&part, &payload).map_err(|_| UNREADABLE)?;
                    continue;
                }
            };
            match reply {
                Reply::Welcome(welcome) => {
                    let missed = welcome.delta().map_err(|_| UNREADABLE)?;
                    state.person.ticket.clone_from(&welcome.ticket);
                    state.entry = Some(welcome.entry);
                    state.is_online = true;
                    state.admitted = Some(std::time::Instant::now());
                    state.view.begin(missed);
                    if missed.is_some() {
                        tally.caught_up.fetch_add(1, Ordering::Relaxed);
                    }
                    *stage = Stage::Online;
                }
                Reply::Rejected(rejection) => return Poll::Ready(Err(Trouble::Rejected(rejection))),
                Reply::Ended(ended) => return Poll::Ready(Err(Trouble::Ended(ended))),
                Reply::Ticket(ticket) => state.person.ticket = ticket,
                Reply::Heartbeat { number, .. } if number == *beats => tally.beat(beat_sent.elapsed()),
                _ => {}
            }
        }
        // Before the welcome the view is that of the previous connection.
        if matches!(stage, Stage::Online)
            && state.reached.is_none()
            && state.view.is_whole
            && state.view.revision.get() >= tally.target.load(Ordering::Relaxed)
        {
            let wall = member.arrived.load(Ordering::Relaxed);
            state.reached = Some(Moment { wall, ..Moment::now() });
            tally.reached.fetch_add(1, Ordering::Relaxed);
        }
        drop(state);
        tally.frames.fetch_add(frames, Ordering::Relaxed);
        Pin::new(stream).consume(count);
        Poll::Ready(Ok(()))
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }
}

/// Encodes `request` as one frame.
pub(crate) fn encoded(request: &Request<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame::encode(request, &mut bytes);
    bytes
}
