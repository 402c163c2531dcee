//! Tests of paths.

use std::collections::BTreeSet;
use std::time::Duration;

use super::*;
use crate::sim::SeededGenerator;

fn address(last: u8) -> SocketAddr {
    SocketAddr::from(([192, 168, 1, last], 4000))
}

fn at(millis: u64) -> Mono {
    Mono::at(Duration::from_millis(millis))
}

fn path(addresses: &[u8]) -> (Path, SeededGenerator) {
    let mut generator = SeededGenerator::new(1);
    let path = Path::new(
        addresses.iter().copied().map(address),
        ChallengeBudget::default(),
        RelayStanding::Absent,
        &mut generator,
    );
    (path, generator)
}

fn next_challenge(path: &mut Path, now: Mono) -> Option<(SocketAddr, [u8; 8])> {
    path.next_challenge(now, 42, &mut LimitCounts::default())
}

#[test]
fn an_offered_address_receives_three_datagrams_before_it_is_proven() {
    let (mut path, _) = path(&[1]);
    for _ in 0..3 {
        assert_eq!(path.allowance(Way::Direct(address(1))), usize::MAX);
        path.on_sent(at(0), address(1), 1200);
    }
    assert_eq!(path.allowance(Way::Direct(address(1))), 0);
    assert_eq!(path.on_pong(at(0), [9; 8], false), PongResult::Nothing, "the bytes are not those of a challenge");
    assert_eq!(path.allowance(Way::Direct(address(1))), 0);
    path.on_pong(at(0), path.challenge().unwrap(), false);
    assert!(path.is_proven() && path.challenge().is_none());
    assert_eq!(path.allowance(Way::Direct(address(1))), usize::MAX);
}

#[test]
fn a_learned_address_receives_three_times_its_bytes_until_it_is_proven_and_becomes_current() {
    let (mut path, mut generator) = path(&[1]);
    path.on_pong(at(0), path.challenge().unwrap(), false);
    path.on_received(at(0), address(9), 50, true, &mut generator);
    assert_eq!(path.current(), Some(address(1)), "the proven address stays current until then");
    assert_eq!(path.allowance(Way::Direct(address(9))), 150);
    let (to, challenge) = next_challenge(&mut path, at(0)).unwrap();
    assert_eq!(to, address(9));
    path.on_sent(at(0), to, 42);
    assert_eq!(path.allowance(Way::Direct(address(9))), 108);
    assert_eq!(path.on_pong(at(0), challenge, false), PongResult::OtherAddress);
    assert_eq!(path.current(), Some(address(9)));
}

#[test]
fn a_peer_whose_first_datagrams_were_lost_may_answer_the_first_that_arrives() {
    let (mut path, mut generator) = path(&[1]);
    (0..3).for_each(|_| path.on_sent(at(0), address(1), 1200));
    (0..9).for_each(|_| path.on_sent(at(0), address(1), 48));
    assert_eq!(path.allowance(Way::Direct(address(1))), 0);
    path.on_received(at(0), address(1), 48, true, &mut generator);
    assert_eq!(path.allowance(Way::Direct(address(1))), 144);
    path.on_sent(at(0), address(1), 100);
    assert_eq!(path.allowance(Way::Direct(address(1))), 44);
}

#[test]
fn an_older_datagram_from_another_address_starts_no_proof() {
    let (mut path, mut generator) = path(&[1]);
    path.on_received(at(0), address(9), 50, false, &mut generator);
    assert_eq!(next_challenge(&mut path, at(0)), None);
    assert_eq!(path.allowance(Way::Direct(address(9))), 0);
}

#[test]
fn an_unanswered_proof_ends_after_the_last_challenge() {
    let (mut path, mut generator) = path(&[1]);
    path.on_pong(at(0), path.challenge().unwrap(), false);
    path.on_received(at(0), address(9), 1000, true, &mut generator);
    let mut challenges = 0;
    let mut now = at(0);
    if next_challenge(&mut path, now).is_some() {
        path.on_sent(at(0), address(9), 42);
        challenges += 1;
    }
    while let Some(deadline) = path.next_challenge_after(now) {
        now = deadline;
        if next_challenge(&mut path, deadline).is_some() {
            path.on_sent(at(0), address(9), 42);
            challenges += 1;
        }
    }
    assert_eq!(challenges, MAX_CHALLENGES);
    assert_eq!(path.current(), Some(address(1)));
}

