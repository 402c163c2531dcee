//! A server that stops: what it finishes first, and what it no longer does.

use super::*;

const NEW: &str = "battery staple";

fn register(t: &mut Bench, conn: u64, user: &str) {
    t.connect(conn);
    let request = Login { purpose: Purpose::Register, ..login(conn, user) };
    assert_eq!(t.send(conn, &Request::Login(request)), [format!("job register {user}")]);
}

#[test]
fn a_stopping_server_notifies_its_sessions_once_and_ignores_later_inputs() {
    let mut t = Bench::new();
    t.login(1, "alice");
    t.connect(2);
    t.request_login(2, "bob");
    assert_eq!(t.feed(Input::Stop), ["close 2", "1 <- ended Stopping", "close 1", "log server stopping"]);
    assert!(t.server.is_stopped());
    assert_eq!(t.answer(Ok(account("bob"))), [""; 0]);
    assert_eq!(t.connect_from(3, "192.168.1.3:50000"), [""; 0]);
    assert_eq!(t.disconnect(1), [""; 0]);
    assert_eq!(t.feed(Input::Stop), [""; 0]);
    assert_eq!(t.server.deadline(), None);
}

#[test]
fn a_registration_in_flight_is_answered_before_the_server_stops() {
    let mut t = Bench::with(ServerConfig::default());
    t.login(1, "alice");
    t.pass(1_000);
    register(&mut t, 2, "bob");
    register(&mut t, 3, "carol");
    t.connect(4);
    assert_eq!(t.feed(Input::Stop), ["close 4"], "only the guest without a registration");
    assert!(!t.server.is_stopped());
    assert_eq!(t.connect_from(5, "192.168.1.5:50000"), ["close 5"]);
    assert_eq!(t.send(1, &Request::Heartbeat { number: 1 }), ["1 <- beat 1"], "sessions go on");
    assert_eq!(
        t.answer(Ok(account("bob"))),
        then(
            &["* <- 1..2 online bob 192.168.1.2:40001", "log online bob 192.168.1.2:40001"],
            welcomed(2, "LoggedIn", "bob", "alice bob", 2)
        )
    );
    assert_eq!(
        t.answer(Ok(account("carol"))),
        [
            "admit 3",
            "3 <- welcome LoggedIn carol",
            "* <- 2..3 online carol 192.168.1.3:40001",
            "log online carol 192.168.1.3:40001",
            "3 <- page alice bob carol",
            "3 <- complete 3",
            "1 <- ended Stopping",
            "close 1",
            "2 <- ended Stopping",
            "close 2",
            "3 <- ended Stopping",
            "close 3",
            "log server stopping",
        ],
        "with its roster, and then the reason"
    );
    assert!(t.server.is_stopped());
}

#[test]
fn a_registration_that_is_rejected_while_the_server_stops_is_not_tried_again() {
    let mut t = Bench::new();
    register(&mut t, 1, "alice");
    register(&mut t, 2, "bob");
    assert_eq!(t.feed(Input::Stop), [""; 0]);
    assert_eq!(t.answer(Err(AccountError::NameTaken)), ["1 <- rejected NameTaken"]);
    assert_eq!(t.request_login(1, "alice"), ["close 1"]);
    assert_eq!(t.answer(Err(AccountError::NameTaken)), ["2 <- rejected NameTaken", "close 2", "log server stopping"]);
}

#[test]
fn a_password_change_in_flight_is_answered_and_no_further_one_begins() {
    let mut t = Bench::new();
    t.login(1, "alice");
    t.login(2, "bob");
    let change = Request::ChangePassword(ChangePassword { old: PASSWORD, new: NEW });
    assert_eq!(t.send(1, &change), ["job change-password 1"]);
    assert_eq!(t.feed(Input::Stop), [""; 0]);
    assert_eq!(t.send(2, &change), ["2 <- password-change Err(Busy { retry_after_ms: 1000 })"]);
    let changed = Account { generation: 2, ..account("alice") };
    let lines = t.answer(Ok(changed));
    assert_eq!(lines[..3], ["1 <- ticket", "1 <- password-change Ok(())", "1 <- ended Stopping"]);
}

#[test]
fn a_server_stops_when_its_time_is_over() {
    let mut t = Bench::new();
    t.login(1, "alice");
    register(&mut t, 2, "bob");
    assert_eq!(t.feed(Input::Stop), [""; 0]);
    assert_eq!(t.pass(1_999), [""; 0]);
    assert_eq!(t.pass(1), ["1 <- ended Stopping", "close 1", "close 2", "log server stopping"]);
    assert_eq!(t.answer(Ok(account("bob"))), [""; 0]);
}
