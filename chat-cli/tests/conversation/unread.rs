//! A client whose output nobody reads: those who write to it wait, and lose nothing.

use std::sync::Arc;
use std::time::Duration;

use chat_store::testing;

use crate::server::Server;
use crate::tidings::{Tidings, text};

#[test]
fn who_is_not_read_makes_its_senders_wait_and_is_not_silent() {
    /// Together far more than a pipe and the room that a receiver grants (64 KiB each), less than what a client lets
    /// wait before it reads no more input (512 KiB).
    const TEXTS: usize = 30;
    const LENGTH: usize = 16_384;
    /// Longer than a peer may be silent before that is told (3 s).
    const WATCH: Duration = Duration::from_secs(8);
    let server = Server::start(testing::sqlite());
    let mut alice = server.client("alice").register().start();
    let mut bob = server.client("bob").register().start();
    alice.expect(&["online bob"]);
    let carol = server.client("carol").register().start();
    alice.expect(&["online carol"]);
    bob.expect(&["online carol"]);
    let texts: Vec<String> = (0..TEXTS).map(|number| text(number, LENGTH)).collect();

    let reading = Arc::clone(&bob.events.reading);
    let unread = reading.lock().unwrap();
    texts.iter().for_each(|text| alice.type_line(text));
    let (mut of_alice, mut of_bob, mut of_carol) = (Tidings::default(), Tidings::default(), Tidings::default());
    of_carol.gather(&carol, TEXTS, 0);
    while let Ok(event) = alice.events.next(WATCH) {
        of_alice.add(&event);
    }
    let has_it = of_alice.outcomes.keys().filter(|(_, user)| user == "bob").count();
    assert!(has_it < TEXTS / 2, "{has_it} were taken of {TEXTS}");
    assert_eq!(of_alice.outcomes(), TEXTS + has_it, "nobody else is held up");
    assert_eq!(of_alice.others, [""; 0], "it answers, and is not told to be silent");

    drop(unread);
    of_bob.gather(&bob, TEXTS, 0);
    of_alice.gather(&alice, 0, 2 * TEXTS);
    of_alice.all_was_delivered_to(&["bob", "carol"]);
    of_bob.came_from("alice", &texts);
    of_carol.came_from("alice", &texts);
    bob.has_nothing_more_to_tell();
}
