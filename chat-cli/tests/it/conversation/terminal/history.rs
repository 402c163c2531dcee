//! The lines of earlier sessions.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use chat_store::testing;

use super::{PASSWORD_CHANGE, command, log_in, log_in_with, until_hidden_question};
use crate::harness::{Home, Server, Terminal, path_text};

/// Alice again at a terminal, after she has registered.
fn again(server: &Server, password: &str, args: &[&str]) -> Terminal {
    let mut command = command(server, "alice");
    let mut alice = Terminal::start(command.arg("--accept-new").args(args).env("CHAT_PASSWORD", password));
    alice.until_output("> ");
    alice
}

fn quit(mut terminal: Terminal) {
    terminal.type_keys("\x15\x04");
    terminal.exit_code();
}

fn history_file(server: &Server) -> std::path::PathBuf {
    server.home().of_user("alice").join(".local/share/chat-client/history")
}

#[test]
fn lines_are_there_in_the_next_session_and_passwords_are_not() {
    let server = Server::start(testing::sqlite());
    let mut alice = log_in(&server, "alice");
    alice.type_line("大家好");
    alice.until_output("nobody else is online");
    alice.type_line("/password battery staple");
    alice.until_output("there is no command /password");
    alice.type_line("/passwd battery staple");
    alice.until_output("usage: /passwd");
    alice.type_line("/passwd");
    for (question, answer) in PASSWORD_CHANGE {
        until_hidden_question(&mut alice, question);
        alice.type_line(answer);
    }
    alice.until_output("the password is changed");
    quit(alice);
    let file = history_file(&server);
    assert_eq!(fs::read_to_string(&file).unwrap(), "\"大家好\"\n\"/passwd\"\n");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let mut alice = again(&server, "battery staple", &[]);
    alice.type_keys("\x1b[A");
    alice.until_last("> /passwd");
    alice.type_keys("\x1b[A");
    alice.until_last("> 大家好");
    quit(alice);
}

#[test]
fn nothing_is_remembered_without_a_file() {
    let server = Server::start(testing::sqlite());
    let mut alice = log_in_with(&server, "alice", &["--history", "none"]);
    alice.type_line("hello");
    alice.until_output("nobody else is online");
    alice.type_keys("\x1b[A");
    alice.until_last("> hello");
    quit(alice);
    assert!(!history_file(&server).exists());
}

#[test]
fn a_file_with_something_else_stays_as_it_is() {
    for (language, reason) in
        [("en", "it contains something else and is left as it is"), ("zh-CN", "它的内容不是历史记录，未作改动")]
    {
        let server = Server::start(testing::sqlite());
        let home = Home::new();
        let file = home.join("notes.txt");
        fs::write(&file, "my notes\n").unwrap();
        let mut alice = log_in_with(&server, "alice", &["--lang", language, "--history", path_text(&file)]);
        alice.until_screen(reason, |lines| lines.concat().contains(reason));
        alice.type_line("hello");
        alice.type_keys("\x1b[A");
        alice.until_last("> hello");
        quit(alice);
        assert_eq!(fs::read_to_string(&file).unwrap(), "my notes\n");
    }
}
