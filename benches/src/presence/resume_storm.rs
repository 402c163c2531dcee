//! `resume-storm`: all connections but one break, and all their clients resume with tickets at the same time.
//!
//! The time runs from the first new connection until every client has a complete roster again. As a real client does,
//! each sends its roster version when it resumes, so that it can receive a delta. The remaining session observes: it
//! must receive no changes, because all sessions resume within the grace time.

use std::io;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::client::{By, Command};
use super::crowd::{Crowd, Faults};
use super::net::Arrivals;
use super::people::People;
use super::{BEAT, Outcome, Setting, millis, tell_troubles};
use crate::machine;
use crate::output::{Progress, Row, Table};

/// The pause between the breaks and the storm, in which the server notices the breaks.
const BROKEN: Duration = Duration::from_millis(500);

/// One storm.
#[derive(Debug, Serialize)]
struct Resumed {
    run: usize,
    sessions: usize,
    /// Time of the initial joining, for comparison.
    join_ms: f64,
    /// Time until the last client has a complete roster again.
    ms: f64,
    bytes: u64,
    frames: u64,
    server_cpu_s: f64,
    /// Number of changes that the observer received. Must be zero.
    events: u64,
    /// Number of clients that received a delta instead of a snapshot.
    caught_up: u64,
    missing: usize,
    #[serde(flatten)]
    faults: Faults,
}

impl Row for Resumed {
    const COLUMNS: &'static [(&'static str, usize)] = &[
        ("run", 3),
        ("sessions", 8),
        ("join ms", 8),
        ("ms", 8),
        ("MB", 8),
        ("frames", 10),
        ("server s", 8),
        ("events", 6),
        ("caught up", 9),
        ("missing", 7),
        ("faults", 6),
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.run.to_string(),
            self.sessions.to_string(),
            format!("{:.0}", self.join_ms),
            format!("{:.0}", self.ms),
            format!("{:.1}", self.bytes as f64 / 1e6),
            self.frames.to_string(),
            format!("{:.2}", self.server_cpu_s),
            self.events.to_string(),
            self.caught_up.to_string(),
            self.missing.to_string(),
            self.faults.all().to_string(),
        ]
    }
}

/// Runs the scenario.
///
/// # Errors
/// Returns an error if the accounts and tickets cannot be created, a server does not start, or a client does not join
/// in time: without all sessions the results would say nothing about resuming.
pub async fn run(setting: &Setting) -> Outcome {
    let people = People::gather(&setting.folder, setting.most(), 0).await?;
    let mut table = Table::new(
        setting.format,
        &format!("resume-storm: all connections break and sessions resume ({})", machine::describe()),
    );
    let mut progress = Progress::default();
    let mut is_fine = true;
    for run in 1..=setting.runs {
        for &sessions in &setting.sessions {
            let server = setting.serve()?;
            let net = setting.net(&server, Arrivals::Ignored)?;
            let crowd = Crowd::gather(&net, &people.holders[..sessions], setting.closely, BEAT);
            // The first client observes; all clients after it take part in the storm.
            let observer = 0;
            crowd.aim(sessions as u64);
            let begin = Instant::now();
            crowd.tell_all(Command::Come(By::Ticket));
            let joined = crowd.reach(0, setting.patience, &mut progress).await;
            let join_ms = joined.last.map_or(0.0, |last| millis(last - begin));
            if joined.missing > 0 {
                tell_troubles("resume-storm", &crowd.tally.troubles());
                let missing = joined.missing;
                return Err(io::Error::other(format!(
                    "{missing} of {sessions} clients did not join in time, so resuming cannot be measured"
                )));
            }
            let observed = |crowd: &Crowd| crowd.members[observer].lock().view.changes;
            let observed_before = observed(&crowd);

            (1..sessions).for_each(|index| crowd.tell(index, Command::Cut));
            tokio::time::sleep(BROKEN).await;
            crowd.aim(sessions as u64);
            let bytes = crowd.tally.bytes.load(Ordering::Relaxed);
            let frames = crowd.tally.frames.load(Ordering::Relaxed);
            let (begin, processor) = (Instant::now(), server.processor());
            (1..sessions).for_each(|index| crowd.tell(index, Command::Come(By::Ticket)));
            let reached = crowd.reach(observer + 1, setting.patience, &mut progress).await;
            let resumed = Resumed {
                run,
                sessions,
                join_ms,
                ms: reached.last.map_or(0.0, |last| millis(last - begin)),
                bytes: crowd.tally.bytes.load(Ordering::Relaxed) - bytes,
                frames: crowd.tally.frames.load(Ordering::Relaxed) - frames,
                server_cpu_s: (server.processor() - processor).as_secs_f64(),
                events: observed(&crowd) - observed_before,
                caught_up: crowd.tally.caught_up.load(Ordering::Relaxed),
                missing: reached.missing,
                // No session changes, so every client that has resumed is up to date immediately.
                faults: crowd.faults(|_| true),
            };
            is_fine &= resumed.missing == 0 && resumed.events == 0 && resumed.faults.all() == 0;
            table.row(&resumed);
            tell_troubles("resume-storm", &crowd.tally.troubles());
            crowd.scatter().await;
        }
    }
    Ok(is_fine)
}
