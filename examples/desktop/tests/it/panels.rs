//! The panels: settings, known servers, addresses, log file, and help.

use chat_cli::texts::{Language, WindowSentence as W};
use chat_cli::view::Notice;
use chat_desktop::model::exchange::{Happening, KnownServer, Wish};
use chat_desktop::model::settings::{Attention, SendKey, Settings};
use chat_net::client::{Event, Notice as ClientNotice, ReachMode};
use chat_net::identity::Fingerprint;
use eframe::egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable;

use crate::stage::{LANGUAGES, Stage, user};

#[test]
fn f1_opens_and_closes_the_help() {
    for language in LANGUAGES {
        let mut stage = Stage::online(language, &["bob"]);
        stage.window.key_press(Key::F1);
        stage.run();
        for sentence in [W::KeySend, W::KeyMention, W::KeyFind, W::KeyUnread, W::HelpMarks, W::MarkMeansUnconfirmed] {
            assert!(stage.tells(sentence.clone()), "{sentence:?}");
        }
        stage.window.key_press(Key::F1);
        stage.run();
        assert!(!stage.tells(W::HelpMarks));
        stage.press(W::Help);
        assert!(stage.tells(W::HelpMarks));
        stage.window.key_press(Key::Escape);
        stage.run();
        assert!(!stage.tells(W::HelpMarks));
    }
}

#[test]
fn every_setting_can_be_chosen_and_is_kept() {
    for language in LANGUAGES {
        let mut stage = Stage::online(language, &["bob"]);
        stage.model().settings.file = Some("desktop-settings".into());
        stage.press(W::Settings);
        for name in [W::Larger, W::Larger, W::Smaller] {
            stage.press(name);
        }
        for name in [W::SendKeyControl, W::AttentionPrivate] {
            let label = stage.say(name);
            stage.window.get_by_label(&label).click();
            stage.run();
        }
        let settings = stage.model().settings.clone();
        let chosen = (settings.zoom, settings.send_key, settings.attention);
        assert_eq!(chosen, (110, SendKey::ControlEnter, Attention::Private));
        let other = if language == Language::English { Language::Chinese } else { Language::English };
        let name = if language == Language::English { "中文" } else { "English" };
        stage.window.get_by_label(name).click();
        stage.run();
        let mut kept = String::new();
        while let Some(wish) = stage.wish() {
            if let Wish::SaveSettings { text, .. } = wish {
                kept = text;
            }
        }
        let kept = Settings { file: Some("desktop-settings".into()), ..Settings::parse(&kept) };
        assert_eq!(kept, Settings { language: Some(other), ..settings });
    }
}

#[test]
fn a_full_disk_is_told_in_the_settings_and_they_count() {
    for language in LANGUAGES {
        let mut stage = Stage::online(language, &["bob"]);
        stage.press(W::Settings);
        stage.press(W::Larger);
        stage.happen(Happening::SettingsNotSaved("no space left on device".to_owned()));
        assert!(stage.tells(W::NotSaved { reason: "no space left on device".to_owned() }));
        assert_eq!(stage.model().settings.zoom, 110);
    }
}

#[test]
fn a_known_server_is_forgotten_and_addresses_and_log_file_are_shown() {
    for language in LANGUAGES {
        let mut stage = Stage::online(language, &["bob"]);
        stage.make_high();
        stage.press(W::Settings);
        let none = stage.say(W::NoKnownServers);
        assert!(stage.window.query_by_label(&none).is_some());
        let server: chat_net::address::ServerAddress = "lab".parse().unwrap();
        let fingerprint = Some(Fingerprint::new([7; 32]));
        stage.happen(Happening::Servers(vec![KnownServer { server: server.clone(), user: None, fingerprint }]));
        assert!(stage.window.query_by_label(&none).is_none());
        stage.press(W::ForgetServer { server: "lab:7777".to_owned() });
        let forgotten = stage.wish_for(|wish| match wish {
            Wish::Forget { server, .. } => Some(server),
            _ => None,
        });
        assert_eq!(forgotten, Some(server));
        assert!(stage.tells(W::AddressOfServer { server: "lab:7777".to_owned() }));
        assert!(stage.tells(W::AddressesOwn { addresses: "192.168.1.7:40001".to_owned() }));
        assert!(stage.shows("/home/ming/chat-desktop.log"));
    }
}

