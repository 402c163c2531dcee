//! A client at a terminal whose input has ended.

use std::io::Write;
use std::process::Stdio;

use chat_store::testing;
use rustix::process::Signal;

use super::{command, log_in_with};
use crate::harness::{LANGUAGES, Output, PASSWORD, Process, Server, Terminal, path_text, until};

#[test]
fn ctrl_c_ends_a_client_that_stays_after_the_end_of_its_input() {
    let server = Server::start(testing::sqlite());
    let mut bob = server.client("bob").register().start();
    let mut command = command(&server, "alice");
    command.args(["--register", "--accept-new", "--stay"]).env("CHAT_PASSWORD", PASSWORD);
    let mut alice = Terminal::start(&command);
    bob.expect(&["online alice"]);
    alice.until_last(">");
    alice.type_keys("\x04");
    until("the terminal is as it was", || alice.is_echoing());
    bob.type_line("hello");
    alice.until_output("→ everyone: hello");
    alice.type_keys("\x03");
    assert_eq!(alice.exit_code(), Some(0));
    bob.until("offline alice asked");
}

#[test]
fn ctrl_c_discards_what_is_typed_and_leaves_from_an_empty_line() {
    for language in LANGUAGES {
        for typed in ["", "写了一半的 line"] {
            let server = Server::start(testing::sqlite());
            let mut bob = server.client("bob").register().start();
            let mut alice = log_in_with(&server, "alice", &["--lang", language]);
            bob.expect(&["online alice"]);
            alice.type_keys(typed);
            alice.until_last(format!("> {typed}").trim_end());
            if !typed.is_empty() {
                alice.type_keys("\x03");
                alice.until_last(">");
                alice.type_keys("\x1b[A");
                alice.until_last(&format!("> {typed}"));
                alice.type_keys("\x03");
                alice.until_last(">");
            }
            alice.type_keys("\x03");
            assert_eq!(alice.exit_code(), Some(0), "{language} {typed:?}");
            bob.expect(&["offline alice asked"]);
            bob.assert_no_more_events();
            // The shell's prompt begins on a new line.
            let lines = alice.lines();
            assert_eq!(lines.last().map(String::as_str), Some(""), "{lines:#?}");
            assert!(!lines.iter().any(|line| line.starts_with('>')), "{lines:#?}");
            let bytes = String::from_utf8_lossy(&alice.bytes).into_owned();
            assert_eq!(bytes.matches("\x1b[?2004h").count(), bytes.matches("\x1b[?2004l").count(), "{bytes:?}");
        }
    }
}

/// The line at a terminal about the outcomes that the client waits for, without their number and the seconds.
const WAITING: [(&str, [&str; 3]); 2] = [
    ("en", ["waiting for ", " at most ", " s more; Ctrl-C leaves immediately"]),
    ("zh-CN", ["正在等待 ", " 个结果，最多再等 ", " 秒；按 Ctrl-C 立即退出"]),
];

/// Waits until the last line of the screen says that the client waits for this many outcomes.
#[track_caller]
fn until_waiting(terminal: &mut Terminal, [begin, middle, end]: [&str; 3], outcomes: usize) -> Vec<String> {
    terminal.until_screen("what the client waits for", |lines| {
        let Some(last) = lines.last() else { return false };
        last.starts_with(&format!("{begin}{outcomes}")) && last.contains(middle) && last.ends_with(end)
    })
}

#[test]
fn ctrl_c_ends_a_client_that_waits_for_outcomes() {
    for (language, words) in WAITING {
        let server = Server::start(testing::sqlite());
        let bob = server.client("bob").register().start();
        let mut alice = log_in_with(&server, "alice", &["--lang", language]);
        bob.expect(&["online alice"]);
        bob.process.signal(Signal::STOP);
        alice.type_line("hello");
        alice.type_line("/quit");
        until_waiting(&mut alice, words, 1);
        until("the terminal is as it was", || alice.is_echoing());
        alice.type_keys("\x03");
        assert_eq!(alice.exit_code(), Some(1), "the outcome is not known");
        let lines = alice.lines();
        assert!(!lines.concat().contains(words[2]), "{lines:#?}");
    }
}

