//! The line that is being typed, and the lines that arrive meanwhile.

use chat_store::testing;
use rustix::process::Signal;

use super::{command, log_in, log_in_both, log_in_with};
use crate::harness::{PASSWORD, Server, Terminal, on_both_databases};

#[test]
fn lines_that_arrive_stand_above_the_line_being_typed() {
    on_both_databases(|database| {
        let server = Server::start(database);
        let mut bob = server.client("bob").register().start();
        let mut alice = log_in(&server, "alice");
        bob.expect(&["online alice"]);
        alice.until_last(">");

        alice.type_keys("half a li");
        alice.until_last("> half a li");
        for number in 0..3 {
            bob.type_line(&format!("line {number} of bob"));
            bob.expect(&["sent > everyone to 1", "outcome alice delivered", "summary 1 delivered"]);
        }
        let lines = alice.until_screen("the last line", |lines| {
            lines.last().is_some_and(|last| last == "> half a li")
                && lines.iter().any(|line| line.ends_with("line 2 of bob"))
        });
        let end = &lines[lines.len() - 5..];
        assert!(end[0].ends_with(" * you are alice; 1 online: bob"), "{lines:#?}");
        for number in 0..3 {
            assert!(end[1 + number].ends_with(&format!(" bob → everyone: line {number} of bob")), "{lines:#?}");
        }
        alice.type_keys("ne\r");
        bob.expect(&["message alice > everyone: half a line"]);
        alice.until_screen("the outcome", |lines| lines.iter().any(|line| line.ends_with(" ✓ half a line")));
        alice.type_line("/quit");
        bob.expect(&["offline alice asked"]);
        assert_eq!(alice.exit_code(), Some(0));
        let shown = String::from_utf8_lossy(&alice.bytes).into_owned();
        assert!(!shown.contains("correct") && !shown.contains("horse"), "a password is shown: {shown:?}");
        assert!(shown.contains("half a li"), "the terminal does not echo text");
    });
}

#[test]
fn the_line_being_typed_is_shown_again_below_each_line_that_arrives() {
    let server = Server::start(testing::sqlite());
    let mut alice = log_in(&server, "alice");
    alice.type_keys("/msg bob 你好");
    alice.until_output("你好");
    let mut bob = log_in(&server, "bob");
    alice.until_output("is online at");
    alice.until_output("/msg bob 你好");
    bob.type_line("//hello");
    alice.until_output("→ everyone: /hello");
    alice.until_output("/msg bob 你好");
    alice.type_line("");
    bob.until_output("→ you: 你好");
    alice.until_output("✓");
    alice.type_keys("\x03");
    assert_eq!(alice.exit_code(), Some(0));
    bob.until_output("is offline");
    bob.type_line("/offline");
    assert_eq!(bob.exit_code(), Some(0));
}

#[test]
fn lines_that_are_typed_ahead_are_all_sent() {
    let server = Server::start(testing::sqlite());
    let [mut alice, mut bob] = log_in_both(&server);
    alice.type_keys("one\rtwo\r\r三\rand so");
    for text in ["one", "two", "三"] {
        bob.until_output(&format!("→ everyone: {text}"));
    }
    alice.until_output("and so");
    alice.type_line(" on");
    bob.until_output("→ everyone: and so on");
}

#[test]
fn a_pasted_text_is_one_message_and_the_history_repeats_it() {
    for (language, welcome, refusal) in [
        (
            "en",
            "1 online: bob",
            "error: the text contains the control character U+001B; only newline and tab are allowed",
        ),
        ("zh-CN", "另有 1 人在线：bob", "错误：内容里有控制字符 U+001B；只允许换行和制表符"),
    ] {
        let server = Server::start(testing::sqlite());
        let bob = server.client("bob").register().start();
        let mut alice = log_in_with(&server, "alice", &["--lang", language]);
        bob.expect(&["online alice"]);
        alice.type_keys("\x1b[200~第一行\rtwo\x1b[2J三\r\n\x1b[201~");
        alice.until_screen("the text", |lines| lines.ends_with(&["> 第一行", "two^[[2J三", ""].map(str::to_owned)));
        alice.type_keys("\r");
        alice.until_screen(refusal, |lines| lines.iter().any(|line| line == refusal));
        alice.type_keys("\x1b[200~第一行\rtwo\x1b[201~\r");
        bob.expect(&["message alice > everyone: 第一行\ntwo"]);
        alice.type_keys("half\x1b[A\x1b[A\x1b[B\x1b[B!\x1b[A\r");
        bob.expect(&["message alice > everyone: 第一行\ntwo"]);
        // Clearing the screen moves what is there into the scrollback.
        alice.type_keys("x\x0c");
        let lines = alice.until_last("> x");
        assert_eq!(lines.concat().matches(welcome).count(), 1, "{lines:#?}");
    }
}

#[test]
fn a_line_that_is_not_utf8_is_refused_and_the_next_one_is_sent() {
    let server = Server::start(testing::sqlite());
    let [mut alice, mut bob] = log_in_both(&server);
    alice.type_keys(b"caf\xe9\r");
    alice.until_output("the line is not UTF-8");
    alice.until_output("> ");
    alice.type_line("café");
    let shown = bob.until_output("→ everyone: café");
    assert_eq!(shown.matches("→ everyone").count(), 1, "{shown}");
    alice.type_keys("\x04");
    assert_eq!(alice.exit_code(), Some(1), "one line was refused");
}

#[test]
fn the_reason_for_the_end_is_shown_above_a_half_typed_line() {
    let server = Server::start(testing::sqlite());
    let [mut alice, _bob] = log_in_both(&server);
    alice.type_keys("half a li");
    alice.until_output("half a li");
    let mut newer = command(&server, "alice");
    let mut newer = Terminal::start(newer.arg("--accept-new").env("CHAT_PASSWORD", PASSWORD));
    newer.until_output("> ");
    alice.until_output("a newer login of this account has replaced this session");
    assert_eq!(alice.exit_code(), Some(3));
}

#[test]
fn closing_the_terminal_takes_the_user_offline() {
    let server = Server::start(testing::sqlite());
    let bob = server.client("bob").register().start();
    let mut alice = log_in(&server, "alice");
    bob.expect(&["online alice"]);
    alice.signal(Signal::HUP);
    bob.expect(&["offline alice asked"]);
    assert_eq!(alice.exit_code(), Some(0));
}

#[test]
fn a_terminal_that_takes_no_output_does_not_delay_the_end() {
    /// More than a terminal holds.
    const MESSAGES: usize = 200;
    let server = Server::start(testing::sqlite());
    let mut bob = server.client("bob").register().start();
    let alice = log_in(&server, "alice");
    bob.expect(&["online alice"]);
    // From here on nothing that alice's client writes is read.
    for _ in 0..MESSAGES {
        bob.type_line(&"x".repeat(1_000));
    }
    alice.until_full_unread();
    alice.signal(Signal::TERM);
    bob.until("offline alice asked");
    alice.until_ended_unread();
}
