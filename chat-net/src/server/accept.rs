//! The door: accepts connections and shakes hands, many at once but not without end.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chat_core::id::ConnId;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::ServerOptions;
use super::hub::Event;
use super::monitor::Counters;
use super::porch::{Place, Porch};
use super::tls_stream::TlsStream;
use crate::connection;
use crate::outbox::Outbox;
use crate::pace::Pace;

/// How many handshakes may be under way: each costs some 20 KB and 0.2 ms of work. Others wait in the kernel's backlog.
const HANDSHAKES: usize = 1024;

/// The pauses after an accept that failed because the process or the system has no descriptors left: connections end,
/// and soon there are some.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Door {
    pub(super) listener: TcpListener,
    pub(super) tls: Arc<ServerConfig>,
    pub(super) events: mpsc::Sender<Event>,
    pub(super) connections: TaskTracker,
    pub(super) counters: Arc<Counters>,
    /// No handshake goes on after this.
    pub(super) stopping: CancellationToken,
    /// No connection goes on after this.
    pub(super) over: CancellationToken,
}

impl Door {
    /// Accepts until it is dropped.
    pub(super) async fn run(self, options: &ServerOptions) -> Infallible {
        let permits = Arc::new(Semaphore::new(HANDSHAKES));
        let porch = Porch::default();
        let mut next = ConnId::new(1);
        let mut pause = FIRST_PAUSE;
        let mut warnings = Pace::warnings();
        loop {
            let permit = Arc::clone(&permits).acquire_owned().await.expect("the semaphore is never closed");
            match self.listener.accept().await {
                Ok((stream, from)) => {
                    pause = FIRST_PAUSE;
                    self.counters.accepted.add(1);
                    // Beyond, the connection is closed without a word: it could not read one yet.
                    if let Some(place) = porch.enter(from.ip(), options.machine.max_connections_per_address) {
                        self.connections.spawn(self.guest(next, stream, from, (permit, place), options));
                        next = next.next();
                    } else {
                        self.counters.refused.add(1);
                    }
                }
                // The other side gave up while it waited in the backlog.
                Err(error) if is_their_fault(&error) => {}
                Err(error) => {
                    self.counters.accept_failed.add(1);
                    if warnings.allows() {
                        log::warn!("no connection can be accepted: {error}; trying again");
                    }
                    sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// The whole life of one connection.
    fn guest(
        &self,
        conn: ConnId,
        stream: TcpStream,
        from: SocketAddr,
        permit: (OwnedSemaphorePermit, Place),
        options: &ServerOptions,
    ) -> impl Future<Output = ()> + Send + 'static {
        let (tls, events) = (Arc::clone(&self.tls), self.events.clone());
        let (stopping, over) = (self.stopping.clone(), self.over.clone());
        let (handshake_time, stall) = (options.handshake_time, options.stall);
        let (counters, shaking) = (Arc::clone(&self.counters), self.counters.handshakes.hold());
        let failures = self.counters.handshakes_failed.clone();
        // On the heap, because it is large and soon over.
        let shaken = Box::pin(async move {
            // Small frames must not wait for each other's acknowledgements; a socket without that option still works.
            drop(stream.set_nodelay(true));
            let handshake = TlsStream::accept(tls, stream);
            let failed = tokio::select! {
                result = timeout(handshake_time, handshake) => match result {
                    Ok(Ok(stream)) => return Some(stream),
                    Ok(Err(error)) => error.to_string(),
                    Err(_) => "it took too long".to_owned(),
                },
                () = stopping.cancelled() => return None,
            };
            failures.add(1);
            log::debug!("handshake with {from} failed: {failed}");
            None
        });
        async move {
            let Some(stream) = shaken.await else { return };
            drop((permit, shaking));
            let _connected = counters.connections.hold();
            // A dual-stack socket shows IPv4 addresses inside IPv6 ones.
            let from = SocketAddr::new(from.ip().to_canonical(), from.port());
            let outbox = Arc::new(Outbox::guest());
            let connected = Event::Connected { conn, from, outbox: Arc::clone(&outbox) };
            let wrap = |incoming| Event::Incoming { conn, incoming };
            let running = connection::run(stream, &outbox, stall, &events, wrap);
            if events.send(connected).await.is_ok() {
                tokio::select! {
                    () = running => {}
                    () = over.cancelled() => {}
                }
            }
        }
    }
}

fn is_their_fault(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
