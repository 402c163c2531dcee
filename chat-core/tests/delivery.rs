//! The delivery contract on the simulator: single scenarios, and random conversations over many seeds.
//!
//! The file is long because `docs/DELIVERY.md` names its tests for the sentences of one contract.

mod common;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use chat_core::generator::Generator;
use chat_core::id::MessageId;
use chat_core::message::{Content, FailReason, Outcome, Recipient, UnconfirmedReason};
use chat_core::peer::{Datagram, Delivered, Input, LimitCounts, Output, Peer, PeerConfig, SendError, Slab, Transmit};
use chat_core::presence::OfflineReason;
use chat_core::roster::{Change, Entry};
use chat_core::sim::{
    Application, Group, Profile, RelayLine, SeededGenerator, announce, each_seed, outcomes, reports, texts,
};
use chat_core::text::Text;
use chat_core::time::Now;
use chat_core::wire::datagram::MAX_DATAGRAM;

const LOSSY: Profile = Profile {
    latency: Duration::from_millis(20),
    jitter: Duration::from_millis(30),
    loss: 0.3,
    duplication: 0.1,
    corruption: 0.05,
    ..Profile::GOOD
};

fn group(count: usize, profile: Profile, seed: u64) -> Group {
    Group::new(count, profile, &PeerConfig::default(), seed)
}

fn one(group: &Group, index: usize) -> Recipient {
    Recipient::One(group.entry(index).user.clone())
}

#[test]
fn a_private_message_costs_one_datagram_and_its_ack() {
    let mut group = group(3, Profile::GOOD, 1);
    let to = one(&group, 1);
    group.send_text(0, to.clone(), "first");
    assert!(group.run_until_idle(Duration::from_secs(1)));
    group.run(Duration::from_secs(5));
    let before = group.network.sent();
    group.send_text(0, to.clone(), "second");
    assert!(group.run_until_idle(Duration::from_secs(1)));
    group.run(Duration::from_secs(60));
    assert_eq!(group.network.sent() - before, 2, "more than one message and one ack");
    group.send_text(0, to, "third");
    assert!(group.run_until_idle(Duration::from_secs(1)));
    assert_eq!(group.network.sent() - before, 4, "more than one message and one ack on an idle link");
    assert_eq!(texts(&group.take_outputs(1)), ["first", "second", "third"]);
    assert_eq!(outcomes(&group.take_outputs(0)), [Outcome::Delivered; 3]);
    assert!(group.take_outputs(2).is_empty());
}

#[test]
fn a_message_to_everyone_arrives_once_at_each_peer_and_ends_with_a_summary() {
    let mut group = group(5, Profile::GOOD, 2);
    group.send_text(2, Recipient::Everyone, "大家好");
    assert!(group.run_until_idle(Duration::from_secs(1)));
    let outputs = group.take_outputs(2);
    assert!(matches!(outputs[0], Output::Queued { recipients: 4, .. }), "{outputs:?}");
    assert_eq!(outcomes(&outputs), [Outcome::Delivered; 4]);
    assert!(matches!(outputs.last(), Some(Output::Summary { delivered: 4, others, .. }) if others.is_empty()));
    for index in [0, 1, 3, 4] {
        assert_eq!(texts(&group.take_outputs(index)), ["大家好"]);
    }
}

/// All datagrams that `from` can send now.
fn transmit(now: Now, from: &mut Peer) -> Vec<Vec<u8>> {
    let (mut slab, mut datagrams) = (Slab::new(64), Vec::new());
    loop {
        let more = from.transmit(now, &mut slab);
        datagrams.extend(slab.iter().map(|(_, bytes)| bytes.to_vec()));
        slab.remove(usize::MAX);
        if more == Transmit::Done {
            return datagrams;
        }
    }
}

/// Passes datagrams to a peer, whose application accepts every message.
fn receive(now: Now, from: SocketAddr, datagrams: Vec<Vec<u8>>, to: &mut Peer) -> Vec<Output> {
    let mut outputs = Vec::new();
    for mut bytes in datagrams {
        to.receive(now, std::iter::once(Datagram::new(from, &mut bytes)), &mut outputs);
    }
    for output in &outputs {
        if let Output::Deliver(delivery) = output {
            to.handle(now, Input::AcceptUpTo(delivery.last_token()), &mut Vec::new());
        }
    }
    outputs
}

