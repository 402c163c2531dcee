//! Many clients in this process, and the expected roster that theirs are compared with.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use chat_core::id::{Epoch, Revision};
use chat_core::roster::Roster;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::client::{Client, Command};
use super::member::{Member, Moment, Person};
use super::net::{Net, wall};
use super::random::Dice;
use super::tally::Tally;
use super::view::Looking;
use crate::output::Progress;

/// The polling interval while waiting for a crowd. Clients record their own times, so it does not affect the results.
const LOOK: Duration = Duration::from_millis(20);

/// The first port that clients announce.
const PORT: u16 = 40_000;

/// A group of clients. Dropping it aborts their tasks.
#[derive(Debug)]
pub(crate) struct Crowd {
    pub(crate) members: Vec<Arc<Member>>,
    pub(crate) tally: Arc<Tally>,
    commands: Vec<UnboundedSender<Command>>,
    tasks: JoinSet<()>,
}

/// How many clients reached the target, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reached {
    /// Number of clients that did not reach the target.
    pub(crate) missing: usize,
    /// When the last of the other clients reached it.
    pub(crate) last: Option<Instant>,
}

/// Numbers of faults among the clients that should be online.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, serde::Serialize)]
pub(crate) struct Faults {
    /// Clients that are offline, lack a complete roster, or are not at the latest roster version.
    pub(crate) behind: u64,
    /// Clients whose roster differs from the expected one.
    pub(crate) wrong: u64,
    /// Updates that did not continue the client's revision.
    pub(crate) gaps: u64,
}

impl Faults {
    pub(crate) const fn all(self) -> u64 {
        self.behind + self.wrong + self.gaps
    }
}

impl Crowd {
    /// Creates one offline client for each person. `closely` of them, evenly spread, keep a roster.
    pub(crate) fn gather(net: &Arc<Net>, people: &[Person], closely: usize, beat: Duration) -> Self {
        Self::beside(0, net, people, closely, beat)
    }

    /// Like [`gather`](Self::gather), while `others` clients of other crowds exist, whose places are not reused.
    pub(crate) fn beside(others: usize, net: &Arc<Net>, people: &[Person], closely: usize, beat: Duration) -> Self {
        let mut crowd =
            Self { members: Vec::new(), tally: Arc::default(), commands: Vec::new(), tasks: JoinSet::new() };
        // Session keys derive from the seed, so it must differ between runs.
        let seed = wall();
        let each = (people.len() / closely.max(1)).max(1);
        for (index, person) in people.iter().enumerate() {
            let is_close = index % each == 0 && index / each < closely;
            let looking = if is_close { Looking::Closely } else { Looking::Counting };
            let place = others + index;
            let member = Member::new(index, place, person.clone(), looking);
            let (sender, commands) = unbounded_channel();
            let client = Client {
                member: Arc::clone(&member),
                net: Arc::clone(net),
                tally: Arc::clone(&crowd.tally),
                commands,
                beat,
                dice: Dice::new(seed ^ (place as u64).wrapping_mul(0x0001_0000_0000_01b3)),
                port: PORT + (place % 20_000) as u16,
            };
            crowd.tasks.spawn(client.live());
            crowd.members.push(member);
            crowd.commands.push(sender);
        }
        crowd
    }

    pub(crate) fn tell(&self, index: usize, command: Command) {
        self.commands[index].send(command).expect("client tasks live as long as their crowd");
    }

    pub(crate) fn tell_all(&self, command: Command) {
        (0..self.members.len()).for_each(|index| self.tell(index, command));
    }

    /// Sets the target for [`reach`](Self::reach): a complete roster at revision `target` or later.
    pub(crate) fn aim(&self, target: u64) {
        // Disable the target while resetting, so that no client reaches the previous one.
        self.tally.target.store(u64::MAX, Ordering::Relaxed);
        self.members.iter().for_each(|member| member.lock().reached = None);
        self.tally.reached.store(0, Ordering::Relaxed);
        self.tally.target.store(target, Ordering::Relaxed);
    }

    /// Waits until all clients but the first `skip` have reached the target, for at most `patience`.
    pub(crate) async fn reach(&self, skip: usize, patience: Duration, progress: &mut Progress) -> Reached {
        let (begin, count) = (Instant::now(), self.members.len() - skip);
        // The counter is cheap to check, but it includes skipped clients, so the exact check follows.
        while (self.reached() < count || self.moments(skip).len() < count) && begin.elapsed() < patience {
            progress.say(|| {
                let online = self.tally.online.load(Ordering::Relaxed);
                format!("{online} online, {} of {count} have the complete roster", self.reached())
            });
            sleep(LOOK).await;
        }
        let moments = self.moments(skip);
        Reached { missing: count - moments.len(), last: moments.iter().map(|moment| moment.at).max() }
    }

    fn reached(&self) -> usize {
        self.tally.reached.load(Ordering::Relaxed)
    }

    /// The highest revision of all online clients with a complete roster, with its epoch.
    pub(crate) fn latest(&self) -> (Epoch, Revision) {
        let views = self.members.iter().filter_map(|member| {
            let state = member.lock();
            (state.is_online && state.view.is_whole).then_some((state.view.epoch, state.view.revision))
        });
        views.max_by_key(|(_, revision)| *revision).unwrap_or((Epoch::new(0), Revision::new(0)))
    }

    /// The expected roster: the own entry of each online client.
    pub(crate) fn truth(&self) -> Roster {
        let entry = |member: &Arc<Member>| {
            let state = member.lock();
            state.entry.clone().filter(|_| state.is_online)
        };
        self.members.iter().filter_map(entry).collect()
    }

    /// Counts the faults of the clients that are `expected` to be online.
    pub(crate) fn faults(&self, expected: impl Fn(usize) -> bool) -> Faults {
        let (latest, truth) = (self.latest(), self.truth());
        let mut faults = Faults::default();
        for member in self.members.iter().filter(|member| expected(member.index)) {
            let state = member.lock();
            let view = &state.view;
            let is_behind = !state.is_online || !view.is_whole || (view.epoch, view.revision) != latest;
            faults.behind += u64::from(is_behind);
            faults.gaps += view.gaps;
            faults.wrong += u64::from(view.looking == Looking::Closely && view.roster != truth);
        }
        faults
    }

    /// Waits until the clients that are `expected` to be online have no faults, for at most `patience`. Returns the
    /// remaining faults.
    pub(crate) async fn settle(&self, expected: impl Fn(usize) -> bool, patience: Duration) -> Faults {
        let begin = Instant::now();
        loop {
            let faults = self.faults(&expected);
            if faults.all() == 0 || begin.elapsed() > patience {
                return faults;
            }
            sleep(LOOK * 10).await;
        }
    }

    /// When each client reached the target, without the first `skip` clients and those that have not reached it.
    pub(crate) fn moments(&self, skip: usize) -> Vec<Moment> {
        self.members[skip..].iter().filter_map(|member| member.lock().reached).collect()
    }

    /// When each client was last logged in, without those that never were.
    pub(crate) fn admissions(&self) -> Vec<Instant> {
        self.members.iter().filter_map(|member| member.lock().admitted).collect()
    }

    /// Aborts all clients and waits until their sockets are closed.
    pub(crate) async fn scatter(mut self) {
        self.tasks.shutdown().await;
    }
}