#[test]
fn a_client_shows_how_many_outcomes_it_waits_for_until_there_are_none() {
    for (language, words) in WAITING {
        let server = Server::start(testing::sqlite());
        let bob = server.client("bob").register().start();
        let mut carol = server.client("carol").register().start();
        let mut alice = log_in_with(&server, "alice", &["--lang", language]);
        bob.expect(&["online carol", "online alice"]);
        carol.expect(&["online alice"]);
        for client in [&bob, &carol] {
            client.process.signal(Signal::STOP);
        }
        for user in ["bob", "carol"] {
            alice.type_line(&format!("/msg {user} 大家好"));
        }
        alice.type_keys("\x04");
        until_waiting(&mut alice, words, 2);
        carol.process.signal(Signal::CONT);
        carol.type_line("hello");
        // What arrives meanwhile stands above.
        alice.until_screen("the message", |lines| lines.iter().any(|line| line.ends_with(": hello")));
        until_waiting(&mut alice, words, 1);
        // Still wide enough for the whole sentence.
        alice.resize(76, 24);
        until_waiting(&mut alice, words, 1);
        bob.process.signal(Signal::CONT);
        assert_eq!(alice.exit_code(), Some(0), "both have it");
        let lines = alice.lines();
        assert!(!lines.concat().contains(words[2]) && lines.concat().contains("✓ bob"), "{lines:#?}");
        bob.expect(&["message alice > bob: 大家好"]);
    }
}

#[test]
fn a_client_whose_input_is_a_pipe_shows_at_the_terminal_what_it_waits_for() {
    for (language, words) in WAITING {
        let server = Server::start(testing::sqlite());
        let bob = server.client("bob").register().start();
        let go = server.home().join("go");
        let mut command = command(&server, "alice");
        command.args(["--register", "--accept-new", "--lang", language]);
        command.env("CHAT_PASSWORD", PASSWORD).env("GO", path_text(&go));
        let script = "(until [ -e $GO ]; do sleep 0.05; done; echo hello) | \"$@\"";
        let mut alice = Terminal::start_script(&command, script);
        bob.expect(&["online alice"]);
        bob.process.signal(Signal::STOP);
        std::fs::write(&go, "").unwrap();
        until_waiting(&mut alice, words, 1);
        bob.process.signal(Signal::CONT);
        assert_eq!(alice.exit_code(), Some(0));
        let lines = alice.lines();
        assert!(!lines.concat().contains(words[2]), "{lines:#?}");
    }
}

#[test]
fn a_pipe_and_a_script_receive_one_notice_instead() {
    for (language, [begin, ..]) in WAITING {
        let server = Server::start(testing::sqlite());
        let bob = server.client("bob").register().start();
        let mut carol = server.client("carol").register().start();
        let mut command = server.client("alice").register().args(&["--lang", language]).into_interactive();
        let mut alice = Process::spawn(command.env("CHAT_PASSWORD", PASSWORD).stdin(Stdio::piped()));
        let out = Output::collect(alice.stdout());
        bob.expect(&["online carol", "online alice"]);
        bob.process.signal(Signal::STOP);
        carol.type_line("/msg bob hello");
        carol.close_input();
        let mut input = alice.child.stdin.take().unwrap();
        input.write_all("/msg bob hello\n".as_bytes()).unwrap();
        drop(input);
        until("the notice", || alice.errors().contains(begin));
        carol.until("notice waiting");
        bob.process.signal(Signal::CONT);
        assert_eq!(alice.exit().code(), Some(0));
        let (errors, out) = (alice.errors(), out.text());
        assert_eq!(errors.matches(begin).count(), 1, "{errors}");
        assert!(!out.contains('\x1b') && !out.contains(begin), "{out}");
        let (code, events) = carol.end();
        assert!(code == Some(0) && events.contains(&"outcome bob delivered".to_owned()), "{code:?} {events:?}");
        assert!(!events.contains(&"notice waiting".to_owned()), "{events:?}");
    }
}
