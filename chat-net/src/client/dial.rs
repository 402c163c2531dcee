//! Dialing the server: name resolution, TCP, TLS, trust. The client sends no frame before all four have succeeded.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::connect_error::{ConnectError, TlsError};
use super::race::{self, Lost};
use crate::address::ServerAddress;
use crate::identity::Fingerprint;
use crate::tls;
use crate::trust::{Answer, AuthoritiesError, KnownServers, KnownServersError, Trust, UnknownServer};

/// The server name in the TLS handshake when the key identifies the server. No such host exists (RFC 6761), and the
/// server ignores the name.
const PLACEHOLDER_NAME: &str = "chat.invalid";

/// What a longer timeout counts as, because the system's clock cannot represent every time. Some thirty years.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(1_000_000_000);

/// How long a client waits for a file. A change of the known servers waits up to 2 s for its lock; the rest is for a
/// slow file system.
const FILE_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection to a server that the client trusts.
pub(super) struct TrustedStream {
    pub(super) stream: TlsStream<TcpStream>,
    /// The address of this end.
    pub(super) local: SocketAddr,
    /// The address at which the server was reached.
    pub(super) remote: SocketAddr,
    fingerprint: Fingerprint,
}

/// Dials one server, as often as needed. The first attempt decides whether to trust the server. Later attempts require
/// the same key, or a certificate of the same authorities.
#[derive(Clone)]
pub(super) struct Dialer {
    server: ServerAddress,
    name: ServerName<'static>,
    config: Arc<ClientConfig>,
    /// The only accepted key. `None` if certificate authorities decide.
    pinned: Option<Fingerprint>,
    /// The address at which the server was reached last. It is tried first.
    last: Option<SocketAddr>,
    /// The limit on one attempt, from name resolution to the end of the handshake.
    timeout: Duration,
}

impl Dialer {
    /// Dials for the first time, and decides whether to trust the server.
    pub(super) async fn dial_first(
        server: ServerAddress,
        trust: &Trust,
        timeout: Duration,
    ) -> Result<(Self, TrustedStream), ConnectError> {
        let (name, config) = match trust {
            Trust::Fingerprint(_) | Trust::Known { .. } => (placeholder_name(), tls::client_by_key()),
            Trust::Ca(path) => {
                let name = ServerName::try_from(server.host().to_owned())
                    .map_err(|_| ConnectError::NotCertifiable { server: server.clone() })?;
                let file = path.clone();
                let read = without_blocking(move || tls::client_by_authority(&file)).await;
                let config = read.map_err(AuthoritiesError::Read).flatten();
                (name, config.map_err(|source| ConnectError::Authorities { path: path.clone(), source })?)
            }
        };
        let mut dialer = Self { server, name, config, pinned: None, last: None, timeout };
        match trust {
            Trust::Fingerprint(wanted) => {
                let stream = dialer.dial().await?;
                dialer.check(&stream, *wanted, |server, wanted, shown| ConnectError::WrongFingerprint {
                    server,
                    wanted,
                    shown,
                })?;
                dialer.pinned = Some(*wanted);
                Ok((dialer, stream))
            }
            Trust::Known { store, unknown } => {
                let known = dialer.known(store, KnownServers::get).await?;
                let mut stream = dialer.dial().await?;
                let shown = stream.fingerprint;
                // The fingerprint in the file decides, even if another program has added it since.
                let remember = move |store: &KnownServers, server: &ServerAddress| store.remember(server, shown);
                let known = match (known, unknown) {
                    (Some(known), _) => known,
                    (None, UnknownServer::AcceptNew) => dialer.known(store, remember).await?,
                    (None, UnknownServer::Refuse) => return Err(dialer.untrusted(shown)),
                    (None, UnknownServer::Ask(user)) => {
                        // The server's login timeout is shorter than the time a person takes to compare 64 digits.
                        dialer.prefer(stream.remote);
                        drop(stream);
                        if user.ask(&dialer.server, shown).await == Answer::Refuse {
                            return Err(dialer.untrusted(shown));
                        }
                        let known = dialer.known(store, remember).await?;
                        stream = dialer.dial().await?;
                        known
                    }
                };
                dialer.check_known(&stream, known)?;
                dialer.pinned = Some(known);
                Ok((dialer, stream))
            }
            Trust::Ca(_) => {
                let stream = dialer.dial().await?;
                Ok((dialer, stream))
            }
        }
    }

    /// The fingerprint of the server, which need not be trusted.
    pub(super) async fn probe(server: ServerAddress, timeout: Duration) -> Result<Fingerprint, ConnectError> {
        let (name, config) = (placeholder_name(), tls::client_by_key());
        let dialer = Self { server, name, config, pinned: None, last: None, timeout };
        Ok(dialer.dial().await?.fingerprint)
    }

