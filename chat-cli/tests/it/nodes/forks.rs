//! Redis goes on from an earlier state than the servers know. They find out by themselves, one of them begins a new epoch
//! from what it knows, and no client reports anything.

use std::time::{Duration, Instant};

use chat_store::testing::{Keep, RedisServer};

use crate::harness::{Client, Nodes, Proxy, join, see, talk, until};

/// How long the servers may take to find out and to begin one new epoch, and the time for a busy machine on which `status`
/// alone takes a second. The first is what the simulator holds them to, where no machine is busy: they notice within a round
/// of a second, or enter again within 2 s after their connections broke, and pause for half a second.
const FORK_TIME: Duration = Duration::from_secs(3 + 12);

/// Redis loses what happens between `remember` and `forget`: an arrival and a departure.
fn loses_the_latest<T>(remember: impl FnOnce(&Nodes) -> T, forget: impl FnOnce(&mut Nodes, &Proxy, T)) {
    let (mut nodes, proxy) = Nodes::start_behind_proxy(3, Keep::Nothing);
    let mut clients = join(&nodes, &["alice", "bob", "dora"]);
    let before = nodes.shared(0)["epoch"].clone();
    let remembered = remember(&nodes);
    let carol = nodes.client("carol").register().start();
    see(&clients, "online carol");
    let dora = clients.pop().unwrap();
    assert_eq!(dora.leave().0, Some(0));
    clients.push(carol);
    see(&clients, "offline dora asked");
    forget(&mut nodes, &proxy, remembered);
    has_one_new_epoch(&nodes, &before);
    talk(&mut clients, "it has forgotten the latest");
    lets_dave_in(&nodes, &clients, "welcome dave: alice, bob, carol");
}

/// Waits until all servers have begun the same new epoch.
#[track_caller]
fn has_one_new_epoch(nodes: &Nodes, before: &serde_json::Value) {
    let begin = Instant::now();
    until("a new epoch has begun", || (0..3).all(|number| nodes.shared(number)["epochs"] == 2));
    assert!(begin.elapsed() < FORK_TIME, "{:?}", begin.elapsed());
    nodes.are_ready(&[0, 1, 2]);
    let epochs = [0, 1, 2].map(|number| nodes.shared(number)["epoch"].clone());
    assert!(epochs[0] != *before && epochs.iter().all(|epoch| *epoch == epochs[0]), "{before}: {epochs:?}");
    assert!((0..3).all(|number| nodes.shared(number)["epochs"] == 2), "one new epoch");
}

/// A new user logs in once the servers let anybody in again, and every client sees that and nothing else.
#[track_caller]
fn lets_dave_in(nodes: &Nodes, clients: &[Client], welcome: &str) {
    let mut dave = None;
    until("a login succeeds", || {
        dave = nodes.client("dave").register().try_start().ok();
        dave.is_some()
    });
    assert_eq!(dave.unwrap().welcome, welcome);
    see(clients, "online dave");
}

#[test]
fn redis_that_comes_back_with_an_older_file_gets_what_it_lacks_from_a_server() {
    loses_the_latest(
        |nodes| {
            nodes.redis.execute(&["SAVE"]);
        },
        |nodes, _, ()| nodes.redis.restart(),
    );
}

#[test]
fn a_replica_that_lacks_the_latest_and_is_promoted_gets_it_from_a_server() {
    loses_the_latest(
        |nodes| {
            let replica = RedisServer::start(Keep::Nothing);
            replica.execute(&["REPLICAOF", "127.0.0.1", &nodes.redis.port().to_string()]);
            let position = nodes.shared(0)["position"].as_u64().unwrap();
            until("the replica has the roster", || {
                replica.execute(&["INFO", "replication"]).contains("master_link_status:up")
            });
            assert!(position > 0 && replica.execute(&["DBSIZE"]) != "int(0)");
            // Whatever replaces a primary that it cannot reach does this.
            replica.execute(&["REPLICAOF", "NO", "ONE"]);
            replica
        },
        |nodes, proxy, replica| {
            proxy.switch_to(replica.port());
            nodes.redis = replica;
        },
    );
}

#[test]
fn redis_whose_data_are_deleted_gets_the_roster_from_a_server() {
    let nodes = Nodes::start(3, Keep::Aof);
    let mut clients = join(&nodes, &["alice", "bob", "carol"]);
    let before = nodes.shared(0)["epoch"].clone();
    nodes.redis.execute(&["FLUSHALL"]);
    has_one_new_epoch(&nodes, &before);
    talk(&mut clients, "it has forgotten everything");
    lets_dave_in(&nodes, &clients, "welcome dave: alice, bob, carol");
}
