//! The limits: what they reject, and what they still allow.

use super::*;

#[test]
fn connections_beyond_the_limit_are_rejected() {
    let mut t = Bench::with(ServerConfig { max_connections: 2, ..untimed() });
    t.connect(1);
    t.connect(2);
    let full = ["reached max-connections", "3 <- hello", "3 <- rejected Full", "close 3"];
    assert_eq!(t.connect_from(3, "192.168.1.3:50000"), full);
    assert_eq!(t.bytes(3, &Hello::OURS.encode()), [""; 0]);
    t.disconnect(1);
    assert_eq!(t.connect_from(4, "192.168.1.3:50000"), [""; 0]);
}

#[test]
fn a_limit_applies_to_the_connections_of_each_source() {
    let mut t = Bench::with(ServerConfig { max_connections_per_address: 2, ..untimed() });
    t.greet_from(1, "[2001:db8:1:2::1]:50000");
    t.greet_from(2, "[2001:db8:1:2::2]:50000");
    assert_eq!(t.connect_from(3, "[2001:db8:1:2::3]:50000").last().unwrap(), "close 3");
    assert_eq!(t.connect_from(4, "[2001:db8:1:3::1]:50000"), [""; 0]);
    assert_eq!(t.pass(10_000).len(), 9, "guests that do not log in make room");
    assert_eq!(t.connect_from(5, "[2001:db8:1:2::3]:50000"), [""; 0]);
}

const BUSY: [&str; 2] = ["reached max-password-checks", "3 <- rejected Busy { retry_after_ms: 1000 }"];

#[test]
fn password_checks_in_flight_have_a_limit() {
    let mut t = Bench::with(ServerConfig { max_checks: 2, ..untimed() });
    for (conn, user) in [(1, "alice"), (2, "bob"), (3, "carol")] {
        t.connect(conn);
        let lines = t.request_login(conn, user);
        assert_eq!(lines == BUSY, conn == 3, "{lines:?}");
    }
    t.disconnect(1);
    assert_eq!(t.request_login(3, "carol"), BUSY, "the check goes on");
    t.sleep(Duration::from_millis(900));
    assert_eq!(t.request_login(3, "carol"), BUSY, "at least a second, however short the backlog is");
    t.answer(Ok(account("alice")));
    assert_eq!(t.request_login(3, "carol"), ["job authenticate carol"]);
}

#[test]
fn clients_are_rejected_while_the_backlog_of_checks_takes_too_long() {
    let seconds = Duration::from_secs;
    let mut t = Bench::with(ServerConfig { check_time: seconds(4), max_check_wait: seconds(10), ..untimed() });
    for (conn, user) in [(1, "alice"), (2, "bob"), (4, "dave")] {
        t.connect(conn);
        assert_eq!(t.request_login(conn, user), [format!("job authenticate {user}")], "the backlog takes 8 s at most");
    }
    t.connect(3);
    assert_eq!(
        t.request_login(3, "carol"),
        ["reached max-password-checks", "3 <- rejected Busy { retry_after_ms: 12000 }"],
        "the time of the backlog"
    );
    t.answer(Ok(account("alice")));
    assert_eq!(t.request_login(3, "carol"), ["job authenticate carol"]);
}

#[test]
fn repeated_attempts_do_not_change_the_retry_time_of_others() {
    let refused = |attempts| {
        let config = ServerConfig { max_checks: 1, max_guest_requests: 1_000, frame_burst: 1_000, ..untimed() };
        let mut t = Bench::with(ServerConfig { check_time: Duration::from_millis(1_500), ..config });
        for conn in 1..=3 {
            t.connect(conn);
        }
        t.request_login(1, "alice");
        for _ in 0..attempts {
            t.request_login(2, "bob");
        }
        t.request_login(3, "carol")
    };
    assert_eq!(refused(1), ["reached max-password-checks", "3 <- rejected Busy { retry_after_ms: 1500 }"]);
    assert_eq!(refused(500), refused(1));
}

#[test]
fn a_limit_applies_to_guests_and_not_to_sessions() {
    let mut t = Bench::with(ServerConfig { max_guests: 2, ..untimed() });
    t.login(1, "alice");
    t.connect(2);
    t.connect(3);
    assert_eq!(
        t.connect_from(4, "192.168.1.4:50000"),
        ["reached max-guests", "4 <- hello", "4 <- rejected Full", "close 4"]
    );
    t.request_login(2, "bob");
    t.answer(Ok(account("bob")));
    assert_eq!(t.connect_from(5, "192.168.1.5:50000"), [""; 0]);
}

