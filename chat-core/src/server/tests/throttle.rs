//! Guessing passwords is slowed down, and only for those who guess.

use super::*;

fn fail(t: &mut Bench, conn: u64, user: &str) {
    assert_eq!(t.enter(conn, user), [format!("job authenticate {user}")]);
    assert_eq!(t.answer(Err(AccountError::WrongCredentials)), [format!("{conn} <- rejected WrongCredentials")]);
}

#[test]
fn pauses_grow_and_end_exactly() {
    let mut t = Bench::with(ServerConfig {
        max_guest_requests: 100,
        login_time: Duration::from_secs(60),
        ..ServerConfig::default()
    });
    t.connect(1);
    for seconds in [1, 2, 4, 8, 16, 30, 30] {
        fail(&mut t, 1, "alice");
        t.pass(seconds * 1_000 - 1);
        assert_eq!(t.enter(1, "ALICE"), ["1 <- rejected SlowDown { retry_after_ms: 1 }"], "{seconds} s");
        t.pass(1);
    }
    assert_eq!(t.enter(1, "alice"), ["job authenticate alice"]);
    assert_eq!(t.answer(Ok(account("alice"))).len(), 6);
}

#[test]
fn nobody_can_lock_another_out() {
    let mut t = Bench::new();
    t.connect(1);
    t.connect(2);
    fail(&mut t, 1, "alice");
    assert_eq!(t.enter(1, "alice"), ["1 <- rejected SlowDown { retry_after_ms: 1000 }"]);
    assert_eq!(t.enter(2, "alice"), ["job authenticate alice"], "from her own address");
    assert_eq!(t.answer(Ok(account("alice"))).len(), 6);
    assert_eq!(t.enter(1, "bob"), ["job authenticate bob"]);
}

#[test]
fn a_new_connection_or_another_address_of_the_network_changes_nothing() {
    let mut t = Bench::new();
    t.greet_from(1, "[2001:db8:1:2::1]:50000");
    fail(&mut t, 1, "alice");
    t.break_off(1);
    t.greet_from(2, "[2001:db8:1:2:9::9]:50000");
    assert_eq!(t.enter(2, "alice"), ["2 <- rejected SlowDown { retry_after_ms: 1000 }"]);
    t.greet_from(3, "[2001:db8:1:3::1]:50000");
    assert_eq!(t.enter(3, "alice"), ["job authenticate alice"]);
}

#[test]
fn a_failure_counts_even_if_its_connection_did_not_wait_for_it() {
    let mut t = Bench::new();
    t.connect(1);
    t.enter(1, "alice");
    t.break_off(1);
    assert_eq!(t.answer(Err(AccountError::WrongCredentials)), [""; 0]);
    t.greet_from(2, "192.168.1.1:50001");
    assert_eq!(t.enter(2, "alice"), ["2 <- rejected SlowDown { retry_after_ms: 1000 }"]);
}

#[test]
fn guesses_side_by_side_are_bounded() {
    let mut t = Bench::new();
    for conn in 1..=3 {
        t.greet_from(conn, &format!("192.168.1.1:{}", 50_000 + conn));
    }
    assert_eq!(t.enter(1, "alice"), ["job authenticate alice"]);
    assert_eq!(t.enter(2, "alice"), ["job authenticate alice"]);
    assert_eq!(t.enter(3, "alice"), ["3 <- rejected SlowDown { retry_after_ms: 1000 }"]);
    t.answer(Err(unavailable()));
    assert_eq!(t.enter(3, "alice"), ["job authenticate alice"], "storage trouble is nobody's failure");
}

#[test]
fn guessing_names_slows_the_address_down_after_its_free_failures() {
    let mut t = Bench::new();
    for conn in 1..=21 {
        t.greet_from(conn, &format!("192.168.1.1:{}", 50_000 + conn));
        let user = format!("user{conn}");
        let register = Login { purpose: Purpose::Register, ..enter(conn, &user) };
        assert_eq!(t.say(conn, &Request::Login(register)), [format!("job register {user}")]);
        t.answer(Err(AccountError::NameTaken));
    }
    assert_eq!(t.enter(1, "alice"), ["1 <- rejected SlowDown { retry_after_ms: 1000 }"]);
    t.connect(30);
    assert_eq!(t.enter(30, "alice"), ["job authenticate alice"], "from elsewhere");
}

#[test]
fn unknown_users_and_wrong_passwords_are_told_and_slowed_down_alike() {
    let story = |error: fn() -> AccountError| {
        let mut t = Bench::new();
        t.connect(1);
        t.enter(1, "alice");
        [t.answer(Err(error())), t.enter(1, "alice")].concat()
    };
    assert_eq!(story(|| AccountError::WrongCredentials), story(|| AccountError::NoSuchAccount));
}
