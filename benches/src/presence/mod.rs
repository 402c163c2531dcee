//! Benchmarks of the presence server with many sessions, measured from outside: the real program runs as a separate
//! process, and clients connect over TLS.
//!
//! All clients share this process. They use the wire types directly, have no datagram sockets, and connect from many
//! addresses of 127.0.0.0/8, so that they cost less than the server does. A few **closely looking** clients keep a
//! roster, which is compared with the expected roster entry by entry. All other clients only **count**: the entries of
//! snapshot pages, and the revisions of updates, each of which must continue the previous one. The expected roster
//! consists of the entry that each client received about itself in its welcome.
//!
//! Each scenario is one module, whose documentation defines what it measures.

pub mod broadcast;
pub mod churn;
mod client;
mod crowd;
pub mod floor;
pub mod idle;
pub mod join_storm;
mod line;
pub mod login_storm;
mod member;
pub mod naive;
mod net;
mod peek_reply;
mod people;
mod process;
mod random;
pub mod resume_storm;
mod tally;
mod tls;
mod usage;
mod view;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use self::client::By;
use self::net::{Arrivals, Net};
use self::people::{People, server_folder};
use self::process::Server;
use crate::output::Format;

/// The settings that all scenarios share.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Path of the `chat-server` executable.
    pub program: PathBuf,
    /// Directory that keeps accounts, tickets and the server's data between runs.
    pub folder: PathBuf,
    /// Numbers of sessions. Each number yields its own row or rows.
    pub sessions: Vec<usize>,
    /// Runs for each number of sessions.
    pub runs: usize,
    /// Number of clients that keep a full roster.
    pub closely: usize,
    /// Maximum number of clients that connect and log in at the same time.
    pub dialling: usize,
    /// Timeout for each phase of a scenario.
    pub patience: Duration,
    /// Output format of the results.
    pub format: Format,
}

impl Setting {
    /// Creates missing accounts and tickets: `holders` with a ticket and `members` with a password. Scenarios call it
    /// implicitly.
    ///
    /// # Errors
    /// Returns an error if the directory cannot be read or written, or if a client does not obtain a ticket in time.
    pub async fn prepare(&self, holders: usize, members: usize) -> io::Result<()> {
        People::gather(&self.folder, holders, members).await.map(drop)
    }

    fn data(&self) -> PathBuf {
        server_folder(&self.folder)
    }

    fn serve(&self) -> io::Result<Server> {
        Server::chat(&self.program, &self.data())
    }

    fn net(&self, server: &Server, arrivals: Arrivals) -> io::Result<std::sync::Arc<Net>> {
        Net::new(server.address, self.dialling, arrivals)
    }

    fn most(&self) -> usize {
        self.sessions.iter().copied().max().unwrap_or(0)
    }
}

/// The default path of the `chat-server` executable: the directory of the executable `own`.
pub fn beside(own: &Path) -> PathBuf {
    own.with_file_name("chat-server")
}

/// The clients' heartbeat interval: the server's default.
const BEAT: Duration = Duration::from_secs(10);

/// The server design under test.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Design {
    Ours,
    Naive,
}

impl Design {
    /// Starts a server of this design. Returns the server, its name in the results, and how clients log in to it.
    fn start(self, setting: &Setting) -> io::Result<(Server, &'static str, By)> {
        Ok(match self {
            Self::Ours => (setting.serve()?, "ours", By::Ticket),
            Self::Naive => (Server::ours("naive-server", &setting.data())?, "naive", By::Password),
        })
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Prints a crowd's troubles to standard error, to explain a row with faults.
#[expect(clippy::print_stderr, reason = "diagnostics of a program")]
fn tell_troubles(what: &str, troubles: &std::collections::BTreeMap<String, u64>) {
    for (trouble, count) in troubles {
        eprintln!("{what}: {count} x {trouble}");
    }
}

/// The result of a scenario: whether every client was online with the correct roster.
type Outcome = io::Result<bool>;
