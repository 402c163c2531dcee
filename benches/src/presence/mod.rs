//! The presence server with many sessions, measured from outside: the real program as a process of its own, over TLS.
//!
//! All clients live in this process. They are light, so that they cost less than the server does: they speak the wire
//! types directly, have no datagram sockets, and come from many addresses of 127.0.0.0/8. A few of them **look closely**:
//! they keep a roster and it is compared with the truth entry by entry. All others **count**: entries of pages, and the
//! numbers of changes, each of which has to join the one before. The truth is what each client was told about itself.
//!
//! Each scenario is one file and says at its top what it means.

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

/// What all scenarios share.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The program `chat-server`.
    pub program: PathBuf,
    /// Where people and the server's data are kept between runs.
    pub folder: PathBuf,
    /// Sessions, one row or group of rows for each number.
    pub sessions: Vec<usize>,
    /// Runs of each.
    pub runs: usize,
    /// How many clients look closely.
    pub closely: usize,
    /// How many clients may be between connecting and being let in.
    pub dialling: usize,
    /// How long anything is waited for.
    pub patience: Duration,
    /// The form of the results.
    pub format: Format,
}

impl Setting {
    /// Makes the accounts and tickets that are missing; scenarios do it too.
    ///
    /// # Errors
    /// The folder cannot be used.
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

/// Where the program `chat-server` is unless told otherwise: beside this one.
pub fn beside(own: &Path) -> PathBuf {
    own.with_file_name("chat-server")
}

/// How often clients send heartbeats, as the server asks by default.
const BEAT: Duration = Duration::from_secs(10);

/// Whose server is measured.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Design {
    Ours,
    Naive,
}

impl Design {
    /// Starts it; gives its name in results, and how clients come in.
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

/// What went wrong in a crowd, on standard error, as it explains a bad row.
#[expect(clippy::print_stderr, reason = "diagnostics of a program")]
fn tell_troubles(what: &str, troubles: &std::collections::BTreeMap<String, u64>) {
    for (trouble, count) in troubles {
        eprintln!("{what}: {count} x {trouble}");
    }
}

type Outcome = io::Result<bool>;