#[test]
fn messages_that_wait_for_one_peer_share_datagrams() {
    let ((mut alice, alice_entry), (mut bob, bob_entry)) = (common::peer(1), common::peer(2));
    let (alice_address, bob_address) = (alice_entry.address(), bob_entry.address());
    let to = Recipient::One(bob_entry.user.clone());
    let start = common::now(Duration::ZERO);
    alice.handle(start, Input::Roster(vec![bob_entry]), &mut Vec::new());
    bob.handle(start, Input::Roster(vec![alice_entry]), &mut Vec::new());
    let (mut received, mut reported) = (Vec::new(), Vec::new());
    // The first message proves the addresses.
    for (second, count) in [(1, 1), (2, 300)] {
        for number in 0..count {
            let content = Content::Text(Text::parse(&format!("message {number}")).expect("a valid text"));
            let send = Input::Send { tag: 0, to: to.clone(), content, sent_at: start.wall };
            alice.handle(common::now(Duration::from_secs(second)), send, &mut Vec::new());
        }
        // The socket becomes free only now.
        for millis in (0..500).step_by(25) {
            let now = common::now(Duration::from_secs(second) + Duration::from_millis(millis));
            alice.handle(now, Input::Tick, &mut reported);
            bob.handle(now, Input::Tick, &mut received);
            let datagrams = transmit(now, &mut alice);
            if count == 300 && millis == 0 {
                let bytes: usize = datagrams.iter().map(Vec::len).sum();
                assert_eq!(
                    datagrams.len(),
                    bytes.div_ceil(MAX_DATAGRAM),
                    "{bytes} bytes in {} datagrams",
                    datagrams.len()
                );
                assert!(datagrams.len() < 10, "{} datagrams for 300 short messages", datagrams.len());
            }
            received.extend(receive(now, alice_address, datagrams, &mut bob));
            let acks = transmit(now, &mut bob);
            reported.extend(receive(now, bob_address, acks, &mut alice));
        }
    }
    let expected: Vec<String> = [0].into_iter().chain(0..300).map(|number| format!("message {number}")).collect();
    assert_eq!(texts(&received), expected);
    assert_eq!(outcomes(&reported), [Outcome::Delivered; 301]);
}

#[test]
fn messages_that_arrive_in_one_call_are_one_delivery_for_each_session() {
    let entries: Vec<Entry> = (1..=3).map(|index| common::peer(index).1).collect();
    let [alice, bob, mut carol] = [1, 2, 3].map(|index| common::peer(index).0);
    let mut senders = [alice, bob];
    let start = common::now(Duration::ZERO);
    senders.iter_mut().chain([&mut carol]).for_each(|peer| {
        peer.handle(start, Input::Roster(entries.clone()), &mut Vec::new());
    });
    let write = |now: Now, from: &mut Peer, text: String| {
        let content = Content::Text(Text::parse(&text).expect("a valid text"));
        let to = Recipient::One(entries[2].user.clone());
        from.handle(now, Input::Send { tag: 0, to, content, sent_at: now.wall }, &mut Vec::new());
    };
    // The first message proves the addresses.
    senders.iter_mut().for_each(|sender| write(start, sender, "hello".into()));
    for round in 0..40 {
        let now = common::now(Duration::from_millis(25 * round));
        for (sender, entry) in senders.iter_mut().zip(&entries) {
            sender.handle(now, Input::Tick, &mut Vec::new());
            receive(now, entry.address(), transmit(now, sender), &mut carol);
        }
        carol.handle(now, Input::Tick, &mut Vec::new());
        for bytes in transmit(now, &mut carol) {
            // Only the one for whom a datagram is can open it.
            senders.iter_mut().for_each(|sender| drop(receive(now, entries[2].address(), vec![bytes.clone()], sender)));
        }
    }
    let now = common::now(Duration::from_secs(2));
    let mut datagrams = Vec::new();
    for (sender, entry) in senders.iter_mut().zip(&entries) {
        (0..30).for_each(|number| write(now, sender, format!("{number} {}", "x".repeat(100))));
        let sent = transmit(now, sender);
        assert!(sent.len() > 1, "the messages fill several datagrams");
        datagrams.extend(sent.into_iter().map(|bytes| (entry.address(), bytes)));
    }
    let mut outputs = Vec::new();
    carol.receive(now, datagrams.iter_mut().map(|(from, bytes)| Datagram::new(*from, bytes)), &mut outputs);
    let [Output::Deliver(first), Output::Deliver(second)] = &outputs[..] else { panic!("{outputs:?}") };
    assert_eq!((first.from(), first.len()), (&entries[0].user, 30));
    assert_eq!((second.from(), second.len()), (&entries[1].user, 30));
}

