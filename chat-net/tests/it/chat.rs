//! Messages between sessions: outcomes, order, messages to everyone, and applications that do not read.

use std::collections::BTreeMap;

use chat_core::message::{FailReason, Outcome, Recipient, Scope};
use chat_core::wire::control::Purpose;
use chat_net::client::{AcceptMode, Event};

use crate::harness::{PATIENCE, Person, Server, text, to};

/// The outcomes of the next `count` reports, by user.
async fn outcomes(person: &mut Person, count: usize) -> BTreeMap<String, Outcome> {
    let mut all = BTreeMap::new();
    while all.len() < count {
        let (user, outcome) = person
            .find(|event| match event {
                Event::Report(report) => Some((report.user.to_string(), report.outcome)),
                _ => None,
            })
            .await;
        assert_eq!(all.insert(user, outcome), None, "one outcome per recipient");
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_to_everyone_reaches_all_others_and_has_one_outcome_each() {
    let server = Server::start().await;
    let [mut alice, mut bob, mut carol] = server.three().await;
    let sent = alice.client.send(Recipient::Everyone, text("大家好")).await.unwrap();
    assert_eq!(sent.recipients(), 2);
    for person in [&mut bob, &mut carol] {
        let message =
            person.find(|event| if let Event::Message(message) = event { Some(message.clone()) } else { None }).await;
        assert_eq!((message.id(), message.scope(), message.from().as_str()), (sent.id(), Scope::Group, "alice"));
        assert_eq!(message.content(), &text("大家好"));
        assert_eq!(message.at(), sent.at());
    }
    let mut summary = None;
    let mut reports = 0;
    while summary.is_none() {
        match alice.next().await.unwrap() {
            Event::Report(report) => {
                assert_eq!((report.id, report.outcome), (sent.id(), Outcome::Delivered));
                reports += 1;
            }
            Event::Summary { id, delivered, others } => summary = Some((id, delivered, others.len())),
            _ => {}
        }
    }
    assert_eq!((reports, summary), (2, Some((sent.id(), 2, 0))));
    assert_eq!(alice.client.idle(PATIENCE).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn private_messages_arrive_in_order_at_their_recipient_only() {
    let server = Server::start().await;
    let [alice, mut bob, mut carol] = server.three().await;
    for number in 0..200 {
        alice.client.send(to("bob"), text(&number.to_string())).await.unwrap();
    }
    for number in 0..200 {
        assert_eq!(bob.message().await, ("alice".to_owned(), number.to_string()));
    }
    assert_eq!(alice.client.idle(PATIENCE).await, 0);
    alice.client.send(to("carol"), text("and you?")).await.unwrap();
    assert_eq!(carol.message().await.1, "and you?", "carol received none of the 200 messages");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_of_maximum_length_arrives_complete() {
    let server = Server::start().await;
    let [alice, mut bob, _carol] = server.three().await;
    let long = "é".repeat(8_192);
    alice.client.send(to("bob"), text(&long)).await.unwrap();
    assert_eq!(bob.message().await.1, long);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_delivered_once_the_application_accepts_it() {
    let server = Server::start().await;
    let mut alice = server.join("alice").await;
    let mut options = server.client_options("bob", Purpose::Register);
    options.accept = AcceptMode::Manual;
    let mut bob = server.connect(options).await.unwrap();
    alice.sees(&["bob"]).await;
    let [first, second] = ["first", "second"].map(text);
    alice.client.send(to("bob"), first).await.unwrap();
    alice.client.send(to("bob"), second).await.unwrap();
    let mut tokens = Vec::new();
    while tokens.len() < 2 {
        tokens.push(
            bob.find(|event| if let Event::Message(message) = event { Some(message.token()) } else { None }).await,
        );
    }
    assert_eq!(alice.client.pending_outcomes(), 2, "read, but not accepted");
    bob.client.accept(tokens[0]);
    assert_eq!(outcomes(&mut alice, 1).await["bob"], Outcome::Delivered);
    bob.client.refuse(tokens[1]);
    assert_eq!(outcomes(&mut alice, 1).await["bob"], Outcome::Failed(FailReason::Refused));
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_refused_once_the_application_drops_its_events() {
    let server = Server::start().await;
    let [mut alice, bob, _carol] = server.three().await;
    let Person { client: _kept, events } = bob;
    drop(events);
    alice.client.send(to("bob"), text("anybody?")).await.unwrap();
    assert_eq!(outcomes(&mut alice, 1).await["bob"], Outcome::Failed(FailReason::Refused));
}

#[tokio::test(flavor = "multi_thread")]
async fn all_outcomes_precede_the_last_event() {
    let server = Server::start().await;
    let mut alice = server.join("alice").await;
    let mut options = server.client_options("bob", Purpose::Register);
    options.accept = AcceptMode::Manual;
    let bob = server.connect(options).await.unwrap();
    alice.sees(&["bob"]).await;
    for _ in 0..3 {
        alice.client.send(to("bob"), text("read it later")).await.unwrap();
    }
    let events = alice.events;
    alice.client.leave().await;
    let mut person = Person { client: bob.client.clone(), events };
    let mut reports = 0;
    loop {
        match person.next().await.unwrap() {
            Event::Report(report) => {
                assert_ne!(report.outcome, Outcome::Delivered);
                reports += 1;
            }
            Event::Left => break,
            _ => {}
        }
    }
    assert_eq!(reports, 3);
    assert_eq!(person.next().await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn ipv4_and_ipv6_sockets_reach_each_other() {
    let server = Server::start().await;
    let mut options = server.client_options("alice", Purpose::Register);
    options.udp = "127.0.0.1:0".parse().unwrap();
    let mut alice = server.connect(options).await.unwrap();
    let mut bob = server.join("bob").await;
    alice.sees(&["bob"]).await;
    alice.client.send(to("bob"), text("four to six")).await.unwrap();
    assert_eq!(bob.message().await.1, "four to six");
    bob.client.send(to("alice"), text("six to four")).await.unwrap();
    assert_eq!(alice.message().await.1, "six to four");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_message_is_delivered_even_if_the_receiver_leaves_immediately() {
    let server = Server::start().await;
    let mut alice = server.join("alice").await;
    for round in 0..10 {
        let mut bob = server.join(&format!("bob{round}")).await;
        let user = format!("bob{round}");
        alice.sees(&[&user]).await;
        alice.client.send(to(&user), text("one last thing")).await.unwrap();
        assert_eq!(bob.message().await.1, "one last thing");
        bob.client.leave().await;
        assert_eq!(outcomes(&mut alice, 1).await, BTreeMap::from([(user, Outcome::Delivered)]));
    }
}
