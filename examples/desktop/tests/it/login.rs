//! Logging in: every wrong input is told beside its field, in both languages.

use std::io::ErrorKind;

use chat_cli::texts::{Language, Localised, WindowSentence as W};
use chat_core::name::NameError;
use chat_core::password::PasswordError;
use chat_desktop::model::Screen;
use chat_desktop::model::exchange::{Happening, KnownServer, Purpose, TrustBy, Wish};
use chat_net::address::{AddressError, ServerAddress};
use chat_net::client::{ConnectError, EndReason, Event, LoginFailure, ReachMode, RejectionKind, ServerRejection};
use chat_net::identity::Fingerprint;
use chat_net::trust::AuthoritiesError;
use eframe::egui::accesskit::Role;
use eframe::egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable;

use crate::stage::{LANGUAGES, Stage};

fn filled(language: Language) -> Stage {
    let mut stage = Stage::new(language);
    stage.fill(W::Server, "lab");
    stage.fill(W::User, "小明");
    stage.fill(W::Password, "correct horse");
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
        assert!(stage.shows(&stage.say(W::Connecting { server: "lab:7777".to_owned() })));
        stage.press(W::Cancel);
        assert!(matches!(stage.wish(), Some(Wish::Cancel)));
    }
}

#[test]
fn what_is_wrong_with_a_field_is_told_when_it_is_left() {
    for language in LANGUAGES {
        let mut stage = Stage::new(language);
        stage.fill(W::Server, "http://lab");
        stage.fill(W::User, "two words");
        stage.fill(W::Password, "short");
        stage.fill(W::Server, "");
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
        let rejection = ServerRejection::new(RejectionKind::WrongCredentials, None);
        stage.happen(Happening::NotLoggedIn(Box::new(ConnectError::Rejected(rejection))));
        assert!(stage.shows(&rejection.text(&stage.texts)));
        if language == Language::English {
            assert!(stage.shows("Wrong user name or password"), "it stands alone");
        }
        let form = &stage.window.state().model.form;
        assert_eq!((form.server.as_str(), form.user.as_str(), form.password.is_empty()), ("lab:7777", "小明", true));
        stage.run();
        assert!(stage.node(&stage.say(W::Password)).is_focused(), "the next thing to type");
    }
}

#[test]
fn enter_in_an_empty_form_says_what_is_missing_and_stays_there() {
    for language in LANGUAGES {
        let mut stage = Stage::new(language);
        assert!(stage.node(&stage.say(W::Server)).is_focused(), "the first thing to type");
        stage.window.key_press(Key::Enter);
        stage.run();
        assert!(stage.tells(AddressError::Empty) && stage.tells(NameError::Empty) && stage.tells(PasswordError::Empty));
        assert!(stage.node(&stage.say(W::Server)).is_focused(), "what is missing can be typed at once");
        stage.window.key_press(Key::Tab);
        stage.run();
        assert!(!stage.tells(AddressError::Empty), "a field that is left is not wrong because it is empty");
    }
}

#[test]
fn an_answer_that_comes_before_the_next_frame_gives_the_focus_too() {
    let mut stage = filled(Language::English);
    stage.window.key_press(Key::Enter);
    stage.window.step();
    assert!(stage.model().form.is_busy);
    stage.happen(Happening::NotLoggedIn(Box::new(ConnectError::TimedOut { server: "lab".parse().unwrap() })));
    assert!(stage.node("Server").is_focused() && stage.shows("lab:7777 does not answer"));
}

#[test]
fn a_registration_needs_the_password_twice() {
    let mut stage = filled(Language::English);
    stage.press(W::NewAccount);
    assert!(stage.node(&stage.say(W::PasswordAgain)).is_focused(), "the next thing to type");
    stage.fill(W::PasswordAgain, "correct ho");
    assert!(!stage.tells(W::PasswordsDiffer), "so far it is right");
    stage.fill(W::PasswordAgain, "s");
    assert!(stage.tells(W::PasswordsDiffer), "while it is typed");
    stage.window.key_press(Key::Enter);
    stage.run();
    assert!(stage.tells(W::PasswordsDiffer));
    assert!(stage.node(&stage.say(W::PasswordAgain)).is_focused(), "what is wrong can be changed at once");
    assert!(stage.wish().is_none());
    stage.window.state_mut().model.form.again.clear();
    stage.fill(W::PasswordAgain, "correct horse");
    stage.fill(W::Invitation, "welcome-2026");
    stage.press(W::Register);
    let Some(Wish::LogIn(login)) = stage.wish() else { panic!("no registration") };
    let Purpose::Register { invitation: Some(invitation) } = &login.purpose else { panic!("{:?}", login.purpose) };
    assert_eq!(invitation.expose(), "welcome-2026");
}

