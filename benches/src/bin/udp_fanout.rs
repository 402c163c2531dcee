//! One sender, many receivers: messages to everyone, against plain datagrams to as many sockets.
//!
//! Every run measures us, `sendmmsg` and `send_to` one after another, each with sockets of its own, so that whatever else
//! the machine does falls on all three. "In flight" counts messages that not all receiving applications have got: with
//! `--in-flight 1` each message is delivered to all before the next is sent.
#![expect(clippy::print_stderr, reason = "diagnostics and progress of a program")]

use std::process::ExitCode;
use std::time::Duration;

use chat_benches::contest::{Run, plain, publish};
use chat_benches::crowd::{Crowd, Sender, Way};
use chat_benches::group::{Group, runtime};
use chat_benches::machine;
use chat_benches::output::{Format, Progress, Row, Table, micros};
use chat_benches::stats::{Histogram, median};
use chat_core::message::Content;
use chat_core::text::Text;
use clap::Parser;
use serde::Serialize;

/// Fan-out of group messages against the limit of plain datagrams.
#[derive(Debug, Parser)]
struct Args {
    /// Receivers, one row for each number.
    #[arg(long, value_delimiter = ',', default_value = "100,1000")]
    peers: Vec<usize>,
    /// Bytes of text in a message (for plain datagrams: of the datagram).
    #[arg(long, value_delimiter = ',', default_value = "64,256")]
    size: Vec<usize>,
    /// Messages that may be on the way at once.
    #[arg(long, value_delimiter = ',', default_value = "1,256")]
    in_flight: Vec<u64>,
    /// Messages in one run; by default so many that a run delivers about half a million or ten million.
    #[arg(long)]
    messages: Option<u64>,
    /// Runs, of which the median counts.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Only ourselves, for a profile.
    #[arg(long)]
    alone: bool,
    /// The form of the results.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Debug, Serialize)]
struct Result {
    peers: usize,
    size: usize,
    in_flight: u64,
    messages: u64,
    delivered_per_second: f64,
    sendmmsg_per_second: f64,
    send_to_per_second: f64,
    /// Medians of the ratios within one run.
    ratio_to_sendmmsg: f64,
    ratio_to_send_to: f64,
    /// Processor time of both ends per delivered message; whoever waits for the other spins.
    cpu_ns: f64,
    sendmmsg_cpu_ns: f64,
    /// Of it what the sender has to do, without waiting.
    sender_busy_ns: f64,
    sendmmsg_busy_ns: f64,
    lost: u64,
    outcome_p50_us: f64,
    outcome_p99_us: f64,
    resident_bytes: u64,
}

impl Row for Result {
    const COLUMNS: &'static [(&'static str, usize)] = &[
        ("peers", 5),
        ("size", 5),
        ("flight", 6),
        ("delivered/s", 11),
        ("sendmmsg/s", 10),
        ("send_to/s", 9),
        ("ratio", 6),
        ("to loop", 7),
        ("cpu ns", 6),
        ("raw cpu", 7),
        ("sender", 6),
        ("raw", 5),
        ("lost", 4),
        ("outcome p50", 11),
        ("p99 us", 8),
        ("MiB", 5),
    ];

    fn cells(&self) -> Vec<String> {
        let us = |us: f64| micros(Duration::from_secs_f64(us / 1e6));
        vec![
            self.peers.to_string(),
            self.size.to_string(),
            self.in_flight.to_string(),
            format!("{:.0}", self.delivered_per_second),
            format!("{:.0}", self.sendmmsg_per_second),
            format!("{:.0}", self.send_to_per_second),
            format!("{:.2}", self.ratio_to_sendmmsg),
            format!("{:.2}", self.ratio_to_send_to),
            format!("{:.0}", self.cpu_ns),
            format!("{:.0}", self.sendmmsg_cpu_ns),
            format!("{:.0}", self.sender_busy_ns),
            format!("{:.0}", self.sendmmsg_busy_ns),
            self.lost.to_string(),
            us(self.outcome_p50_us),
            us(self.outcome_p99_us),
            format!("{:.0}", self.resident_bytes as f64 / 1048576.0),
        ]
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    machine::raise_file_limit();
    let mut table = Table::new(args.format, &machine::describe());
    let mut progress = Progress::default();
    let mut lost = 0;
    for &peers in &args.peers {
        for &size in &args.size {
            for &in_flight in &args.in_flight {
                match measure(&args, peers, size, in_flight, &mut progress) {
                    Ok(result) => {
                        lost += result.lost;
                        table.row(&result);
                    }
                    Err(error) => {
                        eprintln!("{peers} receivers cannot be measured: {error}");
                        return ExitCode::from(2);
                    }
                }
            }
        }
    }
    if lost > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn measure(args: &Args, peers: usize, size: usize, in_flight: u64, progress: &mut Progress) -> std::io::Result<Result> {
    let total = if in_flight == 1 { 500_000 } else { 10_000_000 * 64 / size.max(64) as u64 };
    let messages = args.messages.unwrap_or_else(|| (total / peers as u64).clamp(20, 100_000));
    machine::pin(0);
    let mut outcomes = Histogram::default();
    let mut resident_bytes = 0;
    let (mut ours, mut batches, mut looped) = (Vec::new(), Vec::new(), Vec::new());
    for run in 1..=args.runs {
        progress.say(|| format!("{peers} peers, {size} bytes, {in_flight} in flight: run {run} of {}", args.runs));
        let (result, resident) = publish_all(peers, size, in_flight, messages, &mut outcomes)?;
        ours.push(result);
        resident_bytes = resident_bytes.max(resident);
        if !args.alone {
            let [batched, one_by_one] = send_plain(peers, size, in_flight, messages)?;
            batches.push(batched);
            looped.push(one_by_one);
        }
    }
    if args.alone {
        (batches, looped) = (ours.clone(), ours.clone());
    }
    let ratio = |theirs: &[Run]| median(ours.iter().zip(theirs).map(|(us, them)| us.per_second / them.per_second));
    Ok(Result {
        peers,
        size,
        in_flight,
        messages,
        delivered_per_second: median(ours.iter().map(|run| run.per_second)),
        sendmmsg_per_second: median(batches.iter().map(|run| run.per_second)),
        send_to_per_second: median(looped.iter().map(|run| run.per_second)),
        ratio_to_sendmmsg: ratio(&batches),
        ratio_to_send_to: ratio(&looped),
        cpu_ns: median(ours.iter().map(|run| run.cpu_ns)),
        sendmmsg_cpu_ns: median(batches.iter().map(|run| run.cpu_ns)),
        sender_busy_ns: median(ours.iter().map(|run| run.busy_ns)),
        sendmmsg_busy_ns: median(batches.iter().map(|run| run.busy_ns)),
        lost: ours.iter().map(|run| run.lost).sum::<u64>(),
        outcome_p50_us: outcomes.percentile(0.5).as_secs_f64() * 1e6,
        outcome_p99_us: outcomes.percentile(0.99).as_secs_f64() * 1e6,
        resident_bytes,
    })
}

/// One run of us, and the memory of both ends after it. All sockets are closed again, so that the plain contenders can
/// have as many as a process may open.
fn publish_all(
    peers: usize,
    size: usize,
    in_flight: u64,
    messages: u64,
    outcomes: &mut Histogram,
) -> std::io::Result<(Run, u64)> {
    let runtime = runtime()?;
    let (mut us, group) = Group::around_sender(&runtime, peers, 1)?;
    let content = Content::Text(Text::parse(&"x".repeat(size)).map_err(std::io::Error::other)?);
    // The first messages make the links, and are not counted.
    let warm_up = in_flight.max(10);
    runtime.block_on(publish(
        &mut us,
        &group,
        &content,
        warm_up,
        in_flight,
        peers as u64,
        &mut Histogram::default(),
    ))?;
    let mut run = runtime.block_on(publish(&mut us, &group, &content, messages, in_flight, peers as u64, outcomes))?;
    run.lost += group.disorder();
    Ok((run, machine::resident()))
}

/// One run of each plain contender, both with the same sockets.
fn send_plain(peers: usize, size: usize, in_flight: u64, messages: u64) -> std::io::Result<[Run; 2]> {
    let crowd = Crowd::gather(peers, in_flight, 1)?;
    let mut sender = Sender::new(crowd.addresses())?;
    let mut datagram = vec![b'x'; size.max(8)];
    // Plain datagrams need not so many to be measured as well.
    let count = if in_flight == 1 { messages } else { messages.min(1_000_000 / peers as u64).max(20) };
    let mut send = |way| plain(&mut sender, &crowd, &mut datagram, count, in_flight, way);
    Ok([send(Way::Batches)?, send(Way::Loop)?])
}
