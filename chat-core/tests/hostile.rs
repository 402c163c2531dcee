//! Attacks on the peer link: a datagram that is forged, damaged or replayed is neither delivered nor answered.

use std::net::SocketAddr;
use std::time::Duration;

use chat_core::generator::Generator;
use chat_core::message::{Outcome, Recipient};
use chat_core::peer::PeerConfig;
use chat_core::roster::Change;
use chat_core::sim::{Group, Profile, SeededGenerator, SimDatagram, outcomes, texts};

const OUTSIDER: &str = "10.66.66.66:6666";

fn outsider() -> SocketAddr {
    OUTSIDER.parse().expect("an address")
}

/// A group of two that has exchanged messages, and every datagram of their conversation.
fn recorded(seed: u64) -> (Group, Vec<SimDatagram>) {
    let mut group = Group::new(2, Profile::GOOD, &PeerConfig::default(), seed);
    group.network.capture();
    group.send_text(0, Recipient::Everyone, "hello");
    group.send_text(0, Recipient::Everyone, &"long ".repeat(1000));
    assert!(group.run_until_idle(Duration::from_secs(2)));
    group.run(Duration::from_secs(1));
    let datagrams = group.network.take_captured();
    assert!(datagrams.len() >= 4, "the conversation has messages and acks");
    drop((group.take_outputs(0), group.take_outputs(1)));
    (group, datagrams)
}

fn assert_no_reaction(group: &mut Group, sent: u64, what: &str) {
    assert_eq!(group.network.sent(), sent, "{what} was answered");
    for index in 0..2 {
        let outputs = group.take_outputs(index);
        assert!(outputs.is_empty(), "{what} caused {outputs:?}");
    }
}

#[test]
fn a_replayed_datagram_is_neither_delivered_nor_answered() {
    let (mut group, datagrams) = recorded(1);
    let sent = group.network.sent();
    for datagram in &datagrams {
        for from in [datagram.from, outsider()] {
            group.inject(from, datagram.to, &datagram.bytes);
        }
    }
    group.run(Duration::from_secs(60));
    assert_no_reaction(&mut group, sent, "a replay");
}

#[test]
fn a_datagram_damaged_or_truncated_at_any_position_is_neither_delivered_nor_answered() {
    let (_, datagrams) = recorded(2);
    // The same seed repeats the conversation, so these datagrams fit the links of this group.
    let (mut group, _) = recorded(2);
    let sent = group.network.sent();
    for datagram in &datagrams {
        for position in 0..datagram.bytes.len() {
            let mut bytes = datagram.bytes.clone();
            bytes[position] ^= 1 << (position % 8);
            group.inject(datagram.from, datagram.to, &bytes);
            group.inject(datagram.from, datagram.to, &datagram.bytes[..position]);
        }
        group.inject(datagram.from, datagram.to, &[&datagram.bytes[..], &[0]].concat());
    }
    group.run(Duration::from_secs(60));
    assert_no_reaction(&mut group, sent, "a damaged datagram");
}

#[test]
fn damaged_copies_that_arrive_before_a_datagram_change_nothing() {
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
    assert_eq!(texts(&group.take_outputs(1)), ["hello"]);
}

#[test]
fn forged_datagrams_of_any_length_cause_no_answer_and_no_state() {
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
    assert_no_reaction(&mut group, sent, "a forgery");
    group.send_text(0, Recipient::Everyone, "still fine");
    assert!(group.run_until_idle(Duration::from_secs(1)));
}

#[test]
fn a_datagram_replayed_from_another_address_does_not_redirect_the_link() {
    let (mut group, _) = recorded(5);
    group.network.capture();
    group.send_text(1, Recipient::Everyone, "intercepted and delayed");
    // An outsider intercepts the datagram and sends it from another address before the original arrives.
    let intercepted = group.network.take_captured().remove(0);
    group.inject(outsider(), intercepted.to, &intercepted.bytes);
    group.run(Duration::from_secs(5));
    let (mut bytes_to_outsider, outsider_datagram) = (0, intercepted.bytes.len());
    for datagram in group.network.take_captured().iter().filter(|datagram| datagram.to == outsider()) {
        bytes_to_outsider += datagram.bytes.len();
    }
    assert!(bytes_to_outsider <= 3 * outsider_datagram, "{bytes_to_outsider} bytes for {outsider_datagram}");
    group.network.capture();
    group.send_text(0, Recipient::Everyone, &"for the group only ".repeat(100));
    assert!(group.run_until_idle(Duration::from_secs(5)));
    let member = group.address(1);
    let strays = group
        .network
        .take_captured()
        .iter()
        .filter(|datagram| datagram.from == group.address(0) && datagram.to != member)
        .count();
    assert_eq!(strays, 0, "messages went to an unproven address");
}

#[test]
fn a_member_cannot_aim_messages_at_a_stranger() {
    let mut group = Group::new(2, Profile::GOOD, &PeerConfig::default(), 6);
    let victim = outsider();
    group.change(&Change::Moved { user: group.entry(1).user.clone(), addresses: vec![victim] });
    group.network.capture();
    for number in 0..50 {
        group.send_text(0, Recipient::Everyone, &format!("{number} {}", "x".repeat(1000)));
    }
    group.run(Duration::from_secs(60));
    let to_victim: Vec<SimDatagram> =
        group.network.take_captured().into_iter().filter(|datagram| datagram.to == victim).collect();
    let large = to_victim.iter().filter(|datagram| datagram.bytes.len() > 100).count();
    assert!(large <= 3, "{large} datagrams with messages went to an unproven address");
    assert!(to_victim.len() <= 3 + 60, "{} datagrams in a minute", to_victim.len());
    let outcomes = outcomes(&group.take_outputs(0));
    assert_eq!(outcomes.iter().filter(|outcome| **outcome != Outcome::Delivered).count(), 50);
}

#[test]
fn a_member_that_moves_repeatedly_cannot_aim_more_messages_at_a_stranger() {
    let mut group = Group::new(2, Profile::GOOD, &PeerConfig::default(), 7);
    group.network.capture();
    for second in 0..40 {
        let victim = SocketAddr::new(outsider().ip(), 6666 + second % 2);
        group.change(&Change::Moved { user: group.entry(1).user.clone(), addresses: vec![victim] });
        group.send_text(0, Recipient::Everyone, &"x".repeat(1000));
        group.run(Duration::from_secs(1));
    }
    let recorded = group.network.take_captured();
    let to_victim: Vec<&SimDatagram> = recorded.iter().filter(|datagram| datagram.to.ip() == outsider().ip()).collect();
    let large = to_victim.iter().filter(|datagram| datagram.bytes.len() > 100).count();
    assert!(large <= 3, "{large} datagrams with messages went to unproven addresses");
    assert!(to_victim.len() <= 3 + 3 * 40, "{} datagrams in 40 s", to_victim.len());
}
