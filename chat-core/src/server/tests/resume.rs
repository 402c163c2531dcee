//! Coming back with a ticket within one run of the server.

use super::*;

#[test]
fn within_the_grace_time_a_session_goes_on_and_nobody_is_told() {
    let mut t = Bench::new();
    t.log_in(1, "alice");
    t.log_in(2, "bob");
    assert_eq!(t.break_off(1), [""; 0]);
    assert_eq!(t.pass(14_999), [""; 0]);
    let before = t.entry("alice").clone();
    assert_eq!(t.come_back(3, 1, "alice"), welcomed(3, "Continued", "alice", "alice bob", 2));
    assert_eq!((t.entry("alice"), t.welcomes[&3].entry.key), (&before, key(1)));
    assert_eq!(t.pass_alive(&[2, 3], 60), [""; 0], "the grace time is over for good");
}

#[test]
fn other_addresses_are_one_change() {
    let mut t = Bench::new();
    t.log_in(1, "alice");
    t.break_off(1);
    t.connect(3);
    let ticket = t.tickets[&1].clone();
    t.say(3, &Request::Resume(Resume { offer: offer(3), ..resume(3, 1, &ticket) }));
    assert_eq!(
        t.look_up(vec![account("alice")]),
        then(
            &["* <- 1..2 moved alice 192.168.1.3:40001", "log moved alice 192.168.1.3:40001"],
            welcomed(3, "Continued", "alice", "alice", 2)
        )
    );
    assert_eq!(t.welcomes[&3].entry.addresses, ["192.168.1.3:40001".parse().unwrap()]);
}

#[test]
fn a_connection_that_only_the_client_knows_to_be_broken_is_closed() {
    let mut t = Bench::new();
    t.log_in(1, "alice");
    let lines = t.come_back(3, 1, "alice");
    assert_eq!(lines[0], "close 1");
    assert_eq!(lines[1..], welcomed(3, "Continued", "alice", "alice", 1));
    assert_eq!(t.break_off(1), [""; 0], "its end means nothing any more");
    assert_eq!(t.pass_alive(&[3], 60), [""; 0]);
}

#[test]
fn an_ended_session_makes_room_for_a_fresh_one() {
    let ended: [fn(&mut Bench); 3] = [
        |t| drop(t.say(1, &Request::Leave)),
        |t| drop(t.feed(Input::Closed { conn: ConnId::new(1), why: Closed::TooSlow })),
        |t| {
            t.break_off(1);
            assert_eq!(t.pass(15_000), ["* <- 1..2 offline alice lost", "log offline alice lost"]);
        },
    ];
    for end in ended {
        let mut t = Bench::new();
        t.log_in(1, "alice");
        end(&mut t);
        assert_eq!(
            t.come_back(3, 1, "alice"),
            then(
                &["* <- 2..3 online alice 192.168.1.1:40001", "log online alice 192.168.1.1:40001"],
                welcomed(3, "Fresh", "alice", "alice", 3)
            )
        );
        assert_eq!(t.entry("alice").key, key(3));
        assert!(t.entry("alice").since > t.welcomes[&1].entry.since);
    }
}

#[test]
fn the_ticket_of_a_replaced_session_is_superseded() {
    let mut t = Bench::new();
    t.log_in(1, "alice");
    t.log_in(2, "alice");
    assert_eq!(t.come_back(3, 1, "alice"), ["3 <- rejected Superseded"]);
    t.break_off(2);
    assert_eq!(t.come_back(4, 1, "alice"), ["4 <- rejected Superseded"], "also while the newer one is in grace");
    assert_eq!(t.come_back(5, 2, "alice"), welcomed(5, "Continued", "alice", "alice", 2));
}

#[test]
fn a_ticket_is_refused_if_its_account_is_not_what_it_was() {
    for (account, rejection) in [
        (vec![], "TicketRefused"),
        (vec![Account { generation: 2, ..account("alice") }], "TicketRefused"),
        (vec![Account { generation: 0, ..account("alice") }], "TicketRefused"),
        (vec![Account { status: Status::Removed, ..account("alice") }], "TicketRefused"),
        (vec![Account { status: Status::Disabled, generation: 2, ..account("alice") }], "Disabled"),
        (vec![account("bob")], "TicketRefused"),
    ] {
        let mut t = Bench::new();
        t.log_in(1, "alice");
        t.break_off(1);
        t.connect(3);
        t.resume(3, 1);
        assert_eq!(t.look_up(account.clone()), [format!("3 <- rejected {rejection}")], "{account:?}");
        assert_eq!(t.enter(3, "alice"), ["job authenticate alice"], "the password is another try");
    }
}

