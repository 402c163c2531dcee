//! Logging in with a password and registering.

use super::*;

#[test]
fn from_connecting_to_leaving() {
    let mut t = Bench::new();
    assert_eq!(t.connect_from(1, "192.168.1.1:50000"), [""; 0]);
    assert_eq!(t.bytes(1, &Hello::OURS.encode()), ["1 <- hello"]);
    assert_eq!(t.enter(1, "alice"), ["job authenticate alice"]);
    assert_eq!(
        t.answer(Ok(account("alice"))),
        [
            "admit 1",
            "1 <- welcome LoggedIn alice",
            "* <- 0..1 online alice 192.168.1.1:40001",
            "log online alice 192.168.1.1:40001",
            "1 <- page alice",
            "1 <- complete 1",
        ]
    );
    assert_eq!(
        t.log_in(2, "bob"),
        then(
            &["* <- 1..2 online bob 192.168.1.2:40001", "log online bob 192.168.1.2:40001"],
            welcomed(2, "LoggedIn", "bob", "alice bob", 2)
        )
    );
    assert_eq!(t.say(1, &Request::Leave), ["close 1", "* <- 2..3 offline alice asked", "log offline alice asked"]);
    assert_eq!(t.online(), ["bob"]);
    assert_eq!(t.break_off(1), [""; 0], "the driver may tell that it closed");
    assert_eq!(t.say(1, &Request::Heartbeat { number: 1 }), [""; 0], "what was under way is passed over");
}

#[test]
fn the_welcome_says_all_that_a_client_has_to_know() {
    let mut t = Bench::new();
    t.sleep(Duration::from_millis(1_500));
    t.greet_from(1, "[::ffff:192.168.1.1]:50000");
    t.enter(1, "alice");
    t.answer(Ok(account("Alice")));
    let welcome = &t.welcomes[&1];
    assert_eq!(welcome.entry, *t.entry("alice"));
    assert_eq!((welcome.entry.user.as_str(), welcome.entry.key, welcome.entry.since), ("Alice", key(1), t.now.wall));
    assert_eq!((welcome.at, welcome.observed), (t.now.wall, "192.168.1.1:50000".parse().unwrap()));
    let timings = welcome.timings;
    assert_eq!((timings.heartbeat_ms, timings.silence_ms, timings.grace_ms), (10_000, 25_000, 15_000));
    assert_eq!(welcome.settling_ms, 43_500);
    t.pass(43_500);
    t.log_in(2, "bob");
    assert_eq!(t.welcomes[&2].settling_ms, 0);
}

#[test]
fn registering_makes_the_account_and_logs_in() {
    let mut t = Bench::new();
    t.connect(1);
    let register = Request::Login(Login { purpose: Purpose::Register, ..enter(1, "alice") });
    assert_eq!(t.say(1, &register), ["job register alice"]);
    assert_eq!(t.answer(Err(AccountError::NameTaken)), ["1 <- rejected NameTaken"]);
    assert_eq!(t.say(1, &register), ["job register alice"]);
    assert_eq!(t.answer(Ok(account("alice"))).len(), 6);
    assert_eq!(t.online(), ["alice"]);
}

#[test]
fn closed_registration_is_told_and_logging_in_is_not_concerned() {
    let mut t = Bench::with(ServerConfig { registration: RegistrationPolicy::Closed, ..untimed() });
    t.connect(1);
    let register = Request::Login(Login { purpose: Purpose::Register, ..enter(1, "alice") });
    assert_eq!(t.say(1, &register), ["1 <- rejected RegistrationClosed"]);
    assert_eq!(t.enter(1, "alice"), ["job authenticate alice"]);
}

fn invited(conn: u64, code: &str) -> Login<'_> {
    let extras = [Extra { tag: INVITATION, value: code.into() }].into_iter().collect();
    Login { purpose: Purpose::Register, extras, ..enter(conn, "alice") }
}

