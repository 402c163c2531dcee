//! Clocks that jump and a machine that stands still.

use super::*;

#[test]
fn a_server_that_was_suspended_declares_nobody_dead() {
    let mut t = Bench::new();
    t.log_in(1, "alice");
    t.log_in(2, "bob");
    t.break_off(2);
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
        t.log_in(1, "alice");
        t.break_off(1);
        t.pass(14_000);
        let next = t.server.deadline().unwrap();
        assert_eq!(t.now.mono.until(next), Duration::from_secs(1));
        t.sleep(Duration::from_millis(1_000 + late));
        assert_eq!(t.feed(Input::Tick), lines, "{late} ms late");
    }
}

#[test]
fn a_stall_is_noticed_by_whatever_comes_first() {
    let mut t = Bench::new();
    t.log_in(1, "alice");
    t.sleep(Duration::from_secs(60));
    assert_eq!(t.say(1, &Request::Heartbeat { number: 1 }), ["1 <- beat 1"], "it came before the tick");
    assert_eq!(t.pass(24_999), [""; 0]);
    assert_eq!(t.pass(1), ["close 1"]);
}

#[test]
fn the_deadline_is_told_on_the_drivers_clock() {
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
        t.log_in(1, "alice");
        t.log_in(2, "bob");
        t.break_off(2);
        t.now.wall = t.now.wall.offset_by(hour);
        assert_eq!(t.pass(14_999), [""; 0]);
        assert_eq!(t.pass(1), ["* <- 2..3 offline bob lost", "log offline bob lost"]);
        assert_eq!(t.pass(9_999), [""; 0]);
        assert_eq!(t.pass(1), ["close 1"]);
        assert_eq!(t.come_back(3, 1, "alice"), welcomed(3, "Continued", "alice", "alice", 3));
    }
}

#[test]
fn a_clock_that_is_set_back_between_two_log_ins_makes_the_first_no_newer() {
    let mut t = Bench::new();
    t.log_in(1, "alice");
    t.now.wall = t.now.wall.offset_by(-3_600_000);
    t.log_in(2, "alice");
    let mut t = t.restarted();
    assert_eq!(t.come_back(11, 1, "alice").len(), 6);
    assert_eq!(t.come_back(12, 2, "alice")[0], "11 <- ended Replaced");
}

#[test]
fn log_in_has_its_time_and_the_servers_own_work_is_not_counted() {
    let mut t = Bench::new();
    t.connect_from(1, "192.168.1.1:50000");
    assert_eq!(t.pass(9_999), [""; 0]);
    t.bytes(1, &Hello::OURS.encode());
    assert_eq!(t.pass(1), ["1 <- rejected LoginTimeout", "close 1"], "the hello wins no time");
    t.connect(2);
    t.pass(9_999);
    t.enter(2, "bob");
    assert_eq!(t.pass(30_000), [""; 0], "while the password is checked");
    assert_eq!(t.answer(Err(AccountError::WrongCredentials)), ["2 <- rejected WrongCredentials"]);
    assert_eq!(t.pass(9_999), [""; 0]);
    assert_eq!(t.pass(1), ["2 <- rejected LoginTimeout", "close 2"], "one attempt's time");
}
