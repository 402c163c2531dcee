//! The way to the server: name, TCP, TLS, trust. Nothing is sent before all four are settled.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::address::ServerAddress;
use crate::error::ConnectError;
use crate::identity::Fingerprint;
use crate::tls;
use crate::trust::{Answer, Trust, UnknownServer};

/// The name in the handshake with a server that is known by its key. No such host exists (RFC 6761), and the server
/// does not look at it.
const NO_NAME: &str = "chat.invalid";

/// A connection to a server that is trusted.
pub(super) struct Dialed {
    pub(super) stream: TlsStream<TcpStream>,
    /// Our end.
    pub(super) local: SocketAddr,
    fingerprint: Fingerprint,
}

/// Dials the same server again and again, and trusts what was trusted the first time.
#[derive(Clone)]
pub(super) struct Dialer {
    server: ServerAddress,
    name: ServerName<'static>,
    config: Arc<ClientConfig>,
    /// The only key that is accepted; if none, the authorities decide.
    pinned: Option<Fingerprint>,
    within: Duration,
}

impl Dialer {
    /// Dials for the first time and settles the question of trust.
    pub(super) async fn first(
        server: ServerAddress,
        trust: &Trust,
        within: Duration,
    ) -> Result<(Self, Dialed), ConnectError> {
        let secured = |source| ConnectError::Tls { server: server.clone(), source };
        let no_name = || ServerName::try_from(NO_NAME).expect("a constant that is a name");
        let (name, config) = match trust {
            Trust::Fingerprint(_) | Trust::Known { .. } => (no_name(), tls::client_by_key().map_err(secured)?),
            Trust::Ca(path) => {
                let name = ServerName::try_from(server.host().to_owned());
                let name = name.map_err(|_| secured(rustls::Error::General("the host is no DNS name".to_owned())))?;
                let config = tls::client_by_authority(path)
                    .map_err(|what| ConnectError::Authorities { path: path.clone(), what })?;
                (name, config)
            }
        };
        let mut dialer = Self { server, name, config, pinned: None, within };
        match trust {
            Trust::Fingerprint(wanted) => {
                let dialed = dialer.dial().await?;
                dialer.check(&dialed, *wanted, |server, wanted, shown| ConnectError::WrongFingerprint {
                    server,
                    wanted,
                    shown,
                })?;
                dialer.pinned = Some(*wanted);
                Ok((dialer, dialed))
            }
            Trust::Known { store, unknown } => {
                let known = store.get(&dialer.server)?;
                let mut dialed = dialer.dial().await?;
                let shown = dialed.fingerprint;
                match (known, unknown) {
                    (Some(known), _) => dialer.check_known(&dialed, known)?,
                    (None, UnknownServer::AcceptNew) => store.remember(&dialer.server, shown)?,
                    (None, UnknownServer::Refuse) => return Err(dialer.untrusted(shown)),
                    (None, UnknownServer::Ask(user)) => {
                        // The server gives nobody the time that people take to compare 64 digits.
                        drop(dialed);
                        if user.ask(&dialer.server, shown).await == Answer::Refuse {
                            return Err(dialer.untrusted(shown));
                        }
                        store.remember(&dialer.server, shown)?;
                        dialed = dialer.dial().await?;
                        dialer.check_known(&dialed, shown)?;
                    }
                }
                dialer.pinned = Some(shown);
                Ok((dialer, dialed))
            }
            Trust::Ca(_) => {
                let dialed = dialer.dial().await?;
                Ok((dialer, dialed))
            }
        }
    }

    /// Dials again.
    pub(super) async fn again(&self) -> Result<Dialed, ConnectError> {
        let dialed = self.dial().await?;
        if let Some(known) = self.pinned {
            self.check_known(&dialed, known)?;
        }
        Ok(dialed)
    }

    fn check_known(&self, dialed: &Dialed, known: Fingerprint) -> Result<(), ConnectError> {
        self.check(dialed, known, |server, known, shown| ConnectError::FingerprintChanged { server, known, shown })
    }

    fn check(
        &self,
        dialed: &Dialed,
        expected: Fingerprint,
        error: impl FnOnce(ServerAddress, Fingerprint, Fingerprint) -> ConnectError,
    ) -> Result<(), ConnectError> {
        if dialed.fingerprint == expected {
            Ok(())
        } else {
            Err(error(self.server.clone(), expected, dialed.fingerprint))
        }
    }

    fn untrusted(&self, shown: Fingerprint) -> ConnectError {
        ConnectError::Untrusted { server: self.server.clone(), shown }
    }

    async fn dial(&self) -> Result<Dialed, ConnectError> {
        let deadline = Instant::now() + self.within;
        let timed_out = |_| ConnectError::TimedOut { server: self.server.clone() };
        let stream = timeout_at(deadline, self.reach(deadline)).await.map_err(timed_out)??;
        // Small frames must not wait for each other's acknowledgements; a socket without that option still works.
        drop(stream.set_nodelay(true));
        let local = stream.local_addr().map_err(|source| self.unreachable(source))?;
        let handshake = TlsConnector::from(Arc::clone(&self.config)).connect(self.name.clone(), stream);
        let stream =
            timeout_at(deadline, handshake).await.map_err(timed_out)?.map_err(|error| self.handshake_failed(error))?;
        let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let fingerprint = match certificates.first().map(Fingerprint::of) {
            Some(Ok(fingerprint)) => fingerprint,
            Some(Err(source)) => return Err(ConnectError::Tls { server: self.server.clone(), source }),
            None => return Err(self.not_chat("it shows no certificate")),
        };
        let local = SocketAddr::new(local.ip().to_canonical(), local.port());
        Ok(Dialed { stream, local, fingerprint })
    }

    /// Tries all addresses of the host, each with its share of the time.
    async fn reach(&self, deadline: Instant) -> Result<TcpStream, ConnectError> {
        let resolve = |source| ConnectError::Resolve { server: self.server.clone(), source };
        let addresses: Vec<SocketAddr> =
            lookup_host((self.server.host(), self.server.port())).await.map_err(resolve)?.collect();
        let mut error = resolve(io::Error::new(io::ErrorKind::NotFound, "it has no address"));
        for (tried, address) in addresses.iter().enumerate() {
            let left = deadline.saturating_duration_since(Instant::now());
            let share = left / u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
            error = match timeout(share, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(source)) => self.unreachable(source),
                Err(_) => ConnectError::TimedOut { server: self.server.clone() },
            };
        }
        Err(error)
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
            Some(source) => ConnectError::Tls { server: self.server.clone(), source: source.clone() },
            None if error.kind() == io::ErrorKind::UnexpectedEof => {
                self.not_chat("it closed the connection before it was secure")
            }
            None => self.unreachable(error),
        }
    }
}
