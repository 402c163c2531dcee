//! Suspending the program and continuing it, as a shell does.

use std::process::Command;

use chat_store::testing;
use rustix::process::Signal;

use super::{command, until_hidden_question};
use crate::harness::{Client, PASSWORD, Server, Terminal};

/// How often the program is suspended: a signal that arrives too early or too late shows in some of the attempts.
const ATTEMPTS: usize = 30;

/// What is typed before the program stops, in each language.
const DRAFTS: [(&str, &str); 2] = [("en", "draft"), ("zh-CN", "还没写完的草稿")];

/// Runs the program in the foreground, and continues it each time it stops. Like an interactive shell, it uses the
/// terminal with its own settings in between.
fn shell() -> String {
    const BEGIN: &str = r#"set -m
again() {
    [ $code -gt 128 ] || return 0
    stty -a; stty sane; echo "stopped"; read -r line; echo "going on"; fg >/dev/null; code=$?
}
"$@"; code=$?
"#;
    // Not a loop, which bash would leave when the program stops in it.
    format!("{BEGIN}{}echo \"code=$code\"", "again\n".repeat(ATTEMPTS))
}

/// Suspends the program once, and then ends it with SIGTERM.
const KILLING_SHELL: &str = r#"set -m; "$@"; stty sane; pid=$(jobs -p); kill %1
while kill -0 $pid 2>/dev/null; do sleep 0.05; done; echo "ended""#;

/// Suspends the program once, and continues it in the background until a line is typed.
const BACKGROUND_SHELL: &str = r#"set -m; "$@"; stty sane; bg >/dev/null; read -r line; fg >/dev/null; echo "code=$?""#;

/// Alice at a shell, and Bob.
fn start(server: &Server, script: &str) -> (Terminal, Client) {
    start_in(server, "en", script)
}

fn start_in(server: &Server, language: &str, script: &str) -> (Terminal, Client) {
    let mut bob = server.client("bob").register().start();
    let mut command = command(server, "alice");
    command.args(["--register", "--accept-new", "--lang", language]).env("CHAT_PASSWORD", PASSWORD);
    let mut alice = Terminal::start_shell(Command::new("bash"), &command, script);
    bob.expect(&["online alice"]);
    alice.until_last(">");
    bob.type_line("welcome");
    bob.expect(&["sent > everyone to 1", "outcome alice delivered", "summary 1 delivered"]);
    (alice, bob)
}

/// Asserts that the terminal is usable, and continues the program.
#[track_caller]
fn go_on(alice: &mut Terminal) {
    alice.until_output("stopped");
    assert!(alice.is_echoing(), "the terminal does not echo");
    alice.type_line("go");
    alice.until_output("going on");
}

#[test]
fn ctrl_z_gives_the_terminal_back_and_fg_shows_the_line_again() {
    for (language, typed) in DRAFTS {
        let server = Server::start(testing::sqlite());
        let (mut alice, mut bob) = start_in(&server, language, &shell());
        for number in 0..ATTEMPTS / DRAFTS.len() {
            let draft = format!("> {typed} {number}");
            alice.type_keys(format!("{typed} {number}"));
            alice.until_last(&draft);
            alice.type_keys("\x1a");
            let settings = alice.until_output("stopped");
            assert!(settings.contains(" echo ") && settings.contains(" icanon "), "{settings}");
            // The message arrives before the program continues, or after that.
            let message = format!("message {number}.");
            if number % 2 == 0 {
                bob.type_line(&message);
            }
            alice.type_line("go");
            if number % 2 == 1 {
                bob.type_line(&message);
            }
            bob.expect(&["sent > everyone to 1", "outcome alice delivered", "summary 1 delivered"]);
            let lines = alice.until_last(&draft);
            assert_eq!(lines.iter().filter(|line| **line == draft).count(), 1, "{lines:#?}");
            assert_eq!(lines.concat().matches(&message).count(), 1, "{lines:#?}");
            assert!(!alice.is_echoing(), "the terminal echoes keys besides the editor");
            alice.type_keys("!\x01?\r");
            bob.expect(&[&format!("message alice > everyone: ?{typed} {number}!")]);
        }
        alice.type_line("/quit");
        alice.until_output("code=0");
    }
}

