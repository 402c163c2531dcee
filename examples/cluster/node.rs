//! One of the servers.

use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;

use chat_net::identity::{Fingerprint, ServerIdentity};
use chat_net::server::Metric;
use chat_net::{Server, ServerHandle};
use chat_store::{RedisJournal, RosterUrl};
use tokio::runtime::{Builder, Runtime};

/// The settings that the servers share.
pub(super) struct Shared {
    pub(super) database: String,
    pub(super) keys: PathBuf,
    pub(super) roster: RosterUrl,
}

/// A server with a runtime of its own.
pub(super) struct Node {
    runtime: Runtime,
    handle: ServerHandle,
}

impl Node {
    /// Starts a server.
    pub(super) fn start(name: &str, listen: SocketAddr, shared: &Shared) -> Result<Self, Box<dyn Error>> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let handle = runtime.block_on(async {
            let accounts = chat_store::open(&shared.database).await?;
            let identity = ServerIdentity::load_or_create(&shared.keys)?;
            // Servers with other keys must not share the roster, so the journal checks the fingerprint of the ticket key.
            let journal = RedisJournal::open(&shared.roster, identity.ticket_key_fingerprint()).await?;
            let server = Server::builder(accounts).identity(identity).sharing(journal, name).bind(listen).await?;
            let handle = server.handle();
            tokio::spawn(server.run());
            Ok::<_, Box<dyn Error>>(handle)
        })?;
        Ok(Self { runtime, handle })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.handle.address()
    }

    pub(super) fn fingerprint(&self) -> Fingerprint {
        self.handle.fingerprint()
    }

    /// How many servers it shares the roster with, itself included.
    pub(super) fn servers(&self) -> usize {
        self.handle.nodes().len()
    }

    /// How many people are connected to it.
    pub(super) fn people(&self) -> usize {
        self.handle.metrics()[Metric::Sessions] as usize
    }

    /// Ends all tasks of the server where they are: it says goodbye to nobody.
    pub(super) fn kill(self) {
        self.runtime.shutdown_background();
    }
}
