//! The start of a server: everything that it needs before it runs, whether a terminal or a window shows it.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::panic::resume_unwind;
use std::time::{Duration, Instant};

use chat_core::presence::Record;
use chat_core::server::ObservedAddresses;
use chat_net::data_folder::DataFolderError;
use chat_net::identity::Fingerprint;
use chat_net::server::ServeError;
use chat_net::{Server, ServerHandle, StartError};
use chat_store::{Claim, SqlAccounts};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::{JoinSet, spawn_blocking};

use super::announcer::Announcer;
use super::control::answer_queries;
use super::limits::Limits;
use super::reload::{ReloadRequest, Reloader};
use super::roster::OpenRoster;
use super::running::RunningServer;
use super::status::ServerFacts;
use super::task::{CertificateFiles, ServeOptions};
use super::{descriptors, http, identity, look_alikes, open_accounts, presence_log_in, warn_about};
use crate::error::{CliError, Exit};
use crate::folder::{DataFolder, FolderLock};
use crate::platform::control::{self, Listener};
use crate::texts::{Sentence, Texts, chain, chain_of};
use crate::threads;

/// The most requests to reload that wait for the one in progress. Further commands wait to ask.
const RELOADS: usize = 1;

/// The setting that made a start fail.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StartPart {
    /// The address to listen on.
    Address,
    /// The data folder, and the keys and the log in it.
    Folder,
    /// The database.
    Database,
    /// Another setting, or the system.
    Other,
}

/// The remedy for a failed start. The hints of the error say the same to those who type options.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StartAdvice {
    /// The port is taken: choose another one, or stop the other program.
    OtherPort,
    /// The address belongs to another machine: listen on all addresses.
    AllAddresses,
    /// The system reserves the port: choose a higher one.
    HighPort,
    /// The folder cannot be used: choose another one.
    OtherFolder,
    /// Another server uses the folder: stop it, or choose another folder.
    StopOther,
}

/// A start that failed.
#[derive(Debug)]
pub(super) struct NotStarted {
    pub(super) part: StartPart,
    pub(super) advice: Option<StartAdvice>,
    pub(super) error: CliError,
}

impl From<NotStarted> for CliError {
    fn from(refused: NotStarted) -> Self {
        refused.error
    }
}

/// Says which part of a start an error is about.
trait About<T> {
    fn about(self, part: StartPart) -> Result<T, NotStarted>;
}

impl<T, E: Into<CliError>> About<T> for Result<T, E> {
    fn about(self, part: StartPart) -> Result<T, NotStarted> {
        self.map_err(|error| NotStarted { part, advice: None, error: error.into() })
    }
}

impl From<DataFolderError> for NotStarted {
    fn from(error: DataFolderError) -> Self {
        let advice = match &error {
            DataFolderError::InUse { .. } => StartAdvice::StopOther,
            _ => StartAdvice::OtherFolder,
        };
        Self { part: StartPart::Folder, advice: Some(advice), error: error.into() }
    }
}

/// The facts about a server that is about to run.
pub(super) struct Ready<'a> {
    pub(super) address: SocketAddr,
    pub(super) fingerprint: Fingerprint,
    pub(super) folder: &'a DataFolder,
    pub(super) has_forwarder: bool,
    pub(super) metrics: Option<SocketAddr>,
}

/// A server that has everything that it needs to run.
#[derive(Debug)]
pub(super) struct Started {
    server: Server,
    running: RunningServer,
    folder: DataFolder,
    certificate: Option<CertificateFiles>,
    requests: mpsc::Receiver<ReloadRequest>,
    metrics: Option<TcpListener>,
    /// Held until the server has stopped, because the claim ends when it is dropped.
    claim: Option<Claim>,
    lock: FolderLock,
}