#[test]
fn forged_shortened_and_old_tickets_are_refused_without_a_look_at_the_account() {
    let mut t = Bench::with(ServerConfig { max_guest_requests: 1_000, frame_burst: 1_000, ..untimed() });
    t.log_in(1, "alice");
    t.break_off(1);
    t.connect(3);
    let ticket = t.tickets[&1].clone();
    for at in 0..ticket.len() {
        let refused = ["3 <- rejected TicketRefused"];
        assert_eq!(t.say(3, &Request::Resume(resume(3, 1, &ticket[..at]))), refused, "the first {at} bytes");
        let mut forged = ticket.clone();
        forged[at] ^= 1;
        assert_eq!(t.say(3, &Request::Resume(resume(3, 1, &forged))), refused, "byte {at}");
    }
    assert_eq!(t.say(3, &Request::Resume(resume(3, 1, &ticket))), ["job look-up 1"]);
}

#[test]
fn a_ticket_lives_for_a_day_and_is_renewed_every_hour() {
    let mut t = Bench::new();
    t.log_in(1, "alice");
    t.log_in(2, "bob");
    let first = t.tickets[&1].clone();
    assert_eq!(t.pass_alive(&[1], 3_599), ["close 2", "* <- 2..3 offline bob lost", "log offline bob lost"]);
    assert_eq!(t.pass_alive(&[1], 1), ["1 <- ticket"]);
    let second = t.tickets[&1].clone();
    t.break_off(1);
    t.pass(23 * 3_600_000);
    t.connect(3);
    assert_eq!(t.say(3, &Request::Resume(resume(3, 1, &first))), ["job look-up 1"], "just a day");
    assert_eq!(t.look_up(vec![]), ["3 <- rejected TicketRefused"]);
    t.pass(1);
    assert_eq!(t.say(3, &Request::Resume(resume(3, 1, &first))), ["3 <- rejected TicketRefused"]);
    assert_eq!(t.say(3, &Request::Resume(resume(3, 1, &second))), ["job look-up 1"]);
}

#[test]
fn the_next_key_must_be_new() {
    let mut t = Bench::new();
    t.log_in(1, "alice");
    t.log_in(2, "bob");
    t.say(1, &Request::Leave);
    t.connect(3);
    let ticket = t.tickets[&1].clone();
    for (next_key, lines) in [(key(1), &["3 <- rejected KeyInUse"][..]), (key(2), &["job look-up 1"])] {
        assert_eq!(t.say(3, &Request::Resume(Resume { next_key, ..resume(3, 1, &ticket) })), lines);
    }
    assert_eq!(t.look_up(vec![account("alice")]), ["3 <- rejected KeyInUse"], "it is bob's");
}

#[test]
fn those_who_come_back_at_once_are_looked_up_together() {
    let mut t = Bench::new();
    for (conn, user) in [(1, "alice"), (2, "bob"), (3, "carol")] {
        t.log_in(conn, user);
        t.break_off(conn);
    }
    for (conn, before) in [(11, 1), (12, 2), (13, 3)] {
        t.connect(conn);
        let lines = t.resume(conn, before);
        assert_eq!(lines.len(), usize::from(conn == 11), "one job at a time");
    }
    t.break_off(12);
    let lines = t.look_up(vec![account("alice")]);
    let [admit, welcome, page, complete] = welcomed(11, "Continued", "alice", "alice bob carol", 3);
    assert_eq!(lines, [admit, welcome, "job look-up 3".into(), page, complete], "bob has gone");
    assert_eq!(t.look_up(vec![account("carol")]), welcomed(13, "Continued", "carol", "alice bob carol", 3));
}

#[test]
fn storage_that_does_not_answer_refuses_nobody_for_good() {
    let mut t = Bench::new();
    t.log_in(1, "alice");
    t.break_off(1);
    t.connect(3);
    t.resume(3, 1);
    let (job, _) = t.jobs.pop_front().unwrap();
    assert_eq!(t.done(job, JobResult::Accounts(Err(unavailable()))), ["3 <- rejected StorageUnavailable"]);
    assert_eq!(t.resume(3, 1), ["job look-up 1"]);
    assert_eq!(t.look_up(vec![account("alice")]), welcomed(3, "Continued", "alice", "alice", 1));
}

#[test]
fn a_connection_that_is_gone_gets_no_answer_and_its_session_waits_on() {
    let mut t = Bench::new();
    t.log_in(1, "alice");
    t.break_off(1);
    t.connect(3);
    t.resume(3, 1);
    t.break_off(3);
    assert_eq!(t.look_up(vec![account("alice")]), [""; 0]);
    assert_eq!(t.pass(15_000), ["* <- 1..2 offline alice lost", "log offline alice lost"]);
}
