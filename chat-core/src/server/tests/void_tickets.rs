//! Tickets that are void because their client left the session, or because their user logged in again.

use super::*;

const REFUSED: &str = "rejected TicketRefused";

/// A server whose reports of void tickets the test answers.
fn bench() -> Bench {
    Bench { holds_void_tickets: true, ..Bench::new() }
}

/// The account as the storage has it after a report.
fn stored(user: &str, until: u64) -> Account {
    Account { tickets_void_until: Some(Timestamp::from_millis(until)), ..account(user) }
}

/// Connects with a ticket of connection `before` and returns what follows the look-up.
fn reconnect_as(t: &mut Bench, conn: u64, before: u64, account: Account) -> Vec<String> {
    t.connect(conn);
    assert_eq!(t.resume(conn, before), [format!("job look-up {}", account.id)]);
    t.look_up(vec![account])
}

fn assert_refused(lines: &[String], conn: u64) {
    assert_eq!(lines, [format!("{conn} <- {REFUSED}")]);
}

fn assert_welcome(lines: &[String], conn: u64, kind: &str) {
    assert!(lines.contains(&format!("{conn} <- welcome {kind} alice")), "{lines:?}");
}

/// Answers the report in flight.
fn store(t: &mut Bench, result: Result<(), AccountError>) -> Vec<String> {
    let (id, job) = t.jobs.pop_front().expect("a report is in flight");
    assert!(matches!(job, Job::VoidTickets { .. }), "{job:?}");
    t.done(id, JobResult::Voided(result))
}

#[test]
fn all_tickets_of_a_session_are_void_once_its_client_has_left() {
    let mut t = Bench::new();
    t.login(1, "alice");
    t.disconnect(1);
    t.reconnect(2, 1, "alice");
    t.send(2, &Request::Leave);
    for (conn, before) in [(3, 1), (4, 2)] {
        assert_refused(&t.reconnect(conn, before, "alice"), conn);
    }
    assert_eq!(t.request_login(4, "alice"), ["job authenticate alice"], "the password still logs in");
    assert_welcome(&t.answer(Ok(account("alice"))), 4, "LoggedIn");
    t.disconnect(4);
    assert_welcome(&t.reconnect(5, 4, "alice"), 5, "Continued");
}

#[test]
fn the_accounts_keep_void_tickets_void_after_a_restart() {
    let mut t = bench();
    t.login(1, "alice");
    assert_eq!(store(&mut t, Ok(())), [""; 0], "the report of the login");
    let lines = t.send(1, &Request::Leave);
    assert_eq!(lines[1..], ["job void-tickets 1 until 0", "* <- 1..2 offline alice asked", "log offline alice asked"]);
    let mut t = t.restarted();
    assert_refused(&reconnect_as(&mut t, 11, 1, stored("alice", START)), 11);
    assert_welcome(&reconnect_as(&mut t, 12, 1, account("alice")), 12, "Continued");
}

#[test]
fn a_ticket_of_the_same_millisecond_as_the_departure_before_it_is_valid() {
    let mut t = bench();
    t.login(1, "alice");
    t.jobs.clear();
    t.send(1, &Request::Leave);
    t.login(2, "alice");
    let mut t = t.restarted();
    assert_refused(&reconnect_as(&mut t, 11, 1, stored("alice", START)), 11);
    assert_welcome(&reconnect_as(&mut t, 12, 2, stored("alice", START)), 12, "Continued");
}

#[test]
fn a_login_after_the_clock_was_set_back_has_a_valid_ticket() {
    let mut t = Bench::new();
    t.login(1, "alice");
    t.send(1, &Request::Leave);
    t.now.wall = Timestamp::from_millis(START - 3_600_000);
    t.login(2, "alice");
    let mut t = t.restarted();
    assert_welcome(&reconnect_as(&mut t, 12, 2, stored("alice", START)), 12, "Continued");
    t.send(12, &Request::Leave);
    // The same holds if only the accounts know of the departure.
    let mut t = t.restarted();
    t.connect(13);
    t.request_login(13, "alice");
    assert_welcome(&t.answer(Ok(stored("alice", START + 1))), 13, "LoggedIn");
    assert_eq!(t.entry("alice").since, Timestamp::from_millis(START + 2));
}

#[test]
fn a_login_with_the_password_voids_the_tickets_of_the_session_that_it_replaces() {
    let mut t = bench();
    t.login(1, "alice");
    store(&mut t, Ok(()));
    t.sleep(Duration::from_secs(60));
    let lines = t.login(2, "alice");
    assert!(lines.contains(&"job void-tickets 1 until 0".to_owned()), "{lines:?}");
    store(&mut t, Ok(()));
    assert_eq!(t.reconnect(3, 1, "alice"), ["3 <- rejected Superseded"], "the client reads that it was replaced");
    t.disconnect(2);
    t.pass(15_000);
    assert_refused(&t.reconnect(4, 1, "alice"), 4);
    assert_welcome(&t.reconnect(5, 2, "alice"), 5, "Fresh");
    let mut t = t.restarted();
    assert_refused(&reconnect_as(&mut t, 11, 1, stored("alice", START)), 11);
    assert_welcome(&reconnect_as(&mut t, 12, 2, stored("alice", START)), 12, "Continued");
}

#[test]
fn a_login_with_the_password_voids_tickets_from_before_the_restart() {
    let mut t = Bench::new();
    t.login(1, "alice");
    let mut t = t.restarted();
    t.holds_void_tickets = true;
    t.sleep(Duration::from_secs(60));
    let lines = t.login(2, "alice");
    assert!(lines.contains(&"job void-tickets 1 until 5000".to_owned()), "until the restart: {lines:?}");
    store(&mut t, Ok(()));
    t.disconnect(2);
    t.pass(15_000);
    assert_refused(&t.reconnect(11, 1, "alice"), 11);
    assert_welcome(&t.reconnect(12, 2, "alice"), 12, "Fresh");
}

