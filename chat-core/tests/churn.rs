//! Random faults: after a quiet time every client has the server's roster.

use std::cell::Cell;
use std::net::IpAddr;
use std::time::Duration;

use chat_core::client::Event;
use chat_core::generator::Generator;
use chat_core::message::Recipient;
use chat_core::peer::LimitCounts;
use chat_core::presence::{Presence, Record};
use chat_core::relay::{ParcelResult, RelayConfig};
use chat_core::roster::Roster;
use chat_core::server::{Count, ServerConfig};
use chat_core::sim::{
    AddressChange, Application, ConnectionFault, Crash, Direction, Profile, ProgramEvent, SeededGenerator, Suspension,
    UserId, World, WorldConfig, announce, each_seed,
};
use chat_core::wire::control::Purpose;

const SECOND: Duration = Duration::from_secs(1);

/// Longer than any recovery: the silence time, a backoff, a failed attempt, the grace time, and the settling time of a
/// server that has just started.
const QUIET: Duration = Duration::from_secs(200);

struct Churn {
    world: World,
    random: SeededGenerator,
    users: Vec<UserId>,
    /// The roster of each user's application, built from reported changes only.
    reported: Vec<Option<Roster>>,
    suspended: Vec<bool>,
}

impl Churn {
    fn new(seed: u64, ways: Ways) -> Self {
        let mut random = SeededGenerator::new(seed ^ 0xc4u64);
        let (_, profile) = Profile::LADDER[(random.number() % 6) as usize];
        let relay = (ways != Ways::Direct).then(RelayConfig::default);
        let mut world = World::new(profile, WorldConfig { relay, ..WorldConfig::default() }, seed);
        if ways == Ways::Relayed {
            world.network().block_all();
        }
        let mut users = world.add_online(["alice", "bob", "小明", "eve"]).to_vec();
        // Second programs of two users.
        users.extend(["bob", "eve"].map(|name| world.add_user(name)));
        let (reported, suspended) = (vec![None; users.len()], vec![false; users.len()]);
        let mut churn = Self { world, random, users, reported, suspended };
        churn.apply_events();
        churn
    }

    fn below(&mut self, most: u64) -> u64 {
        self.random.number() % most
    }

    fn half<T>(&mut self, one: T, other: T) -> T {
        if self.below(2) == 0 { one } else { other }
    }

