//! When changes are published, and which connections receive a snapshot.

use super::*;

/// A server that publishes at most every 25 ms, with alice online, and without a change for a while.
fn timed() -> Bench {
    let mut t = Bench::with(ServerConfig::default());
    t.login(1, "alice");
    t.pass(1_000);
    t
}

/// A server with 150 sessions, and without a change for a while.
fn crowded() -> Bench {
    let mut t = Bench::with(ServerConfig::default());
    for number in 1..=150 {
        let user = format!("reader{number}");
        t.connect(number);
        t.request_login(number, &user);
        t.answer(Ok(Account { id: AccountId::new(1_000 + number), ..account(&user) }));
    }
    t.pass(1_000);
    t
}

/// A server whose clients read only when the test drains them.
fn slow_readers() -> Bench {
    let mut t = Bench::new();
    t.login(1, "alice");
    t.quiet = false;
    t
}

#[test]
fn a_lone_change_is_published_immediately_and_those_that_follow_together() {
    let mut t = timed();
    let arrival = t.login(2, "bob");
    assert_eq!(
        arrival[2..],
        [
            "* <- 1..2 online bob 192.168.1.2:40001",
            "log online bob 192.168.1.2:40001",
            "2 <- page alice bob",
            "2 <- complete 2"
        ]
    );
    t.sleep(Duration::from_millis(10));
    assert_eq!(t.login(3, "carol"), ["admit 3", "3 <- welcome LoggedIn carol"]);
    assert_eq!(t.send(2, &Request::Leave), ["close 2"]);
    assert_eq!(t.pass(14), [""; 0]);
    assert_eq!(
        t.pass(1),
        [
            "* <- 2..4 online carol 192.168.1.3:40001, offline bob asked",
            "log online carol 192.168.1.3:40001",
            "log offline bob asked",
            "3 <- page alice carol",
            "3 <- complete 4",
        ]
    );
    t.pass(25);
    assert_eq!(t.send(3, &Request::Leave)[1], "* <- 4..5 offline carol asked", "immediately again");
}

#[test]
fn few_changes_wait_longer_with_many_sessions() {
    let mut t = crowded();
    assert_eq!(
        t.send(150, &Request::Leave)[1],
        "* <- 150..151 offline reader150 asked",
        "immediately after a while without changes"
    );
    t.sleep(Duration::from_millis(30));
    assert_eq!(t.send(149, &Request::Leave), ["close 149"]);
    assert_eq!(t.pass(43), [""; 0]);
    assert_eq!(t.pass(1)[0], "* <- 151..152 offline reader149 asked");
}

#[test]
fn a_burst_of_changes_waits_no_longer_than_with_few_sessions() {
    let mut t = crowded();
    assert_eq!(t.send(150, &Request::Leave)[1], "* <- 150..151 offline reader150 asked");
    for number in 101..=149 {
        assert_eq!(t.send(number, &Request::Leave), [format!("close {number}")]);
    }
    assert_eq!(t.pass(24), [""; 0]);
    assert!(t.pass(1)[0].starts_with("* <- 151..200 offline reader101 asked"));
}

#[test]
fn the_more_changes_are_pending_the_sooner_they_are_published() {
    let mut t = crowded();
    assert_eq!(t.send(150, &Request::Leave)[1], "* <- 150..151 offline reader150 asked");
    for number in 110..=149 {
        t.sleep(Duration::from_millis(1));
        assert_eq!(t.send(number, &Request::Leave), [format!("close {number}")]);
    }
    assert!(t.pass(1)[0].starts_with("* <- 151..191 offline reader110 asked"), "after 41 ms, not 75");
}

#[test]
fn a_snapshot_for_one_connection_delays_no_publication() {
    let mut t = timed();
    t.login(2, "bob");
    t.pass(1_000);
    assert_eq!(t.send(1, &Request::Refresh), ["1 <- page alice bob", "1 <- complete 2"]);
    assert_eq!(t.send(2, &Request::Leave)[1], "* <- 2..3 offline bob asked");
}

#[test]
fn any_input_after_the_interval_publishes() {
    let mut t = timed();
    t.login(2, "bob");
    assert_eq!(t.send(2, &Request::Leave), ["close 2"]);
    t.sleep(Duration::from_millis(30));
    let beat = t.send(1, &Request::Heartbeat { number: 7 });
    assert_eq!(beat, ["1 <- beat 7", "* <- 2..3 offline bob asked", "log offline bob asked"]);
}

#[test]
fn a_stopping_server_first_publishes_its_pending_changes() {
    let mut t = timed();
    t.login(2, "bob");
    t.send(2, &Request::Leave);
    assert_eq!(
        t.feed(Input::Stop),
        [
            "* <- 2..3 offline bob asked",
            "log offline bob asked",
            "1 <- ended Stopping",
            "close 1",
            "log server stopping"
        ]
    );
}

