//! What each part costs by itself: sealing, codec, roster, links, sending; and how often memory is allocated.
//!
//! With `--instructions` it also counts the instructions of each part, with valgrind, which has to be installed: they are
//! the same on a busy machine, and where a virtual machine shows no counters of its processor.
#![expect(clippy::print_stderr, reason = "diagnostics of a program")]

use std::hint::black_box;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chat_benches::group::{endpoint, peer_config, runtime};
use chat_benches::instructions::Part;
use chat_benches::machine;
use chat_benches::output::{Format, Row, Table};
use chat_benches::stats::median;
use chat_core::extras::Extras;
use chat_core::key::{KeyPair, PublicKey};
use chat_core::message::{Content, Outcome, Recipient};
use chat_core::name::UserName;
use chat_core::peer::{Datagram, Input, Loopback, Output, Peer, Slab, Transmit};
use chat_core::roster::{Change, Entry, LinkVersions, Roster};
use chat_core::seal::{LinkKeys, Party};
use chat_core::sim::SeededGenerator;
use chat_core::text::Text;
use chat_core::time::{Mono, Now, Timestamp};
use chat_core::wire::datagram::{Body, BodyContent, BodyScope, Frame, Frames, VERSION};
use chat_net::peers::Endpoint;
use clap::Parser;
use serde::Serialize;

/// The cost of each part.
#[derive(Debug, Parser)]
struct Args {
    /// Recipients of a message.
    #[arg(long, default_value_t = 100)]
    peers: usize,
    /// Bytes of text in a message.
    #[arg(long, default_value_t = 64)]
    size: usize,
    /// Operations in one run.
    #[arg(long, default_value_t = 100_000)]
    messages: u64,
    /// Runs, of which the median counts.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Count instructions instead of time.
    #[arg(long)]
    instructions: bool,
    /// Only this part.
    #[arg(long)]
    only: Option<String>,
    /// The form of the results.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Debug, Serialize)]
struct Cost {
    part: String,
    ns: f64,
    allocations: f64,
}

#[derive(Debug, Serialize)]
struct Instructions {
    part: String,
    instructions: f64,
}

impl Row for Instructions {
    const COLUMNS: &'static [(&'static str, usize)] = &[("part", 52), ("instructions", 12)];

    fn cells(&self) -> Vec<String> {
        vec![self.part.clone(), format!("{:.0}", self.instructions)]
    }
}

impl Row for Cost {
    const COLUMNS: &'static [(&'static str, usize)] = &[("part", 52), ("ns", 9), ("allocations", 11)];

    fn cells(&self) -> Vec<String> {
        vec![self.part.clone(), format!("{:.1}", self.ns), format!("{:.4}", self.allocations)]
    }
}

struct Bench<'a> {
    args: &'a Args,
    table: Table,
    /// What there is to be counted.
    parts: Vec<Part>,
}

