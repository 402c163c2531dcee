//! Reaching a server before anybody logs in.

use chat_core::client::ClientConfig;

use super::connect_error::ConnectError;
use super::dial::Dialer;
use super::options::ClientOptions;
use crate::address::ServerAddress;
use crate::identity::Fingerprint;

/// Connects to a server, and returns the fingerprint of the key that it proves to have. Sends nothing after the TLS
/// handshake, and closes the connection.
///
/// A program that asks people for a password calls this first: it finds out whether a server answers, and people can
/// compare the fingerprint before they type anything secret. The connection that [`connect`](super::connect) makes
/// later decides about trust again.
///
/// # Errors
/// See [`ConnectError`]: the variants about resolving, reaching and TLS.
///
/// # Panics
/// Outside a tokio runtime with I/O and time enabled.
///
/// # Cancel safety
/// If the future is dropped, the connection is closed.
pub async fn probe(server: &ServerAddress) -> Result<Fingerprint, ConnectError> {
    let found = Dialer::probe([server.clone()].into_iter(), ClientConfig::default().connect_timeout).await;
    found.map(|(_, fingerprint)| fingerprint)
}

/// Like [`probe`], for `server` and `others`, which share a roster: returns one of them that answers, and its fingerprint.
/// A server that is not there costs a quarter of a second, and one that accepts the connection and stays silent costs ten.
///
/// # Errors
/// See [`probe`].
///
/// # Panics
/// Outside a tokio runtime with I/O and time enabled.
///
/// # Cancel safety
/// If the future is dropped, the connection is closed.
pub async fn probe_any(
    server: &ServerAddress,
    others: &[ServerAddress],
) -> Result<(ServerAddress, Fingerprint), ConnectError> {
    ClientOptions::check_servers(others)?;
    let servers = [server].into_iter().chain(others).cloned();
    Dialer::probe(servers, ClientConfig::default().connect_timeout).await
}
