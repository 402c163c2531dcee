//! The same work through message brokers: one sender, many receivers, against us and plain datagrams in the same run.
//!
//! The brokers are those that run on this machine at their usual ports, unencrypted and unacknowledged; who is not
//! there is left out with a line that says so.
#![expect(clippy::print_stderr, reason = "diagnostics and progress of a program")]

use std::process::ExitCode;

use chat_benches::broker::{Broker, Subscribers};
use chat_benches::contest::{Run, plain, publish};
use chat_benches::crowd::{Crowd, Sender, Way};
use chat_benches::group::{Group, runtime};
use chat_benches::machine;
use chat_benches::output::{Format, Row, Table};
use chat_benches::stats::{Histogram, median};
use chat_core::message::Content;
use chat_core::text::Text;
use clap::Parser;
use serde::Serialize;

/// Fan-out against NATS, Redis and Mosquitto.
#[derive(Debug, Parser)]
struct Args {
    /// Receivers.
    #[arg(long, value_delimiter = ',', default_value = "100")]
    peers: Vec<usize>,
    /// Bytes of a message.
    #[arg(long, default_value_t = 64)]
    size: usize,
    /// Messages that may be on the way at once.
    #[arg(long, value_delimiter = ',', default_value = "1,256")]
    in_flight: Vec<u64>,
    /// Messages in one run; ours are ten times as many.
    #[arg(long, default_value_t = 2_000)]
    messages: u64,
    /// Runs, of which the median counts.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// The form of the results.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Debug, Serialize)]
struct Result {
    who: &'static str,
    peers: usize,
    size: usize,
    in_flight: u64,
    delivered_per_second: f64,
    /// How much more we delivered in the same run, the median.
    ours_to_this: f64,
    lost: u64,
}

impl Row for Result {
    const COLUMNS: &'static [(&'static str, usize)] = &[
        ("who", 16),
        ("peers", 5),
        ("size", 5),
        ("flight", 6),
        ("delivered/s", 11),
        ("ours to this", 12),
        ("lost", 6),
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.who.to_owned(),
            self.peers.to_string(),
            self.size.to_string(),
            self.in_flight.to_string(),
            format!("{:.0}", self.delivered_per_second),
            format!("{:.2}", self.ours_to_this),
            self.lost.to_string(),
        ]
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    machine::raise_file_limit();
    let mut table = Table::new(args.format, &machine::describe());
    let mut lost = 0;
    for &peers in &args.peers {
        for &in_flight in &args.in_flight {
            match measure(&args, peers, in_flight) {
                Ok(rows) => {
                    // A broker that drops messages is told, and is not our fault.
                    lost += rows[0].lost;
                    rows.iter().for_each(|row| table.row(row));
                }
                Err(error) => {
                    eprintln!("{peers} receivers cannot be measured: {error}");
                    return ExitCode::from(2);
                }
            }
        }
    }
    if lost > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn measure(args: &Args, peers: usize, in_flight: u64) -> std::io::Result<Vec<Result>> {
    machine::pin(0);
    let runtime = runtime()?;
    let (mut us, group) = Group::around_sender(&runtime, peers, 1)?;
    let crowd = Crowd::gather(peers, in_flight, 1)?;
    let mut sender = Sender::new(crowd.addresses())?;
    let mut datagram = vec![b'x'; args.size.max(8)];
    let mut brokers = Vec::new();
    for broker in Broker::ALL {
        match Subscribers::gather(broker, peers, args.size, 1) {
            Ok(subscribers) => brokers.push((broker, subscribers)),
            Err(error) => eprintln!("{} is left out: {error}", broker.name()),
        }
    }
    let content = Content::Text(Text::parse(&"x".repeat(args.size)).map_err(std::io::Error::other)?);
    let mut runs: Vec<Vec<Run>> = vec![Vec::new(); brokers.len() + 2];
    let peers_ = peers as u64;
    let mut seen = Histogram::default();
    runtime.block_on(publish(&mut us, &group, &content, in_flight.max(10), in_flight, peers_, &mut seen))?;
    for _ in 0..args.runs {
        let ours = if in_flight > 1 { args.messages * 10 } else { args.messages };
        runs[0].push(runtime.block_on(publish(&mut us, &group, &content, ours, in_flight, peers_, &mut seen))?);
        runs[1].push(plain(&mut sender, &crowd, &mut datagram, args.messages, in_flight, Way::Batches)?);
        for (index, (_, subscribers)) in brokers.iter_mut().enumerate() {
            runs[index + 2].push(subscribers.run(args.messages, in_flight)?);
        }
    }
    let names = ["chat", "plain sendmmsg"].into_iter().chain(brokers.iter().map(|(broker, _)| broker.name()));
    let rows = names.zip(&runs).map(|(who, its)| Result {
        who,
        peers,
        size: args.size,
        in_flight,
        delivered_per_second: median(its.iter().map(|run| run.per_second)),
        ours_to_this: median(runs[0].iter().zip(its).map(|(us, it)| us.per_second / it.per_second)),
        lost: its.iter().map(|run| run.lost).sum(),
    });
    Ok(rows.collect())
}
