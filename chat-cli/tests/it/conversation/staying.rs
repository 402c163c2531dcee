//! A client whose input has ended: it leaves and names the option to stay, or it stays.

use std::process::Stdio;

use rustix::process::Signal;

use crate::harness::{ClientSetup, NO_INPUT, Output, Process, Server, on_both_databases, until};

/// Runs a client as a service manager does: without a terminal, and with standard input at its end.
fn service(setup: ClientSetup) -> (Process, Output) {
    let mut process = Process::spawn(setup.into_command().stdin(Stdio::null()));
    let out = Output::collect(process.stdout());
    (process, out)
}

#[test]
fn a_client_without_input_leaves_and_names_the_option_to_stay() {
    let server = Server::start(chat_store::testing::sqlite());
    for format in ["json", "text"] {
        let (mut process, _out) = service(server.client(format).register().env("CHAT_FORMAT", format));
        assert_eq!((process.exit().code(), process.errors().as_str()), (Some(0), NO_INPUT));
        let with_input = server.client(format).env("CHAT_FORMAT", format).run("/who\n");
        assert_eq!((with_input.code, with_input.err.as_str()), (Some(0), ""), "a client with input needs no advice");
    }
}

#[test]
fn a_client_that_stays_shows_what_happens_until_a_signal() {
    on_both_databases(|database| {
        let server = Server::start(database);
        for (user, signal, setup) in [
            ("argument", Signal::TERM, server.client("argument").args(&["--stay"])),
            ("variable", Signal::INT, server.client("variable").env("CHAT_STAY", "yes")),
        ] {
            let (mut process, out) = service(setup.register());
            until("the client is online", || process.has_ended() || out.text().contains("\"welcome\""));
            let alice = server.client(&format!("to-{user}")).register().run("one\ntwo\n");
            assert_eq!((alice.code, alice.err.as_str()), (Some(0), ""));
            for text in ["one", "two"] {
                assert!(
                    out.text().contains(&format!("\"text\":\"{text}\"")),
                    "delivered, so it is shown: {}",
                    out.text()
                );
            }
            assert!(!process.has_ended());
            process.signal(signal);
            assert_eq!((process.exit().code(), process.errors().as_str()), (Some(0), ""));
        }
        until("the presence log is written", || server.presence_log().contains(&"offline argument asked".to_owned()));
    });
}

#[test]
fn a_client_that_stays_after_its_lines_reports_their_outcomes() {
    let server = Server::start(chat_store::testing::sqlite());
    let bob = server.client("bob").register().start();
    let mut alice = server.client("alice").register().args(&["--stay"]).start();
    alice.type_line("hello");
    alice.close_input();
    alice.until("summary 1 delivered");
    bob.until("message alice > everyone: hello");
    let carol = server.client("carol").register().start();
    alice.expect(&["online carol"]);
    alice.process.signal(Signal::TERM);
    assert_eq!(alice.end(), (Some(0), vec![]));
    drop(carol);
}
