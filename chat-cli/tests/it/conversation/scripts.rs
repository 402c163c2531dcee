//! `chat-client` in a script: documented events, and an exit code that reports the outcome.

use rustix::process::Signal;

use crate::harness::{Finished, Home, Server, assert_contains, on_both_databases, short_form};

/// The short forms of the events of a run.
fn events(finished: &Finished) -> Vec<String> {
    finished.out.lines().map(|line| short_form(&serde_json::from_str(line).unwrap())).collect()
}

#[test]
fn the_exit_code_reports_whether_a_line_was_delivered() {
    on_both_databases(|database| {
        let server = Server::start(database);
        let alone = server.client("alice").register().run("hello\n");
        assert_eq!(events(&alone), ["welcome alice: ", "notice nobody-there"]);
        assert_eq!((alone.code, alone.err.as_str()), (Some(4), ""));

        let bob = server.client("bob").register().start();
        let delivered = server.client("alice").run("hello\n");
        assert_eq!(
            events(&delivered),
            ["welcome alice: bob", "sent > everyone to 1", "outcome bob delivered", "summary 1 delivered"]
        );
        assert_eq!((delivered.code, delivered.err.as_str()), (Some(0), ""));
        bob.expect(&["online alice", "message alice > everyone: hello", "offline alice asked"]);

        let with_ref = server.client("alice").args(&["--input", "json"]);
        let with_ref = with_ref.run("{\"to\":\"bob\",\"text\":\"a\\nb\",\"ref\":\"r1\"}\n{\"to\":\"bob\"}\n");
        assert_contains(&with_ref.out, "\"ref\":\"r1\"");
        assert_eq!(with_ref.code, Some(1), "the second line was wrong: {}", with_ref.out);
        bob.expect(&["online alice", "message alice > bob: a\nb", "offline alice asked"]);

        let taken = server.client("ALICE").register().run("hello\n");
        assert_eq!((taken.code, taken.error_code().as_str()), (Some(3), "name-taken"));
        assert_eq!(
            taken.err,
            "error: that user name is taken, or looks like one that is taken; choose another\nhint: if the account is yours, omit --register\n"
        );
        let wrong = server.client("bob").env("CHAT_PASSWORD", "incorrect horse").run("hello\n");
        assert_eq!((wrong.code, wrong.error_code().as_str()), (Some(3), "wrong-credentials"));
        assert_eq!(wrong.err, "error: wrong user name or password\nhint: to create an account, add --register\n");
        let unknown = server.client("nobody").run("hello\n");
        assert_eq!((unknown.code, unknown.out, unknown.err), (wrong.code, wrong.out, wrong.err));
        let usage = server.client("alice").args(&["--format", "xml"]).run("");
        assert_eq!((usage.code, usage.out.as_str()), (Some(2), ""));
        assert_contains(&usage.err, "invalid value 'xml' for '--format <FORMAT>'");
        assert_eq!(bob.leave(), (Some(0), vec![]));
    });
}

#[test]
fn a_message_to_a_suspended_receiver_is_unconfirmed() {
    on_both_databases(|database| {
        let server = Server::start(database);
        let bob = server.client("bob").register().start();
        // The receiver stops while its connection stays open, so that only its silence shows it.
        bob.process.signal(Signal::STOP);
        let finished = server.client("alice").register().run("hello\n");
        let events = events(&finished);
        assert_eq!(finished.code, Some(1), "{events:?}");
        assert_eq!(events[..2], ["welcome alice: bob", "sent > everyone to 1"]);
        // The reason depends on whether the link or the server times out first.
        for wanted in ["outcome bob unconfirmed: ", "summary 0 delivered, bob unconfirmed: "] {
            assert_eq!(events.iter().filter(|event| event.starts_with(wanted)).count(), 1, "{events:?}");
        }
        assert!(!events.concat().contains("bob delivered"), "{events:?}");
    });
}

#[test]
fn an_error_about_a_line_does_not_command_the_terminal() {
    let server = Server::start_in(&Home::new(), &[]);
    let alice = server.client("alice").register().env("CHAT_FORMAT", "text");
    let finished = alice.run("/\x1b[2J\x1b]0;title\x07\n/\u{202e}who\nbell\x07\n");
    assert_eq!(
        finished.err,
        "error: there is no command /^[[2J^[]0;title^G; /help lists them (// begins a text with a slash)\n\
         error: there is no command /\u{fffd}who; did you mean /who? (// begins a text with a slash)\n\
         error: the text contains the control character U+0007; only newline and tab are allowed\n"
    );
    let alice = server.client("alice").env("CHAT_FORMAT", "text").args(&["--input", "json"]);
    let finished = alice.run("{\"\\u001b[2J\\nerror: \":1}\n{\"to\":\"b\\u001b[2J\",\"text\":\"x\"}\n");
    assert_eq!(finished.err.lines().count(), 2, "{}", finished.err);
    assert_contains(&finished.err, "unknown field `^[[2J^Jerror: `");
    assert!(!finished.err.contains('\x1b'), "{}", finished.err);
}
