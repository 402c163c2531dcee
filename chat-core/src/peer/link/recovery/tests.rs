//! Tests of loss detection and congestion control.

use super::congestion::{INITIAL_WINDOW, MIN_WINDOW};
use super::*;
use crate::wire::datagram::Range;

fn at(millis: u64) -> Mono {
    Mono::at(Duration::from_millis(millis))
}

fn sent(number: u64, millis: u64) -> SentPacket {
    let frames = [SentFrame::Messages { first: number, last: number }].into_iter().collect();
    SentPacket { number, at: at(millis), size: 100, frames }
}

fn ack(largest: u64, ranges: &[(u64, u64)]) -> Ack {
    let ranges = ranges.iter().map(|&(length, gap)| Range { length, gap }).collect();
    Ack { largest, ranges, ..Ack::default() }
}

fn acked_and_lost(recovery: &mut Recovery, millis: u64, ack: &Ack) -> (Vec<u64>, Vec<u64>) {
    let (mut acked, mut lost) = (Vec::new(), Vec::new());
    let runs = ack.runs().unwrap();
    recovery.on_ack(at(millis), ack, &runs, |sent| acked.push(sent.number), |sent| lost.push(sent.number));
    (acked, lost)
}

#[test]
fn a_packet_is_lost_when_the_third_packet_after_it_has_arrived() {
    let mut recovery = Recovery::new();
    (0..5).for_each(|number| recovery.on_sent(sent(number, 0)));
    assert_eq!(acked_and_lost(&mut recovery, 10, &ack(2, &[(2, 0)])), (vec![1, 2], vec![]));
    assert_eq!(acked_and_lost(&mut recovery, 11, &ack(3, &[(3, 0)])), (vec![3], vec![0]));
    assert_eq!(recovery.bytes_in_flight, 100);
}

#[test]
fn a_packet_is_lost_when_it_is_overdue_after_a_later_one_has_arrived() {
    let mut recovery = Recovery::new();
    (0..2).for_each(|number| recovery.on_sent(sent(number, 0)));
    assert_eq!(acked_and_lost(&mut recovery, 80, &ack(1, &[(1, 0)])), (vec![1], vec![]));
    assert_eq!(recovery.loss_deadline(), Some(at(90)));
    let mut lost = Vec::new();
    recovery.detect_losses(at(89), |sent| lost.push(sent.number));
    assert!(lost.is_empty());
    recovery.detect_losses(at(90), |sent| lost.push(sent.number));
    assert_eq!(lost, [0]);
    assert!(recovery.is_empty());
}

#[test]
fn the_window_is_halved_once_per_congestion_event_down_to_its_minimum() {
    let mut recovery = Recovery::new();
    (0..40).for_each(|number| recovery.on_sent(sent(number, 0)));
    acked_and_lost(&mut recovery, 10, &ack(20, &[(1, 0)]));
    let halved = recovery.congestion.window;
    assert!(halved <= INITIAL_WINDOW / 2 + 100, "{halved}");
    acked_and_lost(&mut recovery, 11, &ack(39, &[(1, 0)]));
    assert_eq!(recovery.congestion.window, halved, "all packets were sent before the first loss was detected");
    for round in 0..10 {
        let number = 100 + round * 10;
        (number..number + 5).for_each(|number| recovery.on_sent(sent(number, 1000 * (round + 1))));
        acked_and_lost(&mut recovery, 1000 * (round + 1) + 10, &ack(number + 4, &[(1, 0)]));
    }
    assert_eq!(recovery.congestion.window, MIN_WINDOW);
}

#[test]
fn the_window_grows_only_while_it_is_used() {
    let mut recovery = Recovery::new();
    recovery.on_sent(sent(0, 0));
    acked_and_lost(&mut recovery, 10, &ack(0, &[(1, 0)]));
    assert_eq!(recovery.congestion.window, INITIAL_WINDOW);
    (1..=100).for_each(|number| recovery.on_sent(sent(number, 20)));
    acked_and_lost(&mut recovery, 30, &ack(100, &[(100, 0)]));
    assert_eq!(recovery.congestion.window, INITIAL_WINDOW + 10_000);
}

