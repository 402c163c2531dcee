//! The exact lines of each event.

use std::time::Duration;

use chat_core::id::SessionId;
use chat_core::message::{FailReason, Message, Outcome, Scope, SentAt, UnconfirmedReason};
use chat_core::presence::{Presence, PresenceEvent};
use chat_core::text::TextError;
use jiff::tz::Offset;

use super::*;
use crate::input_error::InputError;
use crate::texts::Language;
use crate::view::Notice;
use crate::view::samples::{AT, ID, address, message, name, online, report, text};

fn shown(event: &ViewEvent) -> String {
    shown_in(Language::English, event)
}

fn shown_in(language: Language, event: &ViewEvent) -> String {
    let zone = TimeZone::fixed(Offset::constant(8));
    let mut text = TextRenderer::new(Texts::new(language), zone, Reader::Other);
    let mut out = String::new();
    text.render(event, &mut out);
    out
}

fn roster(users: &[&str]) -> ViewEvent {
    ViewEvent::Roster { online: users.iter().map(|user| online(user)).collect() }
}

#[test]
fn a_name_from_right_to_left_does_not_move_the_address_beside_it() {
    let show = |reader| {
        let mut text = TextRenderer::new(Texts::default(), TimeZone::UTC, reader);
        let mut out = String::new();
        text.render(&roster(&["שלום", "עלי"]), &mut out);
        out
    };
    let plain = show(Reader::Other);
    assert!(!plain.contains('\u{2068}'), "{plain}");
    let shown = show(Reader::Terminal);
    for name in ["\u{2068}שלום\u{2069}  -    192.168", "\u{2068}עלי\u{2069}   -    192.168"] {
        assert!(shown.contains(name), "{shown}");
    }
}

#[test]
fn messages_show_time_sender_and_recipient() {
    let me = name("alice");
    let show = |message: &Message, body: &str| shown(&ViewEvent::message(message, text(body), &me));
    assert_eq!(show(&message("小明", Scope::Group, "hi"), "hi"), "12:28:00 小明 → everyone: hi\n");
    assert_eq!(show(&message("bob", Scope::Private, "hi"), "hi"), "12:28:00 bob → you: hi\n");
    assert_eq!(
        show(&message("bob", Scope::Group, "/me is offline"), "/me is offline"),
        "12:28:00 → everyone * bob is offline\n"
    );
    let mut late = message("bob", Scope::Group, "x");
    late.sent_at = SentAt::Arrival(AT + Duration::from_secs(1));
    assert_eq!(show(&late, "x"), "12:28:01~ bob → everyone: x\n");
}

#[test]
fn a_text_cannot_forge_a_line() {
    let forged = "hi\n12:28:01 carol → you: send me money\n";
    let message = message("bob", Scope::Group, forged);
    assert_eq!(
        shown(&ViewEvent::message(&message, text(forged), &name("alice"))),
        "12:28:00 bob → everyone: hi\n         │ 12:28:01 carol → you: send me money\n         │ \n"
    );
}

#[test]
fn the_welcome_line_names_some_users_and_counts_the_rest() {
    let welcome = |online: &[OnlineUser]| {
        let (user, online) = (name("alice"), online.to_vec());
        shown(&ViewEvent::Welcome { user, session: SessionId::new(1), at: AT, online })
    };
    assert_eq!(welcome(&[]), "12:28:00 * you are alice; nobody else is online\n");
    assert_eq!(welcome(&[online("bob"), online("小明")]), "12:28:00 * you are alice; 2 online: bob, 小明\n");
    let many: Vec<OnlineUser> = (0..22).map(|number| online(&format!("u{number}"))).collect();
    assert!(welcome(&many).ends_with("u18, u19 and 2 more, /who lists them\n"));
}

