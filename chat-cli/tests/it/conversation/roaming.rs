//! A client whose address changes during a conversation, as behind a router that lost its table.

use std::collections::BTreeSet;

use chat_store::testing;

use crate::harness::{Datagram, EventLog, Router, Server, text};

const ALICE: usize = 0;
const BOB: usize = 1;

/// Texts from each client in each part of the conversation.
const TEXTS: usize = 40;

#[test]
fn messages_follow_a_client_to_its_new_address() {
    let server = Server::start(testing::sqlite());
    let router = Router::new(2);
    let mut alice = router.connect(ALICE, server.client("alice")).register().start();
    let mut bob = router.connect(BOB, server.client("bob")).register().start();
    alice.expect(&["online bob"]);
    let (mut to_alice, mut to_bob) = (EventLog::default(), EventLog::default());
    let mut texts = Vec::new();
    for part in 0..4 {
        match part {
            0 => {}
            // Datagrams to the old address still arrive.
            1 => router.rebind(BOB),
            2 => router.make_unreachable(BOB),
            _ => router.rebind(BOB),
        }
        let before = router.recorded().len();
        for _ in 0..TEXTS {
            let text = text(texts.len(), 40);
            alice.type_line(&text);
            bob.type_line(&text);
            texts.push(text);
        }
        to_alice.collect(&alice, texts.len(), texts.len());
        to_bob.collect(&bob, texts.len(), texts.len());
        let routes = routes(&router.recorded()[before..]);
        assert!(routes.contains(&(Some(ALICE), BOB)) && routes.contains(&(Some(BOB), ALICE)), "{routes:?}");
    }
    for (log, other) in [(&to_alice, "bob"), (&to_bob, "alice")] {
        log.assert_all_delivered_to(&[other]);
        log.assert_received(other, &texts);
        assert_eq!(log.sent.len(), texts.len());
        assert_eq!(log.others, [""; 0], "a notice about the new address");
    }
}

/// The pairs of sender and recipient.
fn routes(datagrams: &[Datagram]) -> BTreeSet<(Option<usize>, usize)> {
    datagrams.iter().map(|datagram| (datagram.from, datagram.to)).collect()
}
