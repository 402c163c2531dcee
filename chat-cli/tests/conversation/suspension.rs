//! Programs that are suspended in the middle of a conversation and come back.

use std::thread;
use std::time::{Duration, Instant};

use chat_store::testing;
use rustix::process::Signal;

use crate::client::Client;
use crate::server::Server;
use crate::tidings::{Tidings, text};

/// Longer than a peer may be silent before that is told (3 s), shorter than it takes to be lost (25 s).
const SUSPENDED: Duration = Duration::from_secs(8);

const TEXTS: usize = 20;

fn three(server: &Server) -> [Client; 3] {
    let alice = server.client("alice").register().start();
    let bob = server.client("bob").register().start();
    alice.expect(&["online bob"]);
    let carol = server.client("carol").register().start();
    alice.expect(&["online carol"]);
    bob.expect(&["online carol"]);
    [alice, bob, carol]
}

#[test]
fn a_receiver_that_was_suspended_gets_all_of_it_and_the_others_are_not_held_up() {
    let server = Server::start(testing::sqlite());
    let [mut alice, bob, carol] = three(&server);
    let texts: Vec<String> = (0..TEXTS).map(|number| text(number, 1_000)).collect();
    bob.process.signal(Signal::STOP);
    let end = Instant::now() + SUSPENDED;
    texts.iter().for_each(|text| alice.type_line(text));
    let (mut of_alice, mut of_bob, mut of_carol) = (Tidings::default(), Tidings::default(), Tidings::default());
    of_carol.gather(&carol, TEXTS, 0);
    of_alice.gather(&alice, 0, TEXTS);
    assert!(of_alice.outcomes.keys().all(|(_, user)| user == "carol"), "{:?}", of_alice.outcomes);
    while let Ok(event) = alice.events.next(end.saturating_duration_since(Instant::now())) {
        of_alice.add(&event);
    }
    assert_eq!(of_alice.outcomes(), TEXTS, "nothing is claimed for who is suspended");
    bob.process.signal(Signal::CONT);
    of_bob.gather(&bob, TEXTS, 0);
    of_alice.gather(&alice, 0, 2 * TEXTS);
    of_alice.all_was_delivered_to(&["bob", "carol"]);
    for tidings in [&of_bob, &of_carol] {
        tidings.came_from("alice", &texts);
        assert_eq!(tidings.others, [""; 0], "nobody is told to be offline");
    }
    of_alice.others.retain(|told| told != "notice peer-answers bob");
    assert_eq!(of_alice.others, ["notice peer-silent bob"], "nobody is told to be offline");
}

#[test]
fn a_sender_that_was_suspended_goes_on_where_it_was() {
    let server = Server::start(testing::sqlite());
    let [mut alice, mut bob, carol] = three(&server);
    let mut texts: Vec<String> = (0..TEXTS).map(|number| text(number, 1_000)).collect();
    // In the middle of it: some of it is sent, some is still to be read.
    texts.iter().for_each(|text| alice.type_line(text));
    alice.process.signal(Signal::STOP);
    bob.type_line("are you asleep?");
    thread::sleep(SUSPENDED);
    alice.process.signal(Signal::CONT);
    texts.push(text(TEXTS, 100));
    alice.type_line(&texts[TEXTS]);
    let (mut of_alice, mut of_bob, mut of_carol) = (Tidings::default(), Tidings::default(), Tidings::default());
    of_alice.gather(&alice, 1, 2 * texts.len());
    of_bob.gather(&bob, texts.len(), 2);
    of_carol.gather(&carol, texts.len() + 1, 0);
    of_alice.all_was_delivered_to(&["bob", "carol"]);
    of_bob.all_was_delivered_to(&["alice", "carol"]);
    of_bob.came_from("alice", &texts);
    of_carol.came_from("alice", &texts);
    of_alice.came_from("bob", &["are you asleep?".to_owned()]);
    of_bob.others.retain(|told| told != "notice peer-answers alice");
    assert_eq!(of_bob.others, ["notice peer-silent alice"], "nobody is told to be offline");
    assert_eq!(of_carol.others, [""; 0]);
    assert_eq!(of_alice.others, [""; 0], "the time asleep is nobody's silence");
}
