//! A client that resumes and states its roster version receives a delta, and no other client does.

use super::*;

/// A server with five sessions, on connections with the numbers of their accounts. The roster is at revision 5.
fn five(config: ServerConfig) -> Bench {
    let mut t = Bench::with(config);
    for (conn, user) in (1..).zip(["alice", "bob", "carol", "dave", "eve"]) {
        t.login(conn, user);
    }
    t.pass(1_000);
    t
}

/// The lines of a welcome with a delta.
fn caught_up(conn: u64, to: u64, updates: &[&str]) -> Vec<String> {
    let welcome = [format!("admit {conn}"), format!("{conn} <- welcome Continued alice up to {to}")];
    welcome.into_iter().chain(updates.iter().map(|update| format!("{conn} <- {update}"))).collect()
}

#[test]
fn a_client_that_resumes_receives_a_delta_and_then_the_broadcasts() {
    let mut t = five(untimed());
    t.disconnect(1);
    t.send(2, &Request::Leave);
    t.login(6, "frank");
    let updates = ["5..6 offline bob asked", "6..7 online frank 192.168.1.6:40001"];
    assert_eq!(t.reconnect_at(7, 1, "alice", 5), caught_up(7, 7, &updates));
    assert_eq!(t.send(6, &Request::Leave)[1], "* <- 7..8 offline frank asked");
    t.disconnect(7);
    assert_eq!(t.reconnect_at(8, 7, "alice", 8), caught_up(8, 8, &[]), "an empty delta");
    let lines = t.reconnect_at(9, 8, "alice", 7);
    assert_eq!(lines[0], "close 8", "the server did not know that it was broken");
    assert_eq!(lines[1..], caught_up(9, 8, &["7..8 offline frank asked"]));
    assert_eq!((t.server.counts()[Count::Resumed], t.server.counts()[Count::CaughtUp]), (3, 3));
}

#[test]
fn pending_changes_follow_a_delta_as_a_broadcast() {
    let mut t = five(ServerConfig::default());
    t.disconnect(1);
    t.send(2, &Request::Leave);
    t.send(3, &Request::Leave);
    let moved =
        Offer { policy: OfferPolicy::Advertised, addresses: vec!["10.0.0.9:4000".parse().unwrap()], ..offer(1) };
    t.connect(7);
    let ticket = t.tickets[&1].clone();
    let extras =
        [version_extra(KNOWN_VERSION, RosterVersion { revision: Revision::new(5), ..t.publication().published() })]
            .into_iter()
            .collect();
    t.send(7, &Request::Resume(Resume { offer: moved, extras, ..resume(7, 1, &ticket) }));
    assert_eq!(t.look_up(vec![account("alice")]), caught_up(7, 6, &["5..6 offline bob asked"]));
    assert_eq!(
        t.pass(25),
        [
            "* <- 6..8 offline carol asked, moved alice 10.0.0.9:4000",
            "log offline carol asked",
            "log moved alice 10.0.0.9:4000"
        ]
    );
}

#[test]
fn a_delta_begins_with_the_frame_that_holds_the_version() {
    let mut t = five(ServerConfig::default());
    t.disconnect(1);
    t.send(2, &Request::Leave);
    t.login(6, "frank");
    t.login(7, "greg");
    t.pass(1_000);
    // 5..6 and 6..8 are published.
    let lines = t.reconnect_at(10, 1, "alice", 7);
    let both = "10 <- 6..8 online frank 192.168.1.6:40001, online greg 192.168.1.7:40001";
    assert!(lines.contains(&both.to_owned()), "{lines:?}");
}

#[test]
fn a_client_that_states_a_wrong_version_receives_a_snapshot() {
    let mut t = five(ServerConfig::default());
    t.disconnect(1);
    t.send(2, &Request::Leave);
    t.login(6, "frank");
    t.login(7, "greg");
    t.pass(1_000);
    // 5..6, 6..8 and 8..9 are published, and 9..10 is pending.
    t.send(3, &Request::Leave);
    t.send(4, &Request::Leave);
    let here = t.publication().published();
    assert_eq!(here.revision, Revision::new(9));
    let at = |epoch: Epoch, revision| {
        version_extra(KNOWN_VERSION, RosterVersion { epoch, revision: Revision::new(revision) })
    };
    let elsewhere = Epoch::new(here.epoch.get() ^ 1);
    let versions = [
        at(here.epoch, 10),
        at(here.epoch, 11),
        at(here.epoch, u64::MAX),
        at(here.epoch, 0),
        at(elsewhere, 9),
        at(elsewhere, 5),
        Extra { tag: KNOWN_VERSION, value: vec![] },
        Extra { tag: KNOWN_VERSION, value: vec![0xff; 40] },
        Extra { value: [&version_extra(KNOWN_VERSION, here).value[..], &[0]].concat(), tag: KNOWN_VERSION },
        Extra { tag: KNOWN_VERSION + 1, value: version_extra(KNOWN_VERSION, here).value.clone() },
    ];
    for (conn, version) in (10..).zip(versions) {
        let lines = t.reconnect_with(conn, 1, "alice", version.clone());
        let welcome = format!("{conn} <- welcome Continued alice");
        assert!(lines.contains(&welcome) && !lines.iter().any(|line| line.contains("..")), "{version:?}: {lines:?}");
        // From here on 9..10 is published as well.
        let lines = [lines, t.pass(1_000)].concat();
        assert!(lines.contains(&format!("{conn} <- page alice eve frank greg")), "{version:?}: {lines:?}");
    }
    assert_eq!(t.server.counts()[Count::CaughtUp], 0);
}

