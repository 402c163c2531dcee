//! When everybody is told, and who gets a copy when.

use super::*;

/// A server that tells at most every 25 ms, with alice, to whom nothing has happened for a while.
fn timed() -> Bench {
    let mut t = Bench::with(ServerConfig::default());
    t.log_in(1, "alice");
    t.pass(1_000);
    t
}

/// A server with 150 online, to whom nothing has happened for a while.
fn crowded() -> Bench {
    let mut t = Bench::with(ServerConfig::default());
    for number in 1..=150 {
        let user = format!("reader{number}");
        t.connect(number);
        t.enter(number, &user);
        t.answer(Ok(Account { id: AccountId::new(1_000 + number), ..account(&user) }));
    }
    t.pass(1_000);
    t
}

/// A server whose clients read only when the test says so.
fn slow_readers() -> Bench {
    let mut t = Bench::new();
    t.log_in(1, "alice");
    t.quiet = false;
    t
}

#[test]
fn a_lone_change_is_told_at_once_and_those_that_follow_together() {
    let mut t = timed();
    let arrival = t.log_in(2, "bob");
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
    assert_eq!(t.log_in(3, "carol"), ["admit 3", "3 <- welcome LoggedIn carol"]);
    assert_eq!(t.say(2, &Request::Leave), ["close 2"]);
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
    assert_eq!(t.say(3, &Request::Leave)[1], "* <- 4..5 offline carol asked", "quiet again");
}

#[test]
fn few_changes_for_many_wait_a_little_longer() {
    let mut t = crowded();
    assert_eq!(
        t.say(150, &Request::Leave)[1],
        "* <- 150..151 offline reader150 asked",
        "at once after a while of quiet"
    );
    t.sleep(Duration::from_millis(30));
    assert_eq!(t.say(149, &Request::Leave), ["close 149"]);
    assert_eq!(t.pass(43), [""; 0]);
    assert_eq!(t.pass(1)[0], "* <- 151..152 offline reader149 asked");
}

#[test]
fn many_that_come_at_once_and_then_nobody_wait_no_longer_than_in_a_small_room() {
    let mut t = crowded();
    assert_eq!(t.say(150, &Request::Leave)[1], "* <- 150..151 offline reader150 asked");
    for number in 101..=149 {
        assert_eq!(t.say(number, &Request::Leave), [format!("close {number}")]);
    }
    assert_eq!(t.pass(24), [""; 0]);
    assert!(t.pass(1)[0].starts_with("* <- 151..200 offline reader101 asked"));
}

#[test]
fn the_more_changes_wait_the_sooner_they_are_told() {
    let mut t = crowded();
    assert_eq!(t.say(150, &Request::Leave)[1], "* <- 150..151 offline reader150 asked");
    for number in 110..=149 {
        t.sleep(Duration::from_millis(1));
        assert_eq!(t.say(number, &Request::Leave), [format!("close {number}")]);
    }
    assert!(t.pass(1)[0].starts_with("* <- 151..191 offline reader110 asked"), "after 41 ms, not 75");
}

#[test]
fn a_copy_for_one_holds_up_no_change_for_all() {
    let mut t = timed();
    t.log_in(2, "bob");
    t.pass(1_000);
    assert_eq!(t.say(1, &Request::Refresh), ["1 <- page alice bob", "1 <- complete 2"]);
    assert_eq!(t.say(2, &Request::Leave)[1], "* <- 2..3 offline bob asked");
}

#[test]
fn whatever_comes_first_after_the_time_tells() {
    let mut t = timed();
    t.log_in(2, "bob");
    assert_eq!(t.say(2, &Request::Leave), ["close 2"]);
    t.sleep(Duration::from_millis(30));
    let beat = t.say(1, &Request::Heartbeat { number: 7 });
    assert_eq!(beat, ["1 <- beat 7", "* <- 2..3 offline bob asked", "log offline bob asked"]);
}

#[test]
fn a_stopping_server_tells_first_what_it_has_not_told_yet() {
    let mut t = timed();
    t.log_in(2, "bob");
    t.say(2, &Request::Leave);
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
    t.log_in(2, "bob");
    assert_eq!(t.log_in(3, "carol")[4..], ["3 <- page alice bob carol", "3 <- complete 3"]);
    assert_eq!(t.drain(ConnId::new(2), Missed::Nothing), [""; 0], "bob has read its own");
    assert_eq!(t.drain(ConnId::new(2), Missed::Nothing), [""; 0], "reported twice");
    assert_eq!(t.break_off(3), [""; 0]);
}

#[test]
fn no_copy_is_put_together_that_nobody_waits_for() {
    let mut t = timed();
    t.log_in(2, "bob");
    let has_copy = |t: &Bench| format!("{:?}", t.publication()).contains("snapshot: Some(");
    assert!(has_copy(&t), "bob's");
    t.pass(1_000);
    assert_eq!(t.say(2, &Request::Leave)[1], "* <- 2..3 offline bob asked");
    assert!(!has_copy(&t));
    t.pass(1_000);
    t.say(1, &Request::Refresh);
    assert!(has_copy(&t), "alice's");
}

#[test]
fn a_snapshot_that_is_wanted_while_changes_are_pending_follows_their_publication() {
    let mut t = timed();
    assert_eq!(t.log_in(2, "bob").last().unwrap(), "2 <- complete 2");
    t.sleep(Duration::from_millis(10));
    assert_eq!(t.log_in(3, "carol"), ["admit 3", "3 <- welcome LoggedIn carol"]);
    assert_eq!(t.say(1, &Request::Refresh), [""; 0]);
    let published = ["* <- 2..3 online carol 192.168.1.3:40001", "log online carol 192.168.1.3:40001"];
    let page = "page alice bob carol";
    let snapshots =
        [format!("1 <- {page}"), "1 <- complete 3".into(), format!("3 <- {page}"), "3 <- complete 3".into()];
    assert_eq!(t.pass(15), [&published.map(String::from)[..], &snapshots].concat());
}

#[test]
fn nobody_gets_a_copy_before_it_has_read_the_last_one() {
    let mut t = slow_readers();
    t.log_in(2, "bob");
    t.pass(2_000);
    for _ in 0..2 {
        assert_eq!(t.say(2, &Request::Refresh), [""; 0]);
    }
    assert_eq!(t.drain(ConnId::new(2), Missed::Nothing), ["2 <- page alice bob", "2 <- complete 2"]);
    assert_eq!(t.drain(ConnId::new(2), Missed::Nothing), [""; 0], "one for both");
}

#[test]
fn who_missed_changes_gets_a_copy_once_it_has_read_the_rest() {
    let mut t = slow_readers();
    assert_eq!(t.drain(ConnId::new(1), Missed::Changes), ["1 <- page alice", "1 <- complete 1"]);
    assert_eq!(t.drain(ConnId::new(1), Missed::Nothing), [""; 0]);
    t.connect(2);
    assert_eq!(t.drain(ConnId::new(2), Missed::Changes), [""; 0], "a guest");
    assert_eq!(t.drain(ConnId::new(9), Missed::Changes), [""; 0], "nobody");
}