#[test]
fn the_first_offered_address_that_answers_becomes_current() {
    let (mut path, _) = path(&[1, 2, 3]);
    path.challenge_others(at(0));
    let challenged: Vec<_> = std::iter::from_fn(|| next_challenge(&mut path, at(0))).collect();
    assert_eq!(challenged.iter().map(|(to, _)| *to).collect::<Vec<_>>(), [address(2), address(3)]);
    assert_eq!(path.on_pong(at(0), challenged[1].1, false), PongResult::OtherAddress);
    assert_eq!(path.current(), Some(address(3)));
    assert_eq!(path.on_pong(at(0), challenged[0].1, false), PongResult::Nothing, "the current address answers");
    assert_eq!(path.current(), Some(address(3)));
    assert_eq!(
        path.on_pong(at(0), challenged[0].1, true),
        PongResult::OtherAddress,
        "the current address does not answer"
    );
}

#[test]
fn each_address_has_a_challenge_of_its_own() {
    let (path, _) = path(&[1, 2, 3, 4]);
    let challenges: BTreeSet<_> = path.candidates.iter().map(|candidate| candidate.challenge).collect();
    assert_eq!(challenges.len(), 4);
}

#[test]
fn a_proven_address_stays_current_when_the_offer_changes() {
    let (mut path, mut generator) = path(&[1, 2]);
    path.on_pong(at(0), path.challenge().unwrap(), false);
    path.offer([address(5)].into_iter(), at(0), &mut generator);
    assert_eq!(path.current(), Some(address(1)));
    let (to, challenge) = next_challenge(&mut path, at(0)).unwrap();
    assert_eq!(to, address(5));
    assert_eq!(path.on_pong(at(0), challenge, true), PongResult::OtherAddress);
    let (mut path, mut generator) = self::path(&[1, 2]);
    path.offer([address(5)].into_iter(), at(0), &mut generator);
    assert_eq!(path.current(), Some(address(5)), "no address was proven");
}

/// Sends every challenge that is due during `seconds` in which none is answered. Returns where each of them went.
fn challenges(path: &mut Path, from: u64, seconds: u64) -> Vec<SocketAddr> {
    let mut sent = Vec::new();
    for millis in (from * 1_000..(from + seconds) * 1_000).step_by(50) {
        while let Some((to, _)) = next_challenge(path, at(millis)) {
            path.on_sent(at(millis), to, 42);
            sent.push(to);
        }
    }
    sent
}

#[test]
fn other_addresses_do_not_renew_the_challenges_of_a_link() {
    let (mut path, mut generator) = path(&[1]);
    path.on_pong(at(0), path.challenge().unwrap(), false);
    let mut sent = 0;
    for second in 0..600 {
        let offered = (0..4).map(|port| SocketAddr::from(([203, 0, 113, 7], 5_000 + 4 * (second as u16 % 9) + port)));
        path.offer(offered, at(second * 1_000), &mut generator);
        sent += challenges(&mut path, second, 1).len();
    }
    assert!((60..=16 + 60).contains(&sent), "{sent} challenges in 600 s");
}

#[test]
fn addresses_share_the_challenges_of_a_link_evenly() {
    let (mut path, _) = path(&[1, 2, 3, 4, 5]);
    path.on_pong(at(0), path.challenge().unwrap(), false);
    path.challenge_others(at(0));
    let sent = challenges(&mut path, 0, 60);
    for last in 2..=5 {
        let count = sent.iter().filter(|to| **to == address(last)).count();
        assert!((4..=6).contains(&count), "{count} challenges to address {last}");
    }
}

#[test]
fn an_unproven_current_address_receives_the_probes_of_four_link_timeouts() {
    let (mut path, _) = path(&[1]);
    let probes = |path: &mut Path, from: u64, to: u64| {
        let granted = (from..to).filter(|second| {
            let now = at(second * 1_000);
            let granted = path.permission(now, SMALL_DATAGRAM) == Permission::Granted;
            if granted {
                path.on_sent(now, address(1), SMALL_DATAGRAM);
            }
            granted
        });
        granted.count()
    };
    assert_eq!(probes(&mut path, 0, 180), 180);
    assert!(probes(&mut path, 180, 780) <= 60 + 30);
    assert_eq!(probes(&mut path, 5_000, 5_180), 180, "a long pause restores the budget");
}

#[test]
fn an_address_that_has_answered_is_challenged_whenever_the_current_one_does_not() {
    let (mut path, _) = path(&[1, 2]);
    path.challenge_others(at(0));
    let (_, challenge) = next_challenge(&mut path, at(0)).unwrap();
    path.on_pong(at(0), path.challenge().unwrap(), false);
    path.on_pong(at(0), challenge, false);
    assert_eq!(path.current(), Some(address(1)));
    for second in 1..200 {
        path.rechallenge_others(at(second * 1_000));
        assert_eq!(challenges(&mut path, second, 1), [address(2)]);
    }
}
