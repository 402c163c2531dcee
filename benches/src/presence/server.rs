//! Servers as child processes.

use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use clap::ValueEnum;

use super::{Settings, floor, naive};
use crate::machine::Process;

/// The design of a server.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Design {
    /// The presence server, which is a program of its own.
    Ours,
    /// The lower bound of a join storm.
    Floor,
    /// The whole roster for every session on every change.
    Naive,
}

impl Design {
    /// Runs a server for a comparison in this process, with the identity in the directory `data`.
    ///
    /// # Errors
    /// The listener cannot be opened or fails, the identity is unusable, or the design is not one for a comparison.
    pub async fn serve(self, data: &Path) -> io::Result<()> {
        match self {
            Self::Ours => Err(io::ErrorKind::Unsupported.into()),
            Self::Floor => floor::serve(data).await,
            Self::Naive => naive::serve(data).await,
        }
    }

    /// The name in the results and in the arguments.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// A running server process. Dropping it kills the process.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) process: Process,
}

impl Server {
    /// Starts a server and waits until it listens. The servers for comparisons are this executable.
    pub(crate) fn start(settings: &Settings, design: Design) -> io::Result<Self> {
        Self::start_with(settings, design, &[])
    }

    /// As [`start`](Self::start), with further arguments.
    pub(crate) fn start_with(settings: &Settings, design: Design, args: &[String]) -> io::Result<Self> {
        Self::start_in(settings, design, &settings.server_data(), args, &[])
    }

    /// As [`start_with`](Self::start_with), with the data directory `data` and these environment variables.
    pub(crate) fn start_in(
        settings: &Settings,
        design: Design,
        data: &Path,
        args: &[String],
        variables: &[(&str, &str)],
    ) -> io::Result<Self> {
        let own = std::env::current_exe()?;
        let mut command = if design == Design::Ours {
            let mut command =
                Command::new(settings.server.clone().unwrap_or_else(|| own.with_file_name("chat-server")));
            command.arg("--data-dir").arg(data).args(["--listen", "127.0.0.1:0"]);
            for name in ["CHAT_DATABASE", "CHAT_ROSTER", "CHAT_ROSTER_FILE"] {
                command.env_remove(name);
            }
            // In some scenarios one account leaves and returns all the time.
            command.env("CHAT_SESSIONS_PER_ACCOUNT", "1000000");
            command
        } else {
            let mut command = Command::new(own);
            command.arg("serve").arg(design.name()).arg(data);
            command
        };
        let mut child = command
            .args(args)
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| io::Error::new(error.kind(), format!("{:?}: {error}", command.get_program())))?;
        let mut lines = BufReader::new(child.stdout.take().expect("standard output is piped")).lines();
        let address = loop {
            let Some(line) = lines.next().transpose()? else {
                return Err(io::Error::other(format!("{:?} exited before it listened", command.get_program())));
            };
            if let Some(address) = line.strip_prefix("listening on ") {
                break address.parse().map_err(io::Error::other)?;
            }
        };
        // Keep reading, so that a full pipe never blocks the server.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Self { process: Process::new(child.id()), child, address })
    }

    /// Kills the process. Its connections break at once.
    pub(crate) fn kill(&mut self) {
        // Both calls fail if the process has already ended.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
