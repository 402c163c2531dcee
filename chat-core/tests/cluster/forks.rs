//! The journal loses acts.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;

use chat_core::server::{Count, JournalStatus};
use chat_core::sim::{ConnectionFault, Crash, Suspension, World, announce, each_seed};
use chat_core::wire::control::Purpose;

use crate::nodes::{Cluster, QUIET, SECOND, seeds};

/// One node has not read the latest act, the journal loses it, and all nodes that have read it are killed. The epoch goes
/// on, and its next revision means something else than what clients of the killed nodes know by it. Perhaps the first
/// welcomes that these get are lost.
fn losing_acts_that_one_node_has_not_read(seed: u64) {
    let mut cluster = Cluster::new(seed, 3);
    let left = cluster.world.server_of(cluster.users[0]);
    let others: Vec<_> = cluster.nodes.iter().copied().filter(|node| *node != left).collect();
    let gone = cluster.users[5];
    cluster.world.leave(gone);
    cluster.run(5_000);
    cluster.world.save_journal();
    cluster.world.cut_off(left);
    cluster.reported[5] = None;
    cluster.world.login(gone, Purpose::Login);
    let name = cluster.world.name(gone).clone();
    let is_there = |world: &World| {
        others.iter().all(|node| world.server_roster(*node).is_some_and(|roster| roster.get(&name).is_some()))
    };
    cluster.world.run_until(4 * SECOND, is_there);
    // A change that the node has to propose as soon as it can.
    cluster.world.set_away(cluster.users[0], Some("away".parse().expect("a short text")));
    cluster.run(1_000);
    cluster.world.kill(gone, Crash::Process);
    cluster.world.forget_acts(1);
    others.iter().for_each(|node| cluster.world.kill_server(*node, Crash::Process));
    cluster.world.reconnect(left);
    if cluster.below(2) == 0 {
        let resumed = |world: &World| world.server_counts(left).is_some_and(|counts| counts[Count::Resumed] > 0);
        cluster.world.run_until(10 * SECOND, resumed);
        for user in cluster.users.clone() {
            cluster.world.break_connection(user, ConnectionFault::Reset);
        }
    }
    cluster.world.run(QUIET);
    cluster.end_misfortunes();
    cluster.world.run(QUIET);
    cluster.apply_events();
    cluster.check();
}

#[test]
fn presence_equals_the_truth_after_the_journal_loses_what_one_node_has_not_read() {
    let count = each_seed(env!("CARGO_CRATE_NAME"), seeds(200), losing_acts_that_one_node_has_not_read);
    announce(format_args!("lost acts that a node has not read: {count} seeds"));
}

/// The journal goes back to what it had in an earlier epoch. A client that sleeps meanwhile states a revision of then.
fn going_back_to_an_earlier_epoch(seed: u64) {
    let mut cluster = Cluster::new(seed, 1 + (seed % 3) as usize);
    cluster.run(3_000);
    cluster.world.save_journal();
    cluster.world.save_journal();
    let (first, saved) = cluster.world.journal_head().expect("the journal has an epoch");
    cluster.world.leave(cluster.users[5]);
    cluster.world.run(2 * SECOND);
    let sleeper = cluster.users[0];
    cluster.world.suspend(sleeper, Suspension::Process);
    cluster.world.forget_acts(1);
    cluster.world.run(10 * SECOND);
    let (second, now) = cluster.world.journal_head().expect("the journal has an epoch");
    assert_ne!(second, first, "the nodes know what the journal has lost");
    for index in 1..4 {
        let (user, text) = (cluster.users[index], cluster.below(100));
        cluster.world.set_away(user, Some(format!("away {text}").parse().expect("a short text")));
    }
    cluster.run(3_000);
    cluster.world.forget_acts(now.get() - saved.get());
    if cluster.below(2) == 0 {
        // Perhaps when a node has read what there is, and is about to found the epoch.
        let is_back = |status: JournalStatus| status.epoch == first;
        let nodes = cluster.nodes.clone();
        let has_read = |world: &World| nodes.iter().filter_map(|node| world.journal_status(*node)).any(is_back);
        cluster.world.run_until(5 * SECOND, has_read);
        cluster.world.stop_journal();
        cluster.world.run(SECOND);
        cluster.world.start_journal();
    }
    cluster.world.run(10 * SECOND);
    let (third, _) = cluster.world.journal_head().expect("the journal has an epoch");
    assert!(third != first && third != second, "revisions of the first epoch have another meaning now");
    cluster.world.wake(sleeper);
    cluster.world.run(QUIET);
    cluster.apply_events();
    cluster.check();
}

#[test]
fn presence_equals_the_truth_after_the_journal_goes_back_to_an_earlier_epoch() {
    let count = each_seed(env!("CARGO_CRATE_NAME"), seeds(200), going_back_to_an_earlier_epoch);
    announce(format_args!("an earlier epoch: {count} seeds"));
}

/// The journal loses acts that nodes know, or everything. Returns the time until all nodes share another epoch.
fn time_of_a_fork(seed: u64) -> Duration {
    /// The nodes find out in a round of a second, or when their connections break, and enter again after a pause of at most
    /// 2 s. One of them pauses for up to half a second more, and founds the epoch.
    const FORK_TIME: Duration = Duration::from_secs(3);
    let mut cluster = Cluster::new(seed, 3);
    cluster.run(3_000);
    cluster.world.save_journal();
    for _ in 0..=cluster.below(6) {
        let (index, number) = (cluster.below(6) as usize, cluster.below(1_000));
        let user = cluster.users[index];
        cluster.world.set_away(user, Some(format!("away {number}").parse().expect("a short text")));
        cluster.run(1_000);
    }
    cluster.world.run(SECOND);
    let (before, _) = cluster.world.journal_head().expect("the journal has an epoch");
    let begin = cluster.world.now();
    if cluster.below(2) == 0 {
        cluster.world.empty_journal();
    } else {
        cluster.world.forget_acts(1);
    }
    let nodes = cluster.nodes.clone();
    let shares_another = |world: &World| {
        let mut epochs = nodes.iter().filter_map(|node| world.journal_status(*node)).map(|status| status.epoch);
        let epoch = world.journal_head().map(|(epoch, _)| epoch).filter(|epoch| *epoch != before);
        epoch.is_some_and(|epoch| epochs.all(|known| known == epoch))
    };
    let is_in_time = cluster.world.run_until(FORK_TIME, shares_another);
    let statuses: Vec<_> = nodes.iter().map(|node| cluster.world.journal_status(*node)).collect();
    assert!(is_in_time, "{before}: {statuses:?}");
    let time = begin.until(cluster.world.now());
    cluster.world.run(QUIET);
    cluster.apply_events();
    assert_eq!(cluster.departures_seen, BTreeMap::new(), "users were reported offline who are there");
    cluster.check();
    time
}

#[test]
fn all_nodes_share_another_epoch_within_seconds_after_the_journal_has_lost_acts() {
    let longest = Cell::new(Duration::ZERO);
    let count = each_seed(env!("CARGO_CRATE_NAME"), seeds(200), |seed| {
        longest.set(longest.get().max(time_of_a_fork(seed)));
    });
    announce(format_args!("forks: {count} seeds, {:?} at most", longest.get()));
}
