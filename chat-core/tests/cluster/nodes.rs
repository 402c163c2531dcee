//! A world of nodes and users, and the misfortunes that it can have.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use chat_core::client::Event;
use chat_core::generator::Generator;
use chat_core::message::Recipient;
use chat_core::name::UserName;
use chat_core::roster::{Change, Roster};
use chat_core::server::JournalState;
use chat_core::sim::{
    ConnectionFault, Crash, Profile, ProgramEvent, SeededGenerator, ServerId, UserId, World, WorldConfig,
};
use chat_core::wire::control::Purpose;

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// Longer than any recovery: a node is lost, its heir waits for the client, and the client for its next attempt.
pub(crate) const QUIET: Duration = Duration::from_secs(150);

pub(crate) const NAMES: [&str; 6] = ["alice", "bob", "小明", "eve", "dave", "carol"];

/// The seeds of a test: `count`, or as many as `CHAT_CLUSTER_SEEDS` says.
pub(crate) fn seeds(count: u64) -> Range<u64> {
    let wanted = std::env::var("CHAT_CLUSTER_SEEDS").ok();
    0..wanted.map_or(count, |wanted| wanted.parse().expect("CHAT_CLUSTER_SEEDS is a number"))
}

pub(crate) struct Cluster {
    pub(crate) world: World,
    pub(crate) random: SeededGenerator,
    pub(crate) nodes: Vec<ServerId>,
    pub(crate) users: Vec<UserId>,
    /// The roster of each user's application, built from reported changes only.
    pub(crate) reported: Vec<Option<Roster>>,
    /// How often a user was reported offline.
    pub(crate) departures_seen: BTreeMap<UserName, usize>,
    pub(crate) asleep: Option<ServerId>,
}

impl Cluster {
    pub(crate) fn new(seed: u64, nodes: usize) -> Self {
        let mut random = SeededGenerator::new(seed ^ 0xc1u64);
        let (_, profile) = Profile::LADDER[(random.number() % 3) as usize];
        let mut world = World::sharing(profile, WorldConfig::default(), nodes, Duration::from_millis(2), seed);
        let nodes = world.servers();
        let ready = |world: &World| nodes.iter().all(|node| is_ready(world, *node));
        assert!(world.run_until(20 * SECOND, ready), "the nodes have not entered");
        let users = world.add_online(NAMES).to_vec();
        let reported = vec![None; users.len()];
        let mut cluster =
            Self { world, random, nodes, users, reported, departures_seen: BTreeMap::new(), asleep: None };
        cluster.apply_events();
        cluster
    }

    pub(crate) fn below(&mut self, most: u64) -> u64 {
        self.random.number() % most
    }

    pub(crate) fn node(&mut self) -> ServerId {
        let index = self.below(self.nodes.len() as u64) as usize;
        self.nodes[index]
    }

    pub(crate) fn run(&mut self, millis: u64) {
        let pause = self.below(millis);
        self.world.run(Duration::from_millis(pause));
        self.apply_events();
    }

    /// Something happens to the journal, or between it and a node.
    pub(crate) fn disturb_journal(&mut self) {
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

    /// Something happens to a node.
    pub(crate) fn disturb_nodes(&mut self) {
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

    pub(crate) fn disturb_users(&mut self) {
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

    pub(crate) fn wake(&mut self) {
        if let Some(node) = self.asleep.take() {
            self.world.wake_server(node);
        }
    }

    pub(crate) fn end_misfortunes(&mut self) {
        self.wake();
        self.world.start_journal();
        for node in self.nodes.clone() {
            self.world.reconnect(node);
            if self.world.server_roster(node).is_none() {
                self.world.start_server(node);
            }
        }
    }

    /// Applies the events of each user to the roster of its application.
    pub(crate) fn apply_events(&mut self) {
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
                            *self.departures_seen.entry(user).or_default() += 1;
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
    pub(crate) fn check(&self) {
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

pub(crate) fn is_ready(world: &World, node: ServerId) -> bool {
    world.journal_status(node).is_some_and(|status| status.state == JournalState::Ready)
}
