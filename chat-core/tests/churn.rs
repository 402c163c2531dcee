//! Presence equals truth: whatever happened before, after a quiet time every client sees what the server sees.

use std::net::IpAddr;
use std::time::Duration;

use chat_core::client::Event;
use chat_core::generator::Generator;
use chat_core::message::Recipient;
use chat_core::roster::Roster;
use chat_core::sim::{
    AddressChange, Application, ConnectionFault, Crash, Direction, Profile, ProgramEvent, SeededGenerator, Suspension,
    UserId, World, WorldConfig, announce, each_seed,
};
use chat_core::wire::control::Purpose;

const SECOND: Duration = Duration::from_secs(1);

/// Longer than everything that may be going on: a silence, a pause before the next attempt, one that comes to nothing,
/// the grace time, and the settling of a server that just started.
const QUIET: Duration = Duration::from_secs(200);

struct Churn {
    world: World,
    random: SeededGenerator,
    users: Vec<UserId>,
    /// What each user's application believes, from nothing but what it was told.
    believed: Vec<Option<Roster>>,
    asleep: Vec<bool>,
}

impl Churn {
    fn new(seed: u64) -> Self {
        let mut random = SeededGenerator::new(seed ^ 0xc4u64);
        let (_, profile) = Profile::LADDER[(random.number() % 6) as usize];
        let mut world = World::new(profile, WorldConfig::default(), seed);
        let mut users = world.add_online(["alice", "bob", "小明", "eve"]).to_vec();
        // Two more programs of people who are here already.
        users.extend(["bob", "eve"].map(|name| world.add_user(name)));
        let (believed, asleep) = (vec![None; users.len()], vec![false; users.len()]);
        let mut churn = Self { world, random, users, believed, asleep };
        churn.read_all();
        churn
    }

    fn below(&mut self, most: u64) -> u64 {
        self.random.number() % most
    }

    fn half<T>(&mut self, one: T, other: T) -> T {
        if self.below(2) == 0 { one } else { other }
    }

    fn something_happens(&mut self) {
        let index = self.below(self.users.len() as u64) as usize;
        let user = self.users[index];
        let death = self.half(Crash::Process, Crash::Power);
        match self.below(20) {
            0 => {
                self.world.kill(user, death);
                self.asleep[index] = false;
            }
            1 => self.world.leave(user),
            2..=5 if !self.world.is_running(user) && !self.asleep[index] => {
                self.believed[index] = None;
                self.world.login(user, Purpose::Login);
            }
            6 => {
                let host = self.below(200) as u8 + 1;
                let noticed = self.half(AddressChange::Detected, AddressChange::Undetected);
                self.world.roam(user, IpAddr::from([10, 7, index as u8, host]), noticed);
            }
            7 => {
                let way = self.half(Direction::ToServer, Direction::FromServer);
                self.world.partition(user, way);
            }
            8 => self.world.heal(user),
            9 => {
                let kind = self.half(Suspension::Process, Suspension::Machine);
                self.world.suspend(user, kind);
                self.asleep[index] = true;
            }
            10 => {
                self.world.wake(user);
                self.asleep[index] = false;
            }
            11 => {
                let how = self.half(ConnectionFault::Reset, ConnectionFault::HalfOpen);
                self.world.break_connection(user, how);
            }
            12 => {
                let by = self.below(7_200_000) as i64 - 3_600_000;
                self.world.clock(user).set_wall(by);
            }
            13 if self.world.server_roster(World::SERVER).is_some() => self.world.kill_server(World::SERVER, death),
            14 if self.world.server_roster(World::SERVER).is_some() => self.world.stop_server(World::SERVER),
            15..=16 => self.start_server(),
            17 => {
                let slow = Application::AcceptsEvery(SECOND / 4);
                let application = self.half(Application::Accepts, slow);
                self.world.set_application(user, application);
            }
            _ => {
                let other = self.below(self.users.len() as u64) as usize;
                let to = self.world.recipient(self.users[other]);
                let to = self.half(to, Recipient::Everyone);
                self.world.send_text(user, to, "hello");
            }
        }
    }

    fn start_server(&mut self) {
        if self.world.server_roster(World::SERVER).is_none() {
            self.world.start_server(World::SERVER);
        }
    }

    fn becomes_quiet(&mut self) {
        self.start_server();
        for user in self.users.clone() {
            self.world.heal(user);
            self.world.wake(user);
            self.world.set_application(user, Application::Accepts);
        }
    }

    /// Every application reads what it was told.
    fn read_all(&mut self) {
        for (index, user) in self.users.clone().into_iter().enumerate() {
            for moment in self.world.take_events(user) {
                match moment.event {
                    // From here on the application knows changes only. Nothing is asked twice: the roster of that
                    // moment may be a little older than the one that is read here, which the changes then repeat.
                    ProgramEvent::Client(Event::Online { .. }) => {
                        self.believed[index] = self.world.roster(user).cloned()
                    }
                    ProgramEvent::Client(Event::Change { change, .. }) => {
                        if let Some(believed) = &mut self.believed[index] {
                            believed.apply(&change);
                        }
                    }
                    _ => {}
                }
            }
        }
    }

    fn check(&self) {
        let mut running = 0;
        for (user, believed) in self.users.iter().zip(&self.believed) {
            if self.world.is_running(*user) {
                running += 1;
                self.world.check_roster(*user).unwrap_or_else(|lie| panic!("{lie}"));
                let believed = believed.as_ref().expect("it is online, so it was told so");
                self.world.check_changes(*user, believed).unwrap_or_else(|lie| panic!("{lie}"));
            }
        }
        let online = self.world.server_roster(World::SERVER).expect("it was started").len();
        assert_eq!(online, running, "no ghosts: whoever is online has a program");
    }
}

fn churn(seed: u64) {
    let mut churn = Churn::new(seed);
    for _ in 0..10 + churn.below(40) {
        churn.something_happens();
        let pause = Duration::from_millis(churn.half(2_000, 20_000));
        let pause = Duration::from_millis(churn.below(pause.as_millis() as u64));
        churn.world.run(pause);
        churn.read_all();
    }
    churn.becomes_quiet();
    churn.world.run(QUIET);
    churn.read_all();
    churn.check();
    assert!(churn.world.run_until_idle(SECOND), "every outcome is told in a quiet time longer than the link timeout");
    churn.world.ledger.check();
    for user in churn.users.clone() {
        churn.world.send_text(user, Recipient::Everyone, "who is here?");
    }
    assert!(churn.world.run_until_idle(QUIET), "and messages flow again");
    churn.world.ledger.check();
}

#[test]
fn presence_equals_truth_after_any_churn() {
    let count = each_seed(env!("CARGO_CRATE_NAME"), 0..1_500, churn);
    announce(format_args!("churn: {count} seeds"));
}
