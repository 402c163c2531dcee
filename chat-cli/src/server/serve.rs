//! Serving: prepares everything, announces it, and runs the server until it is asked to stop.

use std::future::Future;
use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::panic::resume_unwind;
use std::time::{Duration, Instant};

use chat_core::presence::{PresenceEvent, Record};
use chat_core::server::ObservedAddresses;
use chat_net::identity::ServerIdentity;
use chat_net::server::ServeError;
use chat_net::{Server, ServerHandle, StartError};
use chat_store::SqlAccounts;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::{JoinSet, spawn_blocking};

use super::announcer::Announcer;
use super::control::answer_queries;
use super::limits::Limits;
use super::reload::{ReloadRequest, Reloader};
use super::running::RunningServer;
use super::status::ServerFacts;
use super::task::{CertificateFiles, ServeOptions};
use super::{descriptors, http, identity, invite, look_alikes, metrics, open_accounts, presence_log_in, warn_about};
use crate::error::{CliError, Exit};
use crate::folder::DataFolder;
use crate::isolate::{Reader, isolated};
use crate::platform::control::{self, Listener};
use crate::texts::{Sentence, Texts, chain, chain_of};
use crate::threads;

/// The most requests to reload that wait for the one in progress. Further commands wait to ask.
const RELOADS: usize = 1;

/// Serves until `stop` resolves. Lines for the operator go to `out`.
///
/// # Errors
/// The server cannot start, or has to stop. The message says what is unusable.
pub async fn serve(
    folder: DataFolder,
    certificate: Option<CertificateFiles>,
    options: ServeOptions,
    out: impl Write + Send + 'static,
    stop: impl Future<Output = ()>,
    texts: &Texts,
) -> Result<Exit, CliError> {
    let _lock = folder.lock()?;
    options.limits.warn();
    descriptors::provide(options.limits.connections());
    let (listener, address) = bind(options.listen, "--listen")?;
    let metrics_listener = match options.metrics {
        Some(address) => Some(bind(address, "--metrics")?),
        None => None,
    };
    let identity = identity(&folder, certificate.as_ref())?;
    warn_about(&identity, certificate.as_ref());
    let accounts = open_accounts(&options.database.url(folder.path()), options.limits.store(), texts).await?;
    // Held until the server has stopped, because the claim ends when it is dropped.
    let claim = accounts.claim().await.map_err(|error| CliError::not_there(chain(error)))?;
    if claim.is_none() {
        log::warn!("another server uses this database; users of the two servers do not see each other");
    }
    look_alikes::warn(&accounts).await;
    let mut config = options.limits.machine().clone();
    config.check_time = check_time(&accounts).await?;

    let (announcer, writer) = Announcer::new(out, texts.clone())?;
    let metrics_address = metrics_listener.as_ref().map(|(_, address)| *address);
    let has_forwarder = config.observed_addresses == ObservedAddresses::Ignored;
    let mut greeting = Some(greeting(address, has_forwarder, &folder, &identity, metrics_address, texts));
    let reader = if io::stdout().is_terminal() { Reader::Terminal } else { Reader::Other };
    let observer = {
        let announcer = announcer.clone();
        move |record: &Record| {
            // Only the first record shows that the server runs.
            greeting.take().into_iter().flatten().for_each(|line| announcer.announce(line));
            announcer.announce(line(record, reader));
        }
    };
    let server = Server::builder(accounts.clone())
        .identity(identity)
        .config(config)
        .handshake_time(options.limits.handshake_time())
        .presence_log(options.presence_log.unwrap_or_else(|| presence_log_in(folder.path())))
        .presence_log_format(options.presence_log_format)
        .observer(observer)
        .accept_from(listener)
        .await
        .map_err(not_started)?;
    let (reloads, requests) = mpsc::channel(RELOADS);
    let running = running(server.handle(), accounts, &options.limits, reloads);
    let reloader = Reloader::new(server.handle(), &folder, certificate, requests, texts.clone())?;
    // Aborted when this function returns, so that none of these tasks outlives the server.
    let mut tasks = JoinSet::new();
    tasks.spawn(reloader.run(announcer));
    if let Some((listener, _)) = metrics_listener {
        let running = running.clone();
        tasks.spawn(http::respond(listener, move || metrics::page(&running.facts, &running.observe())));
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
    writer.wait();
    drop(claim);
    result.map(|()| Exit::Fine).map_err(|error| CliError::not_there(Sentence::about(error)))
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

fn bind(wanted: SocketAddr, option: &'static str) -> Result<(TcpListener, SocketAddr), CliError> {
    let refused = |error: io::Error| cannot_listen(wanted, option, &error);
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
        },
        server,
        accounts,
        started: Instant::now(),
        reloads,
        registration: limits.machine().registration.clone(),
        observed_addresses: limits.machine().observed_addresses,
    }
}

/// A record on standard output: the line of the presence log.
fn line(record: &Record, reader: Reader) -> String {
    let line = record.to_string();
    match record {
        // Nothing before the user name is written from right to left.
        Record::Presence(PresenceEvent { user, .. }) => {
            line.replacen(user.as_str(), &isolated(user.as_str(), reader), 1)
        }
        Record::Started(_) | Record::Stopping(_) => line,
    }
}

/// The lines that announce a server.
fn greeting(
    address: SocketAddr,
    has_forwarder: bool,
    folder: &DataFolder,
    identity: &ServerIdentity,
    metrics: Option<SocketAddr>,
    texts: &Texts,
) -> Vec<String> {
    let t = texts.say();
    let mut lines = vec![
        t.start_listening(address.to_string()),
        t.start_folder(folder.path().display().to_string()),
        t.start_fingerprint(identity.fingerprint().to_string()),
    ];
    lines.extend(invite::greeting(address, has_forwarder, texts));
    if let Some(address) = metrics {
        lines.push(t.start_metrics(address.to_string()));
        if !address.ip().is_loopback() {
            log::warn!("anyone who can reach {address} can read the metrics, because no password protects them");
        }
    }
    lines
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
    use chat_core::presence::{OfflineReason, Presence};

    use super::*;

    #[test]
    fn a_terminal_shows_each_record_in_order_and_a_file_has_the_documented_line() {
        let record = |user: &str| {
            let presence = Presence::Offline(OfflineReason::Lost);
            Record::Presence(PresenceEvent::new(Default::default(), user.parse().unwrap(), presence))
        };
        let shown = |user, reader| line(&record(user), reader)["1970-01-01T00:00:00.000Z ".len()..].to_owned();
        assert_eq!(shown("שלום", Reader::Terminal), "offline \u{2068}שלום\u{2069} lost");
        assert_eq!(shown("off", Reader::Terminal), "offline off lost");
        assert_eq!(line(&record("שלום"), Reader::Other), record("שלום").to_string());
    }

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
