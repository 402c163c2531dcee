//! The programs as child processes, in an environment of their own.
#![allow(dead_code, reason = "each test program uses a part of it")]
#![allow(clippy::unwrap_used, reason = "clippy does not see that helpers of tests are tests")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

pub(crate) const PASSWORD: &str = "correct horse";

/// What a program said and how it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// A home folder and nothing else of the environment that the tests run in.
pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin(program));
        command.env_clear().env("HOME", self.0.path()).env("TZ", "UTC").stdin(Stdio::null());
        command
    }

    /// Runs a program to its end, with `CHAT_PASSWORD` set.
    #[must_use = "look at how it ended"]
    pub(crate) fn run(&self, program: &str, args: &[&str]) -> Ended {
        Self::end(self.command(program).env("CHAT_PASSWORD", PASSWORD).args(args))
    }

    /// Runs a command to its end.
    #[must_use = "look at how it ended"]
    pub(crate) fn end(command: &mut Command) -> Ended {
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ended { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Starts a server on a port that the system chooses.
    pub(crate) fn serve(&self, data: &str) -> Server {
        let data = self.join(data);
        let args = ["--listen", "127.0.0.1:0", "--data-dir", path(&data)];
        let mut child =
            self.command("chat-server").args(args).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = || {
            let mut line = String::new();
            out.read_line(&mut line).unwrap();
            line.trim_end().to_owned()
        };
        let address = line().strip_prefix("listening on ").unwrap().to_owned();
        let folder = line();
        assert_eq!(folder, format!("data folder {}", data.display()));
        let fingerprint = line().strip_prefix("fingerprint ").unwrap().to_owned();
        let notice = line();
        assert!(notice.starts_with("only programs on this machine can connect"), "{notice}");
        Server { child, out, address, fingerprint, data }
    }
}

/// A server that is killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) out: BufReader<ChildStdout>,
    pub(crate) address: String,
    pub(crate) fingerprint: String,
    pub(crate) data: PathBuf,
}

impl Server {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for its end; gives the exit code.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

pub(crate) fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}
