//! `/passwd` at a terminal.

use chat_store::testing;
use rustix::process::Signal;

use super::{PASSWORD_CHANGE, log_in, log_in_both, until_hidden_question};
use crate::harness::{PASSWORD, Server};

#[test]
fn a_password_change_hides_both_passwords() {
    let server = Server::start(testing::sqlite());
    let mut alice = log_in(&server, "alice");
    alice.type_line("/passwd");
    let mut shown = String::new();
    for (question, answer) in PASSWORD_CHANGE {
        shown += &until_hidden_question(&mut alice, question);
        alice.type_line(answer);
    }
    shown += &alice.until_output("the password is changed");
    assert!(!shown.contains("battery") && !shown.contains(PASSWORD), "{shown}");
    alice.type_keys("\x04");
    assert_eq!(alice.exit_code(), Some(0));
    let old = server.client("alice").run("");
    assert_eq!(old.err.lines().next(), Some("error: wrong user name or password"));
}

#[test]
fn lines_that_arrive_stand_above_the_question_for_a_password() {
    let server = Server::start(testing::sqlite());
    let mut bob = server.client("bob").register().start();
    let mut alice = log_in(&server, "alice");
    bob.expect(&["online alice"]);
    alice.type_line("/passwd");
    for (question, answer) in PASSWORD_CHANGE {
        let question = question.trim_end();
        alice.until_last(question);
        // The same text as the question, so that only its place on the screen distinguishes the two.
        bob.type_line(question);
        bob.expect(&["sent > everyone to 1", "outcome alice delivered", "summary 1 delivered"]);
        let lines = alice.until_last(question);
        let line = &lines[lines.len() - 2];
        assert!(line.ends_with(&format!(" bob → everyone: {question}")), "{lines:#?}");
        alice.type_line(answer);
    }
    alice.until_screen("the answer", |lines| lines.iter().any(|line| line == "note: the password is changed"));
}

#[test]
fn text_typed_ahead_of_the_questions_is_not_sent() {
    let server = Server::start(testing::sqlite());
    let [mut alice, mut bob] = log_in_both(&server);
    alice.type_keys(format!("/passwd\r{PASSWORD}\rbattery staple\r"));
    for (question, answer) in PASSWORD_CHANGE {
        until_hidden_question(&mut alice, question);
        alice.type_line(answer);
    }
    alice.until_output("typed ahead of the passwords");
    alice.until_output("the password is changed");
    alice.type_line("and now");
    let shown = bob.until_output("→ everyone: and now");
    assert!(!shown.contains(PASSWORD) && !shown.contains("battery"), "{shown}");
}

#[test]
fn messages_flow_during_a_password_change_whose_answer_is_lost() {
    let server = Server::start(testing::sqlite());
    let [mut alice, mut bob] = log_in_both(&server);
    server.process.signal(Signal::STOP);
    alice.type_line("/passwd");
    for (question, answer) in PASSWORD_CHANGE {
        until_hidden_question(&mut alice, question);
        alice.type_line(answer);
    }
    alice.until_output("> ");
    bob.type_line("are you there?");
    alice.until_output("→ everyone: are you there?");
    alice.type_line("yes");
    bob.until_output("→ everyone: yes");
    alice.until_output("the password may or may not have changed");
    server.process.signal(Signal::CONT);
}
