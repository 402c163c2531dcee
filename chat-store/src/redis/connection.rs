//! Connections to a Redis server.

use std::fmt;
use std::future::Future;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, RedisConnectionInfo};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::error::RedisError;
use super::url::RosterUrl;

/// How long a call may take, and each step of making a connection: a server that is slower is away.
pub(super) const CALL_TIMEOUT: Duration = Duration::from_secs(3);

/// The two connections to the server: a read that waits for an act holds up all other calls of its connection.
pub(super) struct Connections {
    url: RosterUrl,
    tls: Option<Arc<ClientConfig>>,
    /// Rises when all connections are dropped.
    run: AtomicU64,
    /// Locked for moments only.
    open: Mutex<[Option<Open>; 2]>,
}

/// What a connection is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    Calls,
    Reads,
}

/// A connection that calls share.
struct Open {
    connection: MultiplexedConnection,
    _driver: Driver,
}

/// The task that moves the bytes of a connection. The connection ends with it.
struct Driver(AbortHandle);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Connections {
    /// Connects nothing yet.
    ///
    /// # Errors
    /// The file of certificate authorities cannot be used.
    pub(super) fn new(url: RosterUrl) -> Result<Self, RedisError> {
        let tls = url.ca_file.as_deref().map(tls).transpose()?;
        Ok(Self { url, tls, run: AtomicU64::new(0), open: Mutex::default() })
    }

    pub(super) fn url(&self) -> &RosterUrl {
        &self.url
    }

    /// A connection, and the run that it belongs to. Makes one if there is none.
    ///
    /// # Errors
    /// None can be made.
    pub(super) async fn get(&self, purpose: Purpose) -> Result<(MultiplexedConnection, u64), RedisError> {
        let run = self.run.load(Ordering::SeqCst);
        if let Some(open) = &self.open()[purpose as usize] {
            return Ok((open.connection.clone(), run));
        }
        let open = self.connect().await?;
        let connection = open.connection.clone();
        self.open()[purpose as usize] = Some(open);
        Ok((connection, run))
    }

    /// A connection that was made before.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn existing(&self, purpose: Purpose) -> Result<MultiplexedConnection, RedisError> {
        let open = self.open()[purpose as usize].as_ref().map(|open| open.connection.clone());
        open.ok_or_else(|| RedisError::Broken { server: self.url.server(), source: "there is no connection".into() })
    }

    /// Drops all connections of a run, and with them what was sent and not answered. It may still take effect.
    pub(super) fn drop_all(&self, run: u64) {
        if self.run.compare_exchange(run, run + 1, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
            *self.open() = [None, None];
        }
    }

    /// The error of a server that has not answered for this time.
    pub(super) fn silent(&self, time: Duration) -> RedisError {
        RedisError::Silent { server: self.url.server(), seconds: time.as_secs() }
    }

    fn open(&self) -> MutexGuard<'_, [Option<Open>; 2]> {
        // What the lock protects changes in steps that cannot panic.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Each step has a limit of its own, so that the error names the step that has not ended.
    async fn connect(&self) -> Result<Open, RedisError> {
        let RosterUrl { host, port, .. } = &self.url;
        let unreachable = |source| RedisError::Unreachable { server: self.url.server(), source };
        let addresses: Vec<_> = match timeout(CALL_TIMEOUT, lookup_host((host.as_str(), *port))).await {
            Ok(Ok(addresses)) => addresses.collect(),
            Ok(Err(source)) => return Err(RedisError::UnknownHost { host: host.clone(), source }),
            Err(_) => return Err(RedisError::UnknownHost { host: host.clone(), source: ErrorKind::TimedOut.into() }),
        };
        let stream = self.in_time(TcpStream::connect(&*addresses)).await?.map_err(unreachable)?;
        stream.set_nodelay(true).map_err(unreachable)?;
        match &self.tls {
            Some(tls) => {
                let stream = self.secure(tls, host, stream).await?;
                self.in_time(self.log_in(stream)).await?
            }
            None => self.in_time(self.log_in(stream)).await?,
        }
    }

    /// Begins TLS. What is wrong with a certificate, or is no TLS, stays so. A server that says nothing, or that closes the
    /// connection, may be starting.
    async fn secure(
        &self,
        tls: &Arc<ClientConfig>,
        host: &str,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, RedisError> {
        let server = self.url.server();
        let name = match ServerName::try_from(host.to_owned()) {
            Ok(name) => name,
            Err(error) => return Err(RedisError::Tls { server, source: io::Error::other(error) }),
        };
        let handshake = TlsConnector::from(Arc::clone(tls)).connect(name, stream);
        match timeout(CALL_TIMEOUT, handshake).await {
            Ok(Ok(stream)) => Ok(stream),
            // The kind of every error of TLS itself.
            Ok(Err(source)) if source.kind() == ErrorKind::InvalidData => Err(RedisError::Tls { server, source }),
            Ok(Err(source)) => Err(RedisError::Broken { server, source: source.into() }),
            Err(_) => Err(RedisError::SilentTls { server, seconds: CALL_TIMEOUT.as_secs() }),
        }
    }

    /// The result of a step of making a connection.
    ///
    /// # Errors
    /// It has none in time.
    async fn in_time<T>(&self, step: impl Future<Output = T>) -> Result<T, RedisError> {
        timeout(CALL_TIMEOUT, step).await.map_err(|_| self.silent(CALL_TIMEOUT))
    }

    async fn log_in(&self, stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Result<Open, RedisError> {
        let RosterUrl { user, password, database, .. } = &self.url;
        let mut info = RedisConnectionInfo::default().set_db((*database).into()).set_skip_set_lib_name();
        if let Some(user) = user {
            info = info.set_username(user);
        }
        if let Some(password) = password {
            info = info.set_password(password.as_str());
        }
        // The limits are those of this crate: the driver's own is half a second.
        let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        let made = MultiplexedConnection::new_with_config(&info, stream, config).await;
        let (connection, driver) = made.map_err(|error| RedisError::new(&self.url.server(), error))?;
        Ok(Open { connection, _driver: Driver(tokio::spawn(driver).abort_handle()) })
    }
}

/// Prints the URL, without the password.
impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections").field("url", &self.url).finish_non_exhaustive()
    }
}

/// The configuration of a connection that trusts the authorities in a file.
fn tls(file: &Path) -> Result<Arc<ClientConfig>, RedisError> {
    let unusable = |source| RedisError::CaFile { path: file.to_owned(), source };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| unusable(error.into()))? {
        let certificate = certificate.map_err(|error| unusable(error.into()))?;
        roots.add(certificate).map_err(|error| unusable(error.into()))?;
    }
    if roots.is_empty() {
        return Err(unusable("it holds no certificate in PEM form".into()));
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(error.into()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
