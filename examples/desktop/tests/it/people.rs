//! People: who is away, who does not answer, nobody at all, and lines that are copied.

use std::time::Duration;

use chat_cli::texts::WindowSentence as W;
use chat_core::message::Scope;
use chat_desktop::model::exchange::{Happening, Wish};
use chat_desktop::model::roster::Way;
use chat_net::client::{Event, Notice, SetAwayError};
use eframe::egui::accesskit::Role;
use eframe::egui::{Event as Input, Key};
use egui_kittest::kittest::Queryable;

use crate::stage::{AT, LANGUAGES, Stage, user};

#[test]
fn who_is_away_is_told_with_what_they_say() {
    for language in LANGUAGES {
        let mut stage = Stage::online(language, &["bob", "carol"]);
        for (name, text) in [("bob", "在开会"), ("carol", "")] {
            stage.event(Event::Away { at: AT, user: user(name), away: text.parse().ok() });
            let row = stage.say(W::PersonAway { name: name.to_owned(), text: text.to_owned() });
            stage.window.get_by_label(&row).click();
            stage.run();
            assert!(stage.tells(W::IsAway { text: text.to_owned() }), "above the conversation");
        }
        stage.event(Event::Away { at: AT, user: user("carol"), away: None });
        assert!(!stage.tells(W::PersonAway { name: "carol".to_owned(), text: String::new() }));
    }
}

#[test]
fn one_is_away_with_a_text_until_one_is_back() {
    for language in LANGUAGES {
        let mut stage = Stage::online(language, &["bob"]);
        stage.press(W::GoAway);
        stage.fill(W::AwayText, "午饭");
        stage.press(W::SetAway);
        let wish = stage.wish_for(|wish| if let Wish::SetAway(away) = wish { Some(away) } else { None });
        let away = wish.unwrap();
        assert_eq!(away.as_ref().map(|away| away.as_str()), Some("午饭"));
        stage.happen(Happening::AwaySet { away: away.clone(), result: Ok(()) });
        assert!(stage.tells(W::IsAway { text: "午饭".to_owned() }) && stage.tells(W::ChangeAway));
        stage.happen(Happening::AwaySet { away, result: Err(SetAwayError::Unsupported) });
        assert!(stage.shows(&chat_cli::texts::Localised::text(&SetAwayError::Unsupported, &stage.texts)));
        stage.window.key_press(Key::Escape);
        stage.run();
        stage.press(W::BeBack);
        assert!(stage.wish_for(|wish| matches!(wish, Wish::SetAway(None)).then_some(())).is_some());
    }
}

#[test]
fn who_does_not_answer_is_told() {
    for language in LANGUAGES {
        let mut stage = Stage::online(language, &["bob"]);
        stage.event(Event::Notice(Notice::PeerUnresponsive(user("bob"))));
        let row = stage.say(W::Silent { name: "bob".to_owned() });
        stage.window.get_by_label(&row).click();
        stage.run();
        assert!(stage.tells(W::NotAnswering), "above the conversation");
    }
}

#[test]
fn an_empty_room_says_how_others_come() {
    for language in LANGUAGES {
        let mut stage = Stage::online(language, &[]);
        assert!(stage.tells(W::NobodyElse { server: "lab:7777".to_owned() }));
        stage.welcome(&["bob"]);
        assert!(!stage.tells(W::NobodyElse { server: "lab:7777".to_owned() }));
    }
}

#[test]
fn the_way_to_a_person_is_shown_and_a_detour_is_told_once() {
    let way =
        |is_relayed, millis: u64| Way { is_relayed, round_trip: Some(Duration::from_micros(millis * 1_000 - 500)) };
    for language in LANGUAGES {
        let mut stage = Stage::online(language, &["bob", "carol"]);
        stage.window.get_by_label("bob").click();
        stage.run();
        assert!(matches!(stage.wish(), Some(Wish::AskWay(_))), "a time of now");
        stage.happen(Happening::Way { user: user("bob"), way: way(false, 1) });
        assert!(stage.tells(W::Way { is_relayed: false, millis: Some(1) }));
        assert_eq!(stage.session().notices().len(), 0, "everybody expects a direct way");
        for name in ["bob", "carol", "bob"] {
            stage.happen(Happening::Way { user: user(name), way: way(true, 25) });
        }
        assert!(stage.tells(W::Way { is_relayed: true, millis: Some(24) }));
        let told: Vec<String> = stage.session().notices().iter().map(|(_, notice)| format!("{notice:?}")).collect();
        assert_eq!(told.len(), 1, "one notice for both: {told:?}");
        stage.happen(Happening::Way { user: user("bob"), way: way(false, 2) });
        assert_eq!(stage.session().notices().len(), 2);
        stage.event(Event::Notice(Notice::PeerUnresponsive(user("bob"))));
        assert!(!stage.tells(W::Way { is_relayed: false, millis: Some(1) }), "no way works");
    }
}

#[test]
fn a_link_opens_by_a_click_its_menu_and_a_key_and_other_words_do_not() {
    let link = "https://rooms.example/2f";
    for language in LANGUAGES {
        let mut stage = Stage::online(language, &["bob"]);
        stage.arrive("bob", Scope::Group, link);
        stage.window.get_by_label(link).click();
        assert_eq!(stage.opened().as_deref(), Some(link));
        stage.run();
        stage.window.get_by_label(link).click_secondary();
        stage.run();
        let open = stage.say(W::OpenLink { link: link.to_owned() });
        stage.window.get_by_label(&open).click();
        assert_eq!(stage.opened().as_deref(), Some(link));
        stage.run();
        stage.window.get_by_role(Role::ListItem).focus();
        stage.run();
        stage.window.key_down(Key::Enter);
        assert_eq!(stage.opened().as_deref(), Some(link));
        stage.window.key_up(Key::Enter);
        stage.run();
        let words = "no link here, none at all, and none there";
        stage.arrive("bob", Scope::Group, words);
        stage.window.get_by_label(words).click();
        assert_eq!(stage.opened(), None);
    }
}

#[test]
fn a_line_is_copied_by_its_menu_and_by_the_keyboard() {
    for language in LANGUAGES {
        let mut stage = Stage::online(language, &["bob"]);
        stage.arrive("bob", Scope::Group, "今天下午三点");
        stage.window.get_by_label("今天下午三点").click_secondary();
        stage.run();
        let copy = stage.say(W::CopyText);
        stage.window.get_by_label(&copy).click();
        assert_eq!(stage.copied().as_deref(), Some("今天下午三点"));
        stage.run();
        stage.window.get_by_label("今天下午三点").click_secondary();
        stage.run();
        let copy = stage.say(W::CopyLine);
        stage.window.get_by_label(&copy).click();
        let copied = stage.copied().unwrap();
        assert!(copied.starts_with("2026-11-2") && copied.ends_with(" bob: 今天下午三点"), "{copied}");
        stage.run();
        stage.window.get_by_role(Role::ListItem).focus();
        stage.run();
        stage.window.event(Input::Copy);
        assert_eq!(stage.copied().as_deref(), Some("今天下午三点"));
    }
}
