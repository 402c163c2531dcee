//! Servers from the builder.

mod builder;
mod ending;
mod failing_accounts;
mod sharing;

use chat_core::accounts::memory::MemoryAccounts;
use chat_core::wire::control::Purpose;
use chat_net::client::{ClientOptions, ConnectError, connect};
use chat_net::{Server, ServerBuilder, ServerHandle};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::harness::{PATIENCE, Person, client_options, options};

/// A builder with a data folder of its own, and times that are short enough to wait for.
fn builder(folder: &TempDir) -> ServerBuilder<MemoryAccounts> {
    Server::builder(MemoryAccounts::new()).data_dir(folder.path().join("data")).config(options().machine)
}

/// A server that runs in a task.
struct Running {
    handle: ServerHandle,
    task: JoinHandle<()>,
}

impl Running {
    fn start(server: Server) -> Self {
        let handle = server.handle();
        let task = tokio::spawn(async { server.run().await.unwrap() });
        Self { handle, task }
    }

    /// The options of a client that logs in.
    fn options(&self, user: &str, purpose: Purpose) -> ClientOptions {
        client_options(self.handle.address(), self.handle.fingerprint(), user, purpose)
    }

    async fn connect(&self, options: ClientOptions) -> Result<Person, ConnectError> {
        let client = timeout(PATIENCE, connect(options)).await.expect("connect returns in time")?;
        let (client, events) = client.split();
        Ok(Person { client, events })
    }

    /// Registers `user` and logs in.
    async fn join(&self, user: &str) -> Person {
        self.connect(self.options(user, Purpose::Register)).await.unwrap()
    }

    /// Stops the server, and waits until nothing is left of it.
    async fn stop(self) {
        self.handle.stop();
        timeout(PATIENCE, self.task).await.expect("the server stops in time").unwrap();
        timeout(PATIENCE, self.handle.stopped()).await.expect("the server ends in time");
    }
}
