//! Who is online: in every client's events, in the roster, and in the presence log.

use std::thread;
use std::time::Duration;

use crate::harness::{Client, Home, Server, on_both_databases, without_address};

#[test]
fn three_users_talk_and_the_presence_log_records_them() {
    on_both_databases(|database| {
        let mut server = Server::start(database);
        let mut addresses = Vec::new();
        for name in ["alice", "bob", "小明"] {
            let client = server.client(name).register().start();
            assert_eq!(client.welcome, format!("welcome {name}: "));
            assert_eq!(client.leave(), (Some(0), vec![]));
        }
        let mut alice = server.client("alice").start();
        assert_eq!(alice.welcome, "welcome alice: ");
        let mut bob = server.client("bob").start();
        assert_eq!(bob.welcome, "welcome bob: alice");
        let mut ming = server.client("小明").start();
        assert_eq!(ming.welcome, "welcome 小明: alice, bob");
        addresses.push(alice.expect(&["online bob"])[0]["address"].clone());
        addresses.push(bob.expect(&["online 小明"])[0]["address"].clone());
        alice.expect(&["online 小明"]);
        bob.type_line("/who");
        let roster = &bob.expect(&["roster: alice, 小明"])[0]["online"];
        let of = |name: &str| roster.as_array().unwrap().iter().find(|entry| entry["user"] == name).unwrap();
        assert_eq!(of("小明")["address"], addresses[1]);
        addresses.insert(0, of("alice")["address"].clone());

        exchange_messages([&mut alice, &mut bob, &mut ming]);

        ming.type_line("/offline");
        assert_eq!(ming.end(), (Some(0), vec![]));
        for client in [&mut alice, &mut bob] {
            client.expect(&["offline 小明 asked"]);
            client.type_line("/msg 小明 are you there?");
            client.expect(&["error unknown-recipient"]);
        }
        // The exit code reports one wrong line of each.
        assert_eq!(alice.leave(), (Some(1), vec![]));
        bob.expect(&["offline alice asked"]);
        assert_eq!(bob.leave(), (Some(1), vec![]));
        server.process.signal(rustix::process::Signal::TERM);
        assert_eq!(server.process.exit().code(), Some(0));
        let [alice, bob, ming] = [0, 1, 2].map(|of| addresses[of].as_str().unwrap());
        let mut log = server.presence_log();
        // The first sessions had other addresses.
        for line in &mut log[1..7] {
            *line = without_address(line).to_owned();
        }
        assert_eq!(
            log,
            [
                "server started",
                "online alice",
                "offline alice asked",
                "online bob",
                "offline bob asked",
                "online 小明",
                "offline 小明 asked",
                &format!("online alice {alice}"),
                &format!("online bob {bob}"),
                &format!("online 小明 {ming}"),
                "offline 小明 asked",
                "offline alice asked",
                "offline bob asked",
                "server stopping",
            ]
        );
    });
}

/// Asserts that a message to everyone reaches the other two, that a private one reaches its recipient, and that all
/// arrive in order.
fn exchange_messages([alice, bob, ming]: [&mut Client; 3]) {
    alice.type_line("good morning");
    alice.type_line("/msg 小明 just for you, 小明");
    alice.type_line("good night");
    let sent = alice.until("sent > everyone to 2").pop();
    assert!(sent.is_some());
    let mut rest = alice.until("summary 2 delivered");
    rest.extend(alice.until("summary 2 delivered"));
    rest.sort_unstable();
    assert_eq!(
        rest,
        [
            "outcome bob delivered",
            "outcome bob delivered",
            "outcome 小明 delivered",
            "outcome 小明 delivered",
            "outcome 小明 delivered",
            "sent > everyone to 2",
            "sent > 小明 to 1",
            "summary 2 delivered",
            "summary 2 delivered",
        ]
    );
    let public = bob.expect(&["message alice > everyone: good morning", "message alice > everyone: good night"]);
    let all = ming.expect(&[
        "message alice > everyone: good morning",
        "message alice > 小明: just for you, 小明",
        "message alice > everyone: good night",
    ]);
    assert_eq!(
        [&public[0]["id"], &public[1]["id"]],
        [&all[0]["id"], &all[2]["id"]],
        "a message has one id for all recipients"
    );
    assert!(all.is_sorted_by_key(|message| message["sent_at"].as_u64()), "{all:?}");
    ming.type_line("/msg alice 你好");
    ming.expect(&["sent > alice to 1", "outcome alice delivered"]);
    alice.expect(&["message 小明 > alice: 你好"]);
    bob.assert_no_more_events();
}

#[test]
fn a_newer_login_replaces_the_session_for_good() {
    /// Longer than the interval between two heartbeats (10 s).
    const A_HEARTBEAT: Duration = Duration::from_secs(11);
    on_both_databases(|database| {
        let server = Server::start(database);
        let mut bob = server.client("bob").register().start();
        let first = server.client("alice").register().start();
        let mut second = server.client("alice").start();
        assert_eq!(second.welcome, "welcome alice: bob");
        assert_ne!(second.session, first.session);
        assert_eq!(first.end(), (Some(3), vec!["notice replaced".to_owned()]));
        bob.expect(&["online alice", "replaced alice"]);
        assert_eq!(bob.watch(A_HEARTBEAT), [""; 0], "an event after the replacement");
        bob.type_line("who are you?");
        bob.expect(&["sent > everyone to 1", "outcome alice delivered", "summary 1 delivered"]);
        second.expect(&["message bob > everyone: who are you?"]);
        second.assert_no_more_events();
        assert_eq!(server.presence_records(4), ["server started", "online bob", "online alice", "replaced alice"]);
    });
}

#[test]
fn messages_to_a_replaced_session_are_never_reported_as_left() {
    let server = Server::start_in(&Home::new(), &[]);
    let mut bob = server.client("bob").register().start();
    let _first = server.client("alice").register().start();
    let mut events = Vec::new();
    let mut sessions = Vec::new();
    for takeover in 1..=10 {
        let setup = server.client("alice");
        let newer = thread::spawn(move || setup.start());
        let is_replaced =
            |events: &[String]| events.iter().filter(|event| *event == "replaced alice").count() == takeover;
        while !is_replaced(&events) {
            bob.type_line("/msg alice which one?");
            events.extend(bob.watch(Duration::from_millis(1)));
        }
        sessions.push(newer.join().unwrap());
    }
    let count = |events: &[String], kind: &str| events.iter().filter(|event| event.starts_with(kind)).count();
    while count(&events, "outcome ") < count(&events, "sent ") {
        events.push(bob.next());
    }
    let outcomes: Vec<_> = events.iter().filter(|event| event.starts_with("outcome ")).collect();
    let is_expected = |outcome: &str| {
        ["delivered", "unconfirmed: replaced", "failed: replaced"].iter().any(|expected| outcome.ends_with(expected))
    };
    assert!(outcomes.iter().all(|outcome| is_expected(outcome)), "{outcomes:?}");
}