#[test]
fn the_longest_texts_arrive_intact_despite_loss() {
    let mut group = group(2, LOSSY, 4);
    let sent: Vec<String> = (0..8).map(|number| number.to_string().repeat(16_384)).collect();
    for text in &sent {
        let to = one(&group, 1);
        group.send_text(0, to, text);
    }
    assert!(group.run_until_idle(Duration::from_secs(60)));
    assert_eq!(outcomes(&group.take_outputs(0)), [Outcome::Delivered; 8]);
    assert!(texts(&group.take_outputs(1)) == sent);
}

#[test]
fn an_invalid_message_is_not_sent_and_the_reason_is_stated() {
    let mut group = group(2, Profile::GOOD, 5);
    let nobody: chat_core::name::UserName = "nobody".parse().unwrap();
    let me = one(&group, 0);
    for (to, error) in
        [(me, SendError::ToOneself), (Recipient::One(nobody.clone()), SendError::UnknownRecipient(nobody))]
    {
        group.send_text(0, to, "x");
        assert_eq!(group.take_outputs(0), [Output::NotSent { tag: 0, error }]);
    }
    let bytes = |len| Input::Send {
        tag: 7,
        to: Recipient::Everyone,
        content: Content::Bytes(vec![0; len].into()),
        sent_at: chat_core::time::Timestamp::from_millis(0),
    };
    for len in [0, 16_385] {
        group.input(0, bytes(len));
        assert_eq!(group.take_outputs(0), [Output::NotSent { tag: 7, error: SendError::Length }]);
    }
    group.input(0, bytes(16_384));
    assert!(group.run_until_idle(Duration::from_secs(5)));
    assert_eq!(outcomes(&group.take_outputs(0)), [Outcome::Delivered]);
}

#[test]
fn a_dead_peer_is_reported_as_unresponsive_long_before_its_messages_end_as_unconfirmed() {
    let mut group = group(2, Profile::GOOD, 6);
    group.suspend(1);
    group.send_text(0, Recipient::Everyone, "are you there?");
    group.run(Duration::from_millis(3_100));
    let user = group.entry(1).user.clone();
    assert_eq!(group.take_outputs(0)[1..], [Output::Unresponsive(user)]);
    group.run(Duration::from_secs(45));
    assert_eq!(outcomes(&group.take_outputs(0)), [Outcome::Unconfirmed(UnconfirmedReason::TimedOut)]);
}

#[test]
fn when_a_peer_is_lost_transmitted_messages_are_unconfirmed_and_all_others_fail() {
    let mut group = group(2, Profile::GOOD, 7);
    let (from, to) = (group.address(0), group.address(1));
    group.network.block(from, to);
    for number in 0..10 {
        group.send_text(0, Recipient::Everyone, &format!("{number} {}", "x".repeat(1000)));
    }
    group.run(Duration::from_secs(1));
    let change = Change::Offline { user: group.entry(1).user.clone(), reason: OfflineReason::Lost };
    group.change(&change);
    let outcomes = outcomes(&group.take_outputs(0));
    // Only three datagrams may leave before the address is proven.
    assert_eq!(outcomes[..3], [Outcome::Unconfirmed(UnconfirmedReason::Lost); 3]);
    assert_eq!(outcomes[3..], [Outcome::Failed(FailReason::Lost); 7]);
    assert_eq!(group.pending_outcomes(0), 0);
}

