//! Resuming a session, starting a fresh one, and settling after a restart of the server.

use std::time::Duration;

use super::*;
use crate::wire::rejection::Rejection;

#[test]
fn the_roster_and_the_session_key_survive_a_reconnect() {
    let mut harness = Harness::waiting(&[entry("bob", 2)]);
    assert_eq!(harness.names(), ["bob"]);
    harness.reconnect();
    assert_ne!(harness.offered, harness.session, "a resume offers a new key");
    assert_eq!(harness.welcome(WelcomeKind::Continued, 0), ["welcome Continued own key", "heartbeat 1"]);
    assert_eq!(harness.names(), ["bob"]);
    assert_eq!(harness.snapshot(&[entry("bob", 2)], complete(1, 10)), ["reconnected"]);
}

#[test]
fn a_fresh_session_has_the_next_key() {
    let mut harness = Harness::resuming(&[entry("bob", 2)]);
    let before = harness.session;
    assert_eq!(harness.welcome(WelcomeKind::Fresh, 0), ["welcome Fresh own key", "heartbeat 1"]);
    assert_ne!(harness.session, before);
    assert_eq!(harness.snapshot(&[entry("bob", 2)], complete(1, 12)), ["reconnected"]);

    // The next resume continues the session with this key.
    let fresh = harness.session;
    harness.input(Input::Disconnected);
    harness.reconnect();
    assert_ne!(harness.offered, fresh);
    assert_eq!(harness.welcome(WelcomeKind::Continued, 0), ["welcome Continued own key", "heartbeat 1"]);
    assert_eq!(harness.session, fresh);
}

#[test]
fn each_attempt_offers_the_same_next_key_until_there_is_a_welcome_or_it_is_in_use() {
    let mut harness = Harness::resuming(&[]);
    let first = harness.offered;
    harness.input(Input::Disconnected);
    harness.reconnect();
    assert_eq!(harness.offered, first, "the fresh session may have begun");
    assert_eq!(harness.reply(&Reply::Rejected(Rejection::StorageUnavailable)), ["reconnecting", "close"]);
    harness.reconnect();
    assert_eq!(harness.offered, first);
    assert_eq!(harness.reply(&Reply::Rejected(Rejection::KeyInUse)), ["reconnecting", "close"]);
    harness.reconnect();
    let second = harness.offered;
    assert_ne!(second, first);
    harness.welcome(WelcomeKind::Continued, 0);
    harness.input(Input::Disconnected);
    harness.reconnect();
    assert_ne!(harness.offered, second);
}

#[test]
fn the_kind_of_a_welcome_must_match_its_key() {
    for (kind, wrong) in [(WelcomeKind::Continued, WelcomeKind::Fresh), (WelcomeKind::Fresh, WelcomeKind::Continued)] {
        let mut harness = Harness::resuming(&[]);
        let mut welcome = harness.welcome_for(WelcomeOptions { kind, settling_ms: 0 });
        welcome.kind = wrong;
        assert_eq!(harness.reply(&Reply::Welcome(welcome)), ["reconnecting", "close"]);
    }
    let mut harness = Harness::resuming(&[]);
    let mut welcome = harness.welcome_for(WelcomeOptions { kind: WelcomeKind::Fresh, settling_ms: 0 });
    welcome.kind = WelcomeKind::LoggedIn;
    assert_eq!(harness.reply(&Reply::Welcome(welcome)), ["reconnecting", "close"], "the client sent no password");
}

#[test]
fn a_snapshot_is_reported_as_its_differences() {
    let mut harness = Harness::resuming(&[entry("bob", 2), entry("carol", 3), entry("dave", 4), entry("eve", 5)]);
    harness.welcome(WelcomeKind::Continued, 0);
    let moved = Entry { addresses: vec!["10.0.0.4:5000".parse().unwrap()], ..entry("dave", 4) };
    let copy = [entry("alice", 7), entry("carol", 9), moved, entry("eve", 5), entry("frank", 6)];
    assert_eq!(
        harness.snapshot(&copy, complete(2, 1)),
        ["offline bob lost", "replaced carol 9", "moved dave 10.0.0.4:5000", "online frank 6", "reconnected"]
    );
    assert_eq!(harness.names(), ["carol", "dave", "eve", "frank"]);
}

