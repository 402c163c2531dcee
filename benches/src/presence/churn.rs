//! `churn`: for a given time, sessions join, leave, break and resume immediately, stay broken until they resume at
//! random, possibly after the grace time, and move to another port.
//!
//! At the end every client that should be online must be at the latest revision, and those that keep a roster must
//! have the expected one. With several servers, every second session that resumes immediately does so at another one.
//! The servers' memory is sampled every second. The slope is that of the least-squares line
//! through the second half of the samples, when one-time growth is over.

use std::io;
use std::time::{Duration, Instant};

use chat_core::generator::Generator;
use chat_core::sim::SeededGenerator;
use tokio::time::sleep;

use super::client::{Command, Method};
use super::clients::Clients;
use super::comparison::Comparison;
use super::net::{Arrivals, wall_nanos};
use super::server::Design;
use super::trial::Trial;
use super::{Case, Settings};
use crate::output::{Progress, Row, Table};

/// The interval between two samples of the server's memory.
const SAMPLE_INTERVAL: Duration = Duration::from_secs(1);

/// The time for all rosters to converge at the end: the grace time, the longest retry pause of a client, and a margin.
const CONVERGENCE_TIME: Duration = Duration::from_mins(1);

/// Runs the scenario for `time` with `rate` events per second.
///
/// # Errors
/// The accounts and tickets cannot be created or a server does not start.
pub async fn run(settings: &Settings, table: &mut Table, time: Duration, rate: f64) -> io::Result<()> {
    let accounts = settings.accounts(settings.max_sessions(), 0).await?.with_ticket;
    let mut comparison = Comparison::new(settings);
    for case @ Case { run, sessions, nodes } in settings.cases() {
        let accounts = &accounts[..sessions];
        let trial = Trial::start_nodes(settings, Design::Ours, Arrivals::Ignored, accounts, nodes).await?;
        let joined = trial.login(0..sessions).await;
        let mut script = Script::new(&trial.clients, nodes > 1);
        let (begin, before, mut progress) = (Instant::now(), trial.usage(), Progress::default());
        let (mut samples, mut events) = (Vec::new(), 0);
        while begin.elapsed() < time {
            let elapsed = begin.elapsed().as_secs_f64();
            let due = (elapsed * rate) as u64;
            (events..due).for_each(|_| script.next_event());
            events = due;
            if begin.elapsed() >= SAMPLE_INTERVAL * samples.len() as u32 {
                samples.push((elapsed, trial.servers.resident() as f64));
            }
            progress.report(|| format!("{elapsed:.0} of {} s, {events} events", time.as_secs()));
            sleep(Duration::from_millis(10)).await;
        }
        let (usage, seconds) = (trial.usage() - before, begin.elapsed().as_secs_f64());
        script.resume_broken();
        let should_be_online = |index: usize| script.expected[index] == Expected::Online;
        let faults = trial.clients.wait_until_consistent(should_be_online, CONVERGENCE_TIME).await;
        let quarters: [f64; 4] = std::array::from_fn(|quarter| mean(&samples, quarter) / 1e6);
        let row = Row::default()
            .with("run", run)
            .with("sessions", sessions)
            .with("seconds", seconds)
            .with("joined", script.joined)
            .with("left", script.left)
            .with("resumed", script.resumed)
            .with("broke", script.broke)
            .with("moved", script.moved)
            .with("online", trial.clients.expected_roster().len())
            .with("quarters_mb", quarters.to_vec())
            .with("most_mb", samples.iter().map(|(_, bytes)| *bytes).fold(0.0, f64::max) / 1e6)
            .with("slope_kb_per_minute", slope(&samples[samples.len() / 2..]) * 60.0 / 1e3)
            .with("server_cpu_share", usage.server().as_secs_f64() / seconds)
            .with_faults("missing", joined.missing as u64);
        let cpu = usage.server().as_secs_f64() / seconds;
        let row = comparison.add_to(row, case, "server_cpu_share", cpu, &usage);
        table.row(&faults.add_to(row));
        trial.shut_down().await;
    }
    Ok(())
}

