//! A client whose address changes in the middle of a conversation, as behind a router that forgot its table.

use std::collections::BTreeSet;

use chat_store::testing;

use crate::router::{Datagram, Router};
use crate::server::Server;
use crate::tidings::{Tidings, text};

const ALICE: usize = 0;
const BOB: usize = 1;

/// Texts of each in each part of the conversation.
const TEXTS: usize = 40;

#[test]
fn who_appears_elsewhere_is_followed_even_when_nothing_arrives_any_more_where_he_was() {
    let server = Server::start(testing::sqlite());
    let router = Router::new(2);
    let mut alice = router.connect(ALICE, server.client("alice")).register().start();
    let mut bob = router.connect(BOB, server.client("bob")).register().start();
    alice.expect(&["online bob"]);
    let (mut to_alice, mut to_bob) = (Tidings::default(), Tidings::default());
    let mut texts = Vec::new();
    for part in 0..4 {
        match part {
            0 => {}
            // His old address still works for who does not know better.
            1 => router.rebind(BOB),
            2 => router.make_unreachable(BOB),
            _ => router.rebind(BOB),
        }
        let heard = router.heard().len();
        for _ in 0..TEXTS {
            let text = text(texts.len(), 40);
            alice.type_line(&text);
            bob.type_line(&text);
            texts.push(text);
        }
        to_alice.gather(&alice, texts.len(), texts.len());
        to_bob.gather(&bob, texts.len(), texts.len());
        let ways = ways(&router.heard()[heard..]);
        assert!(ways.contains(&(Some(ALICE), BOB)) && ways.contains(&(Some(BOB), ALICE)), "{ways:?}");
    }
    for (tidings, other) in [(&to_alice, "bob"), (&to_bob, "alice")] {
        tidings.all_was_delivered_to(&[other]);
        tidings.came_from(other, &texts);
        assert_eq!(tidings.sent.len(), texts.len());
        assert_eq!(tidings.others, [""; 0], "nobody notices");
    }
}

/// Who sent to whom.
fn ways(datagrams: &[Datagram]) -> BTreeSet<(Option<usize>, usize)> {
    datagrams.iter().map(|datagram| (datagram.from, datagram.to)).collect()
}
