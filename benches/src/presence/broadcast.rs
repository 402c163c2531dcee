//! `broadcast`: the time from one change until the server has written it to every session, and until every client has
//! received it.
//!
//! One session, the actor, repeatedly leaves and logs in with its password, over a connection that has already exchanged
//! hellos. Apart from that only heartbeats happen. A measurement begins when the actor sends its request, so an arrival
//! includes a password check. The change is
//! **written** to a client when the kernel queues its bytes at that client's socket; over loopback this happens within
//! the server's write, and the kernel records the time. The change is **received** when the client has decrypted it and
//! read its revision. All clients share this process, so the last one receives the change after all others have
//! processed it.
//!
//! With several servers the actor is at the first. `far` is the time until every client of the last server has received
//! the change. The ratio is that of the times until a change is written to all.

use std::io;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::client::{Command, Method};
use super::clients::CONVERGENCE_TIME;
use super::comparison::Comparison;
use super::net::Arrivals;
use super::server::Design;
use super::trial::{Trial, Usage};
use super::{Case, Settings};
use crate::output::{Progress, Row, Table};
use crate::stats::{Histogram, millis};

/// The pause between two changes: longer than the longest publish interval, so that each is published immediately.
pub(super) const PAUSE: Duration = Duration::from_millis(1_100);

/// Index of the client that makes the changes. It does not count as a receiver.
pub(super) const ACTOR: usize = 0;

/// Runs the scenario.
///
/// # Errors
/// The accounts and tickets cannot be created or a server does not start.
pub async fn run(settings: &Settings, table: &mut Table, rounds: usize) -> io::Result<()> {
    let accounts = settings.accounts(settings.max_sessions(), 0).await?.with_ticket;
    let mut comparison = Comparison::new(settings);
    for case @ Case { run, sessions, nodes } in settings.cases() {
        let accounts = &accounts[..sessions];
        let trial = Trial::start_nodes(settings, Design::Ours, Arrivals::Recorded, accounts, nodes).await?;
        let joined = trial.login(0..sessions).await;
        let (mut departures, mut arrivals) = (Times::default(), Times::default());
        let (begin, mut progress) = (Instant::now(), Progress::default());
        for round in 0..rounds {
            if joined.missing > 0 || begin.elapsed() > settings.patience {
                break;
            }
            progress.report(|| format!("round {round} of {rounds}"));
            let revision = sessions + 2 * round;
            sleep(PAUSE).await;
            departures.measure(&trial, revision + 1, Command::Leave).await;
            trial.clients.command(ACTOR, Command::Connect);
            sleep(PAUSE).await;
            arrivals.measure(&trial, revision + 2, Command::Login(Method::Password)).await;
        }
        let faults = trial.clients.wait_until_consistent(|_| true, CONVERGENCE_TIME).await;
        for (change, times) in [("departure", departures), ("arrival", arrivals)] {
            let rounds = times.received.count();
            let usage = times.usage;
            let mut row = Row::default()
                .with("run", run)
                .with("sessions", sessions)
                .with("change", change)
                .with("rounds", rounds)
                .with("written_p50_ms", times.written.millis(0.5))
                .with("written_p99_ms", times.written.millis(0.99))
                .with("received_p50_ms", times.received.millis(0.5))
                .with("received_p99_ms", times.received.millis(0.99))
                .with("each_p50_ms", times.each.millis(0.5))
                .with("server_cpu_ms", millis(usage.server()) / rounds.max(1) as f64);
            if settings.nodes() > 1 {
                row = row.with("far_p50_ms", times.far.millis(0.5)).with("far_p99_ms", times.far.millis(0.99));
            }
            let written = times.written.millis(0.5).unwrap_or(f64::NAN);
            let row = comparison.add_to(row, case, change, written, &usage);
            let row = row.with_faults("missing", joined.missing.max(times.missing) as u64);
            table.row(&faults.add_to(row));
        }
        trial.shut_down().await;
    }
    Ok(())
}

/// The times of one kind of change.
#[derive(Debug, Default)]
pub(super) struct Times {
    pub(super) written: Histogram,
    pub(super) received: Histogram,
    each: Histogram,
    /// The time until every client of the last server has received the change. The actor is at the first server.
    far: Histogram,
    /// The cost of the changes.
    usage: Usage,
    pub(super) missing: usize,
}

impl Times {
    /// Makes the actor cause the change `revision` and waits until all other clients have received it.
    pub(super) async fn measure(&mut self, trial: &Trial, revision: usize, command: Command) {
        let (clients, receivers) = (&trial.clients, ACTOR + 1..trial.clients.states.len());
        clients.set_target(revision as u64);
        let before = trial.usage();
        clients.command(ACTOR, command);
        let reached = clients.wait_for_target(receivers.clone(), Instant::now(), trial.timeout).await;
        self.usage += trial.usage() - before;
        self.missing = self.missing.max(reached.missing);
        let Some(requested) = clients.states[ACTOR].lock().requested else { return };
        let (mut written, mut received, mut far) = (0, requested.at, requested.at);
        let last = trial.servers.all.len() - 1;
        for index in receivers {
            let (server, reached) = {
                let state = clients.states[index].lock();
                (state.server, state.reached)
            };
            let Some(moment) = reached else { continue };
            (written, received) = (written.max(moment.wall), received.max(moment.at));
            if server == last {
                far = far.max(moment.at);
            }
            self.each.record(moment.at.saturating_duration_since(requested.at));
        }
        self.far.record(far - requested.at);
        self.written.record(Duration::from_nanos(written.saturating_sub(requested.wall)));
        self.received.record(received - requested.at);
    }
}