#[test]
fn missing_users_are_reported_lost_when_settling_ends() {
    let mut harness = Harness::resuming(&[entry("bob", 2), entry("carol", 3), entry("dave", 4), entry("eve", 5)]);
    harness.welcome(WelcomeKind::Continued, 8_000);
    assert_eq!(harness.snapshot(&[entry("eve", 5)], complete(2, 1)), ["reconnected"]);
    assert_eq!(harness.names(), ["bob", "carol", "dave", "eve"]);

    // Bob's session continues, carol logs in again, and dave does not return.
    let changes = vec![Change::Online(entry("bob", 2)), Change::Online(entry("carol", 9))];
    assert_eq!(harness.reply(&update(2, 1, changes)), ["replaced carol 9"]);
    assert_eq!(harness.millis_to_deadline(), 8_000);
    assert_eq!(harness.tick(), ["offline dave lost"]);
    assert_eq!(harness.names(), ["bob", "carol", "eve"]);
    assert_eq!(harness.millis_to_deadline(), 2_000, "the next heartbeat");
}

#[test]
fn a_missing_user_who_returns_and_leaves_is_reported_with_the_reason() {
    let mut harness = Harness::resuming(&[entry("bob", 2), entry("carol", 3)]);
    harness.welcome(WelcomeKind::Continued, 8_000);
    harness.snapshot(&[], complete(2, 1));
    let changes = vec![
        moved("carol", "10.0.0.3:5000"),
        Change::Online(entry("bob", 2)),
        offline("bob", OfflineReason::Asked),
        offline("carol", OfflineReason::Kicked),
    ];
    assert_eq!(harness.reply(&update(2, 1, changes)), ["offline bob asked", "offline carol kicked"]);
    assert_eq!(harness.tick(), ["heartbeat 2"], "no user is missing");
}

#[test]
fn a_reconnect_during_settling_loses_nobody() {
    let mut harness = Harness::resuming(&[entry("bob", 2)]);
    harness.welcome(WelcomeKind::Continued, 8_000);
    harness.snapshot(&[], complete(2, 1));
    assert_eq!(harness.input(Input::Disconnected), ["reconnecting"]);
    harness.reconnect();
    assert_eq!(harness.names(), ["bob"]);
    harness.welcome(WelcomeKind::Continued, 3_000);
    assert_eq!(harness.snapshot(&[], complete(2, 3)), ["reconnected"]);
    assert_eq!(harness.millis_to_deadline(), 3_000);
    assert_eq!(harness.tick(), ["offline bob lost"]);
}

#[test]
fn settling_that_ends_during_a_snapshot_is_decided_by_that_snapshot() {
    let mut harness = Harness::resuming(&[entry("bob", 2), entry("carol", 3)]);
    harness.welcome(WelcomeKind::Continued, 5_000);
    assert_eq!(harness.snapshot(&[], complete(2, 1)), ["reconnected"]);
    assert_eq!(harness.reply(&update(2, 9, vec![])), ["refresh"]);
    harness.advance(6_000);
    assert_eq!(harness.input(Input::Tick), [""; 0]);
    assert_eq!(harness.names(), ["bob", "carol"]);
    assert_eq!(harness.snapshot(&[entry("carol", 3)], complete(2, 9)), ["offline bob lost"]);
}

