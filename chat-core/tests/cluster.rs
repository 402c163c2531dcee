//! Several servers that share one journal: what must hold whatever happens to them and to the journal.
//!
//! The world itself checks all the time that all nodes apply the same acts in the same order, that they have the same
//! roster after each, that no account, id or name has two sessions at any position, and that no act of a node follows
//! the one that declared it lost.
//!
//! `CHAT_CLUSTER_SEEDS` sets another number of seeds. A thousand of each test take some 25 s of processor time together.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use chat_core::client::Event;
use chat_core::generator::Generator;
use chat_core::message::Recipient;
use chat_core::name::UserName;
use chat_core::presence::Record;
use chat_core::roster::{Change, Roster};
use chat_core::server::{Count, JournalState, JournalStatus, ServerConfig};
use chat_core::sim::{
    ConnectionFault, Crash, Profile, ProgramEvent, SeededGenerator, ServerId, Suspension, UserId, World, WorldConfig,
    announce, each_seed,
};
use chat_core::wire::control::Purpose;

const SECOND: Duration = Duration::from_secs(1);

/// Longer than any recovery: a node is lost, its heir waits for the client, and the client for its next attempt.
const QUIET: Duration = Duration::from_secs(150);

const NAMES: [&str; 6] = ["alice", "bob", "小明", "eve", "dave", "carol"];

/// The seeds of a test: `count`, or as many as `CHAT_CLUSTER_SEEDS` says.
fn seeds(count: u64) -> Range<u64> {
    let wanted = std::env::var("CHAT_CLUSTER_SEEDS").ok();
    0..wanted.map_or(count, |wanted| wanted.parse().expect("CHAT_CLUSTER_SEEDS is a number"))
}

struct Cluster {
    world: World,
    random: SeededGenerator,
    nodes: Vec<ServerId>,
    users: Vec<UserId>,
    /// The roster of each user's application, built from reported changes only.
    reported: Vec<Option<Roster>>,
    /// How often a user was reported offline.
    told_gone: BTreeMap<UserName, usize>,
    asleep: Option<ServerId>,
}

impl Cluster {
    fn new(seed: u64, nodes: usize) -> Self {
        let mut random = SeededGenerator::new(seed ^ 0xc1u64);
        let (_, profile) = Profile::LADDER[(random.number() % 3) as usize];
        let mut world = World::sharing(profile, WorldConfig::default(), nodes, Duration::from_millis(2), seed);
        let nodes = world.servers();
        let ready = |world: &World| nodes.iter().all(|node| is_ready(world, *node));
        assert!(world.run_until(20 * SECOND, ready), "the nodes have not entered");
        let users = world.add_online(NAMES).to_vec();
        let reported = vec![None; users.len()];
        let mut cluster = Self { world, random, nodes, users, reported, told_gone: BTreeMap::new(), asleep: None };
        cluster.apply_events();
        cluster
    }

    fn below(&mut self, most: u64) -> u64 {
        self.random.number() % most
    }

    fn node(&mut self) -> ServerId {
        let index = self.below(self.nodes.len() as u64) as usize;
        self.nodes[index]
    }

    fn run(&mut self, millis: u64) {
        let pause = self.below(millis);
        self.world.run(Duration::from_millis(pause));
        self.apply_events();
    }

    /// What can happen to the journal, and between it and the nodes.
    fn disturb_journal(&mut self) {
        let node = self.node();
        match self.below(12) {
            0 => self.world.cut_off(node),
            1..=2 => self.world.reconnect(node),
            3 => self.world.stop_journal(),
            4..=5 => self.world.start_journal(),
            6 => {
                let time = Duration::from_millis(self.below(9_000));
                self.world.stall_journal(time);
            }
            7 => {
                let acts = self.below(9);
                self.world.forget_acts(acts);
            }
            8 => self.world.empty_journal(),
            9 => self.world.lose_answer(node),
            10 => self.world.delay_append(node),
            _ => self.world.trim_journal(),
        }
    }

    /// What can happen to the nodes.
    fn disturb_nodes(&mut self) {
        let node = self.node();
        let is_running = self.world.server_roster(node).is_some();
        match self.below(7) {
            0 if is_running => {
                let crash = if self.below(2) == 0 { Crash::Process } else { Crash::Power };
                self.world.kill_server(node, crash);
            }
            1 if is_running && self.asleep != Some(node) => self.world.stop_server(node),
            2..=4 if !is_running => self.world.start_server(node),
            5 => {
                self.wake();
                self.world.suspend_server(node);
                self.asleep = Some(node);
            }
            _ => self.wake(),
        }
    }

