//! What each part of sending a message costs: sealing, codec, roster, links, sockets, and how often memory is allocated.
//!
//! With `--instructions` it counts the instructions of each part instead, with valgrind, which must be installed. Their
//! number does not depend on other load. It is known even where a virtual machine hides its processor's counters.

mod instructions;
mod links;

use std::hint::black_box;
use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use chat_benches::endpoints::{introduce, open, open_peers, runtime, text};
use chat_benches::machine;
use chat_benches::output::{Format, Row, Table};
use chat_benches::stats::median;
use chat_core::extras::Extras;
use chat_core::key::{KeyPair, PublicKey};
use chat_core::message::Recipient;
use chat_core::name::UserName;
use chat_core::roster::{Change, Entry, LinkVersions, Roster};
use chat_core::seal::{LinkKeys, Party};
use chat_core::sim::SeededGenerator;
use chat_core::text::Text;
use chat_core::time::Timestamp;
use chat_core::wire::datagram::{Body, BodyContent, BodyScope, Frame, Frames, VERSION};
use clap::Parser;
use clap::builder::RangedU64ValueParser;

use self::instructions::Part;

/// The cost of each part of sending a message.
#[derive(Debug, Parser)]
struct Args {
    /// Recipients of a message.
    #[arg(long, default_value_t = 100, value_parser = RangedU64ValueParser::<usize>::from(1..=MAX_PEERS))]
    peers: usize,
    /// Bytes of text in a message.
    #[arg(long, default_value_t = 64)]
    size: usize,
    /// Operations in one run.
    #[arg(long, default_value_t = 100_000)]
    messages: u64,
    /// Runs. The results are medians.
    #[arg(long, default_value_t = 5, value_parser = RangedU64ValueParser::<usize>::from(1..))]
    runs: usize,
    /// Count instructions instead of time.
    #[arg(long)]
    instructions: bool,
    /// Measure only the part with this name.
    #[arg(long)]
    only: Option<String>,
    /// Output format of the results.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// The most recipients. Each has a port of its own above 10,000.
const MAX_PEERS: u64 = 50_000;

fn main() -> ExitCode {
    let args = Args::parse();
    machine::pin(0);
    Table::fill(args.format, "cost of each part", |table| {
        let mut bench = Bench { args: &args, table, parts: Vec::new() };
        seal(&mut bench);
        codec(&mut bench);
        roster(&mut bench);
        links::measure(&mut bench)?;
        send(&mut bench)?;
        let Bench { parts, table, .. } = bench;
        for part in parts.iter().filter(|_| args.instructions) {
            let count = part.instructions(&["--peers", &args.peers.to_string(), "--size", &args.size.to_string()])?;
            table.row(&Row::default().with("instructions", count.round()).with("part", part.name.as_str()));
        }
        Ok(())
    })
}

struct Bench<'a> {
    args: &'a Args,
    table: &'a mut Table,
    /// The parts whose instructions can be counted.
    parts: Vec<Part>,
}

impl Bench<'_> {
    /// Measures `operation`. It runs once for every `share` of `--messages`, at least ten times.
    fn measure<T>(&mut self, name: &str, share: u64, mut operation: impl FnMut() -> T) {
        if !self.wants(name, 20_000, 20_000 / share) {
            return;
        }
        let count = (self.args.messages / share).max(10);
        let mut last = Meter::default();
        let times = (0..self.args.runs).map(|_| {
            last = Meter::default();
            last.measure(|| (0..count).for_each(|_| drop(black_box(operation()))));
            last.time.as_secs_f64()
        });
        last.time = Duration::from_secs_f64(median(times));
        self.report(name, &last, count);
    }

    /// Registers a part that runs `operations` times if `--messages` is `messages`. Returns whether to measure it now.
    fn wants(&mut self, name: &str, messages: u64, operations: u64) -> bool {
        self.parts.push(Part { name: name.to_owned(), messages, operations });
        self.wants_time(name)
    }

    fn wants_time(&self, name: &str) -> bool {
        !self.args.instructions && self.args.only.as_ref().is_none_or(|only| only == name)
    }

    fn report(&mut self, name: &str, meter: &Meter, operations: u64) {
        let row = Row::default()
            .with("ns", meter.time.as_nanos() as f64 / operations as f64)
            .with("allocations", meter.allocations as f64 / operations as f64)
            .with("part", name);
        self.table.row(&row);
    }
}

/// Adds up time and allocations.
#[derive(Debug, Default)]
struct Meter {
    time: Duration,
    allocations: u64,
}

impl Meter {
    fn measure<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let (start, mut result) = (Instant::now(), None);
        let counted = allocation_counter::measure(|| result = Some(work()));
        self.time += start.elapsed();
        self.allocations += counted.count_total;
        result.expect("the work is done")
    }
}

fn key_pair(seed: usize) -> KeyPair {
    KeyPair::generate(&mut SeededGenerator::new(seed as u64))
}

