//! One measurement: a server process, clients that are offline at first, and what both have used.

use std::io;
use std::ops::{Range, Sub};
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Settings;
use super::accounts::TestAccount;
use super::client::Method;
use super::clients::{Clients, HEARTBEAT, Reached};
use super::net::{Arrivals, Net};
use super::server::{Design, Server};
use crate::machine;

/// One measurement.
#[derive(Debug)]
pub(crate) struct Trial {
    design: Design,
    pub(crate) timeout: Duration,
    pub(crate) server: Server,
    pub(crate) clients: Clients,
}

/// The traffic and processor time of server and clients so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// Decrypted bytes and frames that the clients received.
    pub(crate) bytes: u64,
    pub(crate) frames: u64,
    /// Processor time of the server and of this process.
    pub(crate) server: Duration,
    pub(crate) clients: Duration,
}

impl Sub for Usage {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            bytes: self.bytes - earlier.bytes,
            frames: self.frames - earlier.frames,
            server: self.server - earlier.server,
            clients: self.clients - earlier.clients,
        }
    }
}

impl Trial {
    /// Starts a server, and one client for each account.
    pub(crate) fn start(
        settings: &Settings,
        design: Design,
        arrivals: Arrivals,
        accounts: &[TestAccount],
    ) -> io::Result<Self> {
        let server = Server::start(settings, design)?;
        let net = Net::new(server.address, settings.dialling, arrivals)?;
        let clients = Clients::new(&net, 0, accounts, settings.full_rosters, HEARTBEAT);
        Ok(Self { design, timeout: settings.patience, server, clients })
    }

    /// A presence server that runs already, and its clients.
    pub(crate) fn with(server: Server, clients: Clients, timeout: Duration) -> Self {
        Self { design: Design::Ours, timeout, server, clients }
    }

    /// Makes the clients in `range` log in, and waits until each has the complete roster: each of `range.end` sessions is
    /// one change.
    pub(crate) async fn login(&self, range: Range<usize>) -> Reached {
        // The naive server issues no tickets.
        let method = if self.design == Design::Naive { Method::Password } else { Method::Ticket };
        let target = range.end as u64;
        self.clients.login(range, method, target, self.timeout).await
    }

    pub(crate) fn usage(&self) -> Usage {
        Usage {
            bytes: self.clients.counters.bytes.load(Ordering::Relaxed),
            frames: self.clients.counters.frames.load(Ordering::Relaxed),
            server: self.server.process.time(),
            clients: machine::process_time(),
        }
    }

    /// Ends the clients and the server, and prints the failures of the clients, which explain a row with faults.
    pub(crate) async fn shut_down(self) {
        self.clients.counters.print_failures(&self.design.name());
        self.clients.shut_down().await;
    }
}
