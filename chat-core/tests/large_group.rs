//! One text to ten thousand peers: their acks do not arrive all at once, and nothing is sent twice.
//!
//! All of them are whole peer machines. The network is as fast as any, which is the worst case: nothing but the peers
//! themselves spreads their acks.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chat_core::extras::Extras;
use chat_core::key::KeyPair;
use chat_core::message::{Content, Outcome, Recipient};
use chat_core::name::UserName;
use chat_core::peer::{Datagram, Input, Loopback, Output, Peer, PeerConfig, Slab, Transmit};
use chat_core::roster::{Entry, LinkVersions};
use chat_core::sim::SeededGenerator;
use chat_core::text::Text;
use chat_core::time::{Mono, Now, Timestamp};

const PEERS: usize = 10_000;

/// How many small datagrams a receive buffer of 4 MiB holds, at the 768 bytes that Linux counts for each.
const BUFFER: usize = 4 * 1024 * 1024 / 768;

/// How long the sender may be busy elsewhere without losing an ack: several times what a scheduler makes anybody wait.
const ABSENCE: Duration = Duration::from_millis(50);

const LATENCY: Duration = Duration::from_micros(50);

/// What sealing and sending one datagram takes.
const SENDING: Duration = Duration::from_micros(2);

enum Event {
    ToPeer(usize, Vec<u8>),
    ToSender(usize, Vec<u8>),
    Tick(usize),
}

struct Crowd {
    sender: Peer,
    peers: Vec<Peer>,
    slab: Slab,
    now: Mono,
    future: BTreeMap<(Mono, u64), Event>,
    events: u64,
    sent: usize,
    acks: Vec<Mono>,
    delivered: usize,
}

fn address(index: usize) -> SocketAddr {
    let [_, _, high, low] = u32::try_from(index).expect("few").to_be_bytes();
    SocketAddr::from(([10, 1, high, low], 4000))
}

fn now(mono: Mono) -> Now {
    Now { mono, wall: Timestamp::from_millis(1_795_408_080_000) + mono.since(Mono::ZERO) }
}

/// A machine with number `index`, and its roster entry.
fn peer(index: usize) -> (Peer, Entry) {
    let mut generator = SeededGenerator::new(index as u64);
    let keys = Arc::new(KeyPair::generate(&mut generator));
    let user = UserName::parse(&format!("m{index}")).expect("a letter and digits");
    let entry = Entry {
        user: user.clone(),
        key: keys.public(),
        addresses: vec![address(index)],
        since: Timestamp::from_millis(0),
        versions: LinkVersions { low: 1, high: 1 },
        extras: Extras::default(),
    };
    (Peer::new(keys, user, Loopback::Ignored, PeerConfig::default(), Box::new(generator)), entry)
}

impl Crowd {
    /// The sender has number 0 and its peers those from 1.
    fn new() -> Self {
        let (mut sender, own) = peer(0);
        let (mut peers, entries): (Vec<Peer>, Vec<Entry>) = (1..=PEERS).map(peer).unzip();
        let mut out = Vec::new();
        for peer in &mut peers {
            peer.handle(now(Mono::ZERO), Input::Roster(vec![own.clone()]), &mut out);
        }
        sender.handle(now(Mono::ZERO), Input::Roster(entries), &mut out);
        Self {
            sender,
            peers,
            slab: Slab::new(64),
            now: Mono::at(Duration::from_secs(1)),
            future: BTreeMap::new(),
            events: 0,
            sent: 0,
            acks: Vec::new(),
            delivered: 0,
        }
    }

    fn at(&mut self, at: Mono, event: Event) {
        self.events += 1;
        self.future.insert((at, self.events), event);
    }

    /// Sends one text and waits for everybody's outcome; gives when the acks arrived.
    fn say(&mut self, text: &str) -> Vec<Mono> {
        (self.sent, self.delivered) = (0, 0);
        self.acks.clear();
        let content = Content::Text(Text::parse(text).expect("a proper text"));
        let sent_at = now(self.now).wall;
        let mut out = Vec::new();
        let send = Input::Send { tag: 0, to: Recipient::Everyone, content, sent_at };
        self.sender.handle(now(self.now), send, &mut out);
        self.sender_transmits();
        while self.sender.pending_outcomes() > 0 {
            let sender = self.sender.deadline();
            let first = self.future.first_key_value().map(|((at, _), _)| *at);
            if let Some(tick) = sender.filter(|tick| first.is_none_or(|first| *tick <= first)) {
                self.now = self.now.max(tick);
                self.sender.handle(now(self.now), Input::Tick, &mut out);
                self.sender_transmits();
            } else {
                self.happens();
            }
        }
        // What is on the way still arrives.
        while !self.future.is_empty() {
            self.happens();
        }
        std::mem::take(&mut self.acks)
    }

