//! One connection of a client: the hellos, the login, and the replies and updates that follow.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use chat_core::wire::control::{Ended, Reply, Request};
use chat_core::wire::frame::{self, FrameDecoder, MAX_FRAME};
use chat_core::wire::hello::Hello;
use chat_core::wire::rejection::Rejection;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt};
use tokio_rustls::client::TlsStream;

use super::client::{Moment, SharedState};
use super::counters::Counters;
use super::encoded;
use super::net::{Net, Socket};
use super::view::PeekReply;

/// A connection of a client to the server.
pub(crate) struct Connection {
    shared: Arc<SharedState>,
    counters: Arc<Counters>,
    stream: TlsStream<Socket>,
    decoder: FrameDecoder,
    stage: Stage,
    /// The number of the last heartbeat, and when it was sent.
    heartbeat: (u32, Instant),
}

/// What the client expects from the server next.
#[derive(Debug, Eq, PartialEq)]
enum Stage {
    Hello,
    Welcome,
    Online,
}

/// Why a connection or an attempt ended.
#[derive(Debug)]
pub(crate) enum Failure {
    Io(io::Error),
    Closed,
    Malformed,
    Rejected(Rejection),
    Ended(Ended),
}

impl Failure {
    /// The retry time that the server stated.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Rejected(rejection) => rejection.retry_after(),
            _ => None,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "connection: {:?}", error.kind()),
            Self::Closed => f.write_str("connection: closed by the server"),
            Self::Malformed => f.write_str("malformed data from the server"),
            // Without the retry times, so that equal rejections are counted together.
            Self::Rejected(Rejection::Busy { .. }) => f.write_str("rejected: busy"),
            Self::Rejected(Rejection::SlowDown { .. }) => f.write_str("rejected: slow down"),
            Self::Rejected(rejection) => write!(f, "rejected: {rejection:?}"),
            Self::Ended(ended) => write!(f, "ended: {ended:?}"),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Connection {
    /// Connects client `number` and exchanges hellos.
    pub(crate) async fn open(
        net: &Net,
        number: usize,
        shared: &Arc<SharedState>,
        counters: &Arc<Counters>,
    ) -> Result<Self, Failure> {
        let mut connection = Self {
            stream: net.dial(number, &shared.arrived).await?,
            shared: Arc::clone(shared),
            counters: Arc::clone(counters),
            decoder: FrameDecoder::new(MAX_FRAME),
            stage: Stage::Hello,
            heartbeat: (0, Instant::now()),
        };
        let mut hello = Vec::new();
        frame::encode_raw(&Hello::OURS.encode(), &mut hello);
        connection.write(&hello).await?;
        while connection.stage == Stage::Hello {
            connection.read().await?;
        }
        Ok(connection)
    }

    /// Sends the encoded login or resume request and waits for the welcome.
    pub(crate) async fn login(&mut self, request: &[u8]) -> Result<(), Failure> {
        self.shared.lock().requested = Some(Moment::now());
        self.write(request).await?;
        while self.stage == Stage::Welcome {
            self.read().await?;
        }
        Ok(())
    }

    pub(crate) async fn send(&mut self, request: &Request<'_>) -> Result<(), Failure> {
        Ok(self.write(&encoded(request)).await?)
    }

    pub(crate) async fn send_heartbeat(&mut self) -> Result<(), Failure> {
        let number = self.heartbeat.0 + 1;
        self.heartbeat = (number, Instant::now());
        self.send(&Request::Heartbeat { number }).await
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// Waits until there are bytes to read, and processes one buffer of them. Cancel safe.
    pub(crate) async fn read(&mut self) -> Result<(), Failure> {
        let Self { shared, counters, stream, decoder, stage, heartbeat } = self;
        let mut input = stream.fill_buf().await?;
        let length = input.len();
        if length == 0 {
            return Err(Failure::Closed);
        }
        let mut frames = 0;
        let mut state = shared.lock();
        while let Some(payload) = decoder.next(&mut input).map_err(|_| Failure::Malformed)? {
            frames += 1;
            if *stage == Stage::Hello {
                Hello::decode(&payload).map_err(|_| Failure::Malformed)?;
                *stage = Stage::Welcome;
                continue;
            }
            let reply = match PeekReply::decode(&payload).map_err(|_| Failure::Malformed)? {
                PeekReply::Other(reply) => *reply,
                part => {
                    state.view.apply(&part, &payload).map_err(|_| Failure::Malformed)?;
                    continue;
                }
            };
            match reply {
                Reply::Welcome(welcome) => {
                    let delta = welcome.delta().map_err(|_| Failure::Malformed)?;
                    state.account.ticket.clone_from(&welcome.ticket);
                    state.entry = Some(welcome.entry);
                    state.logged_in = Some(Instant::now());
                    state.view.begin(delta);
                    counters.deltas.fetch_add(u64::from(delta.is_some()), Ordering::Relaxed);
                    *stage = Stage::Online;
                }
                Reply::Rejected(rejection) => return Err(Failure::Rejected(rejection)),
                Reply::Ended(ended) => return Err(Failure::Ended(ended)),
                Reply::Ticket(ticket) => state.account.ticket = ticket,
                Reply::Heartbeat { number, .. } if number == heartbeat.0 => {
                    counters.record_heartbeat(heartbeat.1.elapsed());
                }
                _ => {}
            }
        }
        let is_at_target = state.view.version.revision.get() >= counters.target.load(Ordering::Relaxed);
        // Before the welcome the view is that of the previous connection.
        if *stage == Stage::Online && state.reached.is_none() && state.view.is_complete() && is_at_target {
            let wall = shared.arrived.load(Ordering::Relaxed);
            state.reached = Some(Moment { wall, ..Moment::now() });
            counters.reached.fetch_add(1, Ordering::Relaxed);
        }
        drop(state);
        counters.bytes.fetch_add(length as u64, Ordering::Relaxed);
        counters.frames.fetch_add(frames, Ordering::Relaxed);
        stream.consume(length);
        Ok(())
    }
}
