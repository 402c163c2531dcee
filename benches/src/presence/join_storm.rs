//! `join-storm`: all clients return with tickets at the same time after a restart of the server.
//!
//! The time runs from the first connection until every client has a complete roster of all sessions. The same run then
//! measures the lower bound, the **floor**: a minimal server performs the same number of TLS handshakes and sends as
//! many bytes as the storm did to as many connections of the same client code. With `--naive`, the run also compares
//! the server with the **naive** design, which sends the whole roster to every session on every change, at a size that
//! the naive design can handle.
//!
//! With several servers, their storm is compared with that of one server instead.

use std::io;

use tokio::task::block_in_place;

use super::accounts::TestAccount;
use super::clients::{Faults, Reached};
use super::comparison::Comparison;
use super::net::{Arrivals, Net};
use super::server::{Design, Server};
use super::trial::{Trial, Usage};
use super::{Case, Settings, floor, warm_memory};
use crate::machine;
use crate::output::{Row, Table};
use crate::stats::millis;

/// The result of one storm.
struct Storm {
    run: usize,
    design: Design,
    sessions: usize,
    /// How many clients have no complete roster, and the time until the last of the others has it.
    reached: Reached,
    usage: Usage,
    /// Snapshots whose number of entries does not match their revision.
    miscounted: usize,
    faults: Faults,
}

/// Runs the scenario. `naive` is the number of sessions for the comparison with the naive design; zero skips it.
///
/// # Errors
/// The accounts and tickets cannot be created, a server does not start, or a client of the floor does not receive all of
/// its bytes.
pub async fn run(settings: &Settings, table: &mut Table, naive: usize) -> io::Result<()> {
    let most = settings.max_sessions();
    let accounts = settings.accounts(most.max(naive), 0).await?.with_ticket;
    if settings.nodes() > 1 {
        return compare_nodes(settings, table, &accounts).await;
    }
    // Warm-up: the first storm of a process allocates the clients' memory, which all measured storms reuse.
    Storm::measure(settings, 0, Design::Ours, &accounts[..most], 1).await?;
    for run in 1..=settings.runs {
        for &sessions in &settings.sessions {
            let ours = Storm::measure(settings, run, Design::Ours, &accounts[..sessions], 1).await?;
            let floor = Storm::floor(settings, &ours).await?;
            let ratio = ours.reached.time.as_secs_f64() / floor.reached.time.as_secs_f64();
            table.row(&ours.row((ours.reached.missing == 0).then_some(ratio), None));
            table.row(&floor.row(Some(1.0), None));
        }
        if naive > 0 {
            let ours = Storm::measure(settings, run, Design::Ours, &accounts[..naive], 1).await?;
            let naive = Storm::measure(settings, run, Design::Naive, &accounts[..naive], 1).await?;
            let ratio = naive.reached.time.as_secs_f64() / ours.reached.time.as_secs_f64();
            table.row(&ours.row(None, None));
            table.row(&naive.row(Some(ratio), Some(naive.usage.bytes as f64 / ours.usage.bytes as f64)));
        }
    }
    Ok(())
}

/// Storms with one server and with several, whose ratio is that of their times.
async fn compare_nodes(settings: &Settings, table: &mut Table, accounts: &[TestAccount]) -> io::Result<()> {
    let mut comparison = Comparison::new(settings);
    Storm::measure(settings, 0, Design::Ours, &accounts[..settings.max_sessions()], 1).await?;
    for case @ Case { run, sessions, nodes } in settings.cases() {
        let storm = Storm::measure(settings, run, Design::Ours, &accounts[..sessions], nodes).await?;
        table.row(&comparison.add_to(storm.figures(), case, "ms", millis(storm.reached.time), &storm.usage));
    }
    Ok(())
}

impl Storm {
    async fn measure(
        settings: &Settings,
        run: usize,
        design: Design,
        accounts: &[TestAccount],
        nodes: usize,
    ) -> io::Result<Self> {
        let trial = Trial::start_nodes(settings, design, Arrivals::Ignored, accounts, nodes).await?;
        block_in_place(warm_memory::warm);
        let (sessions, before) = (accounts.len(), trial.usage());
        let reached = trial.login(0..sessions).await;
        let storm = Self {
            run,
            design,
            sessions,
            reached,
            usage: trial.usage() - before,
            miscounted: trial.clients.states.iter().filter(|shared| shared.lock().view.is_miscounted).count(),
            faults: trial.clients.faults(|_| true),
        };
        trial.shut_down().await;
        Ok(storm)
    }

    /// The lower bound of `storm`.
    async fn floor(settings: &Settings, storm: &Self) -> io::Result<Self> {
        let server = Server::start(settings, Design::Floor)?;
        let net = Net::new(server.address, settings.dialling, Arrivals::Ignored)?;
        block_in_place(warm_memory::warm);
        let clients = machine::process_time();
        let time = floor::pull(&net, storm.sessions, storm.usage.bytes).await?;
        let usage = Usage {
            bytes: storm.usage.bytes,
            servers: vec![server.process.time()],
            clients: machine::process_time() - clients,
            ..Usage::default()
        };
        let (&Self { run, sessions, .. }, reached) = (storm, Reached { missing: 0, time });
        Ok(Self { run, design: Design::Floor, sessions, reached, usage, miscounted: 0, faults: Faults::default() })
    }

    /// The row of this storm, with its ratios to the storm that it is compared with.
    fn row(&self, ratio: Option<f64>, ratio_of_bytes: Option<f64>) -> Row {
        let row = Row::default()
            .with("run", self.run)
            .with("sessions", self.sessions)
            .with("who", self.design.name())
            .with("ms", millis(self.reached.time))
            .with("ratio", ratio)
            .with("bytes", self.usage.bytes)
            .with("ratio_of_bytes", ratio_of_bytes)
            .with("frames", self.usage.frames)
            .with("server_cpu_s", self.usage.server().as_secs_f64())
            .with("clients_cpu_s", self.usage.clients.as_secs_f64());
        self.add_faults(row)
    }

    /// The row of a storm that is compared with one of another number of servers.
    fn figures(&self) -> Row {
        let row = Row::default()
            .with("run", self.run)
            .with("sessions", self.sessions)
            .with("ms", millis(self.reached.time))
            .with("bytes", self.usage.bytes)
            .with("frames", self.usage.frames)
            .with("clients_cpu_s", self.usage.clients.as_secs_f64());
        self.add_faults(row)
    }

    fn add_faults(&self, row: Row) -> Row {
        let row =
            row.with_faults("missing", self.reached.missing as u64).with_faults("miscounted", self.miscounted as u64);
        self.faults.add_to(row)
    }
}
