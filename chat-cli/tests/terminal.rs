//! The client at a terminal: a hidden password, the question about an unknown server, and lines that do not tear.
#![allow(clippy::unwrap_used, reason = "clippy does not see that helpers of tests are tests")]

mod common;

use std::process::Command;
use std::time::Duration;

use common::{Home, PASSWORD, Server, path};
use expectrl::process::unix::WaitStatus;
use expectrl::session::OsSession;
use expectrl::{Eof, Expect, Session};
use rustix::process::Signal;

/// Longer than a password check on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

fn at_terminal(home: &Home, server: &Server, args: &[&str]) -> OsSession {
    in_shell(home, "exec \"$@\"", &[&["--server", &server.address], args].concat())
}

/// Runs `script` at a terminal that shows what is typed, as people's do; `"$@"` is the client with its arguments.
fn in_shell(home: &Home, script: &str, args: &[&str]) -> OsSession {
    let mut shell = Command::new("sh");
    shell.env_clear().env("HOME", home.join("")).env("PATH", "/usr/bin:/bin").env("TERM", "xterm");
    shell
        .args(["-c", &format!("stty echo; {script}"), "sh"])
        .arg(assert_cmd::cargo::cargo_bin("chat-client"))
        .args(args);
    let mut session = Session::spawn(shell).unwrap();
    session.set_expect_timeout(Some(PATIENCE));
    session
}

/// Waits for `needle`; gives all that was shown before it and itself.
fn until(session: &mut OsSession, needle: &str) -> String {
    match session.expect(needle) {
        Ok(found) => String::from_utf8_lossy(found.as_bytes()).into_owned(),
        Err(error) => panic!("no {needle:?}: {error}"),
    }
}

/// Waits for a question whose answer must not be seen, and gives what was shown until then. The terminal is silent by
/// the time the question is there: whoever answers at once is not seen either.
fn until_unseen(session: &mut OsSession, question: &str) -> String {
    let shown = until(session, question);
    assert!(!session.get_process().get_echo().unwrap(), "what is typed at {question:?} is shown");
    shown
}

