//! Many clients in this process, and the truth that their rosters are compared with.

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

/// How often a crowd is looked at while it is waited for. Each client notes its own times, so this one is in no result.
const LOOK: Duration = Duration::from_millis(20);

/// The first port that clients announce.
const PORT: u16 = 40_000;

/// The clients. They end when it is dropped.
#[derive(Debug)]
pub(crate) struct Crowd {
    pub(crate) members: Vec<Arc<Member>>,
    pub(crate) tally: Arc<Tally>,
    commands: Vec<UnboundedSender<Command>>,
    tasks: JoinSet<()>,
}

/// How far everybody has come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reached {
    /// Those who have not.
    pub(crate) missing: usize,
    /// When the last of the others did.
    pub(crate) last: Option<Instant>,
}

/// What is wrong with the rosters of those who are online.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, serde::Serialize)]
pub(crate) struct Faults {
    /// Not online, without a whole copy, or at another revision than the rest.
    pub(crate) behind: u64,
    /// Kept a roster, and it is not the truth.
    pub(crate) wrong: u64,
    /// Changes that did not join what was there.
    pub(crate) gaps: u64,
}

impl Faults {
    pub(crate) const fn all(self) -> u64 {
        self.behind + self.wrong + self.gaps
    }
}

impl Crowd {
    /// One client for each person, still outside. `closely` of them, evenly spread, keep a roster.
    pub(crate) fn gather(net: &Arc<Net>, people: &[Person], closely: usize, beat: Duration) -> Self {
        Self::beside(0, net, people, closely, beat)
    }

    /// The same, beside so many clients of other crowds.
    pub(crate) fn beside(others: usize, net: &Arc<Net>, people: &[Person], closely: usize, beat: Duration) -> Self {
        let mut crowd =
            Self { members: Vec::new(), tally: Arc::default(), commands: Vec::new(), tasks: JoinSet::new() };
        // Keys of sessions are made of it, which must differ from run to run.
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
        self.commands[index].send(command).expect("a client listens as long as its crowd is there");
    }

    pub(crate) fn tell_all(&self, command: Command) {
        (0..self.members.len()).for_each(|index| self.tell(index, command));
    }

    /// From now on everybody is waited for to have a whole roster of at least revision `target`.
    pub(crate) fn aim(&self, target: u64) {
        // Higher than anything first, so that nobody reaches what was aimed at before.
        self.tally.target.store(u64::MAX, Ordering::Relaxed);
        self.members.iter().for_each(|member| member.lock().reached = None);
        self.tally.reached.store(0, Ordering::Relaxed);
        self.tally.target.store(target, Ordering::Relaxed);
    }

    /// Waits until all clients but the first `skip` have what was aimed at, or until `patience` is over.
    pub(crate) async fn reach(&self, skip: usize, patience: Duration, progress: &mut Progress) -> Reached {
        let (begin, count) = (Instant::now(), self.members.len() - skip);
        // The sum is looked at first because it costs nothing; those who are skipped may be in it.
        while (self.reached() < count || self.moments(skip).len() < count) && begin.elapsed() < patience {
            progress.say(|| {
                let online = self.tally.online.load(Ordering::Relaxed);
                format!("{online} are online, {} of {count} have the whole roster", self.reached())
            });
            sleep(LOOK).await;
        }
        let moments = self.moments(skip);
        Reached { missing: count - moments.len(), last: moments.iter().map(|moment| moment.at).max() }
    }

    fn reached(&self) -> usize {
        self.tally.reached.load(Ordering::Relaxed)
    }

    /// The highest revision of the epoch that most recently began to be seen.
    pub(crate) fn latest(&self) -> (Epoch, Revision) {
        let views = self.members.iter().filter_map(|member| {
            let state = member.lock();
            (state.is_online && state.view.is_whole).then_some((state.view.epoch, state.view.revision))
        });
        views.max_by_key(|(_, revision)| *revision).unwrap_or((Epoch::new(0), Revision::new(0)))
    }

    /// Everybody who is online, each as it was told about itself.
    pub(crate) fn truth(&self) -> Roster {
        let entry = |member: &Arc<Member>| {
            let state = member.lock();
            state.entry.clone().filter(|_| state.is_online)
        };
        self.members.iter().filter_map(entry).collect()
    }

    /// Compares everybody who is `expected` to be online with the truth.
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

    /// Waits until everybody who is `expected` has the truth and nothing is wrong any more, or until `patience` is over.
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

    /// When those who have what was aimed at got it, client by client, leaving out the first `skip` clients.
    pub(crate) fn moments(&self, skip: usize) -> Vec<Moment> {
        self.members[skip..].iter().filter_map(|member| member.lock().reached).collect()
    }

    /// When those who were let in were, client by client.
    pub(crate) fn admissions(&self) -> Vec<Instant> {
        self.members.iter().filter_map(|member| member.lock().admitted).collect()
    }

    /// Ends all clients without a word, and waits until their sockets are closed.
    pub(crate) async fn scatter(mut self) {
        self.tasks.shutdown().await;
    }
}
