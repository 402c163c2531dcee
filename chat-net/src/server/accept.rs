//! The door: accepts connections and shakes hands, many at once but not without end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chat_core::id::ConnId;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::ServerOptions;
use super::handshake_limiter::{HandshakeLimiter, Place};
use super::hub::Event;
use super::monitor::{Counters, Metric};
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

/// Where connections come in.
pub(super) struct Acceptor {
    pub(super) listener: TcpListener,
    pub(super) tls: Arc<ServerConfig>,
    pub(super) events: mpsc::Sender<Event>,
    pub(super) counters: Arc<Counters>,
    pub(super) options: ServerOptions,
}

/// Accepting, when the system has nothing left for it: the pause that comes next, and when the one that runs is over.
struct Pause {
    next: Duration,
    until: Option<Instant>,
    warnings: Pace,
}

impl Acceptor {
    /// Accepts until `stopping`, and then waits until all connections have ended. If it is dropped, they end at once.
    pub(super) async fn run(self, stopping: CancellationToken) {
        let permits = Arc::new(Semaphore::new(HANDSHAKES));
        let porch = HandshakeLimiter::default();
        let mut connections = JoinSet::new();
        let mut next = ConnId::new(1);
        let mut pause = Pause { next: FIRST_PAUSE, until: None, warnings: Pace::warnings() };
        loop {
            let (permit, stream, from) = tokio::select! {
                () = stopping.cancelled() => break,
                Some(ended) = connections.join_next() => {
                    if let Err(error) = ended {
                        log::error!("a connection failed: {error}");
                    }
                    continue;
                }
                accepted = self.accept(&permits, &mut pause) => accepted,
            };
            self.counters.add(Metric::Accepted, 1);
            // Beyond, the connection is closed without a word: it could not read one yet.
            if let Some(place) = porch.enter(from.ip(), self.options.machine.max_connections_per_address) {
                connections.spawn(self.guest(next, stream, from, (permit, place), &stopping));
                next = next.next();
            } else {
                self.counters.add(Metric::Refused, 1);
            }
        }
        drop(self);
        while connections.join_next().await.is_some() {}
    }

    /// The next connection, when there is room for a handshake. Cancel safe.
    async fn accept(
        &self,
        permits: &Arc<Semaphore>,
        pause: &mut Pause,
    ) -> (OwnedSemaphorePermit, TcpStream, SocketAddr) {
        let permit = Arc::clone(permits).acquire_owned().await.expect("the semaphore is never closed");
        loop {
            if let Some(until) = pause.until {
                sleep_until(until).await;
                pause.until = None;
            }
            match self.listener.accept().await {
                Ok((stream, from)) => {
                    pause.next = FIRST_PAUSE;
                    return (permit, stream, from);
                }
                // The other side gave up while it waited in the backlog.
                Err(error) if is_their_fault(&error) => {}
                Err(error) => {
                    self.counters.add(Metric::AcceptFailed, 1);
                    if pause.warnings.allows() {
                        log::warn!("no connection can be accepted: {error}; trying again");
                    }
                    pause.until = Some(Instant::now() + pause.next);
                    pause.next = (pause.next * 2).min(LONGEST_PAUSE);
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
        stopping: &CancellationToken,
    ) -> impl Future<Output = ()> + Send + 'static {
        let (tls, events) = (Arc::clone(&self.tls), self.events.clone());
        // No handshake goes on after this.
        let stopping = stopping.clone();
        let (handshake_time, stall) = (self.options.handshake_time, self.options.stall);
        let (counters, shaking) = (Arc::clone(&self.counters), self.counters.hold(Metric::Handshakes));
        let failures = Arc::clone(&self.counters);
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
            failures.add(Metric::HandshakesFailed, 1);
            log::debug!("handshake with {from} failed: {failed}");
            None
        });
        async move {
            let Some(stream) = shaken.await else { return };
            drop((permit, shaking));
            let _connected = counters.hold(Metric::Connections);
            // A dual-stack socket shows IPv4 addresses inside IPv6 ones.
            let from = SocketAddr::new(from.ip().to_canonical(), from.port());
            let outbox = Arc::new(Outbox::guest());
            let connected = Event::Connected { conn, from, outbox: Arc::clone(&outbox) };
            let wrap = |incoming| Event::Incoming { conn, incoming };
            let running = connection::run(stream, &outbox, stall, &events, wrap);
            if events.send(connected).await.is_ok() {
                running.await;
            }
        }
    }
}

fn is_their_fault(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
