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

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use chat_store::hashing::HashCost;
use tokio::task::block_in_place;
use tokio::time::sleep;

use super::client::Method;
use super::clients::{Clients, HEARTBEAT};
use super::net::{Arrivals, Net};
use super::processor_samples::ProcessorSamples;
use super::server::{Design, Server};
use super::{Case, Settings};
use crate::machine;
use crate::output::{Row, Table};
use crate::stats::millis;

/// Heartbeat interval of the other sessions: a tenth of that of real clients, to get enough samples for a percentile.
/// A shorter interval would take processor time from the storm.
const OTHER_HEARTBEAT: Duration = Duration::from_secs(1);

/// Runs the scenario while `others` sessions are online. The ceiling is measured for `ceiling_time` before and after the
/// storm.
///
/// # Errors
/// The accounts and tickets cannot be created or a server does not start.
pub async fn run(settings: &Settings, table: &mut Table, others: usize, ceiling_time: Duration) -> io::Result<()> {
    settings.only_alone()?;
    let accounts = settings.accounts(others, settings.max_sessions()).await?;
    for Case { run, sessions: logins, .. } in settings.cases() {
        let ceiling_before = block_in_place(|| ceiling(ceiling_time));
        let server = Server::start(settings, Design::Ours)?;
        let net = Net::new(server.address, settings.dialling, Arrivals::Ignored)?;
        let online = Clients::new(&net, 0, &accounts.with_ticket[..others], 0, OTHER_HEARTBEAT);
        let joined = online.login(0..others, Method::Ticket, others as u64, settings.patience).await;
        // Heartbeats while the sessions log in do not count.
        drop(online.counters.take_heartbeats());
        sleep(ceiling_time).await;
        let calm_heartbeats = online.counters.take_heartbeats();

        let storm = Clients::new(&net, others, &accounts.with_password[..logins], 0, HEARTBEAT);
        let mut samples = ProcessorSamples::new(server.process.threads("chat-hash"));
        let reached = tokio::select! {
            reached = storm.login(0..logins, Method::Password, 0, settings.patience) => reached,
            never = samples.collect() => match never {},
        };
        let heartbeats = online.counters.take_heartbeats();
        let middle = Middle::of(storm.states.iter().filter_map(|shared| shared.lock().logged_in).collect());
        let busy = storm.counters.failures().get("rejected: Busy").copied().unwrap_or(0);
        storm.counters.print_failures("storm");
        online.counters.print_failures("others");
        let dropped = others.saturating_sub(online.expected_roster().len());
        storm.shut_down().await;
        online.shut_down().await;
        drop(server);

        let ceiling = f64::midpoint(ceiling_before, block_in_place(|| ceiling(ceiling_time)));
        let shares = samples.shares(middle.from, middle.to);
        let (rate, seconds) = (middle.per_second(), reached.time.as_secs_f64());
        let row = Row::default()
            .with("run", run)
            .with("logins", logins)
            .with("others", others)
            .with("ms", millis(reached.time))
            .with("per_second", rate)
            .with("per_second_of_all", (logins - reached.missing) as f64 / seconds)
            .with("ceiling_per_second", ceiling)
            .with("share_of_ceiling", rate / ceiling)
            .with("share_of_rest", rate / ceiling / (1.0 - shares.own))
            .with("hashing_share", shares.threads)
            .with("clients_share", shares.own)
            .with("busy", busy)
            .with("heartbeats", heartbeats.count())
            .with("calm_p99_ms", calm_heartbeats.millis(0.99))
            .with("heartbeat_p50_ms", heartbeats.millis(0.5))
            .with("heartbeat_p99_ms", heartbeats.millis(0.99))
            .with("heartbeat_max_ms", heartbeats.millis(1.0))
            .with_faults("missing", (joined.missing + reached.missing + dropped) as u64);
        table.row(&row);
    }
    Ok(())
}

/// The middle part of a storm, without the first and the last tenth of its logins.
#[derive(Debug)]
struct Middle {
    from: Instant,
    to: Instant,
    logins: usize,
}

impl Middle {
    fn of(mut logins: Vec<Instant>) -> Self {
        logins.sort_unstable();
        let (from, to) = (logins.len() / 10, logins.len().saturating_sub(1) * 9 / 10);
        let at = |index: usize| logins.get(index).copied().unwrap_or_else(Instant::now);
        Self { from: at(from), to: at(to), logins: to.saturating_sub(from) }
    }

    fn per_second(&self) -> f64 {
        let span = self.to.saturating_duration_since(self.from).as_secs_f64();
        if span > 0.0 { self.logins as f64 / span } else { 0.0 }
    }
}

/// The highest number of password checks per second on this machine, measured for `time`.
fn ceiling(time: Duration) -> f64 {
    thread::scope(|scope| {
        let threads: Vec<_> = (0..machine::processors()).map(|_| scope.spawn(|| checks_per_second(time))).collect();
        threads.into_iter().map(|thread| thread.join().expect("the thread does not panic")).sum()
    })
}

/// The rate of password checks in this thread.
fn checks_per_second(time: Duration) -> f64 {
    let cost = HashCost::DEFAULT;
    let params = Params::new(cost.memory_kib(), cost.passes(), cost.lanes(), Some(32)).expect("the cost is valid");
    let mut blocks = vec![Block::new(); params.block_count()];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut check = || {
        argon2
            .hash_password_into_with_memory(b"correct horse", b"sixteen of salt!", &mut [0; 32], &mut blocks)
            .expect("the lengths are within argon2's limits");
    };
    // The first check touches the memory for the first time and does not count.
    check();
    let (begin, mut count) = (Instant::now(), 0_u32);
    while count == 0 || begin.elapsed() < time {
        check();
        count += 1;
    }
    f64::from(count) / begin.elapsed().as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_excludes_the_first_and_last_tenth() {
        let begin = Instant::now();
        let after = |millis| begin + Duration::from_millis(millis);
        // One login every 10 ms, except for bursts in the first and the last tenth; not in order of time.
        let mut logins: Vec<Instant> = (0..100).map(|index| after(1_000 + index * 10)).collect();
        logins[..10].fill(after(999));
        logins[91..].fill(after(9_000));
        logins.reverse();
        let middle = Middle::of(logins);
        assert_eq!((middle.from, middle.to, middle.logins), (after(1_100), after(1_890), 79));
        assert!((middle.per_second() - 100.0).abs() < 1e-9);
        for few in [Vec::new(), vec![begin]] {
            assert!(Middle::of(few).per_second().abs() < f64::EPSILON, "the rate is zero without elapsed time");
        }
    }
}
