//! The user's own lines on the screen: their time and their mark.

use chat_store::testing;
use rustix::process::Signal;

use super::{log_in, log_in_with};
use crate::harness::{Server, Terminal};

/// Whether a line is `HH:MM:SS` and this.
fn is_own(line: &str, rest: &str) -> bool {
    line.get(8..) == Some(rest) && line[..8].split(':').all(|part| part.len() == 2 && part.parse::<u8>().is_ok())
}

/// Waits until the screen has a line that is a time and this.
#[track_caller]
fn until_own(terminal: &mut Terminal, rest: &str) -> Vec<String> {
    terminal.until_screen(rest, |lines| lines.iter().any(|line| is_own(line, rest)))
}

#[test]
fn a_line_gets_its_time_and_then_a_mark_in_its_place() {
    for language in ["en", "zh-CN"] {
        let server = Server::start(testing::sqlite());
        let bob = server.client("bob").register().start();
        let mut alice = log_in_with(&server, "alice", &["--lang", language]);
        bob.expect(&["online alice"]);
        bob.process.signal(Signal::STOP);
        alice.type_line("大家好");
        until_own(&mut alice, "   大家好");
        alice.type_line("/msg bob psst");
        until_own(&mut alice, "   → bob: psst");
        alice.type_keys("half a li");
        alice.until_last("> half a li");
        bob.process.signal(Signal::CONT);
        until_own(&mut alice, " ✓ 大家好");
        let lines = until_own(&mut alice, " ✓ → bob: psst");
        assert_eq!(lines.last().map(String::as_str), Some("> half a li"));
        assert!(!lines.concat().contains("/msg"), "{lines:#?}");
        assert_eq!(lines.concat().matches('✓').count(), 2, "{lines:#?}");
        bob.expect(&["message alice > everyone: 大家好", "message alice > bob: psst"]);
        // Lines that arrive in between do not matter.
        bob.process.signal(Signal::STOP);
        alice.type_keys("\x15/me waves\r");
        until_own(&mut alice, "   * alice waves");
        let mut carol = server.client("carol").register().start();
        carol.type_line("hello");
        alice.until_screen("a message", |lines| lines.iter().any(|line| line.ends_with(": hello")));
        bob.process.signal(Signal::CONT);
        until_own(&mut alice, " ✓ * alice waves");
    }
}

#[test]
fn a_line_that_fails_gets_another_mark_and_the_reason() {
    let server = Server::start(testing::sqlite());
    let mut bob = server.client("bob").register().start();
    let mut alice = log_in(&server, "alice");
    bob.expect(&["online alice"]);
    bob.type_line("/ignore alice");
    bob.expect(&["notice ignored alice"]);
    alice.type_line("hello");
    let lines = until_own(&mut alice, " ✗ hello");
    let reason = "         ✗ delivered to 0 of 1: \"hello\"; failed: bob (refused)";
    alice.until_screen("the reason", |lines| lines.iter().any(|line| line == reason));
    assert!(!lines.concat().contains("> hello"), "{lines:#?}");
}

#[test]
fn a_line_whose_place_is_uncertain_stays_as_it_was_typed() {
    let server = Server::start(testing::sqlite());
    let bob = server.client("bob").register().start();
    let mut alice = log_in(&server, "alice");
    bob.expect(&["online alice"]);
    // Two rows.
    let long = "x".repeat(100);
    alice.type_line(&long);
    let outcome = |lines: &[String]| lines.iter().filter(|line| *line == "         ✓ 1 of 1").count();
    alice.until_screen("the outcome", |lines| lines.contains(&format!("> {long}")) && outcome(lines) == 1);
    // The window changes its size before the outcome is known.
    bob.process.signal(Signal::STOP);
    alice.type_line("hello");
    until_own(&mut alice, "   hello");
    alice.resize(60, 24);
    bob.process.signal(Signal::CONT);
    let lines = alice.until_screen("the outcome", |lines| outcome(lines) == 2);
    assert!(lines.iter().any(|line| is_own(line, "   hello")), "{lines:#?}");
    alice.type_line("again");
    until_own(&mut alice, " ✓ again");
}

#[test]
fn lines_that_are_typed_ahead_get_their_marks_too() {
    let server = Server::start(testing::sqlite());
    let bob = server.client("bob").register().start();
    let mut alice = log_in(&server, "alice");
    bob.expect(&["online alice"]);
    alice.type_keys("one\rtwo\rthree\r");
    for text in [" ✓ one", " ✓ two", " ✓ three"] {
        until_own(&mut alice, text);
    }
}