#[test]
fn tab_leads_from_one_password_to_the_next_and_a_key_shows_it() {
    for language in LANGUAGES {
        let mut stage = filled(language);
        stage.press(W::NewAccount);
        let [password, again] = [W::Password, W::PasswordAgain].map(|name| stage.say(name));
        stage.node(&password).focus();
        stage.run();
        stage.window.key_press(Key::Tab);
        stage.run();
        let eye = stage.say(W::ShowPassword);
        assert!(stage.window.query_all_by_label(&eye).next().unwrap().is_focused(), "the switch that shows it");
        stage.window.key_press(Key::Tab);
        stage.run();
        assert!(stage.node(&again).is_focused());
        let is_hidden = |stage: &Stage| stage.window.query_by_role_and_label(Role::PasswordInput, &again).is_some();
        for hidden in [true, false, true] {
            assert_eq!(is_hidden(&stage), hidden);
            stage.window.key_press_modifiers(Modifiers::ALT, Key::F8);
            stage.run();
        }
    }
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
    for language in LANGUAGES {
        let mut stage = filled(language);
        let [known, shown] = [1, 2].map(|byte| Fingerprint::new([byte; 32]));
        let refused = || {
            let error = ConnectError::FingerprintChanged { server: "lab".parse().unwrap(), known, shown };
            Happening::NotLoggedIn(Box::new(error))
        };
        stage.press(W::LogIn);
        assert!(matches!(stage.wish(), Some(Wish::LogIn(_))));
        stage.happen(refused());
        assert!(stage.tells(W::KeyChanged { server: "lab:7777".to_owned() }));
        assert!(stage.shows(&["0101"; 8].join(" ")) && stage.shows(&["0202"; 8].join(" ")));
        assert!(!stage.tells(W::Same), "nothing accepts it");
        let back = stage.say(W::Back);
        assert!(stage.window.get_by_label(&back).is_focused(), "the safe answer has the focus");
        stage.window.key_press(Key::Escape);
        stage.run();
        assert!(stage.wish().is_none());
        assert_eq!(stage.model().screen, Screen::LogIn);
        stage.happen(refused());
        stage.press(W::ForgetKey);
        assert!(matches!(stage.wish(), Some(Wish::Forget { .. })));
        assert_eq!(stage.model().screen, Screen::LogIn);
    }
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

/// Every error of a log-in, with the name of the field below which it stands. `None` stands below the button.
fn errors() -> Vec<(ConnectError, Option<W>)> {
    let server: ServerAddress = "lab".parse().unwrap();
    let at = || server.clone();
    let source = |kind: ErrorKind| std::io::Error::from(kind);
    let [known, shown] = [1, 2].map(|byte| Fingerprint::new([byte; 32]));
    let rejected = |kind| ConnectError::Rejected(ServerRejection::new(kind, None));
    let address = "192.168.1.7:40001".parse().unwrap();
    vec![
        (ConnectError::Resolve { server: at(), source: source(ErrorKind::NotFound) }, Some(W::Server)),
        (ConnectError::Unreachable { server: at(), source: source(ErrorKind::ConnectionRefused) }, Some(W::Server)),
        (ConnectError::TimedOut { server: at() }, Some(W::Server)),
        (ConnectError::NotChat { server: at(), what: "it sent a malformed hello" }, Some(W::Server)),
        (ConnectError::Untrusted { server: at(), shown }, Some(W::Server)),
        (ConnectError::WrongFingerprint { server: at(), wanted: known, shown }, Some(W::Server)),
        (rejected(RejectionKind::NameTaken), Some(W::User)),
        (rejected(RejectionKind::WrongCredentials), Some(W::Password)),
        (rejected(RejectionKind::NotInvited), Some(W::Invitation)),
        (ConnectError::Udp { address, source: source(ErrorKind::AddrInUse) }, Some(W::OwnAddress)),
        (rejected(RejectionKind::Addresses), Some(W::Advertised)),
        (ConnectError::Authorities { path: "ca.pem".into(), source: AuthoritiesError::Empty }, Some(W::ServerTrust)),
        (rejected(RejectionKind::RegistrationClosed), None),
        (rejected(RejectionKind::Disabled), None),
        (rejected(RejectionKind::StorageUnavailable), None),
        (rejected(RejectionKind::Full), None),
        (ConnectError::LoginFailed { server: at(), source: LoginFailure::Disconnected }, None),
        (ConnectError::Internal, None),
    ]
}

#[test]
fn every_failed_log_in_is_told_below_the_field_that_caused_it() {
    for language in LANGUAGES {
        for (error, field) in errors() {
            let mut stage = filled(language);
            stage.make_high();
            stage.press(W::NewAccount);
            stage.fill(W::PasswordAgain, "correct horse");
            stage.press(W::Register);
            assert!(stage.wish_for(|wish| matches!(wish, Wish::LogIn(_)).then_some(())).is_some());
            let sentence = error.text(&stage.texts);
            stage.happen(Happening::NotLoggedIn(Box::new(error)));
            let told = stage.place(&sentence);
            let above = match field {
                Some(name) => stage.field(name),
                None => {
                    let button = stage.say(W::Register);
                    stage.window.get_by_role_and_label(Role::Button, &button).rect()
                }
            };
            let distance = told.top() - above.bottom();
            assert!((0.0..24.0).contains(&distance), "{distance} between the field and: {sentence}");
        }
    }
}

#[test]
fn a_known_server_is_chosen_from_a_list() {
    for language in LANGUAGES {
        let mut stage = filled(language);
        let server: ServerAddress = "ship:7778".parse().unwrap();
        let user = "bob".parse().ok();
        stage.happen(Happening::Servers(vec![KnownServer { server, user, fingerprint: None }]));
        stage.press(W::KnownServers);
        stage.window.get_by_label_contains("ship:7778").click();
        stage.run();
        let form = &stage.model().form;
        assert_eq!((form.server.as_str(), form.user.as_str()), ("ship:7778", "bob"));
    }
}

#[test]
fn the_network_has_fields_for_address_port_and_fingerprint() {
    for language in LANGUAGES {
        let mut stage = filled(language);
        stage.make_high();
        stage.press(W::More);
        stage.fill(W::OwnAddress, "everywhere");
        stage.fill(W::OwnPort, "70000");
        stage.fill(W::ServerTrust, "no such file");
        stage.press(W::LogIn);
        assert!(stage.wish().is_none());
        assert!(stage.tells(W::OwnAddressWrong { typed: "everywhere".to_owned() }) && stage.shows("70000"));
        assert!(stage.tells(W::ServerTrustWrong));
        let form = &mut stage.model().form;
        (form.own_address, form.own_port) = ("127.0.0.1".to_owned(), "40001".to_owned());
        form.server_trust = "ab".repeat(32);
        stage.click(Role::RadioButton, W::ReachRelay);
        stage.press(W::LogIn);
        let Some(Wish::LogIn(login)) = stage.wish() else { panic!("no log-in") };
        assert_eq!(login.udp.to_string(), "127.0.0.1:40001");
        assert!(matches!(login.trust, TrustBy::Invited(..)));
        assert_eq!(login.reach, ReachMode::Relay);
    }
}

#[test]
fn the_log_in_stays_in_view_while_the_advanced_part_is_open() {
    for language in LANGUAGES {
        let mut stage = filled(language);
        assert!(stage.tells(W::Title), "the name of the program");
        stage.press(W::NewAccount);
        stage.press(W::More);
        let window = stage.window.ctx.content_rect();
        let button = stage.say(W::Register);
        let button = stage.window.get_by_role_and_label(Role::Button, &button).rect();
        assert!(window.contains_rect(button), "{button} in {window}");
    }
}

#[test]
fn the_languages_have_the_same_order_in_every_place() {
    let mut stage = Stage::new(Language::English);
    let is_in_order = |stage: &Stage| stage.place("中文").right() <= stage.place("English").left();
    assert!(is_in_order(&stage), "at the log-in");
    stage.welcome(&["bob"]);
    stage.press(W::Settings);
    assert!(is_in_order(&stage), "in the settings");
}

#[test]
fn a_wrong_password_gets_the_focus_from_any_field() {
    for language in LANGUAGES {
        let mut stage = filled(language);
        let server = stage.say(W::Server);
        stage.node(&server).focus();
        stage.run();
        let rejection = ServerRejection::new(RejectionKind::WrongCredentials, None);
        stage.happen(Happening::NotLoggedIn(Box::new(ConnectError::Rejected(rejection))));
        assert!(stage.node(&stage.say(W::Password)).is_focused());
    }
}

#[test]
fn a_kicked_user_finds_the_reason_at_the_log_in() {
    for language in LANGUAGES {
        let mut stage = Stage::online(language, &["bob"]);
        stage.model().form.user = "小明".to_owned();
        stage.happen(Happening::Event(Box::new(Event::Ended(EndReason::Kicked))));
        assert!(stage.shows(&EndReason::Kicked.text(&stage.texts)));
        let form = &stage.model().form;
        assert_eq!((form.user.as_str(), form.password.is_empty()), ("小明", true));
    }
}

#[test]
fn a_server_that_slows_down_is_waited_for() {
    for language in LANGUAGES {
        let mut stage = filled(language);
        stage.press(W::LogIn);
        let rejection = ServerRejection::new(RejectionKind::SlowDown, Some(std::time::Duration::from_secs(3_600)));
        stage.happen(Happening::NotLoggedIn(Box::new(ConnectError::Rejected(rejection))));
        assert!(stage.tells(W::Wait { seconds: 3_600 }));
    }
}