#[test]
fn who_is_to_be_invited_needs_the_code_and_cannot_guess_it() {
    let code = InvitationCode::parse("spring-2026").unwrap();
    let throttle = ThrottleConfig { free_per_address: 1, ..ThrottleConfig::default() };
    let registration = RegistrationPolicy::Invited(code);
    let mut t = Bench::with(ServerConfig { registration, throttle, ..untimed() });
    t.connect(1);
    let without = Request::Login(Login { purpose: Purpose::Register, ..enter(1, "alice") });
    assert_eq!(t.say(1, &without), ["1 <- rejected NotInvited"]);
    assert_eq!(t.say(1, &Request::Login(invited(1, "spring-2027"))), ["1 <- rejected NotInvited"]);
    let right = Request::Login(invited(1, "spring-2026"));
    assert_eq!(t.say(1, &right), ["1 <- rejected SlowDown { retry_after_ms: 1000 }"], "two guesses were wrong");
    t.pass(1_000);
    assert_eq!(t.say(1, &right), ["job register alice"]);
}

#[test]
fn a_busy_storage_is_told_with_the_time_that_it_asks_for() {
    let mut t = Bench::new();
    t.connect(1);
    t.enter(1, "alice");
    assert_eq!(
        t.answer(Err(AccountError::Busy(Duration::from_secs(3)))),
        ["reached max-password-checks", "1 <- rejected Busy { retry_after_ms: 3000 }"]
    );
}

#[test]
fn each_wrong_input_is_told_and_may_be_corrected() {
    let unusable = Offer { port: 80, ..offer(1) };
    for (request, rejection) in [
        (enter(1, ""), "Name(Empty)"),
        (enter(1, "two words"), "Name(Char(' '))"),
        (enter(1, "Everyone"), "Name(Reserved)"),
        (Login { password: "", ..enter(1, "alice") }, "Password(Empty)"),
        (Login { password: "short", ..enter(1, "alice") }, "Password(TooShort)"),
        (Login { offer: unusable, ..enter(1, "alice") }, "Addresses"),
        (Login { versions: LinkVersions { low: 2, high: 1 }, ..enter(1, "alice") }, "Malformed"),
    ] {
        let mut t = Bench::new();
        t.connect(1);
        let shown = format!("{request:?}");
        assert_eq!(t.say(1, &Request::Login(request)), [format!("1 <- rejected {rejection}")], "{shown}");
        assert_eq!(t.enter(1, "alice"), ["job authenticate alice"], "after {shown}");
    }
}

#[test]
fn each_failure_of_the_accounts_is_told_by_whose_fault_it_is() {
    for (error, rejection) in [
        (AccountError::WrongCredentials, "WrongCredentials"),
        (AccountError::NoSuchAccount, "WrongCredentials"),
        (AccountError::Disabled, "Disabled"),
        (unavailable(), "StorageUnavailable"),
    ] {
        let mut t = Bench::new();
        t.connect(1);
        t.enter(1, "alice");
        assert_eq!(t.answer(Err(error)), [format!("1 <- rejected {rejection}")]);
        t.pass(1_000);
        assert_eq!(t.enter(1, "alice"), ["job authenticate alice"], "after {rejection}");
        assert_eq!(t.answer(Ok(account("alice"))).len(), 6, "after {rejection}");
    }
}

#[test]
fn an_account_that_is_not_active_is_not_let_in_whatever_the_accounts_say() {
    for status in [Status::Disabled, Status::Removed] {
        let mut t = Bench::new();
        t.connect(1);
        t.enter(1, "alice");
        assert_eq!(t.answer(Ok(Account { status, ..account("alice") })), ["1 <- rejected Disabled"]);
    }
}

#[test]
fn a_result_for_a_closed_connection_is_dropped() {
    for register in [Purpose::Login, Purpose::Register] {
        let mut t = Bench::new();
        t.connect(1);
        t.say(1, &Request::Login(Login { purpose: register, ..enter(1, "alice") }));
        assert_eq!(t.break_off(1), [""; 0]);
        assert_eq!(t.answer(Ok(account("alice"))), [""; 0]);
        assert_eq!(t.online(), [""; 0]);
        // An account that was made stands: the same person logs in with it.
        assert_eq!(t.log_in(2, "alice").len(), 6);
    }
}

