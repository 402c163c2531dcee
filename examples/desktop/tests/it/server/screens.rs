//! Every screen and every wrong input, in both languages.

use chat_cli::server_desktop::{HostError, HostStatus, StartAdvice, StartPart};
use chat_cli::texts::{Language, Localised, Sentence, ServerWindowSentence as S, WindowSentence as W};
use chat_core::accounts::NewStatus;
use chat_core::invitation::InvitationCode;
use chat_core::name::NameError;
use chat_core::password::{Password, PasswordError};
use chat_core::presence::{OfflineReason, Presence, PresenceEvent, Record};
use chat_core::server::RegistrationPolicy;
use chat_desktop::model::server::exchange::{AccountChange, ChangeProblem, Happening, OnlineUser, Wish};
use chat_desktop::model::server::{Action, Closing, Phase};
use chat_desktop::model::settings::Theme;
use eframe::egui::accesskit::Role;
use eframe::egui::{Key, Modifiers, OutputCommand, ViewportCommand};
use egui_kittest::kittest::Queryable;

use super::stage::Stage;
use crate::stage::{AT, LANGUAGES, user};

fn records(stage: &mut Stage, records: impl IntoIterator<Item = (&'static str, Presence)>) {
    let records =
        records.into_iter().map(|(name, presence)| Record::Presence(PresenceEvent::new(AT, user(name), presence)));
    stage.happen(Happening::Records { records: records.collect(), left_out: 0 });
}

fn replace(stage: &mut Stage, role: Role, name: S, text: &str) {
    let label = stage.say(name);
    stage.window.get_by_role_and_label(role, &label).focus();
    stage.run();
    stage.window.key_press_modifiers(Modifiers::COMMAND, Key::A);
    stage.run();
    stage.window.get_by_role_and_label(role, &label).type_text(text);
    stage.run();
}

#[test]
fn enter_starts_with_the_defaults_and_the_button_says_that_it_starts() {
    for language in LANGUAGES {
        let mut stage = Stage::new(language);
        let address = stage.say(S::Address);
        assert!(stage.window.get_by_role_and_label(Role::TextInput, &address).is_focused());
        stage.window.key_press(Key::Enter);
        stage.run();
        let Some(Wish::Start(settings)) = stage.wish() else { panic!("no start in {language:?}") };
        assert_eq!(settings.listen.to_string(), "0.0.0.0:7777");
        assert!(stage.tells(S::Starting));
        stage.press(W::Cancel);
        assert!(matches!(stage.wish(), Some(Wish::Cancel)));
        assert!(stage.tells(S::Start));
    }
}

#[test]
fn every_wrong_input_is_told_beside_its_field_and_stays() {
    for language in LANGUAGES {
        let mut stage = Stage::new(language);
        replace(&mut stage, Role::TextInput, S::Address, "lab:x");
        replace(&mut stage, Role::TextInput, S::Folder, "data");
        stage.click(Role::RadioButton, S::DatabaseByUrl);
        stage.fill(S::DatabaseUrl, "redis://ann:hush@db");
        stage.press(S::Start);
        assert!(stage.wish().is_none(), "nothing starts while a field is wrong");
        let address = chat_cli::server_desktop::listen_address("lab:x").unwrap_err().text(&stage.texts);
        let url = chat_cli::server_desktop::DatabaseUrl::parse("redis://ann:hush@db").unwrap_err().text(&stage.texts);
        for sentence in [address, stage.say(S::FolderNotWhole { example: "/data".to_owned() }), url] {
            assert!(stage.shows(&sentence), "{sentence}");
            assert!(!sentence.contains("hush"));
        }
        let form = &stage.window.state().model.form;
        assert_eq!(
            (form.address.as_str(), form.folder.as_str(), form.url.as_str()),
            ("lab:x", "data", "redis://ann:hush@db")
        );
        assert!(!stage.shows("hush"), "the URL is hidden");
        assert!(stage.node(&stage.say(S::Address)).is_focused(), "the first wrong field can be changed at once");
    }
}

#[test]
fn a_refused_start_stands_beside_its_field_with_what_to_do() {
    for language in LANGUAGES {
        for (part, advice) in [
            (StartPart::Address, StartAdvice::OtherPort),
            (StartPart::Address, StartAdvice::AllAddresses),
            (StartPart::Address, StartAdvice::HighPort),
            (StartPart::Folder, StartAdvice::OtherFolder),
            (StartPart::Folder, StartAdvice::StopOther),
            (StartPart::Database, StartAdvice::OtherFolder),
            (StartPart::Other, StartAdvice::OtherFolder),
        ] {
            let mut stage = Stage::new(language);
            stage.press(S::Start);
            let refused = S::Advice { problem: "7777".to_owned(), advice };
            stage.happen(Happening::NotStarted(HostError { part, sentence: Sentence::about(refused.clone()) }));
            assert!(stage.tells(refused.clone()), "{refused:?}");
            if part == StartPart::Address {
                assert!(stage.node(&stage.say(S::Address)).is_focused(), "it can be changed at once");
            }
            assert!(matches!(stage.wish(), Some(Wish::Start(_))));
            stage.press(S::Start);
            assert!(matches!(stage.wish(), Some(Wish::Start(_))));
            assert!(!stage.tells(refused), "the sentence goes with the next start");
        }
    }
}

#[test]
fn the_running_server_shows_what_others_need_and_copies_it() {
    for language in LANGUAGES {
        let mut stage = Stage::running(language, &[]);
        assert!(stage.shows("192.0.2.7:7777") && stage.shows("--fingerprint") && stage.tells(S::NoArrivals));
        assert!(stage.shows(&["abab"; 8].join(" ")));
        for (name, copied) in [
            (S::CopyAddress { address: "192.0.2.7:7777".to_owned() }, "192.0.2.7:7777".to_owned()),
            (S::CopyFingerprint, "ab".repeat(32)),
            (S::CopyInvitation, "chat-client 192.0.2.7:7777 --fingerprint abab".to_owned()),
        ] {
            let label = stage.say(name);
            stage.window.get_by_role_and_label(Role::Button, &label).click();
            stage.window.step();
            let output = stage.window.output().platform_output.commands.clone();
            let is_copied =
                output.iter().any(|command| matches!(command, OutputCommand::CopyText(text) if *text == copied));
            assert!(is_copied, "{label}: {output:?}");
            stage.run();
        }
    }
}

#[test]
fn arrivals_and_departures_are_listed_with_their_reasons() {
    for language in LANGUAGES {
        let mut stage = Stage::running(language, &[]);
        let address = "192.0.2.9:40001".parse().unwrap();
        records(
            &mut stage,
            [
                ("小明", Presence::Online(address)),
                ("alice", Presence::Replaced(address)),
                ("bob", Presence::Moved(address)),
                ("carol", Presence::Offline(OfflineReason::Asked)),
                ("dave", Presence::Offline(OfflineReason::Lost)),
                ("erin", Presence::Offline(OfflineReason::Kicked)),
                ("frank", Presence::Offline(OfflineReason::TooSlow)),
            ],
        );
        for (name, what) in [
            ("小明", S::Came),
            ("alice", S::Replaced),
            ("bob", S::Moved),
            ("carol", S::Left),
            ("dave", S::LeftLost),
            ("erin", S::LeftKicked),
            ("frank", S::LeftTooSlow),
        ] {
            assert!(stage.shows(&format!("{name} {}", stage.say(what))), "{name}");
        }
        assert!(stage.shows("192.0.2.9:40001") && !stage.tells(S::NoArrivals));
        stage.happen(Happening::Records { records: vec![Record::Stopping(AT)], left_out: 7 });
        assert!(stage.tells(S::ArrivalsLeftOut { count: 7 }) && stage.tells(S::ServerStopping));
    }
}

#[test]
fn who_is_online_and_the_numbers_have_tabs() {
    for language in LANGUAGES {
        let mut stage = Stage::running(language, &[]);
        stage.press(S::Online { count: 0 });
        assert!(stage.tells(S::NobodyOnline));
        let online = ["小明", "alice"].map(|name| OnlineUser {
            user: user(name),
            address: "192.0.2.9:40001".parse().unwrap(),
            since: AT,
        });
        stage.happen(Happening::Online(online.into()));
        assert!(stage.tells(S::Online { count: 2 }) && stage.shows("小明 192.0.2.9:40001"));
        stage.happen(Happening::Status(Box::default()));
        assert!(stage.tells(S::Counts { online: 0, logins: 0, refused: 0 }));
        stage.press(S::Numbers);
        for (name, _) in HostStatus::default().rows(&stage.texts, String::new()) {
            assert!(stage.shows(&name), "{name}");
        }
        let in_utc = HostStatus::default().started_at().to_string();
        assert!(!stage.shows(&in_utc), "times are those of this place");
    }
}

#[test]
fn who_may_register_changes_while_the_server_runs() {
    for language in LANGUAGES {
        let mut stage = Stage::running(language, &[]);
        stage.click(Role::RadioButton, S::RegistrationClosed);
        assert!(matches!(stage.wish(), Some(Wish::SetRegistration(RegistrationPolicy::Closed))));
        assert!(stage.tells(S::RegistrationClosedHint));
        stage.click(Role::RadioButton, S::RegistrationInvited);
        assert!(matches!(stage.wish(), Some(Wish::NewCode)));
        stage.happen(Happening::Code(InvitationCode::parse("spring-2026").unwrap()));
        assert!(matches!(stage.wish(), Some(Wish::SetRegistration(RegistrationPolicy::Invited(_)))));
        assert!(stage.shows("spring-2026"));
        stage.press(S::NewCode);
        assert!(matches!(stage.wish(), Some(Wish::NewCode)));
    }
}

#[test]
fn accounts_are_disabled_and_enabled_with_a_button_that_names_them() {
    for language in LANGUAGES {
        let mut stage = Stage::running(language, &["alice", "小明"]);
        stage.press(S::Accounts);
        assert!(matches!(stage.wish(), Some(Wish::List)));
        stage.list(&["alice", "小明"]);
        stage.press(S::DisableUser { user: "小明".to_owned() });
        let Some(Wish::Change(AccountChange::SetStatus(name, NewStatus::Disabled))) = stage.wish() else { panic!() };
        assert_eq!(name, user("小明"));
        let done = S::Changed { user: "小明".to_owned(), status: NewStatus::Disabled };
        stage.happen(Happening::Changed(Ok(done.clone())));
        assert!(stage.tells(done));
        stage.fill(S::FindAccount, "nobody");
        assert!(stage.tells(S::NoAccountFound { typed: "nobody".to_owned() }) && !stage.shows("alice"));
    }
}

#[test]
fn removing_asks_with_the_name_and_the_safe_answer_has_the_focus() {
    for language in LANGUAGES {
        let mut stage = Stage::running(language, &["alice"]);
        stage.press(S::Accounts);
        stage.list(&["alice"]);
        assert!(matches!(stage.wish(), Some(Wish::List)));
        let remove = S::RemoveUser { user: "alice".to_owned() };
        stage.press(remove.clone());
        assert!(stage.tells(S::RemoveQuestion { user: "alice".to_owned() }));
        let cancel = stage.say(W::Cancel);
        assert!(stage.window.get_by_role_and_label(Role::Button, &cancel).is_focused());
        stage.window.key_press(Key::Escape);
        stage.run();
        assert!(stage.wish().is_none() && !stage.tells(S::RemoveQuestion { user: "alice".to_owned() }));
        stage.press(remove.clone());
        stage.click(Role::CheckBox, S::FreeName);
        // The one in the list has the same name, and stands before the one that answers.
        let label = stage.say(remove);
        stage.window.get_all_by_role_and_label(Role::Button, &label).last().unwrap().click();
        stage.run();
        let Some(Wish::Change(AccountChange::SetStatus(name, NewStatus::RemovedAndFreed))) = stage.wish() else {
            panic!()
        };
        assert_eq!(name, user("alice"));
    }
}

#[test]
fn a_password_is_reset_by_typing_or_by_a_suggestion_that_is_shown_once() {
    for language in LANGUAGES {
        let mut stage = Stage::running(language, &["alice"]);
        stage.press(S::Accounts);
        stage.list(&["alice"]);
        assert!(matches!(stage.wish(), Some(Wish::List)));
        stage.press(S::ResetUser { user: "alice".to_owned() });
        stage.fill(W::NewPassword, "short");
        stage.press(S::SetPassword);
        assert!(stage.tells(PasswordError::TooShort) && stage.wish().is_none());
        stage.press(S::Suggest);
        assert!(matches!(stage.wish(), Some(Wish::Suggest)));
        stage.happen(Happening::Suggested(Password::parse("k7q2-9xmd-4rtz-8bwn").unwrap()));
        stage.press(S::SetPassword);
        let Some(Wish::Change(AccountChange::SetPassword(_, password))) = stage.wish() else { panic!() };
        assert_eq!(password.expose(), "k7q2-9xmd-4rtz-8bwn");
        stage.happen(Happening::Changed(Ok(S::PasswordSet { user: "alice".to_owned() })));
        assert!(stage.shows("k7q2-9xmd-4rtz-8bwn") && stage.tells(S::PasswordOnce));
        stage.press(W::Close);
        assert!(!stage.shows("k7q2"));
    }
}

#[test]
fn an_account_is_added_and_a_wrong_name_stands_beside_its_field() {
    for language in LANGUAGES {
        let mut stage = Stage::running(language, &[]);
        stage.press(S::Accounts);
        stage.list(&[]);
        assert!(matches!(stage.wish(), Some(Wish::List)) && stage.tells(S::NoAccounts));
        stage.press(S::AddAccount);
        stage.fill(W::User, "two words");
        stage.fill(W::NewPassword, "correct horse");
        stage.press(S::Add);
        assert!(stage.tells(NameError::Char(' ')) && stage.wish().is_none());
        let label = stage.say(W::User);
        stage.window.get_by_role_and_label(Role::TextInput, &label).focus();
        stage.window.key_press_modifiers(Modifiers::COMMAND, Key::A);
        stage.run();
        stage.window.get_by_role_and_label(Role::TextInput, &label).type_text("小红");
        stage.window.key_press(Key::Enter);
        stage.run();
        let Some(Wish::Change(AccountChange::Register(name, _))) = stage.wish() else { panic!() };
        assert_eq!(name, user("小红"));
        let taken: Sentence = "taken already".into();
        stage.happen(Happening::Changed(Err(ChangeProblem { is_taken: true, sentence: taken })));
        assert!(stage.shows("taken already"));
    }
}

#[test]
fn closing_a_running_server_asks_and_then_stops_it() {
    for language in LANGUAGES {
        let mut stage = Stage::running(language, &[]);
        stage.window.state_mut().model.act(Action::Close);
        stage.run();
        assert!(stage.tells(S::CloseQuestion { count: 0 }));
        stage.press(S::KeepRunning);
        assert_eq!(stage.window.state().model.phase, Phase::Running);
        stage.window.state_mut().model.act(Action::Close);
        stage.run();
        stage.press(S::StopAndClose);
        assert!(matches!(stage.wish(), Some(Wish::Stop)));
        stage.happen(Happening::Stopped(None));
        assert_eq!(stage.window.state().model.closing, Closing::Done);
    }
}

#[test]
fn a_server_that_stops_leads_back_to_the_form_with_what_was_typed() {
    for language in LANGUAGES {
        let mut stage = Stage::running(language, &[]);
        stage.press(S::Stop);
        assert!(matches!(stage.wish(), Some(Wish::Stop)) && stage.tells(S::Stopping));
        stage.happen(Happening::Stopped(Some("the disk is gone".into())));
        assert!(stage.shows("the disk is gone") && stage.tells(S::Start));
        assert_eq!(stage.window.state().model.form.address, "0.0.0.0:7777");
    }
}

#[test]
fn a_request_to_stop_hides_the_window_until_the_server_has_stopped() {
    let mut stage = Stage::running(LANGUAGES[0], &[]);
    stage.window.state_mut().model.act(Action::Close);
    stage.happen(Happening::StopRequested);
    assert!(!stage.tells(S::CloseQuestion { count: 0 }), "the system does not wait for an answer");
    assert!(stage.commands().contains(&ViewportCommand::Visible(false)));
    stage.happen(Happening::Stopped(None));
    assert!(stage.commands().contains(&ViewportCommand::Close));
    let mut stage = Stage::new(LANGUAGES[0]);
    stage.happen(Happening::StopRequested);
    assert!(stage.commands().contains(&ViewportCommand::Close));
}

#[test]
fn the_settings_name_the_log_file() {
    for language in LANGUAGES {
        let mut stage = Stage::new(language);
        stage.press(W::Settings);
        assert!(stage.tells(W::LogFile) && stage.shows("/home/ming/chat-server-desktop.log"));
        stage.press(W::Copy);
    }
}

#[test]
fn language_theme_and_size_of_the_text_change_at_once() {
    let mut stage = Stage::new(Language::English);
    stage.press(W::Settings);
    stage.press(W::ThemeDark);
    assert_eq!(stage.window.state().model.look.theme, Theme::Dark);
    stage.window.key_press(Key::Escape);
    stage.run();
    assert!(!stage.tells(W::TextSize));
    stage.window.get_by_label("中文").click();
    stage.run();
    assert!(stage.shows("启动服务器"));
}
