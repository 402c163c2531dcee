//! The delivery contract on the simulator: stories, and random conversations over many seeds.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use chat_core::generator::Generator;
use chat_core::id::MessageId;
use chat_core::message::{Content, FailReason, Outcome, Recipient, UnconfirmedReason};
use chat_core::peer::{Input, Output, PeerConfig, SendError};
use chat_core::presence::OfflineReason;
use chat_core::roster::Change;
use chat_core::sim::{Application, Group, Profile, SeededGenerator, announce, each_seed};

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

fn texts(told: &[Output]) -> Vec<String> {
    let text = |output: &Output| match output {
        Output::Deliver { message, .. } => match &message.content {
            Content::Text(text) => Some(text.as_str().to_owned()),
            Content::Bytes(_) => None,
        },
        _ => None,
    };
    told.iter().filter_map(text).collect()
}

fn outcomes(told: &[Output]) -> Vec<Outcome> {
    let outcome = |output: &Output| match output {
        Output::Report(report) => Some(report.outcome),
        _ => None,
    };
    told.iter().filter_map(outcome).collect()
}

#[test]
fn a_private_text_costs_one_datagram_and_its_ack() {
    let mut group = group(3, Profile::GOOD, 1);
    let to = one(&group, 1);
    group.send_text(0, to.clone(), "first");
    assert!(group.run_until_idle(Duration::from_secs(1)));
    group.run(Duration::from_secs(5));
    let before = group.network.sent();
    group.send_text(0, to.clone(), "second");
    assert!(group.run_until_idle(Duration::from_secs(1)));
    group.run(Duration::from_secs(60));
    assert_eq!(group.network.sent() - before, 2, "one text, one ack, and nothing afterwards");
    group.send_text(0, to, "third");
    assert!(group.run_until_idle(Duration::from_secs(1)));
    assert_eq!(group.network.sent() - before, 4, "no more on a link that rests");
    assert_eq!(texts(&group.take_outputs(1)), ["first", "second", "third"]);
    assert_eq!(outcomes(&group.take_outputs(0)), [Outcome::Delivered; 3]);
    assert!(group.take_outputs(2).is_empty());
}

#[test]
fn a_group_text_reaches_everybody_else_once_and_is_summed_up() {
    let mut group = group(5, Profile::GOOD, 2);
    group.send_text(2, Recipient::Everyone, "大家好");
    assert!(group.run_until_idle(Duration::from_secs(1)));
    let told = group.take_outputs(2);
    assert!(matches!(told[0], Output::Queued { recipients: 4, .. }), "{told:?}");
    assert_eq!(outcomes(&told), [Outcome::Delivered; 4]);
    assert!(matches!(told.last(), Some(Output::Summary { delivered: 4, others, .. }) if others.is_empty()));
    for index in [0, 1, 3, 4] {
        assert_eq!(texts(&group.take_outputs(index)), ["大家好"]);
    }
}

#[test]
fn everything_that_waits_for_one_peer_travels_together() {
    let mut group = group(2, Profile::GOOD, 3);
    let to = one(&group, 1);
    group.send_text(0, to.clone(), "warm up");
    assert!(group.run_until_idle(Duration::from_secs(1)));
    group.run(Duration::from_secs(1));
    group.suspend(1);
    for number in 0..300 {
        group.send_text(0, to.clone(), &format!("message {number}"));
    }
    group.resume(1);
    assert!(group.run_until_idle(Duration::from_secs(5)));
    assert_eq!(texts(&group.take_outputs(1)).len(), 301);
    assert_eq!(outcomes(&group.take_outputs(0)), [Outcome::Delivered; 301]);
}

