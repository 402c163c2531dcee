//! `resume-storm`: all connections but one break, and all their clients resume with tickets at the same time.
//!
//! The time runs from the first new connection until every client has a complete roster again. As a real client does,
//! each sends its roster version when it resumes, so that it can receive a delta. The remaining session observes: it
//! must receive no changes, because all sessions resume within the grace time.

use std::io;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::client::Command;
use super::comparison::Comparison;
use super::net::Arrivals;
use super::server::Design;
use super::trial::Trial;
use super::{Case, Settings};
use crate::output::{Row, Table};
use crate::stats::millis;

/// The pause between the breaks and the storm, in which the server notices the breaks.
const BREAK_TIME: Duration = Duration::from_millis(500);

/// The client that observes. All clients after it take part in the storm.
const OBSERVER: usize = 0;

/// Runs the scenario.
///
/// # Errors
/// The accounts and tickets cannot be created, a server does not start, or a client does not join in time: without all
/// sessions the results would say nothing about resuming.
pub async fn run(settings: &Settings, table: &mut Table) -> io::Result<()> {
    let accounts = settings.accounts(settings.max_sessions(), 0).await?.with_ticket;
    let mut comparison = Comparison::new(settings);
    for case @ Case { run, sessions, nodes } in settings.cases() {
        let accounts = &accounts[..sessions];
        let trial = Trial::start_nodes(settings, Design::Ours, Arrivals::Ignored, accounts, nodes).await?;
        let joined = trial.login(0..sessions).await;
        if joined.missing > 0 {
            trial.shut_down().await;
            return Err(io::Error::other(format!("{} of {sessions} clients did not join in time", joined.missing)));
        }
        let clients = &trial.clients;
        let observed = || clients.states[OBSERVER].lock().view.changes;
        let storm = OBSERVER + 1..sessions;
        storm.clone().for_each(|index| clients.command(index, Command::Break));
        tokio::time::sleep(BREAK_TIME).await;
        let (observed_before, before) = (observed(), trial.usage());
        let resumed = trial.login(storm).await;
        let usage = trial.usage() - before;
        // No session changes, so every client that has resumed is up to date immediately.
        let faults = clients.faults(|_| true);
        let row = Row::default()
            .with("run", run)
            .with("sessions", sessions)
            .with("join_ms", millis(joined.time))
            .with("ms", millis(resumed.time))
            .with("bytes", usage.bytes)
            .with("frames", usage.frames)
            .with("server_cpu_s", usage.server().as_secs_f64())
            .with("deltas", clients.counters.deltas.load(Ordering::Relaxed))
            .with_faults("events", observed() - observed_before)
            .with_faults("missing", resumed.missing as u64);
        let row = comparison.add_to(row, case, "ms", millis(resumed.time), &usage);
        table.row(&faults.add_to(row));
        trial.shut_down().await;
    }
    Ok(())
}
