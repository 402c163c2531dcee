//! Dialing the server: name resolution, TCP, TLS, trust. The client sends no frame before all four have succeeded.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustls::ClientConfig;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::address_order::{Doubtful, order};
use super::connect_error::{ConnectError, TlsError};
use super::hosts::{self, Host};
use super::known::{Known, agreed, known_key, use_known, without_blocking};
use super::race::{self, Lost};
use crate::address::ServerAddress;
use crate::identity::Fingerprint;
use crate::random::SystemGenerator;
use crate::tls;
use crate::trust::{Answer, AuthoritiesError, KnownServers, Trust, UnknownServer};

/// What a longer timeout counts as, because the system's clock cannot represent every time. Some thirty years.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(1_000_000_000);

/// How many servers a client dials at most before its first session. Each that accepts the connection and then stays
/// silent costs the whole timeout, and a person waits.
const MAX_FIRST_ATTEMPTS: usize = 3;

/// A connection to a server that the client trusts.
pub(super) struct TrustedStream {
    pub(super) stream: TlsStream<TcpStream>,
    /// The address of this end.
    pub(super) local: SocketAddr,
    /// The address at which the server was reached.
    pub(super) remote: SocketAddr,
    /// The server by the name at which it was reached.
    server: ServerAddress,
    fingerprint: Fingerprint,
}

/// Dials one server, or any of several that share a roster, as often as needed. The first attempt decides whether to trust
/// the server. Later attempts require the same key, or a certificate of the same authorities.
#[derive(Clone)]
pub(super) struct Dialer {
    /// At least one. The first is the one by which the user knows all of them.
    hosts: Arc<[Host]>,
    config: Arc<ClientConfig>,
    /// The only accepted key. `None` if certificate authorities decide.
    pinned: Option<Fingerprint>,
    /// The address at which the session was last. It is tried first.
    last: Option<SocketAddr>,
    /// The addresses that are tried last. Shared with the attempts, which may be given up.
    doubtful: Arc<Mutex<Doubtful>>,
    /// The limit on one attempt, from name resolution to the end of the handshake.
    timeout: Duration,
}

/// The addresses that an attempt may go to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Choice {
    /// All of them.
    Any,
    /// Those that have not accepted a connection since the last session.
    Untried,
    /// Those of servers that have not accepted a connection since the last session.
    OtherServers,
}

impl Dialer {
    fn new(hosts: Vec<Host>, config: Arc<ClientConfig>, timeout: Duration) -> Self {
        Self { hosts: hosts.into(), config, pinned: None, last: None, doubtful: Arc::default(), timeout }
    }

    /// Dials for the first time, and decides whether to trust the server. `others` share its roster.
    pub(super) async fn dial_first(
        server: ServerAddress,
        others: Vec<ServerAddress>,
        trust: &Trust,
        timeout: Duration,
    ) -> Result<(Self, TrustedStream), ConnectError> {
        let servers = [server].into_iter().chain(others);
        let hosts = match trust {
            Trust::Ca(_) => servers.map(Host::by_name).collect::<Result<Vec<_>, _>>()?,
            Trust::Fingerprint(_) | Trust::Known { .. } => servers.map(Host::by_key).collect(),
        };
        let config = match trust {
            Trust::Fingerprint(_) | Trust::Known { .. } => tls::client_by_key(),
            Trust::Ca(path) => {
                let file = path.clone();
                let read = without_blocking(move || tls::client_by_authority(&file)).await;
                let config = read.map_err(AuthoritiesError::Read).flatten();
                config.map_err(|source| ConnectError::Authorities { path: path.clone(), source })?
            }
        };
        let mut dialer = Self::new(hosts, config, timeout);
        match trust {
            Trust::Fingerprint(wanted) => {
                let stream = dialer.dial_any().await?;
                if stream.fingerprint != *wanted {
                    let (server, shown) = (stream.server, stream.fingerprint);
                    return Err(ConnectError::WrongFingerprint { server, wanted: *wanted, shown });
                }
                dialer.pinned = Some(*wanted);
                Ok((dialer, stream))
            }
            Trust::Known { store, unknown } => {
                let all = use_known(store, KnownServers::all).await?;
                let known = agreed(&dialer.hosts, &all)?;
                let mut stream = dialer.dial_any().await?;
                let (server, shown) = (stream.server.clone(), stream.fingerprint);
                // The fingerprint in the file decides, even if another program has added it since.
                let remember = {
                    let server = server.clone();
                    move |store: &KnownServers| store.remember(&server, shown).map(|known| vec![(server, known)])
                };
                let known = match unknown {
                    _ if !known.is_empty() => known,
                    UnknownServer::AcceptNew => use_known(store, remember).await?,
                    UnknownServer::Refuse => return Err(ConnectError::Untrusted { server, shown }),
                    UnknownServer::Ask(user) => {
                        // The server's login timeout is shorter than the time a person takes to compare 64 digits.
                        dialer.prefer(stream.remote);
                        drop(stream);
                        if user.ask(&server, shown).await == Answer::Refuse {
                            return Err(ConnectError::Untrusted { server, shown });
                        }
                        let known = use_known(store, remember).await?;
                        stream = dialer.dial_any().await?;
                        known
                    }
                };
                dialer.pinned = Some(known_key(&stream.server, stream.fingerprint, &known)?);
                Ok((dialer, stream))
            }
            Trust::Ca(_) => {
                let stream = dialer.dial_any().await?;
                Ok((dialer, stream))
            }
        }
    }

