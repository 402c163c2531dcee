//! A disposable Redis server, started from the installed binary.

use std::env;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use redis::Value;
use tempfile::TempDir;

use super::process::{RunningServer, create_certificate, find_program, free_port, log, random};
use crate::RosterUrl;

/// What a server keeps when it is stopped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Keep {
    /// Nothing: it is empty after a restart.
    Nothing,
    /// All that it has acknowledged until a moment ago, as in production (`appendonly yes`).
    Aof,
}

/// Redis on a port of 127.0.0.1, and on another one with TLS, with its data in a temporary folder.
///
/// The server is killed when this is dropped, and also when this process ends in any other way.
#[derive(Debug)]
pub struct RedisServer {
    program: PathBuf,
    folder: TempDir,
    port: u16,
    tls_port: u16,
    keep: Keep,
    running: Option<RunningServer>,
}

impl RedisServer {
    /// Returns the server that the tests of this process share. The first call starts it.
    ///
    /// # Panics
    /// If no server is installed; the message says what to install.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<RedisServer> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(Keep::Nothing))
    }

    /// Starts a server that the test may stop.
    ///
    /// # Panics
    /// If no server is installed; the message says what to install.
    pub fn start(keep: Keep) -> Self {
        let program = find_program(&["redis-server", "valkey-server", "keydb-server"]).expect(
            "these tests need a Redis server and start it themselves: install redis-server (Debian: apt-get install \
             redis-server)",
        );
        let folder = tempfile::Builder::new().prefix("chat-redis-").tempdir().expect("a test needs a temporary folder");
        create_certificate(folder.path()).expect("a certificate can be created in the temporary folder");
        let mut server = Self { program, folder, port: 0, tls_port: 0, keep, running: None };
        // Another process may bind a port before the server does.
        for _ in 0..3 {
            (server.port, server.tls_port) = (free_port(), free_port());
            if let Ok(running) = server.run() {
                server.running = Some(running);
                return server;
            }
        }
        panic!("the Redis server does not start; its log:\n{}", log(server.folder.path()));
    }

    /// The URL of a roster on this server, in a room that no other test uses.
    pub fn roster(&self) -> String {
        format!("{}?room={}", self.url(), new_room())
    }

    /// The URL of a roster on this server, with TLS, in a room that no other test uses.
    pub fn tls_roster(&self) -> String {
        let ca = self.folder.path().join("ca.pem");
        format!("rediss://127.0.0.1:{}?ca={}&room={}", self.tls_port, ca.display(), new_room())
    }

    /// The URL of the server.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// The port without TLS.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Executes a command, and returns the answer in the notation of the driver.
    ///
    /// # Panics
    /// If the server refuses it.
    pub fn execute(&self, words: &[&str]) -> String {
        let client = redis::Client::open(self.url()).expect("the URL is valid");
        let mut connection = client.get_connection().expect("the server of the test answers");
        let mut command = redis::Cmd::new();
        command.arg(words);
        let answer: Value = command.query(&mut connection).unwrap_or_else(|error| panic!("{words:?}: {error}"));
        format!("{answer:?}")
    }

    /// Kills the server, as a power failure of its process would.
    pub fn stop(&mut self) {
        drop(self.running.take());
    }

    /// Suspends the server: it keeps its connections and answers nothing until [`Self::resume`] or [`Self::stop`].
    ///
    /// # Panics
    /// If the server does not run.
    pub fn pause(&self) {
        self.running.as_ref().expect("only a running server can be paused").pause();
    }

    /// Resumes the server after [`Self::pause`].
    ///
    /// # Panics
    /// If the server does not run.
    pub fn resume(&self) {
        self.running.as_ref().expect("only a running server can be resumed").resume();
    }

    /// Starts the server again, on the same ports and with what it has kept.
    ///
    /// # Panics
    /// If the server does not start.
    pub fn restart(&mut self) {
        self.stop();
        let running = self.run();
        self.running = Some(running.unwrap_or_else(|()| {
            panic!("the Redis server does not start again; its log:\n{}", log(self.folder.path()))
        }));
    }

    fn run(&self) -> Result<RunningServer, ()> {
        let file = |name: &str| self.folder.path().join(name).display().to_string();
        let mut command = Command::new(&self.program);
        // Only this machine can reach the server.
        command.args(["--bind", "127.0.0.1", "--save", "", "--daemonize", "no"]);
        command.args(["--dir", &self.folder.path().display().to_string()]);
        command.args(["--appendonly", if self.keep == Keep::Aof { "yes" } else { "no" }]);
        command.args(["--port", &self.port.to_string(), "--tls-port", &self.tls_port.to_string()]);
        command.args(["--tls-cert-file", &file("cert.pem"), "--tls-key-file", &file("key.pem")]);
        command.args(["--tls-ca-cert-file", &file("ca.pem"), "--tls-auth-clients", "no"]);
        RunningServer::start(command, self.folder.path(), || is_ready(self.port))
    }
}

/// The URL of a roster in a room that no other test uses: on the server that `CHAT_TEST_REDIS_URL` names
/// (`redis://user:password@host:port`), or on one that this process starts from the installed binary.
///
/// # Panics
/// If no server is installed, or the URL is wrong.
pub fn roster() -> RosterUrl {
    let url = match env::var("CHAT_TEST_REDIS_URL") {
        Ok(url) => format!("{url}?room={}", new_room()),
        Err(_) => RedisServer::shared().roster(),
    };
    RosterUrl::parse(&url).expect("CHAT_TEST_REDIS_URL must be redis://user:password@host:port")
}

fn new_room() -> String {
    format!("test-{:016x}", random())
}

/// Returns whether the server has loaded its data.
fn is_ready(port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let Ok(mut stream) = TcpStream::connect_timeout(&address, Duration::from_secs(1)) else { return false };
    let mut answer = [0; 5];
    stream.set_read_timeout(Some(Duration::from_secs(1))).is_ok()
        && stream.write_all(b"PING\r\n").is_ok()
        && stream.read_exact(&mut answer).is_ok()
        && answer.starts_with(b"+PONG")
}
