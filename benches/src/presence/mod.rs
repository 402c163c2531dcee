//! Benchmarks of the presence server with many sessions, measured from outside: the real program runs as a separate
//! process, and clients connect over TLS.
//!
//! All clients share this process. They use the wire types directly, have no datagram sockets, and connect from many
//! addresses of 127.0.0.0/8, so that they cost less than the server does. A few clients keep a full roster, which is
//! compared with the expected roster entry by entry. All other clients only count: the entries of snapshot pages, and the
//! revisions of updates, each of which must continue the previous one. The expected roster consists of the entry that each
//! client received about itself in its welcome.
//!
//! Each scenario is one module, whose documentation defines what it measures.

mod accounts;
pub mod broadcast;
pub mod churn;
mod client;
mod clients;
mod connection;
mod counters;
mod floor;
pub mod idle;
pub mod join_storm;
pub mod login_storm;
mod naive;
mod net;
mod processor_samples;
pub mod relay;
pub mod resume_storm;
mod server;
mod tls;
mod trial;
mod view;

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

    /// All runs with all numbers of sessions.
    fn cases(&self) -> impl Iterator<Item = (usize, usize)> {
        (1..=self.runs).flat_map(|run| self.sessions.iter().map(move |sessions| (run, *sessions)))
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
