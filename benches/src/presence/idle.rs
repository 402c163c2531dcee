//! `idle`: the server's memory for each session that only sends heartbeats.
//!
//! The baseline is the same server after a few sessions have logged in, which excludes one-time allocations. Resident
//! memory includes anonymous and file-backed pages and memory that the allocator retains from the logins. It excludes
//! the kernel's socket buffers.

use std::io;
use std::time::Duration;

use tokio::time::sleep;

use super::clients::CONVERGENCE_TIME;
use super::net::Arrivals;
use super::server::Design;
use super::trial::Trial;
use super::{Case, Settings};
use crate::output::{Row, Table};

/// Number of sessions that log in before the baseline is measured.
const FIRST_SESSIONS: usize = 10;

/// Runs the scenario. Memory is measured after all sessions have been idle for `rest`.
///
/// # Errors
/// The accounts and tickets cannot be created or a server does not start.
pub async fn run(settings: &Settings, table: &mut Table, rest: Duration) -> io::Result<()> {
    let accounts = settings.accounts(settings.max_sessions(), 0).await?.with_ticket;
    settings.only_alone()?;
    for Case { run, sessions, .. } in settings.cases() {
        let trial = Trial::start(settings, Design::Ours, Arrivals::Ignored, &accounts[..sessions]).await?;
        let first = FIRST_SESSIONS.min(sessions);
        trial.login(0..first).await;
        sleep(Duration::from_secs(1)).await;
        let baseline = trial.servers.all[0].process.memory();
        let reached = trial.login(first..sessions).await;
        let before = trial.usage();
        sleep(rest).await;
        let (usage, memory) = (trial.usage() - before, trial.servers.all[0].process.memory());
        let faults = trial.clients.wait_until_consistent(|_| true, CONVERGENCE_TIME).await;
        let growth = memory.resident.saturating_sub(baseline.resident) as f64;
        let row = Row::default()
            .with("run", run)
            .with("sessions", sessions)
            .with("baseline_bytes", baseline.resident)
            .with("resident_bytes", memory.resident)
            .with("anonymous_bytes", memory.anonymous)
            .with("peak_bytes", memory.peak)
            .with("bytes_per_session", growth / (sessions - first).max(1) as f64)
            .with("idle_cpu_share", usage.server().as_secs_f64() / rest.as_secs_f64().max(1e-9))
            .with_faults("missing", reached.missing as u64);
        table.row(&faults.add_to(row));
        trial.shut_down().await;
    }
    Ok(())
}
