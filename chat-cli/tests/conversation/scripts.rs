//! `chat-client` in a script: documented events, and an exit code that tells what became of it.

use rustix::process::Signal;

use crate::database::on_both_databases;
use crate::event::told;
use crate::process::{Ended, assert_contains};
use crate::server::Server;

/// The events of a run, told.
fn events(ended: &Ended) -> Vec<String> {
    ended.out.lines().map(|line| told(&serde_json::from_str(line).unwrap())).collect()
}

#[test]
fn one_line_through_a_pipe_is_delivered_or_the_exit_code_says_why_not() {
    on_both_databases(|database| {
        let server = Server::start(database);
        let alone = server.client("alice").register().run("hello\n");
        assert_eq!(events(&alone), ["welcome alice: ", "notice nobody-there"]);
        assert_eq!((alone.code, alone.errors.as_str()), (Some(4), ""));

        let bob = server.client("bob").register().start();
        let heard = server.client("alice").run("hello\n");
        assert_eq!(
            events(&heard),
            ["welcome alice: bob", "sent > everyone to 1", "outcome bob delivered", "summary 1 delivered"]
        );
        assert_eq!((heard.code, heard.errors.as_str()), (Some(0), ""));
        bob.expect(&["online alice", "message alice > everyone: hello", "offline alice asked"]);

        let with_ref = server.client("alice").args(&["--input", "json"]);
        let with_ref = with_ref.run("{\"to\":\"bob\",\"text\":\"a\\nb\",\"ref\":\"r1\"}\n{\"to\":\"bob\"}\n");
        assert_contains(&with_ref.out, "\"ref\":\"r1\"");
        assert_eq!(with_ref.code, Some(1), "one of the lines was wrong: {}", with_ref.out);
        bob.expect(&["online alice", "message alice > bob: a\nb", "offline alice asked"]);

        let taken = server.client("ALICE").register().run("hello\n");
        assert_eq!((taken.code, taken.out.as_str()), (Some(3), ""));
        assert_eq!(
            taken.errors,
            "error: that user name is taken; choose another\nhint: if it is yours, leave --register out\n"
        );
        let wrong = server.client("bob").env("CHAT_PASSWORD", "incorrect horse").run("hello\n");
        assert_eq!((wrong.code, wrong.out.as_str()), (Some(3), ""));
        assert_eq!(wrong.errors, "error: wrong user name or password\nhint: to make a new account, add --register\n");
        let unknown = server.client("nobody").run("hello\n");
        assert_eq!((unknown.code, unknown.out, unknown.errors), (wrong.code, wrong.out, wrong.errors));
        let usage = server.client("alice").args(&["--format", "xml"]).run("");
        assert_eq!((usage.code, usage.out.as_str()), (Some(2), ""));
        assert_contains(&usage.errors, "invalid value 'xml' for '--format <FORMAT>'");
        assert_eq!(bob.leave(), (Some(0), vec![]));
    });
}

#[test]
fn a_receiver_that_hangs_leaves_the_message_unconfirmed() {
    on_both_databases(|database| {
        let server = Server::start(database);
        let bob = server.client("bob").register().start();
        // It hangs with its connection open: only silence tells.
        bob.process.signal(Signal::STOP);
        let ended = server.client("alice").register().run("hello\n");
        let events = events(&ended);
        assert_eq!(ended.code, Some(1), "{events:?}");
        assert_eq!(events[..2], ["welcome alice: bob", "sent > everyone to 1"]);
        // Whether the link times out or the server misses it first is a matter of seconds.
        for wanted in ["outcome bob unconfirmed: ", "summary 0 delivered, bob unconfirmed: "] {
            assert_eq!(events.iter().filter(|told| told.starts_with(wanted)).count(), 1, "{events:?}");
        }
        assert!(!events.concat().contains("bob delivered"), "{events:?}");
    });
}
