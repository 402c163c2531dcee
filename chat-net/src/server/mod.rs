//! The presence server: it checks accounts and publishes who is online. Messages do not pass through it, except between
//! clients that have no other way to each other: the relay passes their sealed datagrams on.
//!
//! [`Server::builder`] prepares a server, and [`serve`] runs one from its parts.
//!
//! One task, the hub, owns the machine ([`chat_core::server::Server`]). Each connection has its own task, and nothing
//! that happens on a connection makes the hub wait.
//!
//! ```text
//! acceptor -> TLS -> connection -- frames --> hub (machine) -- jobs --> accounts
//!                         ^                     |    |
//!                         +---- send queue -----+    +-- records --> observer, presence log
//!                         |                     |
//!                         +---- parcels, relayed datagrams ----> relay (machine)
//! ```

mod accepted_socket;
mod acceptor;
mod alone;
mod builder;
mod door;
mod feed;
mod forwarder_log;
mod handshake_limiter;
mod hub;
mod jobs;
pub mod journal;
mod journal_log;
mod lifetime;
mod limit_log;
mod monitor;
mod node_name;
mod presence_log;
mod relay;
mod reload;
mod run;
mod start_error;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chat_core::accounts::Accounts;
use chat_core::presence::Record;
use chat_core::relay::RelayConfig;
use chat_core::server::ServerConfig;
use socket2::Type;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use self::alone::Alone;
pub use self::builder::ServerBuilder;
pub use self::door::{Server, ServerHandle};
pub use self::handshake_limiter::MAX_UNFINISHED_HANDSHAKES;
use self::lifetime::Lifetime;
pub use self::monitor::{Distribution, Metric, Metrics, Monitor, NotServing, OnlineUser, ServerState};
pub use self::presence_log::{PresenceLogFormat, PresenceLogFormatError};
pub use self::reload::Reload;
use self::run::Prepared;
pub use self::start_error::StartError;
pub use chat_core::server::{JournalCounts, JournalState, JournalStatus};

pub use crate::error::ServeError;
use crate::identity::ServerIdentity;
use crate::send_queue::SESSION_LIMIT;
use crate::{bind, connection, platform};

/// The settings of a server that [`serve`] runs. Change the fields of [`ServerOptions::default`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerOptions {
    /// The times and limits of the machine. What clients are told of the relay comes from [`Self::relay`].
    pub machine: ServerConfig,
    /// The limits of the relay, which passes sealed datagrams on between clients that have no other way to each other.
    /// `None` relays nothing, and clients are told so.
    pub relay: Option<RelayConfig>,
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
    /// How long a TLS handshake may take, with the time that it waits for others: 10 s, enough for a bad network.
    pub handshake_time: Duration,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            machine: ServerConfig::default(),
            relay: Some(RelayConfig::default()),
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

/// Listens at `address`. On `[::]` the listener accepts IPv4 too, whatever the system's default is; on a machine
/// without IPv6, `[::]` becomes `0.0.0.0`.
///
/// # Errors
/// The address cannot be bound.
///
/// # Panics
/// Outside a tokio runtime with I/O enabled.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = bind::bind(address, Type::STREAM, |socket, _| platform::allow_restart(socket))?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Runs a server from its parts until `shutdown` resolves. [`Server`] does more: it checks the settings, and locks the
/// data folder. Once `shutdown` has resolved, the server accepts no more connections, finishes registrations, password
/// changes and reports of void tickets in progress (for at most [`ServerConfig::finish_time`], 2 s), sends the reason
/// to every session, and the function returns within 5 s.
///
/// The hub calls `observer` for every record: arrivals, departures and moves, start and stop. `observer` must not
/// block. Failures to write an open presence log are logged and counted; they do not end the server.
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
    let lifetime = Lifetime::new(options.monitor.counters(), None, CancellationToken::new());
    let prepared = Prepared::<_, Alone, _>::new(listener, &identity, accounts, options, observer, lifetime)?;
    drop(identity);
    prepared.run(shutdown).await
}
