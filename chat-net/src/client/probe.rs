//! Reaching a server before anybody logs in.

use chat_core::client::ClientConfig;

use super::connect_error::ConnectError;
use super::dial::Dialer;
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
    Dialer::probe(server.clone(), ClientConfig::default().connect_timeout).await
}