#[test]
fn a_slow_reader_delays_no_snapshot_of_another() {
    let mut t = slow_readers();
    t.login(2, "bob");
    assert_eq!(t.login(3, "carol")[4..], ["3 <- page alice bob carol", "3 <- complete 3"]);
    assert_eq!(t.drain(ConnId::new(2), Missed::Nothing), [""; 0], "bob has read his");
    assert_eq!(t.drain(ConnId::new(2), Missed::Nothing), [""; 0], "reported twice");
    assert_eq!(t.disconnect(3), [""; 0]);
}

#[test]
fn a_snapshot_is_encoded_only_if_a_connection_waits_for_it() {
    let mut t = timed();
    t.login(2, "bob");
    let has_snapshot = |t: &Bench| format!("{:?}", t.publication()).contains("snapshot: Some(");
    assert!(has_snapshot(&t), "for bob");
    t.pass(1_000);
    assert_eq!(t.send(2, &Request::Leave)[1], "* <- 2..3 offline bob asked");
    assert!(!has_snapshot(&t));
    t.pass(1_000);
    t.send(1, &Request::Refresh);
    assert!(has_snapshot(&t), "for alice");
}

#[test]
fn a_snapshot_requested_while_changes_are_pending_follows_their_publication() {
    let mut t = timed();
    assert_eq!(t.login(2, "bob").last().unwrap(), "2 <- complete 2");
    t.sleep(Duration::from_millis(10));
    assert_eq!(t.login(3, "carol"), ["admit 3", "3 <- welcome LoggedIn carol"]);
    assert_eq!(t.send(1, &Request::Refresh), [""; 0]);
    let published = ["* <- 2..3 online carol 192.168.1.3:40001", "log online carol 192.168.1.3:40001"];
    let page = "page alice bob carol";
    let snapshots =
        [format!("1 <- {page}"), "1 <- complete 3".into(), format!("3 <- {page}"), "3 <- complete 3".into()];
    assert_eq!(t.pass(15), [&published.map(String::from)[..], &snapshots].concat());
}

#[test]
fn a_connection_receives_no_snapshot_before_it_has_read_the_last_one() {
    let mut t = slow_readers();
    t.login(2, "bob");
    t.pass(2_000);
    for _ in 0..2 {
        assert_eq!(t.send(2, &Request::Refresh), [""; 0]);
    }
    assert_eq!(t.drain(ConnId::new(2), Missed::Nothing), ["2 <- page alice bob", "2 <- complete 2"]);
    assert_eq!(t.drain(ConnId::new(2), Missed::Nothing), [""; 0], "one for both requests");
}

#[test]
fn a_connection_that_missed_changes_receives_a_snapshot_once_it_is_drained() {
    let mut t = slow_readers();
    assert_eq!(t.drain(ConnId::new(1), Missed::Changes), ["1 <- page alice", "1 <- complete 1"]);
    assert_eq!(t.drain(ConnId::new(1), Missed::Nothing), [""; 0]);
    t.connect(2);
    assert_eq!(t.drain(ConnId::new(2), Missed::Changes), [""; 0], "a guest");
    assert_eq!(t.drain(ConnId::new(9), Missed::Changes), [""; 0], "an unknown connection");
}

#[test]
fn a_session_that_begins_and_ends_before_its_publication_appears_nowhere() {
    let mut t = timed();
    t.login(2, "bob");
    for conn in 3..20 {
        assert_eq!(t.login(conn, "carol"), [format!("admit {conn}"), format!("{conn} <- welcome LoggedIn carol")]);
        t.sleep(Duration::from_millis(1));
        assert_eq!(t.send(conn, &Request::Leave), [format!("close {conn}")]);
    }
    assert_eq!(t.pass(1_000), [""; 0], "neither published nor recorded");
    assert_eq!(t.login(20, "dave")[2], "* <- 2..3 online dave 192.168.1.20:40001", "the revisions have no gap");
    t.sleep(Duration::from_millis(1));
    // Another session of a user is a change, however soon it begins.
    t.send(2, &Request::Leave);
    assert_eq!(t.login(21, "bob"), ["admit 21", "21 <- welcome LoggedIn bob"]);
    let published = t.pass(100);
    assert_eq!(published[0], "* <- 3..5 offline bob asked, online bob 192.168.1.21:40001", "{published:?}");
    // A client that follows the roster receives a delta as before.
    assert_eq!(t.disconnect(21), [""; 0]);
    assert_eq!(t.reconnect_at(22, 21, "bob", 5)[1], "22 <- welcome Continued bob up to 5");
}
