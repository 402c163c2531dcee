//! Benchmarks the presence server with many sessions: join, login and resume storms, idle memory, broadcasts, a soak
//! test, and servers that share a roster.
//!
//! Each scenario starts the real `chat-server` as a separate process and connects clients from this process over TLS.
//! The scenario's module in [`chat_benches::presence`] defines what it measures. Accounts and tickets are created
//! before the measurement and kept in `--data-dir`. The program fails if a client is missing at the end or if its
//! roster differs from the others. Times never make it fail.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use chat_benches::output::{Format, Table};
use chat_benches::presence::{
    Design, Settings, broadcast, churn, failover, idle, join_storm, login_storm, resume_storm, seconds, sharing,
};
use clap::{Parser, Subcommand};
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

/// Benchmarks the presence server with many sessions.
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
    /// All clients join a restarted server with tickets at the same time.
    JoinStorm {
        /// Sessions for the comparison with the naive design; 0 skips it.
        #[arg(long, default_value_t = 0)]
        naive: usize,
    },
    /// All clients log in with passwords at the same time; `--sessions` is the number of logins.
    LoginStorm {
        /// Sessions that are already online during the storm.
        #[arg(long, default_value_t = 200)]
        others: usize,
        /// Seconds for each of the two measurements of the argon2 ceiling.
        #[arg(long, default_value = "4", value_parser = seconds)]
        ceiling: Duration,
    },
    /// All connections but one break, and all clients resume within the grace time.
    ResumeStorm,
    /// Memory of the server for each idle session.
    Idle {
        /// Seconds of idling before memory is sampled.
        #[arg(long, default_value = "10", value_parser = seconds)]
        rest: Duration,
    },
    /// Latency of one change to every session.
    Broadcast {
        /// Number of rounds. Each round is one departure and one arrival.
        #[arg(long, default_value_t = 50)]
        rounds: usize,
    },
    /// Soak test: sessions join, leave, break, resume and move.
    Churn {
        /// Duration in seconds.
        #[arg(long, default_value = "60", value_parser = seconds)]
        seconds: Duration,
        /// Events per second.
        #[arg(long, default_value_t = 50.0)]
        rate: f64,
    },
    /// One of several servers, or Redis, is killed.
    Failover {
        /// The faults to measure. Each starts servers of its own.
        #[arg(long, value_enum, value_delimiter = ',', default_value = "server,ghosts,redis,empty")]
        fault: Vec<failover::Fault>,
        /// Seconds for which the clients are watched after each fault.
        #[arg(long, default_value = "10", value_parser = seconds)]
        watch: Duration,
    },
    /// The cost of each event for Redis, and of a session for the servers that it is not connected to.
    Sharing {
        /// Seconds of idling.
        #[arg(long, default_value = "10", value_parser = seconds)]
        rest: Duration,
    },
    /// Run a server for a comparison.
    #[command(hide = true)]
    Serve { design: Design, data: PathBuf },
}

fn main() -> ExitCode {
    let Args { scenario, settings, format } = Args::parse();
    Table::fill(format, &format!("{scenario:?}"), |table| run(scenario, settings, table))
}

fn run(scenario: Scenario, mut settings: Settings, table: &mut Table) -> io::Result<()> {
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

async fn measure(scenario: Scenario, settings: &Settings, table: &mut Table) -> io::Result<()> {
    match scenario {
        Scenario::JoinStorm { naive } => join_storm::run(settings, table, naive).await,
        Scenario::LoginStorm { others, ceiling } => login_storm::run(settings, table, others, ceiling).await,
        Scenario::ResumeStorm => resume_storm::run(settings, table).await,
        Scenario::Idle { rest } => idle::run(settings, table, rest).await,
        Scenario::Broadcast { rounds } => broadcast::run(settings, table, rounds).await,
        Scenario::Churn { seconds, rate } => churn::run(settings, table, seconds, rate).await,
        Scenario::Failover { fault, watch } => failover::run(settings, table, &fault, watch).await,
        Scenario::Sharing { rest } => sharing::run(settings, table, rest).await,
        Scenario::Serve { design, data } => design.serve(&data).await,
    }
}