    /// Tries this address first from now on, because the server was reached there.
    pub(super) const fn prefer(&mut self, remote: SocketAddr) {
        self.last = Some(remote);
    }

    /// Dials again, and checks that the server still has the key that was trusted.
    pub(super) async fn redial(&self) -> Result<TrustedStream, ConnectError> {
        let stream = self.dial().await?;
        if let Some(known) = self.pinned {
            self.check_known(&stream, known)?;
        }
        Ok(stream)
    }

    /// Reads or changes the known servers.
    async fn known<T: Send + 'static>(
        &self,
        store: &KnownServers,
        work: impl FnOnce(&KnownServers, &ServerAddress) -> Result<T, KnownServersError> + Send + 'static,
    ) -> Result<T, ConnectError> {
        let (file, server) = (store.clone(), self.server.clone());
        let done = without_blocking(move || work(&file, &server)).await;
        let failed = |source| KnownServersError::Read { path: store.path().to_owned(), source };
        Ok(done.map_err(failed)??)
    }

    fn check_known(&self, stream: &TrustedStream, known: Fingerprint) -> Result<(), ConnectError> {
        self.check(stream, known, |server, known, shown| ConnectError::FingerprintChanged { server, known, shown })
    }

    fn check(
        &self,
        stream: &TrustedStream,
        expected: Fingerprint,
        error: impl FnOnce(ServerAddress, Fingerprint, Fingerprint) -> ConnectError,
    ) -> Result<(), ConnectError> {
        if stream.fingerprint == expected {
            Ok(())
        } else {
            Err(error(self.server.clone(), expected, stream.fingerprint))
        }
    }

    fn untrusted(&self, shown: Fingerprint) -> ConnectError {
        ConnectError::Untrusted { server: self.server.clone(), shown }
    }

    async fn dial(&self) -> Result<TrustedStream, ConnectError> {
        let deadline = Instant::now() + self.timeout.min(LONGEST_TIMEOUT);
        let stream = self.connect_tcp(deadline).await?;
        // Without TCP_NODELAY, small frames would wait for acknowledgements. The connection works either way.
        drop(stream.set_nodelay(true));
        let local = stream.local_addr().map_err(|source| self.unreachable(source))?;
        let remote = stream.peer_addr().map_err(|source| self.unreachable(source))?;
        let handshake = TlsConnector::from(Arc::clone(&self.config)).connect(self.name.clone(), stream);
        let handshake = timeout_at(deadline, handshake).await.map_err(|_| self.timed_out())?;
        let stream = handshake.map_err(|error| self.handshake_failed(error))?;
        let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let fingerprint = match certificates.first().map(Fingerprint::of) {
            Some(Ok(fingerprint)) => fingerprint,
            Some(Err(source)) => {
                return Err(ConnectError::Tls { server: self.server.clone(), source: TlsError::new(source) });
            }
            None => return Err(self.not_chat("it presents no certificate")),
        };
        let local = match local.ip().to_canonical() {
            ip if ip.is_ipv4() => SocketAddr::new(ip, local.port()),
            // Keeps the zone.
            _ => local,
        };
        Ok(TrustedStream { stream, local, remote, fingerprint })
    }

    /// Resolves the host and connects to the first of its addresses that answers.
    async fn connect_tcp(&self, deadline: Instant) -> Result<TcpStream, ConnectError> {
        let resolve = |source| ConnectError::Resolve { server: self.server.clone(), source };
        let resolved = timeout_at(deadline, self.server.resolve()).await.map_err(|_| self.timed_out())?;
        let addresses = race::order(resolved.map_err(resolve)?, self.last);
        race::connect(addresses, deadline, TcpStream::connect).await.map_err(|lost| match lost {
            Lost::Refused(source) => self.unreachable(source),
            Lost::TimedOut => self.timed_out(),
        })
    }

    fn timed_out(&self) -> ConnectError {
        ConnectError::TimedOut { server: self.server.clone() }
    }

    fn unreachable(&self, source: io::Error) -> ConnectError {
        ConnectError::Unreachable { server: self.server.clone(), source }
    }

    fn not_chat(&self, what: &'static str) -> ConnectError {
        ConnectError::NotChat { server: self.server.clone(), what }
    }

    fn handshake_failed(&self, error: io::Error) -> ConnectError {
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

/// Works with files on a thread of its own, so that no task waits for a slow file system or for the lock of another
/// program.
async fn without_blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    match timeout(FILE_TIMEOUT, spawn_blocking(work)).await {
        Ok(done) => done.map_err(io::Error::other),
        Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the file system does not answer")),
    }
}

fn placeholder_name() -> ServerName<'static> {
    ServerName::try_from(PLACEHOLDER_NAME).expect("the constant is a valid name")
}
