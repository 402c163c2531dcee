//! `login-storm`: all clients log in with passwords at the same time, while other sessions are online.
//!
//! A client that is rejected as busy waits for the server's retry time plus up to the same time again, as real clients
//! do, and retries over a new connection. The **ceiling** is the highest rate that the machine's processors can reach:
//! argon2 with the same parameters and reused memory, one thread for each processor and no other work, measured before
//! and after the storm. The **rate** is that of completed logins, without the first and the last tenth, because at the
//! end fewer logins wait than there are threads. The rate over the whole storm, until each client has the complete
//! roster, is reported too.
//!
//! For the same middle part of the storm, two shares of all processor time are reported. The share of the threads that
//! check passwords hardly varies, whereas other load on the same hardware makes the rate and the ceiling vary. The
//! share of this process matters because in practice clients run on other machines. The rate is therefore compared
//! both with the whole ceiling and with the part of it that the clients leave. This process also times the heartbeats
//! of the other sessions before and during the storm.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use chat_store::hashing::HashCost;
use serde::Serialize;
use tokio::time::sleep;

use super::client::{By, Command};
use super::crowd::Crowd;
use super::net::Arrivals;
use super::people::People;
use super::usage::Usage;
use super::{BEAT, Outcome, Setting, millis, tell_troubles};
use crate::machine;
use crate::output::{Progress, Row, Table};

/// Heartbeat interval of the other sessions: a tenth of that of real clients, to get enough samples for a percentile.
/// A shorter interval would take processor time from the storm.
const OTHERS_BEAT: Duration = Duration::from_secs(1);

/// One storm.
#[derive(Debug, Serialize)]
struct Storm {
    run: usize,
    log_ins: usize,
    others: usize,
    /// Time until all clients had the complete roster.
    ms: f64,
    /// Logins per second, without the first and the last tenth.
    per_second: f64,
    per_second_of_all: f64,
    ceiling_per_second: f64,
    share_of_ceiling: f64,
    /// The rate relative to the part of the ceiling that the clients leave.
    share_of_rest: f64,
    /// Shares of all processor time, without the first and the last tenth.
    hashing_share: f64,
    clients_share: f64,
    /// Number of logins that the server rejected as busy.
    busy: u64,
    beats: u64,
    beat_calm_p99_ms: f64,
    beat_p50_ms: f64,
    beat_p99_ms: f64,
    beat_most_ms: f64,
    /// Clients of both groups that did not log in, and other sessions that did not stay online.
    missing: usize,
}

impl Row for Storm {
    const COLUMNS: &'static [(&'static str, usize)] = &[
        ("run", 3),
        ("log-ins", 7),
        ("others", 6),
        ("ms", 7),
        ("per s", 6),
        ("of all", 6),
        ("ceiling", 7),
        ("share", 6),
        ("of rest", 7),
        ("hashing", 7),
        ("clients", 7),
        ("busy", 6),
        ("beats", 6),
        ("calm p99 ms", 11),
        ("p50", 6),
        ("p99", 6),
        ("most", 6),
        ("missing", 7),
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.run.to_string(),
            self.log_ins.to_string(),
            self.others.to_string(),
            format!("{:.0}", self.ms),
            format!("{:.1}", self.per_second),
            format!("{:.1}", self.per_second_of_all),
            format!("{:.1}", self.ceiling_per_second),
            format!("{:.0} %", self.share_of_ceiling * 100.0),
            format!("{:.0} %", self.share_of_rest * 100.0),
            format!("{:.1} %", self.hashing_share * 100.0),
            format!("{:.1} %", self.clients_share * 100.0),
            self.busy.to_string(),
            self.beats.to_string(),
            format!("{:.1}", self.beat_calm_p99_ms),
            format!("{:.1}", self.beat_p50_ms),
            format!("{:.1}", self.beat_p99_ms),
            format!("{:.1}", self.beat_most_ms),
            self.missing.to_string(),
        ]
    }
}

