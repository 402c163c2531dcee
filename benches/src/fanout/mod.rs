//! One sender, many receivers: messages to everyone through this project, plain datagrams, QUIC, and brokers.
//!
//! Every run measures all contenders, one after the other, so that other load on the machine affects all of them. Each
//! contender opens sockets of its own and closes them after the run. The sender has processor 0, and one thread on
//! processor 1 runs all receivers.

#[cfg(feature = "alternatives")]
mod broker;
mod chat;
mod plain;
#[cfg(feature = "alternatives")]
mod quic;
mod receivers;
mod window;

use std::io;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::builder::RangedU64ValueParser;

#[cfg(feature = "alternatives")]
pub use self::broker::Broker;
pub use self::plain::SystemCall;
#[cfg(feature = "alternatives")]
pub use self::quic::Carrier;
use self::window::MAX_IN_FLIGHT;
use crate::machine;
use crate::output::{Format, Progress, Row, Table};
use crate::stats::{Histogram, median};

/// Fan-out of messages to everyone, compared with other ways to send them.
#[derive(Debug, clap::Parser)]
pub struct Args {
    /// Numbers of receivers.
    #[arg(long, value_delimiter = ',', default_value = "100,1000", value_parser = RangedU64ValueParser::<usize>::from(1..))]
    peers: Vec<usize>,
    /// Bytes of text in a message. Plain datagrams have this size in all.
    #[arg(long, value_delimiter = ',', default_value = "64")]
    size: Vec<usize>,
    /// Messages that may be in flight: sent, and not yet received by all receiving applications.
    #[arg(long, value_delimiter = ',', default_value = "1,256", value_parser = clap::value_parser!(u64).range(1..=MAX_IN_FLIGHT))]
    in_flight: Vec<u64>,
    /// Messages in one run [default: half a million deliveries with one in flight, else ten million].
    #[arg(long)]
    messages: Option<u64>,
    /// Runs. The results are medians.
    #[arg(long, default_value_t = 5, value_parser = RangedU64ValueParser::<usize>::from(1..))]
    runs: usize,
    /// Output format of the results.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

impl Args {
    /// Measures `contenders` with all combinations of the arguments. The first contender must be [`Contender::Chat`].
    pub fn run(&self, title: &str, contenders: &[Contender]) -> ExitCode {
        machine::pin(0);
        Table::fill(self.format, title, |table| {
            for &receivers in &self.peers {
                for &size in &self.size {
                    for &in_flight in &self.in_flight {
                        let deliveries = if in_flight == 1 { 500_000 } else { 10_000_000 * 64 / size.max(64) as u64 };
                        let default = (deliveries / receivers as u64).clamp(20, 100_000);
                        let messages = self.messages.unwrap_or(default);
                        measure(table, contenders, &Case { receivers, size, in_flight, messages }, self.runs)?;
                    }
                }
            }
            Ok(())
        })
    }
}

/// The parameters of one measurement.
#[derive(Clone, Copy, Debug)]
struct Case {
    receivers: usize,
    size: usize,
    in_flight: u64,
    /// Messages in one run of [`Contender::Chat`].
    messages: u64,
}

impl Case {
    /// Messages in one run of the other contenders. With a backlog they need fewer for the same precision, and some
    /// brokers take long.
    fn comparison_messages(&self) -> u64 {
        let fewer = self.messages.min(1_000_000 / self.receivers as u64).max(20);
        if self.in_flight == 1 { self.messages } else { fewer }
    }
}

/// A way to send messages to everyone.
#[derive(Clone, Copy, Debug)]
pub enum Contender {
    /// This project: sealed, acknowledged, in order, with outcomes.
    Chat,
    /// Plain datagrams.
    Plain(SystemCall),
    /// A message broker.
    #[cfg(feature = "alternatives")]
    Broker(Broker),
    /// QUIC by quinn: sealed and acknowledged, without outcomes.
    #[cfg(feature = "alternatives")]
    Quic(Carrier),
}

impl Contender {
    /// The name in the results.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Plain(SystemCall::SendMmsg) => "plain sendmmsg",
            Self::Plain(SystemCall::SendTo) => "plain send_to",
            #[cfg(feature = "alternatives")]
            Self::Broker(broker) => broker.name(),
            #[cfg(feature = "alternatives")]
            Self::Quic(Carrier::Stream) => "quinn streams",
            #[cfg(feature = "alternatives")]
            Self::Quic(Carrier::Datagram) => "quinn datagrams",
        }
    }

    fn run(self, case: &Case) -> io::Result<Run> {
        match self {
            Self::Chat => chat::run(case),
            Self::Plain(call) => plain::run(case, call),
            #[cfg(feature = "alternatives")]
            Self::Broker(broker) => broker::run(case, broker),
            #[cfg(feature = "alternatives")]
            Self::Quic(carrier) => quic::run(case, carrier),
        }
    }
}