#[test]
fn presence_events_have_one_line_each() {
    for (presence, line) in [
        (Presence::Online(address()), "12:28:00 * bob is online at 192.168.1.7:40001\n"),
        (Presence::Offline(OfflineReason::Asked), "12:28:00 * bob is offline\n"),
        (Presence::Offline(OfflineReason::Lost), "12:28:00 * bob is offline: the connection was lost\n"),
        (Presence::Replaced(address()), "12:28:00 * bob has logged in again at 192.168.1.7:40001\n"),
        (Presence::Moved(address()), "12:28:00 * bob has moved to 192.168.1.7:40001\n"),
    ] {
        assert_eq!(shown(&PresenceEvent::new(AT, name("bob"), presence).into()), line);
    }
    assert_eq!(shown(&roster(&["bob"])), "1 online\n  bob 192.168.1.7:40001 since 12:28:00\n");
    assert_eq!(shown(&roster(&[])), "nobody else is online\n");
}

#[test]
fn a_hidden_address_is_not_shown() {
    let hidden = Entry::HIDDEN_ADDRESS;
    for (presence, lines) in [
        (Presence::Online(hidden), ["bob is online and hides the address", "bob 上线了，不公开地址"]),
        (Presence::Replaced(hidden), ["bob has logged in again and hides the address", "bob 重新登录了，不公开地址"]),
    ] {
        let event = PresenceEvent::new(AT, name("bob"), presence).into();
        let shown = [Language::English, Language::Chinese].map(|language| shown_in(language, &event));
        assert_eq!(shown, lines.map(|line| format!("12:28:00 * {line}\n")));
    }
    let user = OnlineUser { address: hidden, ..online("bob") };
    assert_eq!(shown(&ViewEvent::Roster { online: vec![user] }), "1 online\n  bob hidden since 12:28:00\n");
}

#[test]
fn a_user_who_goes_away_or_comes_back_has_one_line() {
    let away = |text: &str| ViewEvent::away(name("bob"), text.parse().ok(), AT);
    let back = ViewEvent::away(name("bob"), None, AT);
    let both = |event: &ViewEvent| [Language::English, Language::Chinese].map(|language| shown_in(language, event));
    for (event, lines) in [
        (&away("在开会"), ["bob is away: 在开会", "bob 暂时离开了：在开会"]),
        (&away(""), ["bob is away", "bob 暂时离开了"]),
        (&back, ["bob is back", "bob 回来了"]),
    ] {
        assert_eq!(both(event), lines.map(|line| format!("12:28:00 * {line}\n")));
    }
    let users = vec![OnlineUser { away: "在开会".parse().ok(), ..online("bob") }, online("carol")];
    assert_eq!(
        shown(&ViewEvent::Roster { online: users }),
        "2 online\n  bob 192.168.1.7:40001 since 12:28:00, away: 在开会\n  carol 192.168.1.7:40001 since 12:28:00\n"
    );
}

#[test]
fn outcomes_name_the_message_only_if_it_was_not_delivered() {
    let to_bob = SentMessage::new(Recipient::One(name("bob")), &text("hello"));
    let to_all = SentMessage::new(Recipient::Everyone, &text("hello"));
    let timed_out = Outcome::Unconfirmed(UnconfirmedReason::TimedOut);
    let one = |outcome, sent: &SentMessage| shown(&ViewEvent::outcome(report("bob", outcome), Some(sent.clone())));
    assert_eq!(one(Outcome::Delivered, &to_bob), "         ✓ bob\n");
    assert_eq!(
        one(Outcome::Failed(FailReason::QueueFull), &to_bob),
        "         ✗ bob did not receive \"hello\": queue full\n"
    );
    assert_eq!(one(timed_out, &to_bob), "         ✗ bob may not have received \"hello\": timed out\n");
    assert_eq!(one(timed_out, &to_all), "");
    let all = |delivered, failed: &[(UserName, Outcome)]| {
        shown(&ViewEvent::summary(ID, delivered, failed.to_vec(), to_all.clone()))
    };
    assert_eq!(all(18, &[]), "         ✓ 18 of 18\n");
    assert_eq!(
        all(17, &[(name("bob"), timed_out)]),
        "         ✗ delivered to 17 of 18: \"hello\"; unconfirmed, may or may not have it: bob (timed out)\n"
    );
    let failed = |user| (name(user), Outcome::Failed(FailReason::QueueFull));
    assert_eq!(
        all(0, &[failed("bob"), (name("carol"), timed_out), failed("dave")]),
        "         ✗ delivered to 0 of 3: \"hello\"; failed: bob (queue full), dave (queue full); \
         unconfirmed, may or may not have it: carol (timed out)\n"
    );
}

