//! `broadcast`: the time from one change until the server has written it to every session, and until every client has
//! received it.
//!
//! One session, the actor, repeatedly leaves and resumes with its ticket, over a connection that has already exchanged
//! hellos. Apart from that only heartbeats happen. A measurement begins when the actor sends its request. The change is
//! **written** to a client when the kernel queues its bytes at that client's socket; over loopback this happens within
//! the server's write, and the kernel records the time. The change is **received** when the client has decrypted it and
//! read its revision. All clients share this process, so the last one receives the change after all others have
//! processed it. With `--naive`, the naive design is measured too, at a size that it can handle.

use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::time::sleep;

use super::client::Command;
use super::crowd::{Crowd, Faults};
use super::member::Person;
use super::net::Arrivals;
use super::people::People;
use super::process::Server;
use super::{BEAT, Design, Outcome, Setting, millis, tell_troubles};
use crate::machine;
use crate::output::{Progress, Row, Table};
use crate::stats::Histogram;

/// The pause between two changes: longer than the longest publish interval, so that each is published immediately.
const PAUSE: Duration = Duration::from_millis(1_100);

/// The results for one kind of change.
#[derive(Debug, Serialize)]
struct Rounds {
    run: usize,
    who: &'static str,
    sessions: usize,
    change: &'static str,
    rounds: u64,
    /// Time until the change was written to all clients.
    written_p50_ms: f64,
    written_p99_ms: f64,
    /// Time until all clients had received the change.
    received_p50_ms: f64,
    received_p99_ms: f64,
    /// Time until a client had received the change, over all clients.
    each_p50_ms: f64,
    /// Processor time of the server for each change, including heartbeats and the actor's login.
    server_cpu_ms: f64,
    missing: usize,
    #[serde(flatten)]
    faults: Faults,
}

impl Row for Rounds {
    const COLUMNS: &'static [(&'static str, usize)] = &[
        ("run", 3),
        ("who", 5),
        ("sessions", 8),
        ("change", 9),
        ("rounds", 6),
        ("written p50", 11),
        ("p99 ms", 7),
        ("received p50", 12),
        ("p99 ms", 7),
        ("each p50", 8),
        ("server ms", 9),
        ("missing", 7),
        ("faults", 6),
    ];

    fn cells(&self) -> Vec<String> {
        let ms = |ms: f64| format!("{ms:.1}");
        vec![
            self.run.to_string(),
            self.who.to_owned(),
            self.sessions.to_string(),
            self.change.to_owned(),
            self.rounds.to_string(),
            ms(self.written_p50_ms),
            ms(self.written_p99_ms),
            ms(self.received_p50_ms),
            ms(self.received_p99_ms),
            ms(self.each_p50_ms),
            ms(self.server_cpu_ms),
            self.missing.to_string(),
            self.faults.all().to_string(),
        ]
    }
}

/// Runs the scenario. `naive` is the number of sessions for the comparison with the naive design; zero skips it.
///
/// # Errors
/// Returns an error if the accounts and tickets cannot be created or a server does not start.
pub async fn run(setting: &Setting, rounds: usize, naive: usize) -> Outcome {
    let people = People::gather(&setting.folder, setting.most().max(naive), 0).await?;
    let mut table =
        Table::new(setting.format, &format!("broadcast: one change to all sessions ({})", machine::describe()));
    let mut progress = Progress::default();
    let mut is_fine = true;
    for run in 1..=setting.runs {
        let mut contests: Vec<_> = setting.sessions.iter().map(|&sessions| (Design::Ours, sessions)).collect();
        if naive > 0 {
            contests.extend([(Design::Ours, naive), (Design::Naive, naive)]);
        }
        for (design, sessions) in contests {
            let people = &people.holders[..sessions];
            for row in contest(setting, run, design, people, rounds, &mut progress).await? {
                is_fine &= row.missing == 0 && row.faults.all() == 0;
                table.row(&row);
            }
        }
    }
    Ok(is_fine)
}

/// The measured times of one kind of change.
#[derive(Debug, Default)]
struct Times {
    written: Histogram,
    received: Histogram,
    each: Histogram,
    processor: Duration,
    missing: usize,
}

/// Index of the client that makes the changes. It does not count as a receiver.
const ACTOR: usize = 0;

async fn contest(
    setting: &Setting,
    run: usize,
    design: Design,
    people: &[Person],
    rounds: usize,
    progress: &mut Progress,
) -> std::io::Result<Vec<Rounds>> {
    let (server, who, by) = design.start(setting)?;
    let net = setting.net(&server, Arrivals::Noted)?;
    let sessions = people.len();
    let crowd = Crowd::gather(&net, people, setting.closely, BEAT);
    crowd.aim(sessions as u64);
    crowd.tell_all(Command::Come(by));
    let came = crowd.reach(0, setting.patience, progress).await;
    let mut revision = sessions as u64;
    let (mut departures, mut arrivals) = (Times::default(), Times::default());
    if came.missing == 0 {
        let begin = Instant::now();
        for round in 0..rounds {
            progress.say(|| format!("{who}, {sessions} sessions: round {round} of {rounds}"));
            if begin.elapsed() > setting.patience {
                break;
            }
            sleep(PAUSE).await;
            revision += 1;
            change(&crowd, &server, revision, Command::Leave, &mut departures, setting.patience).await;
            crowd.tell(ACTOR, Command::Knock);
            sleep(PAUSE).await;
            revision += 1;
            change(&crowd, &server, revision, Command::Come(by), &mut arrivals, setting.patience).await;
        }
    }
    let faults = crowd.settle(|_| true, Duration::from_secs(5)).await;
    let row = |change, times: &Times| {
        let of = |histogram: &Histogram, share| millis(histogram.percentile(share));
        let rounds = times.received.count();
        Rounds {
            run,
            who,
            sessions,
            change,
            rounds,
            written_p50_ms: of(&times.written, 0.5),
            written_p99_ms: of(&times.written, 0.99),
            received_p50_ms: of(&times.received, 0.5),
            received_p99_ms: of(&times.received, 0.99),
            each_p50_ms: of(&times.each, 0.5),
            server_cpu_ms: millis(times.processor) / rounds.max(1) as f64,
            missing: came.missing.max(times.missing),
            faults,
        }
    };
    let rows = vec![row("departure", &departures), row("arrival", &arrivals)];
    tell_troubles(who, &crowd.tally.troubles());
    crowd.scatter().await;
    Ok(rows)
}

/// Makes the actor cause one change and waits until all other clients have received it.
async fn change(
    crowd: &Crowd,
    server: &Server,
    revision: u64,
    command: Command,
    times: &mut Times,
    patience: Duration,
) {
    crowd.aim(revision);
    let processor = server.processor();
    crowd.tell(ACTOR, command);
    let reached = crowd.reach(ACTOR + 1, patience, &mut Progress::default()).await;
    times.processor += server.processor() - processor;
    times.missing = times.missing.max(reached.missing);
    let Some(asked) = crowd.members[ACTOR].lock().asked else { return };
    let (mut written, mut received) = (0, asked.at);
    for moment in crowd.moments(ACTOR + 1) {
        written = written.max(moment.wall);
        received = received.max(moment.at);
        times.each.record(moment.at.saturating_duration_since(asked.at));
    }
    times.written.record(Duration::from_nanos(written.saturating_sub(asked.wall)));
    times.received.record(received - asked.at);
}
