//! Benchmarks the relay of the presence server: round trips compared with their two legs, datagrams each second up to the
//! rate at which some are dropped, and presence during a flood compared with an idle relay.
//!
//! Each scenario starts the real `chat-server` as a separate process and connects members from this process over TLS. The
//! scenario's module in [`chat_benches::presence::relay`] defines what it measures. Times never make the program fail.

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use chat_benches::output::{Format, Table};
use chat_benches::presence::relay::{Flood, presence, round_trip, throughput};
use chat_benches::presence::{Settings, seconds};
use clap::builder::RangedU64ValueParser;
use clap::{Parser, Subcommand};
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

/// Benchmarks the relay of the presence server.
#[derive(Debug, Parser)]
struct Args {
    #[command(subcommand)]
    scenario: Scenario,
    #[command(flatten)]
    settings: Settings,
    /// Output format of the results.
    #[arg(long, global = true, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Debug, Subcommand)]
enum Scenario {
    /// A datagram and its answer, compared with the two legs that they consist of.
    RoundTrip {
        /// Number of round trips of each kind.
        #[arg(long, default_value_t = 5_000, value_parser = RangedU64ValueParser::<u64>::from(1..))]
        rounds: u64,
    },
    /// Datagrams each second, at rising rates.
    Throughput {
        #[command(flatten)]
        flood: Flood,
        /// Datagrams that all members together offer each second. Each number yields a row.
        #[arg(long, value_delimiter = ',', default_value = "10000,20000,40000,80000,120000,200000,400000")]
        rates: Vec<u64>,
        /// Seconds for each rate.
        #[arg(long, default_value = "5", value_parser = seconds)]
        seconds: Duration,
    },
    /// Latency of one change to every session while the relay is flooded. The default takes five minutes.
    Presence {
        #[command(flatten)]
        flood: Flood,
        /// Number of rounds of each kind. Each round is one departure and one arrival.
        #[arg(long, default_value_t = 50)]
        rounds: usize,
        /// What the flood offers, relative to what the server carries in all.
        #[arg(long, default_value_t = 1.5)]
        excess: f64,
    },
}

fn main() -> ExitCode {
    let Args { scenario, settings, format } = Args::parse();
    Table::fill(format, &format!("{scenario:?}"), |table| run(&scenario, settings, table))
}

fn run(scenario: &Scenario, mut settings: Settings, table: &mut Table) -> io::Result<()> {
    let temporary = tempfile::tempdir()?;
    settings.set_default_data_dir(temporary.path());
    let runtime = Runtime::new()?;
    let result = runtime.block_on(async {
        let mut terminated = signal(SignalKind::terminate())?;
        let mut interrupted = signal(SignalKind::interrupt())?;
        tokio::select! {
            result = measure(scenario, &settings, table) => result,
            // Return instead of dying from the signal, so that dropping the server kills its process.
            _ = terminated.recv() => Err(io::ErrorKind::Interrupted.into()),
            _ = interrupted.recv() => Err(io::ErrorKind::Interrupted.into()),
        }
    });
    runtime.shutdown_background();
    result
}

async fn measure(scenario: &Scenario, settings: &Settings, table: &mut Table) -> io::Result<()> {
    match scenario {
        Scenario::RoundTrip { rounds } => round_trip::run(settings, table, *rounds).await,
        Scenario::Throughput { flood, rates, seconds } => {
            throughput::run(settings, table, *flood, rates, *seconds).await
        }
        Scenario::Presence { flood, rounds, excess } => presence::run(settings, table, *flood, *rounds, *excess).await,
    }
}
