//! Password changes by a session.

use super::*;

const NEW: &str = "battery staple";

fn change(old: &'static str, new: &'static str) -> Request<'static> {
    Request::ChangePassword(ChangePassword { old, new })
}

fn raised() -> Account {
    Account { generation: 2, ..account("alice") }
}

#[test]
fn a_password_change_gives_the_session_a_new_ticket_and_voids_all_older_ones() {
    let mut t = Bench::new();
    t.login(1, "alice");
    let old = t.tickets[&1].clone();
    assert_eq!(t.send(1, &change(PASSWORD, NEW)), ["job change-password 1"]);
    assert_eq!(t.answer(Ok(raised())), ["1 <- ticket", "1 <- password-change Ok(())"]);
    t.disconnect(1);
    t.connect(2);
    t.send(2, &Request::Resume(resume(2, 1, &old)));
    assert_eq!(t.look_up(vec![raised()]), ["2 <- rejected TicketRefused"]);
    t.resume(2, 1);
    assert_eq!(t.look_up(vec![raised()]), welcomed(2, "Continued", "alice", "alice", 1));
}

#[test]
fn a_failed_password_change_does_not_end_the_session() {
    for (old, new, rejection) in [(PASSWORD, "short", "Password(TooShort)"), ("short", NEW, "WrongCredentials")] {
        let mut t = Bench::new();
        t.login(1, "alice");
        assert_eq!(t.send(1, &change(old, new)), [format!("1 <- password-change Err({rejection})")]);
    }
    let mut t = Bench::new();
    t.login(1, "alice");
    for (error, rejection) in
        [(unavailable(), "StorageUnavailable"), (AccountError::WrongCredentials, "WrongCredentials")]
    {
        assert_eq!(t.send(1, &change(PASSWORD, NEW)), ["job change-password 1"]);
        assert_eq!(t.answer(Err(error)), [format!("1 <- password-change Err({rejection})")]);
    }
    assert_eq!(
        t.send(1, &change(PASSWORD, NEW)),
        ["reached failed-logins", "1 <- password-change Err(SlowDown { retry_after_ms: 1000 })"]
    );
    t.pass(1_000);
    assert_eq!(t.send(1, &change(PASSWORD, NEW)), ["job change-password 1"]);
    assert_eq!(t.send(1, &change(PASSWORD, NEW)), ["1 <- password-change Err(TooManyRequests)"], "one at a time");
}

/// A session whose password change is in flight when a poll finds the account at this generation.
fn polled_meanwhile(generation: u64) -> Bench {
    let mut t = Bench::new();
    t.login(1, "alice");
    t.quiet = false;
    t.send(1, &change(PASSWORD, NEW));
    let (change, _) = t.jobs[0];
    assert_eq!(t.pass(5_000), ["job changed-since -60000"]);
    let (poll, _) = t.jobs.pop_back().unwrap();
    let changed = Account { generation, ..account("alice") };
    assert_eq!(t.done(poll, JobResult::Accounts(Ok(vec![changed]))), [""; 0]);
    assert_eq!(t.jobs[0].0, change);
    t
}

const KICKED: [&str; 5] =
    ["1 <- ended Kicked", "close 1", "job seen 1", "* <- 1..2 offline alice kicked", "log offline alice kicked"];

#[test]
fn a_session_does_not_end_by_its_own_password_change() {
    let mut t = polled_meanwhile(2);
    assert_eq!(t.answer(Ok(raised())), ["1 <- ticket", "1 <- password-change Ok(())"]);
    assert_eq!(t.pass(5_000), ["job changed-since -55000"]);
    assert_eq!(t.look_up(vec![raised()]), [""; 0]);
}

#[test]
fn another_change_of_the_account_meanwhile_ends_the_session() {
    let mut t = polled_meanwhile(2);
    let lines = t.answer(Err(AccountError::WrongCredentials));
    assert_eq!(lines[0], "1 <- password-change Err(WrongCredentials)");
    assert_eq!(lines[1..], KICKED);
    let mut t = polled_meanwhile(3);
    let lines = t.answer(Ok(raised()));
    assert_eq!(lines[0], "1 <- password-change Ok(())");
    assert_eq!(lines[1..], KICKED);
}

#[test]
fn a_password_change_that_outlives_its_connection_counts_as_the_sessions_own() {
    let mut t = Bench::new();
    t.login(1, "alice");
    t.send(1, &change(PASSWORD, NEW));
    let (job, _) = t.jobs.pop_front().unwrap();
    t.disconnect(1);
    assert_eq!(t.reconnect(2, 1, "alice"), welcomed(2, "Continued", "alice", "alice", 1));
    assert_eq!(t.done(job, JobResult::Account(Ok(raised()))), ["2 <- ticket"]);
    t.disconnect(2);
    t.connect(3);
    let ticket = t.tickets[&2].clone();
    t.send(3, &Request::Resume(resume(3, 1, &ticket)));
    assert_eq!(t.look_up(vec![raised()]), welcomed(3, "Continued", "alice", "alice", 1));
}

#[test]
fn a_password_change_that_outlives_its_session_is_dropped() {
    let mut t = Bench::new();
    t.login(1, "alice");
    t.send(1, &change(PASSWORD, NEW));
    let (job, _) = t.jobs.pop_front().unwrap();
    t.login(2, "alice");
    assert_eq!(t.done(job, JobResult::Account(Ok(raised()))), [""; 0]);
}
