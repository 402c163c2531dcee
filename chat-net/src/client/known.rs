//! The known servers of a client, and whether the server that it has reached is one of them.

use std::io;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::connect_error::{ConnectError, DifferentKeys};
use super::hosts::Host;
use crate::address::ServerAddress;
use crate::identity::Fingerprint;
use crate::trust::{KnownServers, KnownServersError};

/// A server whose key is known, with the fingerprint of that key.
pub(super) type Known = (ServerAddress, Fingerprint);

/// How long a client waits for a file. A change of the known servers waits up to 2 s for its lock; the rest is for a
/// slow file system.
const FILE_TIMEOUT: Duration = Duration::from_secs(5);

/// Those of the known servers that the client may connect to. They have one key, because they share a roster.
pub(super) fn agreed(hosts: &[Host], all: &[Known]) -> Result<Vec<Known>, ConnectError> {
    let find = |host: &Host| all.iter().find(|(server, _)| *server == host.server).cloned();
    let known: Vec<Known> = hosts.iter().filter_map(find).collect();
    let other = known.iter().find(|(_, fingerprint)| *fingerprint != known[0].1);
    match other.cloned() {
        Some(other) => Err(different(known[0].clone(), other)),
        None => Ok(known),
    }
}

/// The fingerprint that the server at `server` has shown, if it is that of `known`.
pub(super) fn known_key(
    server: &ServerAddress,
    shown: Fingerprint,
    known: &[Known],
) -> Result<Fingerprint, ConnectError> {
    let server = server.clone();
    let own = known.iter().find(|(known, _)| *known == server);
    match own.or_else(|| known.first()).cloned() {
        Some((_, known)) if known == shown => Ok(shown),
        Some((named, known)) if named == server => Err(ConnectError::FingerprintChanged { server, known, shown }),
        Some(known) => Err(different(known, (server, shown))),
        None => Err(ConnectError::Untrusted { server, shown }),
    }
}

fn different((server, known): Known, (other, shown): Known) -> ConnectError {
    Box::new(DifferentKeys { server, known, other, shown }).into()
}

/// Reads or changes the known servers.
pub(super) async fn use_known<T: Send + 'static>(
    store: &KnownServers,
    work: impl FnOnce(&KnownServers) -> Result<T, KnownServersError> + Send + 'static,
) -> Result<T, ConnectError> {
    let file = store.clone();
    let done = without_blocking(move || work(&file)).await;
    let failed = |source| KnownServersError::Read { path: store.path().to_owned(), source };
    Ok(done.map_err(failed)??)
}

/// Works with files on a thread of its own, so that no task waits for a slow file system or for the lock of another
/// program.
pub(super) async fn without_blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    match timeout(FILE_TIMEOUT, spawn_blocking(work)).await {
        Ok(done) => done.map_err(io::Error::other),
        Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the file system does not answer")),
    }
}
