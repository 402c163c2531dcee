//! A server that is ready to run, and the handle to it.

use std::fmt;
use std::future::{Future, pending};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::{Pin, pin};
use std::sync::Arc;

use chat_core::accounts::Accounts;
use chat_core::server::RegistrationPolicy;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use super::start_error::cancelled;
use super::{Metrics, Monitor, NotServing, OnlineUser, Reload, ServeError, ServerBuilder};
use crate::identity::{Fingerprint, IdentityError, ServerIdentity};

/// A server that listens and is ready to run.
///
/// ```
/// use chat_net::Server;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let accounts = chat_core::accounts::memory::MemoryAccounts::new();
/// # let (folder, shutdown) = (tempfile::tempdir()?, async {});
/// # let data = folder.path().join("data");
/// // `accounts` is `chat_store::open("sqlite:data/chat.sqlite").await?`, or your own implementation of `Accounts`.
/// let server = Server::builder(accounts).data_dir(data).bind("127.0.0.1:0").await?;
/// println!("{} {}", server.address(), server.fingerprint());
/// let handle = server.handle();
/// server.run_until(shutdown).await?;
/// assert!(handle.roster().await.is_err(), "the server has stopped");
/// # Ok(())
/// # }
/// ```
///
/// Once the server is built, the system accepts connections to it, which wait until it runs.
///
/// # Failing accounts
/// While the accounts are unavailable, panic or hang, sessions and messages go on. The server rejects logins and
/// registrations with the reason that the accounts are unavailable; a call that hangs leaves its client without an
/// answer. [`Count::StorageUnavailable`](chat_core::server::Count::StorageUnavailable) counts the rejections,
/// [`Metric::AccountsFailed`](super::Metric::AccountsFailed) all calls that failed, and
/// [`Metric::PasswordChecks`](super::Metric::PasswordChecks) shows those that do not end.
///
/// # Dropping
/// Dropping a server that does not run closes its listener and releases its data folder. If a presence log is open, its
/// thread ends first; [`ServerHandle::stopped`] waits for that.
///
/// Dropping the future of [`run_until`](Self::run_until) or [`run`](Self::run) ends the server, and its clients receive
/// no reason: their connections close, the port becomes free, and all tasks end as soon as the runtime polls them.
/// [`ServerHandle::stopped`] waits for that. The sessions continue with the next run, because clients resume with their
/// tickets. Calls to the accounts that are in progress may still take effect.
#[must_use = "a server accepts no client until it runs"]
pub struct Server {
    handle: ServerHandle,
    run: Pin<Box<dyn Future<Output = Result<(), ServeError>> + Send>>,
}

impl Server {
    /// Returns a builder of a server for `accounts`: a value, or an `Arc` of one that the application keeps too.
    pub fn builder<A: Accounts>(accounts: A) -> ServerBuilder<A> {
        ServerBuilder::new(accounts)
    }

    pub(super) fn new(
        handle: ServerHandle,
        run: impl Future<Output = Result<(), ServeError>> + Send + 'static,
    ) -> Self {
        Self { handle, run: Box::pin(run) }
    }

    /// The address at which the server listens, with the port that the system chose if port 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.handle.address()
    }

    /// The fingerprint by which clients know the server.
    pub fn fingerprint(&self) -> Fingerprint {
        self.handle.fingerprint()
    }

    /// A handle to the server, for any task or thread.
    pub fn handle(&self) -> ServerHandle {
        self.handle.clone()
    }

    /// Runs the server until `shutdown` resolves, whatever its value, or until [`ServerHandle::stop`]. Then the server
    /// accepts no more connections, finishes registrations, password changes and reports of void tickets in progress
    /// (for at most [`ServerConfig::finish_time`](chat_core::server::ServerConfig::finish_time), 2 s), sends the reason
    /// to every session, and the function returns within 5 s.
    ///
    /// # Errors
    /// [`ServeError::Incompatible`], if the server shares its roster with others. Clients cannot cause an error, and
    /// failures of the accounts, of the journal or of an open presence log are logged and counted.
    ///
    /// # Cancel safety
    /// Not cancel safe: see [Dropping](Self#dropping).
    pub async fn run_until(self, shutdown: impl Future) -> Result<(), ServeError> {
        let Self { handle, mut run } = self;
        let shutdown = pin!(shutdown);
        tokio::select! {
            result = &mut run => return result,
            _ = shutdown => handle.stop(),
        }
        run.await
    }

    /// Runs the server until [`ServerHandle::stop`].
    ///
    /// # Errors
    /// As [`run_until`](Self::run_until).
    ///
    /// # Cancel safety
    /// Not cancel safe: see [Dropping](Self#dropping).
    pub async fn run(self) -> Result<(), ServeError> {
        self.run_until(pending::<()>()).await
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("address", &self.address()).finish_non_exhaustive()
    }
}

