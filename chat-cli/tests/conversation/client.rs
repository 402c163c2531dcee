//! A running `chat-client` that is driven as a script drives it.

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{ChildStdin, Command};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::event::told;
use crate::process::{Ended, PATIENCE, Process, program, run};
use crate::reader::Reader;

/// Everybody's, unless a story is about passwords.
pub(crate) const PASSWORD: &str = "correct horse";

/// A client that is to be started.
#[derive(Debug)]
pub(crate) struct Starting {
    user: String,
    command: Command,
}

impl Starting {
    pub(crate) fn new(user: &str, server: SocketAddr, home: &Path) -> Self {
        let mut command = program(env!("CARGO_BIN_EXE_chat-client"), home);
        command.args(["--server", &server.to_string(), "--user", user]);
        // As variables, so that a story may say otherwise with an option.
        command.env("CHAT_PASSWORD", PASSWORD).env("CHAT_FORMAT", "json").env("CHAT_UDP", "127.0.0.1:0");
        Self { user: user.to_owned(), command }
    }

    /// Makes the account first.
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

    /// Without the server's fingerprint, so that the known servers decide.
    pub(crate) fn without_fingerprint(mut self) -> Self {
        self.command.env_remove("CHAT_FINGERPRINT");
        self
    }

    /// With text events and without a password: as people use it.
    pub(crate) fn into_typed(mut self) -> Command {
        self.command.env_remove("CHAT_PASSWORD").env_remove("CHAT_FORMAT");
        self.command
    }

    /// Starts it and waits for its welcome.
    #[track_caller]
    pub(crate) fn start(self) -> Client {
        let user = self.user.clone();
        self.attempt().unwrap_or_else(|ended| panic!("{user} is not let in: {ended:?}"))
    }

    /// Starts it and waits for its welcome, or its end without one.
    #[track_caller]
    pub(crate) fn attempt(mut self) -> Result<Client, Ended> {
        let mut client = Client::start(&self.user, &mut self.command);
        match client.events.next(PATIENCE) {
            Ok(welcome) => {
                let session = welcome["session"].as_str().unwrap().to_owned();
                assert_eq!((&welcome["event"], &welcome["user"]), (&"welcome".into(), &self.user.as_str().into()));
                Ok(Client { session, welcome: told(&welcome), ..client })
            }
            Err(RecvTimeoutError::Disconnected) => {
                let code = client.process.exit().code();
                Err(Ended { code, out: String::new(), errors: client.process.errors() })
            }
            Err(RecvTimeoutError::Timeout) => client.fail("a welcome"),
        }
    }

    /// Runs it to its end with these lines as its input.
    pub(crate) fn run(mut self, input: &str) -> Ended {
        run(&mut self.command, input)
    }
}

/// A client that is online.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) process: Process,
    /// Its first event, told.
    pub(crate) welcome: String,
    pub(crate) session: String,
    user: String,
    input: Option<ChildStdin>,
    pub(crate) events: Reader,
}

impl Client {
    fn start(user: &str, command: &mut Command) -> Self {
        let mut process = Process::start(command);
        let events = Reader::new(process.child.stdout.take().unwrap());
        let input = process.child.stdin.take();
        Self { process, welcome: String::new(), session: String::new(), user: user.to_owned(), input, events }
    }

    /// Types a line.
    pub(crate) fn type_line(&mut self, line: &str) {
        let input = self.input.as_mut().expect("the input is still open");
        input.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// Ends its input, waits for its end and gives the exit code and the events until then, told.
    pub(crate) fn leave(mut self) -> (Option<i32>, Vec<String>) {
        drop(self.input.take());
        self.end()
    }

    /// Waits for its end; gives the exit code and the events until then, told.
    pub(crate) fn end(mut self) -> (Option<i32>, Vec<String>) {
        let mut events = Vec::new();
        let end = Instant::now() + PATIENCE;
        loop {
            match self.events.next(end.saturating_duration_since(Instant::now())) {
                Ok(event) => events.push(told(&event)),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => self.fail("its end"),
            }
        }
        (self.process.exit().code(), events)
    }

    /// The next events must be these, exactly. Gives them whole.
    #[track_caller]
    pub(crate) fn expect(&self, wanted: &[&str]) -> Vec<Value> {
        let mut events = Vec::new();
        for wanted in wanted {
            let event = self.receive(PATIENCE).unwrap_or_else(|| self.fail(wanted));
            assert_eq!(told(&event), *wanted, "{} is told otherwise: {event}", self.user);
            events.push(event);
        }
        events
    }

    /// The next event, told.
    #[track_caller]
    pub(crate) fn next(&self) -> String {
        told(&self.receive(PATIENCE).unwrap_or_else(|| self.fail("anything")))
    }

    /// Gives all events up to this one, told.
    #[track_caller]
    pub(crate) fn until(&self, wanted: &str) -> Vec<String> {
        let events = self.until_event(wanted, |event| told(event) == wanted);
        events.iter().map(told).collect()
    }

    /// Gives the next message, whatever else is told before it.
    #[track_caller]
    pub(crate) fn message(&self) -> Value {
        self.until_event("a message", |event| event["event"] == "message").pop().unwrap()
    }

    #[track_caller]
    fn until_event(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        let (end, mut events) = (Instant::now() + PATIENCE, Vec::new());
        while events.last().is_none_or(|last| !wanted(last)) {
            match self.receive(end.saturating_duration_since(Instant::now())) {
                Some(event) => events.push(event),
                None => self.fail(&format!("{what}, but {events:?}")),
            }
        }
        events
    }

    /// All events of a time, told.
    pub(crate) fn watch(&self, time: Duration) -> Vec<String> {
        let end = Instant::now() + time;
        std::iter::from_fn(|| self.receive(end.saturating_duration_since(Instant::now()))).map(|e| told(&e)).collect()
    }

    /// Nothing has happened to it that was not expected, and it answers.
    #[track_caller]
    pub(crate) fn has_nothing_more_to_tell(&mut self) {
        self.type_line("/nothing");
        self.expect(&["error unknown-command"]);
    }

    fn receive(&self, patience: Duration) -> Option<Value> {
        self.events.next(patience).ok()
    }

    #[track_caller]
    pub(crate) fn fail(&self, wanted: &str) -> ! {
        panic!("{} is not told {wanted}; its standard error: {:?}", self.user, self.process.errors())
    }
}