#[test]
fn nothing_is_reported_for_lost_sessions_resumptions_registrations_and_a_stop() {
    let mut t = bench();
    t.connect(1);
    t.send(1, &Request::Login(Login { purpose: Purpose::Register, ..login(1, "alice") }));
    assert_eq!(t.answer(Ok(account("alice"))).len(), 6);
    t.disconnect(1);
    assert_eq!(t.reconnect(2, 1, "alice").len(), 4);
    t.disconnect(2);
    assert_eq!(t.pass(15_000).len(), 2);
    assert_welcome(&t.reconnect(3, 2, "alice"), 3, "Fresh");
    t.feed(Input::Stop);
    assert!(t.server.is_stopped() && t.jobs.is_empty());
    let mut t = Bench { holds_void_tickets: true, ..t.restarted() };
    assert_welcome(&t.reconnect(4, 3, "alice"), 4, "Continued");
    assert!(t.jobs.is_empty(), "{:?}", t.jobs);
}

#[test]
fn departures_during_a_report_share_the_next_one_and_a_failed_one_is_repeated() {
    let mut t = Bench::new();
    for (conn, user) in [(1, "alice"), (2, "bob"), (3, "carol")] {
        t.login(conn, user);
        t.sleep(Duration::from_millis(10));
    }
    t.holds_void_tickets = true;
    for conn in [1, 2, 3] {
        t.send(conn, &Request::Leave);
    }
    assert_eq!(t.jobs.len(), 1, "one report is in flight");
    assert_eq!(store(&mut t, Err(unavailable())), [""; 0]);
    assert_refused(&t.reconnect(4, 1, "alice"), 4);
    assert_eq!(t.pass(4_999), [""; 0]);
    assert_eq!(t.pass(1), ["job void-tickets 1 2 3 until 20"]);
    assert_eq!(store(&mut t, Ok(())), [""; 0]);
    t.disconnect(4);
    assert_eq!(t.pass(8_000), [""; 0], "nothing is left to report");
}

#[test]
fn a_report_leaves_the_tickets_of_sessions_that_are_online_valid() {
    let mut t = Bench::new();
    t.login(1, "alice");
    t.login(2, "carol");
    t.holds_void_tickets = true;
    t.send(2, &Request::Leave);
    let (first, _) = t.jobs.pop_front().unwrap();
    // During that report, alice leaves and logs in again before bob logs in and leaves.
    t.send(1, &Request::Leave);
    t.sleep(Duration::from_millis(20));
    t.login(3, "alice");
    t.sleep(Duration::from_millis(10));
    t.login(4, "bob");
    t.send(4, &Request::Leave);
    assert_eq!(t.done(first, JobResult::Voided(Ok(()))), ["job void-tickets 1 until 19"]);
    assert_eq!(store(&mut t, Ok(())), ["job void-tickets 2 until 30"]);
    assert_eq!(store(&mut t, Ok(())), [""; 0]);
}

#[test]
fn a_departure_during_the_look_up_of_another_connection_counts() {
    let mut t = Bench::new();
    t.login(1, "alice");
    t.connect(3);
    assert_eq!(t.resume(3, 1), ["job look-up 1"]);
    t.send(1, &Request::Leave);
    // The account as it was before the departure.
    assert_refused(&t.look_up(vec![account("alice")]), 3);
}

#[test]
fn a_client_that_leaves_while_it_resumes_ends_its_session() {
    let mut t = Bench::new();
    t.login(1, "alice");
    t.disconnect(1);
    t.connect(3);
    assert_eq!(t.resume(3, 1), ["job look-up 1"]);
    assert_eq!(t.send(3, &Request::Leave), ["close 3", "* <- 1..2 offline alice asked", "log offline alice asked"]);
    assert_eq!(t.look_up(vec![account("alice")]), [""; 0]);
    assert_refused(&t.reconnect(4, 1, "alice"), 4);
}

#[test]
fn a_void_ticket_ends_no_session() {
    let mut t = Bench::new();
    t.login(1, "alice");
    let old = t.tickets[&1].clone();
    t.send(1, &Request::ChangePassword(ChangePassword { old: PASSWORD, new: "battery staple" }));
    t.answer(Ok(Account { generation: 2, ..account("alice") }));
    t.connect(3);
    assert_eq!(t.send(3, &Request::Resume(resume(3, 1, &old))), ["job look-up 1"]);
    assert_eq!(t.send(3, &Request::Leave), ["close 3"]);
    assert_eq!(t.online(), ["alice"]);
}

#[test]
fn a_server_that_stops_finishes_the_report_in_flight() {
    let mut t = Bench::new();
    t.login(1, "alice");
    t.login(2, "bob");
    t.holds_void_tickets = true;
    t.send(1, &Request::Leave);
    t.send(2, &Request::Leave);
    assert_eq!(t.feed(Input::Stop), [""; 0]);
    assert_eq!(store(&mut t, Ok(())), ["job void-tickets 2 until 0"]);
    assert_eq!(store(&mut t, Err(unavailable())), ["log server stopping"], "a failed report is not repeated");

    let mut t = Bench::new();
    t.login(1, "alice");
    t.holds_void_tickets = true;
    t.send(1, &Request::Leave);
    store(&mut t, Err(unavailable()));
    assert_eq!(t.feed(Input::Stop), ["job void-tickets 1 until 0"], "one that failed before is repeated once");
    assert_eq!(t.pass(2_000), ["log server stopping"]);
}
