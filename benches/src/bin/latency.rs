//! How long a message takes: private round trips, and from sending to everyone to each receiving application.
//!
//! Everything runs in one thread, because to wake a sleeping processor takes longer than all else. A plain tokio
//! socket does the same in the same run, one after the other.
#![expect(clippy::print_stderr, reason = "diagnostics and progress of a program")]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use chat_benches::group::{endpoint, runtime};
use chat_benches::machine;
use chat_benches::output::{Format, Row, Table, micros};
use chat_benches::stats::Histogram;
use chat_core::message::{Content, Recipient};
use chat_core::peer::Output;
use chat_core::text::Text;
use chat_net::peers::Endpoint;
use clap::Parser;
use serde::Serialize;
use tokio::net::UdpSocket;

/// Latencies against plain sockets.
#[derive(Debug, Parser)]
struct Args {
    /// Receivers of a message to everyone.
    #[arg(long, default_value_t = 100)]
    peers: usize,
    /// Bytes of text in a message.
    #[arg(long, default_value_t = 64)]
    size: usize,
    /// Messages in one run.
    #[arg(long, default_value_t = 2_000)]
    messages: u64,
    /// Runs, all of which count.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// The form of the results.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Debug, Serialize)]
struct Latency {
    what: &'static str,
    p50_us: f64,
    p99_us: f64,
    p999_us: f64,
    /// The median against that of plain sockets.
    ratio: f64,
    lost: u64,
}

impl Row for Latency {
    const COLUMNS: &'static [(&'static str, usize)] =
        &[("what", 28), ("p50 us", 8), ("p99 us", 8), ("p99.9 us", 8), ("ratio", 6), ("lost", 4)];

    fn cells(&self) -> Vec<String> {
        let us = |us: f64| micros(Duration::from_secs_f64(us / 1e6));
        vec![
            self.what.to_owned(),
            us(self.p50_us),
            us(self.p99_us),
            us(self.p999_us),
            format!("{:.2}", self.ratio),
            self.lost.to_string(),
        ]
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    machine::raise_file_limit();
    machine::pin(0);
    let mut table = Table::new(args.format, &machine::describe());
    let result = runtime().and_then(|runtime| runtime.block_on(measure(&args)));
    match result {
        Ok([plain_trip, trip, plain_group, group]) => {
            let runs = args.runs as u64;
            let (trips, all) = (args.messages * runs, args.messages * runs * args.peers as u64);
            let rows = [
                row("round trip, plain", &plain_trip, &plain_trip, trips),
                row("round trip, private message", &trip, &plain_trip, trips),
                row("to everyone, plain", &plain_group, &plain_group, all),
                row("to everyone, message", &group, &plain_group, all),
            ];
            rows.iter().for_each(|row| table.row(row));
            if rows.iter().any(|row| row.lost > 0) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
        }
        Err(error) => {
            eprintln!("this cannot be measured: {error}");
            ExitCode::from(2)
        }
    }
}

fn row(what: &'static str, of: &Histogram, plain: &Histogram, wanted: u64) -> Latency {
    let us = |share| of.percentile(share).as_secs_f64() * 1e6;
    let ratio = us(0.5) / (plain.percentile(0.5).as_secs_f64() * 1e6);
    Latency { what, p50_us: us(0.5), p99_us: us(0.99), p999_us: us(0.999), ratio, lost: wanted - of.count() }
}

async fn measure(args: &Args) -> std::io::Result<[Histogram; 4]> {
    let mut all: [Histogram; 4] = Default::default();
    let content = Content::Text(Text::parse(&"x".repeat(args.size)).map_err(std::io::Error::other)?);
    let (mut alice, mut bob) = (endpoint("alice")?, endpoint("bob")?);
    alice.add_to_roster([bob.entry()]);
    bob.add_to_roster([alice.entry()]);
    let mut sender = endpoint("sender")?;
    let mut receivers =
        (0..args.peers).map(|index| endpoint(&format!("peer{index}"))).collect::<Result<Vec<_>, _>>()?;
    sender.add_to_roster(receivers.iter().map(Endpoint::entry));
    receivers.iter_mut().for_each(|receiver| receiver.add_to_roster([sender.entry()]));
    // The first messages make the links.
    trips(&mut alice, &mut bob, &content, 20, &mut Histogram::default()).await?;
    group(&mut sender, &mut receivers, &content, 20, &mut Histogram::default()).await?;
    for _ in 0..args.runs {
        plain_trips(args, &mut all[0]).await?;
        trips(&mut alice, &mut bob, &content, args.messages, &mut all[1]).await?;
        plain_group(args, &mut all[2]).await?;
        group(&mut sender, &mut receivers, &content, args.messages, &mut all[3]).await?;
    }
    Ok(all)
}

