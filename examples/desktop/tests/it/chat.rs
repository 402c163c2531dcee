//! The conversation: keys, drafts, unread lines, marks, and what the banners say.

use std::time::Duration;

use chat_cli::texts::{Language, Localised, WindowSentence as W};
use chat_cli::view;
use chat_core::id::{MessageId, SessionId};
use chat_core::message::{FailReason, Outcome, Report, Scope};
use chat_core::presence::{OfflineReason, Presence, PresenceEvent};
use chat_core::time::Timestamp;
use chat_desktop::model::conversation::LineId;
use chat_desktop::model::exchange::{Happening, Wish};
use chat_desktop::model::{Action, Closing, Screen};
use chat_net::client::{EndReason, Event, Notice};
use eframe::egui::accesskit::Role;
use eframe::egui::{Event as Input, ImeEvent, Key, Modifiers};
use egui_kittest::kittest::Queryable;

use crate::stage::{AT, LANGUAGES, Stage, user};

fn sent(stage: &mut Stage) -> (String, String) {
    let text = stage.wish_for(|wish| match wish {
        Wish::Send { to, text, .. } => Some((to.to_string(), text.as_str().to_owned())),
        _ => None,
    });
    text.unwrap()
}

fn id(number: u64) -> MessageId {
    MessageId { session: SessionId::new(1), number }
}

#[test]
fn enter_sends_and_shift_enter_breaks_the_line() {
    for language in LANGUAGES {
        let mut stage = Stage::online(language, &["bob"]);
        stage.fill(W::WriteEveryone, "你好");
        stage.window.key_press_modifiers(Modifiers::SHIFT, Key::Enter);
        stage.run();
        stage.fill(W::WriteEveryone, "hello");
        assert_eq!(stage.draft(), "你好\nhello");
        stage.window.key_press(Key::Enter);
        stage.run();
        assert_eq!(sent(&mut stage), ("everyone".to_owned(), "你好\nhello".to_owned()));
        assert_eq!(stage.draft(), "");
        assert!(stage.shows("你好\nhello"), "an own line stands at once");
    }
}

#[test]
fn enter_in_a_composition_does_not_send() {
    let mut stage = Stage::online(Language::Chinese, &["bob"]);
    stage.fill(W::WriteEveryone, "x");
    // In one frame, as an input method that hands on the key would do it.
    let (modifiers, physical_key) = (Modifiers::NONE, None);
    let enter = Input::Key { key: Key::Enter, physical_key, pressed: true, repeat: false, modifiers };
    stage.window.input_mut().events.extend([Input::Ime(ImeEvent::Commit("你好".to_owned())), enter]);
    stage.window.step();
    assert!(stage.wish().is_none(), "the key belongs to the input method");
    stage.run();
    stage.window.key_press(Key::Enter);
    stage.run();
    assert_eq!(sent(&mut stage).1, "x你好");
}

#[test]
fn a_name_opens_a_conversation_of_two_and_the_draft_stays_behind() {
    let mut stage = Stage::online(Language::English, &["bob", "carol"]);
    stage.fill(W::WriteEveryone, "to all");
    stage.window.get_by_label("bob").click();
    stage.run();
    stage.fill(W::WriteUser { user: "bob".to_owned() }, "psst");
    stage.press(W::Send);
    assert_eq!(sent(&mut stage), ("bob".to_owned(), "psst".to_owned()));
    stage.press(W::Everyone);
    assert_eq!(stage.draft(), "to all");
}

#[test]
fn undoing_brings_back_nothing_that_was_typed_for_somebody_else() {
    let mut stage = Stage::online(Language::English, &["bob"]);
    stage.window.get_by_label("bob").click();
    stage.run();
    stage.fill(W::WriteUser { user: "bob".to_owned() }, "psst");
    // egui remembers a text that does not change for a second.
    (0..20).for_each(|_| stage.window.step());
    stage.press(W::Send);
    stage.press(W::Everyone);
    stage.window.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    stage.run();
    assert_eq!(stage.draft(), "");
}

