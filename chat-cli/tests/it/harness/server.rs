//! A running `chat-server` with a data folder and a port of its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use chat_store::testing::TestDatabase;
use rustix::process::Signal;
use serde_json::Value;

use super::home::path_text;
use super::output::Output;
use super::{ClientSetup, Finished, Home, Namespace, PASSWORD, Process, finish, until};

/// A server that accepts clients. Killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
    pub(crate) fingerprint: String,
    out: Output,
    home: Home,
    /// `None` for the default, an SQLite file in the data folder.
    database: Option<TestDatabase>,
}

impl Server {
    /// Starts a server on this database, in a new home.
    pub(crate) fn start(database: TestDatabase) -> Self {
        Self::start_with(database, &[])
    }

    /// Starts a server with further arguments.
    pub(crate) fn start_with(database: TestDatabase, args: &[&str]) -> Self {
        let home = Home::new();
        let mut command = command(&home, Some(&database));
        Self::launch(home, Some(database), command.args(LISTEN).args(args))
    }

    /// Starts a server that may open at most this many file descriptors.
    pub(crate) fn start_with_descriptors(database: TestDatabase, descriptors: usize) -> Self {
        let home = Home::new();
        let server = command(&home, Some(&database));
        let mut shell = home.command("/bin/sh");
        shell.args(["-c", "ulimit -n \"$0\" && exec \"$@\"", &descriptors.to_string()]);
        shell.arg(server.get_program()).args(server.get_args()).args(LISTEN);
        shell.env("CHAT_DATABASE", database.url_text());
        Self::launch(home, Some(database), &mut shell)
    }

    /// Starts a server in this home, on the data folder `data` and its SQLite file.
    pub(crate) fn start_in(home: &Home, args: &[&str]) -> Self {
        Self::launch(home.clone(), None, command(home, None).args(LISTEN).args(args))
    }

    /// Starts a server in this network, on the data folder `data` of a new home and its SQLite file.
    pub(crate) fn start_inside(namespace: &Namespace, args: &[&str]) -> Self {
        let home = Home::new();
        let command = namespace.enter(command(&home, None).args(args));
        Self::launch(home, None, &mut { command })
    }

    /// Starts a server with this command, whose data folder is `data` in this home.
    pub(crate) fn start_command(home: &Home, command: &mut Command) -> Self {
        Self::launch(home.clone(), None, command)
    }

    fn launch(home: Home, database: Option<TestDatabase>, command: &mut Command) -> Self {
        let mut process = Process::spawn(command);
        let out = Output::collect(process.stdout());
        let (address, fingerprint) = (SocketAddr::from(([0; 4], 0)), String::new());
        let mut server = Self { process, address, fingerprint, out, home, database };
        server.address = server.printed("listening on ").parse().unwrap();
        server.fingerprint = server.printed("fingerprint ");
        let digits = server.fingerprint.bytes().filter(u8::is_ascii_hexdigit).count();
        assert_eq!((digits, server.fingerprint.len()), (64, 64), "{}", server.fingerprint);
        // The presence log's first record, with a time such as 2026-11-23T04:28:00.123Z: the server is serving.
        server.printed("20");
        let lines = server.out.lines();
        assert!(lines[0].starts_with("listening on ") && lines[2].starts_with("fingerprint "), "{lines:?}");
        assert_eq!(lines[1], format!("data folder {}", server.data_dir().display()));
        if server.address.ip().is_loopback() {
            assert!(lines[3].starts_with("only programs on this machine can connect"), "{lines:?}");
        }
        server
    }

    /// Starts the server again on the same port, data folder and database, after it has ended.
    pub(crate) fn restart(&mut self) {
        let mut command = self.command();
        let listen = self.address.to_string();
        let again = Self::launch(self.home.clone(), self.database.clone(), command.args(["--listen", &listen]));
        assert_eq!(again.address, self.address);
        *self = again;
    }

