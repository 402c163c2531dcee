//! Tests of messages coming in.

use super::*;

fn incoming() -> Incoming {
    Incoming::resuming(Received::default(), Missing::Nothing, FIRST_ROOM, RateLimit::default())
}

/// What one call hands over.
fn handed(call: impl FnOnce(&mut dyn FnMut(u64, &[u8]))) -> Vec<(u64, Vec<u8>)> {
    let mut handed = Vec::new();
    call(&mut |number, body| handed.push((number, body.to_vec())));
    handed
}

fn whole(incoming: &mut Incoming, number: u64, body: &[u8]) -> Vec<(u64, Vec<u8>)> {
    handed(|deliver| incoming.whole(number, body, deliver).unwrap())
}

fn told(incoming: &mut Incoming) -> (u64, u64, Vec<u64>) {
    let mut ack = Ack::default();
    incoming.fill(Mono::ZERO, &mut ack);
    (ack.settled, ack.room, ack.refused.iter().map(|refusal| refusal.number).collect())
}

#[test]
fn messages_are_handed_over_once_and_in_order_however_they_come() {
    let mut incoming = incoming();
    assert_eq!(whole(&mut incoming, 2, b"b"), []);
    assert_eq!(whole(&mut incoming, 2, b"b"), []);
    assert_eq!(handed(|deliver| incoming.piece(3, 1, 2, b"c", deliver).unwrap()), []);
    assert_eq!(whole(&mut incoming, 1, b"a"), [(1, b"a".to_vec()), (2, b"b".to_vec())]);
    assert_eq!(whole(&mut incoming, 1, b"a"), []);
    assert_eq!(handed(|deliver| incoming.piece(3, 0, 2, b"C", deliver).unwrap()), [(3, b"Cc".to_vec())]);
    assert_eq!(handed(|deliver| incoming.piece(3, 0, 2, b"C", deliver).unwrap()), []);
}

#[test]
fn only_what_the_application_answered_for_is_settled_and_gives_room() {
    let mut incoming = incoming();
    (1..=3).for_each(|number| drop(whole(&mut incoming, number, b"xx")));
    assert_eq!(told(&mut incoming), (0, FIRST_ROOM, vec![]));
    assert!(!incoming.settle(Mono::ZERO, 2, Answer::Taken), "the first is still open");
    assert!(incoming.settle(Mono::ZERO, 1, Answer::Refused(RefusalReason::Application)));
    assert_eq!(told(&mut incoming), (2, FIRST_ROOM + 4, vec![1]));
    assert!(!incoming.settle(Mono::ZERO, 1, Answer::Taken), "an answer is never revised");
    assert!(!incoming.settle(Mono::ZERO, 9, Answer::Taken), "nobody was asked");
    assert_eq!(incoming.held(), 2 + OVERHEAD);
}

#[test]
fn refusals_stay_until_the_sender_knows_them_and_too_many_wait() {
    let mut incoming = incoming();
    for number in 1..=MAX_REFUSALS as u64 + 1 {
        whole(&mut incoming, number, b"x");
        incoming.settle(Mono::ZERO, number, Answer::Refused(RefusalReason::Content));
    }
    let most = MAX_REFUSALS as u64;
    assert_eq!(told(&mut incoming).0, most, "one more would count as delivered");
    assert_eq!(incoming.note().refused.len(), MAX_REFUSALS);
    assert!(incoming.on_refusals_acked(Mono::ZERO, most), "there is more to tell");
    assert_eq!((told(&mut incoming).0, told(&mut incoming).2), (most + 1, vec![most + 1]));
}

#[test]
fn who_goes_beyond_what_was_granted_is_malformed() {
    let mut incoming = incoming();
    let body = [7; MAX_BODY];
    for (number, len) in [(1, 0), (1, MAX_BODY + 1), (MAX_QUEUED as u64 + 1, 1), (u64::MAX, 1)] {
        assert_eq!(incoming.check(number, len), Err(Malformed), "{number} {len}");
    }
    (2..=4).for_each(|number| incoming.whole(number, &body, |_, _| {}).unwrap());
    assert_eq!(incoming.whole(5, &body, |_, _| {}), Err(Malformed));
    for (offset, total, bytes) in [(0, 1, &b"xx"[..]), (1, 1, b"x"), (0, 1, b"")] {
        assert_eq!(incoming.piece(6, offset, total, bytes, |_, _| {}), Err(Malformed));
    }
}

#[test]
fn a_skip_drops_what_is_incomplete_and_sets_free_what_follows() {
    let mut incoming = incoming();
    incoming.piece(1, 0, 9, b"x", |_, _| {}).unwrap();
    whole(&mut incoming, 4, b"d");
    assert_eq!(handed(|deliver| incoming.skip(3, 30, deliver).unwrap()), [(4, b"d".to_vec())]);
    assert_eq!(incoming.note(), Received { delivered: 4, position: 31, refused: vec![] });
    assert_eq!(handed(|deliver| incoming.skip(2, 5, deliver).unwrap()), [], "an old one");
    assert_eq!(whole(&mut incoming, 2, b"late"), []);
    assert_eq!(incoming.held(), 1 + OVERHEAD);
    for (up_to, bytes) in [(9, 30), (MOST_NUMBER, 40), (9, MOST_NUMBER), (u64::MAX, u64::MAX)] {
        assert_eq!(incoming.skip(up_to, bytes, |_, _| {}), Err(Malformed), "{up_to} {bytes}");
    }
}

#[test]
fn what_is_put_away_is_only_what_nobody_saw() {
    let mut incoming = incoming();
    whole(&mut incoming, 1, b"seen");
    whole(&mut incoming, 3, b"ahead");
    incoming.put_away();
    assert_eq!((incoming.held(), incoming.missing()), (4 + OVERHEAD, Some(1)));
    assert!(incoming.is_waiting());
    incoming.settle(Mono::ZERO, 1, Answer::Taken);
    assert!(!incoming.is_waiting());
    assert_eq!(incoming.held(), 0);
}