#[test]
fn persistent_congestion_reduces_the_window_to_its_minimum() {
    for (apart, is_persistent) in [(100, true), (5, false)] {
        let mut recovery = Recovery::new();
        recovery.on_sent(sent(0, 0));
        acked_and_lost(&mut recovery, 10, &ack(0, &[(1, 0)]));
        (1..20).for_each(|number| recovery.on_sent(sent(number, 20 + number * apart)));
        acked_and_lost(&mut recovery, 30 + 19 * apart, &ack(19, &[(1, 0)]));
        assert_eq!(
            recovery.congestion.window == MIN_WINDOW,
            is_persistent,
            "{apart} ms apart: {}",
            recovery.congestion.window
        );
    }
}

#[test]
fn losses_within_the_permitted_ack_delay_are_not_persistent_congestion() {
    for (ack_delay, is_persistent) in [(20, true), (500, false)] {
        let mut recovery = Recovery::new();
        recovery.on_sent(sent(0, 0));
        acked_and_lost(&mut recovery, 10, &ack(0, &[(1, 0)]));
        (1..=12).for_each(|number| recovery.on_sent(sent(number, 20 + number * 100)));
        recovery.allow_ack_delay(Duration::from_millis(ack_delay));
        acked_and_lost(&mut recovery, 1_230, &ack(12, &[(1, 0)]));
        let window = recovery.congestion.window;
        assert_eq!(window == MIN_WINDOW, is_persistent, "acks may take {ack_delay} ms: {window}");
        assert_eq!(recovery.max_ack_delay, ACK_DELAY, "no packet is in flight, so no ack may be delayed");
    }
}

#[test]
fn a_stall_is_not_persistent_congestion() {
    let mut recovery = Recovery::new();
    recovery.on_sent(sent(0, 0));
    acked_and_lost(&mut recovery, 10, &ack(0, &[(1, 0)]));
    (1..=6).for_each(|number| recovery.on_sent(sent(number, 20 + number)));
    // The first packets are overdue before the stall, the others after it.
    recovery.largest_acked = Some(6);
    recovery.in_flight.retain(|sent| sent.number < 3);
    let mut lost = Vec::new();
    recovery.detect_losses(at(21 + 12), |sent| lost.push(sent.number));
    assert_eq!(lost, [1, 2]);
    recovery.on_sent(sent(7, 40));
    recovery.on_sent(sent(8, 40));
    recovery.shift(Duration::from_secs(60));
    recovery.largest_acked = Some(20);
    recovery.detect_losses(at(60_060), |sent| lost.push(sent.number));
    assert_eq!(lost, [1, 2, 7, 8]);
    assert!(recovery.congestion.window > MIN_WINDOW, "{}", recovery.congestion.window);
}

#[test]
fn an_ack_between_losses_prevents_persistent_congestion() {
    let mut recovery = Recovery::new();
    recovery.on_sent(sent(0, 0));
    acked_and_lost(&mut recovery, 10, &ack(0, &[(1, 0)]));
    (1..=2).for_each(|number| recovery.on_sent(sent(number, 20 + number * 100)));
    assert_eq!(acked_and_lost(&mut recovery, 235, &ack(2, &[(1, 0)])), (vec![2], vec![1]));
    recovery.on_sent(sent(3, 320));
    (4..20).for_each(|number| recovery.on_sent(sent(number, 330 + number)));
    assert_eq!(acked_and_lost(&mut recovery, 350, &ack(10, &[(1, 0)])).1, [3, 4, 5, 6, 7, 8]);
    assert!(recovery.congestion.window > MIN_WINDOW);
}

#[test]
fn optional_packets_are_no_longer_tracked_when_a_peer_never_acknowledges() {
    let mut recovery = Recovery::new();
    let mut number = 0;
    while !recovery.is_full() {
        recovery.on_sent(sent(number, 0));
        number += 1;
    }
    assert_eq!(number, MAX_TRACKED as u64);
}

#[test]
fn a_repeated_ack_changes_nothing() {
    let mut recovery = Recovery::new();
    (0..2).for_each(|number| recovery.on_sent(sent(number, 0)));
    let ack = ack(1, &[(2, 0)]);
    assert_eq!(acked_and_lost(&mut recovery, 5, &ack).0, [0, 1]);
    assert_eq!(acked_and_lost(&mut recovery, 6, &ack), (vec![], vec![]));
}