#[test]
fn a_client_may_leave_while_its_password_is_checked() {
    let mut t = Bench::new();
    t.connect(1);
    t.enter(1, "alice");
    assert_eq!(t.say(1, &Request::Leave), ["close 1"]);
    assert_eq!(t.answer(Ok(account("alice"))), [""; 0]);
}

#[test]
fn a_result_of_another_kind_or_of_no_job_does_no_harm() {
    let mut t = Bench::new();
    t.connect(1);
    t.enter(1, "alice");
    let (job, _) = t.jobs[0];
    assert_eq!(t.done(job.next(), JobResult::Account(Ok(account("alice")))), [""; 0]);
    assert_eq!(t.done(job, JobResult::Seen(Ok(()))), ["1 <- rejected StorageUnavailable"]);
    assert_eq!(t.done(job, JobResult::Account(Ok(account("alice")))), [""; 0], "a second answer");
}

#[test]
fn of_two_log_ins_that_race_the_one_that_is_checked_last_wins() {
    let mut t = Bench::new();
    for conn in [1, 2] {
        t.connect(conn);
        t.enter(conn, "alice");
    }
    let second = t.jobs.pop_back().unwrap().0;
    assert_eq!(t.done(second, JobResult::Account(Ok(account("alice")))).len(), 6);
    assert_eq!(
        t.answer(Ok(account("alice"))),
        then(
            &[
                "2 <- ended Replaced",
                "close 2",
                "* <- 1..2 replaced alice 192.168.1.1:40001",
                "log replaced alice 192.168.1.1:40001",
            ],
            welcomed(1, "LoggedIn", "alice", "alice", 2)
        )
    );
    assert!(t.welcomes[&1].entry.since > t.welcomes[&2].entry.since, "in the same millisecond");
}

#[test]
fn a_key_that_a_live_session_uses_is_refused_before_and_after_the_check() {
    let mut t = Bench::new();
    t.connect(2);
    let thief = Request::Login(Login { key: key(1), ..enter(2, "bob") });
    assert_eq!(t.say(2, &thief), ["job authenticate bob"]);
    let check = t.jobs.pop_front().unwrap().0;
    t.log_in(1, "alice");
    assert_eq!(t.done(check, JobResult::Account(Ok(account("bob")))), ["2 <- rejected KeyInUse"]);
    assert_eq!(t.say(2, &thief), ["2 <- rejected KeyInUse"]);
    let again = Request::Login(Login { key: key(1), ..enter(2, "alice") });
    assert_eq!(t.say(2, &again), ["2 <- rejected KeyInUse"], "nor by the same user: numbers would repeat");
    assert_eq!(t.enter(2, "bob"), ["job authenticate bob"]);
}

#[test]
fn without_a_common_version_both_have_seen_both_ranges() {
    let mut t = Bench::new();
    t.connect_from(1, "192.168.1.1:50000");
    let newer = Hello { low: 2, high: 3, features: 0 };
    assert_eq!(t.bytes(1, &newer.encode()), ["1 <- hello", "close 1"]);
    t.connect_from(2, "192.168.1.2:50000");
    let both = Hello { low: 1, high: 9, features: u64::MAX };
    assert_eq!(t.bytes(2, &both.encode()), ["2 <- hello"]);
}

#[test]
fn requests_out_of_place_are_told_and_change_nothing() {
    let mut t = Bench::new();
    t.connect(1);
    assert_eq!(t.say(1, &Request::Refresh), ["1 <- rejected UnexpectedRequest"]);
    t.enter(1, "alice");
    assert_eq!(t.enter(1, "bob"), ["1 <- rejected UnexpectedRequest"], "while a check is in flight");
    assert_eq!(t.answer(Ok(account("alice"))).len(), 6);
    assert_eq!(t.enter(1, "bob"), ["1 <- rejected UnexpectedRequest"]);
    assert_eq!(t.resume(1, 1), ["1 <- rejected UnexpectedRequest"]);
    assert_eq!(t.online(), ["alice"]);
}
