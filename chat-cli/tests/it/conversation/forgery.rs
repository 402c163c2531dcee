//! Datagrams that an attacker on the network forges, replays, truncates or modifies.
//!
//! They arrive at the receiver's own port, from the sender's address and from another one.

use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use crate::harness::{Datagram, Router, Server, UdpQueue, on_both_databases, until};

const ALICE: usize = 0;
const BOB: usize = 1;

/// How long to watch for answers that must not come: far longer than any answer takes on this machine.
const ANSWER_TIME: Duration = Duration::from_millis(500);

/// Datagrams sent before waiting until they are read: few enough for any receive buffer.
const BURST: usize = 64;

#[test]
fn forged_datagrams_are_neither_delivered_nor_answered() {
    on_both_databases(|database| {
        let server = Server::start(database);
        let router = Router::new(2);
        let mut alice = router.connect(ALICE, server.client("alice")).register().start();
        let mut bob = router.connect(BOB, server.client("bob")).register().start();
        alice.expect(&["online bob"]);
        for text in ["one", "two", "three"] {
            alice.type_line(text);
            alice.expect(&["sent > everyone to 1", "outcome bob delivered", "summary 1 delivered"]);
            bob.expect(&[&format!("message alice > everyone: {text}")]);
        }
        bob.type_line("/msg alice four");
        bob.expect(&["sent > alice to 1", "outcome alice delivered"]);
        alice.expect(&["message bob > alice: four"]);
        let attack = Attack { router: &router, stranger: UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap() };
        attack.stranger.set_read_timeout(Some(ANSWER_TIME)).unwrap();
        // By now all acks have been exchanged.
        assert_eq!(bob.watch(ANSWER_TIME), [""; 0]);

        let recorded = router.recorded();
        let from_alice: Vec<Vec<u8>> = recorded.iter().filter(|one| one.from == Some(ALICE)).map(bytes).collect();
        let from_bob = recorded.iter().filter(|one| one.from == Some(BOB)).map(bytes);
        assert!(from_alice.len() >= 3, "{recorded:?}");
        let mut forged: Vec<Vec<u8>> = from_alice.iter().flat_map(|genuine| modified(genuine)).collect();
        forged.extend(from_alice.iter().cloned());
        // Bob's own datagrams, reflected to him.
        forged.extend(from_bob);
        forged.extend((0..=64).map(|length| vec![1; length]));
        attack.send_all(&forged);
        attack.assert_nothing_is_answered(recorded.len());
        assert_eq!(bob.watch(Duration::ZERO), [""; 0], "a forged datagram was delivered");

        // A new genuine datagram, so that only its modification can be the reason to refuse it.
        router.hold(Some(ALICE));
        alice.type_line("five");
        alice.expect(&["sent > everyone to 1"]);
        until("the datagram is held", || router.recorded().len() > recorded.len());
        let held = router.recorded()[recorded.len()..].to_vec();
        let genuine = bytes(&held[0]);
        assert_eq!((held[0].from, held[0].to), (Some(ALICE), BOB));
        attack.send_all(&modified(&genuine));
        assert_eq!(bob.watch(ANSWER_TIME), [""; 0], "a forged datagram was delivered");
        attack.assert_nothing_is_answered(recorded.len());
        router.forge(ALICE, BOB, &genuine);
        bob.expect(&["message alice > everyone: five"]);
        router.hold(None);
        alice.until("summary 1 delivered");

        bob.type_line("all is well");
        bob.expect(&["sent > everyone to 1", "outcome alice delivered", "summary 1 delivered"]);
        alice.expect(&["message bob > everyone: all is well"]);
        bob.assert_no_more_events();
    });
}

fn bytes(datagram: &Datagram) -> Vec<u8> {
    datagram.bytes.clone()
}

/// The datagram truncated to each length, with one bit flipped in each byte, and with a byte appended.
fn modified(genuine: &[u8]) -> Vec<Vec<u8>> {
    let truncated = (0..genuine.len()).map(|length| genuine[..length].to_vec());
    let flipped = (0..genuine.len()).map(|place| {
        let mut bytes = genuine.to_vec();
        bytes[place] ^= 1 << (place % 8);
        bytes
    });
    truncated.chain(flipped).chain([[genuine, &[0]].concat()]).collect()
}

struct Attack<'a> {
    router: &'a Router,
    stranger: UdpSocket,
}

impl Attack<'_> {
    /// Sends all of them to Bob, from Alice's address and from the stranger's, and waits until his client has read them.
    fn send_all(&self, forged: &[Vec<u8>]) {
        let bob = self.router.private(BOB);
        for burst in forged.chunks(BURST) {
            for bytes in burst {
                self.router.forge(ALICE, BOB, bytes);
                self.stranger.send_to(bytes, bob).unwrap();
            }
            until("the client has read the datagrams", || UdpQueue::of(bob).unread == 0);
        }
        assert_eq!(UdpQueue::of(bob).dropped, 0, "datagrams that the client did not read");
    }

    /// Asserts that neither the stranger's address nor, after this number of recorded datagrams, Alice's receives one.
    fn assert_nothing_is_answered(&self, recorded: usize) {
        let mut buffer = [0; 64];
        let answer = self.stranger.recv_from(&mut buffer);
        assert!(
            answer.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock),
            "the stranger received an answer"
        );
        let since = self.router.recorded().split_off(recorded);
        assert!(since.iter().all(|one| one.from == Some(ALICE)), "the sender's address received an answer: {since:?}");
    }
}
