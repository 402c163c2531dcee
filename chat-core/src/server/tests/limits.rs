//! The bounds, from both sides.

use super::*;

#[test]
fn connections_beyond_the_bound_are_told_so() {
    let mut t = Bench::with(ServerConfig { max_connections: 2, ..untimed() });
    t.connect(1);
    t.connect(2);
    let full = ["reached max-connections", "3 <- hello", "3 <- rejected Full", "close 3"];
    assert_eq!(t.connect_from(3, "192.168.1.3:50000"), full);
    assert_eq!(t.bytes(3, &Hello::OURS.encode()), [""; 0]);
    t.break_off(1);
    assert_eq!(t.connect_from(4, "192.168.1.3:50000"), [""; 0]);
}

#[test]
fn connections_of_one_address_are_bounded_and_others_are_not_concerned() {
    let mut t = Bench::with(ServerConfig { max_connections_per_address: 2, ..untimed() });
    t.greet_from(1, "[2001:db8:1:2::1]:50000");
    t.greet_from(2, "[2001:db8:1:2::2]:50000");
    assert_eq!(t.connect_from(3, "[2001:db8:1:2::3]:50000").last().unwrap(), "close 3");
    assert_eq!(t.connect_from(4, "[2001:db8:1:3::1]:50000"), [""; 0]);
    assert_eq!(t.pass(10_000).len(), 6, "who does not log in makes room");
    assert_eq!(t.connect_from(5, "[2001:db8:1:2::3]:50000"), [""; 0]);
}

const BUSY: [&str; 2] = ["reached max-password-checks", "3 <- rejected Busy { retry_after_ms: 1000 }"];

#[test]
fn password_checks_in_flight_are_bounded() {
    let mut t = Bench::with(ServerConfig { max_checks: 2, ..untimed() });
    for (conn, user) in [(1, "alice"), (2, "bob"), (3, "carol")] {
        t.connect(conn);
        let lines = t.enter(conn, user);
        assert_eq!(lines == BUSY, conn == 3, "{lines:?}");
    }
    t.break_off(1);
    assert_eq!(t.enter(3, "carol"), BUSY, "the work goes on");
    t.sleep(Duration::from_millis(900));
    assert_eq!(t.enter(3, "carol"), BUSY, "at least a second, however short the backlog is");
    t.answer(Ok(account("alice")));
    assert_eq!(t.enter(3, "carol"), ["job authenticate carol"]);
}

#[test]
fn a_backlog_of_checks_that_takes_too_long_refuses_further_ones() {
    let seconds = Duration::from_secs;
    let mut t = Bench::with(ServerConfig { check_time: seconds(4), max_check_wait: seconds(10), ..untimed() });
    for (conn, user) in [(1, "alice"), (2, "bob"), (4, "dave")] {
        t.connect(conn);
        assert_eq!(t.enter(conn, user), [format!("job authenticate {user}")], "the backlog takes 8 s at most");
    }
    t.connect(3);
    assert_eq!(
        t.enter(3, "carol"),
        ["reached max-password-checks", "3 <- rejected Busy { retry_after_ms: 12000 }"],
        "the time of the backlog"
    );
    t.answer(Ok(account("alice")));
    assert_eq!(t.enter(3, "carol"), ["job authenticate carol"]);
}

#[test]
fn repeated_attempts_do_not_change_the_retry_time_of_others() {
    let refused = |attempts| {
        let config = ServerConfig { max_checks: 1, max_guest_requests: 1_000, frame_burst: 1_000, ..untimed() };
        let mut t = Bench::with(ServerConfig { check_time: Duration::from_millis(1_500), ..config });
        for conn in 1..=3 {
            t.connect(conn);
        }
        t.enter(1, "alice");
        for _ in 0..attempts {
            t.enter(2, "bob");
        }
        t.enter(3, "carol")
    };
    assert_eq!(refused(1), ["reached max-password-checks", "3 <- rejected Busy { retry_after_ms: 1500 }"]);
    assert_eq!(refused(500), refused(1));
}

#[test]
fn who_has_not_logged_in_is_bounded_and_who_has_is_not_concerned() {
    let mut t = Bench::with(ServerConfig { max_guests: 2, ..untimed() });
    t.log_in(1, "alice");
    t.connect(2);
    t.connect(3);
    assert_eq!(
        t.connect_from(4, "192.168.1.4:50000"),
        ["reached max-guests", "4 <- hello", "4 <- rejected Full", "close 4"]
    );
    t.enter(2, "bob");
    t.answer(Ok(account("bob")));
    assert_eq!(t.connect_from(5, "192.168.1.5:50000"), [""; 0]);
}

#[test]
fn sessions_are_bounded_and_who_has_one_may_go_on() {
    let mut t = Bench::with(ServerConfig { max_sessions: 2, ..untimed() });
    t.log_in(1, "alice");
    t.log_in(2, "bob");
    assert_eq!(t.log_in(3, "carol"), ["reached max-sessions", "3 <- rejected Full"]);
    assert_eq!(t.log_in(4, "alice").len(), 8, "a second log-in takes the place of the first");
    t.break_off(2);
    assert_eq!(t.log_in(5, "dave"), ["reached max-sessions", "5 <- rejected Full"], "in grace it counts");
    assert_eq!(t.come_back(6, 2, "bob"), welcomed(6, "Continued", "bob", "alice bob", 3));
    t.say(6, &Request::Leave);
    assert_eq!(t.log_in(7, "carol").len(), 6);
}

