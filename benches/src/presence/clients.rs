//! A group of clients in this process, and the expected roster that theirs are compared with.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use chat_core::roster::{Entry, Roster, RosterVersion};
use chat_core::sim::SeededGenerator;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::sleep;

use super::accounts::TestAccount;
use super::client::{Client, Command, Method, Moment, SharedState};
use super::counters::Counters;
use super::net::{Net, source, wall_nanos};
use super::view::View;
use crate::output::{Progress, Row};

/// The polling interval of waits. Clients record their own times, so it does not affect the results.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The first port that clients offer.
const FIRST_PORT: u16 = 40_000;

/// The heartbeat interval: the server's default.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(10);

/// The time for all rosters to become consistent when no more changes happen.
pub(crate) const CONVERGENCE_TIME: Duration = Duration::from_secs(5);

/// A group of clients. Dropping it aborts their tasks.
#[derive(Debug)]
pub(crate) struct Clients {
    pub(crate) states: Vec<Arc<SharedState>>,
    pub(crate) counters: Arc<Counters>,
    commands: Vec<UnboundedSender<Command>>,
    handles: Vec<AbortHandle>,
    tasks: JoinSet<()>,
}

/// How many clients reached the target, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reached {
    /// Number of clients that did not reach the target.
    pub(crate) missing: usize,
    /// The time until the last of the other clients reached it.
    pub(crate) time: Duration,
}

/// Numbers of faults among the clients that should be online.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Faults {
    /// Clients that are offline, lack a complete roster, or are not at the latest roster version.
    behind: u64,
    /// Clients whose roster differs from the expected one.
    wrong: u64,
    /// Updates that did not continue the client's revision.
    gaps: u64,
}

impl Faults {
    pub(crate) fn add_to(self, row: Row) -> Row {
        row.with_faults("behind", self.behind).with_faults("wrong", self.wrong).with_faults("gaps", self.gaps)
    }
}

impl Clients {
    /// Creates one offline client for each account. `full_rosters` of them, evenly spread, keep the entries of the
    /// roster. Their source addresses follow those of `others` other clients.
    pub(crate) fn new(
        net: &Arc<Net>,
        others: usize,
        accounts: &[TestAccount],
        full_rosters: usize,
        heartbeat: Duration,
    ) -> Self {
        let counters = Arc::<Counters>::default();
        let (mut states, mut commands, mut handles, mut tasks) = (Vec::new(), Vec::new(), Vec::new(), JoinSet::new());
        // Session keys derive from the seed, so it must differ between runs.
        let seed = wall_nanos();
        let step = (accounts.len() / full_rosters.max(1)).max(1);
        for (index, account) in accounts.iter().enumerate() {
            let keeps_entries = index % step == 0 && index / step < full_rosters;
            let view = View::new(keeps_entries.then(Roster::new));
            let number = others + index;
            let offered = SocketAddr::new(source(number), FIRST_PORT + (number % 20_000) as u16);
            let shared = Arc::new(SharedState::new(account.clone(), offered, view));
            let (sender, receiver) = unbounded_channel();
            let client = Client {
                shared: Arc::clone(&shared),
                net: Arc::clone(net),
                counters: Arc::clone(&counters),
                commands: receiver,
                heartbeat,
                generator: SeededGenerator::new(seed.wrapping_add(number as u64)),
                number,
                prepared: None,
            };
            handles.push(tasks.spawn(client.run()));
            states.push(shared);
            commands.push(sender);
        }
        Self { states, counters, commands, handles, tasks }
    }

    pub(crate) fn command(&self, index: usize, command: Command) {
        self.commands[index].send(command).expect("client tasks live as long as their group");
    }

    /// Ends a client for ever, without a leave request and whatever it does at the moment. It counts as online until the
    /// caller clears its entry.
    pub(crate) fn abort(&self, index: usize) {
        self.handles[index].abort();
    }

    /// The clients that connect to the server with this number.
    pub(crate) fn at(&self, server: usize) -> Vec<usize> {
        (0..self.states.len()).filter(|index| self.states[*index].lock().server == server).collect()
    }

