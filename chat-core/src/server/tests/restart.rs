//! Tickets from before a restart.

use super::*;

#[test]
fn sessions_return_as_they_were() {
    let mut t = Bench::new();
    for (conn, user) in [(1, "alice"), (2, "bob"), (3, "carol")] {
        t.login(conn, user);
        t.sleep(Duration::from_millis(10));
    }
    let before: Vec<Entry> = t.server.roster().iter().cloned().collect();
    assert_eq!(
        t.feed(Input::Stop),
        [
            "1 <- ended Stopping",
            "close 1",
            "2 <- ended Stopping",
            "close 2",
            "3 <- ended Stopping",
            "close 3",
            "log server stopping"
        ],
        "no departures"
    );
    let mut t = t.restarted();
    for (revision, (conn, before, user, page)) in
        [(13, 3, "carol", "carol"), (11, 1, "alice", "alice carol"), (12, 2, "bob", "alice bob carol")]
            .into_iter()
            .enumerate()
    {
        let (from, to) = (revision as u64, revision as u64 + 1);
        let online = format!("online {user} 192.168.1.{before}:40001");
        assert_eq!(
            t.reconnect(conn, before, user),
            then(
                &[&format!("* <- {from}..{to} {online}"), &format!("log {online}")],
                welcomed(conn, "Continued", user, page, to)
            ),
            "{user}"
        );
        assert_eq!(t.welcomes[&conn].settling_ms, 45_000);
    }
    assert!(t.server.roster().iter().eq(&before), "with the same keys, times and addresses");
    assert_eq!(t.pass_alive(&[11, 12, 13], 60), [""; 0]);
    t.disconnect(12);
    assert_eq!(
        t.reconnect(22, 2, "bob"),
        welcomed(22, "Continued", "bob", "alice bob carol", 3),
        "the old ticket again"
    );
}

#[test]
fn a_session_that_took_the_key_of_a_returning_one_ends() {
    let mut t = Bench::new();
    t.login(1, "alice");
    let mut t = t.restarted();
    // Keys are public, so any client could log in with one that no online session uses.
    t.connect(12);
    assert_eq!(
        t.send(12, &Request::Login(Login { key: key(1), ..login(12, "mallory") })),
        ["job authenticate mallory"]
    );
    t.answer(Ok(account("mallory")));
    let lines = t.reconnect(11, 1, "alice");
    assert!(lines.contains(&"12 <- ended Kicked".to_owned()), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("Continued")), "{lines:?}");
    assert_eq!((t.entry("alice").key, t.server.roster().len()), (key(1), 1));
}

/// Alice has two tickets: one of a session that was replaced, and one of the session that replaced it.
fn with_two_tickets() -> Bench {
    let mut t = Bench::new();
    t.login(1, "alice");
    t.login(2, "alice");
    t.restarted()
}

#[test]
fn the_later_session_wins_if_it_returns_first() {
    let mut t = with_two_tickets();
    assert_eq!(t.reconnect(12, 2, "alice").len(), 6);
    assert_eq!(t.reconnect(11, 1, "alice"), ["11 <- rejected Superseded"]);
}

#[test]
fn the_later_session_wins_if_it_returns_second() {
    let mut t = with_two_tickets();
    assert_eq!(t.reconnect(11, 1, "alice").len(), 6);
    assert_eq!(
        t.reconnect(12, 2, "alice"),
        then(
            &[
                "11 <- ended Replaced",
                "close 11",
                "* <- 1..2 replaced alice 192.168.1.2:40001",
                "log replaced alice 192.168.1.2:40001",
            ],
            welcomed(12, "Continued", "alice", "alice", 2)
        )
    );
    assert_eq!(t.reconnect(13, 1, "alice"), ["13 <- rejected Superseded"]);
}

#[test]
fn a_login_after_the_restart_is_later_than_every_ticket() {
    let mut t = Bench::new();
    t.login(1, "alice");
    let mut t = t.restarted();
    t.login(2, "alice");
    assert_eq!(t.reconnect(11, 1, "alice"), ["11 <- rejected Superseded"]);
}

#[test]
fn a_session_that_ended_in_this_run_never_continues() {
    let mut t = with_two_tickets();
    t.reconnect(12, 2, "alice");
    let too_slow = |conn| Input::Closed { conn: ConnId::new(conn), why: Closed::TooSlow };
    assert_eq!(t.feed(too_slow(12)).len(), 2);
    for (conn, before) in [(21, 2), (22, 1), (23, 12)] {
        let lines = t.reconnect(conn, before, "alice");
        assert_eq!(lines[1], format!("{conn} <- welcome Fresh alice"), "ticket of {before}");
        assert_eq!(t.entry("alice").key, key(conn));
        t.feed(too_slow(conn));
    }
}

#[test]
fn another_ticket_key_voids_all_tickets() {
    let mut t = Bench::new();
    t.login(1, "alice");
    let mut t = t.restarted();
    t.server =
        Server::new(t.now, ServerConfig::default(), TicketKey::new([8; 32]), Box::new(Counting(9)), &mut Vec::new());
    t.connect(11);
    assert_eq!(t.resume(11, 1), ["11 <- rejected TicketRefused"]);
}
