//! Whoever is online can be written to: the relay as the way of last resort, and the way back from it.

use std::time::Duration;

use chat_core::message::{Outcome, Recipient};
use chat_core::peer::{Output, PeerConfig, Rung};
use chat_core::sim::{Group, Profile, RelayLine};

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn group(count: usize, profile: Profile, line: RelayLine, seed: u64) -> Group {
    Group::with_relay(count, profile, line, &PeerConfig::default(), seed)
}

fn one(group: &Group, index: usize) -> Recipient {
    Recipient::One(group.entry(index).user.clone())
}

fn outcomes(outputs: &[Output]) -> Vec<Outcome> {
    let outcome = |output: &Output| match output {
        Output::Report(report) => Some(report.outcome),
        _ => None,
    };
    outputs.iter().filter_map(outcome).collect()
}

/// The changes of way that were reported.
fn ways(outputs: &[Output]) -> Vec<Rung> {
    let way = |output: &Output| match output {
        Output::Way { way, .. } => Some(way.rung()),
        _ => None,
    };
    outputs.iter().filter_map(way).collect()
}

fn rungs(group: &Group, index: usize) -> Vec<Rung> {
    group.links(index).map(|link| link.rung()).collect()
}

#[test]
fn with_udp_blocked_messages_go_through_the_server() {
    let mut group = group(2, Profile::GOOD, RelayLine::fast(), 1);
    group.network.block_all();
    let to = one(&group, 1);
    group.send_text(0, to.clone(), "hello");
    assert!(group.run_until_idle(ms(400)), "170 ms of waiting for a direct answer, and the round trip");
    group.send_text(0, to, "again");
    assert!(group.run_until_idle(ms(30)), "the way is known by now");
    let outputs = group.take_outputs(0);
    assert_eq!(outcomes(&outputs), [Outcome::Delivered; 2]);
    assert_eq!(ways(&outputs), [Rung::RelayedTcp]);
    assert_eq!(rungs(&group, 0), [Rung::RelayedTcp]);
    group.ledger.check();
}

#[test]
fn a_conversation_in_one_direction_returns_to_udp() {
    let mut group = group(2, Profile::GOOD, RelayLine::fast(), 1);
    let to = one(&group, 1);
    group.send_text(0, to.clone(), "directly");
    assert!(group.run_until_idle(ms(100)));
    assert_eq!(rungs(&group, 0), [Rung::Lan]);
    group.network.block_all();
    group.send_text(0, to.clone(), "through the server");
    assert!(group.run_until_idle(ms(1_000)));
    group.network.unblock();
    for _ in 0..20 {
        group.send_text(0, to.clone(), "and now?");
        group.run(ms(50));
    }
    assert!(group.run_until_idle(ms(100)));
    // Of several changes within a second, the last is told at its end.
    group.run(ms(1_000));
    assert_eq!((rungs(&group, 0), rungs(&group, 1)), (vec![Rung::Lan], vec![Rung::Lan]));
    assert_eq!(ways(&group.take_outputs(0)), [Rung::RelayedTcp, Rung::Lan]);
    group.ledger.check();
}
