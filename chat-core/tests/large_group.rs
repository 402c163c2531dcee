//! One message to ten thousand peers: their acks are spread over time, and nothing is sent twice.
//!
//! All peers are complete machines. The network is as fast as possible, which is the worst case: only the peers spread
//! their acks.

mod common;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use chat_core::message::{Content, Outcome, Recipient};
use chat_core::peer::{Datagram, Input, Output, Peer, Slab, Transmit};
use chat_core::roster::Entry;
use chat_core::sim::outcomes;
use chat_core::text::Text;
use chat_core::time::{Mono, Now};

const PEERS: usize = 10_000;

/// The small datagrams that a receive buffer of 4 MiB holds. Linux counts 768 bytes for each.
const BUFFER: usize = 4 * 1024 * 1024 / 768;

/// The stall of the sender that must not lose an ack: several times the longest delay by a scheduler.
const STALL: Duration = Duration::from_millis(50);

const LATENCY: Duration = Duration::from_micros(50);

/// The time to seal and send one datagram.
const SEND_TIME: Duration = Duration::from_micros(2);

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
    common::now(mono.since(Mono::ZERO))
}

impl Crowd {
    /// The sender has index 0, and its peers follow from 1 on.
    fn new() -> Self {
        let (mut sender, own) = common::peer(0);
        let (mut peers, entries): (Vec<Peer>, Vec<Entry>) = (1..=PEERS).map(common::peer).unzip();
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

    fn schedule(&mut self, at: Mono, event: Event) {
        self.events += 1;
        self.future.insert((at, self.events), event);
    }

    /// Sends one message, runs until all outcomes are known, and returns the arrival times of the acks.
    fn send(&mut self, text: &str) -> Vec<Mono> {
        (self.sent, self.delivered) = (0, 0);
        self.acks.clear();
        let content = Content::Text(Text::parse(text).expect("a valid text"));
        let sent_at = now(self.now).wall;
        let mut out = Vec::new();
        let send = Input::Send { tag: 0, to: Recipient::Everyone, content, sent_at };
        self.sender.handle(now(self.now), send, &mut out);
        self.transmit_from_sender();
        while self.sender.pending_outcomes() > 0 {
            let sender = self.sender.deadline();
            let first = self.future.first_key_value().map(|((at, _), _)| *at);
            if let Some(tick) = sender.filter(|tick| first.is_none_or(|first| *tick <= first)) {
                self.now = self.now.max(tick);
                self.sender.handle(now(self.now), Input::Tick, &mut out);
                self.transmit_from_sender();
            } else {
                self.process_next();
            }
        }
        // Datagrams in flight still arrive.
        while !self.future.is_empty() {
            self.process_next();
        }
        std::mem::take(&mut self.acks)
    }

    fn process_next(&mut self) {
        let ((at, _), event) = self.future.pop_first().expect("an event is pending");
        self.now = self.now.max(at);
        match event {
            Event::ToPeer(index, mut bytes) => {
                let mut out = Vec::new();
                let datagram = Datagram::new(address(0), &mut bytes);
                self.peers[index].receive(now(self.now), std::iter::once(datagram), &mut out);
                for output in out {
                    if let Output::Deliver(delivery) = output {
                        self.peers[index].handle(
                            now(self.now),
                            Input::AcceptUpTo(delivery.last_token()),
                            &mut Vec::new(),
                        );
                    }
                }
                self.transmit_from_peer(index);
            }
            Event::Tick(index) => {
                if self.peers[index].deadline().is_some_and(|due| due <= self.now) {
                    self.peers[index].handle(now(self.now), Input::Tick, &mut Vec::new());
                    self.transmit_from_peer(index);
                }
            }
            Event::ToSender(index, mut bytes) => {
                self.acks.push(self.now);
                let mut out = Vec::new();
                let datagram = Datagram::new(address(index + 1), &mut bytes);
                self.sender.receive(now(self.now), std::iter::once(datagram), &mut out);
                for outcome in outcomes(&out) {
                    assert_eq!(outcome, Outcome::Delivered);
                    self.delivered += 1;
                }
                self.transmit_from_sender();
            }
        }
    }

    fn transmit_from_sender(&mut self) {
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
                at = at + SEND_TIME;
                self.schedule(at + LATENCY, Event::ToPeer(index, bytes));
            }
            if more == Transmit::Done {
                return;
            }
        }
    }

    fn transmit_from_peer(&mut self, index: usize) {
        let mut slab = Slab::new(1);
        while {
            let more = self.peers[index].transmit(now(self.now), &mut slab);
            let sealed: Vec<_> = slab.iter().map(|(_, bytes)| bytes.to_vec()).collect();
            slab.remove(usize::MAX);
            for bytes in sealed {
                self.schedule(self.now + LATENCY, Event::ToSender(index, bytes));
            }
            more == Transmit::More
        } {}
        if let Some(due) = self.peers[index].deadline() {
            self.schedule(due.max(self.now), Event::Tick(index));
        }
    }
}

/// Returns the largest number of arrivals within a time.
fn most_within(arrivals: &[Mono], within: Duration) -> usize {
    let window = |first: usize| arrivals[first..].partition_point(|at| at.since(arrivals[first]) < within);
    (0..arrivals.len()).map(window).max().unwrap_or(0)
}

#[test]
fn the_acks_of_ten_thousand_peers_fit_the_receive_buffer_of_a_stalled_sender() {
    let mut crowd = Crowd::new();
    let long = "long ".repeat(200);
    // On a new link, the peer also challenges the sender, which answers with one more datagram.
    for (text, what, each) in
        [("hello", "new links", 2), ("大家好", "existing links", 1), (&*long, "existing links, a longer text", 1)]
    {
        let begin = crowd.now;
        let acks = crowd.send(text);
        let (last, in_stall) = (acks.last().unwrap().since(begin), most_within(&acks, STALL));
        println!(
            "{what}: {} datagrams, {} acks, the last after {last:?}, {in_stall} within {STALL:?}",
            crowd.sent,
            acks.len()
        );
        assert_eq!(crowd.delivered, PEERS, "{what}");
        assert_eq!(crowd.sent, each * PEERS, "{what}: datagrams were sent twice");
        assert_eq!(acks.len(), PEERS, "{what}: not one ack for each peer");
        assert!(in_stall <= BUFFER, "{what}: {in_stall} acks within {STALL:?}, but the buffer holds {BUFFER}");
        crowd.now = crowd.now + Duration::from_secs(10);
    }
}
