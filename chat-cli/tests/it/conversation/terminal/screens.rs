//! Whole screens of a client in both languages: what the server and the network do to its user.

use chat_store::testing;

use super::log_in_with;
use crate::harness::{Server, Terminal, assert_in_both_languages};

/// Compares the screen of Alice after `act` with a snapshot.
#[track_caller]
fn assert_screen(name: &str, act: impl Fn(&mut Server, &mut Terminal)) {
    assert_in_both_languages(name, |language| {
        let mut server = Server::start(testing::sqlite());
        let mut alice = log_in_with(&server, "alice", &["--lang", language]);
        until_lines(&mut alice, 1);
        act(&mut server, &mut alice);
        alice.lines().iter().map(|line| without_times(line) + "\n").collect()
    });
}

/// A line without what differs from run to run: the time at its beginning, and the pause before another attempt.
fn without_times(line: &str) -> String {
    let is_time = |word: &str| word.len() == 8 && word.bytes().filter(|byte| *byte == b':').count() == 2;
    let is_pause = |word: &str| word.split_once('.').is_some_and(|(whole, part)| digits(whole) && digits(part));
    fn digits(part: &str) -> bool {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())
    }
    // Some languages have no space before a number.
    let words = line.split_inclusive([' ', '；', ';']).map(|word| {
        let (bare, end) = word.split_at(word.trim_end_matches([' ', '；', ';']).len());
        match bare {
            bare if is_time(bare) => format!("TIME{end}"),
            bare if is_pause(bare) => format!("N{end}"),
            _ => word.to_owned(),
        }
    });
    words.collect()
}

/// Waits until Alice sees this many lines above an empty prompt.
#[track_caller]
fn until_lines(alice: &mut Terminal, count: usize) {
    alice.until_screen(&format!("{count} lines"), |lines| {
        lines.len() == count + 1 && lines.last().is_some_and(|last| last == ">")
    });
}

#[test]
fn the_list_of_ignored_users() {
    assert_screen("screen-ignored", |_, alice| {
        let commands = ["/ignore", "/ignore bob", "/ignore 小明", "/ignore", "/unignore bob", "/unignore bob"];
        for (number, command) in commands.into_iter().enumerate() {
            alice.type_line(command);
            until_lines(alice, 1 + 2 * (number + 1));
        }
    });
}

#[test]
fn a_user_whose_account_is_disabled() {
    assert_screen("screen-kicked", |server, alice| {
        alice.type_keys("写了一半");
        alice.until_last("> 写了一半");
        assert_eq!(server.operate(&["user", "disable", "alice"]).code, Some(0));
        assert_eq!(alice.exit_code(), Some(3));
    });
}

#[test]
fn a_user_who_logs_in_elsewhere() {
    assert_screen("screen-replaced", |server, alice| {
        let _newer = server.client("alice").start();
        assert_eq!(alice.exit_code(), Some(3));
    });
}

#[test]
fn a_server_that_stops() {
    assert_screen("screen-server-stopped", |server, alice| {
        server.stop();
        until_lines(alice, 3);
    });
}

#[test]
fn a_server_that_breaks_down_and_returns() {
    assert_screen("screen-reconnected", |server, alice| {
        server.process.kill();
        until_lines(alice, 2);
        server.restart();
        until_lines(alice, 3);
    });
}
