//! Logins with a password, and registrations.

use super::*;

#[test]
fn a_session_from_its_connection_to_its_end() {
    let mut t = Bench::new();
    assert_eq!(t.connect_from(1, "192.168.1.1:50000"), [""; 0]);
    assert_eq!(t.bytes(1, &Hello::OURS.encode()), ["1 <- hello"]);
    assert_eq!(t.request_login(1, "alice"), ["job authenticate alice"]);
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
        t.login(2, "bob"),
        then(
            &["* <- 1..2 online bob 192.168.1.2:40001", "log online bob 192.168.1.2:40001"],
            welcomed(2, "LoggedIn", "bob", "alice bob", 2)
        )
    );
    assert_eq!(t.send(1, &Request::Leave), ["close 1", "* <- 2..3 offline alice asked", "log offline alice asked"]);
    assert_eq!(t.online(), ["bob"]);
    assert_eq!(t.disconnect(1), [""; 0], "the driver may report a connection that the machine closed");
    assert_eq!(t.send(1, &Request::Heartbeat { number: 1 }), [""; 0], "late frames are ignored");
}

#[test]
fn the_welcome_contains_entry_times_and_observed_address() {
    let mut t = Bench::new();
    t.sleep(Duration::from_millis(1_500));
    t.greet_from(1, "[::ffff:192.168.1.1]:50000");
    t.request_login(1, "alice");
    t.answer(Ok(account("Alice")));
    let welcome = &t.welcomes[&1];
    assert_eq!(welcome.entry, *t.entry("alice"));
    assert_eq!((welcome.entry.user.as_str(), welcome.entry.key, welcome.entry.since), ("Alice", key(1), t.now.wall));
    assert_eq!((welcome.at, welcome.observed), (t.now.wall, "192.168.1.1:50000".parse().unwrap()));
    let timings = welcome.timings;
    assert_eq!((timings.heartbeat_ms, timings.silence_ms, timings.grace_ms), (10_000, 25_000, 15_000));
    assert_eq!(welcome.settling_ms, 43_500);
    t.pass(43_500);
    t.login(2, "bob");
    assert_eq!(t.welcomes[&2].settling_ms, 0);
}

#[test]
fn a_registration_creates_the_account_and_logs_in() {
    let mut t = Bench::new();
    t.connect(1);
    let register = Request::Login(Login { purpose: Purpose::Register, ..login(1, "alice") });
    assert_eq!(t.send(1, &register), ["job register alice"]);
    assert_eq!(t.answer(Err(AccountError::NameTaken)), ["1 <- rejected NameTaken"]);
    assert_eq!(t.send(1, &register), ["job register alice"]);
    assert_eq!(t.answer(Ok(account("alice"))).len(), 6);
    assert_eq!(t.online(), ["alice"]);
}

/// An account may be older than a rule for names.
#[test]
fn rules_for_new_names_reject_registrations_and_no_login() {
    let mut t = Bench::new();
    t.connect(1);
    for (user, rejection) in
        [("a\u{301}\u{301}", "Name(Marks)"), ("\u{301}", "Name(Marks)"), ("every0ne", "Name(Reserved)")]
    {
        let register = Request::Login(Login { purpose: Purpose::Register, ..login(1, user) });
        assert_eq!(t.send(1, &register), [format!("1 <- rejected {rejection}")]);
    }
    assert_eq!(t.request_login(1, "\u{301}"), ["job authenticate \u{301}"]);
    t.answer(Ok(account("\u{301}")));
    assert_eq!(t.online(), ["\u{301}"]);
}

#[test]
fn closed_registration_rejects_registrations_and_no_login() {
    let mut t = Bench::with(ServerConfig { registration: RegistrationPolicy::Closed, ..untimed() });
    t.connect(1);
    let register = Request::Login(Login { purpose: Purpose::Register, ..login(1, "alice") });
    assert_eq!(t.send(1, &register), ["reached registration", "1 <- rejected RegistrationClosed"]);
    assert_eq!(t.request_login(1, "alice"), ["job authenticate alice"]);
}

