//! A client that is killed, and a server that is killed and restarted.

use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::harness::{Client, Home, Server, on_both_databases, until};

#[test]
fn a_killed_client_is_lost_after_the_grace_time_and_messages_to_it_are_unconfirmed() {
    /// How long the server waits for a session whose connection broke to be resumed.
    const GRACE: Duration = Duration::from_secs(15);
    on_both_databases(|database| {
        let server = Server::start(database);
        let mut alice = server.client("alice").register().start();
        let mut bob = server.client("bob").register().start();
        alice.expect(&["online bob"]);
        let begin = Instant::now();
        bob.process.kill();
        alice.type_line("/msg bob are you still there?");
        alice.expect(&["sent > bob to 1", "notice peer-silent bob"]);
        // Both happen at the same moment, in any order.
        let mut lost = [alice.next(), alice.next()];
        lost.sort_unstable();
        assert_eq!(lost, ["offline bob lost", "outcome bob unconfirmed: lost"]);
        let took = begin.elapsed();
        assert!(GRACE <= took && took < 2 * GRACE, "{took:?}");
        assert_eq!(alice.leave(), (Some(1), vec![]));
        let log = server.presence_records(5);
        assert_eq!(log, ["server started", "online alice", "online bob", "offline bob lost", "offline alice asked"]);
    });
}

#[test]
fn clients_keep_talking_without_the_server_and_resume_their_sessions_when_it_returns() {
    /// Longer than the settling time (45 s), after which a restarted server would report sessions that did not return.
    const SETTLING: Duration = Duration::from_secs(48);
    on_both_databases(|database| {
        let mut server = Server::start(database);
        let mut alice = server.client("alice").register().start();
        let mut bob = server.client("bob").register().start();
        alice.expect(&["online bob"]);
        // A server that is killed writes no more records.
        server.presence_records(3);
        server.process.kill();
        for client in [&alice, &bob] {
            client.expect(&["notice reconnecting"]);
        }
        send_and_confirm(&mut alice, &bob, "it is gone");
        server.restart();
        for client in [&alice, &bob] {
            let events = client.until("notice reconnected");
            assert!(events[..events.len() - 1].iter().all(|event| event == "notice reconnecting"), "{events:?}");
        }
        send_and_confirm(&mut bob, &alice, "it is back");
        assert_eq!(alice.watch(SETTLING), [""; 0], "an event after the restart");
        assert_eq!(bob.watch(Duration::ZERO), [""; 0]);
        send_and_confirm(&mut alice, &bob, "still the same");
        let mut carol = server.client("carol").register().start();
        assert_eq!(carol.welcome, "welcome carol: alice, bob");
        for client in [&alice, &bob] {
            client.expect(&["online carol"]);
        }
        carol.assert_no_more_events();
        // The restarted server records the sessions that resume, in any order.
        let mut log = server.presence_records(7);
        log[4..6].sort_unstable();
        let before = ["server started", "online alice", "online bob"];
        assert_eq!(log[..3], before);
        assert_eq!(log[3..], [&before[..], &["online carol"]].concat());
    });
}

#[test]
fn a_client_that_registers_while_the_server_ends_never_reads_that_its_own_name_is_taken() {
    for signal in [Signal::TERM, Signal::KILL] {
        let mut server = Server::start_in(&Home::new(), &[]);
        let users: Vec<String> = (0..16).map(|number| format!("user{number}")).collect();
        // In threads, because each waits for its answer.
        let registering = users.iter().map(|user| {
            let setup = server.client(user).register();
            thread::spawn(move || setup.try_start())
        });
        let registering: Vec<_> = registering.collect();
        until("a user is online", || server.presence_log().len() > 1);
        server.process.signal(signal);
        server.process.exit();
        server.restart();
        for (user, registered) in users.iter().zip(registering) {
            if let Err(finished) = registered.join().unwrap() {
                assert!(!finished.err.contains("taken"), "{user}: {finished:?}");
                // The server ended before the client had sent its registration, so that no account exists.
                let again = server.client(user).register().try_start();
                assert!(again.is_ok(), "{user}: {finished:?}, and then {again:?}");
            }
        }
    }
}

/// Sends a message and waits for its outcome. Asserts that its id belongs to the sender's original session.
fn send_and_confirm(from: &mut Client, to: &Client, text: &str) {
    from.type_line(text);
    let events = from.until("summary 1 delivered");
    let outcomes: Vec<&String> = events.iter().filter(|event| *event != "notice reconnecting").collect();
    assert_eq!(outcomes.len(), 3, "{events:?}");
    let message = to.message();
    assert!(message["id"].as_str().unwrap().starts_with(&from.session), "{message}");
    assert_eq!(message["text"], text);
}