#[test]
fn sessions_have_a_limit_and_an_existing_one_continues() {
    let mut t = Bench::with(ServerConfig { max_sessions: 2, ..untimed() });
    t.login(1, "alice");
    t.login(2, "bob");
    assert_eq!(t.login(3, "carol"), ["reached max-sessions", "3 <- rejected Full"]);
    assert_eq!(t.login(4, "alice").len(), 8, "a second login replaces the first");
    t.disconnect(2);
    assert_eq!(t.login(5, "dave"), ["reached max-sessions", "5 <- rejected Full"], "it counts in its grace time");
    assert_eq!(t.reconnect(6, 2, "bob"), welcomed(6, "Continued", "bob", "alice bob", 3));
    t.send(6, &Request::Leave);
    assert_eq!(t.login(7, "carol").len(), 6);
}

#[test]
fn a_limit_applies_to_registrations_and_not_to_logins() {
    let mut t = Bench::with(ServerConfig { registrations_per_hour: 1, ..untimed() });
    let register = |t: &mut Bench, conn, user| {
        t.connect(conn);
        t.send(conn, &Request::Login(Login { purpose: Purpose::Register, ..login(conn, user) }))
    };
    assert_eq!(register(&mut t, 1, "alice"), ["job register alice"]);
    t.answer(Ok(account("alice")));
    assert_eq!(
        register(&mut t, 2, "bob"),
        ["reached registrations-per-hour", "2 <- rejected TooManyRegistrations { retry_after_ms: 3600000 }"]
    );
    assert_eq!(t.request_login(2, "bob"), ["job authenticate bob"]);
}

#[test]
fn one_source_cannot_use_up_all_registrations() {
    let mut t = Bench::with(ServerConfig { registrations_per_address: 1, ..untimed() });
    let mut register = |conn, from: &str| {
        t.greet_from(conn, from);
        t.send(conn, &Request::Login(Login { purpose: Purpose::Register, ..login(conn, "alice") })).remove(0)
    };
    assert_eq!(register(1, "[2001:db8:1:2::1]:50000"), "job register alice");
    assert_eq!(register(2, "[2001:db8:1:2::2]:50000"), "reached registrations-per-address");
    assert_eq!(register(3, "[2001:db8:1:3::1]:50000"), "job register alice");
}

#[test]
fn a_registration_beyond_the_limit_of_accounts_is_rejected() {
    let mut t = Bench::new();
    t.connect(1);
    t.send(1, &Request::Login(Login { purpose: Purpose::Register, ..login(1, "alice") }));
    assert_eq!(t.answer(Err(AccountError::Full)), ["reached max-accounts", "1 <- rejected AccountsFull"]);
    assert_eq!(t.request_login(1, "alice"), ["job authenticate alice"], "it does not count as a failure");
}

#[test]
fn password_checks_do_not_delay_clients_that_resume() {
    let mut t = Bench::with(ServerConfig { max_checks: 1, ..untimed() });
    t.login(1, "alice");
    t.disconnect(1);
    t.connect(2);
    t.request_login(2, "bob");
    t.connect(3);
    assert_eq!(t.resume(3, 1), ["job look-up 1"]);
}

#[test]
fn a_burst_of_frames_passes_and_then_the_sustained_rate_applies() {
    let mut t = Bench::with(ServerConfig { frame_burst: 3, frames_per_second: 10, ..untimed() });
    t.login(1, "alice");
    let beat = Request::Heartbeat { number: 1 };
    t.pass(1_000);
    for _ in 0..3 {
        assert_eq!(t.send(1, &beat), ["1 <- beat 1"]);
    }
    t.pass(100);
    assert_eq!(t.send(1, &beat), ["1 <- beat 1"]);
    t.pass(99);
    assert_eq!(t.send(1, &beat), ["reached frames-per-second", "1 <- rejected TooManyRequests", "close 1"]);
    assert_eq!(t.reconnect(2, 1, "alice"), welcomed(2, "Continued", "alice", "alice", 1), "the session continues");
}

#[test]
fn a_guest_that_exceeds_its_requests_reaches_the_limit_of_guest_requests() {
    let mut t = Bench::new();
    t.connect(1);
    for _ in 0..8 {
        assert_eq!(t.request_login(1, ""), ["1 <- rejected Name(Empty)"]);
    }
    assert_eq!(t.request_login(1, "alice"), ["reached max-guest-requests", "1 <- rejected TooManyRequests", "close 1"]);
}

