//! `presence`: how long one change takes to reach every session while the relay is flooded, compared with an idle relay.
//!
//! The flood offers `--excess` times the total that the server carries (the default of `--relay-total`), so that it drops the
//! rest: the relay works as hard as its operator permits. Idle and flooded rounds alternate in blocks, so that both meet the
//! same load. **Written** and **received** are those of the benchmark `presence broadcast`: the kernel's time of arrival at the
//! last client, and the time at which the last client has read the change. Heartbeats are those of all sessions.

use std::io;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::super::Settings;
use super::super::broadcast::{ACTOR, PAUSE, Times};
use super::super::client::{Command, Method};
use super::super::clients::{CONVERGENCE_TIME, Clients};
use super::super::net::{Arrivals, Net};
use super::super::server::{Design, Server};
use super::super::trial::Trial;
use super::{Flood, throughput};
use crate::output::{Row, Table};
use crate::stats::Histogram;

/// What the server relays for all sessions together, in bytes each second: the default.
const TOTAL: u64 = 16 * 1024 * 1024;

/// The rounds of one block. Each is a departure and an arrival.
const BLOCK: usize = 5;

/// The time between two heartbeats, so that there are enough of them.
const HEARTBEAT: Duration = Duration::from_secs(2);

/// The changes and heartbeats of one kind of block.
#[derive(Debug, Default)]
struct Measured {
    departures: Times,
    arrivals: Times,
    heartbeats: Histogram,
    relayed: u64,
    time: Duration,
}

/// Runs the scenario.
///
/// # Errors
/// The accounts cannot be created, or the server or a member fails.
pub async fn run(settings: &Settings, table: &mut Table, flood: Flood, rounds: usize, excess: f64) -> io::Result<()> {
    let sessions = settings.max_sessions();
    let accounts = settings.accounts(sessions + flood.members, 0).await?.with_ticket;
    // Each member may send its share of the excess.
    let (parcel, offered) = (flood.size + 10, TOTAL as f64 * excess);
    let rate = (offered / flood.members as f64 / 1_024.0).ceil() as u64;
    let limits = super::limits(rate, TOTAL / 1_024);
    let server = Server::start_with(settings, Design::Ours, &limits)?;
    let net = Net::new(server.address, settings.dialling, Arrivals::Recorded)?;
    let (progress, mut tasks) = throughput::begin(&net, sessions, &accounts[sessions..], flood.size).await?;
    // No client keeps entries: the members of the flood are not in the expected roster.
    let clients = Clients::new(&net, 0, &accounts[..sessions], 0, HEARTBEAT);
    let trial = Trial::with(server, clients, settings.patience);
    let mut revision = flood.members + sessions;
    let joined = trial.clients.login(0..sessions, Method::Ticket, revision as u64, settings.patience).await;
    let mut measured = [Measured::default(), Measured::default()];
    for block in 0..rounds.div_ceil(BLOCK) * 2 {
        let is_flooded = block % 2;
        progress.flow(if is_flooded == 1 { (offered / parcel as f64) as u64 } else { 0 });
        // Until the burst is used up, the relay carries more than its total.
        sleep(PAUSE * 2).await;
        drop(trial.clients.counters.take_heartbeats());
        let (begin, before) = (Instant::now(), progress.counts().iter().sum::<u64>());
        let Measured { departures, arrivals, heartbeats, relayed, time } = &mut measured[is_flooded];
        for _ in 0..BLOCK {
            departures.measure(&trial, revision + 1, Command::Leave).await;
            trial.clients.command(ACTOR, Command::Connect);
            sleep(PAUSE).await;
            arrivals.measure(&trial, revision + 2, Command::Login(Method::Password)).await;
            sleep(PAUSE).await;
            revision += 2;
        }
        heartbeats.merge(&trial.clients.counters.take_heartbeats());
        *relayed += progress.counts().iter().sum::<u64>() - before;
        *time += begin.elapsed();
        if let Some(ended) = tasks.try_join_next() {
            return Err(io::Error::other(format!("a member has ended: {ended:?}")));
        }
    }
    progress.flow(0);
    let faults = trial.clients.wait_until_consistent(|_| true, CONVERGENCE_TIME).await;
    let p99 = |times: &Histogram| times.millis(0.99);
    for (change, of) in [("departure", 0), ("arrival", 1)] {
        let times = measured.each_ref().map(|measured| if of == 0 { &measured.departures } else { &measured.arrivals });
        for (relay, number) in [("idle", 0), ("flooded", 1)] {
            let ratio = |figure: fn(&Times) -> &Histogram| {
                p99(figure(times[number])).zip(p99(figure(times[0]))).map(|(this, idle)| this / idle)
            };
            let this = &measured[number];
            let row = Row::default()
                .with("sessions", sessions)
                .with("change", change)
                .with("rounds", times[number].written.count())
                .with("written_p50_ms", times[number].written.millis(0.5))
                .with("written_p99_ms", p99(&times[number].written))
                .with("ratio_p99", ratio(|times| &times.written))
                .with("received_p99_ms", p99(&times[number].received))
                .with("received_ratio_p99", ratio(|times| &times.received))
                .with("heartbeat_p99_ms", p99(&this.heartbeats))
                .with("relayed_per_second", this.relayed as f64 / this.time.as_secs_f64())
                .with_faults("missing", joined.missing.max(times[number].missing) as u64)
                .with("relay", relay);
            table.row(&faults.add_to(row));
        }
    }
    let sent = progress.sent.load(Ordering::Relaxed);
    if measured[1].relayed == 0 || sent == 0 {
        return Err(io::Error::other("the flood did not flow"));
    }
    tasks.abort_all();
    trial.shut_down().await;
    Ok(())
}