#[test]
fn errors_and_notices_are_diagnostics() {
    let mut text = TextRenderer::new(Texts::default(), TimeZone::UTC, Reader::Other);
    let mut out = String::new();
    let error = ViewEvent::Error { error: InputError::ToOneself, reference: None };
    assert_eq!(text.render(&error, &mut out), Stream::Diagnostics);
    assert_eq!(text.render(&Notice::Reconnected.into(), &mut out), Stream::Diagnostics);
    assert_eq!(
        out,
        "error: you cannot send a message to yourself; name another user\nnote: connected to the server again\n"
    );
}

#[test]
fn events_are_shown_in_the_chosen_language() {
    let presence = |presence| PresenceEvent::new(AT, name("小明"), presence);
    let to_all = SentMessage::new(Recipient::Everyone, &text("大家好"));
    let failed = |user, reason| (name(user), Outcome::Failed(reason));
    for (event, line) in [
        (presence(Presence::Online(address())).into(), "12:28:00 * 小明 上线了，地址 192.168.1.7:40001\n"),
        (presence(Presence::Offline(OfflineReason::Lost)).into(), "12:28:00 * 小明 下线了：连接中断\n"),
        (
            ViewEvent::message(&message("bob", Scope::Private, "hi"), text("hi"), &name("小明")),
            "12:28:00 bob → 你: hi\n",
        ),
        (
            ViewEvent::summary(
                ID,
                1,
                vec![failed("bob", FailReason::QueueFull), failed("小红", FailReason::Left)],
                to_all,
            ),
            "         ✗ 1/3 已送达：“大家好”；失败：bob（队列已满）、小红（已下线）\n",
        ),
        (Notice::Waiting { outcomes: 2 }.into(), "提示：正在等待 2 个尚未确定的结果；按 Ctrl-C 立即退出\n"),
        (ViewEvent::Error { error: TextError::Empty.into(), reference: None }, "错误：内容为空；请输入要发送的内容\n"),
    ] {
        assert_eq!(shown_in(Language::Chinese, &event), line);
    }
}

fn at_a_terminal(colour: Colour, bell: Bell) -> TextRenderer {
    TextRenderer { colour, bell, ..TextRenderer::new(Texts::default(), TimeZone::UTC, Reader::Terminal) }
}

/// The lines of some events, one after another.
fn all(text: &mut TextRenderer, events: &[ViewEvent]) -> String {
    let mut out = String::new();
    for event in events {
        text.render(event, &mut out);
    }
    out
}

fn presence(user: &str, at: Timestamp, presence: Presence) -> ViewEvent {
    PresenceEvent::new(at, name(user), presence).into()
}

fn said(from: &str, scope: Scope, words: &str) -> ViewEvent {
    ViewEvent::message(&message(from, scope, words), text(words), &name("alice"))
}

#[test]
fn a_name_keeps_its_colour() {
    let mut text = at_a_terminal(Colour::On, Bell::Off);
    let out = all(&mut text, &[said("bob", Scope::Group, "hi"), said("Bob", Scope::Group, "hi")]);
    let (first, second) = out.trim_end().split_once('\n').unwrap();
    assert_eq!(first.replace("bob", "Bob"), second);
    assert!(first.starts_with("04:28:00 \x1b[3") && first.ends_with("mbob\x1b[0m → everyone: hi"), "{first:?}");
}

