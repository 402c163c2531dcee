//! Redis is away, comes back with or without its data, and servers that all stop find their roster there.

use std::thread;
use std::time::{Duration, Instant};

use chat_store::testing::Keep;

use crate::harness::{Nodes, join, see, talk, until};

const USERS: [&str; 3] = ["alice", "bob", "小明"];

#[test]
fn while_redis_is_away_those_inside_go_on_and_with_its_file_it_heals_by_itself() {
    /// How long logins may fail after Redis is back.
    const HEALING: Duration = Duration::from_secs(10);
    let mut nodes = Nodes::start(2, Keep::Aof);
    let mut clients = join(&nodes, &USERS);
    nodes.redis.stop();
    nodes.let_nobody_in();
    for server in &nodes.servers {
        let errors = server.process.errors_with("is away");
        let why = "the roster that the servers share is away, and nobody can log in until it is back: ";
        assert_eq!(errors.matches(why).count(), 1, "{errors}");
        assert!(errors.contains("the Redis server at 127.0.0.1:"), "{errors}");
    }
    talk(&mut clients, "Redis is away");
    nodes.redis.restart();
    let begin = Instant::now();
    nodes.are_back(&clients, "alice, bob, 小明");
    assert!(begin.elapsed() < HEALING, "{:?}", begin.elapsed());
}

#[test]
fn redis_that_comes_back_empty_gets_the_roster_from_a_server() {
    let mut nodes = Nodes::start(3, Keep::Nothing);
    let mut clients = join(&nodes, &USERS);
    let before = nodes.shared(0)["epoch"].clone();
    nodes.redis.restart();
    until("a new epoch has begun", || (0..3).all(|number| nodes.shared(number)["epochs"] == 2));
    nodes.are_ready(&[0, 1, 2]);
    let epoch = nodes.shared(0)["epoch"].clone();
    assert_ne!(epoch, before);
    for number in 1..3 {
        assert_eq!(nodes.shared(number)["epoch"], epoch, "one epoch");
    }
    talk(&mut clients, "it has lost everything");
    // Nobody can log in until every server has had time to say what it knows.
    let mut dave = None;
    until("a login succeeds", || {
        dave = nodes.client("dave").register().try_start().ok();
        dave.is_some()
    });
    assert_eq!(dave.unwrap().welcome, "welcome dave: alice, bob, 小明");
    see(&clients, "online dave");
}

#[test]
fn servers_that_all_stop_and_start_again_find_their_roster() {
    let mut nodes = Nodes::start(2, Keep::Nothing);
    let mut clients = join(&nodes, &USERS);
    let epoch = nodes.shared(0)["epoch"].clone();
    for number in [0, 1] {
        nodes.servers[number].process.kill();
    }
    // Some messages do not need a server.
    thread::sleep(Duration::from_secs(1));
    for number in [0, 1] {
        nodes.restart(number);
    }
    nodes.have_online(&[0, 1], 3);
    nodes.are_ready(&[0, 1]);
    talk(&mut clients, "they are back");
    assert_eq!(nodes.shared(0)["epoch"], epoch, "the same roster goes on");
}
