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
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::ServerOptions;
use super::handshake_limiter::{HandshakeLimiter, Slot};
use super::hub::Event;
use super::lifetime::Lifetime;
use super::limit_log::LimitLog;
use super::monitor::{Counters, Metric};
use crate::connection::{self, Handle};
use crate::log_throttle::LogThrottle;

/// The most handshakes that may be in progress. Each costs about 20 KB and 0.2 ms of computation. Further connections
/// wait in the backlog of the kernel.
pub(super) const HANDSHAKES: usize = 1024;

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
    /// Whether [`Limit::Handshakes`] was already counted for the permit that the acceptor waits for.
    waits_for_permit: bool,
}

impl Acceptor {
    /// Accepts connections until `stopping`, then waits until all of them have ended. Dropping the future ends them
    /// immediately.
    pub(super) async fn run(self, stopping: CancellationToken) {
        let permits = Arc::new(Semaphore::new(HANDSHAKES));
        let limiter = HandshakeLimiter::default();
        let mut connections = JoinSet::new();
        let mut next = ConnId::new(1);
        let mut backoff =
            Backoff { next: FIRST_PAUSE, until: None, warnings: LogThrottle::default(), waits_for_permit: false };
        loop {
            let (permit, stream, from) = tokio::select! {
                () = stopping.cancelled() => break,
                Some(ended) = connections.join_next() => {
                    if let Err(error) = ended {
                        log::error!("a connection failed: {error}");
                    }
                    continue;
                }
                accepted = self.accept(&permits, &mut backoff) => accepted,
            };
            self.counters.add(Metric::Accepted, 1);
            // Beyond the limit, the connection is closed without a reason, because nothing can be sent before the
            // handshake.
            if let Some(slot) = limiter.acquire(from.ip(), self.options.machine.max_connections_per_address) {
                connections.spawn(self.connection(next, stream, from, (permit, slot), &stopping));
                next = next.next();
            } else {
                self.counters.add(Metric::Refused, 1);
                self.limits.reached(Limit::ConnectionsPerAddress);
            }
        }
        drop(self);
        while connections.join_next().await.is_some() {}
    }

    /// Waits for a permit and accepts the next connection. Cancel safe.
    async fn accept(
        &self,
        permits: &Arc<Semaphore>,
        backoff: &mut Backoff,
    ) -> (OwnedSemaphorePermit, TcpStream, SocketAddr) {
        let permit = self.permit(permits, backoff).await;
        loop {
            if let Some(until) = backoff.until {
                sleep_until(until).await;
                backoff.until = None;
            }
            match self.listener.accept().await {
                Ok((stream, from)) => {
                    backoff.next = FIRST_PAUSE;
                    return (permit, stream, from);
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

    /// Waits until another handshake may begin. Cancel safe.
    async fn permit(&self, permits: &Arc<Semaphore>, backoff: &mut Backoff) -> OwnedSemaphorePermit {
        if permits.available_permits() == 0 && !std::mem::replace(&mut backoff.waits_for_permit, true) {
            self.limits.reached(Limit::Handshakes);
        }
        let permit = Arc::clone(permits).acquire_owned().await.expect("the semaphore is never closed");
        backoff.waits_for_permit = false;
        permit
    }

    /// Returns a future that runs one connection to its end: the handshake, then [`connection::run`].
    fn connection(
        &self,
        conn: ConnId,
        stream: TcpStream,
        from: SocketAddr,
        slots: (OwnedSemaphorePermit, Slot),
        stopping: &CancellationToken,
    ) -> impl Future<Output = ()> + Send + 'static {
        let (tls, events) = (TlsAcceptor::from(Arc::clone(&self.tls)), self.events.clone());
        let (stopping, lifetime) = (stopping.clone(), self.lifetime.clone());
        let (handshake_time, unread_time) = (self.options.handshake_time, self.options.unread_time);
        let limits = Arc::clone(&self.limits);
        let (counters, in_progress) = (Arc::clone(&self.counters), self.counters.hold(Metric::Handshakes));
        // Boxed, because the handshake's state is large and short-lived.
        let handshake = Box::pin(async move {
            // Small frames must not wait for acknowledgements. A socket without this option works too.
            drop(stream.set_nodelay(true));
            let handshake = tls.accept_with(stream, |session| session.set_buffer_limit(Some(TLS_BUFFER)));
            tokio::select! {
                result = timeout(handshake_time, handshake) => match result {
                    Ok(result) => result.map_err(|error| error.to_string()).map(Some),
                    Err(_) => {
                        limits.reached(Limit::HandshakeTime);
                        Err("it exceeded the time limit".to_owned())
                    }
                },
                () = stopping.cancelled() => Ok(None),
            }
        });
        async move {
            let _lifetime = lifetime;
            let stream = match handshake.await {
                Ok(Some(stream)) => stream,
                Ok(None) => return,
                Err(error) => {
                    counters.add(Metric::HandshakesFailed, 1);
                    return log::debug!("handshake with {from} failed: {error}");
                }
            };
            drop((slots, in_progress));
            let _connected = counters.hold(Metric::Connections);
            // A dual-stack socket maps IPv4 addresses into IPv6 ones.
            let from = SocketAddr::new(from.ip().to_canonical(), from.port());
            let handle = Arc::new(Handle::new(GUEST_QUEUE, MAX_GUEST_FRAME));
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
