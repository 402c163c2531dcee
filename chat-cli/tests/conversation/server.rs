//! A running `chat-server`, and what outlives it.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use chat_store::testing::TestDatabase;
use tempfile::TempDir;

use crate::client::Starting;
use crate::process::{Ended, PATIENCE, Process, program, run, until};

/// A server on a port of its own, with a data folder and a database of its own.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
    pub(crate) fingerprint: String,
    pub(crate) database: TestDatabase,
    /// Holds the data folder and the homes of the clients.
    folder: TempDir,
}

/// What a server has to do with, if not the usual.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Limits {
    pub(crate) descriptors: Option<usize>,
    pub(crate) presence_log: Option<&'static str>,
}

impl Server {
    pub(crate) fn start(database: TestDatabase) -> Self {
        Self::start_with(database, Limits::default())
    }

    pub(crate) fn start_with(database: TestDatabase, limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = match limits.descriptors {
            Some(descriptors) => limited(folder.path(), &database, descriptors),
            None => command(folder.path(), &database),
        };
        if let Some(log) = limits.presence_log {
            command.args(["--presence-log", log]);
        }
        let mut process = Process::start(command.args(["--listen", "127.0.0.1:0"]));
        let (address, fingerprint) = greeting(&mut process, folder.path());
        Self { process, address, fingerprint, database, folder }
    }

    /// Kills it without a word.
    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again on the same port, folder and database, after it has ended.
    pub(crate) fn restart(&mut self) {
        let listen = self.address.to_string();
        self.process = Process::start(self.command().args(["--listen", &listen]));
        let (address, fingerprint) = greeting(&mut self.process, self.folder.path());
        assert_eq!(address, self.address);
        self.fingerprint = fingerprint;
    }

    /// A `chat-server` with the same data folder and database.
    pub(crate) fn command(&self) -> Command {
        command(self.folder.path(), &self.database)
    }

    /// Runs `chat-server user ...` beside it.
    pub(crate) fn user(&self, args: &[&str]) -> Ended {
        run(self.command().arg("user").args(args).env("CHAT_PASSWORD", crate::client::PASSWORD), "")
    }

    /// A client of the user, not started yet.
    pub(crate) fn client(&self, user: &str) -> Starting {
        Starting::new(user, self.address, &self.folder.path().join("homes").join(user)).fingerprint(&self.fingerprint)
    }

    pub(crate) fn data(&self, file: &str) -> PathBuf {
        data_folder(self.folder.path()).join(file)
    }

    /// The lines of the presence log without their times, which must be of the documented form and in order.
    pub(crate) fn presence_log(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.data("presence.log")).unwrap();
        let mut last = jiff::Timestamp::UNIX_EPOCH;
        let line = |line: &str| {
            let (time, rest) = line.split_once(' ').unwrap();
            assert!(time.len() == "2026-11-23T04:28:00.123Z".len() && time.ends_with('Z'), "{line}");
            let time: jiff::Timestamp = time.parse().unwrap();
            assert!(last <= time && time <= jiff::Timestamp::now(), "{line}");
            last = time;
            rest.to_owned()
        };
        assert!(log.ends_with('\n'));
        log.lines().map(line).collect()
    }

    /// The same without addresses, once there are so many: the log has a writer of its own, for which nobody waits.
    pub(crate) fn presence(&self, lines: usize) -> Vec<String> {
        until("the presence log is written", || self.presence_log().len() >= lines);
        self.presence_log().iter().map(|line| without_address(line).to_owned()).collect()
    }
}

/// A line of the presence log without its address.
pub(crate) fn without_address(line: &str) -> &str {
    line.split_once(" 127.0.0.1:").map_or(line, |(before, _)| before)
}

fn data_folder(folder: &Path) -> PathBuf {
    folder.join("server")
}

fn command(folder: &Path, database: &TestDatabase) -> Command {
    let mut command = program(env!("CARGO_BIN_EXE_chat-server"), &folder.join("operator"));
    // The database may have a password, which only the environment takes.
    command.arg("--data-dir").arg(data_folder(folder)).env("CHAT_DATABASE", database.url_text());
    command
}

/// The same with at most so many descriptors: the shell sets that and becomes the server.
fn limited(folder: &Path, database: &TestDatabase, descriptors: usize) -> Command {
    let server = command(folder, database);
    let mut shell = program("/bin/sh", &folder.join("operator"));
    shell.args(["-c", "ulimit -n \"$0\" && exec \"$@\"", &descriptors.to_string()]);
    shell.arg(server.get_program()).args(server.get_args()).env("CHAT_DATABASE", database.url_text());
    shell
}

/// Reads what the server says first: the address and the fingerprint.
fn greeting(process: &mut Process, folder: &Path) -> (SocketAddr, String) {
    let lines = lines(process);
    let next = |wanted: &str| -> String {
        let line = lines.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no {wanted}: {}", process.errors()));
        line.strip_prefix(wanted).unwrap_or_else(|| panic!("{line:?} does not begin with {wanted:?}")).to_owned()
    };
    let address = next("listening on ").parse().unwrap();
    assert_eq!(next("data folder "), data_folder(folder).display().to_string());
    let fingerprint = next("fingerprint ");
    assert!(fingerprint.len() == 64 && fingerprint.bytes().all(|byte| byte.is_ascii_hexdigit()), "{fingerprint}");
    (address, fingerprint)
}

/// Reads standard output to its end, so that the server never waits for us.
fn lines(process: &mut Process) -> Receiver<String> {
    let (to, lines) = channel();
    let stdout = process.child.stdout.take().unwrap();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            // Only the first lines are waited for.
            drop(to.send(line));
        }
    });
    lines
}