#[test]
fn closed_connections_leave_nothing_behind() {
    let mut t = Bench::new();
    t.login(1, "alice");
    t.login(2, "bob");
    t.disconnect(2);
    for conn in 10..60 {
        t.connect(conn);
        t.resume(conn, 2);
        t.send(conn, &Request::Leave);
    }
    assert_eq!(
        format!("{:?}", t.server.machine.logins.look_ups()),
        "LookUps { waiting: {}, in_flight: true }",
        "one look-up is in flight"
    );
    while !t.jobs.is_empty() {
        assert_eq!(t.look_up(vec![account("bob")]), [""; 0]);
    }
    t.send(1, &Request::Leave);
    t.pass(15_000);
    assert_eq!(t.server.timers.len(), 2, "the timers of polls and of reports");
    assert_eq!(format!("{:?}", t.server.machine.connections), format!("{:?}", Connections::default()));
    assert_eq!(format!("{:?}", t.server.machine.logins.look_ups()), format!("{:?}", LookUps::default()));
}

#[test]
fn an_account_that_begins_sessions_in_a_loop_has_to_wait_with_password_and_ticket_alike() {
    let mut t = Bench::with(ServerConfig { sessions_per_account: 2, grace: Duration::ZERO, ..untimed() });
    t.login(1, "alice");
    t.send(1, &Request::Leave);
    t.login(2, "alice");
    // A lost session leaves a valid ticket.
    t.disconnect(2);
    t.pass(0);
    let slowed_down = |conn: u64| {
        ["reached sessions-per-account".to_owned(), format!("{conn} <- rejected SlowDown {{ retry_after_ms: 10000 }}")]
    };
    t.connect(3);
    assert_eq!(t.request_login(3, "alice"), slowed_down(3), "before the password is checked");
    assert_eq!(t.reconnect(4, 2, "alice"), slowed_down(4));
    t.login(5, "bob");
    t.pass(10_000);
    assert_eq!(t.login(6, "alice").len(), 6, "one more after 10 s");
}

#[test]
fn a_session_that_continues_does_not_count() {
    let mut t = Bench::with(ServerConfig { sessions_per_account: 1, ..untimed() });
    t.login(1, "alice");
    for conn in 2..9 {
        t.disconnect(conn - 1);
        assert_eq!(t.reconnect(conn, 1, "alice"), welcomed(conn, "Continued", "alice", "alice", 1));
    }
}

/// Strangers, each of which connects from a network of its own and sends nothing. Contains the number of the last
/// connection, because the server takes the connection with the lowest number for the oldest.
struct Strangers(u64);

impl Strangers {
    fn next_connection(&mut self) -> u64 {
        self.0 += 1;
        1_000_000 + self.0
    }

    fn connect(&mut self, t: &mut Bench, number: u64) {
        for _ in 0..number {
            let conn = self.next_connection();
            let [.., high, middle, low] = u32::try_from(self.0).unwrap().to_be_bytes();
            t.connect_from(conn, &format!("[2001:{high:x}:{middle:x}{low:02x}::1]:50000"));
        }
    }
}

#[test]
fn members_find_a_place_after_a_restart_while_strangers_from_thousands_of_networks_hold_them_all() {
    const MEMBERS: u64 = 200;
    let mut t = Bench::new();
    let member = |number: u64| Account { id: AccountId::new(1_000 + number), ..account(&format!("member{number}")) };
    for number in 1..=MEMBERS {
        t.greet_from(number, &format!("10.9.{number}.1:50000"));
        t.request_login(number, &format!("member{number}"));
        t.answer(Ok(member(number)));
    }
    for burst in [1, 10, 1_000] {
        t = t.restarted();
        let mut strangers = Strangers(0);
        strangers.connect(&mut t, 2_048 + 17);
        for number in (1..=MEMBERS).step_by(if burst > 10 { 40 } else { 1 }) {
            // A stranger takes the place of the member that logged in before. Between the steps of a member, strangers
            // take places again.
            strangers.connect(&mut t, 1);
            let conn = strangers.next_connection();
            assert!(t.connect_from(conn, &format!("10.9.{number}.1:50001")).contains(&"reached max-guests".to_owned()));
            strangers.connect(&mut t, burst);
            assert_eq!(t.bytes(conn, &Hello::OURS.encode()), [format!("{conn} <- hello")]);
            strangers.connect(&mut t, burst);
            assert_eq!(t.resume(conn, number), [format!("job look-up {}", 1_000 + number)]);
            strangers.connect(&mut t, 2_100.min(burst * 3));
            let welcome = format!("{conn} <- welcome Continued member{number}");
            assert!(t.look_up(vec![member(number)]).contains(&welcome), "{number}");
        }
    }
}

#[test]
fn a_guest_that_gives_way_before_its_hello_can_read_why() {
    let mut t = Bench::with(ServerConfig { max_guests: 1, ..untimed() });
    t.connect_from(1, "192.0.2.1:50000");
    let displaced = ["reached max-guests", "1 <- hello", "1 <- rejected Full", "close 1"];
    assert_eq!(t.connect_from(2, "198.51.100.1:50000"), displaced);
}
