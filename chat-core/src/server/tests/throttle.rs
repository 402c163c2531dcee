//! The throttle slows down clients that guess passwords, and no other client.

use super::*;

fn fail(t: &mut Bench, conn: u64, user: &str) {
    assert_eq!(t.request_login(conn, user), [format!("job authenticate {user}")]);
    assert_eq!(t.answer(Err(AccountError::WrongCredentials)), [format!("{conn} <- rejected WrongCredentials")]);
}

#[test]
fn pauses_double_and_end_exactly() {
    let mut t = Bench::with(ServerConfig {
        max_guest_requests: 100,
        login_time: Duration::from_secs(600),
        ..ServerConfig::default()
    });
    t.connect(1);
    for seconds in [1, 2, 4, 8, 16, 30, 30] {
        fail(&mut t, 1, "alice");
        t.pass(seconds * 1_000 - 1);
        assert_eq!(
            t.request_login(1, "ALICE"),
            ["reached failed-logins", "1 <- rejected SlowDown { retry_after_ms: 1 }"],
            "{seconds} s"
        );
        t.pass(1);
    }
    assert_eq!(t.request_login(1, "alice"), ["job authenticate alice"]);
    assert_eq!(t.answer(Ok(account("alice"))).len(), 6);
}

#[test]
fn no_client_can_lock_out_another() {
    let mut t = Bench::new();
    t.connect(1);
    t.connect(2);
    fail(&mut t, 1, "alice");
    assert_eq!(
        t.request_login(1, "alice"),
        ["reached failed-logins", "1 <- rejected SlowDown { retry_after_ms: 1000 }"]
    );
    assert_eq!(t.request_login(2, "alice"), ["job authenticate alice"], "from another source");
    assert_eq!(t.answer(Ok(account("alice"))).len(), 6);
    assert_eq!(t.request_login(1, "bob"), ["job authenticate bob"]);
}

#[test]
fn a_pause_applies_to_every_connection_of_the_source() {
    let mut t = Bench::new();
    t.greet_from(1, "[2001:db8:1:2::1]:50000");
    fail(&mut t, 1, "alice");
    t.disconnect(1);
    t.greet_from(2, "[2001:db8:1:2:9::9]:50000");
    assert_eq!(
        t.request_login(2, "alice"),
        ["reached failed-logins", "2 <- rejected SlowDown { retry_after_ms: 1000 }"]
    );
    t.greet_from(3, "[2001:db8:1:3::1]:50000");
    assert_eq!(t.request_login(3, "alice"), ["job authenticate alice"]);
}

#[test]
fn a_failure_counts_if_its_connection_ended_before_the_result() {
    let mut t = Bench::new();
    t.connect(1);
    t.request_login(1, "alice");
    t.disconnect(1);
    assert_eq!(t.answer(Err(AccountError::WrongCredentials)), [""; 0]);
    t.greet_from(2, "192.168.1.1:50001");
    assert_eq!(
        t.request_login(2, "alice"),
        ["reached failed-logins", "2 <- rejected SlowDown { retry_after_ms: 1000 }"]
    );
}

#[test]
fn parallel_attempts_have_a_limit() {
    let mut t = Bench::new();
    for conn in 1..=3 {
        t.greet_from(conn, &format!("192.168.1.1:{}", 50_000 + conn));
    }
    assert_eq!(t.request_login(1, "alice"), ["job authenticate alice"]);
    assert_eq!(t.request_login(2, "alice"), ["job authenticate alice"]);
    assert_eq!(
        t.request_login(3, "alice"),
        ["reached failed-logins", "3 <- rejected SlowDown { retry_after_ms: 1000 }"]
    );
    t.answer(Err(unavailable()));
    assert_eq!(
        t.request_login(3, "alice"),
        ["job authenticate alice"],
        "an unavailable storage does not count as a failure"
    );
}

#[test]
fn guessing_names_slows_down_the_source_after_its_free_failures() {
    let mut t = Bench::new();
    for conn in 1..=21 {
        t.greet_from(conn, &format!("192.168.1.1:{}", 50_000 + conn));
        let user = format!("user{conn}");
        let register = Login { purpose: Purpose::Register, ..login(conn, &user) };
        assert_eq!(t.send(conn, &Request::Login(register)), [format!("job register {user}")]);
        t.answer(Err(AccountError::NameTaken));
    }
    assert_eq!(
        t.request_login(1, "alice"),
        ["reached failed-logins", "1 <- rejected SlowDown { retry_after_ms: 1000 }"]
    );
    t.connect(30);
    assert_eq!(t.request_login(30, "alice"), ["job authenticate alice"], "from another source");
}

#[test]
fn unknown_users_and_wrong_passwords_are_rejected_and_throttled_alike() {
    let lines = |error: fn() -> AccountError| {
        let mut t = Bench::new();
        t.connect(1);
        t.request_login(1, "alice");
        [t.answer(Err(error())), t.request_login(1, "alice")].concat()
    };
    assert_eq!(lines(|| AccountError::WrongCredentials), lines(|| AccountError::NoSuchAccount));
}

#[test]
fn an_attempt_beyond_the_session_rate_leaves_its_network_its_turn() {
    let mut config = ServerConfig { max_guest_requests: 100, login_time: Duration::from_secs(600), ..untimed() };
    config.max_connections_per_address = 1;
    config.throttle.free_per_user = 1;
    let mut t = Bench::with(config);
    for conn in 1..=3 {
        t.connect(conn);
    }
    fail(&mut t, 1, "alice");
    fail(&mut t, 2, "alice");
    let slow_down =
        |limit, wait| [format!("reached {limit}"), format!("3 <- rejected SlowDown {{ retry_after_ms: {wait} }}")];
    assert_eq!(t.request_login(3, "alice"), slow_down("failed-logins", 10_000), "its turn begins then");
    t.pass(10_000);
    for _ in 0..2 {
        assert_eq!(t.request_login(3, "bob"), ["job authenticate bob"]);
        t.answer(Err(unavailable()));
    }
    assert_eq!(t.request_login(3, "alice"), slow_down("sessions-per-address", 1_000));
    t.pass(1_000);
    assert_eq!(t.request_login(3, "alice"), ["job authenticate alice"]);
}
