//! The programs while they run: what they say, and how they are asked and ended.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::common::{Ended, Home, PASSWORD, path};

/// Longer than anything takes on a busy machine; whoever waits that long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A program whose output can be looked at while it runs. Killed when it is dropped.
pub(crate) struct Running {
    pub(crate) child: Child,
    out: PathBuf,
    err: PathBuf,
}

impl Running {
    pub(crate) fn start(home: &Home, name: &str, command: &mut Command) -> Self {
        let [out, err] = ["out", "err"].map(|stream| home.join(&format!("{name}.{stream}")));
        command.stdout(File::create(&out).unwrap()).stderr(File::create(&err).unwrap());
        Self { child: command.spawn().unwrap(), out, err }
    }

    pub(crate) fn out(&self) -> String {
        fs::read_to_string(&self.out).unwrap()
    }

    pub(crate) fn err(&self) -> String {
        fs::read_to_string(&self.err).unwrap()
    }

    /// Waits for a line of standard output that begins like this; gives the rest of it.
    pub(crate) fn said(&mut self, beginning: &str) -> String {
        let mut found = None;
        let what = format!("{beginning:?} is said");
        until(&what, || {
            let out = self.out();
            let whole = out.rsplit_once('\n').map(|(lines, _)| lines.to_owned()).unwrap_or_default();
            found = whole.lines().rev().find_map(|line| line.strip_prefix(beginning)).map(str::to_owned);
            assert!(found.is_some() || self.child.try_wait().unwrap().is_none(), "it ended: {out}{}", self.err());
            found.is_some()
        });
        found.unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    pub(crate) fn stop(&mut self) {
        self.signal(Signal::TERM);
        assert_eq!(self.child.wait().unwrap().code(), Some(0), "{}", self.err());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < PATIENCE, "waited too long until {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A server on the data folder `data` and a port that the system chooses.
pub(crate) fn serve(home: &Home, args: &[&str]) -> Running {
    let mut command = home.command("chat-server");
    command.args(["--listen", "127.0.0.1:0", "--data-dir", path(&home.join("data"))]).args(args);
    let mut server = Running::start(home, "server", &mut command);
    server.said("20");
    server
}

pub(crate) fn operate(home: &Home, args: &[&str]) -> Ended {
    home.run("chat-server", &[&["--data-dir", path(&home.join("data"))], args].concat())
}

/// A client that is online until it is dropped.
pub(crate) fn online(home: &Home, server: &mut Running, user: &str) -> Running {
    let address = server.said("listening on ");
    let mut command = home.command("chat-client");
    command.args(["--server", &address, "--user", user, "--register", "--accept-new"]);
    command.args(["--known-servers", path(&home.join(&format!("{user}.known"))), "--format", "json"]);
    let mut client = Running::start(home, user, command.env("CHAT_PASSWORD", PASSWORD).stdin(Stdio::piped()));
    client.said("{\"event\":\"welcome\"");
    client
}

pub(crate) fn status(home: &Home) -> Value {
    let Ended { code, out, err } = operate(home, &["status", "--format", "json"]);
    assert_eq!(code, Some(0), "{err}");
    serde_json::from_str(&out).unwrap()
}

pub(crate) fn ask(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
