//! Each event as the exact line that docs/JSON.md shows.

use std::time::Duration;

use chat_core::id::SessionId;
use chat_core::message::{FailReason, Outcome, Recipient, Scope, SentAt, UnconfirmedReason};
use chat_core::peer::Rung;
use chat_core::presence::{OfflineReason, Presence, PresenceEvent};

use super::*;
use crate::input_error::InputError;
use crate::texts::Language;
use crate::view::samples::{
    AT, ID, address, all_input_errors, all_notices, code_of, message, name, online, report, text,
};
use crate::view::{Link, LinkTrouble, Notice, OnlineUser, SentMessage, UserOutcome};

const DOCUMENT: &str = include_str!("../../../../docs/JSON.md");

/// Asserts that the event is rendered as this line, and that the documentation contains the line.
fn assert_line(event: &ViewEvent, line: &str) {
    let mut out = String::new();
    render(event, &Texts::default(), &mut out);
    assert_eq!(out, format!("{line}\n"));
    assert!(DOCUMENT.lines().any(|documented| documented == line), "docs/JSON.md does not contain the line\n{line}");
}

#[test]
fn welcome_and_roster() {
    let online = vec![online("bob")];
    assert_line(
        &ViewEvent::Welcome { user: name("alice"), session: SessionId::new(0xab), at: AT, online: online.clone() },
        r#"{"event":"welcome","user":"alice","session":"00000000000000ab","at":1795408080123,"online":[{"user":"bob","address":"192.168.1.7:40001","since":1795408080123}]}"#,
    );
    assert_line(
        &ViewEvent::Roster { online },
        r#"{"event":"roster","online":[{"user":"bob","address":"192.168.1.7:40001","since":1795408080123}]}"#,
    );
}

#[test]
fn what_is_known_of_the_links() {
    let near = OnlineUser { round_trip: Some(Duration::from_micros(412)), way: Some(Rung::Lan), ..online("bob") };
    let relayed =
        OnlineUser { round_trip: Some(Duration::from_millis(41)), way: Some(Rung::RelayedTcp), ..online("bob") };
    assert_line(
        &ViewEvent::Roster { online: vec![relayed] },
        r#"{"event":"roster","online":[{"user":"bob","address":"192.168.1.7:40001","since":1795408080123,"round_trip_us":41000,"way":"relayed-tcp"}]}"#,
    );
    let silent = OnlineUser { trouble: Some(LinkTrouble::Silent), ..online("小明") };
    assert_line(
        &ViewEvent::Roster { online: vec![near, silent] },
        r#"{"event":"roster","online":[{"user":"bob","address":"192.168.1.7:40001","since":1795408080123,"round_trip_us":412,"way":"lan"},{"user":"小明","address":"192.168.1.7:40001","since":1795408080123,"trouble":"silent"}]}"#,
    );
    for trouble in [LinkTrouble::Silent, LinkTrouble::NoAddress, LinkTrouble::Misbehaved] {
        let name = serde_json::to_value(trouble).unwrap();
        assert!(DOCUMENT.contains(&format!("| `{}` |", name.as_str().unwrap())), "docs/JSON.md has no row for {name}");
    }
}

#[test]
fn a_way_that_messages_take() {
    let link = |way, address, round_trip, loss| ViewEvent::Link {
        user: name("bob"),
        link: Link { way, address, round_trip, loss },
        at: Some(AT),
    };
    assert_line(
        &link(Rung::RelayedTcp, None, Some(Duration::from_micros(41_200)), 0.0),
        r#"{"event":"link","user":"bob","way":"relayed-tcp","round_trip_us":41200,"loss":0.0,"at":1795408080123}"#,
    );
    assert_line(
        &link(Rung::Lan, Some(address()), None, 1.0 / 64.0),
        r#"{"event":"link","user":"bob","way":"lan","address":"192.168.1.7:40001","loss":0.016,"at":1795408080123}"#,
    );
    for way in [Rung::Host, Rung::Lan, Rung::Routed, Rung::RelayedTcp, Rung::None] {
        let name = way.name();
        assert!(DOCUMENT.contains(&format!("| `{name}` |")), "docs/JSON.md has no row for {name}");
    }
}