#[test]
fn registrations_are_bounded_and_logging_in_is_not_concerned() {
    let mut t = Bench::with(ServerConfig { registrations_per_hour: 1, ..untimed() });
    let register = |t: &mut Bench, conn, user| {
        t.connect(conn);
        t.say(conn, &Request::Login(Login { purpose: Purpose::Register, ..enter(conn, user) }))
    };
    assert_eq!(register(&mut t, 1, "alice"), ["job register alice"]);
    t.answer(Ok(account("alice")));
    assert_eq!(
        register(&mut t, 2, "bob"),
        ["reached registrations-per-hour", "2 <- rejected TooManyRegistrations { retry_after_ms: 3600000 }"]
    );
    assert_eq!(t.enter(2, "bob"), ["job authenticate bob"]);
}

#[test]
fn an_address_cannot_use_up_all_registrations() {
    let mut t = Bench::with(ServerConfig { registrations_per_address: 1, ..untimed() });
    let mut register = |conn, from: &str| {
        t.greet_from(conn, from);
        t.say(conn, &Request::Login(Login { purpose: Purpose::Register, ..enter(conn, "alice") })).remove(0)
    };
    assert_eq!(register(1, "[2001:db8:1:2::1]:50000"), "job register alice");
    assert_eq!(register(2, "[2001:db8:1:2::2]:50000"), "reached registrations-per-address");
    assert_eq!(register(3, "[2001:db8:1:3::1]:50000"), "job register alice");
}

#[test]
fn a_storage_without_room_is_told_as_what_it_is() {
    let mut t = Bench::new();
    t.connect(1);
    t.say(1, &Request::Login(Login { purpose: Purpose::Register, ..enter(1, "alice") }));
    assert_eq!(t.answer(Err(AccountError::Full)), ["reached max-accounts", "1 <- rejected AccountsFull"]);
    assert_eq!(t.enter(1, "alice"), ["job authenticate alice"], "and is nobody's failure");
}

#[test]
fn coming_back_is_not_held_up_by_password_checks() {
    let mut t = Bench::with(ServerConfig { max_checks: 1, ..untimed() });
    t.log_in(1, "alice");
    t.break_off(1);
    t.connect(2);
    t.enter(2, "bob");
    t.connect(3);
    assert_eq!(t.resume(3, 1), ["job look-up 1"]);
}

#[test]
fn frames_come_in_bursts_and_then_at_the_even_rate() {
    let mut t = Bench::with(ServerConfig { frame_burst: 3, frames_per_second: 10, ..untimed() });
    t.log_in(1, "alice");
    let beat = Request::Heartbeat { number: 1 };
    t.pass(1_000);
    for _ in 0..3 {
        assert_eq!(t.say(1, &beat), ["1 <- beat 1"]);
    }
    t.pass(100);
    assert_eq!(t.say(1, &beat), ["1 <- beat 1"]);
    t.pass(99);
    assert_eq!(t.say(1, &beat), ["reached frames-per-second", "1 <- rejected TooManyRequests", "close 1"]);
    assert_eq!(t.come_back(2, 1, "alice"), welcomed(2, "Continued", "alice", "alice", 1), "the session may go on");
}

#[test]
fn a_guest_that_exceeds_its_requests_reaches_the_limit_of_guest_requests() {
    let mut t = Bench::new();
    t.connect(1);
    for _ in 0..8 {
        assert_eq!(t.enter(1, ""), ["1 <- rejected Name(Empty)"]);
    }
    assert_eq!(t.enter(1, "alice"), ["reached max-guest-requests", "1 <- rejected TooManyRequests", "close 1"]);
}

#[test]
fn nothing_is_kept_of_connections_that_are_gone() {
    let mut t = Bench::new();
    t.log_in(1, "alice");
    t.log_in(2, "bob");
    t.break_off(2);
    for conn in 10..60 {
        t.connect(conn);
        t.resume(conn, 2);
        t.say(conn, &Request::Leave);
    }
    assert_eq!(
        format!("{:?}", t.server.machine.logins.look_ups()),
        "LookUps { waiting: {}, in_flight: true }",
        "one is being looked up"
    );
    while !t.jobs.is_empty() {
        assert_eq!(t.look_up(vec![account("bob")]), [""; 0]);
    }
    t.say(1, &Request::Leave);
    t.pass(15_000);
    assert_eq!(t.server.timers.len(), 2, "the next poll and the next seen");
    assert_eq!(format!("{:?}", t.server.machine.connections), format!("{:?}", Connections::default()));
    assert_eq!(format!("{:?}", t.server.machine.logins.look_ups()), format!("{:?}", LookUps::default()));
}
