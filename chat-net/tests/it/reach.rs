//! Clients that reach each other through the relay of the server: when they do, what they say of it, and when they do not.

use std::net::SocketAddr;

use chat_core::message::{FailReason, Outcome, Recipient};
use chat_core::relay::ParcelResult;
use chat_core::roster::Entry;
use chat_core::wire::control::Purpose;
use chat_net::Rung;
use chat_net::client::{ClientOptions, Event, LinkStatus, Notice, ReachMode, Sent};
use chat_net::server::Monitor;
use tokio::time::timeout;

use crate::forwarder::Forwarder;
use crate::harness::{PATIENCE, Person, Server, name, options, text, to};
use crate::relay::Relay;

/// A server that relays, and its numbers.
async fn start() -> (Server, Monitor) {
    let options = options();
    let monitor = options.monitor.clone();
    (Server::start_with(options).await, monitor)
}

fn with_mode(server: &Server, user: &str, reach: ReachMode) -> ClientOptions {
    let mut options = server.client_options(user, Purpose::Register);
    options.reach = reach;
    options
}

/// The options of a client whose peers send to this address.
fn advertising(server: &Server, user: &str, address: SocketAddr) -> ClientOptions {
    let mut options = server.client_options(user, Purpose::Register);
    options.advertise = vec![address.try_into().unwrap()];
    options
}

/// The outcome of a message that has one recipient.
async fn outcome(sent: Sent) -> Outcome {
    let outcomes = timeout(PATIENCE, sent.outcomes()).await.expect("all outcomes in time");
    assert_eq!(outcomes.len(), 1);
    outcomes[0].outcome()
}

/// Sends `content` to all of `receivers`, who read it, and waits until it is delivered to each.
async fn deliver(sender: &Person, to: Recipient, content: &str, receivers: &mut [&mut Person]) {
    let sent = sender.client.send(to, text(content)).await.unwrap();
    for receiver in receivers.iter_mut() {
        assert_eq!(receiver.message().await, (sender.client.user().to_string(), content.to_owned()));
    }
    let outcomes = timeout(PATIENCE, sent.outcomes()).await.expect("all outcomes in time");
    assert_eq!(outcomes.len(), receivers.len());
    assert!(outcomes.iter().all(|outcome| outcome.is_delivered()), "{outcomes:?}");
}

/// The next change of the way to `user`.
async fn way(person: &mut Person, user: &str) -> LinkStatus {
    person
        .find(|event| match event {
            Event::Way(link) if *link.user() == name(user) => Some(link.clone()),
            _ => None,
        })
        .await
}

