//! The servers of a trial: one that is alone, or several that share a roster.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::time::{Duration, Instant};

use chat_store::StoreUrl;
use chat_store::testing::Keep;
use tokio::time::sleep;

use super::Settings;
use super::roster::SharedRoster;
use super::server::{Design, Server};

/// The running servers. Dropping them kills their processes, and that of Redis.
#[derive(Debug)]
pub(crate) struct Servers {
    pub(crate) all: Vec<Server>,
    /// The roster that they share. `None` for a server that is alone.
    pub(crate) roster: Option<SharedRoster>,
}

/// The keys that servers with one roster have in common.
const KEYS: [&str; 2] = ["identity.pem", "ticket.key"];

/// How long servers may take to meet. The first waits 3 s for others that know more than it does.
const MEETING_TIME: Duration = Duration::from_secs(60);

impl Servers {
    /// Starts `nodes` servers, and waits until each serves. One server is alone, and several share a roster in a Redis
    /// server that keeps its data if it is restarted, or not.
    pub(crate) async fn start(settings: &Settings, design: Design, nodes: usize, keep: Keep) -> io::Result<Self> {
        if nodes == 1 {
            return Ok(Self { all: vec![Server::start(settings, design)?], roster: None });
        }
        let roster = SharedRoster::start(keep);
        let all = (0..nodes).map(|node| start_node(settings, node, &roster.url)).collect::<io::Result<_>>()?;
        let servers = Self { all, roster: Some(roster) };
        servers.meet().await?;
        Ok(servers)
    }

    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.all.iter().map(|server| server.address).collect()
    }

    /// The processor time of each server.
    pub(crate) fn times(&self) -> Vec<Duration> {
        self.all.iter().map(|server| server.process.time()).collect()
    }

    /// The resident memory of all servers together.
    pub(crate) fn resident(&self) -> u64 {
        self.all.iter().map(|server| server.process.memory().resident).sum()
    }

    /// Waits until all servers share the roster.
    async fn meet(&self) -> io::Result<()> {
        let begin = Instant::now();
        while self.roster.as_ref().is_some_and(|roster| roster.nodes() < self.all.len()) {
            if begin.elapsed() > MEETING_TIME {
                return Err(io::Error::other("the servers do not meet"));
            }
            sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }
}

/// Starts a server that shares a roster: with the keys and the accounts of the server that is alone, in a folder of its
/// own.
fn start_node(settings: &Settings, node: usize, roster: &str) -> io::Result<Server> {
    let (common, own) = (settings.server_data(), settings.folder().join(format!("node{node}")));
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&own)?;
    for key in KEYS {
        fs::copy(common.join(key), own.join(key))?;
        fs::set_permissions(own.join(key), fs::Permissions::from_mode(0o600))?;
    }
    let accounts = StoreUrl::sqlite(std::path::absolute(common.join("chat.sqlite"))?).to_string();
    let name = format!("node{node}");
    let variables = [("CHAT_DATABASE", accounts.as_str()), ("CHAT_ROSTER", roster), ("CHAT_NODE_NAME", &name)];
    Server::start_in(settings, Design::Ours, &own, &[], &variables)
}
