//! What an attacker can throw at a peer: nothing of it is delivered, and nothing is answered to what does not open.

use std::net::SocketAddr;
use std::time::Duration;

use chat_core::generator::Generator;
use chat_core::message::{Outcome, Recipient};
use chat_core::peer::{Output, PeerConfig};
use chat_core::roster::Change;
use chat_core::sim::{Group, Profile, SeededGenerator, SimDatagram};

const OUTSIDER: &str = "10.66.66.66:6666";

fn outsider() -> SocketAddr {
    OUTSIDER.parse().expect("an address")
}

/// Two members that have talked, and every datagram that was on the network meanwhile.
fn recorded(seed: u64) -> (Group, Vec<SimDatagram>) {
    let mut group = Group::new(2, Profile::GOOD, &PeerConfig::default(), seed);
    group.network.capture();
    group.send_text(0, Recipient::Everyone, "hello");
    group.send_text(0, Recipient::Everyone, &"long ".repeat(1000));
    assert!(group.run_until_idle(Duration::from_secs(2)));
    group.run(Duration::from_secs(1));
    let flights = group.network.take_captured();
    assert!(flights.len() >= 4, "texts and acks");
    drop((group.take_outputs(0), group.take_outputs(1)));
    (group, flights)
}

fn assert_unmoved(group: &mut Group, sent: u64, what: &str) {
    assert_eq!(group.network.sent(), sent, "{what} was answered");
    for index in 0..2 {
        let told = group.take_outputs(index);
        assert!(told.is_empty(), "{what} led to {told:?}");
    }
}

#[test]
fn a_replayed_datagram_is_neither_delivered_nor_answered() {
    let (mut group, flights) = recorded(1);
    let sent = group.network.sent();
    for flight in &flights {
        for from in [flight.from, outsider()] {
            group.inject(from, flight.to, &flight.bytes);
        }
    }
    group.run(Duration::from_secs(60));
    assert_unmoved(&mut group, sent, "a replay");
}

#[test]
fn a_datagram_flipped_or_cut_at_any_position_is_neither_delivered_nor_answered() {
    let (_, flights) = recorded(2);
    // The same conversation again, and each datagram arrives damaged before it arrives whole.
    let (mut group, _) = recorded(2);
    let sent = group.network.sent();
    for flight in &flights {
        for position in 0..flight.bytes.len() {
            let mut bytes = flight.bytes.clone();
            bytes[position] ^= 1 << (position % 8);
            group.inject(flight.from, flight.to, &bytes);
            group.inject(flight.from, flight.to, &flight.bytes[..position]);
        }
        group.inject(flight.from, flight.to, &[&flight.bytes[..], &[0]].concat());
    }
    group.run(Duration::from_secs(60));
    assert_unmoved(&mut group, sent, "a damaged datagram");
}

#[test]
fn damaged_datagrams_ahead_of_the_real_ones_change_nothing() {
    let mut group = Group::new(2, Profile::GOOD, &PeerConfig::default(), 3);
    group.network.capture();
    group.send_text(0, Recipient::Everyone, "hello");
    let first = group.network.take_captured().remove(0);
    let sent = group.network.sent();
    for position in 0..first.bytes.len() {
        for bit in 0..8 {
            let mut bytes = first.bytes.clone();
            bytes[position] ^= 1 << bit;
            group.inject(first.from, first.to, &bytes);
        }
    }
    assert_eq!(group.network.sent(), sent, "a damaged datagram was answered");
    assert!(group.run_until_idle(Duration::from_secs(2)));
    let delivered = group.take_outputs(1).iter().filter(|output| matches!(output, Output::Deliver { .. })).count();
    assert_eq!(delivered, 1);
}