/// The state that a client should be in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Expected {
    Online,
    /// Has left.
    Offline,
    /// Its connection broke and it has not resumed.
    Broken,
}

/// Generates the events, counts them, and tracks the state that each client should be in.
struct Script<'a> {
    clients: &'a Clients,
    /// Whether there are several servers. Every second session that resumes does so at another one then.
    is_shared: bool,
    generator: SeededGenerator,
    expected: Vec<Expected>,
    joined: u64,
    left: u64,
    resumed: u64,
    broke: u64,
    moved: u64,
}

impl<'a> Script<'a> {
    fn new(clients: &'a Clients, is_shared: bool) -> Self {
        let (generator, expected) = (SeededGenerator::new(wall_nanos()), vec![Expected::Online; clients.states.len()]);
        Self { clients, is_shared, generator, expected, joined: 0, left: 0, resumed: 0, broke: 0, moved: 0 }
    }

    /// Sends a random event to a random client. Clients execute commands in order, so this does not wait.
    fn next_event(&mut self) {
        let index = (self.generator.number() % self.expected.len() as u64) as usize;
        let command = |command| self.clients.command(index, command);
        let expected = &mut self.expected[index];
        match (*expected, self.generator.number() % 10) {
            (Expected::Offline, _) => {
                // Its tickets are void.
                command(Command::Login(Method::Password));
                *expected = Expected::Online;
                self.joined += 1;
            }
            (Expected::Broken, _) => {
                command(Command::Login(Method::Ticket));
                *expected = Expected::Online;
                self.joined += 1;
            }
            (Expected::Online, 0..=1) => {
                command(Command::Leave);
                *expected = Expected::Offline;
                self.left += 1;
            }
            (Expected::Online, 2..=5) => {
                command(Command::Break);
                if self.is_shared && self.resumed.is_multiple_of(2) {
                    command(Command::Elsewhere);
                }
                command(Command::Login(Method::Ticket));
                self.resumed += 1;
            }
            (Expected::Online, 6) => {
                command(Command::Break);
                *expected = Expected::Broken;
                self.broke += 1;
            }
            (Expected::Online, _) => {
                command(Command::Move(30_000 + (self.generator.number() % 20_000) as u16));
                self.moved += 1;
            }
        }
    }

    /// Makes all broken clients resume, so that no session is in its grace time at the end.
    fn resume_broken(&mut self) {
        for (index, expected) in self.expected.iter_mut().enumerate().filter(|(_, state)| **state == Expected::Broken) {
            self.clients.command(index, Command::Login(Method::Ticket));
            *expected = Expected::Online;
        }
    }
}

fn mean(samples: &[(f64, f64)], quarter: usize) -> f64 {
    let part = &samples[samples.len() * quarter / 4..samples.len() * (quarter + 1) / 4];
    part.iter().map(|(_, bytes)| bytes).sum::<f64>() / part.len().max(1) as f64
}

/// The slope of the least-squares line through the samples; zero if there are fewer than two.
fn slope(samples: &[(f64, f64)]) -> f64 {
    let count = samples.len() as f64;
    let (x, y) = samples.iter().fold((0.0, 0.0), |(x, y), sample| (x + sample.0 / count, y + sample.1 / count));
    let (mut above, mut below) = (0.0, 0.0);
    for (at, bytes) in samples {
        above += (at - x) * (bytes - y);
        below += (at - x) * (at - x);
    }
    if below > 0.0 { above / below } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slope_and_mean_of_a_straight_line_are_exact() {
        let samples: Vec<(f64, f64)> = (0..9).map(|at| (f64::from(at), 7.0 + 3.0 * f64::from(at))).collect();
        assert!((slope(&samples) - 3.0).abs() < 1e-9);
        assert_eq!(slope(&samples[..1]), 0.0);
        assert_eq!(mean(&samples[..8], 0), 8.5);
    }
}
