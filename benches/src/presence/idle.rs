//! `idle`: the server's memory for each session that only sends heartbeats.
//!
//! The baseline is the same server after a few sessions have logged in, which excludes one-time allocations. Resident
//! memory includes anonymous and file-backed pages and memory that the allocator retains from the logins. It excludes
//! the kernel's socket buffers.

use std::time::Duration;

use serde::Serialize;
use tokio::time::sleep;

use super::client::{By, Command};
use super::crowd::{Crowd, Faults};
use super::net::Arrivals;
use super::people::People;
use super::{BEAT, Outcome, Setting, tell_troubles};
use crate::machine;
use crate::output::{Progress, Row, Table};

/// Number of sessions that log in before the baseline is measured.
const FIRST: usize = 10;

/// The results of one run.
#[derive(Debug, Serialize)]
struct Idle {
    run: usize,
    sessions: usize,
    baseline_bytes: u64,
    resident_bytes: u64,
    anonymous_bytes: u64,
    peak_bytes: u64,
    /// Resident memory above the baseline, for each session after the first ones.
    bytes_per_session: f64,
    /// Processor time of the server per second while all sessions are idle.
    idle_cpu_share: f64,
    missing: usize,
    #[serde(flatten)]
    faults: Faults,
}

impl Row for Idle {
    const COLUMNS: &'static [(&'static str, usize)] = &[
        ("run", 3),
        ("sessions", 8),
        ("baseline MB", 11),
        ("resident MB", 11),
        ("peak MB", 8),
        ("bytes each", 10),
        ("cpu %", 6),
        ("missing", 7),
        ("faults", 6),
    ];

    fn cells(&self) -> Vec<String> {
        let mb = |bytes: u64| format!("{:.1}", bytes as f64 / 1e6);
        vec![
            self.run.to_string(),
            self.sessions.to_string(),
            mb(self.baseline_bytes),
            mb(self.resident_bytes),
            mb(self.peak_bytes),
            format!("{:.0}", self.bytes_per_session),
            format!("{:.1}", self.idle_cpu_share * 100.0),
            self.missing.to_string(),
            self.faults.all().to_string(),
        ]
    }
}

/// Runs the scenario. Memory is measured after all sessions have been idle for `rest`.
///
/// # Errors
/// Returns an error if the accounts and tickets cannot be created or a server does not start.
pub async fn run(setting: &Setting, rest: Duration) -> Outcome {
    let people = People::gather(&setting.folder, setting.most(), 0).await?;
    let mut table = Table::new(setting.format, &format!("idle: memory of idle sessions ({})", machine::describe()));
    let mut progress = Progress::default();
    let mut is_fine = true;
    for run in 1..=setting.runs {
        for &sessions in &setting.sessions {
            let server = setting.serve()?;
            let net = setting.net(&server, Arrivals::Ignored)?;
            let crowd = Crowd::gather(&net, &people.holders[..sessions], setting.closely, BEAT);
            let first = FIRST.min(sessions);
            (0..first).for_each(|index| crowd.tell(index, Command::Come(By::Ticket)));
            let came = crowd.settle(|index| index < first, setting.patience).await;
            sleep(Duration::from_secs(1)).await;
            let baseline = server.memory();
            crowd.aim(sessions as u64);
            (first..sessions).for_each(|index| crowd.tell(index, Command::Come(By::Ticket)));
            let reached = crowd.reach(0, setting.patience, &mut progress).await;
            let processor = server.processor();
            sleep(rest).await;
            let used = server.processor() - processor;
            let memory = server.memory();
            let more = memory.resident.saturating_sub(baseline.resident);
            let idle = Idle {
                run,
                sessions,
                baseline_bytes: baseline.resident,
                resident_bytes: memory.resident,
                anonymous_bytes: memory.anonymous,
                peak_bytes: memory.peak,
                bytes_per_session: more as f64 / (sessions - first).max(1) as f64,
                idle_cpu_share: used.as_secs_f64() / rest.as_secs_f64().max(1e-9),
                missing: reached.missing + came.all() as usize,
                faults: crowd.settle(|_| true, Duration::from_secs(5)).await,
            };
            is_fine &= idle.missing == 0 && idle.faults.all() == 0;
            table.row(&idle);
            tell_troubles("idle", &crowd.tally.troubles());
            crowd.scatter().await;
        }
    }
    Ok(is_fine)
}