/// Bob answers each message with one.
async fn trips(
    alice: &mut Endpoint,
    bob: &mut Endpoint,
    content: &Content,
    count: u64,
    times: &mut Histogram,
) -> std::io::Result<()> {
    let user = |name: &str| Recipient::One(name.parse().expect("a plain name"));
    let (to_alice, to_bob) = (user("alice"), user("bob"));
    let is_message = |event: &Output| matches!(event, Output::Deliver { .. });
    let bobs = async {
        let mut heard = Vec::new();
        loop {
            bob.next(&mut heard).await;
            for _ in heard.drain(..).filter(|event| is_message(event)) {
                bob.send(to_alice.clone(), content.clone()).map_err(std::io::Error::other)?;
            }
        }
    };
    let alices = async {
        let mut told = Vec::new();
        for _ in 0..count {
            let start = Instant::now();
            alice.send(to_bob.clone(), content.clone()).map_err(std::io::Error::other)?;
            let mut answered = false;
            while !answered {
                alice.next(&mut told).await;
                answered = told.drain(..).any(|event| is_message(&event));
            }
            times.record(start.elapsed());
        }
        Ok(())
    };
    tokio::select! {
        result = alices => result,
        result = bobs => result,
    }
}

async fn plain_trips(args: &Args, times: &mut Histogram) -> std::io::Result<()> {
    let (alice, bob) = (UdpSocket::bind("127.0.0.1:0").await?, UdpSocket::bind("127.0.0.1:0").await?);
    alice.connect(bob.local_addr()?).await?;
    bob.connect(alice.local_addr()?).await?;
    let (bytes, mut room, mut echo) = (vec![7; args.size], vec![0; 2048], vec![0; 2048]);
    let bobs = async {
        loop {
            let len = bob.recv(&mut echo).await?;
            bob.send(&echo[..len]).await?;
        }
    };
    let alices = async {
        for _ in 0..args.messages {
            let start = Instant::now();
            alice.send(&bytes).await?;
            alice.recv(&mut room).await?;
            times.record(start.elapsed());
        }
        Ok(())
    };
    tokio::select! {
        result = alices => result,
        result = bobs => result,
    }
}

/// One message after the other to all, each with the time until each has it.
async fn group(
    sender: &mut Endpoint,
    receivers: &mut [Endpoint],
    content: &Content,
    count: u64,
    times: &mut Histogram,
) -> std::io::Result<()> {
    let mut events = Vec::new();
    for _ in 0..count {
        let start = Instant::now();
        sender.send(Recipient::Everyone, content.clone()).map_err(std::io::Error::other)?;
        sender.try_next(&mut events);
        let mut missing = receivers.len();
        while missing > 0 {
            tokio::task::yield_now().await;
            for receiver in receivers.iter_mut() {
                receiver.try_next(&mut events);
                for event in events.drain(..) {
                    if matches!(event, Output::Deliver { .. }) {
                        times.record(start.elapsed());
                        missing -= 1;
                    }
                }
            }
            sender.try_next(&mut events);
        }
    }
    Ok(())
}

async fn plain_group(args: &Args, times: &mut Histogram) -> std::io::Result<()> {
    let sender = UdpSocket::bind("127.0.0.1:0").await?;
    let mut receivers = Vec::new();
    for _ in 0..args.peers {
        let socket = UdpSocket::bind("127.0.0.1:0").await?;
        let address = socket.local_addr()?;
        receivers.push((socket, address));
    }
    let (bytes, mut room) = (vec![7; args.size], vec![0; 2048]);
    for _ in 0..args.messages {
        let start = Instant::now();
        for (_, address) in &receivers {
            sender.send_to(&bytes, address).await?;
        }
        let mut missing = receivers.len();
        while missing > 0 {
            tokio::task::yield_now().await;
            for (socket, _) in &receivers {
                if socket.try_recv(&mut room).is_ok() {
                    times.record(start.elapsed());
                    missing -= 1;
                }
            }
        }
    }
    Ok(())
}
