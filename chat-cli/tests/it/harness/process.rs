//! Child processes that never outlive their test.

use std::io::Write;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::output::Output;
use super::{PATIENCE, POLL_INTERVAL, until};

/// How long a client may wait for outstanding outcomes before it exits: 50 s, see docs/JSON.md.
const OUTCOME_WAIT: Duration = Duration::from_secs(50);

/// What a client without input says before it leaves.
pub(crate) const NO_INPUT: &str =
    "note: the input ended before any line, so the client leaves; to stay and show what happens, add --stay\n";

/// A running program. Killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) child: Child,
    stderr: Output,
}

impl Process {
    /// Starts a program. Its standard error is collected; its standard output is a pipe, see [`Self::stdout`].
    #[track_caller]
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let stderr = Output::collect(child.stderr.take().unwrap());
        Self { child, stderr }
    }

    /// Takes the pipe of standard output.
    pub(crate) fn stdout(&mut self) -> ChildStdout {
        self.child.stdout.take().expect("standard output is taken once")
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal. To a program for Windows that Wine runs, SIGTERM becomes Ctrl-C: Wine passes on no other request to
    /// stop.
    pub(crate) fn signal(&self, signal: Signal) {
        let is_request = signal == Signal::TERM && super::home::other_programs().is_some();
        let signal = if is_request { Signal::INT } else { signal };
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Standard error so far.
    pub(crate) fn errors(&self) -> String {
        self.stderr.text()
    }

    /// Waits until standard error contains this text, and returns all of it so far. Standard output and standard error are
    /// two pipes, so a test can read a line of one before it can read what the program wrote earlier to the other.
    #[track_caller]
    pub(crate) fn errors_with(&self, part: &str) -> String {
        let begin = Instant::now();
        loop {
            let errors = self.errors();
            if errors.contains(part) {
                return errors;
            }
            assert!(begin.elapsed() < PATIENCE, "{errors:?} does not contain {part:?}");
            thread::sleep(POLL_INTERVAL);
        }
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits until the program ends. Its standard error is complete afterwards.
    #[track_caller]
    pub(crate) fn exit(&mut self) -> ExitStatus {
        until("the program ends", || self.has_ended());
        self.stderr.wait();
        self.child.wait().unwrap()
    }

    /// Kills the program without giving it a chance to react.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The program may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// How a program ended, and what it wrote.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Finished {
    /// `None` if a signal ended the program.
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    /// Without [`NO_INPUT`], because most clients of these tests have no input.
    pub(crate) err: String,
}

impl Finished {
    /// The code of the error that is the program's only event.
    #[track_caller]
    pub(crate) fn error_code(&self) -> String {
        let event: Value = serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("{self:?} is not one event"));
        assert_eq!(event["event"], "error", "{self:?}");
        event["code"].as_str().unwrap().to_owned()
    }
}

/// Runs a program to its end.
#[must_use = "assert how the program ended"]
#[track_caller]
pub(crate) fn finish(command: &mut Command) -> Finished {
    let mut process = Process::spawn(command);
    let mut stdout = Output::collect(process.stdout());
    let begin = Instant::now();
    while !process.has_ended() {
        assert!(begin.elapsed() < PATIENCE + OUTCOME_WAIT, "{command:?} does not end: {}", process.errors());
        thread::sleep(POLL_INTERVAL);
    }
    stdout.wait();
    let code = process.exit().code();
    Finished { code, out: stdout.text(), err: process.errors().replace(NO_INPUT, "") }
}

/// Runs a program to its end with this text as its standard input.
#[must_use = "assert how the program ended"]
#[track_caller]
pub(crate) fn finish_with(command: &mut Command, input: &str) -> Finished {
    let (reader, mut writer) = std::io::pipe().unwrap();
    command.stdin(reader);
    let input = input.to_owned();
    // In a thread, because the text may be longer than a pipe holds. A program that ends early does not read all of it.
    let writing = thread::spawn(move || drop(writer.write_all(input.as_bytes())));
    let finished = finish(command);
    // Closes this process's copy of the pipe's reading end, so that the writer cannot wait for a program that ended.
    command.stdin(Stdio::null());
    writing.join().unwrap();
    finished
}