#[test]
fn messages_flow_within_two_seconds_after_a_partition_of_ten() {
    let mut group = group(2, Profile::GOOD, 8);
    let (a, b) = (group.address(0), group.address(1));
    group.send_text(0, Recipient::Everyone, "before");
    assert!(group.run_until_idle(Duration::from_secs(1)));
    group.network.block(a, b);
    group.network.block(b, a);
    group.send_text(0, Recipient::Everyone, "during");
    group.run(Duration::from_secs(10));
    assert_eq!(group.pending_outcomes(0), 1);
    group.network.unblock();
    assert!(group.run_until_idle(Duration::from_secs(2)));
    assert_eq!(texts(&group.take_outputs(1)), ["before", "during"]);
}

#[test]
fn after_a_timeout_abandoned_messages_are_skipped_and_the_link_continues() {
    let mut group = group(2, Profile::GOOD, 9);
    let (a, b) = (group.address(0), group.address(1));
    group.send_text(0, Recipient::Everyone, "before");
    assert!(group.run_until_idle(Duration::from_secs(1)));
    group.network.block(a, b);
    group.send_text(0, Recipient::Everyone, "abandoned");
    group.run(Duration::from_secs(60));
    group.network.unblock();
    group.send_text(0, Recipient::Everyone, "after");
    assert!(group.run_until_idle(Duration::from_secs(5)));
    assert_eq!(texts(&group.take_outputs(1)), ["before", "after"]);
    let timed_out = Outcome::Unconfirmed(UnconfirmedReason::TimedOut);
    assert_eq!(outcomes(&group.take_outputs(0)), [Outcome::Delivered, timed_out, Outcome::Delivered]);
}

#[test]
fn senders_wait_for_an_application_that_does_not_read_and_nothing_is_lost() {
    let mut group = group(2, Profile::GOOD, 10);
    group.set_application(1, Application::Stalled);
    let texts_sent: Vec<String> = (0..20).map(|number| format!("{number} {}", "x".repeat(10_000))).collect();
    for text in &texts_sent {
        group.send_text(0, Recipient::Everyone, text);
    }
    group.run(Duration::from_secs(120));
    assert_eq!(group.pending_outcomes(0), 20, "messages were resolved although the application has not decided");
    assert!(outcomes(&group.take_outputs(0)).is_empty());
    group.set_application(1, Application::Accepts);
    assert!(group.run_until_idle(Duration::from_secs(10)));
    assert_eq!(outcomes(&group.take_outputs(0)), [Outcome::Delivered; 20]);
    assert!(texts(&group.take_outputs(1)) == texts_sent);
}

#[test]
fn a_full_queue_fails_messages_to_that_peer_only() {
    let mut group = group(3, Profile::GOOD, 11);
    group.suspend(1);
    for number in 0..1100 {
        group.send_text(0, Recipient::Everyone, &format!("{number}"));
        group.run(Duration::from_millis(1));
    }
    let outcomes = outcomes(&group.take_outputs(0));
    let full = outcomes.iter().filter(|outcome| **outcome == Outcome::Failed(FailReason::QueueFull));
    assert_eq!(full.count(), 1100 - 1024);
    let to = one(&group, 1);
    group.send_text(0, to, "to the full queue");
    assert_eq!(group.take_outputs(0), [Output::NotSent { tag: 0, error: SendError::QueueFull }]);
    group.run(Duration::from_secs(20));
    assert_eq!(texts(&group.take_outputs(2)).len(), 1100);
}

#[test]
fn messages_follow_a_peer_to_its_new_address_once_it_is_proven() {
    let mut group = group(2, Profile::GOOD, 12);
    let to = one(&group, 1);
    group.send_text(0, to.clone(), "at home");
    assert!(group.run_until_idle(Duration::from_secs(1)));
    let elsewhere: SocketAddr = "10.9.9.9:5000".parse().unwrap();
    group.roam(1, elsewhere);
    let back = one(&group, 0);
    group.send_text(1, back, "I moved");
    assert!(group.run_until_idle(Duration::from_secs(2)));
    group.send_text(0, to, "still there?");
    assert!(group.run_until_idle(Duration::from_secs(1)));
    assert_eq!(texts(&group.take_outputs(1)), ["at home", "still there?"]);
}

