//! Logging in, rejections, leaving, and their records in the presence log.

use std::io::ErrorKind;

use chat_core::message::Recipient;
use chat_core::password::Password;
use chat_core::presence::{OfflineReason, Presence};
use chat_core::wire::control::Purpose;
use chat_net::client::{ChangePasswordError, ConnectError, EndReason, Event, Notice, RejectionKind, SendError};
use chat_net::server::{ServeError, serve};

use crate::harness::{PASSWORD, Person, Server, name, options, rejection, text, to};

#[tokio::test(flavor = "multi_thread")]
async fn each_client_has_the_others_in_its_roster() {
    let server = Server::start().await;
    let people = server.three().await;
    for (person, others) in people.iter().zip([["bob", "carol"], ["alice", "carol"], ["alice", "bob"]]) {
        let roster = person.client.roster();
        assert_eq!(roster.iter().map(|entry| entry.user().as_str()).collect::<Vec<_>>(), others);
        assert!(roster.iter().all(|entry| entry.address().ip().is_loopback()));
    }
    assert_eq!(people[0].client.user(), &name("alice"));
    let [alice, bob, _] = &people;
    let roster = bob.client.roster();
    let entry = roster.get(alice.client.user()).unwrap();
    assert_eq!(entry.session(), alice.client.session());
    assert_eq!(entry.since(), alice.client.login_time());
    assert_eq!(entry.address().port(), alice.client.udp_address().port());
}

#[tokio::test(flavor = "multi_thread")]
async fn taken_names_and_wrong_credentials_are_rejected() {
    let server = Server::start().await;
    let alice = server.join("alice").await;
    let taken = server.connect(server.client_options("Alice", Purpose::Register)).await;
    assert_eq!(taken.err().as_ref().and_then(rejection), Some(RejectionKind::NameTaken));
    let mut options = server.client_options("alice", Purpose::Login);
    options.login.password = Password::parse("wrong horse").unwrap();
    let wrong = server.connect(options).await;
    assert_eq!(wrong.err().as_ref().and_then(rejection), Some(RejectionKind::WrongCredentials));
    let unknown = server.connect(server.client_options("nobody", Purpose::Login)).await;
    assert_eq!(unknown.err().as_ref().and_then(rejection), Some(RejectionKind::WrongCredentials));
    assert!(alice.client.roster().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_is_offline_for_the_others_and_for_itself() {
    let mut server = Server::start().await;
    let [mut alice, mut bob, _carol] = server.three().await;
    let again = bob.client.clone();
    bob.client.clone().leave().await;
    let mut last = None;
    while let Some(event) = bob.next().await {
        last = Some(event);
    }
    assert_eq!(last, Some(Event::Left));
    assert_eq!(alice.presence("bob").await, Presence::Offline(OfflineReason::Asked));
    assert!(matches!(again.send(Recipient::Everyone, text("x")).await, Err(SendError::Offline)));
    assert!(again.roster().is_empty());
    assert!(matches!(alice.client.send(to("bob"), text("x")).await, Err(SendError::UnknownRecipient(_))));
    server.stop().await;
    assert!(server.lines().contains(&"offline bob asked".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_all_handles_leaves_the_session() {
    let server = Server::start().await;
    let [mut alice, bob, _carol] = server.three().await;
    drop(bob);
    assert_eq!(alice.presence("bob").await, Presence::Offline(OfflineReason::Asked));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_login_replaces_the_first() {
    let server = Server::start().await;
    let [mut alice, mut bob, _carol] = server.three().await;
    let mut second = server.log_in("bob").await;
    let ended = bob.find(|event| if let Event::Ended(reason) = event { Some(*reason) } else { None }).await;
    assert_eq!(ended, EndReason::Replaced);
    assert_eq!(bob.next().await, None);
    assert!(matches!(alice.presence("bob").await, Presence::Replaced(_)));
    alice.client.send(to("bob"), text("which one?")).await.unwrap();
    assert_eq!(second.message().await, ("alice".to_owned(), "which one?".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_password_change_only_the_new_password_is_valid() {
    let mut options = options();
    options.machine.throttle.first = std::time::Duration::from_millis(20);
    let server = Server::start_with(options).await;
    let alice = server.join("alice").await;
    let [old, new] = [PASSWORD, "battery staple"].map(|password| Password::parse(password).unwrap());
    alice.client.change_password(old.clone(), new.clone()).await.unwrap();
    let wrong = alice.client.change_password(old.clone(), new.clone()).await;
    assert!(matches!(wrong, Err(ChangePasswordError::Rejected(_))), "{wrong:?}");
    alice.client.leave().await;
    let with_old = login_after_throttle(&server, &old).await.err();
    assert_eq!(with_old.as_ref().and_then(rejection), Some(RejectionKind::WrongCredentials));
    assert_eq!(login_after_throttle(&server, &new).await.unwrap().client.user(), &name("alice"));
}

/// Retries while the throttle delays logins after a wrong password.
async fn login_after_throttle(server: &Server, password: &Password) -> Result<Person, ConnectError> {
    loop {
        let mut options = server.client_options("alice", Purpose::Login);
        options.login.password = password.clone();
        match server.connect(options).await {
            Err(ConnectError::Rejected(rejection)) if rejection.kind() == RejectionKind::SlowDown => {
                tokio::task::yield_now().await;
            }
            result => return result,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unusable_address_is_reported_with_its_reason() {
    let server = Server::start().await;
    let alice = server.join("alice").await;
    let mut options = server.client_options("bob", Purpose::Register);
    options.udp = ([127, 0, 0, 1], alice.client.udp_address().port()).into();
    match server.connect(options).await.err() {
        Some(ConnectError::Udp { source, .. }) => assert_eq!(source.kind(), ErrorKind::AddrInUse),
        other => panic!("{other:?}"),
    }
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut options = server.client_options("bob", Purpose::Register);
    options.server = free.try_into().unwrap();
    let error = server.connect(options).await.err().unwrap().to_string();
    let expected =
        format!("nothing answers at {free}: connection refused; is the server running and the address right?");
    assert_eq!(error, expected);
    let mut options = server.client_options("bob", Purpose::Register);
    options.server = "no-such-host.invalid".parse().unwrap();
    assert!(matches!(server.connect(options).await.err(), Some(ConnectError::Resolve { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_server_notifies_every_client_and_completes_its_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("presence.log");
    let mut with_log = options();
    with_log.presence_log = Some(path.clone());
    let mut server = Server::start_with(with_log).await;
    let mut people = server.three().await;
    server.stop().await;
    for person in &mut people {
        person.notice(&Notice::ServerStopping).await;
    }
    let log = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = log.lines().map(|line| line.split_once(' ').unwrap().1).collect();
    assert_eq!(lines, server.lines());
    assert_eq!((lines[0], lines[4], lines.len()), ("server started", "server stopping", 5));
    assert!(lines[1].starts_with("online alice 127.0.0.1:"));
}

#[tokio::test]
async fn a_presence_log_that_cannot_be_opened_is_an_error_at_start() {
    let folder = tempfile::tempdir().unwrap();
    let identity = chat_net::identity::ServerIdentity::load_or_create(folder.path()).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let accounts = std::sync::Arc::new(chat_core::accounts::memory::MemoryAccounts::new());
    let mut with_log = options();
    with_log.presence_log = Some(folder.path().to_owned());
    let result = serve(listener, identity, accounts, with_log, |_| {}, std::future::pending()).await;
    assert!(matches!(result, Err(ServeError::PresenceLog { .. })));
}