    fn disturb_users(&mut self) {
        let index = self.below(self.users.len() as u64) as usize;
        let user = self.users[index];
        match self.below(9) {
            0 => self.world.leave(user),
            1 => self.world.kill(user, Crash::Process),
            2..=4 if !self.world.is_running(user) => {
                self.reported[index] = None;
                self.world.login(user, Purpose::Login);
            }
            5 => self.world.break_connection(user, ConnectionFault::HalfOpen),
            6 => self.world.break_connection(user, ConnectionFault::Reset),
            7 => {
                let number = self.below(100);
                self.world
                    .set_away(user, (number < 70).then(|| format!("away {number}").parse().expect("a short text")));
            }
            _ => self.world.send_text(user, Recipient::Everyone, "hello"),
        }
    }

    fn wake(&mut self) {
        if let Some(node) = self.asleep.take() {
            self.world.wake_server(node);
        }
    }

    fn end_misfortunes(&mut self) {
        self.wake();
        self.world.start_journal();
        for node in self.nodes.clone() {
            self.world.reconnect(node);
            if self.world.server_roster(node).is_none() {
                self.world.start_server(node);
            }
        }
    }

    /// Kills nodes. Returns how many sessions continue at those that are left, and how many of them without a snapshot.
    fn kill_and_count(&mut self, killed: &[ServerId], left: &[ServerId]) -> (u64, u64) {
        let totals = |world: &World| {
            let counts = left.iter().map(|node| world.server_counts(*node).expect("the node is running"));
            counts.fold((0, 0), |(resumed, caught_up), counts| {
                (resumed + counts[Count::Resumed], caught_up + counts[Count::CaughtUp])
            })
        };
        let before = totals(&self.world);
        killed.iter().for_each(|node| self.world.kill_server(*node, Crash::Process));
        self.world.run(20 * SECOND);
        let after = totals(&self.world);
        (after.0 - before.0, after.1 - before.1)
    }

    /// Applies the events of each user to the roster of its application.
    fn apply_events(&mut self) {
        for (index, user) in self.users.clone().into_iter().enumerate() {
            for event in self.world.take_events(user) {
                match event.event {
                    ProgramEvent::Client(Event::Online { .. }) => {
                        self.reported[index] = self.world.roster(user).cloned();
                    }
                    ProgramEvent::Client(Event::Away { user, away, .. }) => {
                        if let Some(reported) = &mut self.reported[index]
                            && let Some(mut entry) = reported.remove(&user)
                        {
                            entry.set_away(away.as_ref());
                            reported.insert(entry);
                        }
                    }
                    ProgramEvent::Client(Event::Change { change, .. }) => {
                        if let Some(reported) = &mut self.reported[index] {
                            reported.apply(&change);
                        }
                        if let Change::Offline { user, .. } = change {
                            *self.told_gone.entry(user).or_default() += 1;
                        }
                    }
                    ProgramEvent::Client(Event::Ended(ended)) => {
                        panic!("the session of a client that runs ended: {ended:?}")
                    }
                    _ => {}
                }
            }
        }
    }

    /// Checks that all nodes and all clients have the same roster, and that it is who is there.
    fn check(&self) {
        let mut running = Vec::new();
        for (user, reported) in self.users.iter().zip(&self.reported) {
            if self.world.is_running(*user) {
                running.push(self.world.name(*user).clone());
                self.world.check_roster(*user).unwrap_or_else(|difference| panic!("{difference}"));
                let reported = reported.as_ref().expect("an online event was reported");
                self.world.check_changes(*user, reported).unwrap_or_else(|difference| panic!("{difference}"));
            }
        }
        running.sort();
        let first = self.world.server_roster(self.nodes[0]).expect("the node is running");
        let online: Vec<_> = first.iter().map(|entry| entry.user.clone()).collect();
        assert_eq!(online, running, "who is online, and who is there");
        let (epoch, position) = self.world.journal_head().expect("the journal has an epoch");
        for node in &self.nodes {
            let status = self.world.journal_status(*node).expect("the node is running");
            assert_eq!(
                (status.state, status.epoch, status.position),
                (JournalState::Ready, epoch, position),
                "{status:?}"
            );
            assert_eq!(self.world.server_roster(*node), Some(first), "two nodes have different rosters");
        }
    }
}

fn is_ready(world: &World, node: ServerId) -> bool {
    world.journal_status(node).is_some_and(|status| status.state == JournalState::Ready)
}