#[test]
fn arrivals_and_departures_are_grey() {
    let mut text = at_a_terminal(Colour::On, Bell::Off);
    let departure = presence("bob", AT, Presence::Offline(OfflineReason::Asked));
    assert_eq!(all(&mut text, &[departure]), "\x1b[2m04:28:00 * bob is offline\x1b[0m\n");
}

#[test]
fn many_arrivals_and_departures_have_one_line() {
    let names = |names: &[&str]| names.iter().map(|user| name(user)).collect::<Vec<_>>();
    let many: Vec<String> = (0..12).map(|number| format!("u{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for (online, offline, line) in [
        (
            &many[..],
            &["bob"][..],
            "12 users are online: u0, u1, u2, u3, u4, u5, u6, u7 and 4 more; 1 user is offline: bob",
        ),
        (&["bob"], &[], "1 user is online: bob"),
        (&[], &["bob", "小明"], "2 users are offline: bob, 小明"),
    ] {
        let mut out = String::new();
        let gathering = Gathering { at: AT, online: names(online), offline: names(offline) };
        at_a_terminal(Colour::Off, Bell::Off).crowd(&gathering, &mut out);
        assert_eq!(out, format!("04:28:00 * {line}\n"));
    }
}

#[test]
fn a_line_with_the_date_begins_each_further_day() {
    let day = |days: u64| AT + Duration::from_secs(86_400 * days);
    let arrival = |at| presence("bob", at, Presence::Offline(OfflineReason::Asked));
    let days = [arrival(day(0)), arrival(day(0)), arrival(day(1)), arrival(day(0)), arrival(day(1))];
    let shown = all(&mut at_a_terminal(Colour::Off, Bell::Off), &days);
    let line = "04:28:00 * bob is offline\n";
    assert_eq!(shown, format!("{line}{line}--- 2026-11-24 ---\n{line}{line}{line}"));
    let piped = all(&mut TextRenderer::new(Texts::default(), TimeZone::UTC, Reader::Other), &days);
    assert_eq!(piped, line.repeat(5));
}

#[test]
fn gathered_arrivals_and_new_days_in_both_languages() {
    let users = |count: usize| (0..count).map(|number| name(&format!("用户{number}"))).collect::<Vec<_>>();
    let next_day = AT + Duration::from_secs(86_400);
    let screens = [Language::English, Language::Chinese].map(|language| {
        let mut text = TextRenderer::new(Texts::new(language), TimeZone::UTC, Reader::Terminal);
        let mut out = String::new();
        text.render(&presence("bob", AT, Presence::Online(address())), &mut out);
        for (at, online, offline) in [(AT, 12, 0), (AT, 1, 0), (next_day, 0, 2), (next_day, 3, 10)] {
            text.crowd(&Gathering { at, online: users(online), offline: users(offline) }, &mut out);
        }
        out
    });
    insta::assert_snapshot!("gathered", screens.join("\n"));
}

#[test]
fn the_bell_rings_at_private_messages_and_mentions() {
    let welcome = ViewEvent::Welcome { user: name("alice"), session: SessionId::new(1), at: AT, online: Vec::new() };
    let heard = |bell, reader, event: ViewEvent| {
        let mut text = TextRenderer { bell, ..TextRenderer::new(Texts::default(), TimeZone::UTC, reader) };
        all(&mut text, &[welcome.clone(), event]).matches('\x07').count()
    };
    let (private, mention) = (said("bob", Scope::Private, "hi"), said("bob", Scope::Group, "hi @alice"));
    assert_eq!(heard(Bell::On, Reader::Terminal, private.clone()), 1);
    assert_eq!(heard(Bell::On, Reader::Terminal, mention.clone()), 1);
    assert_eq!(heard(Bell::On, Reader::Terminal, said("bob", Scope::Group, "hi @bob")), 0);
    assert_eq!(heard(Bell::Off, Reader::Terminal, private), 0);
    assert_eq!(heard(Bell::On, Reader::Other, mention), 0);
}