#[test]
fn the_line_is_shown_again_after_a_stop_without_warning() {
    for (language, typed) in DRAFTS {
        let server = Server::start(testing::sqlite());
        let (mut alice, bob) = start_in(&server, language, &shell());
        for number in 0..ATTEMPTS / DRAFTS.len() {
            let draft = format!("> {typed} {number}");
            alice.type_keys(format!("{typed} {number}"));
            alice.until_last(&draft);
            alice.signal_foreground(Signal::STOP);
            go_on(&mut alice);
            alice.until_last(&draft);
            alice.type_keys(" 继续");
            let lines = alice.until_last(&format!("{draft} 继续"));
            assert_eq!(lines.concat().matches("welcome").count(), 1, "{lines:#?}");
            alice.type_keys("\r");
            bob.expect(&[&format!("message alice > everyone: {typed} {number} 继续")]);
        }
        alice.type_line("/quit");
        alice.until_output("code=0");
    }
}

#[test]
fn a_question_for_a_password_is_hidden_again_after_a_stop() {
    for (language, question) in [("en", "current password:"), ("zh-CN", "当前密码：")] {
        let server = Server::start(testing::sqlite());
        let (mut alice, _bob) = start_in(&server, language, &shell());
        for signal in [Signal::STOP, Signal::TSTP] {
            alice.type_line("/passwd");
            alice.until_last(question);
            if signal == Signal::STOP {
                alice.signal_foreground(signal);
            } else {
                alice.type_keys("\x1a");
            }
            go_on(&mut alice);
            alice.until_last(question);
            assert!(!alice.is_echoing(), "the terminal echoes the password");
            alice.type_keys("\x03");
            alice.until_last(">");
        }
        alice.type_line("/quit");
        alice.until_output("code=0");
    }
}

#[test]
fn the_password_at_login_is_hidden_again_after_a_stop() {
    let server = Server::start(testing::sqlite());
    assert_eq!(server.client("alice").register().run("").code, Some(0));
    let mut alice =
        Terminal::start_shell(Command::new("bash"), command(&server, "alice").arg("--accept-new"), &shell());
    until_hidden_question(&mut alice, "password: ");
    alice.signal_foreground(Signal::STOP);
    go_on(&mut alice);
    until_hidden_question(&mut alice, "password: ");
    alice.type_line(PASSWORD);
    let shown = alice.until_output("you are ");
    assert!(!shown.contains(PASSWORD), "{shown}");
    alice.until_last(">");
    alice.type_line("/quit");
    alice.until_output("code=0");
}

#[test]
fn a_suspended_program_goes_offline_when_it_is_ended() {
    let server = Server::start(testing::sqlite());
    let (mut alice, bob) = start(&server, KILLING_SHELL);
    alice.type_keys("half a line\x1a");
    bob.expect(&["offline alice asked"]);
    alice.until_output("ended");
}

#[test]
fn a_program_in_the_background_receives_without_a_prompt() {
    let server = Server::start(testing::sqlite());
    let (mut alice, mut bob) = start(&server, BACKGROUND_SHELL);
    alice.type_keys("half a li\x1a");
    bob.type_line("are you there?");
    bob.expect(&["sent > everyone to 1", "outcome alice delivered", "summary 1 delivered"]);
    alice.until_screen("the message", |lines| lines.iter().any(|line| line.ends_with("are you there?")));
    alice.type_line("go");
    alice.until_last("> half a li");
    alice.type_keys("ne\r");
    bob.expect(&["message alice > everyone: half a line"]);
    alice.type_line("/quit");
    alice.until_output("code=0");
}

#[test]
fn ctrl_z_without_a_shell_that_could_continue_the_program_changes_nothing() {
    let server = Server::start(testing::sqlite());
    let mut alice = super::log_in(&server, "alice");
    alice.type_keys("half a li\x1ane");
    alice.until_last("> half a line");
    assert!(!alice.is_echoing(), "the terminal echoes keys besides the editor");
    alice.type_keys("\x15/quit\r");
    assert_eq!(alice.exit_code(), Some(0));
}