#[test]
fn a_client_suspended_past_the_end_of_settling_first_reads_its_socket() {
    let mut harness = Harness::resuming(&[entry("bob", 2), entry("carol", 3)]);
    harness.welcome(WelcomeKind::Continued, 8_000);
    harness.snapshot(&[], complete(2, 1));
    harness.advance(60_000);
    assert_eq!(harness.input(Input::Tick), ["heartbeat 2"]);
    assert_eq!(harness.reply(&update(2, 1, vec![Change::Online(entry("bob", 2))])), [""; 0]);
    assert_eq!(harness.millis_to_deadline(), 5_000);
    assert_eq!(harness.tick(), ["offline carol lost"]);
}

#[test]
fn the_backoff_grows_until_the_roster_is_in_sync_again() {
    for seed in 0..50 {
        let mut harness = Harness::new(seed);
        harness.input(Input::Connected);
        harness.hello();
        harness.welcome(WelcomeKind::LoggedIn, 0);
        harness.snapshot(&[], complete(1, 10));
        harness.input(Input::Disconnected);
        for bound in [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000] {
            let pause = harness.millis_to_deadline();
            assert!((500..=bound).contains(&pause), "{pause} of {bound}");
            assert_eq!(harness.tick(), ["connect"]);
            assert_eq!(harness.input(Input::Disconnected), ["reconnecting"]);
        }
        harness.reconnect();
        harness.welcome(WelcomeKind::Continued, 0);
        harness.input(Input::Disconnected);
        harness.reconnect();
        harness.welcome(WelcomeKind::Continued, 0);
        assert_eq!(harness.snapshot(&[], complete(1, 10)), ["reconnected"]);
        harness.input(Input::Disconnected);
        assert!(harness.millis_to_deadline() <= 1_000);
    }
}

#[test]
fn each_step_of_a_reconnect_has_a_timeout_and_is_retried() {
    let mut harness = Harness::waiting(&[]);
    assert_eq!(harness.tick(), ["connect"]);
    assert_eq!(harness.millis_to_deadline(), 10_000);
    assert_eq!(harness.tick(), ["reconnecting", "close"]);
    assert_eq!(harness.tick(), ["connect"]);
    assert_eq!(harness.input(Input::Connected), ["hello"]);
    assert_eq!(harness.millis_to_deadline(), 20_000);
    assert_eq!(harness.tick(), ["reconnecting", "close"]);
    harness.reconnect();
    assert_eq!(harness.millis_to_deadline(), 20_000);
    assert_eq!(harness.tick(), ["reconnecting", "close"]);
}

#[test]
fn a_reconnect_waits_for_at_least_the_servers_retry_time() {
    for rejection in [Rejection::busy(Duration::from_secs(40)), Rejection::slow_down(Duration::from_secs(40))] {
        let mut harness = Harness::resuming(&[]);
        assert_eq!(harness.reply(&Reply::Rejected(rejection)), ["reconnecting", "close"]);
        assert!((40_000..80_000).contains(&harness.millis_to_deadline()), "{}", harness.millis_to_deadline());
        harness.reconnect();
    }
}

#[test]
fn the_newest_ticket_is_used() {
    let mut harness = Harness::online(&[]);
    assert_eq!(harness.reply(&Reply::Ticket(vec![9, 9])), [""; 0]);
    harness.input(Input::Disconnected);
    harness.tick();
    harness.input(Input::Connected);
    assert_eq!(harness.hello(), ["resume [9, 9]"]);
}

#[test]
fn a_sign_of_the_network_ends_the_pause() {
    let mut harness = Harness::waiting(&[]);
    assert!(harness.millis_to_deadline() >= 500);
    assert_eq!(harness.input(Input::NetworkChanged), [""; 0]);
    assert_eq!(harness.millis_to_deadline(), 0);
    assert_eq!(harness.tick(), ["connect"]);
    assert_eq!(harness.input(Input::Disconnected), ["reconnecting"]);
}