#[test]
fn users_who_go_away_and_come_back() {
    let away = |text: &str| ViewEvent::away(name("bob"), text.parse().ok(), AT);
    assert_line(&away("在开会"), r#"{"event":"away","user":"bob","away":"在开会","at":1795408080123}"#);
    assert_line(&away(""), r#"{"event":"away","user":"bob","away":"","at":1795408080123}"#);
    assert_line(&ViewEvent::away(name("bob"), None, AT), r#"{"event":"back","user":"bob","at":1795408080123}"#);
    let online = vec![OnlineUser { away: "在开会".parse().ok(), ..online("bob") }];
    assert_line(
        &ViewEvent::Roster { online },
        r#"{"event":"roster","online":[{"user":"bob","address":"192.168.1.7:40001","since":1795408080123,"away":"在开会"}]}"#,
    );
}

#[test]
fn presence() {
    let address = address();
    for (presence, line) in [
        (
            Presence::Online(address),
            r#"{"event":"online","user":"bob","address":"192.168.1.7:40001","at":1795408080123}"#,
        ),
        (
            Presence::Offline(OfflineReason::TooSlow),
            r#"{"event":"offline","user":"bob","reason":"too-slow","at":1795408080123}"#,
        ),
        (
            Presence::Replaced(address),
            r#"{"event":"replaced","user":"bob","address":"192.168.1.7:40001","at":1795408080123}"#,
        ),
        (
            Presence::Moved(address),
            r#"{"event":"moved","user":"bob","address":"192.168.1.7:40001","at":1795408080123}"#,
        ),
    ] {
        assert_line(&PresenceEvent::new(AT, name("bob"), presence).into(), line);
    }
}

#[test]
fn message_to_everyone_and_private_message() {
    let (me, body) = (name("alice"), text("大家好\n\"hi\""));
    let group = message("bob", Scope::Group, body.as_str());
    assert_line(
        &ViewEvent::message(&group, body, &me),
        r#"{"event":"message","id":"00000000000000ab-7","from":"bob","to":"everyone","text":"大家好\n\"hi\"","sent_at":1795408080123,"received_at":1795408080127}"#,
    );
    let mut private = message("bob", Scope::Private, "psst");
    private.sent_at = SentAt::Arrival(AT);
    assert_line(
        &ViewEvent::message(&private, text("psst"), &me),
        r#"{"event":"message","id":"00000000000000ab-7","from":"bob","to":"alice","text":"psst","sent_at":1795408080123,"sent_at_is":"arrival","received_at":1795408080127}"#,
    );
}

#[test]
fn sent() {
    let bob = Recipient::One(name("bob"));
    assert_line(
        &ViewEvent::Sent { id: ID, to: Recipient::Everyone, recipients: 3, at: AT, reference: None },
        r#"{"event":"sent","id":"00000000000000ab-7","to":"everyone","recipients":3,"at":1795408080123}"#,
    );
    assert_line(
        &ViewEvent::Sent { id: ID, to: bob, recipients: 1, at: AT, reference: Some("r1".to_owned()) },
        r#"{"event":"sent","id":"00000000000000ab-7","to":"bob","recipients":1,"at":1795408080123,"ref":"r1"}"#,
    );
}

#[test]
fn outcome_and_summary() {
    for (outcome, line) in [
        (
            Outcome::Delivered,
            r#"{"event":"outcome","id":"00000000000000ab-7","user":"bob","result":"delivered","after_ms":12}"#,
        ),
        (
            Outcome::Failed(FailReason::QueueFull),
            r#"{"event":"outcome","id":"00000000000000ab-7","user":"bob","result":"failed","reason":"queue-full","after_ms":12}"#,
        ),
        (
            Outcome::Unconfirmed(UnconfirmedReason::TimedOut),
            r#"{"event":"outcome","id":"00000000000000ab-7","user":"bob","result":"unconfirmed","reason":"timed-out","after_ms":12}"#,
        ),
    ] {
        assert_line(&ViewEvent::outcome(report("bob", outcome), None), line);
    }
    let failed = vec![(name("bob"), Outcome::Unconfirmed(UnconfirmedReason::TimedOut))];
    assert_line(
        &ViewEvent::summary(ID, 17, failed, SentMessage::new(Recipient::Everyone, &text("hi"))),
        r#"{"event":"summary","id":"00000000000000ab-7","delivered":17,"failed":[{"user":"bob","result":"unconfirmed","reason":"timed-out"}]}"#,
    );
}

#[test]
fn info() {
    let failed = vec![UserOutcome::new(name("carol"), Outcome::Failed(FailReason::QueueFull))];
    let sent = SentMessage::new(Recipient::Everyone, &text("hi"));
    let (delivered, outstanding) = (vec![name("bob")], vec![name("小明")]);
    assert_line(
        &ViewEvent::Info { id: ID, to: Recipient::Everyone, at: AT, delivered, failed, outstanding, sent },
        r#"{"event":"info","id":"00000000000000ab-7","to":"everyone","at":1795408080123,"delivered":["bob"],"failed":[{"user":"carol","result":"failed","reason":"queue-full"}],"outstanding":["小明"]}"#,
    );
}

#[test]
fn error() {
    let unknown = InputError::UnknownRecipient { name: name("bbo"), suggestion: Some("bob".to_owned()) };
    assert_line(
        &ViewEvent::Error { error: unknown, reference: Some("r1".to_owned()) },
        r#"{"event":"error","code":"unknown-recipient","text":"nobody called bbo is online; did you mean bob?","ref":"r1"}"#,
    );
    assert_line(
        &ViewEvent::Error { error: InputError::ToOneself, reference: None },
        r#"{"event":"error","code":"to-oneself","text":"you cannot send a message to yourself; name another user"}"#,
    );
}

#[test]
fn notices_with_and_without_fields() {
    for (notice, line) in [
        (
            Notice::ServerStopping,
            r#"{"event":"notice","code":"server-stopping","text":"the server is stopping; messages between users still arrive"}"#,
        ),
        (
            Notice::Reconnecting { after: Duration::from_millis(1_250) },
            r#"{"event":"notice","code":"reconnecting","text":"the connection to the server broke; retrying in 1.2 s, while messages between users still arrive","after_ms":1250}"#,
        ),
        (
            Notice::NewSession { session: SessionId::new(0xcd) },
            r#"{"event":"notice","code":"new-session","text":"the server no longer had the session, so a new one began","session":"00000000000000cd"}"#,
        ),
        (
            Notice::PeerSilent { user: name("bob") },
            r#"{"event":"notice","code":"peer-silent","text":"bob does not answer, perhaps because of a firewall; still trying","user":"bob"}"#,
        ),
        (
            Notice::PeersRelayed { users: vec![name("bob"), name("小明")] },
            r#"{"event":"notice","code":"peers-relayed","text":"messages to bob, 小明 go through the server, still sealed: there is no direct way","users":["bob","小明"]}"#,
        ),
        (
            Notice::Away { away: "lunch".parse().unwrap(), reference: Some("r1".to_owned()) },
            r#"{"event":"notice","code":"away","text":"you are away: lunch; /back ends that","away":"lunch","ref":"r1"}"#,
        ),
        (
            Notice::PeerAway { user: name("bob"), away: "lunch".parse().unwrap() },
            r#"{"event":"notice","code":"peer-away","text":"bob is away: lunch","user":"bob","away":"lunch"}"#,
        ),
        (
            Notice::NobodyThere { reference: Some("r1".to_owned()) },
            r#"{"event":"notice","code":"nobody-there","text":"nobody else is online, so nobody received the message","ref":"r1"}"#,
        ),
    ] {
        assert_line(&notice.into(), line);
    }
}

#[test]
fn only_the_sentence_depends_on_the_language() {
    let mut out = String::new();
    let notice = Notice::NobodyThere { reference: Some("r1".to_owned()) };
    render(&notice.into(), &Texts::new(Language::Chinese), &mut out);
    let line = r#"{"event":"notice","code":"nobody-there","text":"没有别人在线，因此没有人收到这条消息","ref":"r1"}"#;
    assert_eq!(out, format!("{line}\n"));
}

#[test]
fn every_code_and_reason_is_documented() {
    use FailReason as F;
    use UnconfirmedReason as U;
    let failed = [
        F::QueueFull,
        F::Left,
        F::Lost,
        F::Replaced,
        F::TimedOut,
        F::Leaving,
        F::Refused,
        F::Incompatible,
        F::Misbehaved,
        F::NoAddress,
        F::TooManySessions,
    ];
    let unconfirmed = [U::Left, U::Lost, U::Replaced, U::TimedOut, U::Leaving, U::Misbehaved];
    let reasons = failed.into_iter().map(Outcome::Failed).chain(unconfirmed.into_iter().map(Outcome::Unconfirmed)).map(
        |outcome| {
            let outcome = serde_json::to_value(UserOutcome::new(name("bob"), outcome)).unwrap();
            outcome["reason"].as_str().unwrap().to_owned()
        },
    );
    let (errors, notices) = (all_input_errors(), all_notices());
    for code in errors.iter().map(code_of).chain(notices.iter().map(code_of)).chain(reasons) {
        assert!(DOCUMENT.contains(&format!("| `{code}` |")), "docs/JSON.md has no row for `{code}`");
    }
}