#[test]
fn unread_lines_are_counted_until_they_are_seen() {
    let mut stage = Stage::online(Language::English, &["bob", "carol"]);
    stage.arrive("bob", Scope::Private, "one");
    stage.arrive("bob", Scope::Private, "two");
    assert!(matches!(stage.wish(), Some(Wish::Accept(1))));
    let row = stage.say(W::Unread { name: "bob".to_owned(), count: 2 });
    stage.window.get_by_label(&row).click();
    stage.run();
    assert!(stage.shows("one") && stage.shows("two") && stage.shows(&stage.say(W::NewLines)));
    assert_eq!(stage.window.state().model.session.as_ref().unwrap().unread(), 0);
}

#[test]
fn those_with_unread_lines_stand_first_until_they_are_read() {
    let mut stage = Stage::online(Language::English, &["bob", "carol", "dora"]);
    stage.arrive("dora", Scope::Private, "hello");
    let unread = stage.say(W::Unread { name: "dora".to_owned(), count: 1 });
    assert!(stage.place(&unread).bottom() <= stage.place("bob").top());
    stage.window.get_by_label(&unread).click();
    stage.run();
    assert!(stage.window.get_by_role_and_label(Role::Button, "dora").rect().top() > stage.place("carol").top());
}

#[test]
fn a_mark_says_what_became_of_a_line() {
    for language in LANGUAGES {
        let mut stage = Stage::online(language, &["bob"]);
        stage.window.get_by_label("bob").click();
        stage.run();
        stage.fill(W::WriteUser { user: "bob".to_owned() }, "hello");
        stage.window.key_press(Key::Enter);
        stage.run();
        assert!(stage.shows(&stage.say(W::MarkWaiting)));
        stage.happen(Happening::Queued { line: LineId(1), id: id(1), recipients: 1, at: AT });
        let failed = Outcome::Failed(FailReason::Left);
        stage.event(Event::Report(Report::new(id(1), user("bob"), failed, Duration::from_millis(3))));
        let reason = FailReason::Left.text(&stage.texts);
        assert!(stage.shows(&stage.say(W::MarkFailed { reason })));
    }
}

#[test]
fn the_panels_open_and_escape_closes_them() {
    let mut stage = Stage::online(Language::Chinese, &["bob"]);
    stage.press(W::Settings);
    assert!(stage.shows(&stage.say(W::TextSize)) && stage.shows(&stage.say(W::OldPassword)));
    let dark = stage.say(W::ThemeDark);
    stage.window.get_by_label(&dark).click();
    stage.run();
    assert_eq!(stage.window.state().model.settings.theme, chat_desktop::model::settings::Theme::Dark);
    stage.window.key_press(Key::Escape);
    stage.run();
    assert!(!stage.shows(&stage.say(W::TextSize)));
    stage.event(Event::Notice(Notice::PeerUnresponsive(user("bob"))));
    let name = stage.say(W::Notices);
    stage.press(W::Unread { name, count: 1 });
    assert!(stage.shows(&view::Notice::PeerSilent { user: user("bob") }.text(&stage.texts)));
}

#[test]
fn a_mark_leads_to_who_has_a_line_and_sends_it_again() {
    let mut stage = Stage::online(Language::English, &["bob", "carol"]);
    stage.fill(W::WriteEveryone, "hello");
    stage.window.key_press(Key::Enter);
    stage.run();
    sent(&mut stage);
    stage.happen(Happening::Queued { line: LineId(1), id: id(1), recipients: 2, at: AT });
    let failed = Outcome::Failed(FailReason::QueueFull);
    stage.event(Event::Report(Report::new(id(1), user("bob"), failed, Duration::from_millis(3))));
    stage.event(Event::Report(Report::new(id(1), user("carol"), Outcome::Delivered, Duration::from_millis(38))));
    let mark = stage.say(W::MarkDeliveredOf { delivered: 1, all: 2 });
    stage.press(W::ShowOutcomes { mark });
    assert!(stage.shows("38 ms") && stage.shows(&FailReason::QueueFull.text(&stage.texts)));
    stage.press(W::SendAgain { count: 1 });
    assert_eq!(sent(&mut stage), ("bob".to_owned(), "hello".to_owned()));
}

