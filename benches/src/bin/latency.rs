//! How long a message takes: a private round trip, and the way from the sender to each receiver of a message to everyone.
//!
//! Everything runs in one thread, because waking a sleeping processor takes longer than everything else. The same run
//! also measures plain tokio sockets.

use std::io;
use std::process::ExitCode;
use std::time::Instant;

use chat_benches::endpoints::{introduce, open, open_peers, runtime, text};
use chat_benches::machine;
use chat_benches::output::{Format, Row, Table};
use chat_benches::stats::Histogram;
use chat_core::message::{Content, Recipient};
use chat_core::peer::Output;
use chat_net::peers::Endpoint;
use clap::Parser;
use clap::builder::RangedU64ValueParser;
use tokio::net::UdpSocket;
use tokio::task::yield_now;

/// Latencies, compared with plain sockets.
#[derive(Debug, Parser)]
struct Args {
    /// Receivers of a message to everyone.
    #[arg(long, default_value_t = 100, value_parser = RangedU64ValueParser::<usize>::from(1..))]
    peers: usize,
    /// Bytes of text in a message.
    #[arg(long, default_value_t = 64)]
    size: usize,
    /// Messages in one run.
    #[arg(long, default_value_t = 2_000, value_parser = RangedU64ValueParser::<u64>::from(1..))]
    messages: u64,
    /// Runs. The percentiles are those of all runs together.
    #[arg(long, default_value_t = 5, value_parser = RangedU64ValueParser::<u64>::from(1..))]
    runs: u64,
    /// Output format of the results.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

fn main() -> ExitCode {
    let args = Args::parse();
    machine::pin(0);
    Table::fill(args.format, "latency", |table| {
        let [plain_trips, trips, plain_group, group] = runtime()?.block_on(measure(&args))?;
        let round_trips = args.runs * args.messages;
        let deliveries = round_trips * args.peers as u64;
        for (what, times, plain, expected) in [
            ("round trip, plain", &plain_trips, &plain_trips, round_trips),
            ("round trip, private message", &trips, &plain_trips, round_trips),
            ("to everyone, plain", &plain_group, &plain_group, deliveries),
            ("to everyone, message", &group, &plain_group, deliveries),
        ] {
            let row = Row::default()
                .with("p50_us", times.micros(0.5))
                .with("p99_us", times.micros(0.99))
                .with("p999_us", times.micros(0.999))
                .with("ratio", times.micros(0.5).zip(plain.micros(0.5)).map(|(this, plain)| this / plain))
                .with_faults("lost", expected - times.count())
                .with("what", what);
            table.row(&row);
        }
        Ok(())
    })
}

async fn measure(args: &Args) -> io::Result<[Histogram; 4]> {
    let content = text(args.size)?;
    let (mut alice, mut bob) = (open("alice")?, open("bob")?);
    introduce(&mut alice, std::slice::from_mut(&mut bob));
    let (mut sender, mut receivers) = (open("sender")?, open_peers(args.peers)?);
    introduce(&mut sender, &mut receivers);
    // The first messages derive the keys of the links and do not count.
    round_trips(&mut alice, &mut bob, &content, 20, &mut Histogram::default()).await?;
    group(&mut sender, &mut receivers, &content, 20, &mut Histogram::default()).await?;
    let mut times: [Histogram; 4] = Default::default();
    for _ in 0..args.runs {
        plain_round_trips(args, &mut times[0]).await?;
        round_trips(&mut alice, &mut bob, &content, args.messages, &mut times[1]).await?;
        plain_group(args, &mut times[2]).await?;
        group(&mut sender, &mut receivers, &content, args.messages, &mut times[3]).await?;
    }
    Ok(times)
}

/// Times `count` calls of `ask` while `answer` runs.
async fn time_round_trips(
    count: u64,
    times: &mut Histogram,
    mut ask: impl AsyncFnMut() -> io::Result<()>,
    answer: impl Future<Output = io::Result<()>>,
) -> io::Result<()> {
    let questions = async {
        for _ in 0..count {
            let start = Instant::now();
            ask().await?;
            times.record(start.elapsed());
        }
        Ok(())
    };
    tokio::select! {
        result = questions => result,
        result = answer => result,
    }
}

/// Alice sends messages, and Bob answers each.
async fn round_trips(
    alice: &mut Endpoint,
    bob: &mut Endpoint,
    content: &Content,
    count: u64,
    times: &mut Histogram,
) -> io::Result<()> {
    let user = |endpoint: &Endpoint| Recipient::One(endpoint.entry().user);
    let (to_alice, to_bob) = (user(alice), user(bob));
    let answer = async {
        let mut events = Vec::new();
        loop {
            bob.next(&mut events).await;
            for _ in events.drain(..).filter(is_message) {
                bob.send(to_alice.clone(), content.clone()).map_err(io::Error::other)?;
            }
        }
    };
    let mut events = Vec::new();
    let ask = async || {
        alice.send(to_bob.clone(), content.clone()).map_err(io::Error::other)?;
        while !events.drain(..).any(|event| is_message(&event)) {
            alice.next(&mut events).await;
        }
        Ok(())
    };
    time_round_trips(count, times, ask, answer).await
}

fn is_message(event: &Output) -> bool {
    matches!(event, Output::Deliver(_))
}

async fn plain_round_trips(args: &Args, times: &mut Histogram) -> io::Result<()> {
    let (alice, bob) = (UdpSocket::bind("127.0.0.1:0").await?, UdpSocket::bind("127.0.0.1:0").await?);
    alice.connect(bob.local_addr()?).await?;
    bob.connect(alice.local_addr()?).await?;
    let answer = async {
        let mut buffer = vec![0; 2048];
        loop {
            let length = bob.recv(&mut buffer).await?;
            bob.send(&buffer[..length]).await?;
        }
    };
    let (bytes, mut buffer) = (vec![7; args.size], vec![0; 2048]);
    let ask = async || {
        alice.send(&bytes).await?;
        alice.recv(&mut buffer).await.map(drop)
    };
    time_round_trips(args.messages, times, ask, answer).await
}

/// Sends messages to everyone, one after the other, and records the time until each receiver has each.
async fn group(
    sender: &mut Endpoint,
    receivers: &mut [Endpoint],
    content: &Content,
    count: u64,
    times: &mut Histogram,
) -> io::Result<()> {
    let mut events = Vec::new();
    for _ in 0..count {
        let start = Instant::now();
        sender.send(Recipient::Everyone, content.clone()).map_err(io::Error::other)?;
        sender.try_next(&mut events);
        let mut missing = receivers.len();
        while missing > 0 {
            yield_now().await;
            for receiver in receivers.iter_mut() {
                receiver.try_next(&mut events);
                for _ in events.drain(..).filter(is_message) {
                    times.record(start.elapsed());
                    missing -= 1;
                }
            }
            sender.try_next(&mut events);
        }
    }
    Ok(())
}

async fn plain_group(args: &Args, times: &mut Histogram) -> io::Result<()> {
    let sender = UdpSocket::bind("127.0.0.1:0").await?;
    let mut receivers = Vec::new();
    for _ in 0..args.peers {
        let socket = UdpSocket::bind("127.0.0.1:0").await?;
        receivers.push((socket.local_addr()?, socket));
    }
    let (bytes, mut buffer) = (vec![7; args.size], vec![0; 2048]);
    for _ in 0..args.messages {
        let start = Instant::now();
        for (address, _) in &receivers {
            sender.send_to(&bytes, address).await?;
        }
        let mut missing = receivers.len();
        while missing > 0 {
            yield_now().await;
            for (_, socket) in &receivers {
                if socket.try_recv(&mut buffer).is_ok() {
                    times.record(start.elapsed());
                    missing -= 1;
                }
            }
        }
    }
    Ok(())
}
