//! Outcomes of sent messages: exactly one for each recipient, whatever happens to the session.

use std::collections::BTreeMap;

use chat_core::wire::control::Purpose;
use chat_net::{
    AcceptMode, ClientHandle, Event, FailReason, Notice, Outcome, OutcomeEvents, Recipient, RecipientOutcome,
    SendError, Sent, UnconfirmedReason, UserName,
};
use tokio::time::timeout;

use crate::harness::{PASSWORD, PATIENCE, Person, Server, client_options, name};
use crate::relay::Relay;

/// Alice, and two others whose applications decide about messages only when the test says so.
async fn undecided(server: &Server) -> [Person; 3] {
    let mut alice = server.join("alice").await;
    let (bob, carol) = (join_undecided(server, "bob").await, join_undecided(server, "carol").await);
    alice.sees(&["bob", "carol"]).await;
    [alice, bob, carol]
}

async fn join_undecided(server: &Server, user: &str) -> Person {
    let mut options = server.client_options(user, Purpose::Register);
    options.accept = AcceptMode::Manual;
    server.connect(options).await.unwrap()
}

async fn all(sent: Sent) -> BTreeMap<String, Outcome> {
    let recipients = sent.recipients();
    let outcomes = timeout(PATIENCE, sent.outcomes()).await.expect("all outcomes in time");
    let by_user: BTreeMap<_, _> =
        outcomes.iter().map(|outcome| (outcome.user().to_string(), outcome.outcome())).collect();
    assert_eq!((outcomes.len(), by_user.len()), (recipients, recipients), "one outcome for each recipient");
    by_user
}

/// Three messages that nobody decides about: two to everyone, one in private.
async fn send_three(client: &ClientHandle) -> [Sent; 3] {
    let everyone = || client.send(Recipient::Everyone, "to all");
    let sent = [everyone().await.unwrap(), everyone().await.unwrap(), client.send(&name("bob"), "x").await.unwrap()];
    assert_eq!(sent.each_ref().map(Sent::recipients), [2, 2, 1]);
    sent
}

/// Reads the events of a person, which accepts the messages in them.
fn read(mut person: Person) {
    tokio::spawn(async move { while person.events.next().await.is_some() {} });
}

