//! A sender and its receivers without a network.

use std::io;
use std::iter::once;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chat_benches::endpoints::{peer_config, text};
use chat_core::key::KeyPair;
use chat_core::message::{Content, Outcome, Recipient};
use chat_core::peer::{Datagram, Input, Loopback, Output, Peer, Slab, Transmit};
use chat_core::sim::SeededGenerator;
use chat_core::time::{Mono, Now, Timestamp};

use crate::{Bench, Meter, entry, key_pair, user};

/// Measures what a message costs at each end of a link, alone and together with others.
pub(crate) fn measure(bench: &mut Bench<'_>) -> io::Result<()> {
    let (peers, content) = (bench.args.peers, text(bench.args.size)?);
    for together in [1, 256] {
        let round = together * peers as u64;
        let name = format!("all of a message and receiver ({together} together)");
        if !bench.wants(&name, 8 * round, 8 * round) {
            continue;
        }
        let rounds = (bench.args.messages / round).max(4);
        let mut group = Group::new(peers);
        // The first rounds let the queues grow to their final sizes.
        (0..10).for_each(|_| group.round(&content, together));
        group.meters = Meters::default();
        (0..rounds).for_each(|_| group.round(&content, together));
        let Meters { queue, seal, receive, acks, datagrams } = &group.meters;
        for (part, meter, operations) in [
            ("queue a message", queue, rounds * round),
            ("seal datagrams, per message", seal, rounds * round),
            ("receive and accept, per message", receive, rounds * round),
            ("process the acks, per message", acks, rounds * round),
            ("seal, per datagram", seal, *datagrams),
        ] {
            bench.report(&format!("{part} ({together} together)"), meter, operations);
        }
        let missing = group.sent - group.delivered.min(group.confirmed);
        if missing > 0 {
            return Err(io::Error::other(format!("{missing} messages were not delivered or not confirmed")));
        }
    }
    Ok(())
}

struct Group {
    sender: Peer,
    receivers: Vec<Peer>,
    slab: Slab,
    now: Now,
    out: Vec<Output>,
    sent: u64,
    delivered: u64,
    confirmed: u64,
    meters: Meters,
}

#[derive(Default)]
struct Meters {
    queue: Meter,
    seal: Meter,
    receive: Meter,
    acks: Meter,
    datagrams: u64,
}

impl Group {
    fn new(peers: usize) -> Self {
        let keys: Vec<Arc<KeyPair>> = (0..=peers).map(|index| Arc::new(key_pair(index + 1))).collect();
        let peer = |index: usize| {
            let generator = Box::new(SeededGenerator::new(index as u64));
            Peer::new(Arc::clone(&keys[index]), user(index), Loopback::Ignored, peer_config(), generator)
        };
        let entries = |indices: std::ops::RangeInclusive<usize>| {
            Input::Roster(indices.map(|index| entry(index, keys[index].public())).collect())
        };
        let now = Now { mono: Mono::at(Duration::from_secs(1)), wall: Timestamp::from_millis(1_795_408_080_000) };
        let (mut sender, mut receivers) = (peer(0), (1..=peers).map(peer).collect::<Vec<_>>());
        let mut out = Vec::new();
        sender.handle(now, entries(1..=peers), &mut out);
        receivers.iter_mut().for_each(|receiver| receiver.handle(now, entries(0..=0), &mut out));
        let (slab, meters) = (Slab::new(64), Meters::default());
        Self { sender, receivers, slab, now, out, sent: 0, delivered: 0, confirmed: 0, meters }
    }

    /// Sends `count` messages to everyone together, and continues until all acks have arrived.
    fn round(&mut self, content: &Content, count: u64) {
        self.now.mono = self.now.mono + Duration::from_millis(1);
        let now = self.now;
        self.meters.queue.measure(|| {
            for tag in 0..count {
                let send = Input::Send { tag, to: Recipient::Everyone, content: content.clone(), sent_at: now.wall };
                self.sender.handle(now, send, &mut self.out);
            }
        });
        self.sent += count * self.receivers.len() as u64;
        while self.meters.seal.measure(|| self.sender.transmit(now, &mut self.slab)) == Transmit::More {
            self.deliver();
        }
        self.deliver();
        // Delayed acks are due after at most this time.
        for _ in 0..3 {
            self.now.mono = self.now.mono + Duration::from_millis(150);
            (0..self.receivers.len()).for_each(|index| self.answer(index));
            self.sender.handle(self.now, Input::Tick, &mut self.out);
            while self.sender.transmit(self.now, &mut self.slab) == Transmit::More {
                self.deliver();
            }
            self.deliver();
        }
        for output in self.out.drain(..) {
            if let Output::Report(reports) = output {
                let delivered = reports.iter().filter(|report| report.outcome() == Outcome::Delivered);
                self.confirmed += delivered.count() as u64;
            }
        }
    }

    /// Hands the datagrams in the slab to their receivers, which answer.
    fn deliver(&mut self) {
        let from = SocketAddr::from(([10, 0, 0, 0], 10_000));
        let datagrams: Vec<(usize, Vec<u8>)> =
            self.slab.iter().map(|(to, bytes)| (usize::from(to.port()) - 10_001, bytes.to_vec())).collect();
        self.slab.remove(datagrams.len());
        self.meters.datagrams += datagrams.len() as u64;
        for (index, mut bytes) in datagrams {
            let (receiver, now, mut out) = (&mut self.receivers[index], self.now, Vec::new());
            self.delivered += self.meters.receive.measure(|| {
                receiver.receive(now, once(Datagram::new(from, &mut bytes)), &mut out);
                let mut count = 0;
                for output in out.drain(..) {
                    if let Output::Deliver(delivery) = output {
                        count += delivery.len() as u64;
                        receiver.handle(now, Input::AcceptUpTo(delivery.last_token()), &mut Vec::new());
                    }
                }
                count
            });
            self.answer(index);
        }
    }

    /// Hands the acks of a receiver to the sender.
    fn answer(&mut self, index: usize) {
        let mut slab = Slab::new(8);
        self.receivers[index].handle(self.now, Input::Tick, &mut Vec::new());
        self.receivers[index].transmit(self.now, &mut slab);
        let from = SocketAddr::from(([10, 0, ((index + 1) >> 8) as u8, (index + 1) as u8], 10_001 + index as u16));
        for (_, bytes) in slab.iter() {
            let mut bytes = bytes.to_vec();
            let datagram = Datagram::new(from, &mut bytes);
            self.meters.acks.measure(|| self.sender.receive(self.now, once(datagram), &mut self.out));
        }
    }
}
