//! Sudden deaths: of a client, and of the server, which comes back.

use std::time::{Duration, Instant};

use crate::client::Client;
use crate::database::on_both_databases;
use crate::server::Server;

#[test]
fn a_killed_client_is_lost_after_the_grace_time_and_what_it_was_sent_is_unconfirmed() {
    /// How long the server waits for a broken connection to come back.
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
        // Of the same moment, in any order.
        let mut lost = [alice.next(), alice.next()];
        lost.sort_unstable();
        assert_eq!(lost, ["offline bob lost", "outcome bob unconfirmed: lost"]);
        let took = begin.elapsed();
        assert!(GRACE <= took && took < 2 * GRACE, "{took:?}");
        assert_eq!(alice.leave(), (Some(1), vec![]));
        let log = server.presence(5);
        assert_eq!(log, ["server started", "online alice", "online bob", "offline bob lost", "offline alice asked"]);
    });
}

#[test]
fn people_go_on_talking_while_the_server_is_dead_and_notice_nothing_when_it_is_back() {
    /// Longer than the time (45 s) after which a server that was started would tell that somebody has not come back.
    const SETTLING: Duration = Duration::from_secs(48);
    on_both_databases(|database| {
        let mut server = Server::start(database);
        let mut alice = server.client("alice").register().start();
        let mut bob = server.client("bob").register().start();
        alice.expect(&["online bob"]);
        server.kill();
        for client in [&alice, &bob] {
            client.expect(&["notice reconnecting"]);
        }
        says(&mut alice, &bob, "it is gone");
        server.restart();
        for client in [&alice, &bob] {
            let told = client.until("notice reconnected");
            assert!(told[..told.len() - 1].iter().all(|told| told == "notice reconnecting"), "{told:?}");
        }
        says(&mut bob, &alice, "it is back");
        assert_eq!(alice.watch(SETTLING), [""; 0], "nobody has left or come");
        assert_eq!(bob.watch(Duration::ZERO), [""; 0]);
        says(&mut alice, &bob, "still the same");
        let mut carol = server.client("carol").register().start();
        assert_eq!(carol.welcome, "welcome carol: alice, bob");
        for client in [&alice, &bob] {
            client.expect(&["online carol"]);
        }
        carol.has_nothing_more_to_tell();
        // The log of a new server says who is here; they came in any order.
        let mut log = server.presence(7);
        log[4..6].sort_unstable();
        let before = ["server started", "online alice", "online bob"];
        assert_eq!(log[..3], before);
        assert_eq!(log[3..], [&before[..], &["online carol"]].concat());
    });
}

/// One line from one to the other, until its outcome is known. The id shows that the sender's session is the first.
fn says(from: &mut Client, to: &Client, text: &str) {
    from.type_line(text);
    let events = from.until("summary 1 delivered");
    let outcomes: Vec<&String> = events.iter().filter(|told| *told != "notice reconnecting").collect();
    assert_eq!(outcomes.len(), 3, "{events:?}");
    let message = to.message();
    assert!(message["id"].as_str().unwrap().starts_with(&from.session), "{message}");
    assert_eq!(message["text"], text);
}
