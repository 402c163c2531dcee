//! Coming back: with the old session or a new one, and while the server settles.

use std::time::Duration;

use super::*;
use crate::wire::rejection::Rejection;

#[test]
fn the_roster_stays_over_a_break_and_the_session_continues_with_its_key() {
    let mut desk = Desk::waiting(&[entry("bob", 2)]);
    assert_eq!(desk.names(), ["bob"]);
    desk.come_back();
    assert_ne!(desk.offered, desk.session, "each resume offers another key");
    assert_eq!(desk.welcome(WelcomeKind::Continued, 0), ["welcome Continued own key", "beat 1"]);
    assert_eq!(desk.names(), ["bob"]);
    assert_eq!(desk.copy(&[entry("bob", 2)], complete(1, 10)), ["reconnected"]);
}

#[test]
fn a_fresh_session_has_the_next_key() {
    let mut desk = Desk::resuming(&[entry("bob", 2)]);
    let before = desk.session;
    assert_eq!(desk.welcome(WelcomeKind::Fresh, 0), ["welcome Fresh own key", "beat 1"]);
    assert_ne!(desk.session, before);
    assert_eq!(desk.copy(&[entry("bob", 2)], complete(1, 12)), ["reconnected"]);

    // And that is the key which the next resume continues.
    let fresh = desk.session;
    desk.input(Input::Disconnected);
    desk.come_back();
    assert_ne!(desk.offered, fresh);
    assert_eq!(desk.welcome(WelcomeKind::Continued, 0), ["welcome Continued own key", "beat 1"]);
    assert_eq!(desk.session, fresh);
}

#[test]
fn a_session_neither_continues_with_a_new_key_nor_begins_with_the_old_one() {
    for (kind, wrong) in [(WelcomeKind::Continued, WelcomeKind::Fresh), (WelcomeKind::Fresh, WelcomeKind::Continued)] {
        let mut desk = Desk::resuming(&[]);
        let mut welcome = desk.welcome_for(Greeting { kind, settling_ms: 0 });
        welcome.kind = wrong;
        assert_eq!(desk.reply(&Reply::Welcome(welcome)), ["reconnecting", "close"]);
    }
    let mut desk = Desk::resuming(&[]);
    let mut welcome = desk.welcome_for(Greeting { kind: WelcomeKind::Fresh, settling_ms: 0 });
    welcome.kind = WelcomeKind::LoggedIn;
    assert_eq!(desk.reply(&Reply::Welcome(welcome)), ["reconnecting", "close"], "nobody sent a password");
}

#[test]
fn a_fresh_copy_is_told_as_its_differences() {
    let mut desk = Desk::resuming(&[entry("bob", 2), entry("carol", 3), entry("dave", 4), entry("eve", 5)]);
    desk.welcome(WelcomeKind::Continued, 0);
    let moved = Entry { addresses: vec!["10.0.0.4:5000".parse().unwrap()], ..entry("dave", 4) };
    let copy = [entry("alice", 7), entry("carol", 9), moved, entry("eve", 5), entry("frank", 6)];
    assert_eq!(
        desk.copy(&copy, complete(2, 1)),
        ["offline bob lost", "replaced carol 9", "moved dave 10.0.0.4:5000", "online frank 6", "reconnected"]
    );
    assert_eq!(desk.names(), ["carol", "dave", "eve", "frank"]);
}

#[test]
fn while_the_server_settles_who_is_missing_stays_and_is_told_as_lost_only_then() {
    let mut desk = Desk::resuming(&[entry("bob", 2), entry("carol", 3), entry("dave", 4), entry("eve", 5)]);
    desk.welcome(WelcomeKind::Continued, 8_000);
    assert_eq!(desk.copy(&[entry("eve", 5)], complete(2, 1)), ["reconnected"]);
    assert_eq!(desk.names(), ["bob", "carol", "dave", "eve"]);

    // Bob's session continues, carol logged in anew, and dave does not come back.
    let changes = vec![Change::Online(entry("bob", 2)), Change::Online(entry("carol", 9))];
    assert_eq!(desk.reply(&update(2, 1, changes)), ["replaced carol 9"]);
    assert_eq!(desk.due_in(), 8_000);
    assert_eq!(desk.tick(), ["offline dave lost"]);
    assert_eq!(desk.names(), ["bob", "carol", "eve"]);
    assert_eq!(desk.due_in(), 2_000, "the next heartbeat");
}

#[test]
fn who_came_back_and_left_within_settling_is_told_with_the_reason() {
    let mut desk = Desk::resuming(&[entry("bob", 2), entry("carol", 3)]);
    desk.welcome(WelcomeKind::Continued, 8_000);
    desk.copy(&[], complete(2, 1));
    let changes = vec![
        moved("carol", "10.0.0.3:5000"),
        Change::Online(entry("bob", 2)),
        offline("bob", OfflineReason::Asked),
        offline("carol", OfflineReason::Kicked),
    ];
    assert_eq!(desk.reply(&update(2, 1, changes)), ["offline bob asked", "offline carol kicked"]);
    assert_eq!(desk.tick(), ["beat 2"], "settling has nobody left");
}

