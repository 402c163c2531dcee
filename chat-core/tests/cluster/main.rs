//! Several servers that share one journal: what must hold whatever happens to them and to the journal.
//!
//! The world itself checks all the time that all nodes apply the same acts in the same order, that they have the same
//! roster after each, that no account, id or name has two sessions at any position, and that no act of a node follows
//! the one that declared it lost.
//!
//! `CHAT_CLUSTER_SEEDS` sets another number of seeds. A thousand of each test take some 25 s of processor time together.

mod catching_up;
mod forks;
mod nodes;
mod registering;

use std::collections::BTreeMap;
use std::time::Duration;

use chat_core::generator::Generator;
use chat_core::message::Recipient;
use chat_core::presence::Record;
use chat_core::server::ServerConfig;
use chat_core::sim::{ConnectionFault, Crash, Profile, SeededGenerator, World, WorldConfig, announce, each_seed};
use chat_core::wire::control::Purpose;

use self::nodes::{Cluster, NAMES, QUIET, SECOND, seeds};

/// Everything that can happen, to the journal, the nodes and the users.
fn churn(seed: u64) {
    let mut cluster = Cluster::new(seed, 3);
    for _ in 0..10 + cluster.below(25) {
        match cluster.below(3) {
            0 => cluster.disturb_journal(),
            1 => cluster.disturb_nodes(),
            _ => cluster.disturb_users(),
        }
        let most = [300, 3_000, 15_000][cluster.below(3) as usize];
        cluster.run(most);
    }
    cluster.end_misfortunes();
    cluster.world.run(QUIET);
    cluster.apply_events();
    cluster.check();
    cluster.world.ledger.check();
    for user in cluster.users.clone() {
        cluster.world.send_text(user, Recipient::Everyone, "who is here?");
    }
    assert!(cluster.world.run_until_idle(QUIET), "messages are not delivered after the misfortunes");
    cluster.world.ledger.check();
}

#[test]
fn presence_equals_the_truth_after_any_misfortunes() {
    let count = each_seed(env!("CARGO_CRATE_NAME"), seeds(1_000), churn);
    announce(format_args!("churn of a cluster: {count} seeds"));
}

/// One node is killed or sleeps for less than 40 s, and one thing happens to the journal. Nobody leaves.
fn no_false_departures(seed: u64) {
    let mut cluster = Cluster::new(seed, 3);
    cluster.run(5_000);
    if cluster.below(2) == 0 {
        cluster.disturb_journal();
        cluster.run(8_000);
        cluster.world.start_journal();
        cluster.nodes.clone().into_iter().for_each(|node| cluster.world.reconnect(node));
        cluster.run(20_000);
    }
    let node = cluster.node();
    if cluster.below(2) == 0 {
        cluster.world.kill_server(node, Crash::Process);
    } else {
        cluster.world.suspend_server(node);
        cluster.asleep = Some(node);
        let millis = cluster.below(39_000);
        cluster.world.run(Duration::from_millis(millis));
        cluster.wake();
    }
    cluster.world.run(QUIET);
    cluster.end_misfortunes();
    cluster.world.run(60 * SECOND);
    cluster.apply_events();
    assert_eq!(cluster.departures_seen, BTreeMap::new(), "users were reported offline who are there");
    cluster.check();
}

#[test]
fn nobody_is_reported_offline_who_did_not_leave() {
    let count = each_seed(env!("CARGO_CRATE_NAME"), seeds(1_000), no_false_departures);
    announce(format_args!("no false departures: {count} seeds"));
}

/// The presence log of one server, while users come and go.
fn records(seed: u64, is_sharing: bool) -> Vec<Record> {
    let mut server = ServerConfig::default();
    // Every change is published alone, so that a server that is alone leaves out none.
    server.publish_interval.min = Duration::ZERO;
    server.publish_interval.per_session = Duration::ZERO;
    // An act that waits behind another one would be later than at a server that is alone.
    server.journal_interval = Duration::ZERO;
    // The two draw different times for jobs, unless these take none.
    let config = WorldConfig { server, job_time: Duration::ZERO, ..WorldConfig::default() };
    let mut world = match is_sharing {
        true => World::sharing(Profile::GOOD, config, 1, Duration::ZERO, seed),
        false => World::new(Profile::GOOD, config, seed),
    };
    world.run(10 * SECOND);
    let users = world.add_online(NAMES);
    let mut random = SeededGenerator::new(seed ^ 0x1e);
    for _ in 0..40 {
        let user = users[(random.number() % 6) as usize];
        match random.number() % 6 {
            _ if !world.is_running(user) => world.login(user, Purpose::Login),
            0 => world.leave(user),
            1 => world.kill(user, Crash::Process),
            2..=3 => world.break_connection(user, ConnectionFault::Reset),
            _ => world.set_away(user, "lunch".parse().ok().filter(|_| random.number().is_multiple_of(2))),
        }
        world.run(Duration::from_millis(random.number() % 9_000));
    }
    world.run(40 * SECOND);
    world.records(World::SERVER).to_vec()
}

#[test]
fn one_node_keeps_the_same_presence_log_as_a_server_that_is_alone() {
    let count = each_seed(env!("CARGO_CRATE_NAME"), seeds(1_000), |seed| {
        let (shared, alone) = (records(seed, true), records(seed, false));
        let difference = shared.iter().zip(&alone).find(|(shared, alone)| shared != alone);
        assert!(difference.is_none() && shared.len() == alone.len(), "{difference:?}");
    });
    announce(format_args!("one node: {count} seeds"));
}