/// Everything that can happen, to the journal, the nodes and the users.
fn churn(seed: u64) {
    let mut cluster = Cluster::new(seed, 3);
    for _ in 0..10 + cluster.below(25) {
        match cluster.below(3) {
            0 => cluster.disturb_journal(),
            1 => cluster.disturb_nodes(),
            _ => cluster.disturb_users(),
        }
        let most = [300, 3_000, 15_000][cluster.below(3) as usize];
        cluster.run(most);
    }
    cluster.end_misfortunes();
    cluster.world.run(QUIET);
    cluster.apply_events();
    cluster.check();
    cluster.world.ledger.check();
    for user in cluster.users.clone() {
        cluster.world.send_text(user, Recipient::Everyone, "who is here?");
    }
    assert!(cluster.world.run_until_idle(QUIET), "messages are not delivered after the misfortunes");
    cluster.world.ledger.check();
}

#[test]
fn presence_equals_the_truth_after_any_misfortunes() {
    let count = each_seed(env!("CARGO_CRATE_NAME"), seeds(1_000), churn);
    announce(format_args!("churn of a cluster: {count} seeds"));
}

/// One node is killed or sleeps for less than 40 s, and one thing happens to the journal. Nobody leaves.
fn no_false_departures(seed: u64) {
    let mut cluster = Cluster::new(seed, 3);
    cluster.run(5_000);
    if cluster.below(2) == 0 {
        cluster.disturb_journal();
        cluster.run(8_000);
        cluster.world.start_journal();
        cluster.nodes.clone().into_iter().for_each(|node| cluster.world.reconnect(node));
        cluster.run(20_000);
    }
    let node = cluster.node();
    if cluster.below(2) == 0 {
        cluster.world.kill_server(node, Crash::Process);
    } else {
        cluster.world.suspend_server(node);
        cluster.asleep = Some(node);
        let millis = cluster.below(39_000);
        cluster.world.run(Duration::from_millis(millis));
        cluster.wake();
    }
    cluster.world.run(QUIET);
    cluster.end_misfortunes();
    cluster.world.run(60 * SECOND);
    cluster.apply_events();
    assert_eq!(cluster.told_gone, BTreeMap::new(), "users were reported offline who are there");
    cluster.check();
}

#[test]
fn nobody_is_reported_offline_who_did_not_leave() {
    let count = each_seed(env!("CARGO_CRATE_NAME"), seeds(1_000), no_false_departures);
    announce(format_args!("no false departures: {count} seeds"));
}

/// One node has not read the latest act, the journal loses it, and all nodes that have read it are killed. The epoch goes
/// on, and its next revision means something else than what clients of the killed nodes know by it. Perhaps the first
/// welcomes that these get are lost.
fn losing_what_one_node_has_not_read(seed: u64) {
    let mut cluster = Cluster::new(seed, 3);
    let left = cluster.world.server_of(cluster.users[0]);
    let others: Vec<_> = cluster.nodes.iter().copied().filter(|node| *node != left).collect();
    let gone = cluster.users[5];
    cluster.world.leave(gone);
    cluster.run(5_000);
    cluster.world.save_journal();
    cluster.world.cut_off(left);
    cluster.reported[5] = None;
    cluster.world.login(gone, Purpose::Login);
    let name = cluster.world.name(gone).clone();
    let is_there = |world: &World| {
        others.iter().all(|node| world.server_roster(*node).is_some_and(|roster| roster.get(&name).is_some()))
    };
    cluster.world.run_until(4 * SECOND, is_there);
    // A change that the node has to propose as soon as it can.
    cluster.world.set_away(cluster.users[0], Some("away".parse().expect("a short text")));
    cluster.run(1_000);
    cluster.world.kill(gone, Crash::Process);
    cluster.world.forget_acts(1);
    others.iter().for_each(|node| cluster.world.kill_server(*node, Crash::Process));
    cluster.world.reconnect(left);
    if cluster.below(2) == 0 {
        let resumed = |world: &World| world.server_counts(left).is_some_and(|counts| counts[Count::Resumed] > 0);
        cluster.world.run_until(10 * SECOND, resumed);
        for user in cluster.users.clone() {
            cluster.world.break_connection(user, ConnectionFault::Reset);
        }
    }
    cluster.world.run(QUIET);
    cluster.end_misfortunes();
    cluster.world.run(QUIET);
    cluster.apply_events();
    cluster.check();
}

#[test]
fn presence_equals_the_truth_after_the_journal_loses_what_one_node_has_not_read() {
    let count = each_seed(env!("CARGO_CRATE_NAME"), seeds(200), losing_what_one_node_has_not_read);
    announce(format_args!("lost acts that a node has not read: {count} seeds"));
}

