//! Faults of a single link: hostile members, peers that leave and return, and networks that work in one direction.
//!
//! The file is long because each test is a short script on the same helpers, and no subset of them has a subject of its
//! own.

mod common;

use std::sync::Arc;
use std::time::Duration;

use chat_core::key::KeyPair;
use chat_core::message::{Content, FailReason, Outcome, Recipient, UnconfirmedReason};
use chat_core::name::UserName;
use chat_core::peer::{Datagram, Input, Loopback, Output, Peer, PeerConfig, Slab};
use chat_core::presence::OfflineReason;
use chat_core::roster::{Change, Entry};
use chat_core::sim::{Application, Group, Profile, SeededGenerator, outcomes, texts};
use chat_core::text::Text;
use chat_core::time::{Mono, Now};
use chat_core::wire::datagram::{Body, BodyContent, BodyScope, Frame};

const SECOND: Duration = Duration::from_secs(1);

fn group(count: usize, seed: u64) -> Group {
    Group::new(count, Profile::GOOD, &PeerConfig::default(), seed)
}

fn one(group: &Group, index: usize) -> Recipient {
    Recipient::One(group.entry(index).user.clone())
}

fn forge(group: &mut Group, number: u64, frames: &[Frame<'_>]) {
    let mut bytes = Vec::new();
    frames.iter().for_each(|frame| frame.encode(&mut bytes));
    group.forge(1, 0, number, &bytes);
}

fn body(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    Body { id: 1, scope: BodyScope::Group, sent_at: 0, content: BodyContent::Text(text) }.encode(&mut out);
    out
}

fn delivered(outputs: &[Output]) -> usize {
    texts(outputs).len()
}

/// A group of two whose members have exchanged messages in both directions.
fn acquainted(seed: u64) -> Group {
    let mut group = group(2, seed);
    group.send_text(0, Recipient::Everyone, "hello");
    group.send_text(1, Recipient::Everyone, "hello");
    assert!(group.run_until_idle(SECOND));
    group.run(SECOND);
    drop((group.take_outputs(0), group.take_outputs(1)));
    group
}

/// Removes member `index` from the roster of member `of`, and adds it again after `time`.
fn absent(group: &mut Group, index: usize, of: usize, time: Duration) {
    let entry = group.entry(index).clone();
    group.input(of, Input::Change(Change::Offline { user: entry.user.clone(), reason: OfflineReason::Lost }));
    group.run(time);
    group.input(of, Input::Change(Change::Online(entry)));
}

#[test]
fn numbers_near_the_end_of_their_range_are_harmless() {
    let frames = |n: u64| {
        [
            vec![Frame::Skip { up_to: n, bytes: 1 }],
            vec![Frame::Skip { up_to: n, bytes: n }],
            vec![Frame::Skip { up_to: 1, bytes: n }, Frame::Message { number: 2, body: b"x" }],
            vec![Frame::Message { number: n, body: b"x" }],
            vec![Frame::Fragment { number: n, offset: u16::MAX, total: u16::MAX, bytes: b"x" }],
            vec![Frame::Bye { reason: chat_core::wire::datagram::ByeReason::Leaving, last: n }],
        ]
    };
    for near in [u64::MAX, u64::MAX - 1, u64::MAX - 3000, u64::MAX / 2, u64::MAX / 4 + 1] {
        for frames in frames(near) {
            for number in [100, near] {
                let mut group = group(2, 1);
                forge(&mut group, number, &frames);
                forge(&mut group, number.saturating_add(1), &[Frame::Message { number: 1, body: b"x" }]);
                group.run(SECOND);
                group.send_text(0, Recipient::Everyone, "x");
                group.run(SECOND * 2);
            }
        }
    }
}

#[test]
fn a_packet_number_near_the_end_of_the_range_does_not_reset_the_replay_window() {
    let mut group = group(2, 2);
    let first = body("once");
    forge(&mut group, 0, &[Frame::Message { number: 1, body: &first }]);
    forge(&mut group, u64::MAX, &[Frame::Ping([1; 8])]);
    forge(&mut group, u64::MAX - 1, &[Frame::Ping([1; 8])]);
    let sent = group.network.sent();
    forge(&mut group, 0, &[Frame::Ping([2; 8])]);
    assert_eq!(group.network.sent(), sent, "a packet with a used number was answered");
}

#[test]
fn a_violation_closes_one_link_for_good() {
    for returns in [false, true] {
        let mut group = group(3, 3);
        forge(&mut group, 0, &[Frame::Message { number: 0x1000_0000, body: b"x" }]);
        let user = group.entry(1).user.clone();
        assert_eq!(group.take_outputs(0), [Output::Violation(user)]);
        if returns {
            absent(&mut group, 1, 0, SECOND);
        }
        let text = body("let me in");
        forge(&mut group, 1, &[Frame::Message { number: 1, body: &text }]);
        assert_eq!(delivered(&group.take_outputs(0)), 0);
        let other = one(&group, 2);
        group.send_text(0, other, "you are fine");
        assert!(group.run_until_idle(SECOND));
        assert_eq!(outcomes(&group.take_outputs(0)), [Outcome::Delivered]);
        assert_eq!(delivered(&group.take_outputs(2)), 1);
    }
}

/// The entry of another user that claims the key of member 1. Keys are public.
fn impostor(group: &Group) -> Entry {
    Entry { user: "mallory".parse().expect("a name"), ..group.entry(1).clone() }
}

fn offline(entry: &Entry) -> Input {
    Input::Change(Change::Offline { user: entry.user.clone(), reason: OfflineReason::Kicked })
}

#[test]
fn a_user_that_claims_the_key_of_a_peer_does_not_displace_it() {
    let mut group = acquainted(20);
    let (impostor, to) = (impostor(&group), one(&group, 1));
    group.input(0, Input::Change(Change::Online(impostor.clone())));
    group.send_text(0, to.clone(), "are you still there?");
    assert!(group.run_until_idle(SECOND));
    group.input(0, offline(&impostor));
    group.run(SECOND * 10);
    group.send_text(0, to, "and now?");
    group.send_text(0, Recipient::Everyone, "and everybody?");
    assert!(group.run_until_idle(SECOND));
    assert_eq!(outcomes(&group.take_outputs(0)), [Outcome::Delivered; 3]);
    assert_eq!(delivered(&group.take_outputs(1)), 3);
}

/// Two packets sealed under the same key and number would let an observer decrypt them.
#[test]
fn no_packet_number_is_reused_after_another_user_claimed_the_key() {
    for pause in [SECOND, SECOND * 10] {
        let mut group = group(2, 21);
        group.network.capture();
        let (entry, impostor) = (group.entry(1).clone(), impostor(&group));
        group.send_text(0, Recipient::Everyone, "before");
        assert!(group.run_until_idle(SECOND));
        for change in [offline(&entry), Input::Change(Change::Online(impostor.clone()))] {
            group.input(0, change);
            group.run(pause);
        }
        group.send_text(0, Recipient::Everyone, "meanwhile");
        group.run(pause);
        group.input(0, offline(&impostor));
        group.input(0, Input::Change(Change::Online(entry)));
        group.send_text(0, Recipient::Everyone, "after");
        group.run(SECOND);
        // The keys depend on both names, so those of the impostor are others.
        let sent = group.network.take_captured();
        let sent = sent.into_iter().filter(|datagram| group.open_datagram(0, 1, &datagram.bytes).is_some());
        let mut numbers: Vec<Vec<u8>> = sent.map(|datagram| datagram.bytes[9..17].to_vec()).collect();
        assert!(numbers.len() >= 2, "the two messages to the peer itself");
        let all = numbers.len();
        numbers.sort();
        numbers.dedup();
        assert_eq!(numbers.len(), all, "a packet number was used twice");
        assert_eq!(outcomes(&group.take_outputs(0)).last(), Some(&Outcome::Delivered));
    }
}

#[test]
fn a_message_stays_undecided_while_its_sender_is_offline() {
    let mut group = group(2, 4);
    group.set_application(1, Application::Stalled);
    group.send_text(0, Recipient::Everyone, "read me");
    group.run(SECOND);
    absent(&mut group, 0, 1, SECOND * 10);
    group.run(SECOND * 10);
    assert_eq!(outcomes(&group.take_outputs(0)), [], "the application has not decided");
    group.set_application(1, Application::Accepts);
    assert!(group.run_until_idle(SECOND * 5));
    assert_eq!(outcomes(&group.take_outputs(0)), [Outcome::Delivered]);
    assert_eq!(delivered(&group.take_outputs(1)), 1);
}

#[test]
fn a_refusal_is_not_reported_as_delivered_after_the_link_was_retired() {
    let mut group = acquainted(5);
    let (a, b) = (group.address(0), group.address(1));
    group.set_application(1, Application::Stalled);
    group.send_text(0, Recipient::Everyone, "you will not like this");
    group.run(SECOND);
    group.network.block(b, a);
    let token = group.take_outputs(1).iter().find_map(|output| match output {
        Output::Deliver(delivery) => Some(delivery.last_token()),
        _ => None,
    });
    group.input(1, Input::Refuse(token.expect("the message was passed to the application")));
    group.run(SECOND);
    absent(&mut group, 0, 1, SECOND * 10);
    group.network.unblock();
    assert!(group.run_until_idle(SECOND * 5));
    assert_eq!(outcomes(&group.take_outputs(0)), [Outcome::Failed(FailReason::Refused)]);
}

#[test]
fn messages_that_were_dropped_with_a_retired_link_are_sent_again() {
    let mut group = acquainted(6);
    let (a, b) = (group.address(0), group.address(1));
    group.network.block(a, b);
    group.send_text(0, Recipient::Everyone, "lost");
    group.network.unblock();
    // These messages arrive and are acknowledged, but wait for the first one.
    group.send_text(0, Recipient::Everyone, &"z".repeat(10_000));
    group.send_text(0, Recipient::Everyone, "arrives");
    group.run(Duration::from_millis(1));
    group.network.block(a, b);
    group.run(Duration::from_millis(100));
    absent(&mut group, 0, 1, SECOND * 10);
    group.network.unblock();
    assert!(group.run_until_idle(SECOND * 10), "the dropped messages were not sent again");
    assert_eq!(outcomes(&group.take_outputs(0)), [Outcome::Delivered; 3]);
    assert_eq!(delivered(&group.take_outputs(1)), 3);
}

#[test]
fn a_sender_that_retired_the_link_keeps_to_the_room_of_a_receiver_that_did_not() {
    let mut group = acquainted(7);
    group.set_application(1, Application::Stalled);
    for _ in 0..6 {
        group.send_text(0, Recipient::Everyone, &"x".repeat(10_000));
    }
    group.run(SECOND);
    absent(&mut group, 1, 0, SECOND * 10);
    for _ in 0..6 {
        group.send_text(0, Recipient::Everyone, &"y".repeat(10_000));
    }
    group.run(SECOND * 5);
    let outputs = group.take_outputs(1);
    assert!(
        !outputs.iter().any(|output| matches!(output, Output::Violation(_))),
        "the link of an honest sender was closed"
    );
    group.set_application(1, Application::Accepts);
    assert!(group.run_until_idle(SECOND * 10));
    assert_eq!(outcomes(&group.take_outputs(0))[6..], [Outcome::Delivered; 6]);
}

#[test]
fn thousands_of_abandoned_messages_are_not_a_violation() {
    let mut group = acquainted(8);
    let (a, b) = (group.address(0), group.address(1));
    group.network.block(a, b);
    for _ in 0..8 {
        (0..300).for_each(|_| group.send_text(0, Recipient::Everyone, "x"));
        group.run(SECOND * 60);
    }
    assert_eq!(group.pending_outcomes(0), 0);
    // The first datagram carries the notice that they were abandoned, and is lost.
    group.send_text(0, Recipient::Everyone, "y");
    group.network.unblock();
    (0..500).for_each(|_| group.send_text(0, Recipient::Everyone, "z"));
    drop(group.take_outputs(0));
    assert!(group.run_until_idle(SECOND * 30));
    let outputs = group.take_outputs(1);
    assert!(
        !outputs.iter().any(|output| matches!(output, Output::Violation(_))),
        "the link of an honest sender was closed"
    );
    assert_eq!(outcomes(&group.take_outputs(0)), [Outcome::Delivered; 501]);
}

#[test]
fn a_dead_peer_is_not_probed_after_its_messages_were_abandoned() {
    let mut group = acquainted(9);
    let (a, b) = (group.address(0), group.address(1));
    group.network.block(a, b);
    group.send_text(0, Recipient::Everyone, "anybody?");
    group.run(SECOND * 60);
    let outputs = group.take_outputs(0);
    assert_eq!(outcomes(&outputs), [Outcome::Unconfirmed(UnconfirmedReason::TimedOut)]);
    assert_eq!(outputs.iter().filter(|output| matches!(output, Output::Unresponsive(_))).count(), 1);
    group.network.capture();
    group.run(SECOND * 600);
    assert!(group.take_outputs(0).is_empty(), "an output although no outcome is pending");
    assert_eq!(group.network.take_captured(), [], "a datagram although no outcome is pending");
}

#[test]
fn a_peer_that_sends_but_never_acknowledges_times_out() {
    let mut group = acquainted(10);
    let (a, b) = (group.address(0), group.address(1));
    group.network.block(a, b);
    group.send_text(0, Recipient::Everyone, "do you hear me?");
    for _ in 0..60 {
        group.send_text(1, Recipient::Everyone, "I hear nothing");
        group.run(SECOND);
    }
    let outputs = group.take_outputs(0);
    assert_eq!(outcomes(&outputs), [Outcome::Unconfirmed(UnconfirmedReason::TimedOut)]);
    assert!(outputs.iter().any(|output| matches!(output, Output::Unresponsive(_))));
}

#[test]
fn room_granted_in_a_lost_ack_is_recovered() {
    let mut config = PeerConfig::default();
    (config.rate, config.burst) = (1, 1);
    let mut group = Group::new(2, Profile::GOOD, &config, 11);
    for _ in 0..11 {
        group.send_text(0, Recipient::Everyone, &"x".repeat(6_500));
        assert!(group.run_until_idle(SECOND));
    }
    group.run(Duration::from_millis(100));
    let (a, b) = (group.address(0), group.address(1));
    // There is no room for the next message, and the ack that grants it is lost.
    group.network.block(b, a);
    group.send_text(0, Recipient::Everyone, &"x".repeat(6_500));
    group.run(SECOND * 15);
    group.network.unblock();
    assert!(group.run_until_idle(SECOND * 5), "the sender did not ask for room");
}

#[test]
fn acks_in_a_large_group_are_spread_even_if_applications_accept_immediately() {
    let text = body("to ten thousand");
    let ack_delay = |seed| {
        let mut group = acquainted(seed);
        let (a, b) = (group.address(0), group.address(1));
        group.network.block(a, b);
        forge(&mut group, 100, &[Frame::Ping([0; 8])]);
        group.run(SECOND);
        let sent = group.network.sent();
        forge(&mut group, 101, &[Frame::Message { number: 2, body: &text }, Frame::MaxAckDelay(250)]);
        let mut waited = 0;
        while group.network.sent() == sent {
            group.run(Duration::from_millis(1));
            waited += 1;
        }
        waited
    };
    let late = (100..120).map(ack_delay).filter(|millis| *millis > 100).count();
    assert!((4..=18).contains(&late), "{late} of 20 acks were delayed for more than 100 of 250 ms");
}

#[test]
fn an_application_that_does_not_read_does_not_make_senders_challenge_other_addresses() {
    let mut group = acquainted(13);
    group.set_application(1, Application::Stalled);
    let mut addresses = vec![group.address(1), "10.5.5.5:5000".parse().expect("an address")];
    addresses.rotate_left(1);
    let user = group.entry(1).user.clone();
    group.input(0, Input::Change(Change::Moved { user, addresses }));
    group.run(SECOND * 200);
    group.send_text(0, Recipient::Everyone, "read me some day");
    group.run(SECOND * 10);
    group.network.capture();
    group.run(SECOND * 60);
    let to = group.address(1);
    let from = group.address(0);
    let strays =
        group.network.take_captured().iter().filter(|datagram| datagram.from == from && datagram.to != to).count();
    assert_eq!(strays, 0, "datagrams went to another address although the current one is responsive");
}

#[test]
fn a_suspended_sender_continues_immediately_and_no_message_times_out() {
    let mut group = acquainted(14);
    group.send_text(0, Recipient::Everyone, "just before");
    group.suspend(0);
    group.run(SECOND * 60);
    group.resume(0);
    assert!(group.run_until_idle(SECOND * 2));
    let (a, b) = (group.address(0), group.address(1));
    group.network.block(a, b);
    group.send_text(0, Recipient::Everyone, "lost at first");
    group.run(Duration::from_millis(300));
    group.network.unblock();
    assert!(group.run_until_idle(SECOND * 2), "the suspension counted as a round trip");
    assert_eq!(outcomes(&group.take_outputs(0)), [Outcome::Delivered; 2]);
}

#[test]
fn a_sender_suspended_before_it_transmits_does_not_find_its_peers_silent() {
    for mut group in [group(3, 21), acquainted(21)] {
        group.suspend(0);
        group.send_text(0, Recipient::Everyone, "queued, not transmitted");
        group.run(SECOND * 60);
        group.resume(0);
        assert!(group.run_until_idle(SECOND * 2));
        let outputs = group.take_outputs(0);
        assert!(!outputs.iter().any(|output| matches!(output, Output::Unresponsive(_))), "{outputs:?}");
        assert!(outcomes(&outputs).iter().all(|outcome| *outcome == Outcome::Delivered), "{outputs:?}");
    }
}

#[test]
fn a_peer_whose_application_does_not_read_stays_responsive() {
    for (texts, size) in [(1, 10), (20, 10), (20, 10_000), (600, 10), (900, 1_000)] {
        for apart in [0, 50] {
            let mut group = acquainted(8);
            group.set_application(1, Application::Stalled);
            for _ in 0..texts {
                group.send_text(0, Recipient::Everyone, &"x".repeat(size));
                group.run(Duration::from_millis(apart));
            }
            group.run(SECOND * 60);
            let outputs = group.take_outputs(0);
            let is_unresponsive = outputs.iter().any(|output| matches!(output, Output::Unresponsive(_)));
            assert!(!is_unresponsive, "{texts} texts of {size} bytes, {apart} ms apart");
            group.set_application(1, Application::Accepts);
            assert!(group.run_until_idle(SECOND * 60));
            let outcomes = [outcomes(&outputs), outcomes(&group.take_outputs(0))].concat();
            assert_eq!(outcomes, vec![Outcome::Delivered; texts]);
        }
    }
}

#[test]
fn a_peer_whose_memory_is_full_stays_responsive() {
    /// Enough to fill the memory of one receiver: each sends about 1,000 messages, which take some 300 KiB.
    const SENDERS: usize = 130;
    const PAUSE: Duration = Duration::from_millis(300);
    let mut group = group(SENDERS + 2, 9);
    group.set_application(0, Application::Stalled);
    let receiver = one(&group, 0);
    for number in 0..1_000 {
        for sender in 2..SENDERS + 2 {
            group.send_text(sender, receiver.clone(), &format!("{number}"));
        }
        group.run(Duration::from_millis(20));
    }
    group.run(SECOND * 10);
    // Further messages must not postpone the probes that such a peer acknowledges.
    for number in 0..100 {
        group.send_text(1, receiver.clone(), &format!("{number}"));
        group.run(PAUSE);
    }
    assert!(delivered(&group.take_outputs(0)) < SENDERS * 1_000, "the memory of the receiver was not full");
    let outputs = group.take_outputs(1);
    assert!(
        !outputs.iter().any(|output| matches!(output, Output::Unresponsive(_))),
        "the receiver was reported as unresponsive"
    );
    assert!(outcomes(&outputs).is_empty(), "a message was resolved");
}

#[test]
fn a_message_to_a_peer_without_a_usable_address_fails_immediately() {
    let mut group = group(2, 7);
    let user = group.entry(1).user.clone();
    let move_to = |group: &mut Group, addresses: &[&str]| {
        let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
        group.input(0, Input::Change(Change::Moved { user: user.clone(), addresses }));
    };
    let failed = |outputs: &[Output]| outcomes(outputs) == [Outcome::Failed(FailReason::NoAddress)];
    let is_reported = |outputs: &[Output]| outputs.contains(&Output::NoAddress(user.clone()));
    move_to(&mut group, &["127.0.0.1:4000", "[::1]:4000", "[fe80::1]:4000"]);
    for expected in [true, false] {
        group.send_text(0, one(&group, 1), "hello");
        let outputs = group.take_outputs(0);
        assert!(failed(&outputs) && is_reported(&outputs) == expected, "{outputs:?}");
    }
    move_to(&mut group, &["0.0.0.0:4000"]);
    group.send_text(0, Recipient::Everyone, "hello");
    let outputs = group.take_outputs(0);
    assert!(failed(&outputs) && is_reported(&outputs), "other addresses, and none better: {outputs:?}");
}

#[test]
fn endless_logins_of_one_user_do_not_keep_other_users_out() {
    /// Some more than the sessions of one user that a machine remembers.
    const SESSIONS: u64 = 8_300;
    let (mut victim, own) = common::peer(0);
    let mut generator = SeededGenerator::new(7);
    let mut now = common::now(SECOND);
    let mut slab = Slab::new(8);
    let mut outputs = Vec::new();
    let mut meet = |victim: &mut Peer, user: &str, now: &mut Now, outputs: &mut Vec<Output>| {
        let keys = Arc::new(KeyPair::generate(&mut generator));
        let (user, entry): (UserName, _) = (user.parse().expect("a name"), common::peer(1).1);
        let entry = Entry { user: user.clone(), key: keys.public(), ..entry };
        let random = Box::new(SeededGenerator::new(now.wall.as_millis()));
        let mut peer = Peer::new(keys, user.clone(), Loopback::Ignored, PeerConfig::default(), random);
        peer.handle(*now, Input::Roster(vec![own.clone()]), &mut Vec::new());
        victim.handle(*now, Input::Change(Change::Online(entry.clone())), outputs);
        let content = Content::Text(Text::parse("hello").expect("a valid text"));
        let send = Input::Send { tag: 0, to: Recipient::Everyone, content, sent_at: now.wall };
        peer.handle(*now, send, &mut Vec::new());
        peer.transmit(*now, &mut slab);
        for (_, bytes) in slab.iter() {
            let mut bytes = bytes.to_vec();
            let datagram = Datagram::new(entry.address(), &mut bytes);
            victim.receive(*now, std::iter::once(datagram), outputs);
        }
        slab.remove(usize::MAX);
        let tokens: Vec<_> = outputs
            .iter()
            .filter_map(|output| match output {
                Output::Deliver(delivery) => Some(delivery.last_token()),
                _ => None,
            })
            .collect();
        tokens.iter().for_each(|token| victim.handle(*now, Input::AcceptUpTo(*token), &mut Vec::new()));
        let offline = Change::Offline { user, reason: OfflineReason::Asked };
        victim.handle(*now, Input::Change(offline), outputs);
        for _ in 0..2 {
            victim.transmit(*now, &mut slab);
            slab.remove(usize::MAX);
            *now = common::now(now.mono.since(Mono::ZERO) + Duration::from_millis(1_900));
            victim.handle(*now, Input::Tick, outputs);
        }
        delivered(&std::mem::take(outputs))
    };
    let heard: usize = (0..SESSIONS).map(|_| meet(&mut victim, "mallory", &mut now, &mut outputs)).sum();
    assert!((8_000..SESSIONS as usize).contains(&heard), "{heard} of {SESSIONS} sessions");
    assert_eq!(victim.limit_counts().users, 1);
    for newcomer in ["alice", "bob", "小明"] {
        assert_eq!(meet(&mut victim, newcomer, &mut now, &mut outputs), 1, "{newcomer}");
    }
    assert_eq!(meet(&mut victim, "mallory", &mut now, &mut outputs), 0);
}