async fn token(person: &mut Person) -> chat_net::MessageToken {
    person.find(|event| if let Event::Message(message) = event { Some(message.token()) } else { None }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_outcome_arrives_when_the_client_leaves() {
    let server = Server::start().await;
    let [alice, _bob, _carol] = undecided(&server).await;
    let sent = send_three(&alice.client).await;
    alice.client.leave().await;
    for sent in sent {
        for (user, outcome) in all(sent).await {
            assert_ne!(outcome, Outcome::Delivered, "{user}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_outcome_arrives_when_all_handles_are_dropped() {
    let server = Server::start().await;
    let [alice, _bob, _carol] = undecided(&server).await;
    let sent = send_three(&alice.client).await;
    drop(alice);
    for sent in sent {
        all(sent).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_outcome_arrives_when_a_newer_login_replaces_the_session() {
    let server = Server::start().await;
    let [mut alice, _bob, _carol] = undecided(&server).await;
    let sent = send_three(&alice.client).await;
    let _newer = server.log_in("alice").await;
    for sent in sent {
        all(sent).await;
    }
    alice.find(|event| matches!(event, Event::Ended(_)).then_some(())).await;
    assert!(matches!(alice.client.send(&name("bob"), "x").await, Err(SendError::Offline)));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_outcome_arrives_when_the_session_is_lost_and_a_fresh_one_begins() {
    let server = Server::start().await;
    let relay = Relay::to(server.address).await;
    let options = client_options(relay.address, server.fingerprint, "alice", Purpose::Register);
    let mut alice = server.connect(options).await.unwrap();
    let (mut bob, _carol) = (join_undecided(&server, "bob").await, join_undecided(&server, "carol").await);
    alice.sees(&["bob", "carol"]).await;
    let sent = send_three(&alice.client).await;
    relay.cut();
    bob.presence("alice").await;
    relay.mend(server.address);
    alice.find(|event| matches!(event, Event::Notice(Notice::NewSession(_))).then_some(())).await;
    for sent in sent {
        all(sent).await;
    }
    // The numbers of messages begin again.
    let again = alice.client.send(&name("bob"), "again").await.unwrap();
    assert_eq!(again.id().number, 1);
    while bob.message().await.1 != "again" {}
    alice.client.leave().await;
    assert_eq!(all(again).await, BTreeMap::from([("bob".into(), Outcome::Unconfirmed(UnconfirmedReason::Leaving))]));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_messages_at_once_have_one_outcome_for_each_recipient() {
    let server = Server::start().await;
    let [alice, bob, carol] = server.three().await;
    read(bob);
    read(carol);
    let sends: Vec<_> = (0..20)
        .map(|_| {
            let client = alice.client.clone();
            tokio::spawn(async move {
                for number in 0..10 {
                    let sent = client.send(Recipient::Everyone, number.to_string()).await.unwrap();
                    assert!(all(sent).await.values().all(|outcome| *outcome == Outcome::Delivered));
                }
            })
        })
        .collect();
    for send in sends {
        timeout(PATIENCE, send).await.expect("all outcomes in time").unwrap();
    }
    assert_eq!(alice.client.pending_outcomes(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_sent_is_dropped_is_delivered_all_the_same() {
    let server = Server::start().await;
    let [mut alice, mut bob, _carol] = server.three().await;
    drop(alice.client.send(&name("bob"), "first").await.unwrap());
    let second = alice.client.send(&name("bob"), "second").await.unwrap();
    assert_eq!([bob.message().await.1, bob.message().await.1], ["first", "second"]);
    assert_eq!(all(second).await, BTreeMap::from([("bob".into(), Outcome::Delivered)]));
    for _ in 0..2 {
        alice.find(|event| if let Event::Report(report) = event { Some(report.outcome) } else { None }).await;
    }
}

/// Bob's and Carol's queues are full after some messages, and the others fail immediately.
#[tokio::test(flavor = "multi_thread")]
async fn unread_outcomes_stop_further_messages_and_none_of_them_is_lost() {
    let server = Server::start().await;
    let [mut alice, _bob, _carol] = undecided(&server).await;
    let mut recipients = 0;
    let refused = loop {
        match alice.client.send(Recipient::Everyone, "x").await {
            Ok(sent) => recipients += sent.recipients(),
            Err(refused) => break refused,
        }
    };
    assert!(matches!(refused, SendError::OutcomesUnread), "{refused:?}");
    // Two reports and a summary of each message are unread. At most 262,144 may be.
    assert!((2 * 262_144 / 3..2 * 262_144 / 3 + 2_048).contains(&recipients), "{recipients}");
    let mut reports = 0;
    // The driver counts an outcome when it hands over the event, so some messages more than the limit may have been sent.
    let sent = loop {
        loop {
            match alice.next().await.expect("there are unread outcomes") {
                Event::Report(_) => reports += 1,
                Event::Summary { .. } => break,
                _ => {}
            }
        }
        match alice.client.send(Recipient::Everyone, "x").await {
            Err(SendError::OutcomesUnread) => {}
            sent => break sent.expect("there is room again"),
        }
    };
    recipients += sent.recipients();
    alice.client.leave().await;
    while let Some(event) = alice.events.next().await {
        reports += usize::from(matches!(event, Event::Report(_)));
    }
    assert_eq!(reports, recipients, "one outcome for each recipient");
}

/// Whether the outcome is not known yet.
async fn is_pending(sent: &Sent, user: &UserName) -> bool {
    tokio::select! {
        biased;
        _ = sent.outcome_of(user) => false,
        () = std::future::ready(()) => true,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_outcome_of_one_recipient_can_be_awaited_by_several_and_a_stranger_has_none() {
    let server = Server::start().await;
    let [alice, mut bob, mut carol] = undecided(&server).await;
    let [to_bob, to_carol, stranger] = ["bob", "carol", "stranger"].map(name);
    let mut sent = alice.client.send(Recipient::Everyone, "hello").await.unwrap();
    let private = alice.client.send(&to_bob, "psst").await.unwrap();
    for user in [&stranger, alice.client.user()] {
        assert_eq!(timeout(PATIENCE, sent.outcome_of(user)).await, Ok(None), "others are still pending");
    }
    assert_eq!(timeout(PATIENCE, private.outcome_of(&to_carol)).await, Ok(None));
    assert!(is_pending(&sent, &to_bob).await && is_pending(&sent, &to_carol).await);
    let token_of_bob = token(&mut bob).await;
    bob.client.accept(token_of_bob);
    let twice = timeout(PATIENCE, async { tokio::join!(sent.outcome_of(&to_bob), sent.outcome_of(&to_bob)) });
    let (first, second) = twice.await.expect("the outcome of bob in time");
    assert_eq!(first.as_ref().map(RecipientOutcome::outcome), Some(Outcome::Delivered));
    assert_eq!(first, second);
    assert!(is_pending(&sent, &to_carol).await);
    let token_of_carol = token(&mut carol).await;
    carol.client.refuse(token_of_carol);
    let refused = timeout(PATIENCE, sent.outcome_of(&to_carol)).await.unwrap().unwrap();
    assert_eq!(refused.outcome(), Outcome::Failed(FailReason::Refused));
    // `next` still returns both, each once.
    assert_eq!((sent.next().await, sent.next().await, sent.next().await), (first, Some(refused), None));
    assert_eq!(sent.outcomes().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_for_an_outcome_can_be_given_up_and_resumed() {
    let server = Server::start().await;
    let [alice, mut bob, mut carol] = undecided(&server).await;
    let mut sent = alice.client.send(Recipient::Everyone, "hello").await.unwrap();
    for person in [&mut bob, &mut carol] {
        let token = token(person).await;
        tokio::select! {
            biased;
            outcome = sent.next() => panic!("{outcome:?}"),
            () = std::future::ready(()) => {}
        }
        person.client.accept(token);
        let outcome = timeout(PATIENCE, sent.next()).await.expect("the outcome in time").unwrap();
        assert_eq!(outcome.user(), person.client.user());
    }
    assert_eq!(sent.next().await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn omitted_outcomes_are_not_events_and_reach_their_sent() {
    let server = Server::start().await;
    let mut alice = server.builder().outcome_events(OutcomeEvents::Omitted).register("alice", PASSWORD).await.unwrap();
    read(server.join("bob").await);
    let mut roster = alice.watch_roster();
    while roster.roster().is_empty() {
        roster.changed().await.unwrap();
    }
    let everyone = alice.send(Recipient::Everyone, "to all").await.unwrap();
    assert_eq!(all(everyone).await, BTreeMap::from([("bob".into(), Outcome::Delivered)]));
    let private = alice.send(&name("bob"), "in private").await.unwrap();
    all(private).await;
    alice.handle().leave().await;
    while let Some(event) = alice.next().await {
        assert!(!matches!(event, Event::Report(_) | Event::Summary { .. }), "{event:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_to_nobody_has_no_outcome() {
    let server = Server::start().await;
    let alice = server.builder().register("alice", PASSWORD).await.unwrap();
    let mut sent = alice.send(Recipient::Everyone, "hello?").await.unwrap();
    assert_eq!((sent.recipients(), sent.next().await), (0, None));
    assert_eq!(sent.outcomes().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_content_is_not_queued() {
    let server = Server::start().await;
    let [alice, mut bob, _carol] = server.three().await;
    let bob_name = name("bob");
    assert!(matches!(alice.client.send(&bob_name, "").await, Err(SendError::Text(_))));
    assert!(matches!(alice.client.send(&bob_name, "x".repeat(16_385)).await, Err(SendError::Text(_))));
    assert!(matches!(alice.client.send(&bob_name, vec![]).await, Err(SendError::Length)));
    assert!(matches!(alice.client.send(alice.client.user(), "me").await, Err(SendError::ToOneself)));
    assert_eq!(alice.client.pending_outcomes(), 0);
    alice.client.send(&bob_name, &[0_u8, 255][..]).await.unwrap();
    let received = bob.find(|event| if let Event::Message(message) = event { Some(message.clone()) } else { None });
    let received = received.await;
    assert_eq!((received.text(), received.bytes()), ("", &[0, 255][..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_not_read_before_its_recipient_leaves_is_not_delivered() {
    let server = Server::start().await;
    let mut alice = server.join("alice").await;
    let bob = server.builder().register("bob", PASSWORD).await.unwrap();
    alice.sees(&["bob"]).await;
    let sent = alice.client.send(&name("bob"), "unread").await.unwrap();
    bob.leave().await;
    assert_ne!(all(sent).await["bob"], Outcome::Delivered);
}