#[test]
fn forged_datagrams_of_every_length_cost_no_answer_and_no_state() {
    let (mut group, _) = recorded(4);
    let sent = group.network.sent();
    let mut random = SeededGenerator::new(4);
    let (to, claimed) = (group.address(1), group.entry(0).session().get().to_be_bytes());
    for length in 0..1300 {
        let mut bytes = vec![0; length];
        random.fill(&mut bytes);
        group.inject(outsider(), to, &bytes);
        if length > 17 {
            bytes[0] = 1;
            bytes[1..9].copy_from_slice(&claimed);
            group.inject(outsider(), to, &bytes);
        }
    }
    group.run(Duration::from_secs(60));
    assert_unmoved(&mut group, sent, "a forgery");
    group.send_text(0, Recipient::Everyone, "still fine");
    assert!(group.run_until_idle(Duration::from_secs(1)));
}

#[test]
fn a_replay_from_elsewhere_does_not_steer_the_link() {
    let (mut group, _) = recorded(5);
    group.network.capture();
    group.send_text(1, Recipient::Everyone, "caught and delayed");
    // An outsider catches the datagram and sends it on from its own address before the original arrives.
    let caught = group.network.take_captured().remove(0);
    group.inject(outsider(), caught.to, &caught.bytes);
    group.run(Duration::from_secs(5));
    let (mut bytes_to_outsider, outsider_datagram) = (0, caught.bytes.len());
    for flight in group.network.take_captured().iter().filter(|flight| flight.to == outsider()) {
        bytes_to_outsider += flight.bytes.len();
    }
    assert!(bytes_to_outsider <= 3 * outsider_datagram, "{bytes_to_outsider} bytes for {outsider_datagram}");
    group.network.capture();
    group.send_text(0, Recipient::Everyone, &"for the group only ".repeat(100));
    assert!(group.run_until_idle(Duration::from_secs(5)));
    let member = group.address(1);
    let strays = group.network.take_captured().iter().filter(|f| f.from == group.address(0) && f.to != member).count();
    assert_eq!(strays, 0, "texts go to the proven address");
}

#[test]
fn a_lying_member_cannot_aim_texts_at_a_stranger() {
    let mut group = Group::new(2, Profile::GOOD, &PeerConfig::default(), 6);
    let victim = outsider();
    group.change(&Change::Moved { user: group.entry(1).user.clone(), addresses: vec![victim] });
    group.network.capture();
    for number in 0..50 {
        group.send_text(0, Recipient::Everyone, &format!("{number} {}", "x".repeat(1000)));
    }
    group.run(Duration::from_secs(60));
    let to_victim: Vec<SimDatagram> =
        group.network.take_captured().into_iter().filter(|flight| flight.to == victim).collect();
    let large = to_victim.iter().filter(|flight| flight.bytes.len() > 100).count();
    assert!(large <= 3, "{large} datagrams with texts went to an address that proved nothing");
    assert!(to_victim.len() <= 3 + 60, "{} datagrams in a minute", to_victim.len());
    let reports = group
        .take_outputs(0)
        .into_iter()
        .filter(|output| matches!(output, Output::Report(report) if report.outcome != Outcome::Delivered));
    assert_eq!(reports.count(), 50);
}

#[test]
fn a_member_who_moves_again_and_again_aims_no_more_texts_at_a_stranger() {
    let mut group = Group::new(2, Profile::GOOD, &PeerConfig::default(), 7);
    group.network.capture();
    for second in 0..40 {
        let victim = SocketAddr::new(outsider().ip(), 6666 + second % 2);
        group.change(&Change::Moved { user: group.entry(1).user.clone(), addresses: vec![victim] });
        group.send_text(0, Recipient::Everyone, &"x".repeat(1000));
        group.run(Duration::from_secs(1));
    }
    let recorded = group.network.take_captured();
    let to_victim: Vec<&SimDatagram> = recorded.iter().filter(|flight| flight.to.ip() == outsider().ip()).collect();
    let large = to_victim.iter().filter(|flight| flight.bytes.len() > 100).count();
    assert!(large <= 3, "{large} datagrams with texts went to addresses that proved nothing");
    assert!(to_victim.len() <= 3 + 3 * 40, "{} datagrams in 40 s", to_victim.len());
}
