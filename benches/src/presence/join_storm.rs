//! `join-storm`: all clients return with tickets at the same time after a restart of the server.
//!
//! The time runs from the first connection until every client has a complete roster of all sessions. The same run then
//! measures the lower bound, the **floor**: a minimal server performs the same number of TLS handshakes and sends as
//! many bytes as the storm did to as many connections of the same client code. With `--naive`, the run also compares
//! the server with the **naive** design, which sends the whole roster to every session on every change, at a size that
//! the naive design can handle.

use std::io;

use super::accounts::TestAccount;
use super::clients::{Faults, Reached};
use super::net::{Arrivals, Net};
use super::server::{Design, Server};
use super::trial::{Trial, Usage};
use super::{Settings, floor};
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
    // Warm-up: the first storm of a process allocates the clients' memory, which all measured storms reuse.
    Storm::measure(settings, 0, Design::Ours, &accounts[..most]).await?;
    for run in 1..=settings.runs {
        for &sessions in &settings.sessions {
            let ours = Storm::measure(settings, run, Design::Ours, &accounts[..sessions]).await?;
            let floor = Storm::floor(settings, &ours).await?;
            let ratio = ours.reached.time.as_secs_f64() / floor.reached.time.as_secs_f64();
            table.row(&ours.row((ours.reached.missing == 0).then_some(ratio), None));
            table.row(&floor.row(Some(1.0), None));
        }
        if naive > 0 {
            let ours = Storm::measure(settings, run, Design::Ours, &accounts[..naive]).await?;
            let naive = Storm::measure(settings, run, Design::Naive, &accounts[..naive]).await?;
            let ratio = naive.reached.time.as_secs_f64() / ours.reached.time.as_secs_f64();
            table.row(&ours.row(None, None));
            table.row(&naive.row(Some(ratio), Some(naive.usage.bytes as f64 / ours.usage.bytes as f64)));
        }
    }
    Ok(())
}

impl Storm {
    async fn measure(settings: &Settings, run: usize, design: Design, accounts: &[TestAccount]) -> io::Result<Self> {
        let trial = Trial::start(settings, design, Arrivals::Ignored, accounts)?;
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
        let clients = machine::process_time();
        let time = floor::pull(&net, storm.sessions, storm.usage.bytes).await?;
        let usage = Usage {
            bytes: storm.usage.bytes,
            frames: 0,
            server: server.process.time(),
            clients: machine::process_time() - clients,
        };
        let reached = Reached { missing: 0, time };
        Ok(Self { design: Design::Floor, reached, usage, miscounted: 0, faults: Faults::default(), ..*storm })
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
            .with("server_cpu_s", self.usage.server.as_secs_f64())
            .with("clients_cpu_s", self.usage.clients.as_secs_f64())
            .with_faults("missing", self.reached.missing as u64)
            .with_faults("miscounted", self.miscounted as u64);
        self.faults.add_to(row)
    }
}
