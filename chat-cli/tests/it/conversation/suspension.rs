//! Clients that are suspended during a conversation and continue later.

use std::thread;
use std::time::{Duration, Instant};

use chat_store::testing;
use rustix::process::Signal;

use crate::harness::{Client, EventLog, Server, text};

/// Longer than the time after which a peer counts as unresponsive (3 s), shorter than the silence after which its
/// connection counts as broken (25 s).
const SUSPENDED: Duration = Duration::from_secs(8);

const TEXTS: usize = 20;

fn three_clients(server: &Server) -> [Client; 3] {
    let alice = server.client("alice").register().start();
    let bob = server.client("bob").register().start();
    alice.expect(&["online bob"]);
    let carol = server.client("carol").register().start();
    alice.expect(&["online carol"]);
    bob.expect(&["online carol"]);
    [alice, bob, carol]
}

#[test]
fn a_suspended_receiver_gets_everything_and_delays_no_other_recipient() {
    let server = Server::start(testing::sqlite());
    let [mut alice, bob, carol] = three_clients(&server);
    let texts: Vec<String> = (0..TEXTS).map(|number| text(number, 1_000)).collect();
    bob.process.signal(Signal::STOP);
    let end = Instant::now() + SUSPENDED;
    texts.iter().for_each(|text| alice.type_line(text));
    let (mut of_alice, mut of_bob, mut of_carol) = (EventLog::default(), EventLog::default(), EventLog::default());
    of_carol.collect(&carol, TEXTS, 0);
    of_alice.collect(&alice, 0, TEXTS);
    assert!(of_alice.outcomes.keys().all(|(_, user)| user == "carol"), "{:?}", of_alice.outcomes);
    while let Ok(event) = alice.events.next(end.saturating_duration_since(Instant::now())) {
        of_alice.add(&event);
    }
    assert_eq!(of_alice.outcomes(), TEXTS, "an outcome for the suspended receiver");
    bob.process.signal(Signal::CONT);
    of_bob.collect(&bob, TEXTS, 0);
    of_alice.collect(&alice, 0, 2 * TEXTS);
    of_alice.assert_all_delivered_to(&["bob", "carol"]);
    for log in [&of_bob, &of_carol] {
        log.assert_received("alice", &texts);
        assert_eq!(log.others, [""; 0], "an event besides messages and outcomes");
    }
    of_alice.others.retain(|event| event != "notice peer-answers bob");
    assert_eq!(of_alice.others, ["notice peer-silent bob"], "an event besides messages and outcomes");
}

#[test]
fn a_suspended_sender_continues_where_it_stopped() {
    let server = Server::start(testing::sqlite());
    let [mut alice, mut bob, carol] = three_clients(&server);
    let mut texts: Vec<String> = (0..TEXTS).map(|number| text(number, 1_000)).collect();
    // At this point some texts are sent, and others are not read from the input yet.
    texts.iter().for_each(|text| alice.type_line(text));
    alice.process.signal(Signal::STOP);
    bob.type_line("are you asleep?");
    thread::sleep(SUSPENDED);
    alice.process.signal(Signal::CONT);
    texts.push(text(TEXTS, 100));
    alice.type_line(&texts[TEXTS]);
    let (mut of_alice, mut of_bob, mut of_carol) = (EventLog::default(), EventLog::default(), EventLog::default());
    of_alice.collect(&alice, 1, 2 * texts.len());
    of_bob.collect(&bob, texts.len(), 2);
    of_carol.collect(&carol, texts.len() + 1, 0);
    of_alice.assert_all_delivered_to(&["bob", "carol"]);
    of_bob.assert_all_delivered_to(&["alice", "carol"]);
    of_bob.assert_received("alice", &texts);
    of_carol.assert_received("alice", &texts);
    of_alice.assert_received("bob", &["are you asleep?".to_owned()]);
    of_bob.others.retain(|event| event != "notice peer-answers alice");
    assert_eq!(of_bob.others, ["notice peer-silent alice"], "an event besides messages and outcomes");
    assert_eq!(of_carol.others, [""; 0]);
    assert_eq!(of_alice.others, [""; 0], "a notice about peers that were silent while the sender was suspended");
}
