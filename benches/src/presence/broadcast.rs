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

use std::io;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::Settings;
use super::client::{Command, Method};
use super::clients::CONVERGENCE_TIME;
use super::net::Arrivals;
use super::server::Design;
use super::trial::Trial;
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
    for (run, sessions) in settings.cases() {
        let trial = Trial::start(settings, Design::Ours, Arrivals::Recorded, &accounts[..sessions])?;
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
            let row = Row::default()
                .with("run", run)
                .with("sessions", sessions)
                .with("change", change)
                .with("rounds", rounds)
                .with("written_p50_ms", times.written.millis(0.5))
                .with("written_p99_ms", times.written.millis(0.99))
                .with("received_p50_ms", times.received.millis(0.5))
                .with("received_p99_ms", times.received.millis(0.99))
                .with("each_p50_ms", times.each.millis(0.5))
                .with("server_cpu_ms", millis(times.server) / rounds.max(1) as f64)
                .with_faults("missing", joined.missing.max(times.missing) as u64);
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
    server: Duration,
    pub(super) missing: usize,
}

impl Times {
    /// Makes the actor cause the change `revision` and waits until all other clients have received it.
    pub(super) async fn measure(&mut self, trial: &Trial, revision: usize, command: Command) {
        let (clients, receivers) = (&trial.clients, ACTOR + 1..trial.clients.states.len());
        clients.set_target(revision as u64);
        let server = trial.server.process.time();
        clients.command(ACTOR, command);
        let reached = clients.wait_for_target(receivers.clone(), Instant::now(), trial.timeout).await;
        self.server += trial.server.process.time() - server;
        self.missing = self.missing.max(reached.missing);
        let Some(requested) = clients.states[ACTOR].lock().requested else { return };
        let (mut written, mut received) = (0, requested.at);
        for moment in clients.moments(receivers) {
            (written, received) = (written.max(moment.wall), received.max(moment.at));
            self.each.record(moment.at.saturating_duration_since(requested.at));
        }
        self.written.record(Duration::from_nanos(written.saturating_sub(requested.wall)));
        self.received.record(received - requested.at);
    }
}
