//! Whoever is online can be written to: the relay as the way of last resort, and the way back from it.

mod figures;

use std::time::Duration;

use chat_core::message::{Outcome, Recipient};
use chat_core::peer::{LimitCounts, Output, PeerConfig, Rung};
use chat_core::relay::{ParcelResult, RelayConfig};
use chat_core::sim::{Group, Profile, RelayLine, outcomes, texts};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn group(count: usize, profile: Profile, line: RelayLine, seed: u64) -> Group {
    Group::with_relay(count, profile, line, &PeerConfig::default(), seed)
}

fn one(group: &Group, index: usize) -> Recipient {
    Recipient::One(group.entry(index).user.clone())
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
fn the_time_of_a_way_is_when_it_answered_also_after_the_process_was_suspended() {
    let mut group = group(2, Profile::GOOD, RelayLine::fast(), 1);
    let since = |group: &Group| group.links(0).next().and_then(|link| link.since);
    let to = one(&group, 1);
    group.run(ms(60_000));
    let begin = group.now();
    group.send_text(0, to.clone(), "hello");
    assert_eq!(since(&group), None, "no way has answered");
    assert!(group.run_until_idle(ms(400)));
    let direct = since(&group).unwrap();
    assert!(direct > begin && direct <= group.now(), "the first way answered just now: {direct:?}");
    group.suspend(0);
    group.run(ms(20_000));
    group.resume(0);
    group.run(ms(1_000));
    assert_eq!(since(&group), Some(direct), "the way is the same");
    group.network.block_all();
    let blocked = group.now();
    group.send_text(0, to, "over the relay");
    assert!(group.run_until_idle(ms(5_000)));
    let relayed = since(&group).unwrap();
    assert!(relayed > blocked && relayed <= group.now(), "the relay answered just now: {relayed:?}");
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

/// Lets two members write to each other every 200 ms for this long, each with the number of the text.
fn converse(group: &mut Group, time: Duration) {
    let (first, second) = (one(group, 0), one(group, 1));
    for number in 0..time.as_millis() / 200 {
        group.send_text(0, second.clone(), &number.to_string());
        group.send_text(1, first.clone(), &number.to_string());
        group.run(ms(200));
    }
}

/// Asserts that everything was delivered once and in order, and that nobody was told of a silence.
fn assert_all_delivered(group: &Group, outputs: &[Vec<Output>]) {
    let totals = group.ledger.check();
    assert_eq!((totals.failed, totals.unconfirmed), (0, 0));
    for outputs in outputs {
        assert!(outcomes(outputs).iter().all(|outcome| *outcome == Outcome::Delivered));
        assert!(!outputs.iter().any(|output| matches!(output, Output::Unresponsive(_))), "a way answers all the time");
    }
    assert_eq!(group.limit_counts(), LimitCounts::default(), "honest members reached a limit");
}

#[test]
fn a_way_blocked_in_one_direction_does_not_flap() {
    // From the beginning, and in the middle of a conversation.
    for talk in [ms(0), ms(5_000)] {
        let mut group = group(2, Profile::GOOD_WIFI, RelayLine::fast(), 1);
        converse(&mut group, talk);
        let (from, to) = (group.address(0), group.address(1));
        group.network.block(from, to);
        converse(&mut group, ms(120_000));
        assert!(group.run_until_idle(ms(2_000)));
        assert_eq!(rungs(&group, 0), [Rung::RelayedTcp], "its datagrams do not arrive directly");
        let outputs = [group.take_outputs(0), group.take_outputs(1)];
        assert_eq!(ways(&outputs[0]), [Rung::RelayedTcp], "hearing the other directly changes nothing");
        let of_other = ways(&outputs[1]);
        assert!(of_other.len() <= 1, "{of_other:?}");
        assert_all_delivered(&group, &outputs);
    }
}

#[test]
fn a_slow_direct_way_does_not_take_turns_with_the_relay() {
    // The first messages go through the server, because a direct way could be blocked. One round trip later it is not.
    for (latency, line) in [(ms(300), ms(300)), (ms(800), ms(100)), (ms(800), ms(1_000))] {
        let profile = Profile { latency, jitter: latency / 10, ..Profile::GOOD };
        let mut group = group(2, profile, RelayLine { latency: line, ..RelayLine::fast() }, 1);
        converse(&mut group, ms(60_000));
        assert!(group.run_until_idle(ms(10_000)));
        for index in 0..2 {
            let told = ways(&group.take_outputs(index));
            assert!(told.len() <= 2, "{latency:?} {line:?} {told:?}");
            assert_eq!(rungs(&group, index), [Rung::Lan]);
        }
        assert_all_delivered(&group, &[]);
    }
}

#[test]
fn udp_that_dies_in_the_middle_loses_and_doubles_nothing() {
    for seed in 0..50 {
        let mut group = group(2, Profile::BUSY_WIFI, RelayLine::fast(), seed);
        converse(&mut group, ms(4_000 + seed * 7));
        group.network.block_all();
        converse(&mut group, ms(4_000));
        assert_eq!((rungs(&group, 0), rungs(&group, 1)), (vec![Rung::RelayedTcp], vec![Rung::RelayedTcp]));
        group.network.unblock();
        converse(&mut group, ms(10_000));
        assert!(group.run_until_idle(ms(2_000)));
        assert_eq!((rungs(&group, 0), rungs(&group, 1)), (vec![Rung::Lan], vec![Rung::Lan]));
        let outputs = [group.take_outputs(0), group.take_outputs(1)];
        assert_all_delivered(&group, &outputs);
    }
}

#[test]
fn a_lan_of_a_thousand_with_udp_relays_nothing() {
    const MEMBERS: usize = 1_000;
    let mut group = group(MEMBERS, Profile::GOOD, RelayLine::fast(), 1);
    for sender in [0, 499, 999] {
        group.send_text(sender, Recipient::Everyone, "hello");
        assert!(group.run_until_idle(ms(5_000)));
    }
    for sender in (0..MEMBERS).step_by(10) {
        let to = one(&group, (sender + 7) % MEMBERS);
        group.send_text(sender, to, "and you?");
    }
    assert!(group.run_until_idle(ms(5_000)));
    // Idle links keep nothing alive.
    let sent = group.network.sent();
    group.run(Duration::from_mins(10));
    assert_eq!(group.network.sent(), sent);
    let totals = group.ledger.check();
    assert_eq!((totals.failed, totals.unconfirmed, totals.messages), (0, 0, 103));
    let relayed = group.relay_counts();
    assert!(ParcelResult::ALL.iter().all(|result| relayed[*result] == 0), "{relayed:?}");
    assert_eq!(relayed.received_bytes, 0);
}

#[test]
fn nobody_relays_in_anothers_name() {
    let mut group = group(3, Profile::GOOD, RelayLine::fast(), 1);
    group.network.capture();
    group.network.block_all();
    let to = one(&group, 1);
    group.send_text(0, to, "from m0");
    // What m0 sealed for m1, in parcels of m2, before m0's own ones arrive.
    let stolen = group.network.take_captured();
    assert!(!stolen.is_empty());
    stolen.iter().for_each(|datagram| group.send_parcel(2, 1, &datagram.bytes));
    group.run(ms(100));
    assert_eq!(group.relay_counts()[ParcelResult::Foreign], stolen.len() as u64);
    assert_eq!(texts(&group.take_outputs(1)), [""; 0]);
    // A datagram that names m2 opens as one of m2 only.
    let mut renamed = stolen[0].bytes.clone();
    renamed[1..9].copy_from_slice(&group.entry(2).session().get().to_be_bytes());
    group.send_parcel(2, 1, &renamed);
    assert!(group.run_until_idle(ms(1_000)));
    assert_eq!(texts(&group.take_outputs(1)), ["from m0"]);
    let outputs = [group.take_outputs(0)];
    assert_all_delivered(&group, &outputs);
}

#[test]
fn what_waits_for_the_terms_of_the_relay_is_delivered_and_not_timed_out() {
    const MEMBERS: usize = 60;
    let mut config = RelayConfig::default();
    (config.rate, config.burst) = (RelayConfig::LEAST, RelayConfig::LEAST);
    let mut group = group(MEMBERS, Profile::GOOD, RelayLine { config, ..RelayLine::fast() }, 1);
    group.network.block_all();
    // About a megabyte at 16 KiB each second: longer than a link may be silent.
    group.send_text(0, Recipient::Everyone, &"x".repeat(16_384));
    let begin = group.now();
    assert!(group.run_until_idle(Duration::from_mins(3)));
    let time = group.now().since(begin);
    assert!(time > Duration::from_secs(50), "{time:?}");
    let outputs = [group.take_outputs(0)];
    assert_all_delivered(&group, &outputs);
    let relayed = group.relay_counts();
    let dropped = ParcelResult::ALL.iter().filter(|result| **result != ParcelResult::Passed);
    assert_eq!(dropped.map(|result| relayed[*result]).sum::<u64>(), 0, "{relayed:?}");
}
