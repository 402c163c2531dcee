//! A flood of forged datagrams at a client's port during a conversation.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use chat_core::generator::Generator;
use chat_core::sim::SeededGenerator;
use chat_store::testing;

use crate::harness::{Client, EventLog, Router, Server, UdpQueue, text};

const ALICE: usize = 0;
const BOB: usize = 1;

const FLOOD: Duration = Duration::from_secs(3);

/// The most by which a client's memory may grow during the flood, for buffers and pages that it touches for the first
/// time. The datagrams of the flood take a hundred times as much.
const GROWTH: u64 = 4 * 1024 * 1024;

/// The least number of forged datagrams that the client reads, on any machine.
const READ: u64 = 10_000;

/// Longer than any answer takes on this machine.
const ANSWER_TIME: Duration = Duration::from_millis(500);

/// The length of a datagram's version, session id and packet number.
const HEADER: usize = 17;
const NUMBER: std::ops::Range<usize> = 9..HEADER;

#[test]
fn a_flood_of_forged_datagrams_neither_interrupts_a_conversation_nor_grows_memory() {
    const TEXTS: usize = 50;
    const PAUSE: Duration = Duration::from_millis(50);
    let server = Server::start(testing::sqlite());
    let router = Router::new(2);
    let mut alice = router.connect(ALICE, server.client("alice")).register().start();
    let mut bob = router.connect(BOB, server.client("bob")).register().start();
    alice.expect(&["online bob"]);
    let (mut of_alice, mut of_bob) = (EventLog::default(), EventLog::default());
    let mut texts: Vec<String> = (0..TEXTS).map(|number| text(number, 100)).collect();
    for text in &texts {
        alice.type_line(text);
        bob.type_line(text);
    }
    of_alice.collect(&alice, TEXTS, TEXTS);
    of_bob.collect(&bob, TEXTS, TEXTS);

    let recorded = router.recorded();
    let genuine = recorded.iter().find(|one| (one.from, one.to) == (Some(ALICE), BOB)).unwrap();
    let flooder = Flooder::new(router.private(BOB), &genuine.bytes[..HEADER]);
    let (before, dropped) = (memory(&bob), UdpQueue::of(router.private(BOB)).dropped);
    let flood = thread::spawn(move || flooder.run());
    while !flood.is_finished() {
        let text = text(texts.len(), 100);
        alice.type_line(&text);
        bob.type_line(&text);
        texts.push(text);
        thread::sleep(PAUSE);
    }
    let (flooder, sent) = flood.join().unwrap();
    of_alice.collect(&alice, texts.len(), texts.len());
    of_bob.collect(&bob, texts.len(), texts.len());
    let grown = memory(&bob).saturating_sub(before);
    let read = u64::from(sent).saturating_sub(UdpQueue::of(router.private(BOB)).dropped - dropped);
    let rate = f64::from(sent) / FLOOD.as_secs_f64();
    println!("{rate:.0} forged datagrams/s, {read} of {sent} read by the client; {grown} bytes of memory more");
    println!("{} texts each way during the flood", texts.len() - TEXTS);

    for (log, other) in [(&of_alice, "bob"), (&of_bob, "alice")] {
        log.assert_all_delivered_to(&[other]);
        log.assert_received(other, &texts);
        let is_about_silence = |event: &String| {
            event == &format!("notice peer-silent {other}") || event == &format!("notice peer-answers {other}")
        };
        assert!(log.others.iter().all(is_about_silence), "{:?}", log.others);
    }
    assert!(read > READ, "the client read only {read} forged datagrams");
    assert!(grown < GROWTH, "memory grew by {grown} bytes during {sent} datagrams");
    assert!(flooder.is_not_answered(), "a forged datagram was answered");
    let forged = router.recorded().iter().filter(|one| one.from.is_none()).count();
    assert_eq!(forged, 0, "forged datagrams were answered through the router");
}

/// The resident memory of a client, in bytes.
fn memory(client: &Client) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", client.process.pid())).expect("this test needs Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1024
}

/// Sends datagrams that cannot be opened, as fast as possible.
struct Flooder {
    sockets: Vec<UdpSocket>,
    to: SocketAddr,
    /// Random bytes, most of them after a header with the id of a session that is online.
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
            // Three of four carry the peer's session id, and two of these a packet number in sequence.
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

    /// Floods, and returns the number of datagrams sent.
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
