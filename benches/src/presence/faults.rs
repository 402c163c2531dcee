//! The faults of `failover`, and how long they are felt.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chat_core::id::Epoch;
use tokio::time::sleep;

use super::attempts::Newcomers;
use super::clients::{Clients, Reached};
use super::net::Net;
use super::trial::Trial;

/// How long a fault was felt, from the fault or from the start of Redis on.
#[derive(Debug, Default)]
pub(super) struct Felt {
    /// The clients that felt it.
    pub(super) clients: usize,
    /// The time until the first of them, and until all of them have recovered.
    pub(super) first: Option<Duration>,
    pub(super) all: Option<Duration>,
    /// How many have not recovered.
    pub(super) missing: usize,
    /// How many have got a snapshot.
    pub(super) snapshots: Option<u64>,
    /// The time until Redis had another epoch, and how many epochs the clients have seen since.
    pub(super) epoch: Option<Duration>,
    pub(super) epochs: Option<usize>,
    /// The time until somebody had logged in at every server.
    pub(super) login: Option<Duration>,
    /// The clients that do not come back.
    pub(super) gone: BTreeSet<usize>,
    /// The changes of the roster that have happened.
    pub(super) expected: u64,
}

/// The server that is killed.
const KILLED: usize = 0;

/// The time for which Redis is away if it keeps its data.
const AWAY: Duration = Duration::from_secs(2);

/// The interval in which the epochs are looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Kills a server, and waits until all of its clients have continued at the others.
pub(super) async fn kill_server(trial: &mut Trial) -> Felt {
    let clients: Vec<usize> =
        trial.clients.at(KILLED).into_iter().filter(|index| is_online(&trial.clients, *index)).collect();
    let revision = trial.revision();
    let deltas = trial.deltas();
    trial.clients.set_target(revision);
    let begin = Instant::now();
    trial.servers.all[KILLED].kill();
    let reached = trial.clients.wait_for_target(clients.iter().copied(), begin, trial.timeout).await;
    let first = trial.clients.moments(clients.iter().copied()).map(|moment| moment.at).min();
    let snapshots = (clients.len() as u64).saturating_sub(trial.deltas() - deltas);
    let first = first.map(|at| at.saturating_duration_since(begin));
    Felt { clients: clients.len(), first, snapshots: Some(snapshots), ..felt(reached) }
}

/// Kills a server and its clients, and waits until all others have been told that these are offline.
pub(super) async fn kill_server_and_clients(trial: &mut Trial, sessions: usize) -> Felt {
    let gone: BTreeSet<usize> =
        trial.clients.at(KILLED).into_iter().filter(|index| is_online(&trial.clients, *index)).collect();
    let others = (0..sessions).filter(|index| !gone.contains(index));
    let revision = trial.revision();
    trial.clients.set_target(revision + gone.len() as u64);
    let begin = Instant::now();
    trial.servers.all[KILLED].kill();
    // None of them has connected again yet: they pause first.
    for index in &gone {
        trial.clients.abort(*index);
    }
    let reached = trial.clients.wait_for_target(others.clone(), begin, trial.timeout).await;
    for index in &gone {
        trial.clients.states[*index].lock().entry = None;
    }
    let expected = gone.len() as u64;
    Felt { clients: others.count(), expected, gone, ..felt(reached) }
}

/// Kills Redis and starts it again. Waits until somebody has logged in at every server and, if Redis has lost its data,
/// until every client has a snapshot of another epoch.
pub(super) async fn restart_redis(
    trial: &mut Trial,
    net: &Arc<Net>,
    newcomers: &mut Newcomers,
    sessions: usize,
    is_empty: bool,
) -> Felt {
    let patience = trial.timeout;
    let Some(before) = trial.clients.latest_version().map(|version| version.epoch) else { return Felt::default() };
    let Some(roster) = &mut trial.servers.roster else { return Felt::default() };
    roster.stop();
    if !is_empty {
        sleep(AWAY).await;
    }
    let begin = Instant::now();
    roster.restart();
    let mut felt = Felt { clients: sessions, expected: net.servers() as u64, ..Felt::default() };
    if is_empty {
        while roster.epoch().is_none() && begin.elapsed() < patience {
            sleep(LOOK).await;
        }
        felt.epoch = Some(begin.elapsed());
    }
    let logins = newcomers.log_in(net, &trial.clients, sessions, patience);
    let snapshots = async {
        let mut epochs = BTreeSet::new();
        let missing = loop {
            let now = new_epochs(&trial.clients, sessions, before);
            if !now.is_empty() && felt.first.is_none() {
                felt.first = Some(begin.elapsed());
            }
            epochs.extend(now.iter().copied());
            if !is_empty || now.len() == sessions || begin.elapsed() > patience {
                break if is_empty { sessions - now.len() } else { 0 };
            }
            sleep(LOOK).await;
        };
        (begin.elapsed(), epochs.len(), missing)
    };
    let (logged_in, (all, epochs, missing)) = tokio::join!(logins, snapshots);
    felt.login = logged_in.map(|at| at.saturating_duration_since(begin));
    felt.missing = missing + usize::from(logged_in.is_none());
    if is_empty {
        (felt.all, felt.epochs) = (Some(all), Some(epochs));
    } else {
        felt.all = felt.login;
    }
    felt
}

fn felt(reached: Reached) -> Felt {
    Felt { all: Some(reached.time), missing: reached.missing, ..Felt::default() }
}

fn is_online(clients: &Clients, index: usize) -> bool {
    clients.states[index].lock().entry.is_some()
}

/// The epoch of each client that has a complete roster of another one than `before`.
fn new_epochs(clients: &Clients, sessions: usize, before: Epoch) -> Vec<Epoch> {
    let epoch = |index: usize| {
        let state = clients.states[index].lock();
        state.view.is_complete().then_some(state.view.version.epoch).filter(|epoch| *epoch != before)
    };
    (0..sessions).filter_map(epoch).collect()
}
