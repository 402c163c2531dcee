//! The connection to the server: the current one, or the attempt to open one.

use std::mem;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use tokio::io::split;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use zeroize::Zeroizing;

use crate::client::ConnectError;
use crate::client::dial::{Choice, Dialer, TrustedStream};
use crate::connection::{self, Incoming};
use crate::identity::Fingerprint;
use crate::relay_line::{ClientConnection, RelayLine};
use crate::send_queue::Full;

/// The most received frames that may wait for the driver. While the queue is full, the connection is not read.
const MAX_WAITING_FRAMES: usize = 64;

/// What happens to the connection.
pub(super) enum ConnectionEvent {
    /// Dialing succeeded.
    Dialed(Box<TrustedStream>),
    /// A frame arrived.
    Frame(Zeroizing<Vec<u8>>),
    /// The connection broke, or dialing failed.
    Disconnected,
    /// Dialing failed because the server showed another key than the one that the client trusts.
    WrongKey { known: Fingerprint, shown: Fingerprint },
}

pub(super) struct ServerConnection {
    dialer: Dialer,
    /// The servers that the next attempt goes to.
    choice: Choice,
    /// The address of the current connection, or of the one before.
    remote: Option<SocketAddr>,
    state: ConnectionState,
    /// The task of a connection that this end closed and that may still be writing.
    closing: Option<JoinHandle<()>>,
}

enum ConnectionState {
    Down,
    Dialing(JoinHandle<Result<Box<TrustedStream>, ConnectError>>),
    /// Each connection has a channel of its own, so a frame of an earlier connection cannot be mistaken for a frame of
    /// this one.
    Up {
        handle: Arc<ClientConnection>,
        frames: mpsc::Receiver<Incoming>,
        task: JoinHandle<()>,
    },
}

impl ServerConnection {
    pub(super) fn new(dialer: Dialer, stream: TrustedStream) -> Self {
        let mut connection =
            Self { dialer, choice: Choice::Any, remote: None, state: ConnectionState::Down, closing: None };
        connection.open(stream);
        connection
    }

    /// Closes the current connection and dials another.
    pub(super) fn dial(&mut self) {
        self.close();
        let (dialer, choice) = (self.dialer.clone(), mem::replace(&mut self.choice, Choice::Any));
        self.state = ConnectionState::Dialing(tokio::spawn(async move { dialer.redial(choice).await.map(Box::new) }));
    }

    /// The next attempt goes to servers that have not accepted a connection yet, at any of their addresses.
    pub(super) const fn leave_out_tried(&mut self) {
        self.choice = Choice::OtherServers;
    }

    /// Whether there is a connection.
    pub(super) const fn is_up(&self) -> bool {
        matches!(self.state, ConnectionState::Up { .. })
    }

    /// Makes `stream` the current connection.
    pub(super) fn open(&mut self, stream: TrustedStream) {
        self.remote = Some(stream.remote);
        let (inbound, frames) = mpsc::channel(MAX_WAITING_FRAMES);
        let handle = Arc::new(ClientConnection::client());
        let task = tokio::spawn({
            let handle = Arc::clone(&handle);
            let halves = split(stream.stream);
            async move { connection::run(halves, &handle, connection::UNREAD_TIME, &inbound, |incoming| incoming).await }
        });
        self.state = ConnectionState::Up { handle, frames, task };
    }

    /// The server has granted a session on the current connection.
    pub(super) fn welcomed(&mut self) {
        if let Some(remote) = self.remote {
            self.dialer.prefer(remote);
        }
    }

    /// The next event. Never resolves while there is neither a connection nor an attempt. Cancel safe.
    pub(super) async fn next(&mut self) -> ConnectionEvent {
        match &mut self.state {
            ConnectionState::Down => std::future::pending().await,
            ConnectionState::Dialing(task) => {
                let result = task.await;
                self.state = ConnectionState::Down;
                match result {
                    Ok(Ok(stream)) => ConnectionEvent::Dialed(stream),
                    Ok(Err(error)) => {
                        if let ConnectError::FingerprintChanged { known, shown, .. } = error {
                            log::warn!("{error}");
                            return ConnectionEvent::WrongKey { known, shown };
                        }
                        log::info!("the server cannot be reached: {error}");
                        ConnectionEvent::Disconnected
                    }
                    Err(_) => ConnectionEvent::Disconnected,
                }
            }
            ConnectionState::Up { frames, .. } => match frames.recv().await {
                Some(Incoming::Frame(frame)) => ConnectionEvent::Frame(frame),
                Some(Incoming::Gone(_)) | None => {
                    self.state = ConnectionState::Down;
                    ConnectionEvent::Disconnected
                }
            },
        }
    }

    /// A way for relayed datagrams out of a session, if there is a connection.
    pub(super) fn relay_line(&self) -> Option<RelayLine> {
        match &self.state {
            ConnectionState::Up { handle, .. } => Some(RelayLine::new(Arc::clone(handle))),
            ConnectionState::Down | ConnectionState::Dialing(_) => None,
        }
    }

    /// Queues whole frames. Without a connection they are dropped.
    pub(super) fn send(&self, bytes: Bytes) -> Result<(), Full> {
        match &self.state {
            ConnectionState::Up { handle, .. } => handle.queue.push_reply(bytes),
            ConnectionState::Down | ConnectionState::Dialing(_) => Ok(()),
        }
    }

    /// Closes the connection once everything queued is written, or stops dialing.
    pub(super) fn close(&mut self) {
        match mem::replace(&mut self.state, ConnectionState::Down) {
            ConnectionState::Up { handle, task, .. } => {
                handle.queue.close();
                self.closing = Some(task);
            }
            ConnectionState::Dialing(task) => task.abort(),
            ConnectionState::Down => {}
        }
    }

    /// Waits until the closed connection has written everything. Aborts it at `deadline`.
    pub(super) async fn closed(&mut self, deadline: Instant) {
        if let Some(task) = &mut self.closing
            && timeout_at(deadline, &mut *task).await.is_err()
        {
            task.abort();
        }
    }

    /// Drops the connection with everything queued, or stops dialing.
    pub(super) fn abort(&mut self) {
        match mem::replace(&mut self.state, ConnectionState::Down) {
            ConnectionState::Up { handle, .. } => handle.queue.abort(),
            ConnectionState::Dialing(task) => task.abort(),
            ConnectionState::Down => {}
        }
    }
}
