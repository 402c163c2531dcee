//! Who comes back and says how far its copy is, gets what it has missed, and nobody else does.

use super::*;

/// Five are online, on connections with the numbers of their accounts. The roster is at revision 5.
fn five(config: ServerConfig) -> Bench {
    let mut t = Bench::with(config);
    for (conn, user) in (1..).zip(["alice", "bob", "carol", "dave", "eve"]) {
        t.log_in(conn, user);
    }
    t.pass(1_000);
    t
}

/// The lines of a welcome with what was missed.
fn caught_up(conn: u64, to: u64, missed: &[&str]) -> Vec<String> {
    let welcome = [format!("admit {conn}"), format!("{conn} <- welcome Continued alice up to {to}")];
    welcome.into_iter().chain(missed.iter().map(|update| format!("{conn} <- {update}"))).collect()
}

#[test]
fn who_comes_back_is_sent_what_it_missed_and_then_what_all_are_sent() {
    let mut t = five(untimed());
    t.break_off(1);
    t.say(2, &Request::Leave);
    t.log_in(6, "frank");
    let missed = ["5..6 offline bob asked", "6..7 online frank 192.168.1.6:40001"];
    assert_eq!(t.come_back_at(7, 1, "alice", 5), caught_up(7, 7, &missed));
    assert_eq!(t.say(6, &Request::Leave)[1], "* <- 7..8 offline frank asked");
    t.break_off(7);
    assert_eq!(t.come_back_at(8, 7, "alice", 8), caught_up(8, 8, &[]), "which may be nothing");
    let lines = t.come_back_at(9, 8, "alice", 7);
    assert_eq!(lines[0], "close 8", "which only the client knew to be broken");
    assert_eq!(lines[1..], caught_up(9, 8, &["7..8 offline frank asked"]));
    assert_eq!((t.server.counts()[Count::Resumed], t.server.counts()[Count::CaughtUp]), (3, 3));
}

#[test]
fn what_nobody_was_told_yet_follows_for_all() {
    let mut t = five(ServerConfig::default());
    t.break_off(1);
    t.say(2, &Request::Leave);
    t.say(3, &Request::Leave);
    let moved =
        Offer { policy: OfferPolicy::Advertised, addresses: vec!["10.0.0.9:4000".parse().unwrap()], ..offer(1) };
    t.connect(7);
    let ticket = t.tickets[&1].clone();
    let extras =
        [version_extra(KNOWN_VERSION, RosterVersion { revision: Revision::new(5), ..t.publication().published() })]
            .into_iter()
            .collect();
    t.say(7, &Request::Resume(Resume { offer: moved, extras, ..resume(7, 1, &ticket) }));
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
fn who_lies_about_its_copy_gets_a_whole_one() {
    let mut t = five(ServerConfig::default());
    t.break_off(1);
    t.say(2, &Request::Leave);
    t.log_in(6, "frank");
    t.log_in(7, "greg");
    t.pass(1_000);
    // 5..6, 6..8 and 8..9 were told, and 9..10 was not.
    t.say(3, &Request::Leave);
    t.say(4, &Request::Leave);
    let here = t.publication().published();
    assert_eq!(here.revision, Revision::new(9));
    let at = |epoch: Epoch, revision| {
        version_extra(KNOWN_VERSION, RosterVersion { epoch, revision: Revision::new(revision) })
    };
    let elsewhere = Epoch::new(here.epoch.get() ^ 1);
    let lies = [
        at(here.epoch, 10),
        at(here.epoch, 7),
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
    for (conn, lie) in (10..).zip(lies) {
        let lines = t.come_back_with(conn, 1, "alice", lie.clone());
        let welcome = format!("{conn} <- welcome Continued alice");
        assert!(lines.contains(&welcome) && !lines.iter().any(|line| line.contains("..")), "{lie:?}: {lines:?}");
        // From here on 9..10 is told as well.
        let lines = [lines, t.pass(1_000)].concat();
        assert!(lines.contains(&format!("{conn} <- page alice eve frank greg")), "{lie:?}: {lines:?}");
    }
    assert_eq!(t.server.counts()[Count::CaughtUp], 0);
}

#[test]
fn nobody_is_told_of_those_who_left_before_it_came() {
    let mut t = five(untimed());
    t.say(2, &Request::Leave);
    t.log_in(6, "frank");
    t.break_off(6);
    assert_eq!(t.come_back_at(7, 6, "frank", 6), welcomed(7, "Continued", "frank", "alice carol dave eve frank", 7));
    assert_eq!(
        t.come_back_at(8, 7, "frank", 7)[2],
        "8 <- welcome Continued frank up to 7",
        "and that is its own coming"
    );
}

#[test]
fn who_missed_more_than_a_copy_is_long_gets_a_copy() {
    let mut t = five(untimed());
    t.break_off(1);
    for conn in 0..10 {
        t.log_in(10 + conn, "frank");
        t.say(10 + conn, &Request::Leave);
    }
    assert_eq!(t.come_back_at(7, 1, "alice", 5), welcomed(7, "Continued", "alice", "alice bob carol dave eve", 25));
    assert_eq!(
        t.come_back_at(8, 7, "alice", 24)[2..],
        ["8 <- welcome Continued alice up to 25", "8 <- 24..25 offline frank asked"]
    );
}

#[test]
fn what_was_forgotten_cannot_be_sent() {
    for (most, is_known) in [(1_000, true), (40, false), (0, false)] {
        let mut t = five(ServerConfig { max_update_log: most, ..untimed() });
        t.break_off(1);
        t.say(2, &Request::Leave);
        t.say(3, &Request::Leave);
        let lines = t.come_back_at(7, 1, "alice", 5);
        assert_eq!(lines.contains(&"7 <- welcome Continued alice up to 7".to_owned()), is_known, "{most}: {lines:?}");
        t.break_off(7);
        assert_eq!(t.come_back_at(8, 7, "alice", 7), caught_up(8, 7, &[]), "nothing missed is always known");
    }
}

#[test]
fn a_session_that_begins_anew_and_one_from_before_a_restart_get_a_copy() {
    let mut t = five(untimed());
    t.say(1, &Request::Leave);
    let lines = t.come_back_at(7, 1, "alice", 5);
    assert_eq!(lines[1], "7 <- welcome Fresh alice");
    assert_eq!(lines[4..], ["7 <- page alice bob carol dave eve", "7 <- complete 7"]);
    let before = t.publication().published();
    t.feed(Input::Stop);
    let mut t = t.restarted();
    let lines = t.come_back_with(8, 7, "alice", version_extra(KNOWN_VERSION, before));
    assert_eq!(lines[1], "8 <- welcome Continued alice");
    assert_eq!(lines[4..], ["8 <- page alice", "8 <- complete 1"]);
}

#[test]
fn a_delta_counts_as_read_like_a_snapshot() {
    let mut t = five(untimed());
    t.quiet = false;
    t.break_off(1);
    assert_eq!(t.come_back_at(7, 1, "alice", 5), caught_up(7, 5, &[]));
    assert_eq!(t.drain(ConnId::new(7), Missed::Nothing), [""; 0]);
    let snapshot = ["7 <- page alice bob carol dave eve", "7 <- complete 5"];
    assert_eq!(t.say(7, &Request::Refresh), snapshot);
    t.break_off(7);
    assert_eq!(t.come_back_at(8, 7, "alice", 5), caught_up(8, 5, &[]));
    assert_eq!(t.drain(ConnId::new(8), Missed::Changes)[1], "8 <- complete 5", "it missed broadcasts since");
}
