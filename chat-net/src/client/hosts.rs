//! The servers that a client may connect to: their names, their addresses, and what is wrong with each.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::connect_error::{ConnectError, TlsError};
use crate::address::ServerAddress;
use crate::tls;

/// The server name in the TLS handshake when the key identifies the server. No such host exists (RFC 6761), and the
/// server ignores the name.
const PLACEHOLDER_NAME: &str = "chat.invalid";

/// How long a client that knows an address waits for those of the other hosts.
const OTHER_HOSTS_TIME: Duration = Duration::from_secs(1);

/// One of the servers.
pub(super) struct Host {
    pub(super) server: ServerAddress,
    /// The name that its certificate must have.
    pub(super) name: ServerName<'static>,
}

impl Host {
    /// A server that its certificate identifies.
    pub(super) fn by_name(server: ServerAddress) -> Result<Self, ConnectError> {
        match ServerName::try_from(server.host().to_owned()) {
            Ok(name) => Ok(Self { server, name }),
            Err(_) => Err(ConnectError::NotCertifiable { server }),
        }
    }

    /// A server that its key identifies.
    pub(super) fn by_key(server: ServerAddress) -> Self {
        let name = ServerName::try_from(PLACEHOLDER_NAME).expect("the constant is a valid name");
        Self { server, name }
    }

    pub(super) fn timed_out(&self) -> ConnectError {
        ConnectError::TimedOut { server: self.server.clone() }
    }

    pub(super) fn unreachable(&self, source: io::Error) -> ConnectError {
        ConnectError::Unreachable { server: self.server.clone(), source }
    }

    pub(super) fn not_chat(&self, what: &'static str) -> ConnectError {
        ConnectError::NotChat { server: self.server.clone(), what }
    }

    pub(super) fn handshake_failed(&self, error: io::Error) -> ConnectError {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(rustls::Error::InvalidMessage(_)) => self.not_chat("it does not speak TLS"),
            Some(rustls::Error::PeerIncompatible(_)) => self.not_chat("it does not speak TLS 1.3"),
            Some(source) => {
                let server = self.server.clone();
                log::debug!("the TLS handshake with {server} failed: {source}");
                match tls::certificate_problem(source) {
                    Some(problem) => ConnectError::Certificate { server, problem: problem.clone() },
                    None => ConnectError::Tls { server, source: TlsError::new(source.clone()) },
                }
            }
            None if error.kind() == io::ErrorKind::UnexpectedEof => {
                self.not_chat("it closed the connection during the TLS handshake")
            }
            None => self.unreachable(error),
        }
    }
}

/// The addresses of each host. A host that is not found is left out, unless there is no other.
pub(super) async fn resolve(hosts: &[Host], deadline: Instant) -> Result<Vec<(&Host, Vec<SocketAddr>)>, ConnectError> {
    let mut running = JoinSet::new();
    for (number, host) in hosts.iter().enumerate() {
        let server = host.server.clone();
        running.spawn(async move { (number, server.resolve().await) });
    }
    let (mut found, mut error) = (Vec::new(), None);
    let mut until = deadline;
    while let Ok(Some(resolved)) = timeout_at(until, running.join_next()).await {
        match resolved {
            Ok((number, Ok(addresses))) => {
                found.push((&hosts[number], addresses));
                until = until.min(Instant::now() + OTHER_HOSTS_TIME);
            }
            Ok((number, Err(source))) => {
                let server = hosts[number].server.clone();
                log::debug!("cannot find {server}: {source}");
                error = Some(ConnectError::Resolve { server, source });
            }
            // A runtime that shuts down cancels its tasks.
            Err(_) => {}
        }
    }
    if found.is_empty() { Err(error.unwrap_or_else(|| hosts[0].timed_out())) } else { Ok(found) }
}
