//! How sessions begin, move and end, and what the server publishes about them.

use super::*;

fn moved(host: u8) -> Request<'static> {
    let addresses = vec![SocketAddr::from(([10, 0, 0, host], 40_001))];
    Request::Move(Offer { policy: OfferPolicy::Advertised, port: 40_001, addresses })
}

#[test]
fn silence_breaks_the_connection_and_the_session_is_lost_after_the_grace_time() {
    let mut t = Bench::new();
    t.login(1, "alice");
    assert_eq!(t.pass(24_000), [""; 0]);
    assert_eq!(t.send(1, &Request::Heartbeat { number: 9 }), ["1 <- beat 9"]);
    assert_eq!(t.pass(24_999), [""; 0]);
    assert_eq!(t.pass(1), ["close 1"]);
    assert_eq!(t.pass(14_999), [""; 0]);
    assert_eq!(t.online(), ["alice"], "in its grace time");
    assert_eq!(t.pass(1), ["* <- 1..2 offline alice lost", "log offline alice lost"]);
    assert_eq!(t.online(), [""; 0]);
}

#[test]
fn a_client_that_does_not_read_is_offline_immediately() {
    let mut t = Bench::new();
    t.login(1, "alice");
    let slow = Input::Closed { conn: ConnId::new(1), why: Closed::TooSlow };
    assert_eq!(t.feed(slow), ["* <- 1..2 offline alice too-slow", "log offline alice too-slow"]);
    t.connect(2);
    assert_eq!(t.feed(Input::Closed { conn: ConnId::new(2), why: Closed::TooSlow }), [""; 0], "a guest");
}

#[test]
fn a_second_login_replaces_the_first_as_one_change() {
    let mut t = Bench::new();
    t.login(1, "alice");
    assert_eq!(
        t.login(2, "alice"),
        then(
            &[
                "1 <- ended Replaced",
                "close 1",
                "* <- 1..2 replaced alice 192.168.1.2:40001",
                "log replaced alice 192.168.1.2:40001",
            ],
            welcomed(2, "LoggedIn", "alice", "alice", 2)
        )
    );
    t.disconnect(2);
    t.pass(5_000);
    assert_eq!(
        t.login(3, "alice"),
        then(
            &["* <- 2..3 replaced alice 192.168.1.3:40001", "log replaced alice 192.168.1.3:40001"],
            welcomed(3, "LoggedIn", "alice", "alice", 3)
        ),
        "also a session in its grace time"
    );
    assert_eq!(t.pass_alive(&[3], 60), [""; 0], "the grace time of the replaced session has no effect");
}

#[test]
fn moves_are_published_if_they_change_something_and_not_too_often() {
    let mut t = Bench::new();
    t.login(1, "alice");
    assert_eq!(t.send(1, &moved(1)), ["* <- 1..2 moved alice 10.0.0.1:40001", "log moved alice 10.0.0.1:40001"]);
    assert_eq!(t.send(1, &moved(2)), [""; 0]);
    assert_eq!(t.send(1, &moved(3)), [""; 0]);
    assert_eq!(t.pass(999), [""; 0]);
    assert_eq!(
        t.pass(1),
        ["* <- 2..3 moved alice 10.0.0.3:40001", "log moved alice 10.0.0.3:40001"],
        "the last of them"
    );
    t.pass(2_000);
    assert_eq!(t.send(1, &moved(3)), [""; 0], "the same addresses");
    assert_eq!(t.send(1, &moved(4)).len(), 2);
    assert_eq!(t.send(1, &moved(5)), [""; 0]);
    t.sleep(Duration::from_millis(1_500));
    assert_eq!(t.send(1, &moved(4)), [""; 0], "the old addresses again, before the deferred move");
    assert_eq!(t.pass(5_000), [""; 0], "which is cancelled");
}

#[test]
fn a_move_without_a_usable_address_is_rejected() {
    let mut t = Bench::new();
    t.login(1, "alice");
    let nowhere = Offer { policy: OfferPolicy::Advertised, port: 0, addresses: vec![] };
    assert_eq!(t.send(1, &Request::Move(nowhere)), ["1 <- rejected Addresses"]);
    assert_eq!(t.entry("alice").address(), "192.168.1.1:40001".parse().unwrap());
}

#[test]
fn a_requested_snapshot_is_sent_immediately_or_when_its_interval_has_passed() {
    let mut t = Bench::new();
    t.login(1, "alice");
    t.login(2, "bob");
    let snapshot = ["1 <- page alice bob", "1 <- complete 2"];
    assert_eq!(t.send(1, &Request::Refresh), [""; 0], "it has just received one");
    assert_eq!(t.send(1, &Request::Refresh), [""; 0]);
    assert_eq!(t.pass(999), [""; 0]);
    assert_eq!(t.pass(1), snapshot, "one for both");
    t.pass(1_000);
    assert_eq!(t.send(1, &Request::Refresh), snapshot);
}

#[test]
fn seen_accounts_are_reported_in_few_jobs() {
    let mut t = Bench::new();
    t.quiet = false;
    for (conn, user) in [(1, "alice"), (2, "bob"), (3, "carol")] {
        t.login(conn, user);
    }
    assert_eq!(t.send(1, &Request::Leave)[1], "job seen 1");
    assert_eq!(t.send(3, &Request::Leave).len(), 3, "one job at a time");
    assert_eq!(t.send(2, &Request::Leave).len(), 3);
    let (job, _) = t.jobs.pop_front().unwrap();
    assert_eq!(t.done(job, JobResult::Seen(Err(unavailable()))), ["job seen 2 3"]);
    let (job, _) = t.jobs.pop_front().unwrap();
    assert_eq!(t.done(job, JobResult::Seen(Ok(()))), [""; 0]);
}

#[test]
fn accounts_that_stay_online_are_reported_every_few_minutes() {
    let mut t = Bench::new();
    t.login(1, "alice");
    t.login(2, "bob");
    t.pass_alive(&[1, 2], 299);
    t.quiet = false;
    let lines = t.pass(1_000);
    assert!(lines.contains(&"job seen 1 2".to_owned()), "{lines:?}");
}
