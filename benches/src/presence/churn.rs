//! `churn`: for a given time, sessions join, leave, break and resume immediately, stay broken until they resume at
//! random, possibly after the grace time, and move to another port.
//!
//! At the end every client that should be online must be at the latest revision, and those that keep a roster must
//! have the expected one. The server's memory is sampled every second. The slope is that of the least-squares line
//! through the second half of the samples, when one-time growth is over.

use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::time::sleep;

use super::client::{By, Command};
use super::crowd::{Crowd, Faults};
use super::net::{Arrivals, wall};
use super::people::People;
use super::random::Dice;
use super::{BEAT, Outcome, Setting, tell_troubles};
use crate::machine;
use crate::output::{Progress, Row, Table};

/// The interval between two samples of the server's memory.
const LOOK: Duration = Duration::from_secs(1);

/// The time for all rosters to converge at the end: the grace time, the longest retry pause of a client, and a margin.
const SETTLE: Duration = Duration::from_secs(60);

/// The results of one run.
#[derive(Debug, Serialize)]
struct Churned {
    run: usize,
    sessions: usize,
    seconds: f64,
    came: u64,
    left: u64,
    resumed: u64,
    broke: u64,
    moved: u64,
    /// Sessions that are online at the end.
    online: usize,
    /// Mean resident memory in each quarter of the run.
    quarters_mb: [f64; 4],
    most_mb: f64,
    slope_kb_per_minute: f64,
    server_cpu_share: f64,
    missing: usize,
    #[serde(flatten)]
    faults: Faults,
}

impl Row for Churned {
    const COLUMNS: &'static [(&'static str, usize)] = &[
        ("run", 3),
        ("sessions", 8),
        ("s", 5),
        ("came", 6),
        ("left", 6),
        ("resumed", 7),
        ("broke", 6),
        ("moved", 6),
        ("online", 6),
        ("MB by quarters", 26),
        ("most", 6),
        ("KB/min", 8),
        ("cpu %", 5),
        ("missing", 7),
        ("faults", 6),
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.run.to_string(),
            self.sessions.to_string(),
            format!("{:.0}", self.seconds),
            self.came.to_string(),
            self.left.to_string(),
            self.resumed.to_string(),
            self.broke.to_string(),
            self.moved.to_string(),
            self.online.to_string(),
            self.quarters_mb.map(|mb| format!("{mb:.1}")).join(" "),
            format!("{:.1}", self.most_mb),
            format!("{:.1}", self.slope_kb_per_minute),
            format!("{:.0}", self.server_cpu_share * 100.0),
            self.missing.to_string(),
            self.faults.all().to_string(),
        ]
    }
}

/// The state that a client should be in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Place {
    Here,
    /// Has left.
    Away,
    /// Its connection broke and it has not resumed.
    Broken,
}

/// Runs the scenario for `time` with `rate` events per second.
///
/// # Errors
/// Returns an error if the accounts and tickets cannot be created or a server does not start.
pub async fn run(setting: &Setting, time: Duration, rate: f64) -> Outcome {
    let people = People::gather(&setting.folder, setting.most(), 0).await?;
    let mut table = Table::new(
        setting.format,
        &format!("churn: sessions join, leave, break, resume and move ({})", machine::describe()),
    );
    let mut progress = Progress::default();
    let mut is_fine = true;
    for run in 1..=setting.runs {
        for &sessions in &setting.sessions {
            let server = setting.serve()?;
            let net = setting.net(&server, Arrivals::Ignored)?;
            let crowd = Crowd::gather(&net, &people.holders[..sessions], setting.closely, BEAT);
            crowd.aim(sessions as u64);
            crowd.tell_all(Command::Come(By::Ticket));
            let came = crowd.reach(0, setting.patience, &mut progress).await;

            let mut script = Script { crowd: &crowd, places: vec![Place::Here; sessions], counts: [0; 5] };
            let mut dice = Dice::new(wall());
            let (begin, processor) = (Instant::now(), server.processor());
            let (mut samples, mut events) = (Vec::new(), 0_u64);
            while begin.elapsed() < time {
                let due = (begin.elapsed().as_secs_f64() * rate) as u64;
                while events < due {
                    script.event(&mut dice);
                    events += 1;
                }
                if begin.elapsed() >= LOOK * samples.len() as u32 {
                    samples.push((begin.elapsed().as_secs_f64(), server.memory().resident as f64));
                }
                progress
                    .say(|| format!("{:.0} of {} s, {events} events", begin.elapsed().as_secs_f64(), time.as_secs()));
                sleep(Duration::from_millis(10)).await;
            }
            let used = server.processor() - processor;
            let seconds = begin.elapsed().as_secs_f64();
            script.bring_back();
            let Script { places, counts: [came_in, left, resumed, broke, moved], .. } = script;
            let faults = crowd.settle(|index| places[index] == Place::Here, SETTLE).await;
            let row = Churned {
                run,
                sessions,
                seconds,
                came: came_in,
                left,
                resumed,
                broke,
                moved,
                online: crowd.truth().len(),
                quarters_mb: std::array::from_fn(|quarter| mean(&samples, quarter) / 1e6),
                most_mb: samples.iter().map(|(_, bytes)| *bytes).fold(0.0, f64::max) / 1e6,
                slope_kb_per_minute: slope(&samples[samples.len() / 2..]) * 60.0 / 1e3,
                server_cpu_share: used.as_secs_f64() / seconds,
                missing: came.missing,
                faults,
            };
            is_fine &= row.missing == 0 && row.faults.all() == 0;
            table.row(&row);
            tell_troubles("churn", &crowd.tally.troubles());
            crowd.scatter().await;
        }
    }
    Ok(is_fine)
}

/// Generates the events and tracks the state that each client should be in.
struct Script<'a> {
    crowd: &'a Crowd,
    places: Vec<Place>,
    /// Numbers of events: came, left, resumed, broke, moved.
    counts: [u64; 5],
}

impl Script<'_> {
    /// Sends a random event to a random client. Clients execute commands in order, so this does not wait.
    fn event(&mut self, dice: &mut Dice) {
        let who = dice.below(self.places.len() as u64) as usize;
        let what = match self.places[who] {
            Place::Away | Place::Broken => {
                self.crowd.tell(who, Command::Come(By::Ticket));
                self.places[who] = Place::Here;
                0
            }
            Place::Here => match dice.below(10) {
                0..=1 => {
                    self.crowd.tell(who, Command::Leave);
                    self.places[who] = Place::Away;
                    1
                }
                2..=5 => {
                    self.crowd.tell(who, Command::Cut);
                    self.crowd.tell(who, Command::Come(By::Ticket));
                    2
                }
                6 => {
                    self.crowd.tell(who, Command::Cut);
                    self.places[who] = Place::Broken;
                    3
                }
                _ => {
                    self.crowd.tell(who, Command::Move(30_000 + dice.below(20_000) as u16));
                    4
                }
            },
        };
        self.counts[what] += 1;
    }

    /// Makes all broken clients resume, so that no session is in its grace time at the end.
    fn bring_back(&mut self) {
        for (who, place) in self.places.iter_mut().enumerate() {
            if *place == Place::Broken {
                self.crowd.tell(who, Command::Come(By::Ticket));
                *place = Place::Here;
            }
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
