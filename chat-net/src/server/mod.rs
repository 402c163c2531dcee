//! The presence server: who has an account, and who is here now. Messages do not pass through it.
//!
//! One task, the hub, owns the machine ([`chat_core::server::Server`]); each connection has a task of its own, and
//! nothing that happens on one of them makes the hub wait.
//!
//! ```text
//! accept -> TLS -> connection -- frames --> hub (machine) -- jobs --> accounts
//!                      ^                      |    |
//!                      +------- outbox -------+    +-- records --> observer, presence log
//! ```

mod acceptor;
mod handshake_limiter;
mod hub;
mod jobs;
mod limit_log;
mod monitor;
mod presence_log;
mod renewal;

use std::future::Future;
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chat_core::accounts::Accounts;
use chat_core::presence::Record;
use chat_core::server::{ServerConfig, TicketKey};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinError;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use self::acceptor::Acceptor;
use self::hub::Hub;
use self::jobs::Jobs;
pub use self::monitor::{Distribution, Metric, Monitor, NotServing, OnlineUser, Snapshot, State};
use self::presence_log::PresenceLog;
pub use self::presence_log::{PresenceLogFormat, ReopenLog};
pub use self::renewal::Renewal;
use crate::clock::Clock;
pub use crate::error::ServeError;
use crate::identity::ServerIdentity;
use crate::{connection, outbox, tls};

/// How many events of connections may wait for the hub; more make their connections wait, and only those.
const EVENTS: usize = 1024;

/// How long a server that was asked to stop may take: whoever started it waits, and after a few seconds kills it.
const STOP_TIME: Duration = Duration::from_millis(4_500);

/// What a server is to be like.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// The times and bounds of the machine.
    pub machine: ServerConfig,
    /// Where arrivals and departures are written, if anywhere.
    pub presence_log: Option<PathBuf>,
    /// What a line of it looks like.
    pub presence_log_format: PresenceLogFormat,
    /// Opens the presence log anew on request.
    pub reopen_log: ReopenLog,
    /// Renews the certificate on request.
    pub renewal: Renewal,
    /// Lets others see inside. Each server needs one of its own.
    pub monitor: Monitor,
    /// How many bytes may wait for one client that is logged in, besides a fresh copy of the roster. 1 MiB are some ten
    /// thousand changes; who has more to read gets a fresh copy instead.
    pub outbox: usize,
    /// How long a client may read nothing while something waits for it: 30 s, longer than any pause of a working network.
    pub stall: Duration,
    /// How long a TLS handshake may take: 10 s are enough for a bad network.
    pub handshake_time: Duration,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            machine: ServerConfig::default(),
            presence_log: None,
            presence_log_format: PresenceLogFormat::default(),
            reopen_log: ReopenLog::default(),
            renewal: Renewal::default(),
            monitor: Monitor::new(),
            outbox: outbox::MEMBER_LIMIT,
            stall: connection::STALL,
            handshake_time: Duration::from_secs(10),
        }
    }
}

/// Serves until `shutdown` resolves, then tells everybody and returns, within 5 s.
///
/// `observer` is called by the hub for every arrival, departure and move, and for start and stop; it must not block.
/// A presence log that fails later is an error line and a counter, never the end of the server.
///
/// # Errors
/// The identity cannot be used, or the presence log cannot be opened. Nothing that clients do is an error.
///
/// # Cancel safety
/// A server that is dropped ends without a word, as soon as its tasks notice: clients see a broken connection and come back
/// by ticket.
pub async fn serve<A: Accounts>(
    listener: TcpListener,
    identity: ServerIdentity,
    accounts: Arc<A>,
    options: ServerOptions,
    observer: impl FnMut(&Record) + Send + 'static,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    options.renewal.renew(&identity)?;
    let tls = tls::server(Arc::new(options.renewal.clone())).map_err(ServeError::Identity)?;
    let counters = options.monitor.counters();
    let log = match &options.presence_log {
        Some(path) => Some(
            PresenceLog::open(path.clone(), &options, Arc::clone(&counters))
                .map_err(|source| ServeError::PresenceLog { path: path.clone(), source })?,
        ),
        None => None,
    };
    let (events, queue) = mpsc::channel(EVENTS);
    let door = Acceptor { listener, tls, events, counters: Arc::clone(&counters), options: options.clone() };
    let ticket_key = TicketKey::new(*identity.ticket_key);
    drop(identity);
    let hub = Hub::new(Clock::start(), &options, ticket_key, Jobs::new(accounts), log, observer);
    // Each in a task of its own, so that none is looked at when another wakes up. However this ends, they end with it.
    let (asked, stopping) = (CancellationToken::new(), CancellationToken::new());
    let mut door = AbortOnDropHandle::new(tokio::spawn(door.run(stopping.clone())));
    let mut hub = AbortOnDropHandle::new(tokio::spawn(hub.run(queue, asked.clone().cancelled_owned())));
    counters.set_state(State::Serving);
    let failed = tokio::select! {
        () = shutdown => None,
        // They end because they are told to, or by a bug.
        ended = &mut hub => ended.err(),
        ended = &mut door => ended.err(),
    };
    if let Some(error) = failed {
        return end_with(error);
    }
    asked.cancel();
    let mut hub = match hub.await {
        Ok(hub) => hub,
        Err(error) => return end_with(error),
    };
    counters.set_state(State::Stopped);
    let deadline = Instant::now() + STOP_TIME;
    stopping.cancel();
    let (connections, ()) = tokio::join!(timeout_at(deadline, &mut door), hub.close(deadline));
    if connections.is_err() {
        log::warn!("some connections did not end in time");
    }
    Ok(())
}

/// A bug in one task is one of the server; and a runtime that ends takes it along.
fn end_with(error: JoinError) -> Result<(), ServeError> {
    error.try_into_panic().map_or(Ok(()), |panic| resume_unwind(panic))
}
