//! `failover`: a server of several, or Redis, is killed while all sessions are idle. Measured is how long that is felt.
//! Nobody may be reported as offline who is not.
//!
//! - `server`: one server is killed. Its clients notice at once, pause as real clients do, and continue at another server.
//!   The time runs from the kill until each has a complete roster again. Some may get a snapshot instead of a delta.
//! - `ghosts`: one server is killed, and its clients do not come back. The time runs until every other client has been told
//!   that all of them are offline.
//! - `redis`: Redis is killed, and started again two seconds later with its file. The time runs from that start until
//!   somebody has logged in at every server.
//! - `empty`: Redis is killed, and started again without its data. The servers found another epoch, and every client gets a
//!   snapshot of it. The time runs from the start of Redis until the last client has it.
//!
//! `told` counts the changes of the roster beyond those that have happened, until `--watch` seconds after the last
//! measured moment: longer than the six seconds after which the others declare a server lost.

use std::io;
use std::time::{Duration, Instant};

use chat_store::testing::Keep;
use clap::ValueEnum;
use tokio::time::sleep;

use super::attempts::Newcomers;
use super::clients::CONVERGENCE_TIME;
use super::faults::{self, Felt};
use super::net::{Arrivals, Net};
use super::server::Design;
use super::servers::Servers;
use super::trial::Trial;
use super::{Case, Settings};
use crate::output::{Row, Table};
use crate::stats::millis;

/// A fault.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Fault {
    /// A server, whose clients continue at the others.
    Server,
    /// A server, together with its clients.
    Ghosts,
    /// Redis, which keeps its data.
    Redis,
    /// Redis, which loses its data.
    Empty,
}

/// Runs the scenario with each fault.
///
/// # Errors
/// The accounts and tickets cannot be created, a server does not start, or a client does not join in time: without all
/// sessions the results would say nothing.
pub async fn run(settings: &Settings, table: &mut Table, faults: &[Fault], watch: Duration) -> io::Result<()> {
    settings.only_shared()?;
    let accounts = settings.accounts(settings.max_sessions() + settings.nodes(), 0).await?.with_ticket;
    for case @ Case { sessions, nodes, .. } in settings.cases().filter(|case| case.nodes > 1) {
        for &fault in faults {
            let keep = if fault == Fault::Redis { Keep::Aof } else { Keep::Nothing };
            let servers = Servers::start(settings, Design::Ours, nodes, keep).await?;
            let net = Net::to_any(servers.addresses(), settings.dialling, Arrivals::Ignored)?;
            // The last accounts log in after a fault, one at each server.
            let accounts = &accounts[..sessions + nodes];
            let mut trial = Trial::at(settings, Design::Ours, servers, Arrivals::Ignored, accounts, nodes)?;
            let joined = trial.login(0..sessions).await;
            if joined.missing > 0 {
                trial.shut_down().await;
                return Err(io::Error::other(format!("{} of {sessions} clients did not join in time", joined.missing)));
            }
            trial.clients.wait_until_consistent(|index| index < sessions, CONVERGENCE_TIME).await;
            let mut newcomers = Newcomers::default();
            let (before, usage, begin) = (trial.revision(), trial.usage(), Instant::now());
            let felt = match fault {
                Fault::Server => faults::kill_server(&mut trial).await,
                Fault::Ghosts => faults::kill_server_and_clients(&mut trial, sessions).await,
                Fault::Redis | Fault::Empty => {
                    faults::restart_redis(&mut trial, &net, &mut newcomers, sessions, fault == Fault::Empty).await
                }
            };
            sleep(watch).await;
            let (usage, seconds) = (trial.usage() - usage, begin.elapsed().as_secs_f64());
            let is_online = |index: usize| index < sessions && !felt.gone.contains(&index);
            let faults = trial.clients.wait_until_consistent(is_online, CONVERGENCE_TIME).await;
            let told = trial.revision().abs_diff(before + felt.expected);
            let row = row(case, fault, &felt)
                .with("seconds", seconds)
                .with("servers_cpu_s", usage.servers.iter().map(Duration::as_secs_f64).collect::<Vec<_>>())
                .with("redis_cpu_s", usage.redis.as_secs_f64())
                .with_faults("told", told)
                .with_faults("missing", felt.missing as u64);
            table.row(&faults.add_to(row));
            drop(newcomers);
            trial.shut_down().await;
        }
    }
    Ok(())
}

fn row(Case { run, sessions, nodes }: Case, fault: Fault, felt: &Felt) -> Row {
    let fault = fault.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
    Row::default()
        .with("run", run)
        .with("sessions", sessions)
        .with("nodes", nodes)
        .with("fault", fault)
        .with("clients", felt.clients)
        .with("first_ms", felt.first.map(millis))
        .with("ms", felt.all.map(millis))
        .with("snapshots", felt.snapshots)
        .with("epoch_ms", felt.epoch.map(millis))
        .with("epochs", felt.epochs)
        .with("login_ms", felt.login.map(millis))
}