#[test]
fn a_delta_never_begins_before_the_arrival_of_its_session() {
    let mut t = five(untimed());
    t.send(2, &Request::Leave);
    t.login(6, "frank");
    t.disconnect(6);
    assert_eq!(t.reconnect_at(7, 6, "frank", 6), welcomed(7, "Continued", "frank", "alice carol dave eve frank", 7));
    assert_eq!(t.reconnect_at(8, 7, "frank", 7)[2], "8 <- welcome Continued frank up to 7", "its own arrival");
}

#[test]
fn a_client_receives_a_snapshot_if_that_is_shorter_than_the_delta() {
    let mut t = five(untimed());
    t.disconnect(1);
    for conn in 0..10 {
        t.login(10 + conn, "frank");
        t.send(10 + conn, &Request::Leave);
    }
    assert_eq!(t.reconnect_at(7, 1, "alice", 5), welcomed(7, "Continued", "alice", "alice bob carol dave eve", 25));
    assert_eq!(
        t.reconnect_at(8, 7, "alice", 24)[2..],
        ["8 <- welcome Continued alice up to 25", "8 <- 24..25 offline frank asked"]
    );
}

#[test]
fn a_client_receives_a_snapshot_if_the_update_log_is_too_short() {
    for (max_update_log, is_known) in [(1_000, true), (40, false), (0, false)] {
        let mut t = five(ServerConfig { max_update_log, ..untimed() });
        t.disconnect(1);
        t.send(2, &Request::Leave);
        t.send(3, &Request::Leave);
        let lines = t.reconnect_at(7, 1, "alice", 5);
        assert_eq!(
            lines.contains(&"7 <- welcome Continued alice up to 7".to_owned()),
            is_known,
            "{max_update_log}: {lines:?}"
        );
        t.disconnect(7);
        assert_eq!(t.reconnect_at(8, 7, "alice", 7), caught_up(8, 7, &[]), "an empty delta needs no log");
    }
}

#[test]
fn a_fresh_session_and_one_from_before_a_restart_receive_a_snapshot() {
    let mut t = five(ServerConfig { grace: Duration::from_millis(1), ..untimed() });
    t.disconnect(1);
    t.pass(1);
    let lines = t.reconnect_at(7, 1, "alice", 5);
    assert_eq!(lines[1], "7 <- welcome Fresh alice");
    assert_eq!(lines[4..], ["7 <- page alice bob carol dave eve", "7 <- complete 7"]);
    let before = t.publication().published();
    t.feed(Input::Stop);
    let mut t = t.restarted();
    let lines = t.reconnect_with(8, 7, "alice", version_extra(KNOWN_VERSION, before));
    assert_eq!(lines[1], "8 <- welcome Continued alice");
    assert_eq!(lines[4..], ["8 <- page alice", "8 <- complete 1"]);
}

#[test]
fn a_delta_counts_as_read_like_a_snapshot() {
    let mut t = five(untimed());
    t.quiet = false;
    t.disconnect(1);
    assert_eq!(t.reconnect_at(7, 1, "alice", 5), caught_up(7, 5, &[]));
    assert_eq!(t.drain(ConnId::new(7), Missed::Nothing), [""; 0]);
    let snapshot = ["7 <- page alice bob carol dave eve", "7 <- complete 5"];
    assert_eq!(t.send(7, &Request::Refresh), snapshot);
    t.disconnect(7);
    assert_eq!(t.reconnect_at(8, 7, "alice", 5), caught_up(8, 5, &[]));
    assert_eq!(t.drain(ConnId::new(8), Missed::Changes)[1], "8 <- complete 5", "it missed broadcasts since");
}
