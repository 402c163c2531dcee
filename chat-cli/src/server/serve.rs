//! Serving: everything is made ready, said, and then the server runs until it is asked to stop.

use std::future::Future;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use chat_core::presence::Record;
use chat_net::server::{ReopenLog, ServerOptions};
use chat_store::Claim;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::announcer::Announcer;
use super::args::{Certificate, Serve};
use super::{causes, identity, open_accounts};
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
    certificate: Option<Certificate>,
    options: Serve,
    out: impl Write + Send + 'static,
    stop: impl Future<Output = ()>,
) -> Result<Exit, CliError> {
    let _lock = folder.lock()?;
    let listener = TcpListener::bind(options.listen).await.map_err(|error| cannot_listen(options.listen, &error))?;
    let address = listener.local_addr().map_err(|error| cannot_listen(options.listen, &error))?;
    let identity = identity(&folder, certificate.as_ref())?;
    let accounts = open_accounts(&options.database.url(folder.path())).await?;
    // Kept until the end: the claim ends with it.
    let claim = accounts.claim().await.map_err(|error| CliError::not_there(causes(&error)))?;
    if matches!(claim, Claim::Others) {
        log::warn!("another server uses this database; each of the two knows only who is connected to it");
    }
    let mut net = ServerOptions {
        presence_log: Some(options.presence_log.unwrap_or_else(|| folder.join(PRESENCE_LOG))),
        ..ServerOptions::default()
    };
    net.machine.registration = options.registration;
    reopen_on_hangup(net.reopen_log.clone())?;

    let mut announcer = Announcer::new(out);
    announcer.say(format!("listening on {address}"));
    announcer.say(format!("data folder {}", folder.path().display()));
    announcer.say(format!("fingerprint {}", identity.fingerprint()));
    if address.ip().is_loopback() {
        announcer.say(format!(
            "only programs on this machine can connect; to change that, start with --listen [::]:{}",
            address.port()
        ));
    }
    let (mut say, done) = announcer.split();
    let observer = move |record: &Record| say(record.to_string());
    let result = chat_net::server::serve(listener, identity, Arc::new(accounts), net, observer, stop).await;
    done.wait();
    drop(claim);
    result.map(|()| Exit::Fine).map_err(CliError::not_there)
}

fn cannot_listen(address: SocketAddr, error: &io::Error) -> CliError {
    let sentence = |why: &str| CliError::not_there(format_args!("cannot listen on {address}: {why}"));
    match error.kind() {
        io::ErrorKind::AddrInUse => sentence("the address is in use")
            .hint("stop what listens there, or choose another port with --listen IP:PORT"),
        io::ErrorKind::AddrNotAvailable => {
            sentence("it is not an address of this machine").hint("--listen [::]:PORT listens on all of them")
        }
        io::ErrorKind::PermissionDenied => {
            sentence("the system does not allow it").hint("ports below 1024 need special rights; choose a higher one")
        }
        _ => sentence(&error.to_string()),
    }
}

/// Asks for the presence log to be opened anew on each SIGHUP, as programs that rotate logs expect.
fn reopen_on_hangup(log: ReopenLog) -> Result<(), CliError> {
    let mut hangups = signal(SignalKind::hangup())
        .map_err(|error| CliError::not_there(format_args!("signals cannot be received: {error}")))?;
    tokio::spawn(async move {
        while hangups.recv().await.is_some() {
            log.request();
        }
    });
    Ok(())
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
            let error = cannot_listen(address, &kind.into());
            let mut out = Vec::new();
            error.show(&mut Vec::new(), &mut out).unwrap();
            assert!(out.starts_with(sentence.as_bytes()), "{}", String::from_utf8_lossy(&out));
            assert_eq!(error.exit().code(), 3);
        }
    }
}
