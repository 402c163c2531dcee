//! Networks that silently drop large datagrams: messages travel in smaller ones, and larger ones are probed again later.

use std::net::SocketAddr;
use std::time::Duration;

use chat_core::message::{Outcome, Recipient};
use chat_core::peer::{Output, PeerConfig};
use chat_core::sim::{Application, Group, Profile, outcomes};

const SECOND: Duration = Duration::from_secs(1);

/// Long enough for two reductions of the datagram size, and much shorter than the link timeout.
const SOON: Duration = Duration::from_secs(15);

fn delivered(outputs: &[Output]) -> usize {
    outcomes(outputs).into_iter().filter(|outcome| *outcome == Outcome::Delivered).count()
}

/// Returns the length of the longest datagram from `from` since the last call.
fn longest(group: &mut Group, from: SocketAddr) -> usize {
    let lengths = group.network.take_captured().into_iter().filter(|datagram| datagram.from == from);
    lengths.map(|datagram| datagram.bytes.len()).max().unwrap_or(0)
}

#[test]
fn messages_of_every_length_arrive_whatever_the_mtu_is() {
    for profile in [Profile::GOOD, Profile { loss: 0.1, ..Profile::GOOD }] {
        for mtu in [548, 600, 1_000, 1_050, 1_199, 1_200] {
            for length in [1, 400, 480, 700, 950, 1_100, 5_000, 16_384] {
                for has_link in [false, true] {
                    let mut group = Group::new(2, profile, &PeerConfig::default(), length as u64);
                    if has_link {
                        group.send_text(0, Recipient::Everyone, "hello");
                        assert!(group.run_until_idle(SOON));
                    }
                    group.network.set_max_datagram(mtu);
                    group.send_text(0, Recipient::Everyone, &"x".repeat(length));
                    group.send_text(0, Recipient::Everyone, &"y".repeat(length));
                    let what = format!("{length} bytes, MTU {mtu}, existing link: {has_link}, loss {}", profile.loss);
                    assert!(group.run_until_idle(SOON * 2), "{what}");
                    assert_eq!(delivered(&group.take_outputs(0)), 2 + usize::from(has_link), "{what}");
                }
            }
        }
    }
}

#[test]
fn no_message_is_lost_when_the_mtu_changes() {
    for seed in 0..20 {
        let mut group = Group::new(2, Profile { loss: 0.05, ..Profile::GOOD }, &PeerConfig::default(), seed);
        group.set_application(1, Application::AcceptsEvery(Duration::from_millis(20)));
        for number in 0..120 {
            let length = [10, 300, 900, 1_090, 4_000][number % 5];
            group.send_text(0, Recipient::Everyone, &"x".repeat(length));
            group.run(Duration::from_millis(10));
            match number {
                30 => group.network.set_max_datagram(1_100),
                60 => group.network.set_max_datagram(560),
                90 => group.network.set_max_datagram(usize::MAX),
                _ => {}
            }
        }
        assert!(group.run_until_idle(SECOND * 60), "seed {seed}");
        assert_eq!(delivered(&group.take_outputs(0)), 120, "seed {seed}");
        group.ledger.check();
    }
}

#[test]
fn larger_sizes_are_probed_later_and_used_once_they_arrive() {
    let mut group = Group::new(2, Profile::GOOD, &PeerConfig::default(), 1);
    let from = group.address(0);
    let long = "x".repeat(8_000);
    group.network.set_max_datagram(700);
    group.send_text(0, Recipient::Everyone, &long);
    assert!(group.run_until_idle(SOON));
    group.network.capture();
    group.send_text(0, Recipient::Everyone, &long);
    assert!(group.run_until_idle(SECOND));
    let short = 500..=548;
    assert!(short.contains(&longest(&mut group, from)));
    group.run(SECOND * 120);
    assert_eq!(longest(&mut group, from), 0, "a size was probed while there was nothing to send");
    group.send_text(0, Recipient::Everyone, "x");
    assert!(group.run_until_idle(SECOND));
    assert_eq!(longest(&mut group, from), 1_000, "not exactly one probe of the next size");
    group.network.set_max_datagram(usize::MAX);
    group.send_text(0, Recipient::Everyone, &long);
    assert!(group.run_until_idle(SECOND));
    assert!(short.contains(&longest(&mut group, from)), "a larger size was used before it was probed");
    group.run(SECOND * 120);
    group.send_text(0, Recipient::Everyone, "x");
    group.run(SECOND);
    group.send_text(0, Recipient::Everyone, "x");
    group.run(SECOND);
    drop(group.network.take_captured());
    group.send_text(0, Recipient::Everyone, &long);
    assert!(group.run_until_idle(SECOND));
    assert!(
        (1_100..=1_200).contains(&longest(&mut group, from)),
        "the full size is not used although both probes arrived"
    );
}

#[test]
fn random_losses_do_not_reduce_the_datagram_size_for_long() {
    let mut group = Group::new(2, Profile { loss: 0.2, ..Profile::GOOD }, &PeerConfig::default(), 3);
    let from = group.address(0);
    for _ in 0..300 {
        group.send_text(0, Recipient::Everyone, &"x".repeat(3_000));
        group.run(Duration::from_millis(200));
    }
    assert!(group.run_until_idle(SOON));
    group.network.set_profile(Profile::GOOD);
    for _ in 0..4 {
        group.run(SECOND * 61);
        group.send_text(0, Recipient::Everyone, "x");
        group.run(SECOND);
    }
    group.network.capture();
    group.send_text(0, Recipient::Everyone, &"x".repeat(3_000));
    assert!(group.run_until_idle(SECOND));
    assert!((1_100..=1_200).contains(&longest(&mut group, from)));
}
