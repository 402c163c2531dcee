//! A running `chat-client` that is driven as a script drives it.

use std::fmt::Display;
use std::io::Write;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::event_reader::EventReader;
use super::{Finished, Home, Namespace, PASSWORD, PATIENCE, Process, finish_with, short_form};

/// A client that has not been started yet.
#[derive(Debug)]
pub(crate) struct ClientSetup {
    user: String,
    command: Command,
}

impl ClientSetup {
    /// A client with JSON events, the usual password, and no trust in any server.
    pub(crate) fn new(user: &str, server: impl Display, home: &Home) -> Self {
        let mut command = home.command("chat-client");
        command.args(["--server", &server.to_string(), "--user", user]);
        // Variables, so that a test can override them with options.
        command.env("CHAT_PASSWORD", PASSWORD).env("CHAT_FORMAT", "json").env("CHAT_UDP", "127.0.0.1:0");
        Self { user: user.to_owned(), command }
    }

    /// Registers the account.
    pub(crate) fn register(self) -> Self {
        self.args(&["--register"])
    }

    pub(crate) fn args(mut self, args: &[&str]) -> Self {
        self.command.args(args);
        self
    }

    pub(crate) fn env(mut self, variable: &str, value: &str) -> Self {
        self.command.env(variable, value);
        self
    }

    pub(crate) fn fingerprint(self, fingerprint: &str) -> Self {
        self.env("CHAT_FINGERPRINT", fingerprint)
    }

    /// Runs the client in this network.
    pub(crate) fn inside(mut self, namespace: &Namespace) -> Self {
        self.command = namespace.enter(&self.command);
        self
    }

    /// Removes the server's fingerprint, so that the file of known servers decides.
    pub(crate) fn without_fingerprint(mut self) -> Self {
        self.command.env_remove("CHAT_FINGERPRINT");
        self
    }

    /// The command, for a test that starts the client itself.
    pub(crate) fn into_command(self) -> Command {
        self.command
    }

    /// The command for a client as people use it: with text events, and without a password in the environment.
    pub(crate) fn into_interactive(mut self) -> Command {
        self.command.env_remove("CHAT_PASSWORD").env_remove("CHAT_FORMAT");
        self.command
    }

    /// Starts the client and waits for its `welcome`.
    #[track_caller]
    pub(crate) fn start(self) -> Client {
        let user = self.user.clone();
        self.try_start().unwrap_or_else(|finished| panic!("{user} cannot log in: {finished:?}"))
    }

    /// Starts the client and waits for its `welcome`, or for its end without one.
    #[track_caller]
    pub(crate) fn try_start(mut self) -> Result<Client, Finished> {
        let mut client = Client::spawn(&self.user, &mut self.command);
        match client.events.next(PATIENCE) {
            Ok(error) if error["event"] == "error" => {
                let code = client.process.exit().code();
                Err(Finished { code, out: error.to_string(), err: client.process.errors() })
            }
            Ok(welcome) => {
                let session = welcome["session"].as_str().unwrap().to_owned();
                assert_eq!((&welcome["event"], &welcome["user"]), (&"welcome".into(), &self.user.as_str().into()));
                Ok(Client { session, welcome: short_form(&welcome), ..client })
            }
            Err(RecvTimeoutError::Disconnected) => {
                let code = client.process.exit().code();
                Err(Finished { code, out: String::new(), err: client.process.errors() })
            }
            Err(RecvTimeoutError::Timeout) => client.fail("a welcome"),
        }
    }

    /// Runs the client to its end with this text as its input.
    #[must_use = "assert how the client ended"]
    #[track_caller]
    pub(crate) fn run(mut self, input: &str) -> Finished {
        finish_with(&mut self.command, input)
    }
}

/// A client that has logged in. Killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) process: Process,
    /// The short form of its first event.
    pub(crate) welcome: String,
    /// The id of its session.
    pub(crate) session: String,
    pub(crate) events: EventReader,
    user: String,
    input: Option<ChildStdin>,
}