/// A handle to one server. Clones are handles to the same server. A handle does not keep the server running.
#[derive(Clone)]
pub struct ServerHandle {
    shared: Arc<Shared>,
}

struct Shared {
    address: SocketAddr,
    monitor: Monitor,
    reload: Reload,
    /// The folder from which the identity was loaded.
    data_dir: Option<PathBuf>,
    stop: CancellationToken,
    ended: CancellationToken,
}

impl ServerHandle {
    pub(super) fn new(address: SocketAddr, monitor: Monitor, reload: Reload, data_dir: Option<PathBuf>) -> Self {
        let (stop, ended) = (CancellationToken::new(), CancellationToken::new());
        Self { shared: Arc::new(Shared { address, monitor, reload, data_dir, stop, ended }) }
    }

    /// Cancelled when the server is asked to stop.
    pub(super) fn stop_token(&self) -> CancellationToken {
        self.shared.stop.clone()
    }

    /// Cancelled when the server has ended.
    pub(super) fn ended_token(&self) -> CancellationToken {
        self.shared.ended.clone()
    }

    /// The address at which the server listens.
    pub fn address(&self) -> SocketAddr {
        self.shared.address
    }

    /// The fingerprint of the server's current key.
    pub fn fingerprint(&self) -> Fingerprint {
        self.shared.reload.fingerprint().expect("the builder sets the certificate before it returns a server")
    }

    /// Reads all numbers, without waiting. Each number is correct by itself, but two of them may be a few events apart.
    pub fn metrics(&self) -> Metrics {
        self.shared.monitor.metrics()
    }

    /// Returns the sessions that are online, sorted by canonical user name. Sessions in their grace time are included.
    ///
    /// # Errors
    /// The server does not run, or it ended before it answered.
    ///
    /// # Cancel safety
    /// Cancel safe: dropping the future discards the answer and nothing else.
    pub async fn roster(&self) -> Result<Vec<OnlineUser>, NotServing> {
        self.shared.monitor.roster().await
    }

    /// The names of the servers that share this one's roster, this one included, in order. Empty if the server is alone.
    pub fn nodes(&self) -> Vec<String> {
        self.shared.monitor.nodes()
    }

    /// Reopens the presence log before its next record, and loads the identity again from the data folder. No
    /// connection closes. An identity that did not come from a data folder stays; see [`Self::reload_certificate`]. The
    /// ticket key stays in any case.
    ///
    /// # Errors
    /// The identity is gone or cannot be loaded, or the runtime shuts down. The previous identity stays in use, and no
    /// file is created.
    ///
    /// # Cancel safety
    /// If the future is dropped, the presence log is reopened, and the identity stays.
    pub async fn reload(&self) -> Result<(), IdentityError> {
        self.reload_presence_log();
        let Some(folder) = self.shared.data_dir.clone() else { return Ok(()) };
        let loaded = spawn_blocking(move || ServerIdentity::load(&folder)).await;
        self.reload_certificate(&loaded.map_err(|error| IdentityError::Stopping(cancelled(error)))??);
        Ok(())
    }

    /// Presents the certificate of `identity` from the next handshake on. Does not change the ticket key.
    ///
    /// Clients know a server by its key: they do not notice a new certificate for the same key, and they refuse a new
    /// key until their users trust it.
    pub fn reload_certificate(&self, identity: &ServerIdentity) {
        self.shared.reload.certificate(identity);
    }

    /// Reopens the file of the presence log before the next record. For log rotation.
    pub fn reload_presence_log(&self) {
        self.shared.reload.presence_log();
    }

    /// Sets which clients may register an account, from their next request on. No session ends.
    pub fn set_registration(&self, policy: RegistrationPolicy) {
        self.shared.reload.set_registration(policy);
    }

    /// Which clients may register an account.
    pub fn registration(&self) -> RegistrationPolicy {
        self.shared.reload.registration().expect("the builder sets the policy before it returns a server")
    }

    /// Asks the server to stop, as if its shutdown future had resolved. A server that does not run yet stops as soon as
    /// it runs. Further calls have no effect.
    pub fn stop(&self) {
        self.shared.stop.cancel();
    }

    /// Waits until the server has ended, however it ended: its tasks are gone, its port is free, its presence log is
    /// complete, and its data folder is released. Only calls to the accounts may still be in progress. A server that
    /// was dropped before it ran has ended too.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn stopped(&self) {
        self.shared.ended.cancelled().await;
    }
}

impl fmt::Debug for ServerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerHandle").field("address", &self.address()).finish_non_exhaustive()
    }
}
