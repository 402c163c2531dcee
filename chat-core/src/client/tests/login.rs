//! The first login, and each way in which it can fail.

use std::time::Duration;

use super::*;
use crate::roster::LinkFeatures;
use crate::wire::control::Ended;
use crate::wire::rejection::Rejection;

#[test]
fn a_login_goes_from_the_hello_to_the_complete_roster() {
    let mut harness = Harness::new(1);
    assert_eq!(harness.input(Input::Connected), ["hello"]);
    assert_eq!(harness.hello(), ["login alice correct horse"]);
    assert_eq!(harness.welcome(WelcomeKind::LoggedIn, 0), ["welcome LoggedIn own key", "heartbeat 1"]);
    assert_eq!(harness.client.roster().len(), 0);
    assert_eq!(harness.reply(&Reply::SnapshotPage(vec![entry("bob", 2), entry("Alice", 7)])), [""; 0]);
    assert_eq!(harness.reply(&Reply::SnapshotPage(vec![entry("小明", 3)])), [""; 0]);
    assert_eq!(harness.client.roster().len(), 0, "a snapshot takes effect when it is complete");
    assert_eq!(harness.reply(&complete(1, 5)), ["online"]);
    assert_eq!(harness.names(), ["bob", "小明"], "the roster lacks the client itself");
}

#[test]
fn a_snapshot_without_a_page_is_empty() {
    let mut harness = Harness::loading();
    assert_eq!(harness.reply(&complete(1, 1)), ["online"]);
    assert_eq!(harness.client.roster().len(), 0);
}

#[test]
fn a_rejected_login_ends_the_machine() {
    for (rejection, lines) in [
        (Rejection::WrongCredentials, "Rejected(WrongCredentials)"),
        (Rejection::NameTaken, "Rejected(NameTaken)"),
        (Rejection::RegistrationClosed, "Rejected(RegistrationClosed)"),
        (Rejection::Full, "Rejected(Full)"),
    ] {
        let mut harness = Harness::logging_in();
        assert_eq!(harness.reply(&Reply::Rejected(rejection)), [lines, "close"]);
        assert_eq!(harness.client.deadline(), None);
    }
}

#[test]
fn a_busy_server_is_retried_after_its_retry_time_until_the_busy_timeout() {
    let mut harness = Harness::logging_in();
    let busy = Reply::Rejected(Rejection::busy(Duration::from_secs(20)));
    let mut times = 0;
    while harness.client.deadline().is_some() && harness.now().mono < Mono::at(Duration::from_mins(10)) {
        let lines = harness.reply(&busy);
        if lines != ["busy", "close"] {
            assert_eq!(lines, ["Rejected(Busy { retry_after_ms: 20000 })", "close"]);
            break;
        }
        assert!((20_000..=40_000).contains(&harness.millis_to_deadline()), "{}", harness.millis_to_deadline());
        assert_eq!(harness.tick(), ["connect"]);
        assert_eq!(harness.input(Input::Connected), ["hello"]);
        assert_eq!(harness.hello(), ["login alice correct horse"], "the password is kept for the retry");
        times += 1;
    }
    assert!((4..10).contains(&times), "{times}");
    assert_eq!(harness.client.deadline(), None);
}

#[test]
fn a_server_without_its_storage_sends_a_first_login_to_as_many_others_as_there_are() {
    let unavailable = Reply::Rejected(Rejection::StorageUnavailable);
    let config = ClientConfig { other_servers: 2, ..ClientConfig::default() };
    let mut harness = Harness::with_config(1, config);
    assert_eq!(harness.input(Input::Connected), ["hello"]);
    harness.hello();
    for _ in 0..2 {
        assert_eq!(harness.reply(&unavailable), ["trying elsewhere", "close"]);
        assert_eq!(harness.millis_to_deadline(), 0);
        assert_eq!(harness.tick(), ["connect"]);
        assert_eq!(harness.input(Input::Connected), ["hello"]);
        assert_eq!(harness.hello(), ["login alice correct horse"]);
    }
    assert_eq!(harness.reply(&unavailable), ["Rejected(StorageUnavailable)", "close"]);
    assert_eq!(harness.client.deadline(), None);
    // A server that does not answer is passed over, and does not hide why the first one refused.
    let mut harness = Harness::with_config(1, config);
    harness.input(Input::Connected);
    harness.hello();
    assert_eq!(harness.reply(&unavailable), ["trying elsewhere", "close"]);
    harness.tick();
    assert_eq!(harness.input(Input::Disconnected), ["trying elsewhere"]);
    harness.tick();
    assert_eq!(harness.input(Input::Disconnected), ["Rejected(StorageUnavailable)"]);
    // Without that, it ends the first login.
    let mut harness = Harness::with_config(1, config);
    assert_eq!(harness.input(Input::Connected), ["hello"]);
    assert_eq!(harness.input(Input::Disconnected), ["Failed(Disconnected)"]);
    // Every server would say the same about the password.
    let mut harness = Harness::with_config(1, config);
    harness.input(Input::Connected);
    harness.hello();
    let wrong = Reply::Rejected(Rejection::WrongCredentials);
    assert_eq!(harness.reply(&wrong), ["Rejected(WrongCredentials)", "close"]);
}

#[test]
fn a_client_that_waits_for_a_busy_server_can_leave() {
    let mut harness = Harness::logging_in();
    harness.reply(&Reply::Rejected(Rejection::busy(Duration::from_secs(2))));
    assert_eq!(harness.input(Input::Disconnected), [""; 0]);
    assert_eq!(harness.input(Input::Leave), ["left"]);
    assert_eq!(harness.client.deadline(), None);
}

