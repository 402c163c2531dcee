//! `join-storm`: all clients return with tickets at the same time after a restart of the server.
//!
//! The time runs from the first connection until every client has a complete roster of all sessions. The same run then
//! measures the lower bound, the **floor**: a minimal server performs the same number of TLS handshakes and sends as
//! many bytes as the storm did to as many connections of the same client code. With `--naive`, the run also compares
//! the server with the **naive** design, which sends the whole roster to every session on every change, at a size that
//! the naive design can handle.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::client::Command;
use super::crowd::{Crowd, Faults};
use super::member::Person;
use super::net::Arrivals;
use super::people::People;
use super::process::Server;
use super::{BEAT, Design, Outcome, Setting, floor, millis, tell_troubles};
use crate::machine;
use crate::output::{Progress, Row, Table};

/// One storm.
#[derive(Debug, Serialize)]
struct Storm {
    run: usize,
    who: &'static str,
    sessions: usize,
    /// Time until the last client has the complete roster. If the storm timed out, clients that lack it do not count.
    ms: f64,
    bytes: u64,
    frames: u64,
    /// Processor time of the server and of this process.
    server_cpu_s: f64,
    clients_cpu_s: f64,
    /// Ours relative to the floor, and the naive design relative to ours.
    ratio: Option<f64>,
    ratio_of_bytes: Option<f64>,
    /// Clients without the complete roster.
    missing: usize,
    /// Snapshots whose number of entries does not match their revision.
    miscounted: usize,
    #[serde(flatten)]
    faults: Faults,
}

impl Row for Storm {
    const COLUMNS: &'static [(&'static str, usize)] = &[
        ("run", 3),
        ("who", 5),
        ("sessions", 8),
        ("ms", 8),
        ("MB", 8),
        ("frames", 10),
        ("server s", 8),
        ("clients s", 9),
        ("ratio", 6),
        ("bytes x", 7),
        ("missing", 7),
        ("faults", 6),
    ];

    fn cells(&self) -> Vec<String> {
        let ratio = |ratio: Option<f64>| ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"));
        vec![
            self.run.to_string(),
            self.who.to_owned(),
            self.sessions.to_string(),
            format!("{:.0}", self.ms),
            format!("{:.1}", self.bytes as f64 / 1e6),
            self.frames.to_string(),
            format!("{:.2}", self.server_cpu_s),
            format!("{:.2}", self.clients_cpu_s),
            ratio(self.ratio),
            ratio(self.ratio_of_bytes),
            self.missing.to_string(),
            (self.faults.all() + self.miscounted as u64).to_string(),
        ]
    }
}

/// Runs the scenario. `naive` is the number of sessions for the comparison with the naive design; zero skips it.
///
/// # Errors
/// Returns an error if the accounts and tickets cannot be created, a server does not start, or a client of the floor
/// does not receive all of its bytes.
pub async fn run(setting: &Setting, naive: usize) -> Outcome {
    let people = People::gather(&setting.folder, setting.most().max(naive), 0).await?;
    let mut table =
        Table::new(setting.format, &format!("join-storm: simultaneous logins with tickets ({})", machine::describe()));
    let mut progress = Progress::default();
    let mut is_fine = true;
    // Warm-up: the first storm of a process allocates the clients' memory, which all measured storms reuse.
    storm(setting, 0, Design::Ours, &people.holders[..setting.most()], &mut progress).await?;
    for run in 1..=setting.runs {
        for &sessions in &setting.sessions {
            let people = &people.holders[..sessions];
            let mut ours = storm(setting, run, Design::Ours, people, &mut progress).await?;
            let mut floor = push(setting, run, &ours).await?;
            ours.ratio = (ours.missing == 0).then(|| ours.ms / floor.ms);
            floor.ratio = Some(1.0);
            is_fine &= ours.is_fine();
            table.row(&ours);
            table.row(&floor);
        }
        if naive > 0 {
            let people = &people.holders[..naive];
            let ours = storm(setting, run, Design::Ours, people, &mut progress).await?;
            let mut theirs = storm(setting, run, Design::Naive, people, &mut progress).await?;
            theirs.ratio = Some(theirs.ms / ours.ms);
            theirs.ratio_of_bytes = Some(theirs.bytes as f64 / ours.bytes as f64);
            is_fine &= ours.is_fine();
            table.row(&ours);
            table.row(&theirs);
        }
    }
    Ok(is_fine)
}

impl Storm {
    const fn is_fine(&self) -> bool {
        self.missing == 0 && self.faults.all() == 0 && self.miscounted == 0
    }
}

async fn storm(
    setting: &Setting,
    run: usize,
    design: Design,
    people: &[Person],
    progress: &mut Progress,
) -> std::io::Result<Storm> {
    let (server, who, by) = design.start(setting)?;
    let net = setting.net(&server, Arrivals::Ignored)?;
    let sessions = people.len();
    let crowd = Crowd::gather(&net, people, setting.closely, BEAT);
    // Each arrival is one change and no session leaves, so the last arrival has revision `sessions`.
    crowd.aim(sessions as u64);
    let (begin, server_before, clients_before) = (Instant::now(), server.processor(), machine::process_time());
    crowd.tell_all(Command::Come(by));
    let reached = crowd.reach(0, setting.patience, progress).await;
    let took = reached.last.map_or(Duration::ZERO, |last| last - begin);
    let miscounted = |member: &&std::sync::Arc<super::member::Member>| {
        let view = &member.lock().view;
        view.is_whole && view.copied != view.copied_at.get()
    };
    let storm = Storm {
        run,
        who,
        sessions,
        ms: millis(took),
        bytes: crowd.tally.bytes.load(Ordering::Relaxed),
        frames: crowd.tally.frames.load(Ordering::Relaxed),
        server_cpu_s: (server.processor() - server_before).as_secs_f64(),
        clients_cpu_s: (machine::process_time() - clients_before).as_secs_f64(),
        ratio: None,
        ratio_of_bytes: None,
        missing: reached.missing,
        miscounted: crowd.members.iter().filter(miscounted).count(),
        faults: crowd.faults(|_| true),
    };
    tell_troubles(who, &crowd.tally.troubles());
    crowd.scatter().await;
    Ok(storm)
}

async fn push(setting: &Setting, run: usize, ours: &Storm) -> std::io::Result<Storm> {
    let server = Server::ours("floor-server", &setting.data())?;
    let net = setting.net(&server, Arrivals::Ignored)?;
    let clients_before = machine::process_time();
    let took = floor::pull(&net, ours.sessions, ours.bytes).await?;
    Ok(Storm {
        run,
        who: "floor",
        sessions: ours.sessions,
        ms: millis(took),
        bytes: ours.bytes,
        frames: 0,
        server_cpu_s: server.processor().as_secs_f64(),
        clients_cpu_s: (machine::process_time() - clients_before).as_secs_f64(),
        ratio: None,
        ratio_of_bytes: None,
        missing: 0,
        miscounted: 0,
        faults: Faults::default(),
    })
}
