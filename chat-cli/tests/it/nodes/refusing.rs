//! Redis answers and refuses: its memory is full, or a right is gone. Both heal without a restart.

use std::thread;
use std::time::Duration;

use chat_store::testing::{Keep, RedisServer};

use crate::harness::{Nodes, join, talk, until};

const USERS: [&str; 3] = ["alice", "bob", "小明"];

/// While Redis refuses, those inside stay and nobody else comes in. Each server logs `reason` once. It would again after a
/// minute, as a test of the log with a clock of its own shows.
fn refuses_and_heals(roster: impl FnOnce(&RedisServer) -> String, refuse: &[&str], permit: &[&str], reason: &str) {
    /// Several attempts to enter, each of which fails, and less than the minute in which the log repeats the reason.
    const REFUSED_TIME: Duration = Duration::from_secs(5);
    let redis = RedisServer::start(Keep::Nothing);
    let mut nodes = Nodes::new(redis);
    nodes.roster = roster(&nodes.redis);
    (0..2).for_each(|_| nodes.add(nodes.roster.clone()));
    nodes.are_ready(&[0, 1]);
    let mut clients = join(&nodes, &USERS);
    nodes.redis.execute(refuse);
    nodes.let_nobody_in();
    talk(&mut clients, "Redis refuses");
    thread::sleep(REFUSED_TIME);
    for number in 0..2 {
        let errors = nodes.servers[number].process.errors();
        assert_eq!(errors.matches("is away, and nobody can log in until it is back: ").count(), 1, "{errors}");
        assert!(errors.contains(reason) && !errors.contains("panicked"), "{errors}");
        assert!(!nodes.servers[number].process.has_ended());
        assert_eq!(nodes.servers[number].status()["roster"], 3);
    }
    nodes.redis.execute(permit);
    nodes.are_back(&clients, "alice, bob, 小明");
}

#[test]
fn redis_whose_memory_is_full_lets_nobody_in_until_it_has_room() {
    refuses_and_heals(
        RedisServer::roster,
        &["CONFIG", "SET", "maxmemory", "1"],
        &["CONFIG", "SET", "maxmemory", "0"],
        "has reached its limit of memory; raise its maxmemory, or free memory",
    );
}

#[test]
fn redis_that_takes_a_right_away_lets_nobody_in_until_it_gives_it_back() {
    let roster = |redis: &RedisServer| {
        redis.execute(&["ACL", "SETUSER", "chat", "on", ">hush", "~{chat:*", "+@all"]);
        redis.roster().replace("redis://", "redis://chat:hush@")
    };
    refuses_and_heals(
        roster,
        &["ACL", "SETUSER", "chat", "-hincrby"],
        &["ACL", "SETUSER", "chat", "+hincrby"],
        "does not give its user all rights that a roster needs; see the ACL rule in the manual",
    );
}

#[test]
fn servers_share_a_roster_through_redis_with_tls_and_find_it_again_after_a_restart() {
    let mut nodes = Nodes::new(RedisServer::start(Keep::Aof));
    nodes.roster = nodes.redis.tls_roster();
    (0..2).for_each(|_| nodes.add(nodes.roster.clone()));
    nodes.are_ready(&[0, 1]);
    let mut clients = join(&nodes, &USERS);
    nodes.redis.stop();
    until("the servers notice", || (0..2).all(|number| nodes.shared(number)["state"] == "away"));
    nodes.redis.restart();
    nodes.are_back(&clients, "alice, bob, 小明");
    talk(&mut clients, "it is back");
}
