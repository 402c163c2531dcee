//! Output that nobody reads makes senders wait, and input is read no faster than messages are delivered.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use chat_store::testing;
use rustix::process::Signal;

use crate::harness::{EventLog, Output, Process, Server, text, until};

#[test]
fn unread_output_makes_senders_wait_without_a_notice() {
    /// Together far more than a pipe and a receiver's window hold (64 KiB each), and less than the 512 KiB of
    /// outstanding messages at which a client stops reading input.
    const TEXTS: usize = 30;
    const LENGTH: usize = 16_384;
    /// Longer than the time after which a peer counts as unresponsive (3 s).
    const WATCH: Duration = Duration::from_secs(8);
    let server = Server::start(testing::sqlite());
    let mut alice = server.client("alice").register().start();
    let mut bob = server.client("bob").register().start();
    alice.expect(&["online bob"]);
    let carol = server.client("carol").register().start();
    alice.expect(&["online carol"]);
    bob.expect(&["online carol"]);
    let texts: Vec<String> = (0..TEXTS).map(|number| text(number, LENGTH)).collect();

    let pause = bob.events.pause();
    let paused = pause.begin();
    texts.iter().for_each(|text| alice.type_line(text));
    let (mut of_alice, mut of_bob, mut of_carol) = (EventLog::default(), EventLog::default(), EventLog::default());
    of_carol.collect(&carol, TEXTS, 0);
    while let Ok(event) = alice.events.next(WATCH) {
        of_alice.add(&event);
    }
    let accepted = of_alice.outcomes.keys().filter(|(_, user)| user == "bob").count();
    assert!(accepted < TEXTS / 2, "{accepted} of {TEXTS} messages were accepted");
    assert_eq!(of_alice.outcomes(), TEXTS + accepted, "messages to other recipients are delivered");
    assert_eq!(of_alice.others, [""; 0], "a client that still answers is reported as unresponsive");

    drop(paused);
    of_bob.collect(&bob, TEXTS, 0);
    of_alice.collect(&alice, 0, 2 * TEXTS);
    of_alice.assert_all_delivered_to(&["bob", "carol"]);
    of_bob.assert_received("alice", &texts);
    of_carol.assert_received("alice", &texts);
    bob.assert_no_more_events();
}

#[test]
fn a_client_whose_output_is_closed_goes_offline_and_succeeds() {
    let server = Server::start(testing::sqlite());
    let mut alice = server.client("alice").register().into_command();
    let mut alice = Process::spawn(alice.stdin(Stdio::piped()));
    let mut output = BufReader::new(alice.stdout());
    let mut welcome = String::new();
    output.read_line(&mut welcome).unwrap();
    assert!(welcome.starts_with(r#"{"event":"welcome""#), "{welcome}");
    let mut bob = server.client("bob").register().start();
    drop(output);
    bob.type_line("hello");
    assert_eq!(alice.exit().code(), Some(0));
    bob.until("offline alice asked");
}

#[test]
fn unread_output_does_not_keep_a_client_from_leaving() {
    const LENGTH: usize = 4_000;
    /// More than the pipe to the test holds, so that some of these texts are never written.
    const UNREAD: usize = 40;
    let server = Server::start(testing::sqlite());
    let mut carol = server.client("carol").register().start();
    let mut bob = server.client("bob").register().start();
    let pause = carol.events.pause();
    let paused = pause.begin();
    for number in 0..5 {
        bob.type_line(&text(number, LENGTH));
        bob.until("summary 1 delivered");
    }
    for number in 0..UNREAD {
        bob.type_line(&text(number, LENGTH));
        bob.until("sent > everyone to 1");
    }
    let begin = Instant::now();
    carol.process.signal(Signal::TERM);
    assert_eq!(carol.process.exit().code(), Some(0));
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
    drop(paused);
}

#[test]
fn input_from_a_file_waits_for_outcomes_instead_of_failing() {
    const LINES: usize = 3_000;
    /// The number of messages without an outcome at which a client stops reading input.
    const MOST_OUTSTANDING: usize = 512;
    let server = Server::start(testing::sqlite());
    let bob = server.client("bob").register().start();
    let file = server.home().join("lines");
    let lines: String = (0..LINES).map(|number| format!("/msg bob line {number}\n")).collect();
    std::fs::write(&file, lines).unwrap();

    let pause = bob.events.pause();
    let paused = pause.begin();
    let mut alice = server.client("alice").register().into_command();
    let mut alice = Process::spawn(alice.stdin(File::open(&file).unwrap()));
    let mut output = Output::collect(alice.stdout());
    let count = |output: &Output, event: &str| output.text().matches(&format!(r#"{{"event":"{event}""#)).count();
    until("the client stops reading its input", || {
        // Outcomes first: those that arrive between the two counts make the difference too large, never too small.
        let outcomes = count(&output, "outcome");
        count(&output, "sent") == outcomes + MOST_OUTSTANDING
    });
    assert!(count(&output, "sent") < LINES);

    drop(paused);
    for number in 0..LINES {
        assert_eq!(bob.message()["text"], format!("line {number}"));
    }
    assert_eq!(alice.exit().code(), Some(0), "{}", alice.errors());
    output.wait();
    assert_eq!(output.text().matches(r#""result":"delivered""#).count(), LINES);
}
