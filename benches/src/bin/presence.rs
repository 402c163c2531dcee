//! The presence server with many sessions: storms of people who join, log in and come back, memory, one change to all,
//! and a soak.
//!
//! Each scenario starts the real `chat-server` as a process of its own and lets clients of this process come over TLS;
//! what it means stands at the top of its module in [`chat_benches::presence`]. Accounts and tickets are made first and
//! kept in `--data-dir`. The program fails if anybody is missing at the end or has another roster than the rest, however
//! long it took.
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

/// The presence server with many sessions.
#[derive(Debug, Parser)]
struct Program {
    #[command(subcommand)]
    scenario: Scenario,
    #[command(flatten)]
    common: Common,
}

#[derive(Args, Debug)]
struct Common {
    /// Sessions, one row or group of rows for each number.
    #[arg(long, global = true, value_delimiter = ',', default_value = "1000")]
    sessions: Vec<usize>,
    /// Runs of each.
    #[arg(long, global = true, default_value_t = 1)]
    runs: usize,
    /// The server's program [default: chat-server beside this program].
    #[arg(long, global = true)]
    server: Option<PathBuf>,
    /// Where accounts, tickets and the server's data are kept [default: a new folder that is removed].
    #[arg(long, global = true)]
    data_dir: Option<PathBuf>,
    /// Clients that keep a roster, which is compared entry by entry.
    #[arg(long, global = true, default_value_t = 5)]
    closely: usize,
    /// Clients that may be between connecting and being let in.
    #[arg(long, global = true, default_value_t = 1000)]
    dialling: usize,
    /// Seconds for which anything is waited for.
    #[arg(long, global = true, default_value_t = 150)]
    patience: u64,
    /// The form of the results.
    #[arg(long, global = true, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Debug, Subcommand)]
enum Scenario {
    /// Make accounts and tickets only.
    Prepare {
        /// Accounts that log in with a password.
        #[arg(long, default_value_t = 0)]
        passwords: usize,
    },
    /// The server was restarted, and everybody comes with a ticket at once.
    JoinStorm {
        /// Sessions beside the naive design; 0 leaves it out.
        #[arg(long, default_value_t = 0)]
        naive: usize,
    },
    /// Everybody logs in with a password at once; `--sessions` are the log-ins.
    LoginStorm {
        /// Sessions that are online meanwhile.
        #[arg(long, default_value_t = 200)]
        others: usize,
        /// Seconds for which the ceiling is measured, twice.
        #[arg(long, default_value_t = 4.0)]
        ceiling: f64,
    },
    /// All connections break, and everybody comes back within the grace time.
    ResumeStorm,
    /// Memory for each idle session.
    Idle {
        /// Seconds of rest before memory is looked at.
        #[arg(long, default_value_t = 10.0)]
        rest: f64,
    },
    /// One change to everybody.
    Broadcast {
        /// Rounds of a departure and an arrival each.
        #[arg(long, default_value_t = 50)]
        rounds: usize,
        /// Sessions beside the naive design; 0 leaves it out.
        #[arg(long, default_value_t = 0)]
        naive: usize,
    },
    /// Sessions come, leave, break, return and move.
    Churn {
        /// For how long.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// Events in a second.
        #[arg(long, default_value_t = 50.0)]
        rate: f64,
    },
    /// The server of the floor.
    #[command(hide = true)]
    FloorServer { data: PathBuf },
    /// The server of the naive design.
    #[command(hide = true)]
    NaiveServer { data: PathBuf },
}

fn main() -> ExitCode {
    machine::raise_file_limit();
    let others = machine::Others::watch();
    let result = run(Program::parse());
    // A machine that was not quiet makes every figure worse, and not evenly.
    eprintln!("other programs used {:.0} % of the processors meanwhile", others.share() * 100.0);
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("cannot be measured: {error}");
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
            // So that the server's process ends with this one.
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
