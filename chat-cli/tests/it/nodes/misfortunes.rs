//! Many misfortunes one after another, each shorter than the time for which absent users keep their place. After each of
//! them all clients have the same roster, and none has reported that anybody came or left.
//!
//! `CHAT_MISFORTUNES` sets another number of them, and `CHAT_SEED` others.

use std::collections::BTreeMap;
use std::env;
use std::fmt;
use std::thread;
use std::time::{Duration, Instant};

use chat_core::generator::Generator;
use chat_core::sim::{SEED_VARIABLE, SeededGenerator, announce};
use chat_store::testing::Keep;
use rustix::process::Signal;
use serde_json::Value;

use crate::harness::{Client, Fault, Nodes, PATIENCE, Proxy, is_presence, join, short_form, talk};

const USERS: [&str; 6] = ["alice", "bob", "carol", "dave", "erin", "小明"];

/// So many take less than a minute. Two hundred took 13 minutes.
const MISFORTUNES: u64 = 6;

/// The longest time that one lasts: longer than the 3 s after which a call to Redis is given up, and shorter than the 15 s
/// for which a session without a connection keeps its place.
const LONGEST: u64 = 5_000;

/// Every so often the users also write to each other.
const MESSAGES_EVERY: u64 = 5;

/// A fault of the network, of Redis or of a server.
#[derive(Clone, Copy, Debug)]
enum Misfortune {
    /// The network between a server and Redis has a fault.
    Network(usize, Fault),
    RedisIsKilled,
    RedisStalls,
    RedisForgets,
    ServerIsKilled(usize),
    ServerStops(usize),
    ServerIsSuspended(usize),
}

impl Misfortune {
    fn any(random: &mut SeededGenerator) -> Self {
        let server = (random.number() % 2) as usize;
        match random.number() % 13 {
            0 | 1 => Self::Network(server, Fault::Reset),
            2 | 3 => Self::Network(server, Fault::Silence),
            4 => Self::Network(server, Fault::SilentServer),
            5 => Self::Network(server, Fault::Delay(random.up_to(Duration::from_millis(400)))),
            6 => Self::Network(server, Fault::Drip),
            7 => Self::RedisIsKilled,
            8 => Self::RedisStalls,
            9 => Self::RedisForgets,
            10 => Self::ServerIsKilled(server),
            11 => Self::ServerStops(server),
            _ => Self::ServerIsSuspended(server),
        }
    }

    /// Lasts for this time, and is over afterwards.
    fn happen(self, time: Duration, nodes: &mut Nodes, proxies: &[Proxy; 2]) {
        match self {
            Self::Network(server, fault) => {
                proxies[server].set(fault);
                thread::sleep(time);
                proxies[server].set(Fault::None);
            }
            Self::RedisIsKilled => {
                nodes.redis.stop();
                thread::sleep(time);
                nodes.redis.restart();
            }
            Self::RedisStalls => {
                nodes.redis.pause();
                thread::sleep(time);
                nodes.redis.resume();
            }
            Self::RedisForgets => {
                nodes.redis.execute(&["FLUSHALL"]);
            }
            Self::ServerIsKilled(server) => {
                nodes.servers[server].process.kill();
                thread::sleep(time);
                nodes.restart(server);
            }
            Self::ServerStops(server) => {
                nodes.servers[server].stop();
                thread::sleep(time);
                nodes.restart(server);
            }
            Self::ServerIsSuspended(server) => {
                nodes.servers[server].process.signal(Signal::STOP);
                thread::sleep(time);
                nodes.servers[server].process.signal(Signal::CONT);
            }
        }
    }
}

impl fmt::Display for Misfortune {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// The beginning of each user's session.
type Sessions = BTreeMap<String, u64>;

/// The other users in a client's roster. Asserts that until then the client reports no arrival and no departure.
#[track_caller]
fn others(client: &mut Client) -> Sessions {
    client.type_line("/who");
    loop {
        let event = client.next_event();
        if event["event"] == "roster" {
            let session =
                |entry: &Value| (entry["user"].as_str().unwrap().to_owned(), entry["since"].as_u64().unwrap());
            return event["online"].as_array().unwrap().iter().map(session).collect();
        }
        let event = short_form(&event);
        assert!(!is_presence(&event), "{event}");
    }
}

/// Waits until each client has exactly the others in its roster, each with the session that it has always had.
#[track_caller]
fn are_equal(clients: &mut [Client], all: &Sessions) {
    let begin = Instant::now();
    for (client, user) in clients.iter_mut().zip(USERS) {
        let mut expected = all.clone();
        expected.remove(user);
        loop {
            let others = others(client);
            if others == expected {
                break;
            }
            assert!(begin.elapsed() < PATIENCE, "{user} has {others:?} instead of {expected:?}");
            thread::sleep(Duration::from_millis(50));
        }
    }
}

#[test]
fn after_each_of_many_misfortunes_all_rosters_are_what_they_were() {
    let number = |variable: &str| env::var(variable).ok().map(|number| number.parse().expect("it is a number"));
    let count = number("CHAT_MISFORTUNES").unwrap_or(MISFORTUNES);
    // The same misfortunes in each run: a run that fails does so because of a change, as far as times permit.
    let seed = number(SEED_VARIABLE).unwrap_or(1);
    let mut random = SeededGenerator::new(seed);
    let mut nodes = Nodes::new(chat_store::testing::RedisServer::start(Keep::Aof));
    let proxies = [(); 2].map(|()| Proxy::start(nodes.redis.port()));
    for proxy in &proxies {
        nodes.add(nodes.roster_behind(proxy));
    }
    nodes.are_ready(&[0, 1]);
    let mut clients = join(&nodes, &USERS);
    let all: Sessions = clients.iter_mut().flat_map(others).collect();
    assert_eq!(all.len(), USERS.len());
    let mut slowest = (Duration::ZERO, String::new());
    for turn in 1..=count {
        let misfortune = Misfortune::any(&mut random);
        let time = random.up_to(Duration::from_millis(LONGEST));
        let what = format!("{SEED_VARIABLE}={seed}, {turn}: {misfortune} for {} ms", time.as_millis());
        // The test harness prints it if the test fails.
        println!("{what}");
        misfortune.happen(time, &mut nodes, &proxies);
        let begin = Instant::now();
        nodes.are_ready(&[0, 1]);
        nodes.have_online(&[0, 1], USERS.len() as u64);
        are_equal(&mut clients, &all);
        if begin.elapsed() > slowest.0 {
            slowest = (begin.elapsed(), what);
        }
        if turn % MESSAGES_EVERY == 0 {
            talk(&mut clients, &format!("after {turn}"));
        }
    }
    announce(format_args!(
        "misfortunes: {count}, {SEED_VARIABLE}={seed}; the slowest recovery took {:?}: {}",
        slowest.0, slowest.1
    ));
}
