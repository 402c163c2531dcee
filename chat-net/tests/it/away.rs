//! Being away: what others learn, and for how long.

use std::net::SocketAddr;

use chat_core::away::AwayText;
use chat_core::extras::Extras;
use chat_core::id::{Epoch, Revision};
use chat_core::presence::{OfflineReason, Presence};
use chat_core::roster::Entry;
use chat_core::time::Timestamp;
use chat_core::wire::control::{Login, Purpose, Reply, Request, Timings, Welcome, WelcomeKind};
use chat_core::wire::hello::Hello;
use chat_net::client::{Event, Notice, SetAwayError, connect};
use tokio::time::timeout;

use crate::harness::{PATIENCE, Person, Server, client_options, name};
use crate::other_server::OtherServer;
use crate::relay::Relay;

fn away(text: &str) -> Option<AwayText> {
    Some(text.parse().unwrap())
}

/// The next event about a user who is away or back, with its away text. The roster shows the same.
async fn next_away(person: &mut Person) -> (String, Option<AwayText>) {
    let (user, away) = person
        .find(|event| match event {
            Event::Away { user, away, .. } => Some((user.clone(), away.clone())),
            _ => None,
        })
        .await;
    assert_eq!(person.client.roster().get(&user).unwrap().away(), away);
    (user.to_string(), away)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_goes_away_is_away_in_the_rosters_of_all_until_the_session_ends() {
    let server = Server::start().await;
    let [mut alice, bob, _carol] = server.three().await;
    bob.client.set_away(away("在开会")).await.unwrap();
    assert_eq!(next_away(&mut alice).await, ("bob".to_owned(), away("在开会")));
    let dave = server.join("dave").await;
    assert_eq!(dave.client.roster().get(&name("bob")).unwrap().away(), away("在开会"), "it is in the first roster");
    bob.client.set_away(None).await.unwrap();
    assert_eq!(next_away(&mut alice).await, ("bob".to_owned(), None));
    bob.client.set_away(away("")).await.unwrap();
    assert_eq!(next_away(&mut alice).await, ("bob".to_owned(), away("")), "without a text");
    bob.client.clone().leave().await;
    assert_eq!(alice.presence("bob").await, Presence::Offline(OfflineReason::Asked));
    assert_eq!(bob.client.set_away(None).await, Err(SetAwayError::Offline));
    let _bob = server.log_in("bob").await;
    alice.sees(&["bob"]).await;
    assert_eq!(alice.client.roster().get(&name("bob")).unwrap().away(), None, "another session");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sees_a_user_come_back_and_go_away_because_the_server_was_restarted() {
    for killed in [false, true] {
        let mut server = Server::start().await;
        let [mut alice, mut bob, _carol] = server.three().await;
        bob.client.set_away(away("lunch")).await.unwrap();
        assert_eq!(next_away(&mut alice).await, ("bob".to_owned(), away("lunch")));
        if killed {
            server.kill().await;
        } else {
            server.stop().await;
        }
        server.restart().await;
        let mut seen = 0;
        let mut count = |event: &Event| seen += usize::from(matches!(event, Event::Away { .. } | Event::Presence(_)));
        for person in [&mut bob, &mut alice] {
            person
                .find(|event| {
                    count(event);
                    (*event == Event::Notice(Notice::Reconnected)).then_some(())
                })
                .await;
        }
        // A user who arrives now finds bob away, and alice sees this arrival next.
        let dave = server.join("dave").await;
        assert_eq!(dave.client.roster().get(&name("bob")).unwrap().away(), away("lunch"));
        let arrived = alice
            .find(|event| match event {
                Event::Presence(event) => Some(event.user.clone()),
                event => {
                    count(event);
                    None
                }
            })
            .await;
        assert_eq!((arrived, seen), (name("dave"), 0), "killed: {killed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_still_away_in_a_session_that_begins_after_the_grace_time() {
    let server = Server::start().await;
    let relay = Relay::to(server.address).await;
    let mut alice = server.join("alice").await;
    let options = client_options(relay.address, server.fingerprint, "bob", Purpose::Register);
    let bob = server.connect(options).await.unwrap();
    alice.sees(&["bob"]).await;
    bob.client.set_away(away("lunch")).await.unwrap();
    assert_eq!(next_away(&mut alice).await, ("bob".to_owned(), away("lunch")));
    relay.cut();
    assert_eq!(alice.presence("bob").await, Presence::Offline(OfflineReason::Lost));
    // The text is changed while there is no connection.
    bob.client.set_away(away("tea")).await.unwrap();
    relay.mend(server.address);
    alice.sees(&["bob"]).await;
    assert_eq!(next_away(&mut alice).await, ("bob".to_owned(), away("tea")));
}

/// A server of the first builds would end the connection because of a request that it does not know.
#[tokio::test(flavor = "multi_thread")]
async fn an_older_server_is_sent_nothing_and_the_user_learns_why() {
    let server = OtherServer::start().await;
    let options = client_options(server.address, server.fingerprint, "alice", Purpose::Login);
    let older = tokio::spawn(async move {
        let mut connection = server.accept().await;
        assert_eq!(Hello::decode(&connection.payload().await.unwrap()), Ok(Hello::OURS));
        connection.send_hello(Hello { features: 0, ..Hello::OURS }).await;
        let payload = connection.payload().await.unwrap();
        let Ok(Request::Login(login)) = Request::decode(&payload) else { panic!("the client logs in") };
        connection.send(&Reply::Welcome(welcome(&login))).await;
        connection.send(&Reply::SnapshotComplete { epoch: Epoch::new(1), revision: Revision::new(1) }).await;
        while let Some(payload) = connection.payload().await {
            match Request::decode(&payload).unwrap() {
                Request::Leave => return,
                Request::Heartbeat { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    });
    let client = timeout(PATIENCE, connect(options)).await.expect("connect returns").unwrap();
    assert_eq!(client.set_away(away("lunch")).await, Err(SetAwayError::Unsupported));
    assert_eq!(client.set_away(None).await, Ok(()), "the others do not know that the user was away");
    client.leave().await;
    timeout(PATIENCE, older).await.expect("the client leaves").unwrap();
}

fn welcome(login: &Login<'_>) -> Welcome {
    let local = SocketAddr::from(([127, 0, 0, 1], 40_001));
    Welcome {
        kind: WelcomeKind::LoggedIn,
        entry: Entry {
            user: name(login.user),
            key: login.key,
            addresses: vec![local],
            since: Timestamp::from_millis(1),
            versions: login.versions,
            extras: Extras::default(),
        },
        at: Timestamp::from_millis(1),
        observed: local,
        timings: Timings { heartbeat_ms: 60_000, silence_ms: 120_000, grace_ms: 60_000 },
        ticket: vec![1],
        settling_ms: 0,
        extras: Extras::default(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_and_comes_back_all_the_time_stays_connected_and_the_last_time_counts() {
    let mut options = crate::harness::options();
    // The rest of the test would take ten seconds.
    options.machine.away_interval = std::time::Duration::from_millis(10);
    let server = Server::start_with(options).await;
    let [mut alice, bob, _carol] = server.three().await;
    for number in 0..500 {
        bob.client.set_away(away(&format!("away {number}"))).await.unwrap();
    }
    let mut seen = 0;
    alice
        .find(|event| match event {
            Event::Away { away: text, .. } => {
                seen += 1;
                (*text == away("away 499")).then_some(())
            }
            Event::Presence(event) => panic!("{event:?}"),
            _ => None,
        })
        .await;
    assert!(seen <= 100, "{seen} of 500 changes reached the others");
}
