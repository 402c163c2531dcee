//! Connections that break and come back all the time, in a room where people come, go and move: whatever was missed, in
//! the end everybody has the server's roster, and nobody was told of a departure or an arrival that was none.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use chat_core::client::Event;
use chat_core::generator::Generator;
use chat_core::name::UserName;
use chat_core::presence::{Presence, Record};
use chat_core::roster::{Change, Roster};
use chat_core::server::{Count, ServerConfig};
use chat_core::sim::{
    AddressChange, ConnectionFault, Crash, Profile, ProgramEvent, SeededGenerator, UserId, World, WorldConfig,
    announce, each_seed,
};
use chat_core::wire::control::Purpose;

const SECOND: Duration = Duration::from_secs(1);

/// Longer than a silence, the pauses and the attempts after it, and the grace time.
const QUIET: Duration = Duration::from_secs(120);

const NAMES: [&str; 9] = ["alice", "bob", "carol", "dave", "eve", "frank", "小明", "grace", "heidi"];

struct Room {
    world: World,
    random: SeededGenerator,
    users: [UserId; NAMES.len()],
    /// What each user's application believes, from nothing but what it was told.
    believed: Vec<Option<Roster>>,
    /// How often each was told as gone to one of the others.
    told_gone: BTreeMap<(UserId, UserName), usize>,
}

impl Room {
    fn new(seed: u64) -> Self {
        let mut random = SeededGenerator::new(seed ^ 0x4e70);
        let (_, profile) = Profile::LADDER[(random.number() % 3) as usize];
        // From a history of nothing to one that holds everything.
        let max_update_log = [0, 200, 3_000, 1 << 20][(random.number() % 4) as usize];
        let server = ServerConfig { max_update_log, ..ServerConfig::default() };
        let mut world = World::new(profile, WorldConfig { server, ..WorldConfig::default() }, seed);
        let users = world.add_online(NAMES);
        let mut room = Self { world, random, users, believed: vec![None; NAMES.len()], told_gone: BTreeMap::new() };
        room.read_all();
        room
    }

    fn below(&mut self, most: u64) -> u64 {
        self.random.number() % most
    }

    fn something_happens(&mut self) {
        let index = self.below(NAMES.len() as u64) as usize;
        let user = self.users[index];
        match self.below(20) {
            _ if !self.world.is_running(user) => {
                self.believed[index] = None;
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

    /// Every application reads what it was told.
    fn read_all(&mut self) {
        for (index, user) in self.users.into_iter().enumerate() {
            for moment in self.world.take_events(user) {
                match moment.event {
                    ProgramEvent::Client(Event::Online { .. }) => {
                        self.believed[index] = self.world.roster(user).cloned()
                    }
                    ProgramEvent::Client(Event::Change { change, .. }) => self.is_told(index, &change),
                    _ => {}
                }
            }
        }
    }

    fn is_told(&mut self, index: usize, change: &Change) {
        let Some(believed) = &mut self.believed[index] else { return };
        believed.apply(change);
        if let Change::Offline { user, .. } = change {
            *self.told_gone.entry((self.users[index], user.clone())).or_default() += 1;
        }
    }

    fn check(&self) {
        for (user, believed) in self.users.iter().zip(&self.believed) {
            assert!(self.world.is_running(*user), "everybody came back");
            self.world.check_roster(*user).unwrap_or_else(|lie| panic!("{lie}"));
            let believed = believed.as_ref().expect("it is online, so it was told so");
            self.world.check_changes(*user, believed).unwrap_or_else(|lie| panic!("{lie}"));
        }
        let mut gone = BTreeMap::<_, usize>::new();
        for record in self.world.records(World::SERVER) {
            if let Record::Presence(event) = record
                && matches!(event.presence, Presence::Offline(_))
            {
                *gone.entry(event.user.clone()).or_default() += 1;
            }
        }
        for ((_, user), told) in &self.told_gone {
            assert!(
                *told <= gone.get(user).copied().unwrap_or(0),
                "{user} did not leave as often as somebody was told"
            );
        }
    }
}

/// Gives how many came back to what they had missed, and how many to a whole copy.
fn returns(seed: u64) -> (u64, u64) {
    let mut room = Room::new(seed);
    for _ in 0..40 + room.below(60) {
        room.something_happens();
        // Often so little that what happened before is on its way, or was not even told.
        let most = [30, 300, 5_000][room.below(3) as usize];
        let pause = room.below(most);
        room.world.run(Duration::from_millis(pause));
        room.read_all();
    }
    // Programs that ended start again, and the connections of the others are left alone.
    room.world.run(QUIET);
    for index in 0..NAMES.len() {
        room.read_all();
        if !room.world.is_running(room.users[index]) {
            room.believed[index] = None;
            room.world.login(room.users[index], Purpose::Login);
        }
    }
    room.world.run(30 * SECOND);
    room.read_all();
    room.check();
    let counts = room.world.server_counts(World::SERVER).expect("it runs");
    (counts[Count::CaughtUp], counts[Count::Resumed] - counts[Count::CaughtUp])
}

#[test]
fn whatever_was_missed_everybody_has_the_roster_of_the_server() {
    let (caught_up, copied) = (Cell::new(0), Cell::new(0));
    let count = each_seed(env!("CARGO_CRATE_NAME"), 0..600, |seed| {
        let (missed, whole) = returns(seed);
        caught_up.set(caught_up.get() + missed);
        copied.set(copied.get() + whole);
    });
    let (caught_up, copied) = (caught_up.get(), copied.get());
    assert!(count == 1 || caught_up > count && copied > count, "{caught_up} and {copied}: both ways are taken");
    announce(format_args!("returns: {count} seeds, {caught_up} times what was missed and {copied} times a copy"));
}