impl Client {
    fn spawn(user: &str, command: &mut Command) -> Self {
        let mut process = Process::spawn(command.stdin(Stdio::piped()));
        let events = EventReader::new(process.stdout());
        let input = process.child.stdin.take();
        Self { process, welcome: String::new(), session: String::new(), events, user: user.to_owned(), input }
    }

    /// Writes a line to the client's input.
    pub(crate) fn type_line(&mut self, line: &str) {
        let input = self.input.as_mut().expect("the input is still open");
        input.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// Closes the client's input.
    pub(crate) fn close_input(&mut self) {
        drop(self.input.take());
    }

    /// Closes the client's input and waits until it ends. Returns the exit code and the short forms of the events until
    /// then.
    #[track_caller]
    pub(crate) fn leave(mut self) -> (Option<i32>, Vec<String>) {
        drop(self.input.take());
        self.end()
    }

    /// Waits until the client ends. Returns the exit code and the short forms of the events until then.
    #[track_caller]
    pub(crate) fn end(mut self) -> (Option<i32>, Vec<String>) {
        let mut events = Vec::new();
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.events.next(deadline.saturating_duration_since(Instant::now())) {
                Ok(event) => events.push(short_form(&event)),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => self.fail("the end of its events"),
            }
        }
        (self.process.exit().code(), events)
    }

    /// Asserts that exactly these events come next, and returns them whole.
    #[track_caller]
    pub(crate) fn expect(&self, expected: &[&str]) -> Vec<Value> {
        let mut events = Vec::new();
        for expected in expected {
            let event = self.receive(PATIENCE).unwrap_or_else(|| self.fail(expected));
            assert_eq!(short_form(&event), *expected, "an event of {}: {event}", self.user);
            events.push(event);
        }
        events
    }

    /// The short form of the next event.
    #[track_caller]
    pub(crate) fn next(&self) -> String {
        short_form(&self.receive(PATIENCE).unwrap_or_else(|| self.fail("an event")))
    }

    /// The next event, whole.
    #[track_caller]
    pub(crate) fn next_event(&self) -> Value {
        self.receive(PATIENCE).unwrap_or_else(|| self.fail("an event"))
    }

    /// The short forms of all events up to and including this one.
    #[track_caller]
    pub(crate) fn until(&self, expected: &str) -> Vec<String> {
        let events = self.until_event(expected, |event| short_form(event) == expected);
        events.iter().map(short_form).collect()
    }

    /// The next message. Skips other events.
    #[track_caller]
    pub(crate) fn message(&self) -> Value {
        self.until_event("a message", |event| event["event"] == "message").pop().unwrap()
    }

    #[track_caller]
    fn until_event(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        let (deadline, mut events) = (Instant::now() + PATIENCE, Vec::new());
        while events.last().is_none_or(|last| !wanted(last)) {
            match self.receive(deadline.saturating_duration_since(Instant::now())) {
                Some(event) => events.push(event),
                None => self.fail(&format!("{what} after {events:?}")),
            }
        }
        events
    }

    /// The short forms of the events that arrive during this time.
    pub(crate) fn watch(&self, time: Duration) -> Vec<String> {
        let end = Instant::now() + time;
        let next = || self.receive(end.saturating_duration_since(Instant::now()));
        std::iter::from_fn(next).map(|event| short_form(&event)).collect()
    }

    /// Asserts that the client has no event left that the test has not seen, and that it still answers.
    #[track_caller]
    pub(crate) fn assert_no_more_events(&mut self) {
        self.type_line("/nothing");
        self.expect(&["error unknown-command"]);
    }

    fn receive(&self, patience: Duration) -> Option<Value> {
        self.events.next(patience).ok()
    }

    #[track_caller]
    pub(crate) fn fail(&self, expected: &str) -> ! {
        panic!("{} did not get {expected}; its standard error: {:?}", self.user, self.process.errors())
    }
}
