//! One measurement: server processes, clients that are offline at first, and what all have used.

use std::io;
use std::ops::{AddAssign, Range, Sub};
use std::sync::atomic::Ordering;
use std::time::Duration;

use chat_store::testing::Keep;

use super::Settings;
use super::accounts::TestAccount;
use super::client::Method;
use super::clients::{Clients, HEARTBEAT, Reached};
use super::net::{Arrivals, Net};
use super::roster::SharedRoster;
use super::server::{Design, Server};
use super::servers::Servers;
use crate::machine;

/// One measurement.
#[derive(Debug)]
pub(crate) struct Trial {
    design: Design,
    pub(crate) timeout: Duration,
    pub(crate) servers: Servers,
    pub(crate) clients: Clients,
}

/// The traffic and processor time of servers and clients so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Usage {
    /// Decrypted bytes and frames that the clients received.
    pub(crate) bytes: u64,
    pub(crate) frames: u64,
    /// Processor time of each server, of the Redis server that they share, and of this process.
    pub(crate) servers: Vec<Duration>,
    pub(crate) redis: Duration,
    pub(crate) clients: Duration,
}

impl Sub for Usage {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        // A process that was killed has used nothing any more, and one that was started again begins at nothing.
        let both = self.servers.iter().zip(earlier.servers);
        Self {
            bytes: self.bytes - earlier.bytes,
            frames: self.frames - earlier.frames,
            servers: both.map(|(later, earlier)| later.saturating_sub(earlier)).collect(),
            redis: self.redis.saturating_sub(earlier.redis),
            clients: self.clients - earlier.clients,
        }
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.frames += other.frames;
        self.servers.resize(self.servers.len().max(other.servers.len()), Duration::ZERO);
        self.servers.iter_mut().zip(other.servers).for_each(|(one, other)| *one += other);
        self.redis += other.redis;
        self.clients += other.clients;
    }
}

impl Usage {
    /// The processor time of all servers together, without Redis.
    pub(crate) fn server(&self) -> Duration {
        self.servers.iter().sum()
    }
}

impl Trial {
    /// Starts a server, and one client for each account.
    pub(crate) async fn start(
        settings: &Settings,
        design: Design,
        arrivals: Arrivals,
        accounts: &[TestAccount],
    ) -> io::Result<Self> {
        Self::start_nodes(settings, design, arrivals, accounts, 1).await
    }

    /// As [`start`](Self::start), with several servers, at which the clients begin in turn.
    pub(crate) async fn start_nodes(
        settings: &Settings,
        design: Design,
        arrivals: Arrivals,
        accounts: &[TestAccount],
        nodes: usize,
    ) -> io::Result<Self> {
        let servers = Servers::start(settings, design, nodes, Keep::Nothing).await?;
        Self::at(settings, design, servers, arrivals, accounts, nodes)
    }

    /// One client for each account, and servers that run already. The clients begin in turn at the first `homes` of them.
    pub(crate) fn at(
        settings: &Settings,
        design: Design,
        servers: Servers,
        arrivals: Arrivals,
        accounts: &[TestAccount],
        homes: usize,
    ) -> io::Result<Self> {
        let net = Net::to_any(servers.addresses(), settings.dialling, arrivals)?;
        let clients = Clients::new(&net, 0, accounts, settings.full_rosters, HEARTBEAT);
        for (index, shared) in clients.states.iter().enumerate() {
            shared.lock().server = index % homes;
        }
        Ok(Self { design, timeout: settings.patience, servers, clients })
    }

    /// A presence server that runs already, and its clients.
    pub(crate) fn with(server: Server, clients: Clients, timeout: Duration) -> Self {
        let servers = Servers { all: vec![server], roster: None };
        Self { design: Design::Ours, timeout, servers, clients }
    }

    /// Makes the clients in `range` log in, and waits until each has the complete roster: each of `range.end` sessions is
    /// one change.
    pub(crate) async fn login(&self, range: Range<usize>) -> Reached {
        // The naive server issues no tickets.
        let method = if self.design == Design::Naive { Method::Password } else { Method::Ticket };
        let target = range.end as u64;
        self.clients.login(range, method, target, self.timeout).await
    }

    /// The latest revision that a client has.
    pub(crate) fn revision(&self) -> u64 {
        self.clients.latest_version().map_or(0, |version| version.revision.get())
    }

    /// How often a client has resumed with a delta.
    pub(crate) fn deltas(&self) -> u64 {
        self.clients.counters.deltas.load(Ordering::Relaxed)
    }

    pub(crate) fn usage(&self) -> Usage {
        Usage {
            bytes: self.clients.counters.bytes.load(Ordering::Relaxed),
            frames: self.clients.counters.frames.load(Ordering::Relaxed),
            servers: self.servers.times(),
            redis: self.servers.roster.as_ref().map_or(Duration::ZERO, SharedRoster::time),
            clients: machine::process_time(),
        }
    }

    /// Ends the clients and the servers, and prints the failures of the clients, which explain a row with faults.
    pub(crate) async fn shut_down(self) {
        self.clients.counters.print_failures(&self.design.name());
        self.clients.shut_down().await;
    }
}
