//! Connections that break and resume all the time, while users arrive, leave and move: in the end every client has the
//! server's roster, and no client reported a departure that did not happen.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use chat_core::client::Event;
use chat_core::generator::Generator;
use chat_core::name::UserName;
use chat_core::peer::LimitCounts;
use chat_core::presence::{Presence, Record};
use chat_core::roster::{Change, Roster};
use chat_core::server::{Count, ServerConfig};
use chat_core::sim::{
    AddressChange, ConnectionFault, Crash, Profile, ProgramEvent, SeededGenerator, UserId, World, WorldConfig,
    announce, each_seed,
};
use chat_core::wire::control::Purpose;

const SECOND: Duration = Duration::from_secs(1);

/// Longer than the silence time, the backoff and the attempts after it, and the grace time.
const QUIET: Duration = Duration::from_secs(120);

const NAMES: [&str; 9] = ["alice", "bob", "carol", "dave", "eve", "frank", "小明", "grace", "heidi"];

struct Room {
    world: World,
    random: SeededGenerator,
    users: [UserId; NAMES.len()],
    /// The roster of each user's application, built from reported changes only.
    reported: Vec<Option<Roster>>,
    /// How often each user was reported offline to each other one.
    reported_offline: BTreeMap<(UserId, UserName), usize>,
}

impl Room {
    fn new(seed: u64) -> Self {
        let mut random = SeededGenerator::new(seed ^ 0x4e70);
        let (_, profile) = Profile::LADDER[(random.number() % 3) as usize];
        // From an update log without capacity to one that keeps every update.
        let max_update_log = [0, 200, 3_000, 1 << 20][(random.number() % 4) as usize];
        let mut server = ServerConfig::default();
        server.max_update_log = max_update_log;
        let mut world = World::new(profile, WorldConfig { server, ..WorldConfig::default() }, seed);
        let users = world.add_online(NAMES);
        let mut room =
            Self { world, random, users, reported: vec![None; NAMES.len()], reported_offline: BTreeMap::new() };
        room.apply_events();
        room
    }

    fn below(&mut self, most: u64) -> u64 {
        self.random.number() % most
    }

    fn inject_fault(&mut self) {
        let index = self.below(NAMES.len() as u64) as usize;
        let user = self.users[index];
        match self.below(20) {
            _ if !self.world.is_running(user) => {
                self.reported[index] = None;
                self.world.login(user, Purpose::Login);
            }
            0..=1 => self.world.leave(user),
            2 => self.world.kill(user, Crash::Process),
            3..=5 => {
                let host = self.below(200) as u8 + 1;
                self.world.roam(user, IpAddr::from([10, 7, index as u8, host]), AddressChange::Detected);
            }
            6 => self.world.break_connection(user, ConnectionFault::HalfOpen),
            7 => self.users.iter().for_each(|user| self.world.break_connection(*user, ConnectionFault::Reset)),
            _ => self.world.break_connection(user, ConnectionFault::Reset),
        }
    }

    /// Applies the events of each user to the roster of its application.
    fn apply_events(&mut self) {
        for (index, user) in self.users.into_iter().enumerate() {
            for event in self.world.take_events(user) {
                match event.event {
                    ProgramEvent::Client(Event::Online { .. }) => {
                        self.reported[index] = self.world.roster(user).cloned();
                    }
                    ProgramEvent::Client(Event::Change { change, .. }) => self.apply_change(index, &change),
                    _ => {}
                }
            }
        }
    }

    fn apply_change(&mut self, index: usize, change: &Change) {
        let Some(reported) = &mut self.reported[index] else { return };
        reported.apply(change);
        if let Change::Offline { user, .. } = change {
            *self.reported_offline.entry((self.users[index], user.clone())).or_default() += 1;
        }
    }

    fn check(&self) {
        for (user, reported) in self.users.iter().zip(&self.reported) {
            assert!(self.world.is_running(*user), "a program is not running");
            self.world.check_roster(*user).unwrap_or_else(|difference| panic!("{difference}"));
            let reported = reported.as_ref().expect("an online event was reported");
            self.world.check_changes(*user, reported).unwrap_or_else(|difference| panic!("{difference}"));
        }
        let mut departures = BTreeMap::<_, usize>::new();
        for record in self.world.records(World::SERVER) {
            if let Record::Presence(event) = record
                && matches!(event.presence, Presence::Offline(_))
            {
                *departures.entry(event.user.clone()).or_default() += 1;
            }
        }
        for ((_, user), count) in &self.reported_offline {
            assert!(
                *count <= departures.get(user).copied().unwrap_or(0),
                "{user} was reported offline more often than it left"
            );
        }
    }
}

/// Returns how many resumes were answered with a delta, and how many with a snapshot.
fn resumes(seed: u64) -> (u64, u64) {
    let mut room = Room::new(seed);
    for _ in 0..40 + room.below(60) {
        room.inject_fault();
        // The pause is often so short that earlier changes are not yet published or still in flight.
        let most = [30, 300, 5_000][room.below(3) as usize];
        let pause = room.below(most);
        room.world.run(Duration::from_millis(pause));
        room.apply_events();
    }
    // Start programs that ended, and leave the other connections alone.
    room.world.run(QUIET);
    for index in 0..NAMES.len() {
        room.apply_events();
        if !room.world.is_running(room.users[index]) {
            room.reported[index] = None;
            room.world.login(room.users[index], Purpose::Login);
        }
    }
    room.world.run(30 * SECOND);
    room.apply_events();
    room.check();
    assert_eq!(room.world.limit_counts(), LimitCounts::default(), "honest users reached a limit");
    let counts = room.world.server_counts(World::SERVER).expect("the server is running");
    (counts[Count::CaughtUp], counts[Count::Resumed] - counts[Count::CaughtUp])
}

#[test]
fn after_any_resumes_every_client_has_the_servers_roster() {
    let (deltas, snapshots) = (Cell::new(0), Cell::new(0));
    let count = each_seed(env!("CARGO_CRATE_NAME"), 0..600, |seed| {
        let (delta, snapshot) = resumes(seed);
        deltas.set(deltas.get() + delta);
        snapshots.set(snapshots.get() + snapshot);
    });
    let (deltas, snapshots) = (deltas.get(), snapshots.get());
    assert!(
        count == 1 || deltas > count && snapshots > count,
        "{deltas} deltas and {snapshots} snapshots: both must occur"
    );
    announce(format_args!("resumes: {count} seeds, {deltas} deltas and {snapshots} snapshots"));
}
