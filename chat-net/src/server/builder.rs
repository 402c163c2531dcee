//! Builds a [`Server`]: its accounts, its keys, its settings, and where it listens.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chat_core::accounts::Accounts;
use chat_core::journal::{Journal, NodeRow};
use chat_core::presence::Record;
use chat_core::relay::RelayConfig;
use chat_core::server::{RegistrationPolicy, ServerConfig, SettingError};
use tokio::net::{TcpListener, ToSocketAddrs, lookup_host};
use tokio::task::spawn_blocking;

use super::alone::Alone;
use super::lifetime::Lifetime;
use super::run::Sharing;
use super::start_error::cancelled;
use super::{Prepared, PresenceLogFormat, Server, ServerHandle, ServerOptions, StartError, listen, node_name};
use crate::data_folder::{DataFolder, FolderLock};
use crate::identity::ServerIdentity;

/// What a [`Server`] is built from. Created by [`Server::builder`].
///
/// Everything but the keys has a default: call [`data_dir`](Self::data_dir) or [`identity`](Self::identity), and then
/// [`bind`](Self::bind) or [`accept_from`](Self::accept_from).
#[must_use = "a builder does nothing until `bind` or `accept_from`"]
pub struct ServerBuilder<A, J = Alone> {
    accounts: A,
    sharing: Option<Sharing<J>>,
    data_dir: Option<PathBuf>,
    identity: Option<ServerIdentity>,
    registration: Option<RegistrationPolicy>,
    options: ServerOptions,
    observer: Observer,
}

type Observer = Box<dyn FnMut(&Record) + Send>;

/// The keys of a server, and the lock of the folder that holds them.
type Keys = (ServerIdentity, Option<FolderLock>);

impl<A: Accounts> ServerBuilder<A> {
    pub(super) fn new(accounts: A) -> Self {
        Self {
            accounts,
            sharing: None,
            data_dir: None,
            identity: None,
            registration: None,
            options: ServerOptions::default(),
            observer: Box::new(|_| {}),
        }
    }

    /// Shares the roster with all servers that use the same `journal`. They have the same accounts and the same ticket
    /// key, and should have the same certificate, so that their clients accept each of them. `name` tells operators which
    /// server it is: 1 to 64 visible characters of ASCII. By default the server is alone.
    ///
    /// Until the server has read the journal, and while the journal cannot be reached, nobody can log in, except clients
    /// whose sessions are at this server.
    pub fn sharing<J: Journal>(self, journal: J, name: impl Into<String>) -> ServerBuilder<A, J> {
        let Self { accounts, sharing: _, data_dir, identity, registration, options, observer } = self;
        let sharing = Some(Sharing { journal, node: NodeRow { name: name.into() } });
        ServerBuilder { accounts, sharing, data_dir, identity, registration, options, observer }
    }
}

