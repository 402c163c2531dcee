//! Benchmarks of the presence server with many sessions, measured from outside: the real program runs as a separate
//! process, and clients connect over TLS.
//!
//! All clients share this process. They use the wire types directly, have no datagram sockets, and connect from many
//! addresses of 127.0.0.0/8, so that they cost less than the server does. A few clients keep a full roster, which is
//! compared with the expected roster entry by entry. All other clients only count: the entries of snapshot pages, and the
//! revisions of updates, each of which must continue the previous one. The expected roster consists of the entry that each
//! client received about itself in its welcome.
//!
//! With `--nodes`, a scenario runs with one server and then with several that share a roster through a Redis server, which
//! the benchmark starts. The clients begin at the servers in turn, and go to another one if theirs fails.
//!
//! Each scenario is one module, whose documentation defines what it measures.

mod accounts;
mod attempts;
pub mod broadcast;
pub mod churn;
mod client;
mod clients;
mod comparison;
mod connection;
mod counters;
pub mod failover;
mod faults;
mod floor;
pub mod idle;
pub mod join_storm;
pub mod login_storm;
mod naive;
mod net;
mod processor_samples;
pub mod relay;
pub mod resume_storm;
mod roster;
mod server;
mod servers;
pub mod sharing;
mod tls;
mod trial;
mod view;
mod warm_memory;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use self::accounts::TestAccounts;
pub use self::server::Design;

/// The settings that all scenarios share.
#[derive(clap::Args, Clone, Debug)]
pub struct Settings {
    /// Numbers of sessions. Each number yields its own row or rows.
    #[arg(long, global = true, value_delimiter = ',', default_value = "1000")]
    sessions: Vec<usize>,
    /// Runs for each number of sessions.
    #[arg(long, global = true, default_value_t = 1)]
    runs: usize,
    /// Servers that share a roster, compared with one server that has the same sessions. Needs an installed redis-server.
    /// With 1, the server is alone.
    #[arg(long, global = true, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=16))]
    nodes: u8,
    /// Path of the chat-server executable [default: chat-server in the directory of this program].
    #[arg(long, global = true)]
    server: Option<PathBuf>,
    /// Directory for accounts, tickets and the server's data [default: a temporary directory].
    #[arg(long, global = true)]
    data_dir: Option<PathBuf>,
    /// Clients that keep a full roster, which is verified entry by entry.
    #[arg(long, alias = "closely", global = true, default_value_t = 5)]
    full_rosters: usize,
    /// Maximum number of clients that connect and log in at the same time.
    #[arg(long, global = true, default_value_t = 1000)]
    dialling: usize,
    /// Timeout in seconds for each phase of a scenario.
    #[arg(long, global = true, default_value = "150", value_parser = seconds)]
    patience: Duration,
}

impl Settings {
    /// Sets the data directory, unless an argument did.
    pub fn set_default_data_dir(&mut self, folder: &Path) {
        self.data_dir.get_or_insert_with(|| folder.to_owned());
    }

    /// All runs with all numbers of sessions, first with one server and then with several.
    fn cases(&self) -> impl Iterator<Item = Case> {
        let several = (self.nodes > 1).then(|| self.nodes());
        let sessions = (1..=self.runs).flat_map(|run| self.sessions.iter().map(move |sessions| (run, *sessions)));
        sessions.flat_map(move |(run, sessions)| {
            [1].into_iter().chain(several).map(move |nodes| Case { run, sessions, nodes })
        })
    }

    fn nodes(&self) -> usize {
        self.nodes.into()
    }

    /// Refuses several servers, for a scenario that measures one.
    fn only_alone(&self) -> io::Result<()> {
        if self.nodes == 1 {
            Ok(())
        } else {
            Err(io::Error::other("this scenario measures one server, without --nodes"))
        }
    }

    /// Refuses a server that is alone, for a scenario that measures what several share.
    fn only_shared(&self) -> io::Result<()> {
        if self.nodes > 1 {
            Ok(())
        } else {
            Err(io::Error::other("this scenario measures several servers, such as --nodes 3"))
        }
    }

    fn max_sessions(&self) -> usize {
        self.sessions.iter().copied().max().unwrap_or(0)
    }

    async fn accounts(&self, with_ticket: usize, with_password: usize) -> io::Result<TestAccounts> {
        TestAccounts::load_or_create(self.folder(), &self.server_data(), with_ticket, with_password).await
    }

    fn folder(&self) -> &Path {
        self.data_dir.as_deref().unwrap_or_else(|| Path::new("."))
    }

    fn server_data(&self) -> PathBuf {
        self.folder().join("server")
    }
}

/// One measurement among several.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Case {
    run: usize,
    sessions: usize,
    nodes: usize,
}

/// Parses a number of seconds.
///
/// # Errors
/// The text is not a number of seconds.
pub fn seconds(text: &str) -> Result<Duration, &'static str> {
    let time = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    time.ok_or("this is not a time; write a number of seconds, such as 2 or 0.5")
}

/// Encodes a message as one frame.
fn encoded<T: serde::Serialize>(message: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    chat_core::wire::frame::encode(message, &mut bytes);
    bytes
}
