//! `throughput`: how many datagrams the relay passes on each second, up to the rate at which it drops some.
//!
//! All members send to each other at each of the `--rates` in turn, for `--seconds`. The limits of the server are so high
//! that only the machine limits it. **Passed** is what reached the members, **dropped** the share that did not, and **even**
//! is the least that a member received, relative to the most: 1 if all lose alike. Members and server share the processors, so
//! the processor time of either for one datagram says what a server alone could do. **Resident** is the memory of the server
//! at the end of the row: it must not grow with what is dropped.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::sleep;

use super::super::Settings;
use super::super::net::{Arrivals, Net};
use super::super::server::{Design, Server};
use super::member::{Member, Progress};
use super::{Flood, limits};
use crate::machine;
use crate::output::{Row, Table};

/// The limits of the relay in KiB each second: more than any machine carries.
const UNLIMITED: u64 = 4_000_000;

/// The time after which nothing is on its way any more.
const SETTLING_TIME: Duration = Duration::from_millis(500);

/// Runs the scenario.
///
/// # Errors
/// The accounts cannot be created, or the server or a member fails.
pub async fn run(
    settings: &Settings,
    table: &mut Table,
    flood: Flood,
    rates: &[u64],
    seconds: Duration,
) -> io::Result<()> {
    let Flood { members, size } = flood;
    let accounts = settings.accounts(members, 0).await?.with_ticket;
    let server = Server::start_with(settings, Design::Ours, &limits(UNLIMITED, UNLIMITED))?;
    let net = Net::new(server.address, settings.dialling, Arrivals::Ignored)?;
    let (progress, mut tasks) = begin(&net, 0, &accounts[..members], size).await?;
    for rate in rates {
        let (sent, received) = (progress.sent.load(Ordering::Relaxed), progress.counts());
        let (server_before, clients_before, begin) = (server.process.time(), machine::process_time(), Instant::now());
        progress.flow(*rate);
        tokio::select! {
            () = sleep(seconds) => {}
            ended = tasks.join_next() => return Err(io::Error::other(format!("a member has ended: {ended:?}"))),
        }
        progress.flow(0);
        let time = begin.elapsed().as_secs_f64();
        sleep(SETTLING_TIME).await;
        let sent = progress.sent.load(Ordering::Relaxed) - sent;
        let received: Vec<u64> =
            progress.counts().iter().zip(&received).map(|(after, before)| after - before).collect();
        let passed: u64 = received.iter().sum();
        let even = received.iter().min().zip(received.iter().max()).map(|(least, most)| *least as f64 / *most as f64);
        let micros = |time: Duration| time.as_secs_f64() * 1e6 / sent.max(1) as f64;
        let row = Row::default()
            .with("offered_per_second", *rate)
            .with("sent_per_second", sent as f64 / time)
            .with("passed_per_second", passed as f64 / time)
            .with("dropped", 1.0 - passed as f64 / sent.max(1) as f64)
            .with("even", even)
            .with("server_us", micros(server.process.time() - server_before))
            .with("members_us", micros(machine::process_time() - clients_before))
            .with("resident_mib", server.process.memory().resident as f64 / f64::from(1 << 20))
            .with_faults("doubled", passed.saturating_sub(sent));
        table.row(&row);
    }
    Ok(())
}

/// Logs members in that flood each other once `Progress::flow` says so. `first` is the number of the first client.
pub(super) async fn begin(
    net: &Net,
    first: usize,
    accounts: &[super::super::accounts::TestAccount],
    size: usize,
) -> io::Result<(Arc<Progress>, JoinSet<io::Result<()>>)> {
    let (progress, mut tasks, mut sessions) = (Progress::new(accounts.len()), JoinSet::new(), Vec::new());
    for (place, account) in accounts.iter().enumerate() {
        let member = Member::join(net, first + place, account).await?;
        sessions.push(member.session);
        // It reads what the server sends from now on.
        let progress = Arc::clone(&progress);
        tasks.spawn(async move { member.flood(place, size, progress).await.map_err(io::Error::other) });
    }
    progress.sessions.get_or_init(|| sessions);
    Ok((progress, tasks))
}