/// The journal goes back to what it had in an earlier epoch. A client that sleeps meanwhile states a revision of then.
fn going_back_to_an_earlier_epoch(seed: u64) {
    let mut cluster = Cluster::new(seed, 1 + (seed % 3) as usize);
    cluster.run(3_000);
    cluster.world.save_journal();
    cluster.world.save_journal();
    let (first, saved) = cluster.world.journal_head().expect("the journal has an epoch");
    cluster.world.leave(cluster.users[5]);
    cluster.world.run(2 * SECOND);
    let sleeper = cluster.users[0];
    cluster.world.suspend(sleeper, Suspension::Process);
    cluster.world.forget_acts(1);
    cluster.world.run(10 * SECOND);
    let (second, now) = cluster.world.journal_head().expect("the journal has an epoch");
    assert_ne!(second, first, "the nodes know what the journal has lost");
    for index in 1..4 {
        let (user, text) = (cluster.users[index], cluster.below(100));
        cluster.world.set_away(user, Some(format!("away {text}").parse().expect("a short text")));
    }
    cluster.run(3_000);
    cluster.world.forget_acts(now.get() - saved.get());
    if cluster.below(2) == 0 {
        // Perhaps when a node has read what there is, and is about to found the epoch.
        let is_back = |status: JournalStatus| status.epoch == first;
        let nodes = cluster.nodes.clone();
        let has_read = |world: &World| nodes.iter().filter_map(|node| world.journal_status(*node)).any(is_back);
        cluster.world.run_until(5 * SECOND, has_read);
        cluster.world.stop_journal();
        cluster.world.run(SECOND);
        cluster.world.start_journal();
    }
    cluster.world.run(10 * SECOND);
    let (third, _) = cluster.world.journal_head().expect("the journal has an epoch");
    assert!(third != first && third != second, "revisions of the first epoch have another meaning now");
    cluster.world.wake(sleeper);
    cluster.world.run(QUIET);
    cluster.apply_events();
    cluster.check();
}

#[test]
fn presence_equals_the_truth_after_the_journal_goes_back_to_an_earlier_epoch() {
    let count = each_seed(env!("CARGO_CRATE_NAME"), seeds(200), going_back_to_an_earlier_epoch);
    announce(format_args!("an earlier epoch: {count} seeds"));
}

/// The journal loses acts that nodes know, or everything. Returns the time until all nodes share another epoch.
fn time_of_a_fork(seed: u64) -> Duration {
    /// The nodes find out in a round of a second, or when their connections break, and enter again after a pause of at most
    /// 2 s. One of them pauses for up to half a second more, and founds the epoch.
    const FORK_TIME: Duration = Duration::from_secs(3);
    let mut cluster = Cluster::new(seed, 3);
    cluster.run(3_000);
    cluster.world.save_journal();
    for _ in 0..=cluster.below(6) {
        let (index, number) = (cluster.below(6) as usize, cluster.below(1_000));
        let user = cluster.users[index];
        cluster.world.set_away(user, Some(format!("away {number}").parse().expect("a short text")));
        cluster.run(1_000);
    }
    cluster.world.run(SECOND);
    let (before, _) = cluster.world.journal_head().expect("the journal has an epoch");
    let begin = cluster.world.now();
    if cluster.below(2) == 0 {
        cluster.world.empty_journal();
    } else {
        cluster.world.forget_acts(1);
    }
    let nodes = cluster.nodes.clone();
    let shares_another = |world: &World| {
        let mut epochs = nodes.iter().filter_map(|node| world.journal_status(*node)).map(|status| status.epoch);
        let epoch = world.journal_head().map(|(epoch, _)| epoch).filter(|epoch| *epoch != before);
        epoch.is_some_and(|epoch| epochs.all(|known| known == epoch))
    };
    let is_in_time = cluster.world.run_until(FORK_TIME, shares_another);
    let statuses: Vec<_> = nodes.iter().map(|node| cluster.world.journal_status(*node)).collect();
    assert!(is_in_time, "{before}: {statuses:?}");
    let time = begin.until(cluster.world.now());
    cluster.world.run(QUIET);
    cluster.apply_events();
    assert_eq!(cluster.told_gone, BTreeMap::new(), "users were reported offline who are there");
    cluster.check();
    time
}

#[test]
fn all_nodes_share_another_epoch_within_seconds_after_the_journal_has_lost_acts() {
    let longest = Cell::new(Duration::ZERO);
    let count = each_seed(env!("CARGO_CRATE_NAME"), seeds(200), |seed| {
        longest.set(longest.get().max(time_of_a_fork(seed)));
    });
    announce(format_args!("forks: {count} seeds, {:?} at most", longest.get()));
}

