//! At a terminal, as people use it.

use std::process::Command;

use chat_store::testing;
use rustix::process::Signal;

use crate::client::{Client, PASSWORD};
use crate::database::on_both_databases;
use crate::screen::Terminal;
use crate::server::Server;

/// As typed at a terminal: `chat-client --server ... --user NAME`.
fn command(server: &Server, user: &str) -> Command {
    server.client(user).without_fingerprint().into_typed()
}

#[test]
fn a_person_is_asked_for_what_is_missing_and_typing_is_not_disturbed() {
    on_both_databases(|database| {
        let server = Server::start(database);
        let mut bob = server.client("bob").register().start();

        let mut alice = Terminal::start(command(&server, "alice").arg("--register"));
        alice.until_last("new password:");
        alice.type_keys(&format!("{PASSWORD}\r"));
        alice.until_last("the same again:");
        alice.type_keys(&format!("{PASSWORD}\r"));
        let question = format!("{} is not known here. Its fingerprint is", server.address);
        let lines = alice.until("the question", |lines| lines.last().is_some_and(|last| last.ends_with("[y/n]")));
        assert!(lines.contains(&question), "{lines:#?}");
        assert!(lines.contains(&format!("  {}", server.fingerprint)), "{lines:#?}");
        alice.type_keys("y\r");
        alice.until_last(">");
        bob.expect(&["online alice"]);

        alice.type_keys("half a li");
        alice.until_last("> half a li");
        for number in 0..3 {
            bob.type_line(&format!("line {number} of bob"));
            bob.expect(&["sent > everyone to 1", "outcome alice delivered", "summary 1 delivered"]);
        }
        let lines = alice.until("the last line", |lines| {
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
        alice.until("the outcome", |lines| lines.iter().any(|line| line == "         ✓ 1 of 1"));
        alice.type_keys("/quit\r");
        bob.expect(&["offline alice asked"]);
        crate::process::until("the program ends", || alice.has_ended());
        let shown = String::from_utf8_lossy(&alice.bytes).into_owned();
        assert!(!shown.contains("correct") && !shown.contains("horse"), "a password is shown: {shown:?}");
        assert!(shown.contains("half a li"), "what is no password is shown");
    });
}

/// Alice at a terminal, and bob, who hears of her.
fn alice_at_a_terminal(server: &Server) -> (Terminal, Client) {
    let bob = server.client("bob").register().start();
    let mut alice =
        Terminal::start(command(server, "alice").args(["--register", "--accept-new"]).env("CHAT_PASSWORD", PASSWORD));
    alice.until_last(">");
    bob.expect(&["online alice"]);
    (alice, bob)
}

#[test]
fn lines_that_arrive_while_a_password_is_typed_leave_its_question_alone() {
    let server = Server::start(testing::sqlite());
    let (mut alice, mut bob) = alice_at_a_terminal(&server);
    alice.type_keys("/passwd\r");
    for (question, typed) in
        [("password:", PASSWORD), ("new password:", "battery staple"), ("the same again:", "battery staple")]
    {
        alice.until_last(question);
        bob.type_line(question);
        bob.expect(&["sent > everyone to 1", "outcome alice delivered", "summary 1 delivered"]);
        let lines = alice.until_last(question);
        let line = &lines[lines.len() - 2];
        assert!(line.ends_with(&format!(" bob → everyone: {question}")), "{lines:#?}");
        alice.type_keys(&format!("{typed}\r"));
    }
    alice.until("the answer", |lines| lines.iter().any(|line| line == "note: the password is changed"));
}

#[test]
fn who_closes_the_window_of_the_terminal_goes_offline() {
    let server = Server::start(testing::sqlite());
    let (alice, bob) = alice_at_a_terminal(&server);
    alice.signal(Signal::HUP);
    bob.expect(&["offline alice asked"]);
    crate::process::until("the program ends", || alice.has_ended());
}

#[test]
fn who_does_not_trust_the_server_sends_it_nothing() {
    on_both_databases(|database| {
        let server = Server::start(database);
        let mut alice = Terminal::start(command(&server, "alice").arg("--register").env("CHAT_PASSWORD", PASSWORD));
        alice.until("the question", |lines| lines.last().is_some_and(|last| last.ends_with("[y/n]")));
        alice.type_keys("n\r");
        alice
            .until("the refusal", |lines| lines.iter().any(|line| line.contains("is not known here; its fingerprint")));
        crate::process::until("the program ends", || alice.has_ended());
        assert_eq!(server.presence_log(), ["server started"]);
        assert_eq!(server.user(&["list"]).out, "", "no account was made");
    });
}
