//! Child processes in an environment of their own that never outlive their test.

use std::fmt::Debug;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Longer than anything takes on a busy machine; whoever waits that long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// How often a condition is looked at that nothing announces.
pub(crate) const LOOK: Duration = Duration::from_millis(5);

/// One of our programs with nothing of this process's environment; its home is a folder of the test.
pub(crate) fn program(path: &str, home: &Path) -> Command {
    std::fs::create_dir_all(home).unwrap();
    let mut command = Command::new(path);
    command.env_clear().current_dir(home).env("HOME", home).env("LANG", "C.UTF-8").env("TZ", "UTC");
    for (variable, folder) in [("XDG_DATA_HOME", "data"), ("XDG_CONFIG_HOME", "config"), ("XDG_STATE_HOME", "state")] {
        command.env(variable, home.join(folder));
    }
    command
}

/// A running program. Killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) child: Child,
    errors: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Process {
    /// Starts it with a pipe for each standard stream.
    pub(crate) fn start(command: &mut Command) -> Self {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let errors = Arc::new(Mutex::new(String::new()));
        let (to, from) = (Arc::clone(&errors), child.stderr.take().unwrap());
        let reader = thread::spawn(move || {
            for line in BufReader::new(from).lines().map_while(Result::ok) {
                let mut errors = to.lock().unwrap();
                errors.push_str(&line);
                errors.push('\n');
            }
        });
        Self { child, errors, reader: Some(reader) }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// What it has written to standard error by now.
    pub(crate) fn errors(&self) -> String {
        self.errors.lock().unwrap().clone()
    }

    /// How long processors have worked for it.
    pub(crate) fn processor_time(&self) -> Duration {
        /// What the kernel counts in, on every system that Linux runs on.
        const TICK: Duration = Duration::from_millis(10);
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        // The name in parentheses may hold anything; the fields after it are numbered from 3.
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        let ticks = |field: usize| fields[field - 3].parse::<u32>().unwrap();
        TICK * (ticks(14) + ticks(15))
    }

    /// Waits for its end. Standard error is complete afterwards.
    pub(crate) fn exit(&mut self) -> ExitStatus {
        let mut status = None;
        until("the program ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        status.unwrap()
    }

    /// Kills it, as the system does when memory runs out: it gets no chance to say anything.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Waits until a condition holds.
///
/// # Panics
/// If it does not in time.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < PATIENCE, "waited too long until {what}");
        thread::sleep(LOOK);
    }
}

/// What a program that ran to its end did.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Ended {
    /// `None` if a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) errors: String,
}

/// Runs a program to its end, with something to read.
pub(crate) fn run(command: &mut Command, input: &str) -> Ended {
    use std::io::Write;

    let mut process = Process::start(command);
    let mut stdin = process.child.stdin.take().unwrap();
    // Whoever ends early does not read it.
    let _unread = stdin.write_all(input.as_bytes());
    drop(stdin);
    let mut stdout = process.child.stdout.take().unwrap();
    let reader = thread::spawn(move || {
        let mut out = String::new();
        stdout.read_to_string(&mut out).map(|_| out)
    });
    let begin = Instant::now();
    // As long as a client waits for outcomes, and then some.
    while process.child.try_wait().unwrap().is_none() {
        assert!(begin.elapsed() < PATIENCE + Duration::from_secs(50), "{command:?} does not end: {}", process.errors());
        thread::sleep(LOOK);
    }
    let status = process.exit();
    Ended { code: status.code(), out: reader.join().unwrap().unwrap(), errors: process.errors() }
}

/// Asserts that a text contains another, and shows both if not.
pub(crate) fn assert_contains(text: &(impl AsRef<str> + Debug), part: &str) {
    assert!(text.as_ref().contains(part), "{part:?} is not in {text:?}");
}
