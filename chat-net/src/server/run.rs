//! One run of a server: starts its tasks, waits for the reason to stop, and stops them in order.

use std::future::{Future, pending};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use chat_core::accounts::Accounts;
use chat_core::journal::{Journal, NodeRow};
use chat_core::presence::Record;
use chat_core::server::TicketKey;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinError;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::acceptor::Acceptor;
use super::hub::Hub;
use super::jobs::Jobs;
use super::lifetime::Lifetime;
use super::limit_log::LimitLog;
use super::monitor::ServerState;
use super::presence_log::PresenceLog;
use super::relay::RelayTask;
use super::{ServeError, ServerOptions};
use crate::clock::Clock;
use crate::identity::ServerIdentity;
use crate::tls;

/// The most events that may wait for the hub. While the queue is full, connections that have another event are not
/// read.
const EVENTS: usize = 1024;

/// The most time that stopping may take. Service managers kill a server after a few seconds.
const STOP_TIME: Duration = Duration::from_millis(4_500);

/// A server that has everything it needs and does not run yet.
pub(super) struct Prepared<A, J, O> {
    listener: TcpListener,
    ticket_key: TicketKey,
    accounts: Arc<A>,
    sharing: Option<Sharing<J>>,
    options: ServerOptions,
    observer: O,
    log: Option<PresenceLog>,
    lifetime: Lifetime,
}

/// The journal that a server shares with others, and what they know of it.
pub(super) struct Sharing<J> {
    pub(super) journal: J,
    pub(super) node: NodeRow,
}

impl<A: Accounts, J: Journal, O: FnMut(&Record) + Send + 'static> Prepared<A, J, O> {
    /// Opens the presence log.
    ///
    /// # Errors
    /// The presence log cannot be opened, or its thread cannot be started.
    pub(super) fn new(
        listener: TcpListener,
        identity: &ServerIdentity,
        accounts: Arc<A>,
        mut options: ServerOptions,
        observer: O,
        lifetime: Lifetime,
    ) -> Result<Self, ServeError> {
        options.machine.relay = options.relay.map(|relay| relay.terms());
        options.reload.certificate(identity);
        options.reload.begin_registration(options.machine.registration.clone());
        let log = match &options.presence_log {
            Some(path) => {
                let counters = options.monitor.counters();
                Some(PresenceLog::open(path.clone(), &options, counters, lifetime.clone())?)
            }
            None => None,
        };
        let ticket_key = TicketKey::new(*identity.ticket_key);
        Ok(Self { listener, ticket_key, accounts, sharing: None, options, observer, log, lifetime })
    }

    /// Shares the roster with others. By default the server is alone.
    pub(super) fn sharing(mut self, sharing: Option<Sharing<J>>) -> Self {
        self.sharing = sharing;
        self
    }

    /// Runs the server until `shutdown` resolves; see [`super::serve`].
    ///
    /// # Errors
    /// [`ServeError::Incompatible`].
    pub(super) async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), ServeError> {
        let Self { listener, ticket_key, accounts, sharing, options, observer, log, lifetime } = self;
        let (journal, node) = sharing.map(|Sharing { journal, node }| (Arc::new(journal), node)).unzip();
        let counters = options.monitor.counters();
        let (events, queue) = mpsc::channel(EVENTS);
        let limits = Arc::new(LimitLog::new(&options));
        let acceptor = Acceptor {
            listener,
            tls: tls::server(options.reload.resolver()),
            events,
            counters: Arc::clone(&counters),
            limits: Arc::clone(&limits),
            options: options.clone(),
            lifetime: lifetime.clone(),
        };
        let jobs = Jobs::new(accounts, journal, Arc::clone(&counters));
        let clock = Clock::start();
        let relay = options.relay.map(|config| RelayTask::new(config, clock, Arc::clone(&counters)));
        let (relay, link) = relay.unzip();
        let hub = Hub::new(clock, &options, (ticket_key, node), jobs, log, limits, observer).relaying(link);
        // Separate tasks, so that waking one does not poll the other. They are aborted when this future is dropped.
        let (stop_hub, stop_acceptor) = (CancellationToken::new(), CancellationToken::new());
        let mut acceptor = AbortOnDropHandle::new(tokio::spawn(acceptor.run(stop_acceptor.clone())));
        let mut hub = AbortOnDropHandle::new(tokio::spawn({
            let (stopping, lifetime) = (stop_hub.clone().cancelled_owned(), lifetime.clone());
            let requests = options.monitor.roster_requests();
            async move {
                let hub = hub.run(queue, requests, stopping).await;
                drop(lifetime);
                hub
            }
        }));
        let mut relay = AbortOnDropHandle::new(tokio::spawn({
            let lifetime = lifetime.clone();
            async move {
                let _lifetime = lifetime;
                match relay {
                    Some(relay) => relay.run().await,
                    None => pending().await,
                }
            }
        }));
        counters.set_state(ServerState::Serving);
        // The hub ends by itself if it can share the roster no more.
        let mut ended_hub = None;
        let failed = tokio::select! {
            () = shutdown => None,
            ended = &mut hub => match ended {
                Ok(hub) => {
                    ended_hub = Some(hub);
                    None
                }
                Err(error) => Some(error),
            },
            // Before they are stopped, these end only by a panic.
            ended = &mut acceptor => ended.err(),
            ended = &mut relay => ended.err(),
        };
        if let Some(error) = failed {
            resume_panic(error);
            return Ok(());
        }
        counters.set_state(ServerState::Stopped);
        let deadline = Instant::now() + STOP_TIME;
        // Both at the same time, because no connection may arrive while the hub finishes the jobs in progress.
        stop_acceptor.cancel();
        stop_hub.cancel();
        let mut hub = match ended_hub {
            Some(hub) => hub,
            None => match hub.await {
                Ok(hub) => hub,
                Err(error) => {
                    resume_panic(error);
                    return Ok(());
                }
            },
        };
        let (connections, ()) = tokio::join!(timeout_at(deadline, &mut acceptor), hub.close(deadline));
        if connections.is_err() {
            log::warn!("some connections did not close within the time limit");
        }
        if hub.is_incompatible() { Err(ServeError::Incompatible) } else { Ok(()) }
    }
}

/// Resumes the panic of a task. A task that a runtime cancelled as it shut down is no error.
fn resume_panic(error: JoinError) {
    if let Ok(panic) = error.try_into_panic() {
        resume_unwind(panic);
    }
}