#[test]
fn heartbeats_postpone_the_deadline_of_a_snapshot_up_to_a_limit() {
    let mut harness = Harness::loading();
    let mut waited = 0;
    let lines = loop {
        waited += harness.millis_to_deadline();
        let lines = harness.tick();
        let Some(number) = lines.first().and_then(|line| line.strip_prefix("heartbeat ")) else { break lines };
        harness.reply(&Reply::Heartbeat { number: number.parse().unwrap(), at: Timestamp::from_millis(5) });
    };
    assert_eq!(lines, ["reconnecting", "close"]);
    assert!((300_000..330_000).contains(&waited), "{waited}");
}

#[test]
fn a_server_that_stops_during_login_ends_the_machine() {
    let mut harness = Harness::logging_in();
    assert_eq!(harness.reply(&Reply::Ended(Ended::Stopping)), ["Ended(Stopping)", "close"]);
    assert_eq!(harness.client.deadline(), None);
}

#[test]
fn without_a_common_version_the_machine_reports_both_ranges_and_sends_no_password() {
    let theirs = Hello { low: 7, high: 9, features: 0 };
    let mut harness = Harness::handshaking();
    let lines = harness.input(Input::Frame(&theirs.encode()));
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with("NoCommonVersion") && lines[0].contains("low: 7"), "{lines:?}");
    assert_eq!(lines[1], "close");
    assert_eq!(harness.client.deadline(), None);
}

#[test]
fn unknown_features_and_higher_versions_of_the_server_are_accepted() {
    let theirs = Hello { low: 1, high: 9, features: u64::MAX };
    assert_eq!(Harness::handshaking().input(Input::Frame(&theirs.encode())), ["login alice correct horse"]);
}

#[test]
fn a_broken_connection_ends_the_first_login() {
    for mut harness in [Harness::new(1), Harness::handshaking(), Harness::logging_in()] {
        assert_eq!(harness.input(Input::Disconnected), ["Failed(Disconnected)"]);
        assert_eq!(harness.client.deadline(), None);
        assert_eq!(harness.input(Input::Connected), [""; 0]);
    }
}

#[test]
fn every_step_of_the_first_login_has_a_timeout() {
    for (mut harness, due, lines) in [
        (Harness::new(1), 10_000, "Failed(ConnectTimedOut)"),
        (Harness::handshaking(), 20_000, "Failed(ReplyTimedOut)"),
        (Harness::logging_in(), 20_000, "Failed(ReplyTimedOut)"),
    ] {
        assert_eq!(harness.millis_to_deadline(), due);
        harness.advance(due - 1);
        assert_eq!(harness.input(Input::Tick), [""; 0]);
        harness.advance(1);
        assert_eq!(harness.input(Input::Tick), [lines, "close"]);
    }
}

#[test]
fn after_the_welcome_a_broken_connection_is_resumed_even_before_the_first_snapshot() {
    let mut harness = Harness::loading();
    assert_eq!(harness.input(Input::Disconnected), ["reconnecting"]);
    harness.reconnect();
    assert_eq!(harness.welcome(WelcomeKind::Continued, 0), ["welcome Continued own key", "heartbeat 1"]);
    assert_eq!(harness.snapshot(&[entry("bob", 2)], complete(1, 5)), ["online", "reconnected"]);
}

#[test]
fn an_invalid_welcome_is_a_protocol_violation() {
    type Spoil = fn(&mut Welcome);
    let spoils: [(&str, Spoil); 7] = [
        ("continued", |welcome| welcome.kind = WelcomeKind::Continued),
        ("fresh", |welcome| welcome.kind = WelcomeKind::Fresh),
        ("another key", |welcome| welcome.entry.key = PublicKey::new([9; 32])),
        ("another user", |welcome| welcome.entry.user = "bob".parse().unwrap()),
        ("no address", |welcome| welcome.entry.addresses.clear()),
        ("no ticket", |welcome| welcome.ticket.clear()),
        ("a ticket that is too long", |welcome| welcome.ticket = vec![0; 513]),
    ];
    for (name, spoil) in spoils {
        let mut harness = Harness::logging_in();
        let mut welcome = harness.welcome_for(WelcomeOptions { kind: WelcomeKind::LoggedIn, settling_ms: 0 });
        spoil(&mut welcome);
        assert_eq!(harness.reply(&Reply::Welcome(welcome)), ["protocol", "close"], "{name}");
        assert_eq!(harness.client.deadline(), None, "{name}");
    }
}

#[test]
fn the_password_is_dropped_at_the_welcome_and_secrets_are_never_printed() {
    let harness = Harness::logging_in();
    assert!(matches!(&harness.client.state, super::super::state::State::LoggingIn { auth, .. }
        if matches!(auth, super::super::state::Authentication::Password { .. })));
    assert!(!format!("{:?}", harness.client).contains("horse"));
    let harness = Harness::online(&[]);
    assert!(matches!(&harness.client.state, super::super::state::State::Online(_)), "a state without a password");

    let credentials = Credentials {
        user: "alice".parse().unwrap(),
        password: password("correct horse"),
        purpose: Purpose::Login,
        invitation: None,
    };
    let frame = super::super::requests::login(
        &credentials,
        Purpose::Login,
        &offer(),
        PublicKey::new([1; 32]),
        LinkFeatures::NONE,
    );
    let input = Input::ChangePassword { old: password("correct horse"), new: password("correct horse") };
    for printed in [format!("{:?}", Output::Send(frame)), format!("{credentials:?}"), format!("{input:?}")] {
        assert!(!printed.contains("horse"), "{printed}");
    }
    assert_eq!(format!("{:?}", Input::Frame(&[1, 2, 3])), "Frame(3 bytes)");
}
