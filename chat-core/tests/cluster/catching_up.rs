//! Sessions continue at another node without a snapshot.

use std::cell::Cell;

use chat_core::server::Count;
use chat_core::sim::{Crash, ServerId, World, announce, each_seed};

use crate::nodes::{Cluster, QUIET, SECOND, is_ready, seeds};

/// A node is killed while users come and go. Returns how many sessions continued at other nodes, and how many of them
/// without a snapshot.
fn catching_up(seed: u64) -> (u64, u64) {
    let mut cluster = Cluster::new(seed, 3);
    for _ in 0..6 {
        cluster.disturb_users();
        cluster.run(1_000);
    }
    cluster.world.run(2 * SECOND);
    let killed = cluster.node();
    let left: Vec<_> = cluster.nodes.iter().copied().filter(|node| *node != killed).collect();
    kill_and_count(&mut cluster, &[killed], &left)
}

#[test]
fn sessions_of_a_killed_node_continue_elsewhere_without_a_snapshot() {
    continue_without_a_snapshot("catching up", catching_up);
}

/// A node starts while users come and go, and then all others are killed. Returns how many sessions continued at it, and
/// how many of them without a snapshot.
fn catching_up_at_a_new_node(seed: u64) -> (u64, u64) {
    let mut cluster = Cluster::new(seed, 3);
    let node = cluster.node();
    cluster.world.kill_server(node, Crash::Process);
    for _ in 0..8 {
        cluster.disturb_users();
        cluster.run(2_000);
    }
    cluster.world.start_server(node);
    let ready = cluster.world.run_until(20 * SECOND, |world| is_ready(world, node));
    assert!(ready, "the node has not entered");
    for _ in 0..cluster.below(4) {
        cluster.disturb_users();
        cluster.run(1_000);
    }
    cluster.world.run(2 * SECOND);
    let killed: Vec<_> = cluster.nodes.iter().copied().filter(|other| *other != node).collect();
    let continued = kill_and_count(&mut cluster, &killed, &[node]);
    cluster.end_misfortunes();
    cluster.world.run(QUIET);
    cluster.apply_events();
    cluster.check();
    continued
}

#[test]
fn sessions_continue_without_a_snapshot_at_a_node_that_has_just_started() {
    continue_without_a_snapshot("a new node", catching_up_at_a_new_node);
}

/// Kills nodes. Returns how many sessions continue at those that are left, and how many of them without a snapshot.
fn kill_and_count(cluster: &mut Cluster, killed: &[ServerId], left: &[ServerId]) -> (u64, u64) {
    let totals = |world: &World| {
        let counts = left.iter().map(|node| world.server_counts(*node).expect("the node is running"));
        counts.fold((0, 0), |(resumed, caught_up), counts| {
            (resumed + counts[Count::Resumed], caught_up + counts[Count::CaughtUp])
        })
    };
    let before = totals(&cluster.world);
    killed.iter().for_each(|node| cluster.world.kill_server(*node, Crash::Process));
    cluster.world.run(20 * SECOND);
    let after = totals(&cluster.world);
    (after.0 - before.0, after.1 - before.1)
}

/// Asserts that nearly all sessions that continue do so without a snapshot.
fn continue_without_a_snapshot(what: &str, catching_up: impl Fn(u64) -> (u64, u64)) {
    let total = Cell::new((0, 0));
    let count = each_seed(env!("CARGO_CRATE_NAME"), seeds(1_000), |seed| {
        let (resumed, caught_up) = catching_up(seed);
        let (all, most) = total.get();
        total.set((all + resumed, most + caught_up));
    });
    let (resumed, caught_up) = total.get();
    assert!(count == 1 || resumed > count, "{resumed} sessions");
    assert!(caught_up * 100 >= resumed * 99, "{caught_up} of {resumed} without a snapshot");
    announce(format_args!("{what}: {count} seeds, {caught_up} of {resumed} sessions without a snapshot"));
}
