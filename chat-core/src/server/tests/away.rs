//! Being away: published to all, limited in its rate, and over with the session.

use super::*;
use crate::away::AwayText;

const AWAY: Request<'static> = Request::SetAway(Some("在开会"));
const BACK: Request<'static> = Request::SetAway(None);

#[test]
fn a_user_who_goes_away_is_published_to_all_and_not_recorded() {
    let mut t = Bench::new();
    t.login(1, "alice");
    t.login(2, "bob");
    assert_eq!(t.send(1, &AWAY), ["* <- 2..3 replaced alice 192.168.1.1:40001 (away: 在开会)"]);
    assert_eq!(t.entry("alice").away().unwrap().as_str(), "在开会");
    assert_eq!(t.send(1, &AWAY), [""; 0], "nothing changes");
    // A user who comes later finds it in the snapshot.
    t.login(3, "carol");
    assert_eq!(t.send(1, &BACK), ["* <- 4..5 replaced alice 192.168.1.1:40001"]);
    assert_eq!(t.entry("alice").extras, Extras::default());
    assert_eq!(
        t.send(1, &Request::SetAway(Some(""))),
        ["* <- 5..6 replaced alice 192.168.1.1:40001 (away: )"],
        "without a text"
    );
}

#[test]
fn a_user_stays_away_over_a_reconnect_and_a_move_and_not_over_a_login() {
    let mut t = Bench::new();
    t.login(1, "alice");
    t.send(1, &AWAY);
    t.disconnect(1);
    t.reconnect(2, 1, "alice");
    assert_eq!(t.welcomes[&2].entry.away().unwrap().as_str(), "在开会");
    t.send(2, &Request::Move(Offer { addresses: vec!["10.0.0.9:40001".parse().unwrap()], ..offer(2) }));
    assert!(t.entry("alice").away().is_some());
    t.login(3, "alice");
    assert_eq!(t.entry("alice").away(), None, "another session");
}

#[test]
fn a_session_that_begins_again_with_a_ticket_begins_away() {
    let mut t = Bench::new();
    t.login(1, "alice");
    t.login(2, "bob");
    t.send(1, &AWAY);
    // After a restart, nobody sees alice come back and go away.
    let mut t = t.restarted();
    let lines = t.reconnect_away(11, 1, "alice", "在开会");
    assert_eq!(lines[2], "* <- 0..1 online alice 192.168.1.1:40001 (away: 在开会)");
    assert_eq!(t.welcomes[&11].entry.away().unwrap().as_str(), "在开会");
    // After the grace time the session is another one.
    t.disconnect(11);
    t.pass(15_000);
    assert_eq!(t.online(), [""; 0]);
    let lines = t.reconnect_away(12, 11, "alice", "吃饭");
    assert!(lines[2].ends_with("online alice 192.168.1.1:40001 (away: 吃饭)"), "{lines:?}");
    // The server knows about a session that is online. Only `SetAway` changes that.
    t.disconnect(12);
    let lines = t.reconnect_away(13, 12, "alice", "whatever");
    assert!(lines.iter().all(|line| !line.contains("replaced")), "{lines:?}");
    assert_eq!(t.entry("alice").away().unwrap().as_str(), "吃饭");
}

#[test]
fn a_resume_with_an_invalid_away_text_counts_as_one_without() {
    for invalid in ["two\nlines", &"x".repeat(AwayText::MAX_BYTES + 1)] {
        let mut t = Bench::new();
        t.login(1, "alice");
        let mut t = t.restarted();
        let lines = t.reconnect_away(11, 1, "alice", invalid);
        assert_eq!(lines[2], "* <- 0..1 online alice 192.168.1.1:40001");
    }
}

#[test]
fn an_account_that_goes_away_and_comes_back_all_the_time_is_slowed_down_and_the_last_time_counts() {
    let mut t = Bench::new();
    t.login(1, "alice");
    let texts: Vec<String> = (0..8).map(|number| format!("away {number}")).collect();
    let mut published = 0;
    let mut limited = 0;
    for text in &texts {
        let lines = t.send(1, &Request::SetAway(Some(text)));
        published += lines.iter().filter(|line| line.starts_with("* <- ")).count();
        limited += lines.iter().filter(|line| *line == "reached away-changes").count();
    }
    assert_eq!((published, limited), (4, 4));
    assert_eq!(t.entry("alice").away().unwrap().as_str(), "away 3");
    t.pass_alive(&[1], 9);
    assert_eq!(t.entry("alice").away().unwrap().as_str(), "away 3");
    t.pass_alive(&[1], 2);
    assert_eq!(t.entry("alice").away().unwrap().as_str(), "away 7", "the last one");
    // Another session of the account waits as well.
    t.login(2, "alice");
    t.send(2, &AWAY);
    assert_eq!(t.entry("alice").away(), None);
}

/// The numbers that docs/PROTOCOL.md states.
#[test]
fn what_one_member_costs_the_others_is_bounded() {
    let mut t = Bench::new();
    t.login(1, "alice");
    let mut updates = 0;
    for second in 0..600 {
        for number in 0..3 {
            let mut lines = t.send(1, &Request::SetAway(Some(&format!("{second} {number}"))));
            lines.extend(t.pass(333));
            updates += lines.iter().filter(|line| line.starts_with("* <- ")).count();
        }
    }
    assert_eq!(updates, 4 + 59, "a burst, and then one update in ten seconds");
    let longest = "x".repeat(AwayText::MAX_BYTES).parse().unwrap();
    let mut entry = Entry {
        user: UserName::parse(&"\u{2000b}".repeat(32)).unwrap(),
        addresses: vec!["[2001:db8:1:2:3:4:5:6]:65535".parse().unwrap(); Entry::MAX_ADDRESSES],
        ..t.entry("alice").clone()
    };
    entry.set_away(Some(&longest));
    let change = (t.now.wall, Change::Replaced(entry));
    let mut bytes = Vec::new();
    encode(&change, &mut bytes);
    assert!(bytes.len() <= 512, "{} bytes", bytes.len());
}

#[test]
fn an_away_text_that_breaks_a_rule_ends_the_connection_as_any_malformed_request() {
    for wrong in ["two\nlines", &"x".repeat(129)] {
        let mut t = Bench::new();
        t.login(1, "alice");
        let lines = t.send(1, &Request::SetAway(Some(wrong)));
        assert_eq!(lines, ["1 <- rejected Malformed", "close 1"], "{wrong:?}");
    }
    let mut t = Bench::new();
    t.connect(1);
    assert_eq!(t.send(1, &AWAY), ["1 <- rejected UnexpectedRequest"], "a guest is not online");
}
