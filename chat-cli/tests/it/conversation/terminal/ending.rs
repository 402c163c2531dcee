//! A client at a terminal whose input has ended.

use chat_store::testing;
use rustix::process::Signal;

use super::{command, log_in};
use crate::harness::{PASSWORD, Server, Terminal, until};

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
fn ctrl_c_ends_a_client_that_waits_for_outcomes() {
    let server = Server::start(testing::sqlite());
    let bob = server.client("bob").register().start();
    let mut alice = log_in(&server, "alice");
    bob.expect(&["online alice"]);
    bob.process.signal(Signal::STOP);
    alice.type_line("hello");
    alice.type_line("/quit");
    alice.until_output("waiting for 1 outstanding outcome; Ctrl-C leaves immediately");
    until("the terminal is as it was", || alice.is_echoing());
    alice.type_keys("\x03");
    assert_eq!(alice.exit_code(), Some(1), "the outcome is not known");
}