/// The kind of way that each link of `person` uses.
async fn rungs(person: &Person) -> Vec<(String, Rung)> {
    person.client.links().await.iter().map(|link| (link.user().to_string(), link.rung())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_hide_their_addresses_write_to_each_other_through_the_server() {
    let (server, monitor) = start().await;
    let mut alice = server.connect(with_mode(&server, "alice", ReachMode::Relay)).await.unwrap();
    let mut bob = server.connect(with_mode(&server, "bob", ReachMode::Relay)).await.unwrap();
    let mut carol = server.join("carol").await;
    alice.sees(&["bob", "carol"]).await;
    bob.sees(&["carol"]).await;
    for entry in &carol.client.roster() {
        assert_eq!((entry.addresses(), entry.is_hidden()), (&[Entry::HIDDEN_ADDRESS][..], true), "{}", entry.user());
    }
    assert!(!alice.client.roster().get(&name("carol")).unwrap().is_hidden());

    deliver(&alice, to("bob"), "for you", &mut [&mut bob]).await;
    deliver(&alice, Recipient::Everyone, "for all", &mut [&mut bob, &mut carol]).await;
    deliver(&carol, to("alice"), "and back", &mut [&mut alice]).await;
    assert!(monitor.metrics()[ParcelResult::Passed] >= 8, "four texts and their acks: {:#?}", monitor.metrics());

    let links = alice.client.links().await;
    assert_eq!(links.iter().map(|link| link.user().as_str()).collect::<Vec<_>>(), ["bob", "carol"]);
    for link in &links {
        assert_eq!((link.rung(), link.is_relayed(), link.address()), (Rung::RelayedTcp, true, None), "{link:?}");
        assert!(link.round_trip().is_some() && link.in_flight() == 0, "{link:?}");
    }
    assert_eq!(rungs(&carol).await, [("alice".into(), Rung::RelayedTcp)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_whose_udp_cannot_meet_write_through_the_server_and_say_so() {
    let (server, _) = start().await;
    // It receives, and never answers.
    let nowhere = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = nowhere.local_addr().unwrap();
    let mut alice = server.connect(advertising(&server, "alice", address)).await.unwrap();
    let mut bob = server.connect(advertising(&server, "bob", address)).await.unwrap();
    alice.sees(&["bob"]).await;
    assert_eq!(rungs(&alice).await, []);

    deliver(&alice, to("bob"), "hello", &mut [&mut bob]).await;
    let told = way(&mut alice, "bob").await;
    assert_eq!((told.rung(), told.address()), (Rung::RelayedTcp, None), "{told:?}");
    deliver(&bob, Recipient::Everyone, &"long ".repeat(2_000), &mut [&mut alice]).await;
    assert!(way(&mut bob, "alice").await.is_relayed());
    assert_eq!(rungs(&bob).await, [("alice".into(), Rung::RelayedTcp)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_outlives_its_udp_and_returns_to_it() {
    let (server, _) = start().await;
    let forwarder = Forwarder::start().await;
    let mut alice = server.connect(advertising(&server, "alice", forwarder.address())).await.unwrap();
    let mut bob = server.connect(advertising(&server, "bob", forwarder.address())).await.unwrap();
    forwarder.connect(alice.client.udp_address(), bob.client.udp_address());
    alice.sees(&["bob"]).await;

    deliver(&alice, to("bob"), "directly", &mut [&mut bob]).await;
    assert_eq!(rungs(&alice).await, [("bob".into(), Rung::Host)]);
    for round in 0..2 {
        forwarder.disconnect();
        deliver(&alice, to("bob"), &format!("through the server {round}"), &mut [&mut bob]).await;
        assert!(way(&mut alice, "bob").await.is_relayed());
        forwarder.connect(alice.client.udp_address(), bob.client.udp_address());
        // A direct way is asked again while messages flow, at first after half a second.
        let mut told = Rung::RelayedTcp;
        while told == Rung::RelayedTcp {
            deliver(&alice, to("bob"), "and now?", &mut [&mut bob]).await;
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            told = rungs(&alice).await[0].1;
        }
        let told = way(&mut alice, "bob").await;
        assert_eq!((told.rung(), told.address()), (Rung::Host, Some(forwarder.address())));
        deliver(&alice, to("bob"), &format!("directly again {round}"), &mut [&mut bob]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_udp_works_nothing_is_relayed() {
    let (server, monitor) = start().await;
    let [alice, mut bob, mut carol] = server.three().await;
    for _ in 0..10 {
        deliver(&alice, Recipient::Everyone, "hello", &mut [&mut bob, &mut carol]).await;
    }
    carol.client.send(to("bob"), text("last")).await.unwrap();
    let mut ways = 0;
    bob.find(|event| {
        ways += usize::from(matches!(event, Event::Way(_)));
        matches!(event, Event::Message(message) if message.text() == "last").then_some(())
    })
    .await;
    assert_eq!(ways, 0, "a direct way is what everybody expects");
    assert_eq!(rungs(&alice).await, [("bob".into(), Rung::Host), ("carol".into(), Rung::Host)]);
    let metrics = monitor.metrics();
    assert!(ParcelResult::ALL.iter().all(|result| metrics[*result] == 0), "{metrics:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_does_not_relay_goes_on_as_before() {
    let (server, monitor) = start().await;
    let alice = server.join("alice").await;
    let mut old = server.connect(with_mode(&server, "old", ReachMode::Direct)).await.unwrap();
    let mut hidden = server.connect(with_mode(&server, "hidden", ReachMode::Relay)).await.unwrap();
    old.sees(&["hidden"]).await;
    deliver(&alice, to("old"), "straight", &mut [&mut old]).await;
    assert_eq!(rungs(&alice).await, [("old".into(), Rung::Host)]);
    // The two have no way in common.
    let sent = old.client.send(to("hidden"), text("anybody?")).await.unwrap();
    assert_eq!(outcome(sent).await, Outcome::Failed(FailReason::NoAddress));
    old.notice(&Notice::PeerWithoutAddress(name("hidden"))).await;
    let sent = hidden.client.send(to("old"), text("anybody?")).await.unwrap();
    assert_eq!(outcome(sent).await, Outcome::Failed(FailReason::NoAddress));
    hidden.notice(&Notice::PeerWithoutAddress(name("old"))).await;
    assert_eq!(monitor.metrics()[ParcelResult::Passed], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_only_relays_is_told_that_the_server_does_not() {
    let mut options = options();
    options.relay = None;
    let server = Server::start_with(options).await;
    let mut alice = server.connect(with_mode(&server, "alice", ReachMode::Relay)).await.unwrap();
    alice.notice(&Notice::NoRelay).await;
    let mut bob = server.join("bob").await;
    alice.sees(&["bob"]).await;
    let sent = alice.client.send(to("bob"), text("hello")).await.unwrap();
    assert_eq!(outcome(sent).await, Outcome::Failed(FailReason::NoAddress));
    let mut carol = server.join("carol").await;
    deliver(&carol, to("bob"), "others go on as before", &mut [&mut bob]).await;
    // Carol learns it when it matters, and once.
    let _eve = server.connect(with_mode(&server, "eve", ReachMode::Relay)).await.unwrap();
    carol.sees(&["eve"]).await;
    for user in ["alice", "eve"] {
        let sent = carol.client.send(to(user), text("hello")).await.unwrap();
        assert_eq!(outcome(sent).await, Outcome::Failed(FailReason::NoAddress));
    }
    bob.client.send(to("carol"), text("the end")).await.unwrap();
    let mut told = 0;
    carol
        .find(|event| {
            told += usize::from(matches!(event, Event::Notice(Notice::NoRelay)));
            matches!(event, Event::Message(_)).then_some(())
        })
        .await;
    assert_eq!(told, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relayed_message_waits_for_the_connection_to_the_server() {
    let mut options = options();
    options.machine.grace = PATIENCE;
    let server = Server::start_with(options).await;
    let cable = Relay::to(server.address).await;
    let mut alice = server.connect(with_mode(&server, "alice", ReachMode::Relay)).await.unwrap();
    let mut options = with_mode(&server, "bob", ReachMode::Relay);
    options.server = cable.address.try_into().unwrap();
    let mut bob = server.connect(options).await.unwrap();
    alice.sees(&["bob"]).await;
    deliver(&bob, to("alice"), "before", &mut [&mut alice]).await;
    cable.cut();
    bob.find(|event| matches!(event, Event::Notice(Notice::Reconnecting { .. })).then_some(())).await;
    let from_bob = bob.client.send(to("alice"), text("meanwhile")).await.unwrap();
    let from_alice = alice.client.send(to("bob"), text("are you there?")).await.unwrap();
    cable.mend(server.address);
    bob.notice(&Notice::Reconnected).await;
    assert_eq!(alice.message().await.1, "meanwhile");
    assert_eq!(bob.message().await.1, "are you there?");
    assert_eq!((outcome(from_bob).await, outcome(from_alice).await), (Outcome::Delivered, Outcome::Delivered));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_acks_of_a_relayed_session_precede_its_departure() {
    let (server, _) = start().await;
    let mut alice = server.connect(with_mode(&server, "alice", ReachMode::Relay)).await.unwrap();
    let mut bob = server.connect(with_mode(&server, "bob", ReachMode::Relay)).await.unwrap();
    alice.sees(&["bob"]).await;
    deliver(&alice, to("bob"), "first", &mut [&mut bob]).await;
    let sent = alice.client.send(to("bob"), text("last")).await.unwrap();
    assert_eq!(bob.message().await.1, "last");
    bob.client.leave().await;
    assert_eq!(outcome(sent).await, Outcome::Delivered);
}