#[test]
fn a_small_receive_buffer_is_told_in_the_settings_only() {
    for language in LANGUAGES {
        let mut stage = Stage::online(language, &["bob"]);
        stage.make_high();
        let small = ClientNotice::ReceiveBufferSmall { granted: 212_992, wanted: 4_194_304 };
        stage.happen(Happening::Event(Box::new(Event::Notice(small))));
        stage.press(W::Notices);
        assert!(stage.tells(W::NoNotices));
        stage.press(W::Settings);
        assert!(stage.tells(Notice::ReceiveBufferSmall { granted: 212_992, wanted: 4_194_304 }));
    }
}

#[test]
fn notices_say_what_can_be_done_in_a_window() {
    for language in LANGUAGES {
        let mut stage = Stage::online(language, &["bob"]);
        stage.session().reach = ReachMode::Relay;
        let bob = user("bob");
        stage.happen(Happening::Event(Box::new(Event::Notice(ClientNotice::NoRelay))));
        stage.happen(Happening::Event(Box::new(Event::Notice(ClientNotice::PeerWithoutAddress(bob.clone())))));
        stage.happen(Happening::Event(Box::new(Event::Notice(ClientNotice::PeerUnresponsive(bob.clone())))));
        assert!(stage.tells(W::NoRelayHidden), "in the conversation");
        let name = stage.say(W::Notices);
        stage.press(W::Unread { name, count: 3 });
        assert!(stage.tells(W::PeerNoAddress { user: "bob".to_owned() }));
        assert!(!stage.shows("--"), "options are for terminals");
        let silent = stage.say(Notice::PeerSilent { user: bob });
        assert!(stage.window.query_by_label(&silent).is_some(), "a name stays as it is");
    }
}

#[test]
fn notices_are_counted_until_their_panel_is_open() {
    for language in LANGUAGES {
        let mut stage = Stage::online(language, &["bob"]);
        let silent = || Event::Notice(ClientNotice::PeerUnresponsive(user("bob")));
        stage.event(silent());
        let name = stage.say(W::Notices);
        let unseen = W::Unread { name, count: 1 };
        stage.press(unseen.clone());
        assert!(!stage.tells(unseen.clone()));
        stage.event(Event::Notice(ClientNotice::PeerResponsive(user("bob"))));
        assert!(!stage.tells(unseen.clone()), "it is in view");
        stage.press(W::Close);
        assert!(!stage.tells(unseen.clone()));
        stage.event(silent());
        assert!(stage.tells(unseen), "one is new");
        stage.press(W::Settings);
        let clear = stage.say(W::Clear);
        assert!(stage.window.query_by_label(&clear).is_none());
        stage.event(silent());
        let name = stage.say(W::Notices);
        stage.press(W::Unread { name, count: 2 });
        let heading = stage.place(&clear).center().y;
        assert!((heading - stage.place(&stage.say(W::Close)).center().y).abs() < 2.0, "in the heading of the panel");
        stage.press(W::Clear);
        assert!(stage.tells(W::NoNotices) && stage.window.query_by_label(&clear).is_none());
    }
}

#[test]
fn what_is_below_the_list_is_in_one_row_and_the_log_out_is_another_kind_of_button() {
    for language in LANGUAGES {
        let mut stage = Stage::online(language, &["bob"]);
        let places = [W::Settings, W::GoAway, W::Notices, W::Help].map(|name| stage.place(&stage.say(name)));
        let first = places[0];
        assert!(places.iter().all(|place| (place.size() - first.size()).length() < 1.0 && place.top() == first.top()));
        stage.press(W::Leave);
        assert!(stage.wish_for(|wish| matches!(wish, Wish::Leave).then_some(())).is_some());
    }
}

#[test]
fn the_size_of_the_text_has_keys_too_and_limits() {
    let mut stage = Stage::online(Language::English, &["bob"]);
    for (key, times, zoom) in [(Key::Plus, 12, 200), (Key::Minus, 20, 70), (Key::Num0, 1, 100)] {
        for _ in 0..times {
            stage.window.key_press_modifiers(Modifiers::COMMAND, key);
            stage.run();
        }
        assert_eq!(stage.model().settings.zoom, zoom, "{key:?}");
    }
}
