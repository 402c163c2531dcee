//! Who is told what, and when.

use super::*;

fn moved(host: u8) -> Request<'static> {
    let addresses = vec![SocketAddr::from(([10, 0, 0, host], 40_001))];
    Request::Move(Offer { policy: OfferPolicy::Advertised, port: 40_001, addresses })
}

#[test]
fn silence_breaks_the_connection_and_the_session_is_lost_after_the_grace_time() {
    let mut t = Bench::new();
    t.log_in(1, "alice");
    assert_eq!(t.pass(24_000), [""; 0]);
    assert_eq!(t.say(1, &Request::Heartbeat { number: 9 }), ["1 <- beat 9"]);
    assert_eq!(t.pass(24_999), [""; 0]);
    assert_eq!(t.pass(1), ["close 1"]);
    assert_eq!(t.pass(14_999), [""; 0]);
    assert_eq!(t.online(), ["alice"], "in grace");
    assert_eq!(t.pass(1), ["* <- 1..2 offline alice lost", "log offline alice lost"]);
    assert_eq!(t.online(), [""; 0]);
}

#[test]
fn who_does_not_read_is_offline_at_once() {
    let mut t = Bench::new();
    t.log_in(1, "alice");
    let slow = Input::Closed { conn: ConnId::new(1), why: Closed::TooSlow };
    assert_eq!(t.feed(slow), ["* <- 1..2 offline alice too-slow", "log offline alice too-slow"]);
    t.connect(2);
    assert_eq!(t.feed(Input::Closed { conn: ConnId::new(2), why: Closed::TooSlow }), [""; 0], "a guest");
}

#[test]
fn a_second_log_in_replaces_the_first_as_one_change() {
    let mut t = Bench::new();
    t.log_in(1, "alice");
    assert_eq!(
        t.log_in(2, "alice"),
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
    t.break_off(2);
    t.pass(5_000);
    assert_eq!(
        t.log_in(3, "alice"),
        then(
            &["* <- 2..3 replaced alice 192.168.1.3:40001", "log replaced alice 192.168.1.3:40001"],
            welcomed(3, "LoggedIn", "alice", "alice", 3)
        ),
        "also one in grace"
    );
    assert_eq!(t.pass_alive(&[3], 60), [""; 0], "whose grace time is over");
}

#[test]
fn moves_are_told_when_something_changes_and_not_too_often() {
    let mut t = Bench::new();
    t.log_in(1, "alice");
    assert_eq!(t.say(1, &moved(1)), ["* <- 1..2 moved alice 10.0.0.1:40001", "log moved alice 10.0.0.1:40001"]);
    assert_eq!(t.say(1, &moved(2)), [""; 0]);
    assert_eq!(t.say(1, &moved(3)), [""; 0]);
    assert_eq!(t.pass(999), [""; 0]);
    assert_eq!(
        t.pass(1),
        ["* <- 2..3 moved alice 10.0.0.3:40001", "log moved alice 10.0.0.3:40001"],
        "the last of them"
    );
    t.pass(1_000);
    assert_eq!(t.say(1, &moved(3)), [""; 0], "nothing new");
    assert_eq!(t.say(1, &moved(4)).len(), 2);
    assert_eq!(t.say(1, &moved(5)), [""; 0]);
    t.sleep(Duration::from_millis(1_500));
    assert_eq!(t.say(1, &moved(4)), [""; 0], "back again before a late tick");
    assert_eq!(t.pass(5_000), [""; 0], "and the move that was put off is off");
}

#[test]
fn a_move_to_nowhere_is_rejected() {
    let mut t = Bench::new();
    t.log_in(1, "alice");
    let nowhere = Offer { policy: OfferPolicy::Advertised, port: 0, addresses: vec![] };
    assert_eq!(t.say(1, &Request::Move(nowhere)), ["1 <- rejected Addresses"]);
    assert_eq!(t.entry("alice").address(), "192.168.1.1:40001".parse().unwrap());
}

#[test]
fn a_fresh_copy_is_sent_at_once_or_when_its_time_has_come() {
    let mut t = Bench::new();
    t.log_in(1, "alice");
    t.log_in(2, "bob");
    let copy = ["1 <- page alice bob", "1 <- complete 2"];
    assert_eq!(t.say(1, &Request::Refresh), [""; 0], "it has just got one");
    assert_eq!(t.say(1, &Request::Refresh), [""; 0]);
    assert_eq!(t.pass(999), [""; 0]);
    assert_eq!(t.pass(1), copy, "one for both");
    t.pass(1_000);
    assert_eq!(t.say(1, &Request::Refresh), copy);
}

#[test]
fn a_stopping_server_says_so_once_and_does_nothing_more() {
    let mut t = Bench::new();
    t.log_in(1, "alice");
    t.connect(2);
    t.enter(2, "bob");
    assert_eq!(t.feed(Input::Stop), ["1 <- ended Stopping", "close 1", "close 2", "log server stopping"]);
    assert_eq!(t.answer(Ok(account("bob"))), [""; 0]);
    assert_eq!(t.connect_from(3, "192.168.1.3:50000"), [""; 0]);
    assert_eq!(t.break_off(1), [""; 0]);
    assert_eq!(t.feed(Input::Stop), [""; 0]);
    assert_eq!(t.server.deadline(), None);
}

#[test]
fn the_accounts_are_told_who_was_seen_in_few_jobs() {
    let mut t = Bench::new();
    t.quiet = false;
    for (conn, user) in [(1, "alice"), (2, "bob"), (3, "carol")] {
        t.log_in(conn, user);
    }
    assert_eq!(t.say(1, &Request::Leave)[1], "job seen 1");
    assert_eq!(t.say(3, &Request::Leave).len(), 3, "one job at a time");
    assert_eq!(t.say(2, &Request::Leave).len(), 3);
    let (job, _) = t.jobs.pop_front().unwrap();
    assert_eq!(t.done(job, JobResult::Seen(Err(unavailable()))), ["job seen 2 3"]);
    let (job, _) = t.jobs.pop_front().unwrap();
    assert_eq!(t.done(job, JobResult::Seen(Ok(()))), [""; 0]);
}

#[test]
fn who_stays_is_seen_every_few_minutes() {
    let mut t = Bench::new();
    t.log_in(1, "alice");
    t.log_in(2, "bob");
    t.pass_alive(&[1, 2], 299);
    t.quiet = false;
    let lines = t.pass(1_000);
    assert!(lines.contains(&"job seen 1 2".to_owned()), "{lines:?}");
}