/// Prepares a server. `observe` returns what is called for each record.
///
/// # Errors
/// The server cannot start. The message says what is unusable.
pub(super) async fn start<O: FnMut(&Record) + Send + 'static>(
    folder: DataFolder,
    certificate: Option<CertificateFiles>,
    options: ServeOptions,
    observe: impl FnOnce(&Ready<'_>) -> O,
    texts: &Texts,
) -> Result<Started, NotStarted> {
    let lock = folder.lock()?;
    options.limits.warn();
    descriptors::provide(options.limits.connections());
    let (listener, address) = bind(options.listen, "--listen", StartPart::Address)?;
    let metrics = match options.metrics {
        Some(address) => Some(bind(address, "--metrics", StartPart::Other)?),
        None => None,
    };
    let keys = if certificate.is_none() { StartPart::Folder } else { StartPart::Other };
    let identity = identity(&folder, certificate.as_ref()).about(keys)?;
    warn_about(&identity, certificate.as_ref());
    let url = options.database.url(folder.path());
    let accounts = open_accounts(&url, options.limits.store(), texts).await.about(StartPart::Database)?;
    let claim = accounts.claim().await.map_err(|error| CliError::not_there(chain(error)));
    let claim = claim.about(StartPart::Database)?;
    // Servers that share a roster share their accounts too.
    if claim.is_none() && options.roster.is_none() {
        log::warn!("another server uses this database; users of the two servers do not see each other");
    }
    look_alikes::warn(&accounts).await;
    let roster = match &options.roster {
        Some(url) => Some(OpenRoster::open(url, &identity, options.node_name.clone()).await.about(StartPart::Other)?),
        None => None,
    };
    let mut config = options.limits.machine().clone();
    config.check_time = check_time(&accounts).await.about(StartPart::Other)?;
    let metrics_address = metrics.as_ref().map(|(_, address)| *address);
    if let Some(address) = metrics_address.filter(|address| !address.ip().is_loopback()) {
        log::warn!("anyone who can reach {address} can read the metrics, because no password protects them");
    }
    let observer = observe(&Ready {
        address,
        fingerprint: identity.fingerprint(),
        folder: &folder,
        has_forwarder: config.observed_addresses == ObservedAddresses::Ignored,
        metrics: metrics_address,
    });
    let log = if options.presence_log.is_none() { StartPart::Folder } else { StartPart::Other };
    let builder = Server::builder(accounts.clone())
        .identity(identity)
        .config(config)
        .relay(options.limits.relay())
        .handshake_time(options.limits.handshake_time())
        .presence_log(options.presence_log.unwrap_or_else(|| presence_log_in(folder.path())))
        .presence_log_format(options.presence_log_format)
        .observer(observer);
    let server = match roster {
        Some(roster) => roster.share(builder).accept_from(listener).await,
        None => builder.accept_from(listener).await,
    };
    let server = server.map_err(not_started).about(log)?;
    let (reloads, requests) = mpsc::channel(RELOADS);
    let mut running = running(server.handle(), accounts, &options.limits, reloads);
    running.facts.roster_url = options.roster.as_ref().map(ToString::to_string);
    running.facts.node_name = options.roster.is_some().then_some(options.node_name);
    let metrics = metrics.map(|(listener, _)| listener);
    Ok(Started { server, running, folder, certificate, requests, metrics, claim, lock })
}

impl Started {
    /// The server as its operators see it.
    pub(super) fn running(&self) -> &RunningServer {
        &self.running
    }

    /// Runs the server until `stop` resolves, and answers the commands of operators. Lines about a reload go to
    /// `announcer`.
    ///
    /// # Errors
    /// The server has to stop.
    pub(super) async fn run(
        self,
        announcer: Announcer,
        stop: impl Future<Output = ()>,
        texts: &Texts,
    ) -> Result<(), CliError> {
        let Self { server, running, folder, certificate, requests, metrics, claim, lock } = self;
        let reloader = Reloader::new(server.handle(), &folder, certificate, requests, texts.clone())?;
        // Aborted when this function returns, so that none of these tasks outlives the server.
        let mut tasks = JoinSet::new();
        tasks.spawn(reloader.run(announcer));
        if let Some(listener) = metrics {
            let running = running.clone();
            tasks.spawn(http::respond(listener, move || super::metrics::page(&running.facts, &running.observe())));
        }
        match Listener::bind(folder.path()) {
            Ok(listener) => drop(tasks.spawn(answer_queries(listener, running))),
            Err(error) => {
                log::warn!("`chat-server status` will not work: no socket in {}: {error}", folder.path().display());
            }
        }
        let result = server.run_until(stop).await;
        tasks.shutdown().await;
        control::remove(folder.path());
        drop((claim, lock));
        result.map_err(|error| match error {
            // A service that starts it again would only end again, and each time move its users to another server.
            ServeError::Incompatible => CliError::new(Exit::Usage, Sentence::about(error)),
            error => CliError::not_there(Sentence::about(error)),
        })
    }
}

