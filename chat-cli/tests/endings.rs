//! How a client ends, and what its exit code says, when it is not the input that ends.
#![allow(clippy::unwrap_used, reason = "clippy does not see that helpers of tests are tests")]

mod common;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use common::{Home, PASSWORD, Server};
use rustix::process::{Pid, Signal, kill_process};

/// A client that writes JSON, with its input open.
struct Talker {
    child: Child,
    input: ChildStdin,
    /// Taken by tests that stop reading.
    out: Option<BufReader<ChildStdout>>,
}

impl Talker {
    fn start(home: &Home, server: &Server, user: &str, more: &[&str]) -> Self {
        let mut child = home
            .command("chat-client")
            .env("CHAT_PASSWORD", PASSWORD)
            .args(["--server", &server.address, "--user", user, "--accept-new", "--format", "json"])
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, out) = (child.stdin.take().unwrap(), child.stdout.take().map(BufReader::new));
        let mut talker = Self { child, input, out };
        talker.until("welcome");
        talker
    }

    /// Reads until an event of this kind comes; gives its line.
    fn until(&mut self, event: &str) -> String {
        let beginning = format!(r#"{{"event":"{event}""#);
        loop {
            let mut line = String::new();
            let out = self.out.as_mut().unwrap();
            assert!(out.read_line(&mut line).unwrap() > 0, "no {event}");
            if line.starts_with(&beginning) {
                return line;
            }
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn exit_code(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Talker {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn a_client_that_was_replaced_says_so_and_does_not_come_back() {
    let home = Home::new();
    let server = home.serve("data");
    let mut first = Talker::start(&home, &server, "alice", &["--register"]);
    let mut second = Talker::start(&home, &server, "alice", &[]);
    assert!(first.until("notice").contains(r#""code":"replaced""#));
    assert_eq!(first.exit_code(), Some(3));
    drop(second.input.write_all(b"/quit\n"));
    assert_eq!(second.exit_code(), Some(0));
}

#[test]
fn a_client_whose_account_is_disabled_is_ended() {
    let home = Home::new();
    let server = home.serve("data");
    let mut alice = Talker::start(&home, &server, "alice", &["--register"]);
    let disabled = home.run("chat-server", &["--data-dir", common::path(&server.data), "user", "disable", "alice"]);
    assert_eq!(disabled.code, Some(0));
    assert!(alice.until("notice").contains(r#""code":"kicked""#));
    assert_eq!(alice.exit_code(), Some(3));
}

#[test]
fn both_signals_leave_cleanly() {
    let home = Home::new();
    let server = home.serve("data");
    let mut bob = Talker::start(&home, &server, "bob", &["--register"]);
    for (signal, more) in [(Signal::TERM, &["--register"][..]), (Signal::INT, &[])] {
        let mut alice = Talker::start(&home, &server, "alice", more);
        bob.until("online");
        alice.signal(signal);
        assert_eq!(alice.exit_code(), Some(0), "{signal:?}");
        assert!(bob.until("offline").contains(r#""reason":"asked""#), "{signal:?}");
    }
}

#[test]
fn a_reader_that_went_away_ends_the_client_quietly() {
    let home = Home::new();
    let server = home.serve("data");
    let mut alice = Talker::start(&home, &server, "alice", &["--register"]);
    let mut bob = Talker::start(&home, &server, "bob", &["--register"]);
    alice.out = None;
    bob.input.write_all(b"hello\n").unwrap();
    assert_eq!(alice.exit_code(), Some(0));
    assert!(bob.until("offline").contains(r#""reason":"asked""#));
}

#[test]
fn a_reader_that_stopped_reading_does_not_keep_the_client_from_leaving() {
    let home = Home::new();
    let server = home.serve("data");
    let mut carol = Talker::start(&home, &server, "carol", &["--register"]);
    let mut bob = Talker::start(&home, &server, "bob", &["--register"]);
    let say = |bob: &mut Talker| writeln!(bob.input, "{}", "x".repeat(4_000)).unwrap();
    for _ in 0..5 {
        say(&mut bob);
        bob.until("summary");
    }
    // More than the pipe to the test holds. What is written together is taken together, and of this some is never written.
    for _ in 0..40 {
        say(&mut bob);
        bob.until("sent");
    }
    let asked = Instant::now();
    carol.signal(Signal::TERM);
    assert_eq!(carol.exit_code(), Some(0));
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
}

#[test]
fn input_from_a_file_is_slowed_down_and_not_refused() {
    const LINES: usize = 3_000;
    let home = Home::new();
    let server = home.serve("data");
    let mut bob = Talker::start(&home, &server, "bob", &["--register"]);
    let lines = home.join("lines");
    let text: String = (0..LINES).map(|number| format!("/msg bob line {number}\n")).collect();
    std::fs::write(&lines, text).unwrap();
    let mut alice = home.command("chat-client");
    alice.args(["--server", &server.address, "--user", "alice", "--register", "--accept-new", "--format", "json"]);
    alice.env("CHAT_PASSWORD", PASSWORD).stdin(std::fs::File::open(&lines).unwrap());
    let reader = std::thread::spawn(move || {
        // Until then all that it says but the first lines waits within the client.
        std::thread::sleep(Duration::from_secs(1));
        for number in 0..LINES {
            let message = bob.until("message");
            assert!(message.contains(&format!(r#""text":"line {number}""#)), "{number}: {message}");
        }
        bob
    });
    let ended = Home::end(&mut alice);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert_eq!(ended.out.matches(r#""result":"delivered""#).count(), LINES);
    drop(reader.join().unwrap());
}