#[test]
fn registration_closes_and_opens_while_the_server_runs() {
    let mut t = Bench::new();
    t.connect(1);
    assert_eq!(t.feed(Input::SetRegistration(RegistrationPolicy::Closed)), [""; 0]);
    let register = Request::Login(Login { purpose: Purpose::Register, ..login(1, "alice") });
    assert_eq!(t.send(1, &register), ["reached registration", "1 <- rejected RegistrationClosed"]);
    t.feed(Input::SetRegistration(RegistrationPolicy::Invited(InvitationCode::parse("spring-2026").unwrap())));
    assert_eq!(t.send(1, &register), ["reached registration", "1 <- rejected NotInvited"]);
    assert_eq!(t.send(1, &Request::Login(invited(1, "spring-2026"))), ["job register alice"]);
    t.answer(Ok(account("alice")));
    t.feed(Input::SetRegistration(RegistrationPolicy::Open));
    assert_eq!(t.online(), ["alice"], "no session ends");
    t.connect(2);
    let register = Request::Login(Login { purpose: Purpose::Register, ..login(2, "bob") });
    assert_eq!(t.send(2, &register), ["job register bob"]);
}

fn invited(conn: u64, code: &str) -> Login<'_> {
    let extras = [Extra { tag: INVITATION, value: code.into() }].into_iter().collect();
    Login { purpose: Purpose::Register, extras, ..login(conn, "alice") }
}

#[test]
fn a_registration_by_invitation_needs_the_code_and_guessing_it_is_throttled() {
    let code = InvitationCode::parse("spring-2026").unwrap();
    let throttle = ThrottleConfig { free_per_address: 1, ..ThrottleConfig::default() };
    let registration = RegistrationPolicy::Invited(code);
    let mut t = Bench::with(ServerConfig { registration, throttle, ..untimed() });
    t.connect(1);
    let without = Request::Login(Login { purpose: Purpose::Register, ..login(1, "alice") });
    assert_eq!(t.send(1, &without), ["reached registration", "1 <- rejected NotInvited"]);
    assert_eq!(
        t.send(1, &Request::Login(invited(1, "spring-2027"))),
        ["reached registration", "1 <- rejected NotInvited"]
    );
    let right = Request::Login(invited(1, "spring-2026"));
    assert_eq!(
        t.send(1, &right),
        ["reached failed-logins", "1 <- rejected SlowDown { retry_after_ms: 1000 }"],
        "after two wrong guesses"
    );
    t.pass(1_000);
    assert_eq!(t.send(1, &right), ["job register alice"]);
}

#[test]
fn busy_accounts_set_the_time_of_the_retry() {
    let mut t = Bench::new();
    t.connect(1);
    t.request_login(1, "alice");
    assert_eq!(
        t.answer(Err(AccountError::Busy(Duration::from_secs(3)))),
        ["reached max-password-checks", "1 <- rejected Busy { retry_after_ms: 3000 }"]
    );
}

#[test]
fn each_invalid_request_is_rejected_and_can_be_corrected() {
    let unusable = Offer { port: 80, ..offer(1) };
    for (request, rejection) in [
        (login(1, ""), "Name(Empty)"),
        (login(1, "two words"), "Name(Char(' '))"),
        (login(1, "Everyone"), "Name(Reserved)"),
        (Login { password: "", ..login(1, "alice") }, "Password(Empty)"),
        (Login { password: "short", ..login(1, "alice") }, "Password(TooShort)"),
        (Login { offer: unusable, ..login(1, "alice") }, "Addresses"),
        (Login { versions: LinkVersions { low: 2, high: 1 }, ..login(1, "alice") }, "Malformed"),
    ] {
        let mut t = Bench::new();
        t.connect(1);
        let shown = format!("{request:?}");
        assert_eq!(t.send(1, &Request::Login(request)), [format!("1 <- rejected {rejection}")], "{shown}");
        assert_eq!(t.request_login(1, "alice"), ["job authenticate alice"], "after {shown}");
    }
}

#[test]
fn each_failure_of_the_accounts_has_its_rejection() {
    for (error, rejection) in [
        (AccountError::WrongCredentials, "WrongCredentials"),
        (AccountError::NoSuchAccount, "WrongCredentials"),
        (AccountError::Disabled, "Disabled"),
        (unavailable(), "StorageUnavailable"),
    ] {
        let mut t = Bench::new();
        t.connect(1);
        t.request_login(1, "alice");
        assert_eq!(t.answer(Err(error)), [format!("1 <- rejected {rejection}")]);
        t.pass(1_000);
        assert_eq!(t.request_login(1, "alice"), ["job authenticate alice"], "after {rejection}");
        assert_eq!(t.answer(Ok(account("alice"))).len(), 6, "after {rejection}");
    }
}

