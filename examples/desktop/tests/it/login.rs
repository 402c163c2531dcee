//! Logging in: every wrong input is told beside its field, in both languages.

use chat_cli::texts::{Language, Localised, WindowSentence as W};
use chat_core::name::NameError;
use chat_core::password::PasswordError;
use chat_core::wire::rejection::Rejection;
use chat_desktop::model::Screen;
use chat_desktop::model::exchange::{Happening, Purpose, Wish};
use chat_net::address::{AddressError, ServerAddress};
use chat_net::client::{ConnectError, ServerRejection};
use chat_net::identity::Fingerprint;
use eframe::egui::Key;
use egui_kittest::kittest::Queryable;

use crate::stage::Stage;

const LANGUAGES: [Language; 2] = [Language::English, Language::Chinese];

fn filled(language: Language) -> Stage {
    let mut stage = Stage::new(language);
    stage.fill(&W::Server, "lab");
    stage.fill(&W::User, "小明");
    stage.fill(&W::Password, "correct horse");
    stage
}

#[test]
fn enter_logs_in_with_what_is_typed() {
    for language in LANGUAGES {
        let mut stage = filled(language);
        stage.window.key_press(Key::Enter);
        stage.run();
        let Some(Wish::LogIn(login)) = stage.wish() else { panic!("no log-in in {language:?}") };
        assert_eq!((login.server.to_string().as_str(), login.user.as_str()), ("lab:7777", "小明"));
        assert_eq!((login.password.expose(), login.purpose), ("correct horse", Purpose::LogIn));
        assert!(stage.shows(&stage.say(W::Connecting { server: "lab".to_owned() })));
        stage.press(W::Cancel);
        assert!(matches!(stage.wish(), Some(Wish::Cancel)));
    }
}

#[test]
fn what_is_wrong_with_a_field_is_told_when_it_is_left() {
    for language in LANGUAGES {
        let mut stage = Stage::new(language);
        stage.fill(&W::Server, "http://lab");
        stage.fill(&W::User, "two words");
        stage.fill(&W::Password, "short");
        stage.fill(&W::Server, "");
        let url = AddressError::Url.text(&stage.texts);
        let name = NameError::Char(' ').text(&stage.texts);
        let password = PasswordError::TooShort.text(&stage.texts);
        for sentence in [url, name, password] {
            assert!(stage.shows(&sentence), "{sentence}");
        }
        stage.press(W::LogIn);
        assert!(stage.wish().is_none(), "nothing is sent while a field is wrong");
    }
}

#[test]
fn a_rejection_stands_in_the_form_and_clears_only_a_wrong_password() {
    for language in LANGUAGES {
        let mut stage = filled(language);
        stage.press(W::LogIn);
        let rejection = ServerRejection::from(Rejection::WrongCredentials);
        stage.happen(Happening::NotLoggedIn(Box::new(ConnectError::Rejected(rejection))));
        assert!(stage.shows(&rejection.text(&stage.texts)));
        let form = &stage.window.state().model.form;
        assert_eq!((form.server.as_str(), form.user.as_str(), form.password.is_empty()), ("lab", "小明", true));
    }
}

#[test]
fn a_registration_needs_the_password_twice() {
    let mut stage = filled(Language::English);
    stage.press(W::NewAccount);
    stage.fill(&W::PasswordAgain, "correct hose");
    stage.press(W::Register);
    assert!(stage.shows(&stage.say(W::PasswordsDiffer)));
    assert!(stage.wish().is_none());
    stage.window.state_mut().model.form.again.clear();
    stage.fill(&W::PasswordAgain, "correct horse");
    stage.fill(&W::Invitation, "welcome-2026");
    stage.press(W::Register);
    let Some(Wish::LogIn(login)) = stage.wish() else { panic!("no registration") };
    let Purpose::Register { invitation: Some(invitation) } = &login.purpose else { panic!("{:?}", login.purpose) };
    assert_eq!(invitation.expose(), "welcome-2026");
}

#[test]
fn a_server_is_met_with_its_fingerprint_and_escape_refuses_it() {
    for language in LANGUAGES {
        let mut stage = filled(language);
        stage.press(W::LogIn);
        assert!(matches!(stage.wish(), Some(Wish::LogIn(_))));
        let server: ServerAddress = "lab".parse().unwrap();
        let shown = Fingerprint::new([0xab; 32]);
        stage.happen(Happening::FirstMeeting { server: server.clone(), shown });
        assert!(stage.shows(&["abab"; 8].join(" ")));
        let different = stage.say(W::Different);
        assert!(stage.window.get_by_label(&different).is_focused(), "the safe answer has the focus");
        stage.window.key_press(Key::Escape);
        stage.run();
        assert!(matches!(stage.wish(), Some(Wish::Trust(false))));
        stage.happen(Happening::FirstMeeting { server, shown });
        stage.press(W::Same);
        assert!(matches!(stage.wish(), Some(Wish::Trust(true))));
    }
}

#[test]
fn a_changed_key_can_be_forgotten_but_not_accepted() {
    let mut stage = filled(Language::English);
    stage.press(W::LogIn);
    stage.wish();
    let [known, shown] = [1, 2].map(|byte| Fingerprint::new([byte; 32]));
    let error = ConnectError::FingerprintChanged { server: "lab".parse().unwrap(), known, shown };
    stage.happen(Happening::NotLoggedIn(Box::new(error)));
    assert!(stage.shows(&["0101"; 8].join(" ")) && stage.shows(&["0202"; 8].join(" ")));
    let same = stage.say(W::Same);
    assert!(stage.window.query_by_label(&same).is_none());
    stage.press(W::ForgetKey);
    assert!(matches!(stage.wish(), Some(Wish::Forget { .. })));
    assert_eq!(stage.window.state().model.screen, Screen::LogIn);
}

#[test]
fn the_language_changes_while_the_window_is_open() {
    let mut stage = filled(Language::English);
    assert!(stage.shows("User name"));
    stage.window.get_by_label("中文").click();
    stage.run();
    assert!(stage.shows("用户名") && !stage.shows("User name"));
    assert_eq!(stage.window.state().model.form.user, "小明", "what was typed stays");
}
