//! Logins with a ticket within one run of the server.

use super::*;

#[test]
fn a_session_continues_within_its_grace_time_and_nothing_is_published() {
    let mut t = Bench::new();
    t.login(1, "alice");
    t.login(2, "bob");
    assert_eq!(t.disconnect(1), [""; 0]);
    assert_eq!(t.pass(14_999), [""; 0]);
    let before = t.entry("alice").clone();
    assert_eq!(t.reconnect(3, 1, "alice"), welcomed(3, "Continued", "alice", "alice bob", 2));
    assert_eq!((t.entry("alice"), t.welcomes[&3].entry.key), (&before, key(1)));
    assert_eq!(t.pass_alive(&[2, 3], 60), [""; 0], "the grace time no longer applies");
}

#[test]
fn a_session_that_continues_with_other_addresses_is_one_change() {
    let mut t = Bench::new();
    t.login(1, "alice");
    t.disconnect(1);
    t.connect(3);
    let ticket = t.tickets[&1].clone();
    t.send(3, &Request::Resume(Resume { offer: offer(3), ..resume(3, 1, &ticket) }));
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
fn the_earlier_connection_of_a_session_that_continues_is_closed() {
    let mut t = Bench::new();
    t.login(1, "alice");
    let lines = t.reconnect(3, 1, "alice");
    assert_eq!(lines[0], "close 1");
    assert_eq!(lines[1..], welcomed(3, "Continued", "alice", "alice", 1));
    assert_eq!(t.disconnect(1), [""; 0], "its end has no effect");
    assert_eq!(t.pass_alive(&[3], 60), [""; 0]);
}

#[test]
fn the_ticket_of_an_ended_session_begins_a_fresh_one() {
    let ended: [fn(&mut Bench); 2] = [
        |t| drop(t.feed(Input::Closed { conn: ConnId::new(1), why: Closed::TooSlow })),
        |t| {
            t.disconnect(1);
            assert_eq!(t.pass(15_000), ["* <- 1..2 offline alice lost", "log offline alice lost"]);
        },
    ];
    for end in ended {
        let mut t = Bench::new();
        t.login(1, "alice");
        end(&mut t);
        assert_eq!(
            t.reconnect(3, 1, "alice"),
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
fn a_fresh_session_whose_welcome_was_lost_goes_on_for_its_client() {
    let mut t = Bench::new();
    t.login(1, "alice");
    t.disconnect(1);
    t.pass(15_000);
    t.reconnect(3, 1, "alice");
    let again = |t: &mut Bench, conn, before| {
        t.connect(conn);
        let ticket = t.tickets[&before].clone();
        t.send(conn, &Request::Resume(Resume { next_key: key(3), ..resume(conn, 1, &ticket) }));
        t.look_up(vec![account("alice")])
    };
    // The server may not know yet that the connection is broken.
    assert_eq!(
        again(&mut t, 4, 1),
        [&["close 3".into()], &welcomed(4, "Fresh", "alice", "alice", 3)[..]].concat(),
        "nothing changes for others"
    );
    t.disconnect(4);
    assert_eq!(again(&mut t, 5, 1), welcomed(5, "Fresh", "alice", "alice", 3), "in its grace time");
    assert_eq!(t.entry("alice").key, key(3));
    assert_eq!(t.reconnect(6, 1, "alice"), ["6 <- rejected Superseded"], "it is not the session of this client");

    t.send(5, &Request::Leave);
    assert_eq!(again(&mut t, 7, 1), ["7 <- rejected TicketRefused"]);
}

#[test]
fn a_client_whose_welcome_was_lost_and_that_leaves_during_the_look_up_is_offline_at_once() {
    for has_spoken in [false, true] {
        let mut t = Bench::new();
        t.login(1, "alice");
        t.disconnect(1);
        t.pass(15_000);
        t.reconnect(3, 1, "alice");
        if has_spoken {
            t.send(3, &Request::Heartbeat { number: 1 });
        }
        t.connect(4);
        let ticket = t.tickets[&1].clone();
        t.send(4, &Request::Resume(Resume { next_key: key(3), ..resume(4, 1, &ticket) }));
        let lines = t.send(4, &Request::Leave);
        let is_offline = lines.iter().any(|line| line == "log offline alice asked");
        assert_eq!(is_offline, !has_spoken, "an old ticket ends no session whose client has spoken: {lines:?}");
    }
}

#[test]
fn an_old_ticket_does_not_continue_a_session_whose_client_has_spoken() {
    let mut t = Bench::new();
    t.login(1, "alice");
    t.disconnect(1);
    t.pass(15_000);
    t.reconnect(3, 1, "alice");
    t.send(3, &Request::Heartbeat { number: 1 });
    let steal = |t: &mut Bench, conn| {
        t.connect(conn);
        let ticket = t.tickets[&1].clone();
        t.send(conn, &Request::Resume(Resume { next_key: key(3), ..resume(conn, 1, &ticket) }));
        t.look_up(vec![account("alice")])
    };
    // The key is in the roster of every member, so it does not show whose ticket this is.
    assert_eq!(steal(&mut t, 4), ["4 <- rejected Superseded"]);
    t.disconnect(3);
    assert_eq!(steal(&mut t, 5), ["5 <- rejected Superseded"], "in its grace time");
    assert_eq!(t.reconnect(6, 3, "alice")[1], "6 <- welcome Continued alice", "its own ticket");
}

#[test]
fn a_void_ticket_does_not_continue_a_later_session() {
    let mut t = Bench::new();
    t.login(1, "alice");
    t.login(2, "alice");
    t.connect(3);
    let ticket = t.tickets[&1].clone();
    t.send(3, &Request::Resume(Resume { next_key: key(2), ..resume(3, 1, &ticket) }));
    assert_eq!(t.look_up(vec![account("alice")]), ["3 <- rejected Superseded"], "the key of a session is no secret");
}

#[test]
fn the_ticket_of_a_replaced_session_is_superseded() {
    let mut t = Bench::new();
    t.login(1, "alice");
    t.login(2, "alice");
    assert_eq!(t.reconnect(3, 1, "alice"), ["3 <- rejected Superseded"]);
    t.disconnect(2);
    assert_eq!(
        t.reconnect(4, 1, "alice"),
        ["4 <- rejected Superseded"],
        "also while the newer one is in its grace time"
    );
    assert_eq!(t.reconnect(5, 2, "alice"), welcomed(5, "Continued", "alice", "alice", 2));
}

#[test]
fn a_ticket_is_rejected_if_its_account_has_changed() {
    for (account, rejection) in [
        (vec![], "TicketRefused"),
        (vec![Account { generation: 2, ..account("alice") }], "TicketRefused"),
        (vec![Account { generation: 0, ..account("alice") }], "TicketRefused"),
        (vec![Account { status: Status::Removed, ..account("alice") }], "TicketRefused"),
        (vec![Account { status: Status::Disabled, generation: 2, ..account("alice") }], "Disabled"),
        (vec![account("bob")], "TicketRefused"),
        (vec![Account { id: account("alice").id, ..account("carol") }], "TicketRefused"),
        (vec![Account { id: account("alice").id, status: Status::Disabled, ..account("carol") }], "TicketRefused"),
        (vec![Account { created: Timestamp::from_millis(2), ..account("alice") }], "TicketRefused"),
    ] {
        let mut t = Bench::new();
        t.login(1, "alice");
        t.disconnect(1);
        t.connect(3);
        t.resume(3, 1);
        assert_eq!(t.look_up(account.clone()), [format!("3 <- rejected {rejection}")], "{account:?}");
        assert_eq!(t.request_login(3, "alice"), ["job authenticate alice"], "a password may still be tried");
    }
}

#[test]
fn forged_and_truncated_tickets_are_rejected_without_a_look_up() {
    let mut t = Bench::with(ServerConfig { max_guest_requests: 1_000, frame_burst: 1_000, ..untimed() });
    t.login(1, "alice");
    t.disconnect(1);
    t.connect(3);
    let ticket = t.tickets[&1].clone();
    for at in 0..ticket.len() {
        let refused = ["3 <- rejected TicketRefused"];
        assert_eq!(t.send(3, &Request::Resume(resume(3, 1, &ticket[..at]))), refused, "the first {at} bytes");
        let mut forged = ticket.clone();
        forged[at] ^= 1;
        assert_eq!(t.send(3, &Request::Resume(resume(3, 1, &forged))), refused, "byte {at}");
    }
    assert_eq!(t.send(3, &Request::Resume(resume(3, 1, &ticket))), ["job look-up 1"]);
}

#[test]
fn a_ticket_is_valid_for_a_day_and_renewed_every_hour() {
    let mut t = Bench::new();
    t.login(1, "alice");
    t.login(2, "bob");
    let first = t.tickets[&1].clone();
    assert_eq!(t.pass_alive(&[1], 3_599), ["close 2", "* <- 2..3 offline bob lost", "log offline bob lost"]);
    assert_eq!(t.pass_alive(&[1], 1), ["1 <- ticket"]);
    let second = t.tickets[&1].clone();
    t.disconnect(1);
    t.pass(23 * 3_600_000);
    t.connect(3);
    assert_eq!(t.send(3, &Request::Resume(resume(3, 1, &first))), ["job look-up 1"], "exactly a day");
    assert_eq!(t.look_up(vec![]), ["3 <- rejected TicketRefused"]);
    t.pass(1);
    assert_eq!(t.send(3, &Request::Resume(resume(3, 1, &first))), ["3 <- rejected TicketRefused"]);
    assert_eq!(t.send(3, &Request::Resume(resume(3, 1, &second))), ["job look-up 1"]);
}

#[test]
fn the_next_key_must_be_new() {
    let mut t = Bench::new();
    t.login(1, "alice");
    t.login(2, "bob");
    t.feed(Input::Closed { conn: ConnId::new(1), why: Closed::TooSlow });
    t.connect(3);
    let ticket = t.tickets[&1].clone();
    for (next_key, lines) in [(key(1), &["3 <- rejected KeyInUse"][..]), (key(2), &["job look-up 1"])] {
        assert_eq!(t.send(3, &Request::Resume(Resume { next_key, ..resume(3, 1, &ticket) })), lines);
    }
    assert_eq!(t.look_up(vec![account("alice")]), ["3 <- rejected KeyInUse"], "it is the key of bob's session");
}

#[test]
fn clients_that_resume_together_are_looked_up_together() {
    let mut t = Bench::new();
    for (conn, user) in [(1, "alice"), (2, "bob"), (3, "carol")] {
        t.login(conn, user);
        t.disconnect(conn);
    }
    for (conn, before) in [(11, 1), (12, 2), (13, 3)] {
        t.connect(conn);
        let lines = t.resume(conn, before);
        assert_eq!(lines.len(), usize::from(conn == 11), "one job at a time");
    }
    t.disconnect(12);
    let lines = t.look_up(vec![account("alice")]);
    let [admit, welcome, page, complete] = welcomed(11, "Continued", "alice", "alice bob carol", 3);
    assert_eq!(lines, [admit, welcome, "job look-up 3".into(), page, complete], "bob has disconnected");
    assert_eq!(t.look_up(vec![account("carol")]), welcomed(13, "Continued", "carol", "alice bob carol", 3));
}

#[test]
fn a_ticket_stays_valid_while_the_accounts_are_unavailable() {
    let mut t = Bench::new();
    t.login(1, "alice");
    t.disconnect(1);
    t.connect(3);
    t.resume(3, 1);
    let (job, _) = t.jobs.pop_front().unwrap();
    assert_eq!(t.done(job, JobResult::Accounts(Err(unavailable()))), ["3 <- rejected StorageUnavailable"]);
    assert_eq!(t.resume(3, 1), ["job look-up 1"]);
    assert_eq!(t.look_up(vec![account("alice")]), welcomed(3, "Continued", "alice", "alice", 1));
}

#[test]
fn a_connection_that_ends_during_the_look_up_leaves_its_session_in_the_grace_time() {
    let mut t = Bench::new();
    t.login(1, "alice");
    t.disconnect(1);
    t.connect(3);
    t.resume(3, 1);
    t.disconnect(3);
    assert_eq!(t.look_up(vec![account("alice")]), [""; 0]);
    assert_eq!(t.pass(15_000), ["* <- 1..2 offline alice lost", "log offline alice lost"]);
}