    fn inject_fault(&mut self) {
        let index = self.below(self.users.len() as u64) as usize;
        let user = self.users[index];
        let crash = self.half(Crash::Process, Crash::Power);
        match self.below(22) {
            0 => {
                self.world.kill(user, crash);
                self.suspended[index] = false;
            }
            1 => self.world.leave(user),
            2..=5 if !self.world.is_running(user) && !self.suspended[index] => {
                self.reported[index] = None;
                self.world.login(user, Purpose::Login);
            }
            6 => {
                let host = self.below(200) as u8 + 1;
                let change = self.half(AddressChange::Detected, AddressChange::Undetected);
                self.world.roam(user, IpAddr::from([10, 7, index as u8, host]), change);
            }
            7 => {
                let direction = self.half(Direction::ToServer, Direction::FromServer);
                self.world.partition(user, direction);
            }
            8 => self.world.heal(user),
            9 => {
                let kind = self.half(Suspension::Process, Suspension::Machine);
                self.world.suspend(user, kind);
                self.suspended[index] = true;
            }
            10 => {
                self.world.wake(user);
                self.suspended[index] = false;
            }
            11 => {
                let fault = self.half(ConnectionFault::Reset, ConnectionFault::HalfOpen);
                self.world.break_connection(user, fault);
            }
            12 => {
                let by = self.below(7_200_000) as i64 - 3_600_000;
                self.world.clock(user).set_wall(by);
            }
            13 if self.world.server_roster(World::SERVER).is_some() => self.world.kill_server(World::SERVER, crash),
            14 if self.world.server_roster(World::SERVER).is_some() => self.world.stop_server(World::SERVER),
            15..=16 => self.start_server(),
            20..=21 => {
                let number = self.below(1_000);
                let text = format!("away {number}").parse().ok();
                let away = self.half(text, None);
                self.world.set_away(user, away);
            }
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

    fn remove_faults(&mut self) {
        self.start_server();
        for user in self.users.clone() {
            self.world.heal(user);
            self.world.wake(user);
            self.world.set_application(user, Application::Accepts);
        }
    }

    /// UDP dies for all or in one direction between two users, or returns.
    fn disturb_udp(&mut self) {
        let [from, to] = [0; 2].map(|_: u32| self.below(self.users.len() as u64) as usize);
        let (from, to) = (self.world.address(self.users[from]), self.world.address(self.users[to]));
        match self.below(4) {
            0 => self.world.network().block_all(),
            1 => self.world.network().block(from, to),
            _ => self.world.network().unblock(),
        }
    }

    /// Applies the events of each user to the roster of its application.
    fn apply_events(&mut self) {
        for (index, user) in self.users.clone().into_iter().enumerate() {
            for event in self.world.take_events(user) {
                match event.event {
                    // The roster read here may be newer than the event. The changes that follow then repeat a part of
                    // it, which has no effect.
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
                    }
                    _ => {}
                }
            }
        }
    }

    fn check(&self) {
        let mut running = 0;
        for (user, reported) in self.users.iter().zip(&self.reported) {
            if self.world.is_running(*user) {
                running += 1;
                self.world.check_roster(*user).unwrap_or_else(|difference| panic!("{difference}"));
                let reported = reported.as_ref().expect("an online event was reported");
                self.world.check_changes(*user, reported).unwrap_or_else(|difference| panic!("{difference}"));
            }
        }
        let online = self.world.server_roster(World::SERVER).expect("the server is running").len();
        assert_eq!(online, running, "the server has sessions without a program");
    }
}

/// Which ways there are between the users.
#[derive(Clone, Copy, PartialEq)]
enum Ways {
    Direct,
    /// Through the server only.
    Relayed,
    /// Directly, or through the server while UDP is dead.
    Flickering,
}

/// Returns how many datagrams the server has passed on since it started last.
fn churn(seed: u64, ways: Ways) -> u64 {
    let mut churn = Churn::new(seed, ways);
    for _ in 0..10 + churn.below(40) {
        churn.inject_fault();
        if ways == Ways::Flickering && churn.below(4) == 0 {
            churn.disturb_udp();
        }
        let pause = Duration::from_millis(churn.half(2_000, 20_000));
        let pause = Duration::from_millis(churn.below(pause.as_millis() as u64));
        churn.world.run(pause);
        churn.apply_events();
    }
    churn.remove_faults();
    churn.world.run(QUIET);
    churn.apply_events();
    churn.check();
    assert!(churn.world.run_until_idle(SECOND), "outcomes are missing after a time longer than the link timeout");
    churn.world.ledger.check();
    for user in churn.users.clone() {
        churn.world.send_text(user, Recipient::Everyone, "who is here?");
    }
    assert!(churn.world.run_until_idle(QUIET), "messages are not delivered after the faults");
    churn.world.ledger.check();
    assert_eq!(churn.world.limit_counts(), LimitCounts::default(), "honest users reached a limit");
    churn.world.relay_counts(World::SERVER)[ParcelResult::Passed]
}

#[test]
fn every_client_has_the_servers_roster_after_any_faults() {
    let count = each_seed(env!("CARGO_CRATE_NAME"), 0..1_500, |seed| {
        assert_eq!(churn(seed, Ways::Direct), 0, "nobody relays");
    });
    announce(format_args!("churn: {count} seeds"));
}

/// Runs seeds with a server that relays, and states how much it has relayed.
fn churn_relayed(ways: Ways, what: &str) {
    let passed = Cell::new(0);
    let count = each_seed(env!("CARGO_CRATE_NAME"), 0..750, |seed| passed.set(passed.get() + churn(seed, ways)));
    assert!(passed.get() > 5 * count, "{} datagrams were relayed", passed.get());
    announce(format_args!("churn: {count} seeds {what}, {} datagrams relayed", passed.get()));
}

#[test]
fn the_delivery_contract_holds_through_any_faults_with_everything_relayed() {
    churn_relayed(Ways::Relayed, "with everything relayed");
}

#[test]
fn the_delivery_contract_holds_through_any_faults_with_udp_that_dies_and_returns() {
    churn_relayed(Ways::Flickering, "with UDP that dies and returns");
}

/// Users who come and go faster than the server publishes.
fn comings_and_goings(seed: u64) -> (u64, u64) {
    let mut server = ServerConfig::default();
    server.publish_interval.min = SECOND / 3;
    server.sessions_per_account = 10_000;
    let config = WorldConfig { server, job_time: Duration::from_millis(2), ..WorldConfig::default() };
    let mut world = World::new(Profile::GOOD, config, seed);
    let mut users = world.add_online(["alice", "bob", "小明", "eve", "dave", "carol"]).to_vec();
    // A second program, whose sessions replace those of the first.
    users.push(world.add_user("bob"));
    let (reported, suspended) = (vec![None; users.len()], vec![false; users.len()]);
    let mut churn = Churn { world, random: SeededGenerator::new(seed ^ 0x90), users, reported, suspended };
    churn.apply_events();
    for _ in 0..50 + churn.below(100) {
        let index = churn.below(churn.users.len() as u64) as usize;
        let user = churn.users[index];
        if churn.world.is_running(user) {
            churn.world.leave(user);
        } else {
            churn.reported[index] = None;
            churn.world.login(user, Purpose::Login);
        }
        let pause = Duration::from_millis(churn.below(80));
        churn.world.run(pause);
        churn.apply_events();
    }
    churn.world.run(QUIET);
    churn.apply_events();
    churn.check();
    let began = churn.world.server_counts(World::SERVER).expect("the server is running")[Count::Password];
    let arrival = |record: &&Record| matches!(record, Record::Presence(event) if matches!(event.presence, Presence::Online(_) | Presence::Replaced(_)));
    (began, churn.world.records(World::SERVER).iter().filter(arrival).count() as u64)
}

#[test]
fn every_client_has_the_servers_roster_after_sessions_that_nobody_saw() {
    let totals = Cell::new((0, 0));
    let count = each_seed(env!("CARGO_CRATE_NAME"), 0..300, |seed| {
        let (sessions, arrivals) = comings_and_goings(seed);
        assert!(arrivals <= sessions, "{arrivals} arrivals of {sessions} sessions");
        let (began, recorded) = totals.get();
        totals.set((began + sessions, recorded + arrivals));
    });
    let (began, recorded) = totals.get();
    assert!(recorded * 10 < began * 9, "{recorded} of {began} sessions lasted until a publication");
    announce(format_args!("comings and goings: {count} seeds, {began} sessions, {recorded} published"));
}
