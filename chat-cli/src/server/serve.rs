//! Serving: everything is made ready, said, and then the server runs until it is asked to stop.

use std::future::Future;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chat_core::error_chain::error_chain;
use chat_core::presence::Record;
use chat_net::identity::ServerIdentity;
use chat_net::server::{Monitor, ServerOptions};
use chat_store::SqlAccounts;
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::{JoinSet, spawn_blocking};

use super::announcer::Announcer;
use super::inside::{Facts, Inside};
use super::reload::ReloadOnHangup;
use super::task::{CertificateFiles, ServeOptions};
use super::{control, descriptors, http, identity, metrics, open_accounts};
use crate::error::{CliError, Exit};
use crate::folder::DataFolder;

/// Where the presence log is unless told otherwise.
const PRESENCE_LOG: &str = "presence.log";

/// Serves until `stop` resolves; lines for the operator go to `out`.
///
/// # Errors
/// The server could not start: the sentence says what cannot be used.
pub async fn serve(
    folder: DataFolder,
    certificate: Option<CertificateFiles>,
    options: ServeOptions,
    out: impl Write + Send + 'static,
    stop: impl Future<Output = ()>,
) -> Result<Exit, CliError> {
    let _lock = folder.lock()?;
    options.limits.warn();
    descriptors::provide(options.limits.connections());
    let (listener, address) = bind(options.listen, "--listen")?;
    let metrics_listener = match options.metrics {
        Some(address) => Some(bind(address, "--metrics")?),
        None => None,
    };
    let identity = identity(&folder, certificate.as_ref()).map_err(CliError::not_there)?;
    let accounts = open_accounts(&options.database.url(folder.path()), options.limits.store()).await?;
    // Kept until the end: the claim ends with it.
    let claim = accounts.claim().await.map_err(|error| CliError::not_there(error_chain(&error)))?;
    if claim.is_none() {
        log::warn!("another server uses this database; each of the two knows only who is connected to it");
    }
    let mut net = ServerOptions {
        presence_log: Some(options.presence_log.unwrap_or_else(|| folder.join(PRESENCE_LOG))),
        presence_log_format: options.presence_log_format,
        monitor: Monitor::new(),
        ..ServerOptions::default()
    };
    options.limits.apply(&mut net);
    net.machine.check_time = check_time(&accounts).await?;
    let inside = inside(&net, &accounts, address, options.limits.connections());
    let reload = ReloadOnHangup::new(&net, &folder, certificate)?;

    let (announcer, done) = Announcer::new(out);
    let metrics_address = metrics_listener.as_ref().map(|(_, address)| *address);
    let mut greeting = Some(greeting(address, &folder, &identity, metrics_address));
    // Ended with this function, so that nothing of them outlives the server.
    let mut beside = JoinSet::new();
    beside.spawn(reload.run(announcer.clone()));
    if let Some((listener, _)) = metrics_listener {
        let inside = inside.clone();
        beside.spawn(http::respond(listener, move || metrics::page(&inside.facts, &inside.observe())));
    }
    match control::listen(&folder) {
        Ok(listener) => drop(beside.spawn(control::answer_all(listener, inside))),
        Err(error) => {
            log::warn!("`chat-server status` will not work: no socket in {}: {error}", folder.path().display());
        }
    }
    let observer = move |record: &Record| {
        // With the first record the server is there; before it may still fail.
        greeting.take().into_iter().flatten().for_each(|line| announcer.say(line));
        announcer.say(record.to_string());
    };
    let result = chat_net::server::serve(listener, identity, Arc::new(accounts), net, observer, stop).await;
    beside.shutdown().await;
    control::remove(&folder);
    done.wait();
    drop(claim);
    result.map(|()| Exit::Fine).map_err(CliError::not_there)
}

/// What a password check takes on this machine.
async fn check_time(accounts: &SqlAccounts) -> Result<Duration, CliError> {
    let accounts = accounts.clone();
    let timed = spawn_blocking(move || accounts.hashes().check_time()).await;
    timed
        .unwrap_or_else(|error| resume_unwind(error.into_panic()))
        .map_err(|error| CliError::not_there(format_args!("passwords cannot be checked: {}", error_chain(&error))))
}

fn bind(wanted: SocketAddr, option: &str) -> Result<(TcpListener, SocketAddr), CliError> {
    let refused = |error: io::Error| cannot_listen(wanted, option, &error);
    let listener = listen(wanted).map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    Ok((listener, address))
}

/// How many connections may wait to be accepted: everybody of a large room comes back at once after a restart, and whom
/// the kernel turns away comes a second later. The system may grant less.
const BACKLOG: u32 = 4_096;

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv6() { TcpSocket::new_v6() } else { TcpSocket::new_v4() }?;
    // A server that was restarted must not wait for the connections of the one before it.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn inside(net: &ServerOptions, accounts: &SqlAccounts, listening: SocketAddr, connections: usize) -> Inside {
    Inside {
        monitor: net.monitor.clone(),
        reload: net.reload.clone(),
        accounts: accounts.clone(),
        facts: Facts {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            listening: listening.to_string(),
            database: accounts.url().to_string(),
            started_at: crate::clock::now().as_millis(),
            max_connections: connections as u64,
        },
        begin: Instant::now(),
    }
}

/// What is said first.
fn greeting(
    address: SocketAddr,
    folder: &DataFolder,
    identity: &ServerIdentity,
    metrics: Option<SocketAddr>,
) -> Vec<String> {
    let mut lines = vec![
        format!("listening on {address}"),
        format!("data folder {}", folder.path().display()),
        format!("fingerprint {}", identity.fingerprint()),
    ];
    if address.ip().is_loopback() {
        let port = address.port();
        lines.push(format!(
            "only programs on this machine can connect; to change that, start with --listen [::]:{port}"
        ));
    }
    if let Some(address) = metrics {
        lines.push(format!("metrics at http://{address}/metrics"));
        if !address.ip().is_loopback() {
            log::warn!("whoever reaches {address} can read the metrics; nobody is asked for a password there");
        }
    }
    lines
}

fn cannot_listen(address: SocketAddr, option: &str, error: &io::Error) -> CliError {
    let sentence = |why: &str| CliError::not_there(format_args!("cannot listen on {address}: {why}"));
    match error.kind() {
        io::ErrorKind::AddrInUse => sentence("the address is in use")
            .hint(format_args!("stop what listens there, or choose another port with {option} IP:PORT")),
        io::ErrorKind::AddrNotAvailable => sentence("it is not an address of this machine")
            .hint(format_args!("{option} [::]:PORT listens on all of them")),
        io::ErrorKind::PermissionDenied => {
            sentence("the system does not allow it").hint("ports below 1024 need special rights; choose a higher one")
        }
        _ => sentence(&error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_not_to_listen_has_its_sentence() {
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