    fn happens(&mut self) {
        let ((at, _), event) = self.future.pop_first().expect("looked at before");
        self.now = self.now.max(at);
        match event {
            Event::ToPeer(index, mut bytes) => {
                let mut out = Vec::new();
                let datagram = Datagram { from: address(0), bytes: &mut bytes };
                self.peers[index].receive(now(self.now), std::iter::once(datagram), &mut out);
                for output in out {
                    if let Output::Deliver { token, .. } = output {
                        self.peers[index].handle(now(self.now), Input::Accept(token), &mut Vec::new());
                    }
                }
                self.peer_transmits(index);
            }
            Event::Tick(index) => {
                if self.peers[index].deadline().is_some_and(|due| due <= self.now) {
                    self.peers[index].handle(now(self.now), Input::Tick, &mut Vec::new());
                    self.peer_transmits(index);
                }
            }
            Event::ToSender(index, mut bytes) => {
                self.acks.push(self.now);
                let mut out = Vec::new();
                let datagram = Datagram { from: address(index + 1), bytes: &mut bytes };
                self.sender.receive(now(self.now), std::iter::once(datagram), &mut out);
                for output in out {
                    if let Output::Report(report) = output {
                        assert_eq!(report.outcome, Outcome::Delivered);
                        self.delivered += 1;
                    }
                }
                self.sender_transmits();
            }
        }
    }

    fn sender_transmits(&mut self) {
        let mut at = self.now;
        loop {
            let more = self.sender.transmit(now(self.now), &mut self.slab);
            let sealed: VecDeque<_> = self.slab.iter().map(|(to, bytes)| (to, bytes.to_vec())).collect();
            self.slab.remove(usize::MAX);
            for (to, bytes) in sealed {
                let SocketAddr::V4(to) = to else { panic!("all addresses are IPv4") };
                let [.., high, low] = to.ip().octets();
                let index = usize::from(high) * 256 + usize::from(low) - 1;
                self.sent += 1;
                at = at + SENDING;
                self.at(at + LATENCY, Event::ToPeer(index, bytes));
            }
            if more == Transmit::Done {
                return;
            }
        }
    }

    fn peer_transmits(&mut self, index: usize) {
        let mut slab = Slab::new(1);
        while {
            let more = self.peers[index].transmit(now(self.now), &mut slab);
            let sealed: Vec<_> = slab.iter().map(|(_, bytes)| bytes.to_vec()).collect();
            slab.remove(usize::MAX);
            for bytes in sealed {
                self.at(self.now + LATENCY, Event::ToSender(index, bytes));
            }
            more == Transmit::More
        } {}
        if let Some(due) = self.peers[index].deadline() {
            self.at(due.max(self.now), Event::Tick(index));
        }
    }
}

/// The most that arrives within `within`.
fn most(arrivals: &[Mono], within: Duration) -> usize {
    let window = |first: usize| arrivals[first..].partition_point(|at| at.since(arrivals[first]) < within);
    (0..arrivals.len()).map(window).max().unwrap_or(0)
}

#[test]
fn ten_thousand_acks_fit_into_the_receive_buffer_of_a_sender_that_is_away_for_a_moment() {
    let mut crowd = Crowd::new();
    let long = "long ".repeat(200);
    // Strangers also ask the sender to prove its address, which it does with one more datagram to each.
    for (text, what, each) in
        [("hello", "strangers", 2), ("大家好", "acquaintances", 1), (&*long, "acquaintances, a longer text", 1)]
    {
        let begin = crowd.now;
        let acks = crowd.say(text);
        let (last, at_once) = (acks.last().unwrap().since(begin), most(&acks, ABSENCE));
        println!(
            "{what}: {} datagrams, {} acks, the last after {last:?}, {at_once} within {ABSENCE:?}",
            crowd.sent,
            acks.len()
        );
        assert_eq!(crowd.delivered, PEERS, "{what}");
        assert_eq!(crowd.sent, each * PEERS, "{what}: nothing was lost, so nothing is sent twice");
        assert_eq!(acks.len(), PEERS, "{what}: one ack each");
        assert!(at_once <= BUFFER, "{what}: {at_once} acks within {ABSENCE:?}, and the buffer holds {BUFFER}");
        crowd.now = crowd.now + Duration::from_secs(10);
    }
}
