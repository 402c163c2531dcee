//! Dialing the server: name resolution, TCP, TLS, trust. The client sends no frame before all four have succeeded.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::connect_error::{ConnectError, TlsError};
use super::race::{self, Lost};
use crate::address::ServerAddress;
use crate::identity::Fingerprint;
use crate::random::SystemGenerator;
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

/// How long a client that knows an address waits for those of the other hosts.
const OTHER_HOSTS_TIME: Duration = Duration::from_secs(1);

/// A connection to a server that the client trusts.
pub(super) struct TrustedStream {
    pub(super) stream: TlsStream<TcpStream>,
    /// The address of this end.
    pub(super) local: SocketAddr,
    /// The address at which the server was reached.
    pub(super) remote: SocketAddr,
    fingerprint: Fingerprint,
}

/// Dials one server, or any of several that share a roster, as often as needed. The first attempt decides whether to trust
/// the server. Later attempts require the same key, or a certificate of the same authorities.
#[derive(Clone)]
pub(super) struct Dialer {
    /// The server by which the user knows all of them: the first.
    server: ServerAddress,
    hosts: Arc<[Host]>,
    config: Arc<ClientConfig>,
    /// The only accepted key. `None` if certificate authorities decide.
    pinned: Option<Fingerprint>,
    /// The address at which the session was last. It is tried first.
    last: Option<SocketAddr>,
    /// The addresses that have accepted a connection since then, which led to no session: a server there may be hung, or
    /// be away from the roster that it shares. They are tried last. Shared with the attempts, which may be given up.
    doubtful: Arc<Mutex<BTreeSet<SocketAddr>>>,
    /// The limit on one attempt, from name resolution to the end of the handshake.
    timeout: Duration,
}

/// One of the servers.
struct Host {
    server: ServerAddress,
    /// The name that its certificate must have.
    name: ServerName<'static>,
}

impl Dialer {
    fn new(server: ServerAddress, hosts: Vec<Host>, config: Arc<ClientConfig>, timeout: Duration) -> Self {
        Self { server, hosts: hosts.into(), config, pinned: None, last: None, doubtful: Arc::default(), timeout }
    }

    /// Dials for the first time, and decides whether to trust the server. `others` share its roster.
    pub(super) async fn dial_first(
        server: ServerAddress,
        others: Vec<ServerAddress>,
        trust: &Trust,
        timeout: Duration,
    ) -> Result<(Self, TrustedStream), ConnectError> {
        let is_by_name = matches!(trust, Trust::Ca(_));
        let host = |server: ServerAddress| {
            let name = if is_by_name { ServerName::try_from(server.host().to_owned()) } else { Ok(placeholder_name()) };
            let name = name.map_err(|_| ConnectError::NotCertifiable { server: server.clone() })?;
            Ok::<_, ConnectError>(Host { server, name })
        };
        let hosts = [server.clone()].into_iter().chain(others).map(host).collect::<Result<Vec<_>, _>>()?;
        let config = match trust {
            Trust::Fingerprint(_) | Trust::Known { .. } => tls::client_by_key(),
            Trust::Ca(path) => {
                let file = path.clone();
                let read = without_blocking(move || tls::client_by_authority(&file)).await;
                let config = read.map_err(AuthoritiesError::Read).flatten();
                config.map_err(|source| ConnectError::Authorities { path: path.clone(), source })?
            }
        };
        let mut dialer = Self::new(server, hosts, config, timeout);
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
                // Servers that share a roster have one key, so the fingerprint of any of them is that of all.
                let servers: Vec<_> = dialer.hosts.iter().map(|host| host.server.clone()).collect();
                let get = move |store: &KnownServers, _: &ServerAddress| {
                    servers.iter().find_map(|server| store.get(server).transpose()).transpose()
                };
                let known = dialer.known(store, get).await?;
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
        let host = Host { server: server.clone(), name: placeholder_name() };
        let dialer = Self::new(server, vec![host], tls::client_by_key(), timeout);
        Ok(dialer.dial().await?.fingerprint)
    }

    /// Tries this address first from now on, because the session is there.
    pub(super) fn prefer(&mut self, remote: SocketAddr) {
        self.last = Some(remote);
        self.doubtful().clear();
    }

    fn doubtful(&self) -> MutexGuard<'_, BTreeSet<SocketAddr>> {
        // What the lock protects changes in steps that cannot panic.
        self.doubtful.lock().unwrap_or_else(PoisonError::into_inner)
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
        let (stream, host) = self.connect_tcp(deadline).await?;
        // Without TCP_NODELAY, small frames would wait for acknowledgements. The connection works either way.
        drop(stream.set_nodelay(true));
        let local = stream.local_addr().map_err(|source| self.unreachable(source))?;
        let remote = stream.peer_addr().map_err(|source| self.unreachable(source))?;
        let handshake = TlsConnector::from(Arc::clone(&self.config)).connect(host.name.clone(), stream);
        let handshake = timeout_at(deadline, handshake).await.map_err(|_| self.timed_out())?;
        let stream = handshake.map_err(|error| self.handshake_failed(&host.server, error))?;
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

    /// Resolves the hosts and connects to the first of their addresses that answers.
    async fn connect_tcp(&self, deadline: Instant) -> Result<(TcpStream, &Host), ConnectError> {
        let resolved = self.resolve(deadline).await?;
        let addresses = resolved.iter().map(|(address, _)| *address).collect();
        let addresses = race::order(addresses, self.last, &self.doubtful(), &mut SystemGenerator);
        let connected = race::connect(addresses, deadline, |address| async move {
            TcpStream::connect(address).await.map(|stream| (stream, address))
        });
        let (stream, address) = connected.await.map_err(|lost| match lost {
            Lost::Refused(source) => self.unreachable(source),
            Lost::TimedOut => self.timed_out(),
        })?;
        self.doubtful().insert(address);
        let host = resolved.iter().find(|(resolved, _)| *resolved == address).map_or(0, |(_, host)| *host);
        Ok((stream, &self.hosts[host]))
    }

    /// The addresses of the hosts, each with the number of its host. A host that is not found is left out, unless there is
    /// no other.
    async fn resolve(&self, deadline: Instant) -> Result<Vec<(SocketAddr, usize)>, ConnectError> {
        let mut running = JoinSet::new();
        for (number, host) in self.hosts.iter().enumerate() {
            let server = host.server.clone();
            running.spawn(async move { (number, server.resolve().await) });
        }
        let (mut found, mut error) = (Vec::new(), None);
        let mut until = deadline;
        while let Ok(Some(resolved)) = timeout_at(until, running.join_next()).await {
            match resolved {
                Ok((number, Ok(addresses))) => {
                    found.extend(addresses.into_iter().map(|address| (address, number)));
                    until = until.min(Instant::now() + OTHER_HOSTS_TIME);
                }
                Ok((number, Err(source))) => {
                    let server = self.hosts[number].server.clone();
                    log::debug!("cannot find {server}: {source}");
                    error = Some(ConnectError::Resolve { server, source });
                }
                // A runtime that shuts down cancels its tasks.
                Err(_) => {}
            }
        }
        if found.is_empty() { Err(error.unwrap_or_else(|| self.timed_out())) } else { Ok(found) }
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

    fn handshake_failed(&self, server: &ServerAddress, error: io::Error) -> ConnectError {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(rustls::Error::InvalidMessage(_)) => self.not_chat("it does not speak TLS"),
            Some(rustls::Error::PeerIncompatible(_)) => self.not_chat("it does not speak TLS 1.3"),
            Some(source) => {
                let server = server.clone();
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