#[test]
fn who_left_cannot_be_written_to_and_the_text_stays() {
    for language in LANGUAGES {
        let mut stage = Stage::online(language, &["小红"]);
        stage.window.get_by_label("小红").click();
        stage.run();
        stage.fill(W::WriteUser { user: "小红".to_owned() }, "你在吗？");
        let offline = Presence::Offline(OfflineReason::Asked);
        stage.event(Event::Presence(PresenceEvent::new(AT, user("小红"), offline)));
        stage.window.key_press(Key::Enter);
        stage.run();
        assert!(stage.wish_for(|wish| matches!(wish, Wish::Send { .. }).then_some(())).is_none());
        assert!(stage.tells(W::UserAbsent { user: "小红".to_owned() }) && stage.tells(W::Offline));
        assert_eq!(stage.draft(), "你在吗？");
        stage.event(Event::Presence(PresenceEvent::new(
            AT,
            user("小红"),
            Presence::Online("10.0.0.9:1".parse().unwrap()),
        )));
        stage.press(W::Send);
        assert_eq!(sent(&mut stage), ("小红".to_owned(), "你在吗？".to_owned()));
    }
}

#[test]
fn a_text_that_breaks_a_rule_is_told_below_the_field() {
    let mut stage = Stage::online(Language::English, &["bob"]);
    stage.window.state_mut().model.session.as_mut().unwrap().open_conversation().draft = "x".repeat(16_385);
    stage.run();
    assert!(stage.shows("the text is too long") || stage.shows("16385"));
    stage.window.key_press(Key::Enter);
    stage.run();
    assert!(stage.wish().is_none());
}

#[test]
fn a_search_shortens_the_list_and_enter_opens_the_first_name() {
    let mut stage = Stage::online(Language::Chinese, &["王建国", "李丽", "bob"]);
    let search = stage.say(W::Search);
    stage.window.key_press_modifiers(Modifiers::COMMAND, Key::K);
    stage.run();
    stage.window.get_by_label(&search).type_text("建");
    stage.run();
    assert!(stage.shows("王建国") && !stage.shows("李丽"));
    stage.window.key_press(Key::Enter);
    stage.run();
    let session = stage.window.state().model.session.as_ref().unwrap();
    assert_eq!(session.open, chat_desktop::model::conversation::Partner::One(user("王建国")));
}

#[test]
fn banners_tell_of_the_connection_and_of_the_end() {
    for language in LANGUAGES {
        let mut stage = Stage::online(language, &["bob"]);
        stage.event(Event::Notice(Notice::Reconnecting { after: Duration::from_secs(0) }));
        assert!(stage.shows(&stage.say(W::ReconnectingNow)));
        stage.event(Event::Notice(Notice::Reconnected));
        assert!(!stage.shows(&stage.say(W::ReconnectingNow)));
        stage.event(Event::Notice(Notice::Reconnecting { after: Duration::from_secs(3_600) }));
        stage.press(W::RetryNow);
        assert!(stage.wish_for(|wish| matches!(wish, Wish::RetryNow).then_some(())).is_some());
        stage.event(Event::Notice(Notice::Reconnected));
        stage.arrive("bob", Scope::Group, "hello");
        stage.event(Event::Ended(EndReason::Replaced));
        assert!(stage.shows(&view::Notice::Replaced.text(&stage.texts)) && stage.shows("hello"));
        stage.press(W::LogInAgain);
        assert_eq!(stage.window.state().model.screen, Screen::LogIn);
    }
}

#[test]
fn people_are_not_called_offline_after_the_end_of_the_session() {
    for language in LANGUAGES {
        let mut stage = Stage::online(language, &["bob"]);
        stage.window.get_by_label("bob").click();
        stage.run();
        stage.event(Event::Ended(EndReason::Replaced));
        assert!(stage.tells(W::StateUnknown) && stage.shows("bob"));
        assert!(!stage.tells(W::Offline) && !stage.tells(W::Online { count: 1 }), "nobody knows");
    }
}