    /// A server that answers, and its fingerprint. It need not be trusted.
    pub(super) async fn probe(
        servers: impl Iterator<Item = ServerAddress>,
        timeout: Duration,
    ) -> Result<Known, ConnectError> {
        let dialer = Self::new(servers.map(Host::by_key).collect(), tls::client_by_key(), timeout);
        let stream = dialer.dial_any().await?;
        Ok((stream.server, stream.fingerprint))
    }

    /// Tries this address first from now on, because the session is there.
    pub(super) fn prefer(&mut self, remote: SocketAddr) {
        self.last = Some(remote);
        self.doubtful().clear();
    }

    /// The number of further servers at which a first login may be tried.
    pub(super) fn other_servers(&self) -> u32 {
        u32::try_from(self.doubtful().other_servers().min(MAX_FIRST_ATTEMPTS - 1)).unwrap_or(0)
    }

    fn doubtful(&self) -> MutexGuard<'_, Doubtful> {
        // What the lock protects changes in steps that cannot panic.
        self.doubtful.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Dials again, and checks that the server still has the key that was trusted.
    pub(super) async fn redial(&self, choice: Choice) -> Result<TrustedStream, ConnectError> {
        let stream = self.dial(choice).await?;
        match self.pinned {
            Some(known) if stream.fingerprint != known => {
                let (server, shown) = (stream.server, stream.fingerprint);
                Err(ConnectError::FingerprintChanged { server, known, shown })
            }
            _ => Ok(stream),
        }
    }

    /// Dials, and dials another server if the one that accepted the connection does not continue.
    async fn dial_any(&self) -> Result<TrustedStream, ConnectError> {
        let mut failed = None;
        for _ in 0..MAX_FIRST_ATTEMPTS {
            let deadline = self.deadline();
            let choice = if failed.is_some() { Choice::Untried } else { Choice::Any };
            let (stream, host) = match (self.connect_tcp(deadline, choice).await, failed) {
                (Ok(reached), _) => reached,
                (Err(error), failed) => return Err(failed.unwrap_or(error)),
            };
            failed = match self.handshake(stream, host, deadline).await {
                Err(
                    error @ (ConnectError::TimedOut { .. }
                    | ConnectError::Unreachable { .. }
                    | ConnectError::NotChat { .. }),
                ) => {
                    log::info!("{error}");
                    Some(error)
                }
                result => return result,
            };
        }
        Err(failed.unwrap_or_else(|| self.hosts[0].timed_out()))
    }

    /// Dials once.
    async fn dial(&self, choice: Choice) -> Result<TrustedStream, ConnectError> {
        let deadline = self.deadline();
        let (stream, host) = self.connect_tcp(deadline, choice).await?;
        self.handshake(stream, host, deadline).await
    }

    fn deadline(&self) -> Instant {
        Instant::now() + self.timeout.min(LONGEST_TIMEOUT)
    }

    async fn handshake(
        &self,
        stream: TcpStream,
        host: &Host,
        deadline: Instant,
    ) -> Result<TrustedStream, ConnectError> {
        // Without TCP_NODELAY, small frames would wait for acknowledgements. The connection works either way.
        drop(stream.set_nodelay(true));
        let local = stream.local_addr().map_err(|source| host.unreachable(source))?;
        let remote = stream.peer_addr().map_err(|source| host.unreachable(source))?;
        let handshake = TlsConnector::from(Arc::clone(&self.config)).connect(host.name.clone(), stream);
        let handshake = timeout_at(deadline, handshake).await.map_err(|_| host.timed_out())?;
        let stream = handshake.map_err(|error| host.handshake_failed(error))?;
        let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let server = host.server.clone();
        let fingerprint = match certificates.first().map(Fingerprint::of) {
            Some(Ok(fingerprint)) => fingerprint,
            Some(Err(source)) => return Err(ConnectError::Tls { server, source: TlsError::new(source) }),
            None => return Err(host.not_chat("it presents no certificate")),
        };
        let local = match local.ip().to_canonical() {
            ip if ip.is_ipv4() => SocketAddr::new(ip, local.port()),
            // Keeps the zone.
            _ => local,
        };
        Ok(TrustedStream { stream, local, remote, server, fingerprint })
    }

    /// Resolves the hosts and connects to the first of their addresses that answers.
    async fn connect_tcp(&self, deadline: Instant, choice: Choice) -> Result<(TcpStream, &Host), ConnectError> {
        let resolved = hosts::resolve(&self.hosts, deadline).await?;
        let of_hosts: Vec<_> = resolved.iter().map(|(_, addresses)| addresses.clone()).collect();
        let mut addresses = {
            let mut doubtful = self.doubtful();
            doubtful.keep(&of_hosts);
            order(of_hosts, self.last, &doubtful, &mut SystemGenerator)
        };
        match choice {
            Choice::Any => {}
            Choice::Untried => addresses.retain(|address| !self.doubtful().contains(*address)),
            Choice::OtherServers => addresses.retain(|address| !self.doubtful().contains_server(*address)),
        }
        let connected = race::connect(addresses, deadline, |address| async move {
            TcpStream::connect(address).await.map(|stream| (stream, address))
        });
        let host = |address: SocketAddr| {
            let found = resolved.iter().find(|(_, addresses)| addresses.contains(&address));
            found.map_or(&self.hosts[0], |(host, _)| *host)
        };
        let (stream, address) = connected.await.map_err(|lost| match lost {
            Lost::Refused(address, source) => host(address).unreachable(source),
            Lost::TimedOut => self.hosts[0].timed_out(),
        })?;
        self.doubtful().add(address);
        Ok((stream, host(address)))
    }
}
