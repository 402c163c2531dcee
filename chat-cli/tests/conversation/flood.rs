//! A flood of forged datagrams at a client's port, while it talks.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use chat_core::generator::Generator;
use chat_core::sim::SeededGenerator;
use chat_store::testing;

use crate::attack::queue_of;
use crate::client::Client;
use crate::router::Router;
use crate::server::Server;
use crate::tidings::{Tidings, text};

const ALICE: usize = 0;
const BOB: usize = 1;

const FLOOD: Duration = Duration::from_secs(3);

/// What a client's memory may grow by meanwhile: buffers and pages that it had not touched before. Kept, the flood would
/// take a hundred times as much.
const GROWTH: u64 = 4 * 1024 * 1024;

/// At least so much of the flood comes through the system's buffer to the client, on any machine.
const REACHED: u64 = 10_000;

/// Longer than any answer takes.
const ANSWER_TIME: Duration = Duration::from_millis(500);

/// A datagram's version, session id and packet number.
const HEADER: usize = 17;
const NUMBER: std::ops::Range<usize> = 9..HEADER;

#[test]
fn a_flood_of_forged_datagrams_neither_stops_a_conversation_nor_costs_memory() {
    const TEXTS: usize = 50;
    const PAUSE: Duration = Duration::from_millis(50);
    let server = Server::start(testing::sqlite());
    let router = Router::new(2);
    let mut alice = router.connect(ALICE, server.client("alice")).register().start();
    let mut bob = router.connect(BOB, server.client("bob")).register().start();
    alice.expect(&["online bob"]);
    let (mut of_alice, mut of_bob) = (Tidings::default(), Tidings::default());
    let mut texts: Vec<String> = (0..TEXTS).map(|number| text(number, 100)).collect();
    for text in &texts {
        alice.type_line(text);
        bob.type_line(text);
    }
    of_alice.gather(&alice, TEXTS, TEXTS);
    of_bob.gather(&bob, TEXTS, TEXTS);

    let heard = router.heard();
    let genuine = heard.iter().find(|one| (one.from, one.to) == (Some(ALICE), BOB)).unwrap();
    let flooder = Flooder::new(router.private(BOB), &genuine.bytes[..HEADER]);
    let (before, dropped) = (memory(&bob), queue_of(router.private(BOB)).dropped);
    let flood = thread::spawn(move || flooder.run());
    while !flood.is_finished() {
        let text = text(texts.len(), 100);
        alice.type_line(&text);
        bob.type_line(&text);
        texts.push(text);
        thread::sleep(PAUSE);
    }
    let (flooder, sent) = flood.join().unwrap();
    of_alice.gather(&alice, texts.len(), texts.len());
    of_bob.gather(&bob, texts.len(), texts.len());
    let grown = memory(&bob).saturating_sub(before);
    let read = u64::from(sent).saturating_sub(queue_of(router.private(BOB)).dropped - dropped);
    let rate = f64::from(sent) / FLOOD.as_secs_f64();
    println!("{rate:.0} forged datagrams/s, {read} of {sent} read by the client; {grown} bytes of memory more");
    println!("{} honest texts each way meanwhile", texts.len() - TEXTS);

    for (tidings, other) in [(&of_alice, "bob"), (&of_bob, "alice")] {
        tidings.all_was_delivered_to(&[other]);
        tidings.came_from(other, &texts);
        let about_silence = |told: &String| {
            told == &format!("notice peer-silent {other}") || told == &format!("notice peer-answers {other}")
        };
        assert!(tidings.others.iter().all(about_silence), "{:?}", tidings.others);
    }
    assert!(read > REACHED, "the client got the flood: {read}");
    assert!(grown < GROWTH, "{grown} bytes more after {sent} datagrams");
    assert!(flooder.is_not_answered(), "nothing is answered to what is forged");
    let strangers = router.heard().iter().filter(|one| one.from.is_none()).count();
    assert_eq!(strangers, 0, "all that went through the router was honest");
}

/// The resident memory of a client, in bytes.
fn memory(client: &Client) -> u64 {
    let status =
        fs::read_to_string(format!("/proc/{}/status", client.process.child.id())).expect("this test needs Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1024
}

/// Sends what cannot be opened, as fast as it can.
struct Flooder {
    sockets: Vec<UdpSocket>,
    to: SocketAddr,
    /// Headers with the id of a session that is there, and what has no header; each with random bytes after it.
    forged: Vec<Vec<u8>>,
}

impl Flooder {
    fn new(to: SocketAddr, header: &[u8]) -> Self {
        const SOCKETS: usize = 8;
        const DATAGRAMS: u64 = 512;
        const LARGEST: u64 = 1_200;
        let mut generator = SeededGenerator::new(5);
        let mut forge = |number: u64| {
            let length = HEADER as u64 + generator.number() % (LARGEST - HEADER as u64);
            let mut bytes = vec![0; usize::try_from(length).unwrap()];
            generator.fill(&mut bytes);
            // Three of four look as if they came from the peer; their packet numbers are near, or anything.
            if !number.is_multiple_of(4) {
                bytes[..NUMBER.start].copy_from_slice(&header[..NUMBER.start]);
            }
            if number % 4 > 1 {
                bytes[NUMBER].copy_from_slice(&number.to_be_bytes());
            }
            bytes
        };
        let forged = (0..DATAGRAMS).map(&mut forge).collect();
        let sockets = (0..SOCKETS).map(|_| UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()).collect();
        Self { sockets, to, forged }
    }

    /// Gives how many were sent.
    fn run(self) -> (Self, u32) {
        let begin = Instant::now();
        let mut sent = 0;
        while begin.elapsed() < FLOOD {
            for (bytes, socket) in self.forged.iter().zip(self.sockets.iter().cycle()) {
                socket.send_to(bytes, self.to).unwrap();
                sent += 1;
            }
        }
        (self, sent)
    }

    fn is_not_answered(&self) -> bool {
        thread::sleep(ANSWER_TIME);
        self.sockets.iter().all(|socket| {
            socket.set_nonblocking(true).unwrap();
            socket.recv_from(&mut [0; 64]).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
        })
    }
}
