//! Tests of messages from the peer.

use super::*;

fn incoming() -> Incoming {
    Incoming::resuming(IncomingResumption::default(), ResendRequest::None, INITIAL_ROOM, RateLimit::default())
}

/// Returns the messages that `call` delivers.
fn delivered_by(call: impl FnOnce(&mut dyn FnMut(u64, &[u8]))) -> Vec<(u64, Vec<u8>)> {
    let mut delivered = Vec::new();
    call(&mut |number, body| delivered.push((number, body.to_vec())));
    delivered
}

fn receive(incoming: &mut Incoming, number: u64, body: &[u8]) -> Vec<(u64, Vec<u8>)> {
    delivered_by(|deliver| incoming.on_message(number, body, deliver).unwrap())
}

/// Returns what the next ack states: accepted messages, room, and refusals.
fn next_ack(incoming: &mut Incoming) -> (u64, u64, Vec<u64>) {
    let mut ack = Ack::default();
    incoming.complete_ack(Mono::ZERO, &mut ack);
    (ack.accepted, ack.room, ack.refused.iter().map(|refusal| refusal.number).collect())
}

#[test]
fn messages_are_delivered_once_and_in_order_in_whatever_order_they_arrive() {
    let mut incoming = incoming();
    assert_eq!(receive(&mut incoming, 2, b"b"), []);
    assert_eq!(receive(&mut incoming, 2, b"b"), []);
    assert_eq!(delivered_by(|deliver| incoming.on_fragment(3, 1, 2, b"c", deliver).unwrap()), []);
    assert_eq!(receive(&mut incoming, 1, b"a"), [(1, b"a".to_vec()), (2, b"b".to_vec())]);
    assert_eq!(receive(&mut incoming, 1, b"a"), []);
    assert_eq!(delivered_by(|deliver| incoming.on_fragment(3, 0, 2, b"C", deliver).unwrap()), [(3, b"Cc".to_vec())]);
    assert_eq!(delivered_by(|deliver| incoming.on_fragment(3, 0, 2, b"C", deliver).unwrap()), []);
}

#[test]
fn decided_messages_are_acknowledged_and_give_room_once_all_before_them_are_decided() {
    let mut incoming = incoming();
    (1..=3).for_each(|number| drop(receive(&mut incoming, number, b"xx")));
    assert_eq!(next_ack(&mut incoming), (0, INITIAL_ROOM, vec![]));
    assert!(!incoming.decide(Mono::ZERO, 2, Decision::Accept), "the first message is undecided");
    assert!(incoming.decide(Mono::ZERO, 1, Decision::Refuse(RefusalReason::Application)));
    assert_eq!(next_ack(&mut incoming), (2, INITIAL_ROOM + 4, vec![1]));
    assert!(!incoming.decide(Mono::ZERO, 1, Decision::Accept), "a decision is final");
    assert!(!incoming.decide(Mono::ZERO, 9, Decision::Accept), "this message was not delivered");
    assert_eq!(incoming.buffered(), 2 + MESSAGE_OVERHEAD);
}

#[test]
fn one_decision_accepts_all_messages_up_to_it_except_those_that_were_refused() {
    let mut incoming = incoming();
    (1..=4).for_each(|number| drop(receive(&mut incoming, number, b"xx")));
    incoming.decide(Mono::ZERO, 2, Decision::Refuse(RefusalReason::Application));
    assert!(incoming.decide(Mono::ZERO, 3, Decision::AcceptUpTo));
    assert_eq!(next_ack(&mut incoming), (3, INITIAL_ROOM + 6, vec![2]));
    assert!(!incoming.decide(Mono::ZERO, 3, Decision::AcceptUpTo), "nothing new is decided");
    assert_eq!(incoming.buffered(), 2 + MESSAGE_OVERHEAD, "the fourth message is undecided");
}

#[test]
fn a_refusal_is_listed_until_it_is_acknowledged_and_the_list_is_bounded() {
    let mut incoming = incoming();
    for number in 1..=MAX_REFUSALS as u64 + 1 {
        receive(&mut incoming, number, b"x");
        incoming.decide(Mono::ZERO, number, Decision::Refuse(RefusalReason::Content));
    }
    let most = MAX_REFUSALS as u64;
    assert_eq!(next_ack(&mut incoming).0, most, "a refusal that is not listed would count as accepted");
    assert_eq!(incoming.resumption().refused.len(), MAX_REFUSALS);
    assert!(incoming.on_refusals_acked(Mono::ZERO, most), "the next refusal can be listed");
    assert_eq!((next_ack(&mut incoming).0, next_ack(&mut incoming).2), (most + 1, vec![most + 1]));
}

#[test]
fn messages_beyond_the_limits_of_a_sender_are_malformed() {
    let mut incoming = incoming();
    let body = [7; MAX_BODY];
    for (number, len) in [(1, 0), (1, MAX_BODY + 1), (MAX_QUEUED as u64 + 1, 1), (u64::MAX, 1)] {
        assert_eq!(incoming.check(number, len), Err(Malformed), "message {number} of {len} bytes");
    }
    (2..=4).for_each(|number| incoming.on_message(number, &body, |_, _| {}).unwrap());
    assert_eq!(incoming.on_message(5, &body, |_, _| {}), Err(Malformed));
    for (offset, total, bytes) in [(0, 1, &b"xx"[..]), (1, 1, b"x"), (0, 1, b"")] {
        assert_eq!(incoming.on_fragment(6, offset, total, bytes, |_, _| {}), Err(Malformed));
    }
}

#[test]
fn a_skip_drops_incomplete_messages_and_delivers_those_after_it() {
    let mut incoming = incoming();
    incoming.on_fragment(1, 0, 9, b"x", |_, _| {}).unwrap();
    receive(&mut incoming, 4, b"d");
    assert_eq!(delivered_by(|deliver| incoming.on_skip(3, 30, deliver).unwrap()), [(4, b"d".to_vec())]);
    assert_eq!(
        incoming.resumption(),
        IncomingResumption { delivered: Position { number: 4, bytes: 31 }, refused: vec![] }
    );
    assert_eq!(
        delivered_by(|deliver| incoming.on_skip(2, 5, deliver).unwrap()),
        [],
        "it reaches no further than the last"
    );
    assert_eq!(receive(&mut incoming, 2, b"late"), []);
    assert_eq!(incoming.buffered(), 1 + MESSAGE_OVERHEAD);
    for (up_to, bytes) in [(9, 30), (MAX_NUMBER, 40), (9, MAX_NUMBER), (u64::MAX, u64::MAX)] {
        assert_eq!(incoming.on_skip(up_to, bytes, |_, _| {}), Err(Malformed), "up to message {up_to}, {bytes} bytes");
    }
}

#[test]
fn only_undelivered_messages_are_dropped() {
    let mut incoming = incoming();
    receive(&mut incoming, 1, b"seen");
    receive(&mut incoming, 3, b"ahead");
    incoming.drop_undelivered();
    assert_eq!((incoming.buffered(), incoming.resend_after()), (4 + MESSAGE_OVERHEAD, Some(1)));
    assert!(incoming.has_undecided());
    incoming.decide(Mono::ZERO, 1, Decision::Accept);
    assert!(!incoming.has_undecided());
    assert_eq!(incoming.buffered(), 0);
}