#[test]
fn the_button_that_sends_is_as_high_as_a_row_and_stays_at_the_bottom() {
    for language in LANGUAGES {
        let mut stage = Stage::online(language, &["bob"]);
        let send = stage.say(W::Send);
        let places = |stage: &Stage| (stage.field(W::WriteEveryone), stage.place(&send));
        let (field, button) = places(&stage);
        assert!((field.height() - button.height()).abs() < 2.0, "{field} {button}");
        stage.session().open_conversation().draft = "one\ntwo\nthree\nfour".to_owned();
        stage.run();
        let (high, low) = places(&stage);
        assert!(high.height() > 2.0 * field.height(), "{high}");
        assert!(
            (low.height() - button.height()).abs() < 2.0 && (low.bottom() - high.bottom()).abs() < 2.0,
            "{high} {low}"
        );
    }
}

#[test]
fn a_day_has_the_name_that_people_call_it() {
    const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
    for (language, month) in [(Language::English, "November"), (Language::Chinese, "11 月")] {
        let mut stage = Stage::online(language, &["bob"]);
        stage.window.state_mut().clock = || AT;
        stage.arrive("bob", Scope::Group, "hello");
        assert!(stage.tells(W::Today) && !stage.tells(W::Yesterday));
        stage.window.state_mut().clock = || Timestamp::from_millis(AT.as_millis() + DAY_MS);
        stage.run();
        assert!(stage.tells(W::Yesterday) && !stage.tells(W::Today));
        stage.window.state_mut().clock = || Timestamp::from_millis(AT.as_millis() + 2 * DAY_MS);
        stage.run();
        assert!(stage.shows(month) && !stage.shows("2026"), "this year goes without saying");
        stage.window.state_mut().clock = || Timestamp::from_millis(AT.as_millis() + 400 * DAY_MS);
        stage.run();
        assert!(stage.shows(month) && stage.shows("2026"));
    }
}

#[test]
fn a_long_wait_is_told_in_minutes() {
    for (language, minutes) in [(Language::English, "10 min"), (Language::Chinese, "10 分钟")] {
        let mut stage = Stage::online(language, &["bob"]);
        stage.window.state_mut().clock = || AT;
        stage.event(Event::Notice(Notice::Reconnecting { after: Duration::from_secs(600) }));
        assert!(stage.shows(minutes) && !stage.shows("600"));
    }
}

#[test]
fn leaving_with_open_outcomes_asks_first() {
    for language in LANGUAGES {
        let mut stage = Stage::online(language, &["bob"]);
        stage.fill(W::WriteEveryone, "hello");
        stage.window.key_press(Key::Enter);
        stage.run();
        sent(&mut stage);
        stage.model().act(Action::Close, AT);
        stage.run();
        assert!(stage.tells(W::Pending { count: 1 }));
        let [stay, leave] = [W::Stay, W::LeaveNow].map(|name| stage.say(name));
        assert!(stage.window.get_by_label(&stay).is_focused(), "the answer that loses nothing");
        assert!(stage.place(&stay).right() < stage.place(&leave).left());
        stage.press(W::Stay);
        assert_eq!(stage.model().closing, Closing::No);
        stage.model().act(Action::Close, AT);
        stage.run();
        stage.press(W::LeaveNow);
        assert!(stage.wish_for(|wish| matches!(wish, Wish::Leave).then_some(())).is_some());
        assert_eq!(stage.model().closing, Closing::Leaving);
        stage.event(Event::Left);
        assert_eq!(stage.model().closing, Closing::Done);
    }
}

#[test]
fn a_long_conversation_draws_only_what_is_in_view() {
    let mut stage = Stage::online(Language::English, &["bob"]);
    for number in 0..3_000 {
        let session = stage.window.state_mut().model.session.as_mut().unwrap();
        let text = chat_core::text::Text::parse(&format!("line {number} end")).unwrap();
        session.receive(user("bob"), Scope::Group, &text.into(), Timestamp::from_millis(1_795_600_000_000 + number));
    }
    stage.run();
    assert!(stage.shows("line 2999 end"), "the view begins at the end");
    assert!(!stage.shows("line 1500 end") && !stage.shows("line 0 end"));
}