/// A node is killed while users come and go. Returns how many sessions continued at other nodes, and how many of them
/// without a snapshot.
fn catching_up(seed: u64) -> (u64, u64) {
    let mut cluster = Cluster::new(seed, 3);
    for _ in 0..6 {
        cluster.disturb_users();
        cluster.run(1_000);
    }
    cluster.world.run(2 * SECOND);
    let killed = cluster.node();
    let left: Vec<_> = cluster.nodes.iter().copied().filter(|node| *node != killed).collect();
    cluster.kill_and_count(&[killed], &left)
}

#[test]
fn sessions_of_a_killed_node_continue_elsewhere_without_a_snapshot() {
    continue_without_a_snapshot("catching up", catching_up);
}

/// Asserts that nearly all sessions that continue do so without a snapshot.
fn continue_without_a_snapshot(what: &str, catching_up: impl Fn(u64) -> (u64, u64)) {
    let total = Cell::new((0, 0));
    let count = each_seed(env!("CARGO_CRATE_NAME"), seeds(1_000), |seed| {
        let (resumed, caught_up) = catching_up(seed);
        let (all, most) = total.get();
        total.set((all + resumed, most + caught_up));
    });
    let (resumed, caught_up) = total.get();
    assert!(count == 1 || resumed > count, "{resumed} sessions");
    assert!(caught_up * 100 >= resumed * 99, "{caught_up} of {resumed} without a snapshot");
    announce(format_args!("{what}: {count} seeds, {caught_up} of {resumed} sessions without a snapshot"));
}

/// A node starts while users come and go, and then all others are killed. Returns how many sessions continued at it, and
/// how many of them without a snapshot.
fn catching_up_at_a_new_node(seed: u64) -> (u64, u64) {
    let mut cluster = Cluster::new(seed, 3);
    let node = cluster.node();
    cluster.world.kill_server(node, Crash::Process);
    for _ in 0..8 {
        cluster.disturb_users();
        cluster.run(2_000);
    }
    cluster.world.start_server(node);
    let ready = cluster.world.run_until(20 * SECOND, |world| is_ready(world, node));
    assert!(ready, "the node has not entered");
    for _ in 0..cluster.below(4) {
        cluster.disturb_users();
        cluster.run(1_000);
    }
    cluster.world.run(2 * SECOND);
    let killed: Vec<_> = cluster.nodes.iter().copied().filter(|other| *other != node).collect();
    let continued = cluster.kill_and_count(&killed, &[node]);
    cluster.end_misfortunes();
    cluster.world.run(QUIET);
    cluster.apply_events();
    cluster.check();
    continued
}

#[test]
fn sessions_continue_without_a_snapshot_at_a_node_that_has_just_started() {
    continue_without_a_snapshot("a new node", catching_up_at_a_new_node);
}

/// The presence log of one server, while users come and go.
fn records(seed: u64, is_sharing: bool) -> Vec<Record> {
    let mut server = ServerConfig::default();
    // Every change is published alone, so that a server that is alone leaves out none.
    server.publish_interval.min = Duration::ZERO;
    server.publish_interval.per_session = Duration::ZERO;
    // The two draw different times for jobs, unless these take none.
    let config = WorldConfig { server, job_time: Duration::ZERO, ..WorldConfig::default() };
    let mut world = match is_sharing {
        true => World::sharing(Profile::GOOD, config, 1, Duration::ZERO, seed),
        false => World::new(Profile::GOOD, config, seed),
    };
    world.run(10 * SECOND);
    let users = world.add_online(NAMES);
    let mut random = SeededGenerator::new(seed ^ 0x1e);
    for _ in 0..40 {
        let user = users[(random.number() % 6) as usize];
        match random.number() % 6 {
            _ if !world.is_running(user) => world.login(user, Purpose::Login),
            0 => world.leave(user),
            1 => world.kill(user, Crash::Process),
            2..=3 => world.break_connection(user, ConnectionFault::Reset),
            _ => world.set_away(user, "lunch".parse().ok().filter(|_| random.number().is_multiple_of(2))),
        }
        world.run(Duration::from_millis(random.number() % 9_000));
    }
    world.run(40 * SECOND);
    world.records(World::SERVER).to_vec()
}

#[test]
fn one_node_keeps_the_same_presence_log_as_a_server_that_is_alone() {
    let count = each_seed(env!("CARGO_CRATE_NAME"), seeds(1_000), |seed| {
        let (shared, alone) = (records(seed, true), records(seed, false));
        let difference = shared.iter().zip(&alone).find(|(shared, alone)| shared != alone);
        assert!(difference.is_none() && shared.len() == alone.len(), "{difference:?}");
    });
    announce(format_args!("one node: {count} seeds"));
}