fn user(index: usize) -> UserName {
    format!("peer{index}").parse().expect("a valid user name")
}

fn seal(bench: &mut Bench<'_>) {
    let (mine, theirs) = (key_pair(1), key_pair(2));
    let party = |keys: &KeyPair, index| Party { key: keys.public(), user: user(index) };
    let derive = || LinkKeys::derive(&mine, &user(1), &party(&theirs, 2)).expect("no weak key");
    bench.measure("derive the keys of a link", 1000, derive);
    let mut sending = derive();
    let mut receiving = LinkKeys::derive(&theirs, &user(2), &party(&mine, 1)).expect("no weak key");
    for size in [64, 256, 1167] {
        let (mut number, mut bytes) = (0, vec![7; size]);
        bench.measure(&format!("seal {size} bytes"), 1, || {
            number += 1;
            sending.seal(number, b"header", &mut bytes)
        });
        let tag = sending.seal(9, b"header", &mut bytes);
        let sealed = [&bytes[..], &tag].concat();
        let mut buffer = sealed.clone();
        bench.measure(&format!("open {size} bytes (with a copy)"), 1, || {
            buffer.copy_from_slice(&sealed);
            black_box(receiving.open(9, b"header", &mut buffer).expect("sealed above"));
        });
    }
}

fn codec(bench: &mut Bench<'_>) {
    let text = "x".repeat(bench.args.size);
    let body = Body { id: 9, scope: BodyScope::Group, sent_at: 1_795_408_080_000, content: BodyContent::Text(&text) };
    let mut out = Vec::with_capacity(20_000);
    body.encode(&mut out);
    bench.measure("write a body", 1, || {
        out.clear();
        body.encode(&mut out);
        black_box(&out);
    });
    bench.measure("read a body", 1, || Body::decode(black_box(&out)).expect("written above"));
    bench.measure("check a text", 1, || Text::parse(black_box(&text)).expect("a valid text"));
    let frame = Frame::Message { number: 300, body: &out[..out.len().min(1000)] };
    let bytes = postcard::to_stdvec(&frame).expect("frames can be encoded");
    bench.measure("read a frame with a message", 1, || black_box(Frames::new(black_box(&bytes)).next()).is_some());
}

fn entry(index: usize, key: PublicKey) -> Entry {
    let address = SocketAddr::from(([10, 0, (index >> 8) as u8, index as u8], 10_000 + index as u16));
    Entry {
        user: user(index),
        key,
        addresses: vec![address],
        since: Timestamp::from_millis(0),
        versions: LinkVersions { low: VERSION, high: VERSION },
        extras: Extras::default(),
    }
}

fn roster(bench: &mut Bench<'_>) {
    let entries = (0..bench.args.peers).map(|index| entry(index, PublicKey::new([7; 32])));
    let mut roster: Roster = entries.collect();
    let change = Change::Replaced(entry(bench.args.peers / 2, PublicKey::new([7; 32])));
    bench.measure("apply a change to a roster", 1, || roster.apply(black_box(&change)));
}

/// Endpoints on real sockets in this thread: sending allocates nothing.
fn send(bench: &mut Bench<'_>) -> io::Result<()> {
    let (peers, name) = (bench.args.peers, "send to everyone through the socket, per datagram");
    // Its instructions cannot be counted: their number depends on when datagrams arrive.
    if !bench.wants_time(name) {
        return Ok(());
    }
    let rounds = (bench.args.messages / peers as u64).clamp(8, MAX_SEND_ROUNDS);
    let meter = runtime()?.block_on(send_rounds(peers, bench.args.size, rounds))?;
    bench.report(name, &meter, rounds * peers as u64);
    Ok(())
}

/// The most rounds through the socket. A round of few recipients takes 20 ms, for which they delay their acks.
const MAX_SEND_ROUNDS: u64 = 1_000;
/// Rounds until all buffers have their final size.
const WARM_UP_ROUNDS: u64 = 100;

/// Measures only sealing and sending. Every message is delivered and confirmed before the next.
async fn send_rounds(peers: usize, size: usize, rounds: u64) -> io::Result<Meter> {
    let (mut sender, mut receivers, content) = (open("sender")?, open_peers(peers)?, text(size)?);
    introduce(&mut sender, &mut receivers);
    let (mut meter, mut events) = (Meter::default(), Vec::new());
    for round in 0..WARM_UP_ROUNDS + rounds {
        if round == WARM_UP_ROUNDS {
            meter = Meter::default();
        }
        sender.send(Recipient::Everyone, content.clone()).map_err(io::Error::other)?;
        meter.measure(|| while sender.try_next(&mut events) {});
        while sender.pending_outcomes() > 0 {
            tokio::task::yield_now().await;
            for receiver in &mut receivers {
                receiver.try_next(&mut events);
            }
            sender.try_next(&mut events);
            events.clear();
        }
    }
    Ok(meter)
}