#[test]
fn an_account_that_is_not_active_cannot_log_in_with_the_right_password() {
    for status in [Status::Disabled, Status::Removed] {
        let mut t = Bench::new();
        t.connect(1);
        t.request_login(1, "alice");
        assert_eq!(t.answer(Ok(Account { status, ..account("alice") })), ["1 <- rejected Disabled"]);
    }
}

#[test]
fn a_result_for_a_closed_connection_is_dropped() {
    for purpose in [Purpose::Login, Purpose::Register] {
        let mut t = Bench::new();
        t.connect(1);
        t.send(1, &Request::Login(Login { purpose, ..login(1, "alice") }));
        assert_eq!(t.disconnect(1), [""; 0]);
        assert_eq!(t.answer(Ok(account("alice"))), [""; 0]);
        assert_eq!(t.online(), [""; 0]);
        // A registered account stays: the user logs in with it.
        assert_eq!(t.login(2, "alice").len(), 6);
    }
}

#[test]
fn a_client_may_leave_while_its_password_is_checked() {
    let mut t = Bench::new();
    t.connect(1);
    t.request_login(1, "alice");
    assert_eq!(t.send(1, &Request::Leave), ["close 1"]);
    assert_eq!(t.answer(Ok(account("alice"))), [""; 0]);
}

#[test]
fn a_result_of_another_kind_or_of_an_unknown_job_does_no_harm() {
    let mut t = Bench::new();
    t.connect(1);
    t.request_login(1, "alice");
    let (job, _) = t.jobs[0];
    assert_eq!(t.done(job.next(), JobResult::Account(Ok(account("alice")))), [""; 0]);
    assert_eq!(t.done(job, JobResult::Seen(Ok(()))), ["1 <- rejected StorageUnavailable"]);
    assert_eq!(t.done(job, JobResult::Account(Ok(account("alice")))), [""; 0], "a second answer");
}

#[test]
fn of_two_concurrent_logins_the_one_checked_last_wins() {
    let mut t = Bench::new();
    for conn in [1, 2] {
        t.connect(conn);
        t.request_login(conn, "alice");
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
fn the_key_of_an_online_session_is_rejected_before_and_after_the_check() {
    let mut t = Bench::new();
    t.connect(2);
    let thief = Request::Login(Login { key: key(1), ..login(2, "bob") });
    assert_eq!(t.send(2, &thief), ["job authenticate bob"]);
    let check = t.jobs.pop_front().unwrap().0;
    t.login(1, "alice");
    assert_eq!(t.done(check, JobResult::Account(Ok(account("bob")))), ["2 <- rejected KeyInUse"]);
    assert_eq!(t.send(2, &thief), ["2 <- rejected KeyInUse"]);
    let again = Request::Login(Login { key: key(1), ..login(2, "alice") });
    assert_eq!(
        t.send(2, &again),
        ["2 <- rejected KeyInUse"],
        "also for the same user, because packet numbers would repeat"
    );
    assert_eq!(t.request_login(2, "bob"), ["job authenticate bob"]);
}

#[test]
fn without_a_common_version_the_connection_closes_after_both_hellos() {
    let mut t = Bench::new();
    t.connect_from(1, "192.168.1.1:50000");
    let newer = Hello { low: 2, high: 3, features: 0 };
    assert_eq!(t.bytes(1, &newer.encode()), ["1 <- hello", "close 1"]);
    t.connect_from(2, "192.168.1.2:50000");
    let both = Hello { low: 1, high: 9, features: u64::MAX };
    assert_eq!(t.bytes(2, &both.encode()), ["2 <- hello"]);
}

#[test]
fn unexpected_requests_are_rejected_and_change_nothing() {
    let mut t = Bench::new();
    t.connect(1);
    assert_eq!(t.send(1, &Request::Refresh), ["1 <- rejected UnexpectedRequest"]);
    t.request_login(1, "alice");
    assert_eq!(t.request_login(1, "bob"), ["1 <- rejected UnexpectedRequest"], "while a check is in flight");
    assert_eq!(t.answer(Ok(account("alice"))).len(), 6);
    assert_eq!(t.request_login(1, "bob"), ["1 <- rejected UnexpectedRequest"]);
    assert_eq!(t.resume(1, 1), ["1 <- rejected UnexpectedRequest"]);
    assert_eq!(t.online(), ["alice"]);
}