/// Runs the scenario while `others` sessions are online. The ceiling is measured for `yardstick` before and after the
/// storm.
///
/// # Errors
/// Returns an error if the accounts and tickets cannot be created or a server does not start.
pub async fn run(setting: &Setting, others: usize, yardstick: Duration) -> Outcome {
    let people = People::gather(&setting.folder, others, setting.most()).await?;
    let mut table = Table::new(
        setting.format,
        &format!("login-storm: simultaneous logins with passwords ({})", machine::describe()),
    );
    let mut progress = Progress::default();
    let mut is_fine = true;
    for run in 1..=setting.runs {
        for &log_ins in &setting.sessions {
            let before = ceiling(yardstick).await?;
            let server = setting.serve()?;
            let net = setting.net(&server, Arrivals::Ignored)?;
            let calm = Crowd::gather(&net, &people.holders[..others], 0, OTHERS_BEAT);
            calm.aim(others as u64);
            calm.tell_all(Command::Come(By::Ticket));
            let came = calm.reach(0, setting.patience, &mut progress).await;
            calm.tally.timing.store(true, Ordering::Relaxed);
            sleep(yardstick).await;
            let calm_beats = calm.tally.take_beats();

            let storm = Crowd::beside(others, &net, &people.members[..log_ins], 0, BEAT);
            storm.aim(0);
            let begin = Instant::now();
            storm.tell_all(Command::Come(By::Password));
            let mut usage = Usage::of(&server, "chat-hash");
            let reached = tokio::select! {
                reached = storm.reach(0, setting.patience, &mut progress) => reached,
                never = usage.watch() => match never {},
            };
            let beats = calm.tally.take_beats();
            calm.tally.timing.store(false, Ordering::Relaxed);
            let steady = Steady::of(storm.admissions());
            let troubles = storm.tally.troubles();
            tell_troubles("login-storm", &troubles);
            tell_troubles("others", &calm.tally.troubles());
            let still = calm.tally.online.load(Ordering::Relaxed);
            storm.scatter().await;
            calm.scatter().await;
            drop(server);
            let ceiling_per_second = f64::midpoint(before, ceiling(yardstick).await?);

            let took = reached.last.map_or(0.0, |last| (last - begin).as_secs_f64());
            let shares = usage.shares(steady.from, steady.to);
            let per_second = steady.per_second();
            let row = Storm {
                run,
                log_ins,
                others,
                ms: took * 1e3,
                per_second,
                per_second_of_all: if took > 0.0 { (log_ins - reached.missing) as f64 / took } else { 0.0 },
                ceiling_per_second,
                share_of_ceiling: per_second / ceiling_per_second,
                share_of_rest: per_second / ceiling_per_second / (1.0 - shares.ours),
                hashing_share: shares.threads,
                clients_share: shares.ours,
                busy: troubles.get("rejected: busy").copied().unwrap_or(0),
                beats: beats.count(),
                beat_calm_p99_ms: millis(calm_beats.percentile(0.99)),
                beat_p50_ms: millis(beats.percentile(0.5)),
                beat_p99_ms: millis(beats.percentile(0.99)),
                beat_most_ms: millis(beats.percentile(1.0)),
                missing: came.missing + reached.missing + others.saturating_sub(still),
            };
            is_fine &= row.missing == 0;
            table.row(&row);
        }
    }
    Ok(is_fine)
}

/// The middle part of a storm, without the first and the last tenth of its logins.
#[derive(Debug)]
struct Steady {
    from: Instant,
    to: Instant,
    log_ins: usize,
}

impl Steady {
    fn of(mut admissions: Vec<Instant>) -> Self {
        admissions.sort_unstable();
        let (from, to) = (admissions.len() / 10, admissions.len().saturating_sub(1) * 9 / 10);
        let at = |index: usize| admissions.get(index).copied().unwrap_or_else(Instant::now);
        Self { from: at(from), to: at(to), log_ins: to.saturating_sub(from) }
    }

    fn per_second(&self) -> f64 {
        let span = self.to.saturating_duration_since(self.from).as_secs_f64();
        if span > 0.0 { self.log_ins as f64 / span } else { 0.0 }
    }
}

/// The highest number of password checks per second on this machine, measured for `time`.
async fn ceiling(time: Duration) -> std::io::Result<f64> {
    let cost = HashCost::DEFAULT;
    let params =
        Params::new(cost.memory_kib(), cost.passes(), cost.lanes(), Some(32)).map_err(std::io::Error::other)?;
    let threads = machine::processors();
    let hash = move || {
        let (done, begin) = (Arc::new(AtomicU64::new(0)), Instant::now());
        let end = begin + time;
        let work = |params: Params, done: &AtomicU64| {
            let mut blocks = vec![Block::new(); params.block_count()];
            let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
            let mut output = [0; 32];
            // The first hash touches the memory for the first time and is not counted.
            let mut counted = false;
            let mut first = Instant::now();
            let mut count = 0_u64;
            while Instant::now() < end || count == 0 {
                argon2
                    .hash_password_into_with_memory(b"correct horse", b"sixteen of salt!", &mut output, &mut blocks)
                    .expect("the lengths are within argon2's limits");
                if counted {
                    count += 1;
                } else {
                    counted = true;
                    first = Instant::now();
                }
            }
            // Add up the rates of the threads, as they start at different times. In thousandths, to fit an integer.
            let rate = count as f64 / first.elapsed().as_secs_f64();
            done.fetch_add((rate * 1e3) as u64, Ordering::Relaxed);
        };
        thread::scope(|scope| {
            for _ in 0..threads {
                let (params, done) = (params.clone(), &done);
                scope.spawn(move || work(params, done));
            }
        });
        done.load(Ordering::Relaxed) as f64 / 1e3
    };
    tokio::task::spawn_blocking(hash).await.map_err(std::io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_excludes_the_first_and_last_tenth() {
        let begin = Instant::now();
        let after = |millis| begin + Duration::from_millis(millis);
        // One login every 10 ms, except for bursts in the first and the last tenth; not in order of time.
        let mut admissions: Vec<Instant> = (0..100).map(|index| after(1_000 + index * 10)).collect();
        admissions[..10].fill(after(999));
        admissions[91..].fill(after(9_000));
        admissions.reverse();
        let steady = Steady::of(admissions);
        assert_eq!((steady.from, steady.to, steady.log_ins), (after(1_100), after(1_890), 79));
        assert!((steady.per_second() - 100.0).abs() < 1e-9);
        for few in [Vec::new(), vec![begin]] {
            assert!(Steady::of(few).per_second().abs() < f64::EPSILON, "the rate is zero without elapsed time");
        }
    }
}
