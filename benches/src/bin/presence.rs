//! Benchmarks the presence server with many sessions: join, login and resume storms, idle memory, broadcasts, and a
//! soak test.
//!
//! Each scenario starts the real `chat-server` as a separate process and connects clients from this process over TLS.
//! The scenario's module in [`chat_benches::presence`] defines what it measures. Accounts and tickets are created
//! before the measurement and kept in `--data-dir`. The program fails if a client is missing at the end or if its
//! roster differs from the others. Times never make it fail.
#![expect(clippy::print_stderr, reason = "diagnostics and progress of a program")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use chat_benches::machine;
use chat_benches::output::Format;
use chat_benches::presence::{
    Setting, beside, broadcast, churn, floor, idle, join_storm, login_storm, naive, resume_storm,
};
use clap::{Args, Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

/// Benchmarks the presence server with many sessions.
#[derive(Debug, Parser)]
struct Program {
    #[command(subcommand)]
    scenario: Scenario,
    #[command(flatten)]
    common: Common,
}

#[derive(Args, Debug)]
struct Common {
    /// Numbers of sessions. Each number yields its own row or rows.
    #[arg(long, global = true, value_delimiter = ',', default_value = "1000")]
    sessions: Vec<usize>,
    /// Runs for each number of sessions.
    #[arg(long, global = true, default_value_t = 1)]
    runs: usize,
    /// Path of the chat-server executable [default: chat-server in the directory of this program].
    #[arg(long, global = true)]
    server: Option<PathBuf>,
    /// Directory for accounts, tickets and the server's data [default: a temporary directory].
    #[arg(long, global = true)]
    data_dir: Option<PathBuf>,
    /// Clients that keep a full roster, which is verified entry by entry.
    #[arg(long, global = true, default_value_t = 5)]
    closely: usize,
    /// Maximum number of clients that connect and log in at the same time.
    #[arg(long, global = true, default_value_t = 1000)]
    dialling: usize,
    /// Timeout in seconds for each phase of a scenario.
    #[arg(long, global = true, default_value_t = 150)]
    patience: u64,
    /// Output format of the results.
    #[arg(long, global = true, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Debug, Subcommand)]
enum Scenario {
    /// Create accounts and tickets, and measure nothing.
    Prepare {
        /// Number of accounts that log in with a password.
        #[arg(long, default_value_t = 0)]
        passwords: usize,
    },
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
        #[arg(long, default_value_t = 4.0)]
        ceiling: f64,
    },
    /// All connections but one break, and all clients resume within the grace time.
    ResumeStorm,
    /// Memory of the server for each idle session.
    Idle {
        /// Seconds of idling before memory is sampled.
        #[arg(long, default_value_t = 10.0)]
        rest: f64,
    },
    /// Latency of one change to every session.
    Broadcast {
        /// Number of rounds. Each round is one departure and one arrival.
        #[arg(long, default_value_t = 50)]
        rounds: usize,
        /// Sessions for the comparison with the naive design; 0 skips it.
        #[arg(long, default_value_t = 0)]
        naive: usize,
    },
    /// Soak test: sessions join, leave, break, resume and move.
    Churn {
        /// Duration in seconds.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// Events per second.
        #[arg(long, default_value_t = 50.0)]
        rate: f64,
    },
    /// Run the server of the lower bound.
    #[command(hide = true)]
    FloorServer { data: PathBuf },
    /// Run the server of the naive design.
    #[command(hide = true)]
    NaiveServer { data: PathBuf },
}

fn main() -> ExitCode {
    machine::raise_file_limit();
    let others = machine::Others::watch();
    let result = run(Program::parse());
    // Load from other programs distorts the figures, and not evenly.
    eprintln!("other programs used {:.0} % of the processors during the benchmark", others.share() * 100.0);
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("benchmark failed: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(program: Program) -> std::io::Result<bool> {
    let Program { scenario, common } = program;
    let runtime = tokio::runtime::Runtime::new()?;
    let temporary;
    let folder = match common.data_dir {
        Some(folder) => folder,
        None => {
            temporary = tempfile::tempdir()?;
            temporary.path().to_owned()
        }
    };
    let setting = Setting {
        program: common.server.map_or_else(|| std::env::current_exe().map(|own| beside(&own)), Ok)?,
        folder,
        sessions: common.sessions,
        runs: common.runs,
        closely: common.closely,
        dialling: common.dialling,
        patience: Duration::from_secs(common.patience),
        format: common.format,
    };
    let result = runtime.block_on(async {
        let mut terminated = signal(SignalKind::terminate())?;
        let mut interrupted = signal(SignalKind::interrupt())?;
        tokio::select! {
            result = measure(&setting, scenario) => result,
            // Return instead of dying from the signal, so that dropping the `Server` kills its process.
            _ = terminated.recv() => Err(std::io::ErrorKind::Interrupted.into()),
            _ = interrupted.recv() => Err(std::io::ErrorKind::Interrupted.into()),
        }
    });
    runtime.shutdown_background();
    result
}

async fn measure(setting: &Setting, scenario: Scenario) -> std::io::Result<bool> {
    match scenario {
        Scenario::Prepare { passwords } => {
            let most = setting.sessions.iter().copied().max().unwrap_or(0);
            setting.prepare(most, passwords).await.map(|()| true)
        }
        Scenario::JoinStorm { naive } => join_storm::run(setting, naive).await,
        Scenario::LoginStorm { others, ceiling } => {
            login_storm::run(setting, others, Duration::from_secs_f64(ceiling)).await
        }
        Scenario::ResumeStorm => resume_storm::run(setting).await,
        Scenario::Idle { rest } => idle::run(setting, Duration::from_secs_f64(rest)).await,
        Scenario::Broadcast { rounds, naive } => broadcast::run(setting, rounds, naive).await,
        Scenario::Churn { seconds, rate } => churn::run(setting, Duration::from_secs(seconds), rate).await,
        Scenario::FloorServer { data } => floor::serve(&data).await.map(|()| true),
        Scenario::NaiveServer { data } => naive::serve(&data).await.map(|()| true),
    }
}