    /// Makes the clients in `range` log in, and waits until each has a complete roster at revision `target` or later, for
    /// at most `timeout`.
    pub(crate) async fn login(
        &self,
        range: impl Iterator<Item = usize> + Clone,
        method: Method,
        target: u64,
        timeout: Duration,
    ) -> Reached {
        self.set_target(target);
        let begin = Instant::now();
        range.clone().for_each(|index| self.command(index, Command::Login(method)));
        self.wait_for_target(range, begin, timeout).await
    }

    /// Sets the target of [`wait_for_target`](Self::wait_for_target): a complete roster at revision `target` or later.
    pub(crate) fn set_target(&self, target: u64) {
        // Disable the target while resetting, so that no client reaches the previous one.
        self.counters.target.store(u64::MAX, Ordering::Relaxed);
        self.states.iter().for_each(|shared| shared.lock().reached = None);
        self.counters.reached.store(0, Ordering::Relaxed);
        self.counters.target.store(target, Ordering::Relaxed);
    }

    /// Waits until the clients in `range` have reached the target, for at most `timeout` after `begin`.
    pub(crate) async fn wait_for_target(
        &self,
        range: impl Iterator<Item = usize> + Clone,
        begin: Instant,
        timeout: Duration,
    ) -> Reached {
        let (mut progress, count) = (Progress::default(), range.clone().count());
        let reached = || self.counters.reached.load(Ordering::Relaxed);
        // The counter is cheap to check, but it includes the other clients, so the exact check follows.
        while (reached() < count || self.moments(range.clone()).count() < count) && begin.elapsed() < timeout {
            progress.report(|| {
                let online = self.expected_roster().len();
                format!("{online} online, {} of {count} have the complete roster", reached())
            });
            sleep(POLL_INTERVAL).await;
        }
        let moments: Vec<Moment> = self.moments(range).collect();
        let last = moments.iter().map(|moment| moment.at).max().unwrap_or(begin);
        Reached { missing: count - moments.len(), time: last.saturating_duration_since(begin) }
    }

    /// When the clients in `range` reached the target, without those that have not reached it.
    pub(crate) fn moments(&self, range: impl Iterator<Item = usize>) -> impl Iterator<Item = Moment> {
        range.filter_map(|index| self.states[index].lock().reached)
    }

    /// The expected roster: the own entry of each online client, with the address that it offers.
    pub(crate) fn expected_roster(&self) -> Roster {
        let entry = |shared: &Arc<SharedState>| {
            let state = shared.lock();
            Some(Entry { addresses: vec![state.offered], ..state.entry.clone()? })
        };
        self.states.iter().filter_map(entry).collect()
    }

    /// The latest version that an online client with a complete roster has.
    pub(crate) fn latest_version(&self) -> Option<RosterVersion> {
        let versions = self.states.iter().filter_map(|shared| {
            let state = shared.lock();
            (state.entry.is_some() && state.view.is_complete()).then_some(state.view.version)
        });
        versions.max_by_key(|version| version.revision)
    }

    /// Counts the faults of the clients that `should_be_online`.
    pub(crate) fn faults(&self, should_be_online: impl Fn(usize) -> bool) -> Faults {
        let (latest, expected) = (self.latest_version(), self.expected_roster());
        let mut faults = Faults::default();
        for (_, shared) in self.states.iter().enumerate().filter(|(index, _)| should_be_online(*index)) {
            let state = shared.lock();
            let view = &state.view;
            let is_behind = state.entry.is_none() || !view.is_complete() || Some(view.version) != latest;
            faults.behind += u64::from(is_behind);
            faults.gaps += view.gaps;
            faults.wrong += u64::from(view.roster.as_ref().is_some_and(|roster| *roster != expected));
        }
        faults
    }

    /// Waits until the clients that `should_be_online` have no faults, for at most `timeout`. Returns the remaining
    /// faults.
    pub(crate) async fn wait_until_consistent(
        &self,
        should_be_online: impl Fn(usize) -> bool,
        timeout: Duration,
    ) -> Faults {
        let begin = Instant::now();
        loop {
            let faults = self.faults(&should_be_online);
            if faults == Faults::default() || begin.elapsed() > timeout {
                return faults;
            }
            sleep(POLL_INTERVAL * 10).await;
        }
    }

    /// Aborts all clients and waits until their sockets are closed.
    pub(crate) async fn shut_down(mut self) {
        self.tasks.shutdown().await;
    }
}
