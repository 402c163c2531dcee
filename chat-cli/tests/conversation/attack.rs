//! Datagrams that somebody on the network forges, repeats, cuts or changes. They come to the receiver's real port, from
//! the sender's own address and from a stranger's.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use crate::database::on_both_databases;
use crate::process::until;
use crate::router::{Datagram, Router};
use crate::server::Server;

const ALICE: usize = 0;
const BOB: usize = 1;

/// How long an answer may take that must not come: far longer than any that the programs give on this machine.
const ANSWER_TIME: Duration = Duration::from_millis(500);

/// Datagrams sent before looking whether they were read: few enough for any receive buffer.
const BURST: usize = 64;

#[test]
fn what_was_not_sent_by_its_sender_is_neither_delivered_nor_answered() {
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
        // What both still have to confirm to each other is over.
        assert_eq!(bob.watch(ANSWER_TIME), [""; 0]);

        let heard = router.heard();
        let from_alice: Vec<Vec<u8>> = heard.iter().filter(|one| one.from == Some(ALICE)).map(bytes).collect();
        let from_bob = heard.iter().filter(|one| one.from == Some(BOB)).map(bytes);
        assert!(from_alice.len() >= 3, "{heard:?}");
        let mut forged: Vec<Vec<u8>> = from_alice.iter().flat_map(|genuine| changed(genuine)).collect();
        forged.extend(from_alice.iter().cloned());
        // Mirrored to whoever sent it.
        forged.extend(from_bob);
        forged.extend((0..=64).map(|length| vec![1; length]));
        attack.send_all(&forged);
        attack.nothing_is_answered(heard.len());
        assert_eq!(bob.watch(Duration::ZERO), [""; 0], "nothing is delivered");

        // Datagrams that are genuine and new, so that only the change can be why they are refused.
        router.hold(Some(ALICE));
        alice.type_line("five");
        alice.expect(&["sent > everyone to 1"]);
        until("it is on its way", || router.heard().len() > heard.len());
        let held = router.heard()[heard.len()..].to_vec();
        let genuine = bytes(&held[0]);
        assert_eq!((held[0].from, held[0].to), (Some(ALICE), BOB));
        attack.send_all(&changed(&genuine));
        assert_eq!(bob.watch(ANSWER_TIME), [""; 0], "nothing is delivered");
        attack.nothing_is_answered(heard.len());
        router.forge(ALICE, BOB, &genuine);
        bob.expect(&["message alice > everyone: five"]);
        router.hold(None);
        alice.until("summary 1 delivered");

        bob.type_line("all is well");
        bob.expect(&["sent > everyone to 1", "outcome alice delivered", "summary 1 delivered"]);
        alice.expect(&["message bob > everyone: all is well"]);
        bob.has_nothing_more_to_tell();
    });
}

fn bytes(datagram: &Datagram) -> Vec<u8> {
    datagram.bytes.clone()
}

/// The datagram cut to each length, with one bit of each byte turned over, and with something appended.
fn changed(genuine: &[u8]) -> Vec<Vec<u8>> {
    let cut = (0..genuine.len()).map(|length| genuine[..length].to_vec());
    let flipped = (0..genuine.len()).map(|place| {
        let mut bytes = genuine.to_vec();
        bytes[place] ^= 1 << (place % 8);
        bytes
    });
    cut.chain(flipped).chain([[genuine, &[0]].concat()]).collect()
}

struct Attack<'a> {
    router: &'a Router,
    stranger: UdpSocket,
}

impl Attack<'_> {
    /// Sends all to Bob, from Alice's address and from the stranger's, and waits until the program has read them.
    fn send_all(&self, forged: &[Vec<u8>]) {
        let bob = self.router.private(BOB);
        for burst in forged.chunks(BURST) {
            for bytes in burst {
                self.router.forge(ALICE, BOB, bytes);
                self.stranger.send_to(bytes, bob).unwrap();
            }
            until("all is read", || queue_of(bob).waiting == 0);
        }
        assert_eq!(queue_of(bob).dropped, 0, "the program got all of it");
    }

    /// Neither the stranger nor, as far as the router `heard`, anybody else gets a datagram.
    fn nothing_is_answered(&self, heard: usize) {
        let mut buffer = [0; 64];
        let answer = self.stranger.recv_from(&mut buffer);
        assert!(answer.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock), "no answer to strangers");
        let since = self.router.heard().split_off(heard);
        assert!(since.iter().all(|one| one.from == Some(ALICE)), "no answer to the sender's address: {since:?}");
    }
}

pub(crate) struct Queue {
    waiting: u64,
    pub(crate) dropped: u64,
}

/// What the system says about the datagrams for a socket of another program.
pub(crate) fn queue_of(address: SocketAddr) -> Queue {
    let table = fs::read_to_string("/proc/net/udp").expect("this test needs Linux");
    let port = format!(":{:04X}", address.port());
    let row = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let row = row.into_iter().find(|row| row[1].ends_with(&port)).expect("the program has its socket");
    let waiting = row[4].split(':').nth(1).unwrap();
    Queue { waiting: u64::from_str_radix(waiting, 16).unwrap(), dropped: row.last().unwrap().parse().unwrap() }
}