    /// Starts a server of [`Self::start_inside`] again, on the same port and data folder, after it has ended.
    pub(crate) fn restart_inside(&mut self, namespace: &Namespace) {
        let mut command = self.command();
        command.args(["--listen", &self.address.to_string()]);
        *self = Self::launch(self.home.clone(), None, &mut namespace.enter(&command));
    }

    /// Asks the server to stop, and asserts that it ends cleanly.
    #[track_caller]
    pub(crate) fn stop(&mut self) {
        self.process.signal(Signal::TERM);
        assert_eq!(self.process.exit().code(), Some(0), "{}", self.process.errors());
    }

    /// Waits for a line of standard output that begins like this, and returns the rest of the latest one.
    #[track_caller]
    pub(crate) fn printed(&mut self, beginning: &str) -> String {
        let mut found = None;
        until(&format!("the server prints {beginning:?}"), || {
            let has_ended = self.process.has_ended();
            found = self.out.lines().iter().rev().find_map(|line| line.strip_prefix(beginning)).map(str::to_owned);
            assert!(found.is_some() || !has_ended, "the server ended: {}", self.process.errors());
            found.is_some()
        });
        found.unwrap()
    }

    /// A `chat-server` command on the same data folder and database.
    pub(crate) fn command(&self) -> Command {
        command(&self.home, self.database.as_ref())
    }

    /// Runs an operator's command on the same data folder and database, beside the running server.
    #[must_use = "assert how the command ended"]
    pub(crate) fn operate(&self, args: &[&str]) -> Finished {
        finish(self.command().args(args).env("CHAT_PASSWORD", PASSWORD))
    }

    /// What `chat-server status --format json` reports.
    pub(crate) fn status(&self) -> Value {
        let Finished { code, out, err } = self.operate(&["status", "--format", "json"]);
        assert_eq!(code, Some(0), "{err}");
        serde_json::from_str(&out).unwrap()
    }

    /// A client of this user that knows the server's fingerprint.
    pub(crate) fn client(&self, user: &str) -> ClientSetup {
        ClientSetup::new(user, self.address, &self.home.of_user(user)).fingerprint(&self.fingerprint)
    }

    /// A client of this user in this network that knows the server's fingerprint, and finds the server at `address`. It
    /// receives messages at all addresses of the network.
    pub(crate) fn client_inside(&self, namespace: &Namespace, user: &str, address: &str) -> ClientSetup {
        let setup = ClientSetup::new(user, address, &self.home.of_user(user)).fingerprint(&self.fingerprint);
        setup.env("CHAT_UDP", "[::]:0").inside(namespace)
    }

    /// The home that the server's data folder and its clients' homes are in.
    pub(crate) fn home(&self) -> &Home {
        &self.home
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.home.join("data")
    }

    /// A file in the data folder.
    pub(crate) fn data(&self, file: &str) -> PathBuf {
        self.data_dir().join(file)
    }

    /// The lines of the presence log without their times. Asserts that the times are in the documented form and in
    /// order.
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
        assert!(log.is_empty() || log.ends_with('\n'), "{log:?}");
        log.lines().map(line).collect()
    }

    /// Waits until the presence log has this many lines, and returns them without times and addresses. The server
    /// writes the log in a thread that nothing else waits for.
    pub(crate) fn presence_records(&self, lines: usize) -> Vec<String> {
        until("the presence log is written", || self.presence_log().len() >= lines);
        self.presence_log().iter().map(|line| without_address(line).to_owned()).collect()
    }
}

/// A line of the presence log without its address.
pub(crate) fn without_address(line: &str) -> &str {
    line.split_once(" 127.0.0.1:").map_or(line, |(before, _)| before)
}

const LISTEN: [&str; 2] = ["--listen", "127.0.0.1:0"];

fn command(home: &Home, database: Option<&TestDatabase>) -> Command {
    let mut command = home.command("chat-server");
    command.args(["--data-dir", path_text(&home.join("data"))]);
    if let Some(database) = database {
        // In the environment, because the URL may hold a password.
        command.env("CHAT_DATABASE", database.url_text());
    }
    command
}
