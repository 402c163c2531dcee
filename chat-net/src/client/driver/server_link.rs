//! The connection to the server, the present one or the next.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use zeroize::Zeroizing;

use crate::client::dial::{Dialed, Dialer};
use crate::connection::{self, Incoming};
use crate::error::ConnectError;
use crate::identity::Fingerprint;
use crate::outbox::{Full, Outbox};

/// How many frames from the server may wait for the driver; more make the server wait.
const FRAMES: usize = 64;

/// What the driver is told.
pub(super) enum Happened {
    /// A connection is there.
    Dialed(Box<Dialed>),
    /// A frame arrived.
    Frame(Zeroizing<Vec<u8>>),
    /// There is no connection any more, or none could be made.
    Disconnected,
    /// None was made, because what answers has another key than the server.
    Impostor { known: Fingerprint, shown: Fingerprint },
}

pub(super) struct ServerLink {
    dialer: Dialer,
    state: State,
    /// Connections that were closed here and may still write their last bytes.
    closing: Option<JoinHandle<()>>,
}

enum State {
    Down,
    Dialing(JoinHandle<Result<Box<Dialed>, ConnectError>>),
    /// Frames of an earlier connection cannot be mistaken for this one's: each has its own channel.
    Up {
        outbox: Arc<Outbox>,
        frames: mpsc::Receiver<Incoming>,
        task: JoinHandle<()>,
    },
}

impl ServerLink {
    pub(super) fn new(dialer: Dialer, dialed: Dialed) -> Self {
        let mut link = Self { dialer, state: State::Down, closing: None };
        link.up(dialed);
        link
    }

    /// Begins to dial.
    pub(super) fn dial(&mut self) {
        self.close();
        let dialer = self.dialer.clone();
        self.state = State::Dialing(tokio::spawn(async move { dialer.again().await.map(Box::new) }));
    }

    /// A connection that was dialed is to be used.
    pub(super) fn up(&mut self, dialed: Dialed) {
        let (inbound, frames) = mpsc::channel(FRAMES);
        let outbox = Arc::new(Outbox::member());
        let task = tokio::spawn({
            let outbox = Arc::clone(&outbox);
            async move {
                connection::run(dialed.stream, &outbox, connection::STALL, &inbound, |incoming| incoming).await;
            }
        });
        self.state = State::Up { outbox, frames, task };
    }

    /// What happens next; never resolves while there is nothing to wait for. Cancel safe.
    pub(super) async fn next(&mut self) -> Happened {
        match &mut self.state {
            State::Down => std::future::pending().await,
            State::Dialing(task) => {
                let result = task.await;
                self.state = State::Down;
                match result {
                    Ok(Ok(dialed)) => Happened::Dialed(dialed),
                    Ok(Err(error)) => {
                        log::info!("the server cannot be reached: {error}");
                        match error {
                            ConnectError::FingerprintChanged { known, shown, .. } => {
                                Happened::Impostor { known, shown }
                            }
                            _ => Happened::Disconnected,
                        }
                    }
                    Err(_) => Happened::Disconnected,
                }
            }
            State::Up { frames, .. } => match frames.recv().await {
                Some(Incoming::Frame(frame)) => Happened::Frame(frame),
                Some(Incoming::Drained(_)) => unreachable!("only servers send copies of the roster"),
                Some(Incoming::Gone(_)) | None => {
                    self.state = State::Down;
                    Happened::Disconnected
                }
            },
        }
    }

    /// Puts frames into the outbox.
    pub(super) fn send(&self, bytes: Bytes) -> Result<(), Full> {
        match &self.state {
            State::Up { outbox, .. } => outbox.push(bytes),
            State::Down | State::Dialing(_) => Ok(()),
        }
    }

    /// Writes what was sent, then closes; or gives up dialing.
    pub(super) fn close(&mut self) {
        match std::mem::replace(&mut self.state, State::Down) {
            State::Up { outbox, task, .. } => {
                outbox.finish();
                self.closing = Some(task);
            }
            State::Dialing(task) => task.abort(),
            State::Down => {}
        }
    }

    /// Waits until what was closed has written its last bytes.
    pub(super) async fn closed(&mut self, deadline: Instant) {
        if let Some(task) = &mut self.closing
            && timeout_at(deadline, &mut *task).await.is_err()
        {
            task.abort();
        }
    }

    /// Ends everything at once.
    pub(super) fn abort(&mut self) {
        match std::mem::replace(&mut self.state, State::Down) {
            State::Up { outbox, .. } => outbox.abort(),
            State::Dialing(task) => task.abort(),
            State::Down => {}
        }
    }
}