#[test]
fn a_stream_of_signs_does_not_cause_a_stream_of_attempts() {
    let mut harness = Harness::waiting(&[]);
    let mut attempts = 0;
    // A sign every 100 ms for a minute, and a server that refuses every attempt.
    for _ in 0..600 {
        harness.input(Input::NetworkChanged);
        while harness.client.deadline().is_some_and(|deadline| deadline <= harness.now().mono) {
            assert_eq!(harness.input(Input::Tick), ["connect"]);
            assert_eq!(harness.input(Input::Disconnected), ["reconnecting"]);
            attempts += 1;
        }
        harness.advance(100);
    }
    assert!((6..60).contains(&attempts), "{attempts} attempts");
}

#[test]
fn a_sign_of_the_network_begins_a_hanging_attempt_again() {
    let mut harness = Harness::waiting(&[]);
    assert_eq!(harness.tick(), ["connect"]);
    harness.advance(9_000);
    assert_eq!(harness.input(Input::NetworkChanged), ["connect"]);
    assert_eq!(harness.millis_to_deadline(), 10_000, "the new attempt has the whole time");
    assert_eq!(harness.input(Input::NetworkChanged), [""; 0]);
    assert_eq!(harness.input(Input::Connected), ["hello"]);
    assert_eq!(harness.input(Input::NetworkChanged), [""; 0], "the server answers already");
}

#[test]
fn a_sign_of_the_network_does_not_shorten_a_pause_that_the_server_asked_for() {
    let mut harness = Harness::resuming(&[]);
    assert_eq!(harness.reply(&Reply::Rejected(Rejection::busy(Duration::from_secs(4)))), ["reconnecting", "close"]);
    let pause = harness.millis_to_deadline();
    assert_eq!(harness.input(Input::NetworkChanged), [""; 0]);
    assert_eq!(harness.millis_to_deadline(), pause);
}

#[test]
fn a_user_who_asks_for_it_ends_the_pause() {
    let mut harness = Harness::waiting(&[]);
    assert!(harness.millis_to_deadline() >= 500);
    assert_eq!(harness.input(Input::RetryNow), ["reconnecting"]);
    assert_eq!(harness.millis_to_deadline(), 0);
    assert_eq!(harness.input(Input::RetryNow), [""; 0], "the next attempt begins now already");
    assert_eq!(harness.tick(), ["connect"]);
    assert_eq!(harness.input(Input::RetryNow), [""; 0], "an attempt is under way");
    assert_eq!(harness.input(Input::Connected), ["hello"]);
}

#[test]
fn a_user_who_keeps_asking_does_not_hammer_the_server() {
    let mut harness = Harness::waiting(&[]);
    let mut attempts = 0;
    // A click every 100 ms for a minute, and a server that refuses every attempt.
    for _ in 0..600 {
        harness.input(Input::RetryNow);
        while harness.client.deadline().is_some_and(|deadline| deadline <= harness.now().mono) {
            assert_eq!(harness.input(Input::Tick), ["connect"]);
            assert_eq!(harness.input(Input::Disconnected), ["reconnecting"]);
            attempts += 1;
        }
        harness.advance(100);
    }
    // One attempt in 2 s, and a few that the backoff begins by itself.
    assert!((30..60).contains(&attempts), "{attempts} attempts");
}

#[test]
fn a_user_does_not_shorten_a_pause_that_the_server_asked_for() {
    let mut harness = Harness::resuming(&[]);
    assert_eq!(harness.reply(&Reply::Rejected(Rejection::busy(Duration::from_secs(4)))), ["reconnecting", "close"]);
    let pause = harness.millis_to_deadline();
    assert_eq!(harness.input(Input::RetryNow), [""; 0]);
    assert_eq!(harness.millis_to_deadline(), pause);
}

#[test]
fn asking_for_an_attempt_changes_nothing_while_there_is_a_connection() {
    let mut harness = Harness::online(&[]);
    let before = harness.millis_to_deadline();
    assert_eq!(harness.input(Input::RetryNow), [""; 0]);
    assert_eq!(harness.millis_to_deadline(), before);
}
