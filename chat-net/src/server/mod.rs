//! The presence server: it checks accounts and publishes who is online. Messages do not pass through it.
//!
//! One task, the hub, owns the machine ([`chat_core::server::Server`]). Each connection has its own task, and nothing
//! that happens on a connection makes the hub wait.
//!
//! ```text
//! acceptor -> TLS -> connection -- frames --> hub (machine) -- jobs --> accounts
//!                         ^                     |    |
//!                         +---- send queue -----+    +-- records --> observer, presence log
//! ```

mod acceptor;
mod feed;
mod forwarder_log;
mod handshake_limiter;
mod hub;
mod jobs;
mod limit_log;
mod monitor;
mod presence_log;
mod reload;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chat_core::accounts::Accounts;
use chat_core::presence::Record;
use chat_core::server::{ServerConfig, TicketKey};
use socket2::Type;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinError;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use self::acceptor::Acceptor;
use self::hub::Hub;
use self::jobs::Jobs;
use self::limit_log::LimitLog;
pub use self::monitor::{Distribution, Metric, Monitor, NotServing, OnlineUser, Snapshot, State};
use self::presence_log::PresenceLog;
pub use self::presence_log::PresenceLogFormat;
pub use self::reload::Reload;
use crate::clock::Clock;
pub use crate::error::ServeError;
use crate::identity::ServerIdentity;
use crate::send_queue::SESSION_LIMIT;
use crate::{bind, connection, tls};

/// The most events that may wait for the hub. While the queue is full, connections that have another event are not
/// read.
const EVENTS: usize = 1024;

/// The most time that stopping may take. Service managers kill a server after a few seconds.
const STOP_TIME: Duration = Duration::from_millis(4_500);

/// The settings of a server.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// The times and limits of the machine.
    pub machine: ServerConfig,
    /// The file of the presence log. `None` writes none.
    pub presence_log: Option<PathBuf>,
    /// The format of the lines in the presence log.
    pub presence_log_format: PresenceLogFormat,
    /// Reloads the certificate and the presence log on request. Each server needs its own.
    pub reload: Reload,
    /// Gives access to the server's numbers and roster. Each server needs its own.
    pub monitor: Monitor,
    /// The limit of a session's send queue in bytes, without a snapshot: 1 MiB, which is about ten thousand changes. A
    /// client with more to read receives a snapshot instead.
    pub send_queue: usize,
    /// How long a client may read nothing while frames wait for it: 30 s, longer than any pause of a working network.
    pub unread_time: Duration,
    /// How long a TLS handshake may take: 10 s, enough for a bad network.
    pub handshake_time: Duration,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            machine: ServerConfig::default(),
            presence_log: None,
            presence_log_format: PresenceLogFormat::default(),
            reload: Reload::default(),
            monitor: Monitor::new(),
            send_queue: SESSION_LIMIT,
            unread_time: connection::UNREAD_TIME,
            handshake_time: Duration::from_secs(10),
        }
    }
}

/// The most connections that wait to be accepted. After a restart, all clients of a large room connect at the same
/// time, and a client whose connection the kernel refuses returns only a second later. The system may grant less.
const BACKLOG: i32 = 4_096;

/// Listens at `address`. On `[::]` the listener accepts IPv4 too, whatever the system's default is; on a machine without
/// IPv6, `[::]` becomes `0.0.0.0`.
///
/// # Errors
/// The address cannot be bound.
///
/// # Panics
/// Outside a tokio runtime with I/O enabled.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = bind::bind(address, Type::STREAM, |socket, _| {
        // Lets a restarted server bind while connections of the previous one are in TIME_WAIT. On Windows, the option
        // means something else.
        if cfg!(windows) { Ok(()) } else { socket.set_reuse_address(true) }
    })?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Runs a server until `shutdown` resolves. Then the server accepts no more connections, finishes registrations and
/// password changes in progress (at most [`ServerConfig::finish_time`], 2 s), sends the reason to every session, and the
/// function returns within 5 s.
///
/// The hub calls `observer` for every record: arrivals, departures and moves, start and stop. `observer` must not block.
/// Failures to write an open presence log are logged and counted; they do not end the server.
///
/// # Errors
/// The presence log cannot be opened, or its thread cannot be started. Clients cannot cause an error.
///
/// # Cancel safety
/// Dropping the future ends the server without a reason for the clients: their connections break, and they resume their
/// sessions with the next run.
pub async fn serve<A: Accounts>(
    listener: TcpListener,
    identity: ServerIdentity,
    accounts: Arc<A>,
    options: ServerOptions,
    observer: impl FnMut(&Record) + Send + 'static,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    options.reload.certificate(&identity);
    let tls = tls::server(Arc::new(options.reload.clone()));
    let counters = options.monitor.counters();
    let log = match &options.presence_log {
        Some(path) => Some(PresenceLog::open(path.clone(), &options, Arc::clone(&counters))?),
        None => None,
    };
    let (events, queue) = mpsc::channel(EVENTS);
    let limits = Arc::new(LimitLog::new(&options));
    let acceptor = Acceptor {
        listener,
        tls,
        events,
        counters: Arc::clone(&counters),
        limits: Arc::clone(&limits),
        options: options.clone(),
    };
    let ticket_key = TicketKey::new(*identity.ticket_key);
    drop(identity);
    let hub = Hub::new(Clock::start(), &options, ticket_key, Jobs::new(accounts), log, limits, observer);
    // Separate tasks, so that waking one does not poll the other. They are aborted when this future is dropped.
    let (stop_hub, stop_acceptor) = (CancellationToken::new(), CancellationToken::new());
    let mut acceptor = AbortOnDropHandle::new(tokio::spawn(acceptor.run(stop_acceptor.clone())));
    let mut hub = AbortOnDropHandle::new(tokio::spawn(hub.run(queue, stop_hub.clone().cancelled_owned())));
    counters.set_state(State::Serving);
    let failed = tokio::select! {
        () = shutdown => None,
        // Before they are stopped, they end only by a panic.
        ended = &mut hub => ended.err(),
        ended = &mut acceptor => ended.err(),
    };
    if let Some(error) = failed {
        return end_with(error);
    }
    counters.set_state(State::Stopped);
    let deadline = Instant::now() + STOP_TIME;
    // Both at the same time, because no connection may arrive while the hub finishes the jobs in progress.
    stop_acceptor.cancel();
    stop_hub.cancel();
    let mut hub = match hub.await {
        Ok(hub) => hub,
        Err(error) => return end_with(error),
    };
    let (connections, ()) = tokio::join!(timeout_at(deadline, &mut acceptor), hub.close(deadline));
    if connections.is_err() {
        log::warn!("some connections did not close within the time limit");
    }
    Ok(())
}

/// Resumes the panic of a task. A task that a runtime cancelled as it shut down is no error.
fn end_with(error: JoinError) -> Result<(), ServeError> {
    error.try_into_panic().map_or(Ok(()), |panic| resume_unwind(panic))
}