fn exit_code(session: &mut OsSession) -> i32 {
    session.expect(Eof).unwrap();
    match session.get_process().wait().unwrap() {
        WaitStatus::Exited(_, code) => code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_password_is_asked_for_unseen_and_the_unknown_server_is_asked_about() {
    let home = Home::new();
    let server = home.serve("data");
    let mut alice = at_terminal(&home, &server, &["--register"]);
    let mut shown = until(&mut alice, "user name: ");
    alice.send_line("alice").unwrap();
    shown += &until_unseen(&mut alice, "new password: ");
    assert!(shown.contains("alice"), "the terminal does not show what is typed: {shown}");
    alice.send_line("short").unwrap();
    shown += &until(&mut alice, "too short");
    shown += &until_unseen(&mut alice, "new password: ");
    alice.send_line(PASSWORD).unwrap();
    shown += &until_unseen(&mut alice, "the same again: ");
    alice.send_line(PASSWORD).unwrap();
    shown += &until(&mut alice, "[y/n] ");
    assert!(shown.contains(&server.fingerprint), "{shown}");
    assert!(alice.get_process().get_echo().unwrap(), "what is no secret is shown again");
    alice.send_line("y").unwrap();
    shown += &until(&mut alice, "you are ");
    shown += &until(&mut alice, "nobody else is online");
    assert!(!shown.contains(PASSWORD) && !shown.contains("short\r"), "a password is shown: {shown}");
    until(&mut alice, "> ");
    alice.send_line("/quit").unwrap();
    assert_eq!(exit_code(&mut alice), 0);

    let mut again = at_terminal(&home, &server, &["--user", "alice"]);
    until_unseen(&mut again, "password: ");
    again.send_line(PASSWORD).unwrap();
    let shown = until(&mut again, "nobody else is online");
    assert!(!shown.contains("[y/n]") && !shown.contains(PASSWORD), "{shown}");
    until(&mut again, "> ");
    again.send("\x04").unwrap();
    assert_eq!(exit_code(&mut again), 0);
}

#[test]
fn refusing_the_server_ends_without_logging_in() {
    let home = Home::new();
    let server = home.serve("data");
    let mut alice = at_terminal(&home, &server, &["--user", "alice", "--register"]);
    for prompt in ["new password: ", "the same again: "] {
        until_unseen(&mut alice, prompt);
        alice.send_line(PASSWORD).unwrap();
    }
    until(&mut alice, "[y/n] ");
    alice.send_line("n").unwrap();
    until(&mut alice, "is not known here");
    assert_eq!(exit_code(&mut alice), 3);
    let users = home.run("chat-server", &["--data-dir", path(&server.data), "user", "list"]);
    assert_eq!((users.code, users.out.as_str()), (Some(0), ""));
}

#[test]
fn ctrl_c_at_the_password_ends_the_program_and_leaves_the_terminal_as_it_was() {
    let home = Home::new();
    let server = home.serve("data");
    // Ctrl-C may come as a key or as a signal, which goes to the shell too.
    let script = "trap : INT; \"$@\"; echo code=$?; stty -a; read wait";
    let mut session = in_shell(&home, script, &["--server", &server.address, "--user", "alice"]);
    until_unseen(&mut session, "password: ");
    session.send("\x03").unwrap();
    let shown = until(&mut session, "code=3");
    assert!(shown.contains("error: interrupted\r\n"), "{shown}");
    let settings = until(&mut session, " echo ");
    assert!(!settings.contains("-icanon"), "{settings}");
}

#[test]
fn a_line_being_typed_survives_what_arrives() {
    let home = Home::new();
    let server = home.serve("data");
    let file = home.join("password");
    std::fs::write(&file, PASSWORD).unwrap();
    let common = ["--accept-new", "--register", "--password-file", path(&file)];
    let mut alice = at_terminal(&home, &server, &[&["--user", "alice"], &common[..]].concat());
    until(&mut alice, "> ");
    alice.send("/msg bob 你好").unwrap();
    until(&mut alice, "你好");
    let mut bob = at_terminal(&home, &server, &[&["--user", "bob"], &common[..]].concat());
    until(&mut alice, "is online at");
    // What was typed is shown again below the line that came.
    until(&mut alice, "/msg bob 你好");
    until(&mut bob, "> ");
    bob.send_line("//hello").unwrap();
    until(&mut alice, "→ everyone: /hello");
    until(&mut alice, "/msg bob 你好");
    alice.send_line("").unwrap();
    until(&mut bob, "→ you: 你好");
    until(&mut alice, "✓");
    alice.send("\x03").unwrap();
    assert_eq!(exit_code(&mut alice), 0);
    until(&mut bob, "is offline");
    bob.send_line("/offline").unwrap();
    assert_eq!(exit_code(&mut bob), 0);
}

#[test]
fn the_password_is_changed_unseen() {
    let home = Home::new();
    let server = home.serve("data");
    let file = home.join("password");
    std::fs::write(&file, PASSWORD).unwrap();
    let mut alice =
        at_terminal(&home, &server, &["--user", "alice", "--accept-new", "--register", "--password-file", path(&file)]);
    until(&mut alice, "> ");
    alice.send_line("/passwd").unwrap();
    let mut shown = String::new();
    for (prompt, typed) in
        [("password: ", PASSWORD), ("new password: ", "battery staple"), ("the same again: ", "battery staple")]
    {
        shown += &until_unseen(&mut alice, prompt);
        alice.send_line(typed).unwrap();
    }
    shown += &until(&mut alice, "the password is changed");
    assert!(!shown.contains("battery") && !shown.contains(PASSWORD), "{shown}");
    alice.send("\x04").unwrap();
    assert_eq!(exit_code(&mut alice), 0);
    let old = home.run("chat-client", &["--server", &server.address, "--user", "alice"]);
    assert_eq!(old.err.lines().next(), Some("error: wrong user name or password"));
}

/// Two users at terminals, who have seen each other.
fn two(home: &Home, server: &Server) -> [OsSession; 2] {
    let file = home.join("password");
    std::fs::write(&file, PASSWORD).unwrap();
    let mut sessions = ["alice", "bob"].map(|user| {
        let args = ["--user", user, "--accept-new", "--register", "--password-file", path(&file)];
        let mut session = at_terminal(home, server, &args);
        until(&mut session, "> ");
        session
    });
    until(&mut sessions[0], "is online at");
    sessions
}

#[test]
fn lines_that_are_typed_ahead_are_all_sent() {
    let home = Home::new();
    let server = home.serve("data");
    let [mut alice, mut bob] = two(&home, &server);
    alice.send("one\rtwo\r\r三\rand so").unwrap();
    for text in ["one", "two", "三"] {
        until(&mut bob, &format!("→ everyone: {text}"));
    }
    until(&mut alice, "and so");
    alice.send(" on\r").unwrap();
    until(&mut bob, "→ everyone: and so on");
}

#[test]
fn what_is_not_utf8_is_told_and_typing_goes_on() {
    let home = Home::new();
    let server = home.serve("data");
    let [mut alice, mut bob] = two(&home, &server);
    alice.send(b"caf\xe9\r").unwrap();
    until(&mut alice, "the line is not UTF-8");
    until(&mut alice, "> ");
    alice.send("café\r").unwrap();
    let shown = until(&mut bob, "→ everyone: café");
    assert_eq!(shown.matches("→ everyone").count(), 1, "{shown}");
    alice.send("\x04").unwrap();
    assert_eq!(exit_code(&mut alice), 1, "one line was not done");
}

#[test]
fn what_is_typed_ahead_of_passwords_is_said_to_nobody() {
    let home = Home::new();
    let server = home.serve("data");
    let [mut alice, mut bob] = two(&home, &server);
    alice.send(format!("/passwd\r{PASSWORD}\rbattery staple\r")).unwrap();
    for (prompt, typed) in
        [("password: ", PASSWORD), ("new password: ", "battery staple"), ("the same again: ", "battery staple")]
    {
        until_unseen(&mut alice, prompt);
        alice.send_line(typed).unwrap();
    }
    until(&mut alice, "typed ahead of the passwords");
    until(&mut alice, "the password is changed");
    // By now nothing is there any more that was typed ahead.
    std::thread::sleep(Duration::from_secs(1));
    alice.send("and now\r").unwrap();
    let shown = until(&mut bob, "→ everyone: and now");
    assert!(!shown.contains(PASSWORD) && !shown.contains("battery"), "{shown}");
}

#[test]
fn messages_come_while_the_server_thinks_about_a_password_and_a_broken_connection_leaves_it_open() {
    let home = Home::new();
    let server = home.serve("data");
    let [mut alice, mut bob] = two(&home, &server);
    server.signal(Signal::STOP);
    alice.send("/passwd\r").unwrap();
    for (prompt, typed) in
        [("password: ", PASSWORD), ("new password: ", "battery staple"), ("the same again: ", "battery staple")]
    {
        until_unseen(&mut alice, prompt);
        alice.send_line(typed).unwrap();
    }
    until(&mut alice, "> ");
    bob.send("are you there?\r").unwrap();
    until(&mut alice, "→ everyone: are you there?");
    std::thread::sleep(Duration::from_secs(1));
    alice.send("yes\r").unwrap();
    until(&mut bob, "→ everyone: yes");
    until(&mut alice, "it is not known whether the password was changed");
    server.signal(Signal::CONT);
}

#[test]
fn the_last_word_is_shown_also_in_the_middle_of_a_line() {
    let home = Home::new();
    let server = home.serve("data");
    let [mut alice, _bob] = two(&home, &server);
    alice.send("half a li").unwrap();
    until(&mut alice, "half a li");
    let file = home.join("password");
    let mut other = at_terminal(&home, &server, &["--user", "alice", "--accept-new", "--password-file", path(&file)]);
    until(&mut other, "> ");
    until(&mut alice, "another log-in of this account has taken over");
    assert_eq!(exit_code(&mut alice), 3);
}
