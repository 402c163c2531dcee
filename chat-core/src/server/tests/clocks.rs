//! Clocks that jump, and a machine that is not run for a while.

use super::*;

#[test]
fn a_suspended_server_ends_no_session() {
    let mut t = Bench::new();
    t.login(1, "alice");
    t.login(2, "bob");
    t.disconnect(2);
    assert_eq!(t.pass(10_000), [""; 0]);
    t.sleep(Duration::from_secs(3_600));
    assert_eq!(t.feed(Input::Tick), [""; 0]);
    assert_eq!(t.pass(4_999), [""; 0]);
    assert_eq!(t.pass(1), ["* <- 2..3 offline bob lost", "log offline bob lost"], "the rest of the grace time");
    assert_eq!(t.pass(9_999), [""; 0]);
    assert_eq!(t.pass(1), ["close 1"], "the rest of the silence");
}

#[test]
fn a_tick_counts_as_late_beyond_two_seconds() {
    for (late, lines) in [(2_000, &["* <- 1..2 offline alice lost", "log offline alice lost"][..]), (2_001, &[])] {
        let mut t = Bench::new();
        t.login(1, "alice");
        t.disconnect(1);
        t.pass(14_000);
        let next = t.server.deadline().unwrap();
        assert_eq!(t.now.mono.until(next), Duration::from_secs(1));
        t.sleep(Duration::from_millis(1_000 + late));
        assert_eq!(t.feed(Input::Tick), lines, "{late} ms late");
    }
}

#[test]
fn any_input_ends_a_stall() {
    let mut t = Bench::new();
    t.login(1, "alice");
    t.sleep(Duration::from_secs(60));
    assert_eq!(t.send(1, &Request::Heartbeat { number: 1 }), ["1 <- beat 1"], "it arrived before the tick");
    assert_eq!(t.pass(24_999), [""; 0]);
    assert_eq!(t.pass(1), ["close 1"]);
}

#[test]
fn the_deadline_is_a_time_of_the_drivers_clock() {
    let mut t = Bench::new();
    let first = t.server.deadline().unwrap();
    assert_eq!(first, t.now.mono + Duration::from_secs(5), "the first poll");
    t.sleep(Duration::from_secs(100));
    t.feed(Input::Tick);
    assert_eq!(t.server.deadline(), Some(t.now.mono + Duration::from_secs(5)));
}

#[test]
fn a_wall_clock_that_jumps_changes_no_deadline() {
    for hour in [-3_600_000, 3_600_000] {
        let mut t = Bench::new();
        t.login(1, "alice");
        t.login(2, "bob");
        t.disconnect(2);
        t.now.wall = t.now.wall.offset_by(hour);
        assert_eq!(t.pass(14_999), [""; 0]);
        assert_eq!(t.pass(1), ["* <- 2..3 offline bob lost", "log offline bob lost"]);
        assert_eq!(t.pass(9_999), [""; 0]);
        assert_eq!(t.pass(1), ["close 1"]);
        assert_eq!(t.reconnect(3, 1, "alice"), welcomed(3, "Continued", "alice", "alice", 3));
    }
}

#[test]
fn a_clock_set_back_between_two_logins_does_not_make_the_first_one_newer() {
    let mut t = Bench::new();
    t.login(1, "alice");
    t.now.wall = t.now.wall.offset_by(-3_600_000);
    t.login(2, "alice");
    let mut t = t.restarted();
    assert_eq!(t.reconnect(11, 1, "alice").len(), 6);
    assert_eq!(t.reconnect(12, 2, "alice")[0], "11 <- ended Replaced");
}

#[test]
fn the_time_limit_of_a_login_does_not_count_the_servers_own_work() {
    let mut t = Bench::new();
    t.connect_from(1, "192.168.1.1:50000");
    assert_eq!(t.pass(9_999), [""; 0]);
    t.bytes(1, &Hello::OURS.encode());
    assert_eq!(
        t.pass(1),
        ["reached login-time", "1 <- rejected LoginTimeout", "close 1"],
        "the hello does not extend it"
    );
    t.connect(2);
    t.pass(9_999);
    t.request_login(2, "bob");
    assert_eq!(t.pass(30_000), [""; 0], "while the password is checked");
    assert_eq!(t.answer(Err(AccountError::WrongCredentials)), ["2 <- rejected WrongCredentials"]);
    assert_eq!(
        t.pass(1),
        ["reached login-time", "2 <- rejected LoginTimeout", "close 2"],
        "further attempts have the rest of the time"
    );
}
