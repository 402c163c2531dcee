//! A server is killed, stopped or suspended. Its users continue at the others, and no client reports a departure.

use std::thread;
use std::time::{Duration, Instant};

use chat_store::testing::Keep;
use rustix::process::Signal;

use crate::harness::{Nodes, join, see, talk};

const USERS: [&str; 4] = ["alice", "bob", "carol", "小明"];

#[test]
fn a_conversation_survives_servers_that_are_killed_and_stopped() {
    /// How long the users of a killed server may be without one.
    const FAILOVER: Duration = Duration::from_secs(15);
    let mut nodes = Nodes::start(3, Keep::Nothing);
    let mut clients = join(&nodes, &USERS);
    talk(&mut clients, "all here");
    let killed = nodes.busiest();
    let rest: Vec<_> = (0..3).filter(|number| *number != killed).collect();
    nodes.servers[killed].process.kill();
    let begin = Instant::now();
    nodes.have_online(&rest, 4);
    assert!(begin.elapsed() < FAILOVER, "{:?}", begin.elapsed());
    talk(&mut clients, "one is gone");
    // The others bury it after six seconds. Its sessions are elsewhere by then.
    nodes.are_ready(&rest);
    nodes.servers[rest[0]].stop();
    nodes.are_ready(&rest[1..]);
    nodes.have_online(&rest[1..], 4);
    talk(&mut clients, "one is left");
    nodes.restart(killed);
    nodes.restart(rest[0]);
    nodes.are_ready(&[0, 1, 2]);
    let dave = nodes.client("dave").register().start();
    assert_eq!(dave.welcome, "welcome dave: alice, bob, carol, 小明");
    see(&clients, "online dave");
}

#[test]
fn who_comes_back_after_a_death_stays_online_and_who_does_not_is_offline_once() {
    /// Longer than the 6 s after which the other server declares this one lost, and the 40 s for which the sessions that it
    /// inherits then wait.
    const WATCHED: Duration = Duration::from_secs(50);
    let mut nodes = Nodes::start(2, Keep::Nothing);
    let mut clients = join(&nodes, &USERS);
    let killed = nodes.busiest();
    let gone = nodes.servers[killed].client("dora").register().start();
    see(&clients, "online dora");
    // Suspended first: it neither leaves, nor notices the death.
    gone.process.signal(Signal::STOP);
    nodes.servers[killed].process.kill();
    let death = Instant::now();
    drop(gone);
    nodes.have_online(&[1 - killed], 4);
    thread::sleep(WATCHED.saturating_sub(death.elapsed()));
    see(&clients, "offline dora lost");
    talk(&mut clients, "nobody else has left");
}

#[test]
fn a_server_that_was_suspended_comes_back_with_its_users() {
    /// Longer than six rounds of a second, after which the others declare the server lost. Shorter than the 25 s after which
    /// its clients notice.
    const SUSPENDED: Duration = Duration::from_secs(9);
    let nodes = Nodes::start(2, Keep::Nothing);
    let mut clients = join(&nodes, &USERS);
    let suspended = nodes.busiest();
    let other = 1 - suspended;
    nodes.servers[suspended].process.signal(Signal::STOP);
    thread::sleep(SUSPENDED);
    nodes.are_ready(&[other]);
    talk(&mut clients, "it sleeps");
    nodes.servers[suspended].process.signal(Signal::CONT);
    nodes.are_ready(&[0, 1]);
    talk(&mut clients, "it is awake");
    let dave = nodes.servers[other].client("dave").register().start();
    assert_eq!(dave.welcome, "welcome dave: alice, bob, carol, 小明");
    see(&clients, "online dave");
}