#[test]
fn a_break_within_settling_decides_nothing() {
    let mut desk = Desk::resuming(&[entry("bob", 2)]);
    desk.welcome(WelcomeKind::Continued, 8_000);
    desk.copy(&[], complete(2, 1));
    assert_eq!(desk.input(Input::Disconnected), ["reconnecting"]);
    desk.come_back();
    assert_eq!(desk.names(), ["bob"]);
    desk.welcome(WelcomeKind::Continued, 3_000);
    assert_eq!(desk.copy(&[], complete(2, 3)), ["reconnected"]);
    assert_eq!(desk.due_in(), 3_000);
    assert_eq!(desk.tick(), ["offline bob lost"]);
}

#[test]
fn settling_that_ends_while_a_copy_loads_is_decided_by_that_copy() {
    let mut desk = Desk::resuming(&[entry("bob", 2), entry("carol", 3)]);
    desk.welcome(WelcomeKind::Continued, 5_000);
    assert_eq!(desk.copy(&[], complete(2, 1)), ["reconnected"]);
    assert_eq!(desk.reply(&update(2, 9, vec![])), ["refresh"]);
    desk.pass(6_000);
    assert_eq!(desk.input(Input::Tick), [""; 0]);
    assert_eq!(desk.names(), ["bob", "carol"]);
    assert_eq!(desk.copy(&[entry("carol", 3)], complete(2, 9)), ["offline bob lost"]);
}

#[test]
fn a_client_that_slept_over_the_end_of_settling_first_reads_what_came() {
    let mut desk = Desk::resuming(&[entry("bob", 2), entry("carol", 3)]);
    desk.welcome(WelcomeKind::Continued, 8_000);
    desk.copy(&[], complete(2, 1));
    desk.pass(60_000);
    assert_eq!(desk.input(Input::Tick), ["beat 2"]);
    assert_eq!(desk.reply(&update(2, 1, vec![Change::Online(entry("bob", 2))])), [""; 0]);
    assert_eq!(desk.due_in(), 5_000);
    assert_eq!(desk.tick(), ["offline carol lost"]);
}

#[test]
fn pauses_grow_until_the_roster_is_in_step_again() {
    for seed in 0..50 {
        let mut desk = Desk::new(seed);
        desk.input(Input::Connected);
        desk.hello();
        desk.welcome(WelcomeKind::LoggedIn, 0);
        desk.copy(&[], complete(1, 10));
        desk.input(Input::Disconnected);
        for bound in [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000] {
            let pause = desk.due_in();
            assert!((500..=bound).contains(&pause), "{pause} of {bound}");
            assert_eq!(desk.tick(), ["connect"]);
            assert_eq!(desk.input(Input::Disconnected), ["reconnecting"]);
        }
        desk.come_back();
        desk.welcome(WelcomeKind::Continued, 0);
        desk.input(Input::Disconnected);
        desk.come_back();
        desk.welcome(WelcomeKind::Continued, 0);
        assert_eq!(desk.copy(&[], complete(1, 10)), ["reconnected"]);
        desk.input(Input::Disconnected);
        assert!(desk.due_in() <= 1_000);
    }
}

#[test]
fn each_step_of_coming_back_has_its_time_and_is_tried_again() {
    let mut desk = Desk::waiting(&[]);
    assert_eq!(desk.tick(), ["connect"]);
    assert_eq!(desk.due_in(), 10_000);
    assert_eq!(desk.tick(), ["reconnecting", "close"]);
    assert_eq!(desk.tick(), ["connect"]);
    assert_eq!(desk.input(Input::Connected), ["hello"]);
    assert_eq!(desk.due_in(), 20_000);
    assert_eq!(desk.tick(), ["reconnecting", "close"]);
    desk.come_back();
    assert_eq!(desk.due_in(), 20_000);
    assert_eq!(desk.tick(), ["reconnecting", "close"]);
}

#[test]
fn a_busy_server_gets_the_pause_it_asks_for_and_some_more() {
    for rejection in [Rejection::busy(Duration::from_secs(40)), Rejection::slow_down(Duration::from_secs(40))] {
        let mut desk = Desk::resuming(&[]);
        assert_eq!(desk.reply(&Reply::Rejected(rejection)), ["reconnecting", "close"]);
        assert!((40_000..80_000).contains(&desk.due_in()), "{}", desk.due_in());
        desk.come_back();
    }
}

#[test]
fn the_newest_ticket_is_used() {
    let mut desk = Desk::online(&[]);
    assert_eq!(desk.reply(&Reply::Ticket(vec![9, 9])), [""; 0]);
    desk.input(Input::Disconnected);
    desk.tick();
    desk.input(Input::Connected);
    assert_eq!(desk.hello(), ["resume [9, 9]"]);
}