/// The figures of one contender in one run.
#[derive(Debug)]
struct Run {
    /// Messages delivered to receiving applications per second.
    per_second: f64,
    /// Processor time of this process per delivered message, both ends, in nanoseconds. An end that waits spins.
    processor_ns: f64,
    /// The part of it that the sender's thread used. The rest is that of the receivers.
    sender_processor_ns: f64,
    /// Time per delivered message in which the sender had something to do, in nanoseconds. `None` if unknown.
    sender_ns: Option<f64>,
    /// Messages that did not arrive, arrived out of order, or have another outcome than `delivered`.
    lost: u64,
    /// The time until each outcome. Only this project has outcomes.
    outcomes: Histogram,
    /// Resident memory of both ends after the run.
    resident: u64,
}

/// Measures `contenders` in `runs` runs and writes a row for each.
fn measure(table: &mut Table, contenders: &[Contender], case: &Case, runs: usize) -> io::Result<()> {
    let mut progress = Progress::default();
    let mut results: Vec<Vec<Run>> = contenders.iter().map(|_| Vec::new()).collect();
    for run in 1..=runs {
        for (contender, results) in contenders.iter().zip(&mut results) {
            progress.report(|| format!("{case:?}: run {run} of {runs}, {}", contender.name()));
            results.push(contender.run(case)?);
        }
    }
    for (contender, result) in contenders.iter().zip(&results) {
        let ratios = results[0].iter().zip(result).map(|(chat, this)| chat.per_second / this.per_second);
        let sender: Vec<f64> = result.iter().filter_map(|run| run.sender_ns).collect();
        let mut outcomes = Histogram::default();
        result.iter().for_each(|run| outcomes.merge(&run.outcomes));
        let row = Row::default()
            .with("peers", case.receivers)
            .with("size", case.size)
            .with("in_flight", case.in_flight)
            .with("delivered_per_second", median(result.iter().map(|run| run.per_second)))
            .with("chat_to_this", median(ratios))
            .with("cpu_ns", median(result.iter().map(|run| run.processor_ns)))
            .with("sender_cpu_ns", median(result.iter().map(|run| run.sender_processor_ns)))
            .with("receivers_cpu_ns", median(result.iter().map(|run| run.processor_ns - run.sender_processor_ns)))
            .with("sender_busy_ns", (!sender.is_empty()).then(|| median(sender)))
            .with("outcome_p50_us", outcomes.micros(0.5))
            .with("outcome_p99_us", outcomes.micros(0.99))
            .with("resident_bytes", result.iter().map(|run| run.resident).max());
        let lost = result.iter().map(|run| run.lost).sum();
        // Only losses of this project are a fault.
        let row = match contender {
            Contender::Chat => row.with_faults("lost", lost),
            _ => row.with("lost", lost),
        };
        table.row(&row.with("who", contender.name()));
    }
    Ok(())
}

/// Measures one run. The thread of the sender starts and reads it.
#[derive(Debug)]
struct Watch {
    begin: Instant,
    process: Duration,
    sender: Duration,
    /// The time in which the sender had something to do.
    busy: Duration,
    delivered: u64,
    last_delivery: Instant,
}

/// Messages that have not arrived after this time without any delivery are lost.
const LOSS_TIME: Duration = Duration::from_secs(3);

impl Watch {
    fn start() -> Self {
        let now = Instant::now();
        let (process, sender) = (machine::process_time(), machine::thread_time());
        Self { begin: now, process, sender, busy: Duration::ZERO, delivered: 0, last_delivery: now }
    }

    /// Whether the run is over: all `total` messages are delivered, or the rest is lost.
    fn is_over(&mut self, delivered: u64, total: u64) -> bool {
        if delivered > self.delivered {
            (self.delivered, self.last_delivery) = (delivered, Instant::now());
        }
        delivered == total || self.last_delivery.elapsed() > LOSS_TIME
    }

    fn result(&self, delivered: u64, total: u64) -> Run {
        let each = |time: Duration| time.as_nanos() as f64 / delivered.max(1) as f64;
        Run {
            per_second: delivered as f64 / self.begin.elapsed().as_secs_f64(),
            processor_ns: each(machine::process_time() - self.process),
            sender_processor_ns: each(machine::thread_time() - self.sender),
            sender_ns: (self.busy > Duration::ZERO).then(|| each(self.busy)),
            lost: total - delivered,
            outcomes: Histogram::default(),
            resident: machine::Process::new(std::process::id()).memory().resident,
        }
    }
}