#[test]
fn the_longest_texts_arrive_whole_under_loss() {
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
fn what_cannot_be_sent_is_refused_with_its_reason() {
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
fn a_message_to_a_dead_peer_ends_as_unconfirmed_and_is_called_silent_long_before() {
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
fn a_message_to_somebody_who_is_declared_lost_is_unconfirmed_and_one_never_sent_has_failed() {
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
    // Three datagrams may leave before the address is proven.
    assert_eq!(outcomes[..3], [Outcome::Unconfirmed(UnconfirmedReason::Lost); 3]);
    assert_eq!(outcomes[3..], [Outcome::Failed(FailReason::Lost); 7]);
    assert_eq!(group.open(0), 0);
}

#[test]
fn after_a_total_partition_of_ten_seconds_messages_flow_within_two() {
    let mut group = group(2, Profile::GOOD, 8);
    let (a, b) = (group.address(0), group.address(1));
    group.send_text(0, Recipient::Everyone, "before");
    assert!(group.run_until_idle(Duration::from_secs(1)));
    group.network.block(a, b);
    group.network.block(b, a);
    group.send_text(0, Recipient::Everyone, "during");
    group.run(Duration::from_secs(10));
    assert_eq!(group.open(0), 1);
    group.network.unblock();
    assert!(group.run_until_idle(Duration::from_secs(2)));
    assert_eq!(texts(&group.take_outputs(1)), ["before", "during"]);
}

#[test]
fn after_a_time_out_the_link_goes_on_where_nothing_is_in_doubt() {
    let mut group = group(2, Profile::GOOD, 9);
    let (a, b) = (group.address(0), group.address(1));
    group.send_text(0, Recipient::Everyone, "before");
    assert!(group.run_until_idle(Duration::from_secs(1)));
    group.network.block(a, b);
    group.send_text(0, Recipient::Everyone, "given up");
    group.run(Duration::from_secs(60));
    group.network.unblock();
    group.send_text(0, Recipient::Everyone, "after");
    assert!(group.run_until_idle(Duration::from_secs(5)));
    assert_eq!(texts(&group.take_outputs(1)), ["before", "after"]);
    let timed_out = Outcome::Unconfirmed(UnconfirmedReason::TimedOut);
    assert_eq!(outcomes(&group.take_outputs(0)), [Outcome::Delivered, timed_out, Outcome::Delivered]);
}

#[test]
fn an_application_that_does_not_read_makes_senders_wait_and_loses_nothing() {
    let mut group = group(2, Profile::GOOD, 10);
    group.set_application(1, Application::Stalled);
    let texts_sent: Vec<String> = (0..20).map(|number| format!("{number} {}", "x".repeat(10_000))).collect();
    for text in &texts_sent {
        group.send_text(0, Recipient::Everyone, text);
    }
    group.run(Duration::from_secs(120));
    assert_eq!(group.open(0), 20, "taken by nobody, so nothing is delivered, and nobody is declared dead");
    assert!(outcomes(&group.take_outputs(0)).is_empty());
    group.set_application(1, Application::Accepts);
    assert!(group.run_until_idle(Duration::from_secs(10)));
    assert_eq!(outcomes(&group.take_outputs(0)), [Outcome::Delivered; 20]);
    assert!(texts(&group.take_outputs(1)) == texts_sent);
}

#[test]
fn a_queue_that_is_full_fails_for_that_peer_only() {
    let mut group = group(3, Profile::GOOD, 11);
    group.suspend(1);
    for number in 0..1100 {
        group.send_text(0, Recipient::Everyone, &format!("{number}"));
        group.run(Duration::from_millis(1));
    }
    let told = group.take_outputs(0);
    let full = told.iter().filter(
        |output| matches!(output, Output::Report(report) if report.outcome == Outcome::Failed(FailReason::QueueFull)),
    );
    assert_eq!(full.count(), 1100 - 1024);
    let to = one(&group, 1);
    group.send_text(0, to, "to the full one");
    assert_eq!(group.take_outputs(0), [Output::NotSent { tag: 0, error: SendError::QueueFull }]);
    group.run(Duration::from_secs(20));
    assert_eq!(texts(&group.take_outputs(2)).len(), 1100);
}

#[test]
fn a_peer_that_roams_is_followed_once_its_new_address_is_proven() {
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
fn leaving_ends_every_outcome_and_tells_the_peers() {
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
    assert_eq!(group.open(0), 0);
    group.send_text(0, Recipient::Everyone, "too late");
    assert_eq!(group.take_outputs(0), [Output::NotSent { tag: 0, error: SendError::Leaving }]);
    group.run(Duration::from_secs(1));
    let to = one(&group, 0);
    group.send_text(1, to, "wait");
    assert_eq!(
        self::outcomes(&group.take_outputs(1)),
        [Outcome::Failed(FailReason::Left)],
        "a good-bye is believed at once"
    );
}

#[test]
fn numbers_run_on_when_the_same_session_comes_back() {
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

/// One random conversation: what was sent, what each received and what the senders were told must agree.
fn conversation(seed: u64) {
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
    let mut group = Group::new(count, profile, &PeerConfig::default(), seed);
    for sent in 0..5 + below(40) {
        let from = below(count as u64) as usize;
        let to = below(count as u64 + 1) as usize;
        let recipient = if to == from || to >= count { Recipient::Everyone } else { one(&group, to) };
        let length = if below(10) == 0 { 1 + below(16_000) } else { 1 + below(200) };
        let filler = "x".repeat(length as usize);
        group.send_text(from, recipient, &format!("{sent} {filler}"));
        group.run(Duration::from_millis(below(50)));
        if below(30) == 0 {
            let (a, b) = (group.address(0), group.address(1));
            group.network.block(a, b);
            group.run(Duration::from_millis(below(8_000)));
            group.network.unblock();
        }
    }
    assert!(group.run_until_idle(Duration::from_secs(120)), "outcomes stay open");
    group.run(Duration::from_secs(2));
    let told: Vec<Vec<Output>> = (0..count).map(|index| group.take_outputs(index)).collect();
    check_contract(&group, &told);
}

fn check_contract(group: &Group, told: &[Vec<Output>]) {
    let mut received: BTreeMap<(MessageId, usize), u32> = BTreeMap::new();
    for (index, told) in told.iter().enumerate() {
        let mut last = BTreeMap::new();
        for output in told {
            if let Output::Deliver { message, .. } = output {
                *received.entry((message.id, index)).or_default() += 1;
                let before = last.insert(message.id.session, message.id.number);
                assert!(before < Some(message.id.number), "out of order at {index}: {}", message.id);
            }
        }
    }
    let mut expected = 0;
    let mut reported = BTreeMap::new();
    for output in told.iter().flatten() {
        match output {
            Output::Queued { recipients, .. } => expected += recipients,
            Output::Report(report) => {
                let user = (0..told.len())
                    .find(|index| group.entry(*index).user == report.user)
                    .expect("reports name members");
                assert!(reported.insert((report.id, user), report.outcome).is_none(), "told twice: {report:?}");
            }
            _ => {}
        }
    }
    assert_eq!(reported.len(), expected, "each message has one outcome per recipient");
    for (key, outcome) in &reported {
        let times = received.get(key).copied().unwrap_or(0);
        assert!(times <= 1, "{key:?} was given {times} times");
        match outcome {
            Outcome::Delivered => assert_eq!(times, 1, "{key:?} is claimed falsely"),
            Outcome::Failed(_) => assert_eq!(times, 0, "{key:?} is said to have failed"),
            Outcome::Unconfirmed(_) => panic!("{key:?} is unconfirmed although both sides stayed: {outcome:?}"),
        }
    }
}

#[test]
fn at_most_once_in_order_and_exactly_once_if_delivered() {
    let count = each_seed(env!("CARGO_CRATE_NAME"), 0..1_000, conversation);
    announce(format_args!("delivery: {count} seeds"));
}