#[test]
fn leaving_resolves_every_message_and_notifies_the_peers() {
    let mut group = group(3, Profile::GOOD, 13);
    group.send_text(0, Recipient::Everyone, "hello");
    assert!(group.run_until_idle(Duration::from_secs(1)));
    group.suspend(2);
    group.send_text(0, Recipient::Everyone, "bye");
    group.run(Duration::from_millis(500));
    group.input(0, Input::Leave);
    let outcomes = outcomes(&group.take_outputs(0));
    let (last, before) = outcomes.split_last().unwrap();
    assert_eq!((*last, before), (Outcome::Unconfirmed(UnconfirmedReason::Leaving), &[Outcome::Delivered; 3][..]));
    assert_eq!(group.pending_outcomes(0), 0);
    group.send_text(0, Recipient::Everyone, "too late");
    assert_eq!(group.take_outputs(0), [Output::NotSent { tag: 0, error: SendError::Leaving }]);
    group.run(Duration::from_secs(1));
    let to = one(&group, 0);
    group.send_text(1, to, "wait");
    assert_eq!(
        self::outcomes(&group.take_outputs(1)),
        [Outcome::Failed(FailReason::Left)],
        "a bye takes effect immediately"
    );
}

#[test]
fn numbers_continue_when_a_session_returns() {
    let mut group = group(2, Profile::GOOD, 14);
    group.send_text(0, Recipient::Everyone, "one");
    group.send_text(1, Recipient::Everyone, "eins");
    assert!(group.run_until_idle(Duration::from_secs(1)));
    let entry = group.entry(1).clone();
    group.change(&Change::Offline { user: entry.user.clone(), reason: OfflineReason::Lost });
    group.run(Duration::from_secs(10));
    group.change(&Change::Online(entry));
    group.send_text(0, Recipient::Everyone, "two");
    group.send_text(1, Recipient::Everyone, "zwei");
    assert!(group.run_until_idle(Duration::from_secs(5)));
    assert_eq!(texts(&group.take_outputs(0)), ["eins", "zwei"]);
    assert_eq!(texts(&group.take_outputs(1)), ["one", "two"]);
}

/// Which ways there are in a random conversation.
#[derive(Clone, Copy, PartialEq)]
enum Ways {
    Direct,
    Relayed(Option<Profile>),
    /// Directly, or through the server while UDP is blocked: for all, for two, or in one direction.
    Flickering,
}

/// A line to the server: as slow as a bad mobile network in some conversations.
fn line(below: &mut impl FnMut(u64) -> u64, hostile: Option<Profile>) -> RelayLine {
    let rate = if below(2) == 0 { None } else { Some(16_000 + below(100_000) as u32) };
    RelayLine { latency: Duration::from_millis(below(100)), rate, hostile, ..RelayLine::fast() }
}

/// One random conversation: sent messages, received messages and reported outcomes must agree.
fn conversation(seed: u64, ways: Ways) {
    let mut random = SeededGenerator::new(seed);
    let mut below = |most: u64| random.number() % most;
    let profile = Profile {
        latency: Duration::from_millis(below(200)),
        jitter: Duration::from_millis(below(100)),
        loss: below(31) as f64 / 100.0,
        duplication: below(20) as f64 / 100.0,
        corruption: below(10) as f64 / 100.0,
        ..Profile::GOOD
    };
    let count = 2 + below(4) as usize;
    let config = PeerConfig::default();
    let mut group = match ways {
        Ways::Direct => Group::new(count, profile, &config, seed),
        Ways::Relayed(hostile) => Group::with_relay(count, profile, line(&mut below, hostile), &config, seed),
        Ways::Flickering => Group::with_relay(count, profile, line(&mut below, None), &config, seed),
    };
    if matches!(ways, Ways::Relayed(_)) {
        group.network.block_all();
    }
    for sent in 0..5 + below(40) {
        let from = below(count as u64) as usize;
        let to = below(count as u64 + 1) as usize;
        let recipient = if to == from || to >= count { Recipient::Everyone } else { one(&group, to) };
        let length = if below(10) == 0 { 1 + below(16_000) } else { 1 + below(200) };
        let filler = "x".repeat(length as usize);
        group.send_text(from, recipient, &format!("{sent} {filler}"));
        group.run(Duration::from_millis(below(50)));
        if ways == Ways::Flickering && below(4) == 0 {
            let (a, b) = (group.address(0), group.address(1));
            match below(5) {
                0 => group.network.block_all(),
                1 => group.network.block(a, b),
                2 => group.network.block(b, a),
                _ => group.network.unblock(),
            }
            group.run(Duration::from_millis(below(3_000)));
        }
        if ways != Ways::Direct && below(30) == 0 {
            let member = below(count as u64) as usize;
            group.connect_relay(member, false);
            group.run(Duration::from_millis(below(8_000)));
            group.connect_relay(member, true);
        }
        if ways == Ways::Direct && below(30) == 0 {
            let (a, b) = (group.address(0), group.address(1));
            group.network.block(a, b);
            group.run(Duration::from_millis(below(8_000)));
            group.network.unblock();
        }
    }
    assert!(group.run_until_idle(Duration::from_secs(120)), "outcomes are still pending");
    group.run(Duration::from_secs(2));
    let outputs: Vec<Vec<Output>> = (0..count).map(|index| group.take_outputs(index)).collect();
    check_contract(&group, &outputs);
    assert_eq!(group.limit_counts(), LimitCounts::default(), "honest members reached a limit");
}