fn not_started(error: StartError) -> CliError {
    match error {
        StartError::PresenceLog(ServeError::PresenceLogThread(error)) => threads::refused(&error),
        error => CliError::not_there(Sentence::about(error)),
    }
}

/// Measures how long a password check takes on this machine.
async fn check_time(accounts: &SqlAccounts) -> Result<Duration, CliError> {
    let accounts = accounts.clone();
    let timed = spawn_blocking(move || accounts.hashes().check_time()).await;
    timed.unwrap_or_else(|error| resume_unwind(error.into_panic())).map_err(|error| {
        CliError::not_there(move |texts: &Texts| texts.say().passwords_not_checked(chain_of(&error, texts)))
    })
}

fn bind(wanted: SocketAddr, option: &'static str, part: StartPart) -> Result<(TcpListener, SocketAddr), NotStarted> {
    let refused = |error: io::Error| {
        let advice = match error.kind() {
            io::ErrorKind::AddrInUse => Some(StartAdvice::OtherPort),
            io::ErrorKind::AddrNotAvailable => Some(StartAdvice::AllAddresses),
            io::ErrorKind::PermissionDenied => Some(StartAdvice::HighPort),
            _ => None,
        };
        NotStarted { part, advice, error: cannot_listen(wanted, option, &error) }
    };
    let listener = chat_net::server::listen(wanted).map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    Ok((listener, address))
}

fn running(
    server: ServerHandle,
    accounts: SqlAccounts,
    limits: &Limits,
    reloads: mpsc::Sender<ReloadRequest>,
) -> RunningServer {
    RunningServer {
        facts: ServerFacts {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            listening: server.address().to_string(),
            database: accounts.url().to_string(),
            started_at: crate::clock::now().as_millis(),
            max_connections: limits.connections() as u64,
            roster_url: None,
            node_name: None,
        },
        server,
        accounts,
        started: Instant::now(),
        reloads,
        observed_addresses: limits.machine().observed_addresses,
        is_relaying: limits.relay().is_some(),
    }
}

fn cannot_listen(address: SocketAddr, option: &'static str, error: &io::Error) -> CliError {
    let (kind, detail) = (error.kind(), error.to_string());
    let error = CliError::not_there(move |texts: &Texts| {
        let t = texts.say();
        let reason = match kind {
            io::ErrorKind::AddrInUse => t.listen_in_use(),
            io::ErrorKind::AddrNotAvailable => t.listen_not_available(),
            io::ErrorKind::PermissionDenied => t.listen_permission(),
            _ => detail.clone(),
        };
        t.listen_refused(address.to_string(), reason)
    });
    match kind {
        io::ErrorKind::AddrInUse => error.hint(move |texts: &Texts| texts.say().hint_listen_in_use(option)),
        io::ErrorKind::AddrNotAvailable => {
            error.hint(move |texts: &Texts| texts.say().hint_listen_not_available(option))
        }
        io::ErrorKind::PermissionDenied => error.hint(|texts: &Texts| texts.say().hint_listen_permission()),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_to_listen_has_its_own_message() {
        let address: SocketAddr = "127.0.0.1:7777".parse().unwrap();
        for (kind, sentence) in [
            (io::ErrorKind::AddrInUse, "error: cannot listen on 127.0.0.1:7777: the address is in use\nhint: "),
            (
                io::ErrorKind::AddrNotAvailable,
                "error: cannot listen on 127.0.0.1:7777: it is not an address of this machine\n",
            ),
            (io::ErrorKind::PermissionDenied, "error: cannot listen on 127.0.0.1:7777: the system does not allow it\n"),
            (io::ErrorKind::OutOfMemory, "error: cannot listen on 127.0.0.1:7777: out of memory\n"),
        ] {
            let error = cannot_listen(address, "--listen", &kind.into());
            let mut out = Vec::new();
            error.show(&mut Vec::new(), &mut out).unwrap();
            assert!(out.starts_with(sentence.as_bytes()), "{}", String::from_utf8_lossy(&out));
            assert_eq!(error.exit().code(), 3);
        }
    }
}
