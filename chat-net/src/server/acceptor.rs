//! The acceptor: accepts TCP connections and performs their TLS handshakes, a bounded number at a time.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chat_core::id::ConnId;
use chat_core::server::Limit;
use chat_core::wire::frame::MAX_GUEST_FRAME;
use rustls::ServerConfig;
use tokio::io::split;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::ServerOptions;
use super::accepted_socket::AcceptedSocket;
use super::handshake_limiter::{Displaced, HandshakeLimiter, Slot};
use super::hub::Event;
use super::lifetime::Lifetime;
use super::limit_log::LimitLog;
use super::monitor::{Counters, Metric};
use super::relay::ConnectionHandle;
use crate::connection;
use crate::log_throttle::LogThrottle;

/// The most bytes of TLS records that may wait for the socket: two records of maximum length. The rest stays in the
/// send queue, which counts it. By default, rustls would buffer 64 KiB for every client that does not read.
const TLS_BUFFER: usize = 32 * 1024;

/// The most bytes that may wait for a guest, which receives only a hello and rejections.
const GUEST_QUEUE: usize = 16 * 1024;

/// The shortest and the longest pause after a failure to accept, for example for lack of file descriptors. Each pause
/// is twice as long as the previous one.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Acceptor {
    pub(super) listener: TcpListener,
    pub(super) tls: Arc<ServerConfig>,
    pub(super) events: mpsc::Sender<Event>,
    pub(super) counters: Arc<Counters>,
    pub(super) limits: Arc<LimitLog>,
    pub(super) options: ServerOptions,
    pub(super) lifetime: Lifetime,
}

/// The state that delays accepting.
struct Backoff {
    next: Duration,
    /// The end of the pause in progress.
    until: Option<Instant>,
    warnings: LogThrottle,
}

/// How a handshake ended without a connection.
enum NoConnection {
    /// The server stops.
    Stopping,
    /// It gave way to another one.
    Displaced,
    Failed(String),
}

impl Acceptor {
    /// Accepts connections until `stopping`, then waits until all of them have ended. Dropping the future ends them
    /// immediately.
    pub(super) async fn run(self, stopping: CancellationToken) {
        let limiter = HandshakeLimiter::new(self.options.machine.max_connections_per_address);
        let mut connections = JoinSet::new();
        let mut next = ConnId::new(1);
        let mut backoff = Backoff { next: FIRST_PAUSE, until: None, warnings: LogThrottle::default() };
        loop {
            let (stream, from) = tokio::select! {
                () = stopping.cancelled() => break,
                Some(ended) = connections.join_next() => {
                    if let Err(error) = ended {
                        log::error!("a connection failed: {error}");
                    }
                    continue;
                }
                accepted = self.accept(&mut backoff) => accepted,
            };
            self.counters.add(Metric::Accepted, 1);
            // A refused connection is closed without a reason, because nothing can be sent before the handshake.
            match limiter.admit(next, from.ip()) {
                Ok(slot) => {
                    if slot.is_waiting() {
                        self.limits.reached(Limit::Handshakes);
                    }
                    connections.spawn(self.connection(next, stream, from, slot, &stopping));
                    next = next.next();
                }
                Err(limit) => {
                    self.counters.add(Metric::Refused, 1);
                    self.limits.reached(limit);
                }
            }
        }
        drop(self);
        while connections.join_next().await.is_some() {}
    }

    /// Accepts the next connection. Cancel safe.
    async fn accept(&self, backoff: &mut Backoff) -> (TcpStream, SocketAddr) {
        loop {
            if let Some(until) = backoff.until {
                sleep_until(until).await;
                backoff.until = None;
            }
            match self.listener.accept().await {
                Ok((stream, from)) => {
                    backoff.next = FIRST_PAUSE;
                    return (stream, from);
                }
                // The client gave up while its connection waited in the backlog.
                Err(error) if is_caused_by_client(&error) => {}
                Err(error) => {
                    self.counters.add(Metric::AcceptFailed, 1);
                    if backoff.warnings.allows() {
                        log::warn!("cannot accept connections: {error}; trying again");
                    }
                    backoff.until = Some(Instant::now() + backoff.next);
                    backoff.next = (backoff.next * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// Returns a future that runs one connection to its end: the handshake, then [`connection::run`].
    fn connection(
        &self,
        conn: ConnId,
        stream: TcpStream,
        from: SocketAddr,
        mut slot: Slot,
        stopping: &CancellationToken,
    ) -> impl Future<Output = ()> + Send + 'static {
        let (tls, events) = (TlsAcceptor::from(Arc::clone(&self.tls)), self.events.clone());
        let (stopping, lifetime) = (stopping.clone(), self.lifetime.clone());
        let (handshake_time, unread_time) = (self.options.handshake_time, self.options.unread_time);
        let handle = Arc::new(ConnectionHandle::new(GUEST_QUEUE, MAX_GUEST_FRAME));
        let stream = AcceptedSocket::new(stream, Arc::clone(&handle));
        let limits = Arc::clone(&self.limits);
        let counters = Arc::clone(&self.counters);
        // Boxed, because the handshake's state is large and short-lived.
        let handshake = Box::pin({
            let (limits, counters) = (Arc::clone(&limits), Arc::clone(&counters));
            async move {
                let handshake = async {
                    slot.turn().await.map_err(|Displaced| NoConnection::Displaced)?;
                    let _in_progress = counters.hold(Metric::Handshakes);
                    let handshake = tls.accept_with(stream, |session| session.set_buffer_limit(Some(TLS_BUFFER)));
                    tokio::select! {
                        result = handshake => result.map_err(|error| NoConnection::Failed(error.to_string())),
                        Displaced = slot.displaced() => Err(NoConnection::Displaced),
                    }
                };
                tokio::select! {
                    result = timeout(handshake_time, handshake) => result.unwrap_or_else(|_| {
                        limits.reached(Limit::HandshakeTime);
                        Err(NoConnection::Failed("it exceeded the time limit".to_owned()))
                    }),
                    () = stopping.cancelled() => Err(NoConnection::Stopping),
                }
            }
        });
        async move {
            let _lifetime = lifetime;
            let stream = match handshake.await {
                Ok(stream) => stream,
                Err(NoConnection::Stopping) => return,
                Err(NoConnection::Displaced) => {
                    counters.add(Metric::Refused, 1);
                    return limits.reached(Limit::Handshakes);
                }
                Err(NoConnection::Failed(error)) => {
                    counters.add(Metric::HandshakesFailed, 1);
                    return log::debug!("handshake with {from} failed: {error}");
                }
            };
            let _connected = counters.hold(Metric::Connections);
            // A dual-stack socket maps IPv4 addresses into IPv6 ones.
            let from = SocketAddr::new(from.ip().to_canonical(), from.port());
            let connected = Event::Connected { conn, from, handle: Arc::clone(&handle) };
            let wrap = |incoming| Event::Incoming { conn, incoming };
            let running = connection::run(split(stream), &handle, unread_time, &events, wrap);
            if events.send(connected).await.is_ok() {
                running.await;
            }
        }
    }
}

fn is_caused_by_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