fn check_contract(group: &Group, outputs: &[Vec<Output>]) {
    let mut received: BTreeMap<(MessageId, usize), u32> = BTreeMap::new();
    for (index, outputs) in outputs.iter().enumerate() {
        let mut last = BTreeMap::new();
        for output in outputs {
            let Output::Deliver(delivery) = output else { continue };
            for id in delivery.iter().map(Delivered::id) {
                *received.entry((id, index)).or_default() += 1;
                let before = last.insert(id.session, id.number);
                assert!(before < Some(id.number), "delivered out of order at {index}: {id}");
            }
        }
    }
    let mut expected = 0;
    let mut reported = BTreeMap::new();
    for output in outputs.iter().flatten() {
        if let Output::Queued { recipients, .. } = output {
            expected += recipients;
        }
    }
    for report in reports(outputs.iter().flatten()) {
        let user =
            (0..outputs.len()).find(|index| group.entry(*index).user == report.user).expect("a report names a member");
        assert!(reported.insert((report.id, user), report.outcome).is_none(), "reported twice: {report:?}");
    }
    assert_eq!(reported.len(), expected, "each message has one outcome per recipient");
    for (key, outcome) in &reported {
        let times = received.get(key).copied().unwrap_or(0);
        assert!(times <= 1, "{key:?} was delivered {times} times");
        match outcome {
            Outcome::Delivered => assert_eq!(times, 1, "{key:?} was reported as delivered"),
            Outcome::Failed(_) => assert_eq!(times, 0, "{key:?} was reported as failed"),
            Outcome::Unconfirmed(_) => panic!("{key:?} is unconfirmed although both sides stayed: {outcome:?}"),
        }
    }
}

#[test]
fn at_most_once_in_order_and_exactly_once_if_delivered() {
    let count = each_seed(env!("CARGO_CRATE_NAME"), 0..1_000, |seed| conversation(seed, Ways::Direct));
    announce(format_args!("delivery: {count} seeds"));
}

#[test]
fn the_delivery_contract_holds_with_everything_relayed() {
    let count = each_seed(env!("CARGO_CRATE_NAME"), 0..1_000, |seed| conversation(seed, Ways::Relayed(None)));
    announce(format_args!("delivery: {count} seeds with everything relayed"));
}

#[test]
fn the_delivery_contract_holds_with_udp_that_dies_and_returns() {
    let count = each_seed(env!("CARGO_CRATE_NAME"), 0..1_000, |seed| conversation(seed, Ways::Flickering));
    announce(format_args!("delivery: {count} seeds with UDP that dies and returns"));
}

#[test]
fn a_hostile_relay_breaks_no_contract() {
    let hostile = Profile {
        jitter: Duration::from_millis(200),
        loss: 0.2,
        duplication: 0.2,
        reordering: 0.2,
        corruption: 0.1,
        ..Profile::GOOD
    };
    let count = each_seed(env!("CARGO_CRATE_NAME"), 0..500, |seed| conversation(seed, Ways::Relayed(Some(hostile))));
    announce(format_args!("delivery: {count} seeds with a hostile relay"));
}
