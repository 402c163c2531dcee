//! One connection of a client: the hellos, the login, and the replies and updates that follow.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use chat_core::wire::Malformed;
use chat_core::wire::control::{Ended, Reply, Request};
use chat_core::wire::frame::{self, FrameDecoder, FrameError, MAX_FRAME};
use chat_core::wire::hello::Hello;
use chat_core::wire::rejection::Rejection;
use chat_core::wire::relay::Datagrams;
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
    /// The number of the last heartbeat that was answered.
    pub(crate) answered: u32,
    /// The relayed datagrams that came.
    pub(crate) relayed: u64,
}

/// What the client expects from the server next.
#[derive(Debug, Eq, PartialEq)]
enum Stage {
    Hello,
    Welcome,
    Online,
}

/// Why a connection or an attempt ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("connection: {:?}", .0.kind())]
    Io(#[from] io::Error),
    #[error("connection: closed by the server")]
    Closed,
    #[error("malformed data from the server")]
    Malformed(#[from] Malformed),
    #[error("malformed data from the server: {0}")]
    Frame(#[from] FrameError),
    // Only the variant's name, without the retry time, so that equal rejections are counted together.
    #[error("rejected: {}", format!("{:?}", .0).split(" {").next().unwrap_or_default())]
    Rejected(Rejection),
    #[error("ended: {0:?}")]
    Ended(Ended),
}

impl Failure {
    /// Whether another server may do what this one has not done.
    pub(crate) fn is_of_this_server(&self) -> bool {
        matches!(self, Self::Io(_) | Self::Closed | Self::Ended(Ended::Stopping))
    }

    /// The retry time that the server stated.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let Self::Rejected(rejection) = self else { return None };
        rejection.retry_after()
    }
}

impl Connection {
    /// Connects client `number` to the server of its state and exchanges hellos.
    pub(crate) async fn open(
        net: &Net,
        number: usize,
        shared: &Arc<SharedState>,
        counters: &Arc<Counters>,
    ) -> Result<Self, Failure> {
        let server = shared.lock().server;
        let mut connection = Self {
            stream: net.dial(server, number, &shared.arrived).await?,
            shared: Arc::clone(shared),
            counters: Arc::clone(counters),
            decoder: FrameDecoder::new(MAX_FRAME),
            stage: Stage::Hello,
            heartbeat: (0, Instant::now()),
            answered: 0,
            relayed: 0,
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

    /// Sends encoded frames.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// Waits until there are bytes to read, and processes one buffer of them. Cancel safe.
    pub(crate) async fn read(&mut self) -> Result<(), Failure> {
        let Self { shared, counters, stream, decoder, stage, heartbeat, answered, relayed } = self;
        let mut input = stream.fill_buf().await?;
        let length = input.len();
        if length == 0 {
            return Err(Failure::Closed);
        }
        let mut frames = 0;
        let mut state = shared.lock();
        while let Some(mut payload) = decoder.next(&mut input)? {
            frames += 1;
            if Datagrams::are_in(&payload) {
                *relayed += Datagrams::split_mut(&mut payload)?.count() as u64;
                continue;
            }
            if *stage == Stage::Hello {
                Hello::decode(&payload)?;
                *stage = Stage::Welcome;
                continue;
            }
            let reply = match PeekReply::decode(&payload)? {
                PeekReply::Other(reply) => *reply,
                part => {
                    state.view.apply(&part, &payload)?;
                    continue;
                }
            };
            match reply {
                Reply::Welcome(welcome) => {
                    let delta = welcome.delta()?;
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
                    *answered = number;
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