impl Bench<'_> {
    /// Measures `operation`, which is done `messages` times in each run.
    fn measure(&mut self, part: &str, mut operation: impl FnMut()) {
        let count = self.args.messages;
        if !self.wants(part, 10_000, 10_000) {
            return;
        }
        let mut allocations = 0;
        let runs = (0..self.args.runs).map(|_| {
            let start = Instant::now();
            let counted = allocation_counter::measure(|| (0..count).for_each(|_| operation()));
            allocations = counted.count_total;
            start.elapsed().as_nanos() as f64 / count as f64
        });
        let ns = median(runs);
        self.told(part, ns, allocations as f64 / count as f64);
    }

    /// Whether a part is to be measured. With so many `messages` it is done `operations` times in a run.
    fn wants(&mut self, part: &str, messages: u64, operations: u64) -> bool {
        self.parts.push(Part { name: part.to_owned(), messages, operations });
        !self.args.instructions && self.args.only.as_ref().is_none_or(|only| only == part)
    }

    fn told(&mut self, part: &str, ns: f64, allocations: f64) {
        self.table.row(&Cost { part: part.to_owned(), ns, allocations });
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    machine::pin(0);
    let table = Table::new(args.format, &machine::describe());
    let mut bench = Bench { args: &args, table, parts: Vec::new() };
    seals(&mut bench);
    codec(&mut bench);
    roster(&mut bench);
    let complete = links(&mut bench) && sends(&mut bench);
    if args.instructions {
        for part in std::mem::take(&mut bench.parts) {
            match part.instructions(&["--peers", &args.peers.to_string(), "--size", &args.size.to_string()]) {
                Ok(instructions) => bench.table.row(&Instructions { part: part.name, instructions }),
                Err(error) => {
                    eprintln!("instructions cannot be counted: {error}");
                    return ExitCode::from(2);
                }
            }
        }
    }
    if complete { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn keys(seed: u64) -> KeyPair {
    KeyPair::generate(&mut SeededGenerator::new(seed))
}

fn user(index: usize) -> UserName {
    format!("peer{index}").parse().expect("a plain name")
}

fn seals(bench: &mut Bench<'_>) {
    let (mine, theirs) = (keys(1), keys(2));
    let party = |keys: &KeyPair, index| Party { key: keys.public(), user: user(index) };
    bench.measure_few("derive the keys of a link", || {
        black_box(LinkKeys::derive(&mine, &user(1), &party(&theirs, 2)).expect("no weak key"));
    });
    let mut sending = LinkKeys::derive(&mine, &user(1), &party(&theirs, 2)).expect("no weak key");
    let mut receiving = LinkKeys::derive(&theirs, &user(2), &party(&mine, 1)).expect("no weak key");
    for size in [64, 256, 1167] {
        let (mut number, mut bytes) = (0, vec![7; size]);
        bench.measure(&format!("seal {size} bytes"), || {
            number += 1;
            black_box(sending.seal(number, b"header", &mut bytes));
        });
        let sealed: Vec<u8> = [&bytes[..], &sending.seal(9, b"header", &mut bytes.clone())].concat();
        let mut good = bytes.clone();
        let tag = sending.seal(9, b"header", &mut good);
        let good = [&good[..], &tag].concat();
        let mut room = sealed;
        bench.measure(&format!("open {size} bytes (with a copy)"), || {
            room.copy_from_slice(&good);
            black_box(receiving.open(9, b"header", &mut room).expect("sealed above"));
        });
    }
}

impl Bench<'_> {
    /// For what takes long: a thousandth as many.
    fn measure_few(&mut self, part: &str, operation: impl FnMut()) {
        let few = Args { messages: (self.args.messages / 1000).max(10), only: self.args.only.clone(), ..*self.args };
        let table = std::mem::replace(&mut self.table, Table::continued(self.args.format));
        let mut bench = Bench { args: &few, table, parts: std::mem::take(&mut self.parts) };
        bench.measure(part, operation);
        (self.table, self.parts) = (bench.table, bench.parts);
        if let Some(part) = self.parts.last_mut() {
            (part.messages, part.operations) = (20_000, 20);
        }
    }
}

fn codec(bench: &mut Bench<'_>) {
    let text = "x".repeat(bench.args.size);
    let body = Body { id: 9, scope: BodyScope::Group, sent_at: 1_795_408_080_000, content: BodyContent::Text(&text) };
    let mut out = Vec::with_capacity(20_000);
    bench.measure("write a body", || {
        out.clear();
        body.encode(&mut out);
        black_box(&out);
    });
    out.clear();
    body.encode(&mut out);
    bench.measure("read a body", || {
        black_box(Body::decode(black_box(&out)).expect("written above"));
    });
    bench.measure("check a text", || {
        black_box(Text::parse(black_box(&text)).expect("a plain text"));
    });
    let short = &out[..out.len().min(1000)];
    let mut space = [0; 1200];
    let len =
        postcard::to_slice(&Frame::Message { number: 300, body: short }, &mut space).map_or(0, |frame| frame.len());
    bench.measure("read a frame with a message", || {
        black_box(Frames::new(black_box(&space[..len])).next());
    });
}

fn entry(index: usize, key: PublicKey) -> Entry {
    let port = 10_000 + index as u16;
    Entry {
        user: user(index),
        key,
        addresses: vec![SocketAddr::from(([10, 0, (index >> 8) as u8, index as u8], port))],
        since: Timestamp::from_millis(0),
        versions: LinkVersions { low: VERSION, high: VERSION },
        extras: Extras::default(),
    }
}

fn roster(bench: &mut Bench<'_>) {
    let entries: Vec<Entry> = (0..bench.args.peers).map(|index| entry(index, PublicKey::new([7; 32]))).collect();
    let mut roster: Roster = entries.iter().cloned().collect();
    let change = Change::Replaced(entries[entries.len() / 2].clone());
    bench.measure("make a change of a roster", || roster.apply(black_box(&change)));
}

/// A sender and its receivers without a network.
struct Room {
    sender: Peer,
    receivers: Vec<Peer>,
    slab: Slab,
    now: Now,
    out: Vec<Output>,
    delivered: u64,
    confirmed: u64,
    sent: u64,
    /// Time and allocations: queueing, transmitting, receiving with taking and answering, hearing the acks.
    time: [Duration; 4],
    allocations: [u64; 4],
    datagrams: u64,
}

impl Room {
    fn new(peers: usize) -> Self {
        let pairs: Vec<Arc<KeyPair>> = (0..=peers).map(|index| Arc::new(keys(index as u64 + 1))).collect();
        let peer = |index: usize| {
            let generator = Box::new(SeededGenerator::new(index as u64));
            Peer::new(Arc::clone(&pairs[index]), user(index), Loopback::Ignored, peer_config(), generator)
        };
        let now = Now { mono: Mono::at(Duration::from_secs(1)), wall: Timestamp::from_millis(1_795_408_080_000) };
        let (mut sender, mut out) = (peer(0), Vec::new());
        sender.handle(
            now,
            Input::Roster((1..=peers).map(|index| entry(index, pairs[index].public())).collect()),
            &mut out,
        );
        let mut receivers: Vec<Peer> = (1..=peers).map(peer).collect();
        for receiver in &mut receivers {
            receiver.handle(now, Input::Roster(vec![entry(0, pairs[0].public())]), &mut out);
        }
        let slab = Slab::new(64);
        let (time, allocations) = ([Duration::ZERO; 4], [0; 4]);
        Self { sender, receivers, slab, now, out, delivered: 0, confirmed: 0, sent: 0, time, allocations, datagrams: 0 }
    }

    /// `count` messages to everyone, which wait for each other; all that follows is done, up to the acks.
    fn say(&mut self, text: &Text, count: u64) {
        self.now.mono = self.now.mono + Duration::from_millis(1);
        let now = self.now;
        let (sender, out) = (&mut self.sender, &mut self.out);
        timed(&mut self.time[0], &mut self.allocations[0], || {
            for tag in 0..count {
                let content = Content::Text(text.clone());
                sender.handle(now, Input::Send { tag, to: Recipient::Everyone, content, sent_at: now.wall }, out);
            }
        });
        self.sent += count * self.receivers.len() as u64;
        loop {
            let (sender, slab) = (&mut self.sender, &mut self.slab);
            let mut more = Transmit::Done;
            timed(&mut self.time[1], &mut self.allocations[1], || more = sender.transmit(now, slab));
            self.deliver();
            if more == Transmit::Done {
                break;
            }
        }
        // Acks that wait for company are waited for.
        for _ in 0..3 {
            self.now.mono = self.now.mono + Duration::from_millis(150);
            for index in 0..self.receivers.len() {
                self.answer(index);
            }
            self.deliver();
            self.sender.handle(self.now, Input::Tick, &mut self.out);
            while self.sender.transmit(self.now, &mut self.slab) == Transmit::More {
                self.deliver();
            }
            self.deliver();
        }
        for output in self.out.drain(..) {
            if let Output::Report(report) = output {
                self.confirmed += u64::from(report.outcome == Outcome::Delivered);
            }
        }
    }

    /// Hands what stands in the slab to its receivers, and lets them answer.
    fn deliver(&mut self) {
        let datagrams: Vec<(usize, Vec<u8>)> =
            self.slab.iter().map(|(to, bytes)| (usize::from(to.port()) - 10_001, bytes.to_vec())).collect();
        self.slab.remove(datagrams.len());
        self.datagrams += datagrams.len() as u64;
        for (index, mut bytes) in datagrams {
            let (receiver, now, from) =
                (&mut self.receivers[index], self.now, SocketAddr::from(([10, 0, 0, 0], 10_000)));
            let (mut out, mut count) = (Vec::new(), 0);
            timed(&mut self.time[2], &mut self.allocations[2], || {
                receiver.receive(now, std::iter::once(Datagram { from, bytes: &mut bytes }), &mut out);
                for output in out.drain(..) {
                    if let Output::Deliver { token, .. } = output {
                        count += 1;
                        receiver.handle(now, Input::Accept(token), &mut Vec::new());
                    }
                }
            });
            self.delivered += count;
            self.answer(index);
        }
    }

    fn answer(&mut self, index: usize) {
        let mut slab = Slab::new(8);
        self.receivers[index].handle(self.now, Input::Tick, &mut Vec::new());
        self.receivers[index].transmit(self.now, &mut slab);
        let address = entry(index + 1, PublicKey::new([0; 32])).addresses[0];
        let (sender, out, now) = (&mut self.sender, &mut self.out, self.now);
        for (_, bytes) in slab.iter() {
            let mut bytes = bytes.to_vec();
            timed(&mut self.time[3], &mut self.allocations[3], || {
                sender.receive(now, std::iter::once(Datagram { from: address, bytes: &mut bytes }), out);
            });
        }
    }
}

fn timed(time: &mut Duration, allocations: &mut u64, work: impl FnOnce()) {
    let start = Instant::now();
    let counted = allocation_counter::measure(work);
    *time += start.elapsed();
    *allocations += counted.count_total;
}

/// Whether all messages were delivered and confirmed.
fn links(bench: &mut Bench<'_>) -> bool {
    let text = Text::parse(&"x".repeat(bench.args.size)).expect("a plain text");
    let mut complete = true;
    for together in [1, 256] {
        let some = 8 * together * bench.args.peers as u64;
        if !bench.wants(&format!("all of a message and receiver ({together} together)"), some, some) {
            continue;
        }
        let mut room = Room::new(bench.args.peers);
        let rounds = (bench.args.messages / (bench.args.peers as u64 * together)).max(4);
        // Queues grow to their size first.
        (0..10).for_each(|_| room.say(&text, together));
        (room.time, room.allocations, room.datagrams) = ([Duration::ZERO; 4], [0; 4], 0);
        (0..rounds).for_each(|_| room.say(&text, together));
        let messages = rounds * together * bench.args.peers as u64;
        let each = [
            "queue a message",
            "seal datagrams, per message",
            "receive and take, per message",
            "hear the acks, per message",
        ];
        for (index, part) in each.into_iter().enumerate() {
            let ns = room.time[index].as_nanos() as f64 / messages as f64;
            bench.told(&format!("{part} ({together} together)"), ns, room.allocations[index] as f64 / messages as f64);
        }
        let per_datagram = |value: f64| value / room.datagrams as f64;
        let ns = per_datagram(room.time[1].as_nanos() as f64);
        bench.told(&format!("seal, per datagram ({together} together)"), ns, per_datagram(room.allocations[1] as f64));
        complete &= room.delivered == room.sent && room.confirmed == room.sent;
    }
    complete
}

/// Endpoints on real sockets in this thread: what leaves allocates nothing. Whether all was delivered.
fn sends(bench: &mut Bench<'_>) -> bool {
    let peers = bench.args.peers;
    let some = 8 * peers as u64;
    let part = "send to everyone through the socket, per datagram";
    if !bench.wants(part, some, some) {
        return true;
    }
    let rounds = (bench.args.messages / peers as u64).max(8);
    let counted = runtime().and_then(|runtime| runtime.block_on(send_rounds(peers, bench.args.size, rounds)));
    match counted {
        Ok((time, allocations)) => {
            let datagrams = (rounds * peers as u64) as f64;
            bench.told(part, time.as_nanos() as f64 / datagrams, allocations as f64 / datagrams);
            true
        }
        Err(error) => {
            eprintln!("this cannot be measured: {error}");
            false
        }
    }
}

/// Rounds after which nothing grows any more.
const WARM: u64 = 100;

/// The time and the allocations of sealing and sending, of rounds in which all gets delivered and confirmed.
async fn send_rounds(peers: usize, size: usize, rounds: u64) -> std::io::Result<(Duration, u64)> {
    machine::raise_file_limit();
    let mut sender = endpoint("sender")?;
    let mut receivers = (0..peers).map(|index| endpoint(&format!("peer{index}"))).collect::<Result<Vec<_>, _>>()?;
    sender.add_to_roster(receivers.iter().map(Endpoint::entry));
    receivers.iter_mut().for_each(|receiver| receiver.add_to_roster([sender.entry()]));
    let content = Content::Text(Text::parse(&"x".repeat(size)).map_err(std::io::Error::other)?);
    let (mut time, mut allocations, mut events) = (Duration::ZERO, 0, Vec::new());
    for round in 0..WARM + rounds {
        if round == WARM {
            (time, allocations) = (Duration::ZERO, 0);
        }
        sender.send(Recipient::Everyone, content.clone()).map_err(std::io::Error::other)?;
        timed(&mut time, &mut allocations, || while sender.try_next(&mut events) {});
        while sender.pending_outcomes() > 0 {
            tokio::task::yield_now().await;
            for receiver in &mut receivers {
                receiver.try_next(&mut events);
            }
            sender.try_next(&mut events);
            events.clear();
        }
    }
    Ok((time, allocations))
}
