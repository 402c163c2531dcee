//! Broken connections and restarts, and what works during them.

use std::net::SocketAddr;
use std::time::Duration;

use chat_core::message::{FailReason, Outcome};
use chat_core::presence::{OfflineReason, Presence, Record};
use chat_core::wire::control::Purpose;
use chat_net::client::{AcceptMode, Event, Notice, Roster};
use tokio::io::{AsyncReadExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::harness::{PATIENCE, Person, Server, client_options, name, text, to};
use crate::relay::Relay;

/// Alice, connected directly, and bob, connected through a relay.
async fn pair(server: &Server) -> (Person, Person, Relay) {
    let relay = Relay::to(server.address).await;
    let mut alice = server.join("alice").await;
    let options = client_options(relay.address, server.fingerprint, "bob", Purpose::Register);
    let bob = server.connect(options).await.unwrap();
    alice.sees(&["bob"]).await;
    (alice, bob, relay)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_resumed_within_the_grace_time_does_not_go_offline() {
    let mut options = crate::harness::options();
    options.machine.grace = PATIENCE;
    let mut server = Server::start_with(options).await;
    let (mut alice, mut bob, relay) = pair(&server).await;
    let session = bob.client.session();
    relay.cut();
    bob.find(|event| matches!(event, Event::Notice(Notice::Reconnecting { .. })).then_some(())).await;
    alice.client.send(to("bob"), text("still there?")).await.unwrap();
    assert_eq!(bob.message().await.1, "still there?", "messages do not need the server");
    relay.mend(server.address);
    bob.notice(&Notice::Reconnected).await;
    assert_eq!(bob.client.session(), session);
    bob.client.leave().await;
    let first = alice.presence("bob").await;
    assert_eq!(first, Presence::Offline(OfflineReason::Asked), "alice saw no other presence event before");
    server.stop().await;
    assert_eq!(server.lines().iter().filter(|line| line.contains("bob")).count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_resumes_receives_the_missed_changes_as_a_delta() {
    let mut options = crate::harness::options();
    options.machine.grace = PATIENCE;
    let server = Server::start_with(options).await;
    // Enough sessions that the delta is shorter than a snapshot.
    let mut others = Vec::new();
    for number in 0..24 {
        others.push(server.join(&format!("user{number}")).await);
    }
    let (mut alice, mut bob, relay) = pair(&server).await;
    let session = bob.client.session();
    let missed_from = server.records.lock().unwrap().len();
    relay.cut();
    bob.find(|event| matches!(event, Event::Notice(Notice::Reconnecting { .. })).then_some(())).await;
    for person in others.drain(..6) {
        person.client.leave().await;
    }
    for number in 0..3 {
        others.push(server.log_in(&format!("user{number}")).await);
    }
    // A snapshot would not contain a session that came and went.
    server.join("carol").await.client.leave().await;
    alice.sees(&["carol"]).await;
    assert_eq!(alice.presence("carol").await, Presence::Offline(OfflineReason::Asked));
    relay.mend(server.address);
    let mut received = Vec::new();
    bob.find(|event| match event {
        Event::Presence(event) => {
            received.push(event.clone());
            None
        }
        event => (*event == Event::Notice(Notice::Reconnected)).then_some(()),
    })
    .await;
    let missed: Vec<_> = server.records.lock().unwrap()[missed_from..]
        .iter()
        .filter_map(|record| if let Record::Presence(event) = record { Some(event.clone()) } else { None })
        .collect();
    assert_eq!((&received, received.len()), (&missed, 6 + 3 + 2), "the same events, with their times and reasons");
    assert_eq!(bob.client.session(), session);
    // Later updates follow.
    others.pop().unwrap().client.leave().await;
    assert_eq!(bob.presence("user2").await, Presence::Offline(OfflineReason::Asked));
    let users = |roster: Roster| roster.iter().map(|entry| entry.user().clone()).collect::<Vec<_>>();
    let bobs = users(bob.client.roster());
    // Each client receives the last update in its own time.
    let mut alices = timeout(PATIENCE, async {
        loop {
            let alices = users(alice.client.roster());
            if !alices.contains(&name("user2")) {
                break alices;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("user2 leaves alice's roster");
    alices.retain(|user| *user != name("bob"));
    alices.push(name("alice"));
    alices.sort();
    assert_eq!(bobs, alices);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_returns_after_the_grace_time_gets_a_new_session() {
    let server = Server::start().await;
    let (mut alice, mut bob, relay) = pair(&server).await;
    let before = bob.client.session();
    relay.cut();
    assert_eq!(alice.presence("bob").await, Presence::Offline(OfflineReason::Lost));
    relay.mend(server.address);
    let session = bob
        .find(|event| if let Event::Notice(Notice::NewSession(session)) = event { Some(*session) } else { None })
        .await;
    assert_ne!(session, before);
    assert_eq!(bob.client.session(), session);
    alice.sees(&["bob"]).await;
    alice.client.send(to("bob"), text("welcome back")).await.unwrap();
    assert_eq!(bob.message().await.1, "welcome back");
    bob.client.send(to("alice"), text("thank you")).await.unwrap();
    assert_eq!(alice.message().await.1, "thank you");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_asks_for_it_is_reconnected_before_the_time() {
    let mut options = crate::harness::options();
    options.machine.grace = PATIENCE;
    let server = Server::start_with(options).await;
    let relay = Relay::to(server.address).await;
    let mut options = client_options(relay.address, server.fingerprint, "bob", Purpose::Register);
    let hour = Duration::from_secs(3_600);
    (options.machine.min_backoff, options.machine.max_backoff) = (hour, hour);
    let mut bob = server.connect(options).await.unwrap();
    bob.client.retry_now().await;
    relay.cut();
    bob.notice(&Notice::Reconnecting { after: hour }).await;
    relay.mend(server.address);
    bob.client.retry_now().await;
    bob.notice(&Notice::Reconnecting { after: Duration::ZERO }).await;
    bob.notice(&Notice::Reconnected).await;
    bob.client.clone().leave().await;
    // The session is over, so there is nothing to do.
    bob.client.retry_now().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_reports_a_wrong_key_once_and_waits_for_the_right_server() {
    let mut options = crate::harness::options();
    options.machine.grace = PATIENCE;
    let server = Server::start_with(options).await;
    let impostor = Server::start().await;
    let (_alice, mut bob, relay) = pair(&server).await;
    let session = bob.client.session();
    relay.cut();
    relay.mend(impostor.address);
    let changed = Notice::ServerKeyChanged { known: server.fingerprint, shown: impostor.fingerprint };
    bob.notice(&changed).await;
    bob.find(|event| matches!(event, Event::Notice(Notice::Reconnecting { .. })).then_some(())).await;
    relay.cut();
    relay.mend(server.address);
    bob.find(|event| {
        assert_ne!(*event, Event::Notice(changed.clone()), "the notice comes once");
        (*event == Event::Notice(Notice::Reconnected)).then_some(())
    })
    .await;
    assert_eq!(bob.client.session(), session);
    assert_eq!(impostor.lines(), ["server started"], "nobody logs in at the impostor");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_about_a_message_of_an_earlier_session_has_no_effect() {
    let server = Server::start().await;
    let relay = Relay::to(server.address).await;
    let mut alice = server.join("alice").await;
    let mut options = client_options(relay.address, server.fingerprint, "bob", Purpose::Register);
    options.accept = AcceptMode::Manual;
    let mut bob = server.connect(options).await.unwrap();
    alice.sees(&["bob"]).await;
    let token = |event: &Event| if let Event::Message(message) = event { Some(message.token()) } else { None };
    let outcome = |event: &Event| if let Event::Report(report) = event { Some(report.outcome) } else { None };
    alice.client.send(to("bob"), text("before")).await.unwrap();
    let before = bob.find(token).await;
    relay.cut();
    assert_eq!(alice.presence("bob").await, Presence::Offline(OfflineReason::Lost));
    relay.mend(server.address);
    alice.sees(&["bob"]).await;
    alice.client.send(to("bob"), text("after")).await.unwrap();
    let after = bob.find(token).await;
    bob.client.accept(before);
    bob.client.refuse(after);
    assert_eq!(alice.find(outcome).await, Outcome::Failed(FailReason::Refused));
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_survive_a_restart_of_the_server_without_going_offline() {
    for killed in [false, true] {
        let mut server = Server::start().await;
        let [mut alice, mut bob, carol] = server.three().await;
        let sessions = [&alice, &bob, &carol].map(|person| person.client.session());
        if killed {
            server.kill().await;
        } else {
            server.stop().await;
        }
        for person in [&mut alice, &mut bob] {
            person.find(|event| matches!(event, Event::Notice(Notice::Reconnecting { .. })).then_some(())).await;
        }
        for number in 0..20 {
            alice.client.send(to("bob"), text(&number.to_string())).await.unwrap();
            assert_eq!(bob.message().await.1, number.to_string(), "messages do not need the server");
        }
        server.restart().await;
        for person in [&mut alice, &mut bob] {
            let mut presence_events = 0;
            person
                .find(|event| {
                    presence_events += usize::from(matches!(event, Event::Presence(_)));
                    matches!(event, Event::Notice(Notice::Reconnected)).then_some(())
                })
                .await;
            assert_eq!(presence_events, 0, "killed: {killed}");
        }
        assert_eq!([&alice, &bob, &carol].map(|person| person.client.session()), sessions);
        let mut dave = server.join("dave").await;
        alice.sees(&["dave"]).await;
        alice.client.send(to("dave"), text("hello")).await.unwrap();
        assert_eq!(dave.message().await.1, "hello");
    }
}

/// Relays one connection to `server`, and closes it once the server has sent `limit` bytes.
async fn relay_up_to(server: SocketAddr, limit: u64) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut near, _) = listener.accept().await.unwrap();
        let mut far = TcpStream::connect(server).await.unwrap();
        let ((mut near_read, mut near_write), (far_read, mut far_write)) = (near.split(), far.split());
        let mut limited = far_read.take(limit);
        tokio::select! {
            _ = copy(&mut near_read, &mut far_write) => {}
            _ = copy(&mut limited, &mut near_write) => {}
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn connect_returns_wherever_the_connection_breaks() {
    let server = Server::start().await;
    let _alice = server.join("alice").await;
    for limit in (0..).step_by(41) {
        let address = relay_up_to(server.address, limit).await;
        let mut options = client_options(address, server.fingerprint, &format!("user{limit}"), Purpose::Register);
        // The client repeats an unanswered registration, and each attempt breaks at the same place.
        options.machine.registration_timeout = Duration::from_millis(300);
        let ended = timeout(PATIENCE, server.connect(options)).await;
        if ended
            .unwrap_or_else(|_| panic!("connect does not return if the connection breaks after {limit} bytes"))
            .is_ok()
        {
            assert!(limit > 0);
            return;
        }
    }
}