impl<A: Accounts, J: Journal> ServerBuilder<A, J> {
    /// Keeps the server's keys in this folder, and creates what is missing with access for its owner only; see
    /// [`ServerIdentity::load_or_create`]. The folder stays locked as long as the server exists, so that no second
    /// server uses it.
    pub fn data_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.data_dir = Some(folder.into());
        self
    }

    /// Uses these keys instead of a data folder. Nothing is locked.
    pub fn identity(mut self, identity: ServerIdentity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Sets the times and limits of the machine. By default [`ServerConfig::default`], which suits up to ten thousand
    /// sessions.
    pub fn config(mut self, config: ServerConfig) -> Self {
        self.options.machine = config;
        self
    }

    /// Sets which clients may register an account, whatever [`config`](Self::config) says. By default every client that
    /// can connect.
    pub fn registration(mut self, policy: RegistrationPolicy) -> Self {
        self.registration = Some(policy);
        self
    }

    /// Sets the limits of the relay, which passes sealed datagrams on between clients that have no other way to each
    /// other. `None` switches it off, and clients are told so. By default [`RelayConfig::default`].
    pub fn relay(mut self, config: Option<RelayConfig>) -> Self {
        self.options.relay = config;
        self
    }

    /// Appends arrivals and departures to this file, which is created with mode 0600. By default there is no presence
    /// log.
    pub fn presence_log(mut self, file: impl Into<PathBuf>) -> Self {
        self.options.presence_log = Some(file.into());
        self
    }

    /// Sets the format of the presence log. By default [`PresenceLogFormat::Text`].
    pub fn presence_log_format(mut self, format: PresenceLogFormat) -> Self {
        self.options.presence_log_format = format;
        self
    }

    /// Calls `observer` for every record: arrivals, departures and moves, start and stop. It must not block, because
    /// the task that serves all clients calls it.
    pub fn observer(mut self, observer: impl FnMut(&Record) + Send + 'static) -> Self {
        self.observer = Box::new(observer);
        self
    }

    /// Sets the limit of a session's send queue in bytes; see [`ServerOptions::send_queue`].
    pub fn send_queue(mut self, bytes: usize) -> Self {
        self.options.send_queue = bytes;
        self
    }

    /// Sets how long a client may read nothing while frames wait for it; see [`ServerOptions::unread_time`].
    pub fn unread_time(mut self, time: Duration) -> Self {
        self.options.unread_time = time;
        self
    }

    /// Sets how long a TLS handshake may take; see [`ServerOptions::handshake_time`].
    pub fn handshake_time(mut self, time: Duration) -> Self {
        self.options.handshake_time = time;
        self
    }

    /// Builds the server, and listens at `address`: anything that names a socket address, such as `"0.0.0.0:7777"`,
    /// `"chat.example:7777"` or a `SocketAddr`. If a name has several addresses, the server listens at the first one
    /// that is free; `[::]` means all addresses of both families. See [`listen`].
    ///
    /// # Errors
    /// See [`StartError`]. The operator or the developer can correct each cause.
    ///
    /// # Panics
    /// Outside a tokio runtime with I/O and time enabled.
    ///
    /// # Cancel safety
    /// If the future is dropped, there is no server. The data folder may have been created.
    pub async fn bind(mut self, address: impl ToSocketAddrs) -> Result<Server, StartError> {
        self.check()?;
        let addresses = lookup_host(address).await.map_err(StartError::Resolve)?.collect::<Vec<_>>();
        let keys = self.keys().await?;
        self.build(listen_at_first(&addresses)?, keys)
    }

    /// Builds the server, and accepts connections from `listener`.
    ///
    /// # Errors
    /// See [`StartError`]. The operator or the developer can correct each cause.
    ///
    /// # Panics
    /// Outside a tokio runtime with I/O and time enabled.
    ///
    /// # Cancel safety
    /// If the future is dropped, there is no server. The data folder may have been created.
    pub async fn accept_from(mut self, listener: TcpListener) -> Result<Server, StartError> {
        self.check()?;
        let keys = self.keys().await?;
        self.build(listener, keys)
    }

    /// Refuses settings that cannot work, before anything is created.
    fn check(&mut self) -> Result<(), StartError> {
        if let Some(policy) = self.registration.take() {
            self.options.machine.registration = policy;
        }
        self.options.machine.check()?;
        self.options.relay.as_ref().map_or(Ok(()), RelayConfig::check)?;
        SettingError::require_above_zero("send_queue", &self.options.send_queue)?;
        SettingError::require_above_zero("unread_time", &self.options.unread_time)?;
        SettingError::require_above_zero("handshake_time", &self.options.handshake_time)?;
        if self.sharing.as_ref().is_some_and(|sharing| !node_name::is_allowed(&sharing.node.name)) {
            return Err(StartError::NodeName);
        }
        match (&self.data_dir, &self.identity) {
            (None, None) => Err(StartError::NoIdentity),
            (Some(_), Some(_)) => Err(StartError::TwoIdentities),
            _ => Ok(()),
        }
    }

    /// Returns the identity that was passed, or locks the data folder and loads the identity from there.
    async fn keys(&mut self) -> Result<Keys, StartError> {
        if let Some(identity) = self.identity.take() {
            return Ok((identity, None));
        }
        let folder = self.data_dir.clone().ok_or(StartError::NoIdentity)?;
        let loaded = spawn_blocking(move || {
            let folder = DataFolder::open(folder)?;
            let lock = folder.lock()?;
            Ok((ServerIdentity::load_or_create(folder.path())?, Some(lock)))
        });
        loaded.await.map_err(|error| StartError::Stopping(cancelled(error)))?
    }

    fn build(self, listener: TcpListener, (identity, lock): Keys) -> Result<Server, StartError> {
        let Self { accounts, sharing, data_dir, options, observer, .. } = self;
        let address = listener.local_addr().map_err(StartError::Listener)?;
        let handle = ServerHandle::new(address, options.monitor.clone(), options.reload.clone(), data_dir);
        let lifetime = Lifetime::new(options.monitor.counters(), lock, handle.ended_token());
        let prepared = Prepared::new(listener, &identity, Arc::new(accounts), options, observer, lifetime)?;
        let prepared = prepared.sharing(sharing);
        let stop = handle.stop_token().cancelled_owned();
        Ok(Server::new(handle, prepared.run(stop)))
    }
}

/// Listens at the first address that is free.
fn listen_at_first(addresses: &[SocketAddr]) -> Result<TcpListener, StartError> {
    let no_address = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    let mut failed = StartError::Resolve(no_address);
    for address in addresses {
        match listen(*address) {
            Ok(listener) => return Ok(listener),
            Err(source) => failed = StartError::Listen { address: *address, source },
        }
    }
    Err(failed)
}

/// Shows neither the accounts nor the keys.
impl<A, J> fmt::Debug for ServerBuilder<A, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerBuilder")
            .field("data_dir", &self.data_dir)
            .field("identity", &self.identity)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
