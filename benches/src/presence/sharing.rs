//! `sharing`: what each event costs Redis and the servers, and what a session costs the memory of a server where it is not.
//!
//! The clients begin at all servers but the last, whose resident memory is measured. Then the same sessions do the same
//! thing at the same time, one thing after another: they log in, change their port, break and resume at the same server,
//! break and resume at another one, and leave. What a Redis server has done meanwhile is divided by the number of sessions,
//! without what the same time costs when nothing happens. The row `idle` has that: each second and server.

use std::io;
use std::time::{Duration, Instant};

use chat_store::testing::Keep;
use tokio::time::sleep;

use super::client::{Command, Method};
use super::clients::CONVERGENCE_TIME;
use super::net::Arrivals;
use super::roster::{RedisLoad, SharedRoster};
use super::server::Design;
use super::servers::Servers;
use super::trial::{Trial, Usage};
use super::{Case, Settings};
use crate::output::{Row, Table};

/// Sessions that log in before the memory is measured, so that one-time allocations do not count.
const FIRST_SESSIONS: usize = 10;

/// The pause after breaks, in which the servers notice them, and before memory is measured.
const PAUSE: Duration = Duration::from_millis(500);

/// The port that the sessions offer when they move.
const OTHER_PORT: u16 = 30_000;

/// The client that stays when the others leave.
const OBSERVER: usize = 0;

/// The cost of one kind of event.
struct Phase {
    event: &'static str,
    count: usize,
    time: Duration,
    load: RedisLoad,
    usage: Usage,
    missing: usize,
}

/// Runs the scenario.
///
/// # Errors
/// The accounts and tickets cannot be created, or a server does not start.
pub async fn run(settings: &Settings, table: &mut Table, rest: Duration) -> io::Result<()> {
    settings.only_shared()?;
    let accounts = settings.accounts(settings.max_sessions(), 0).await?.with_ticket;
    for case @ Case { sessions, nodes, .. } in settings.cases().filter(|case| case.nodes > 1) {
        let servers = Servers::start(settings, Design::Ours, nodes, Keep::Nothing).await?;
        let trial = Trial::at(settings, Design::Ours, servers, Arrivals::Ignored, &accounts[..sessions], nodes - 1)?;
        let first = FIRST_SESSIONS.min(sessions);
        trial.login(0..first).await;
        sleep(PAUSE).await;
        let memory = || trial.servers.all[nodes - 1].process.memory().resident as f64;
        let baseline = memory();
        let mut phases =
            vec![measure(&trial, "login", sessions - first, async || trial.login(first..sessions).await.missing).await];
        sleep(PAUSE).await;
        let foreign = (memory() - baseline) / (sessions - first).max(1) as f64;
        phases.extend(events(&trial, sessions, rest).await);
        let faults = trial.clients.wait_until_consistent(|index| index == OBSERVER, CONVERGENCE_TIME).await;
        let idle = phases.iter().find(|phase| phase.event == "idle").map_or_else(RedisLoad::default, Phase::per_second);
        for phase in &phases {
            table.row(&faults.add_to(phase.row(case, idle, foreign)));
        }
        trial.shut_down().await;
    }
    Ok(())
}

/// All sessions do one thing after another.
async fn events(trial: &Trial, sessions: usize, rest: Duration) -> Vec<Phase> {
    let clients = &trial.clients;
    let idle = measure(trial, "idle", trial.servers.all.len(), async || {
        sleep(rest).await;
        0
    });
    let idle = idle.await;
    let moves = measure(trial, "move", sessions, async || {
        clients.set_target(trial.revision() + sessions as u64);
        (0..sessions).for_each(|index| clients.command(index, Command::Move(OTHER_PORT)));
        clients.wait_for_target(0..sessions, Instant::now(), trial.timeout).await.missing
    });
    let moves = moves.await;
    let resume = async |event, is_elsewhere: bool| {
        (0..sessions).for_each(|index| clients.command(index, Command::Break));
        sleep(PAUSE).await;
        measure(trial, event, sessions, async || {
            let target = trial.revision();
            if is_elsewhere {
                (0..sessions).for_each(|index| clients.command(index, Command::Elsewhere));
            }
            clients.login(0..sessions, Method::Ticket, target, trial.timeout).await.missing
        })
        .await
    };
    let home = resume("resume at home", false).await;
    let elsewhere = resume("resume elsewhere", true).await;
    let leave = measure(trial, "leave", sessions - 1, async || {
        clients.set_target(trial.revision() + sessions as u64 - 1);
        (OBSERVER + 1..sessions).for_each(|index| clients.command(index, Command::Leave));
        clients.wait_for_target([OBSERVER].into_iter(), Instant::now(), trial.timeout).await.missing
    });
    let leave = leave.await;
    vec![idle, moves, home, elsewhere, leave]
}

/// Measures what `act` costs, which returns how many clients have failed.
async fn measure(trial: &Trial, event: &'static str, count: usize, act: impl AsyncFnOnce() -> usize) -> Phase {
    let load = || trial.servers.roster.as_ref().map_or_else(RedisLoad::default, SharedRoster::load);
    let (before, usage, begin) = (load(), trial.usage(), Instant::now());
    let missing = act().await;
    let time = begin.elapsed();
    Phase { event, count, time, load: load() - before, usage: trial.usage() - usage, missing }
}

impl Phase {
    fn per_second(&self) -> RedisLoad {
        self.load.times(1.0 / self.time.as_secs_f64())
    }

    /// The row, where `idle` is the load of a second without events and `foreign` the memory of a session of another
    /// server.
    fn row(&self, Case { run, sessions, nodes }: Case, idle: RedisLoad, foreign: f64) -> Row {
        let seconds = self.time.as_secs_f64();
        let (load, each) = match self.event {
            "idle" => (self.load, self.count as f64 * seconds),
            _ => ((self.load - idle.times(seconds)).at_least_none(), self.count as f64),
        };
        let load = load.times(1.0 / each.max(1.0));
        let servers: Vec<f64> =
            self.usage.servers.iter().map(|time| time.as_secs_f64() * 1e6 / each.max(1.0)).collect();
        Row::default()
            .with("run", run)
            .with("sessions", sessions)
            .with("nodes", nodes)
            .with("event", self.event)
            .with("ms", seconds * 1e3)
            .with("acts", load.acts)
            .with("scripts", load.scripts)
            .with("reads", load.reads)
            .with("commands", load.commands)
            .with("bytes", load.bytes)
            .with("redis_us", load.processor * 1e6)
            .with("servers_us", servers)
            .with("foreign_bytes", (self.event == "login").then_some(foreign))
            .with_faults("missing", self.missing as u64)
    }
}
