//! What is typed, pasted and dropped: names after `@`, control characters, files, and texts that are too long.

use std::path::Path;
use std::sync::Arc;

use chat_cli::texts::{Localised, WindowSentence as W};
use chat_core::text::{Text, TextError};
use chat_desktop::model::conversation::Partner;
use chat_desktop::model::exchange::{FileProblem, Happening, Wish};
use eframe::egui::{DroppedFile, Event as Input, Key};
use egui_kittest::kittest::Queryable;

use crate::stage::{LANGUAGES, Stage};

fn paste(stage: &mut Stage, text: &str) {
    stage.window.event(Input::Paste(text.to_owned()));
    stage.run();
}

fn is_sent(stage: &mut Stage) -> Option<String> {
    stage.wish_for(|wish| match wish {
        Wish::Send { text, .. } => Some(text.as_str().to_owned()),
        _ => None,
    })
}

#[test]
fn a_name_after_an_at_sign_is_completed_by_tab_and_by_enter() {
    for (language, typed, key, draft) in
        [(LANGUAGES[0], "hi @Bo", Key::Tab, "hi @bob "), (LANGUAGES[1], "你好＠小", Key::Enter, "你好＠小红 ")]
    {
        let mut stage = Stage::online(language, &["bob", "小红", "carol"]);
        stage.fill(W::WriteEveryone, typed);
        stage.window.key_press(key);
        stage.run();
        assert_eq!(stage.draft(), draft);
        assert!(is_sent(&mut stage).is_none(), "the key chose a name");
        stage.window.key_press(Key::Enter);
        stage.run();
        assert_eq!(is_sent(&mut stage).as_deref(), Some(draft.trim_end()));
    }
}

#[test]
fn a_name_that_is_complete_needs_no_list_and_a_private_text_has_none() {
    let mut stage = Stage::online(LANGUAGES[0], &["bob", "carol"]);
    stage.fill(W::WriteEveryone, "@bob");
    stage.window.key_press(Key::Enter);
    stage.run();
    assert_eq!(is_sent(&mut stage).as_deref(), Some("@bob"));
    stage.window.get_by_label("carol").click();
    stage.run();
    stage.fill(W::WriteUser { user: "carol".to_owned() }, "@bo");
    stage.window.key_press(Key::Enter);
    stage.run();
    assert_eq!(is_sent(&mut stage).as_deref(), Some("@bo"));
}

#[test]
fn escape_closes_the_list_of_names_and_keeps_the_text() {
    let mut stage = Stage::online(LANGUAGES[0], &["bob"]);
    stage.fill(W::WriteEveryone, "@b");
    stage.window.key_press(Key::Escape);
    stage.run();
    stage.window.key_press(Key::Enter);
    stage.run();
    assert_eq!(is_sent(&mut stage).as_deref(), Some("@b"));
}

#[test]
fn up_in_an_empty_field_brings_back_the_last_text() {
    let mut stage = Stage::online(LANGUAGES[0], &["bob"]);
    stage.fill(W::WriteEveryone, "hello");
    stage.window.key_press(Key::Enter);
    stage.run();
    assert_eq!((stage.draft().as_str(), is_sent(&mut stage).as_deref()), ("", Some("hello")));
    stage.window.key_press(Key::ArrowUp);
    stage.run();
    stage.fill(W::WriteEveryone, "!");
    assert_eq!(stage.draft(), "hello!", "the caret is at the end");
}

#[test]
fn control_characters_that_are_pasted_are_removed_and_told() {
    for language in LANGUAGES {
        let mut stage = Stage::online(language, &["bob"]);
        stage.fill(W::WriteEveryone, "see: ");
        paste(&mut stage, "one\r\ntwo\u{1b}[31m\u{7}");
        assert_eq!(stage.draft(), "see: one\ntwo[31m");
        assert!(stage.tells(W::Removed { count: 2 }));
        stage.fill(W::WriteEveryone, "!");
        assert!(!stage.tells(W::Removed { count: 2 }), "until the text is changed");
        assert_eq!(stage.draft(), "see: one\ntwo[31m!");
    }
}

#[test]
fn a_text_that_is_too_long_stays_and_cannot_be_sent() {
    for language in LANGUAGES {
        let mut stage = Stage::online(language, &["bob"]);
        let long = "x".repeat(16_385);
        stage.session().open_conversation().draft = long.clone();
        stage.run();
        assert!(stage.shows(&TextError::TooLong { bytes: 16_385 }.text(&stage.texts)));
        assert!(stage.tells(W::Bytes { bytes: 16_385, max: Text::MAX_BYTES }));
        stage.window.key_press(Key::Enter);
        stage.press(W::Send);
        assert!(is_sent(&mut stage).is_none());
        assert_eq!(stage.draft(), long);
    }
}

#[derive(Debug)]
struct Dropped(&'static str);

impl DroppedFile for Dropped {
    fn path(&self) -> &Path {
        Path::new(self.0)
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        Err("the window does not read files itself".to_owned())
    }
}

#[test]
fn a_dropped_text_file_is_taken_over_and_another_file_is_refused() {
    for language in LANGUAGES {
        let mut stage = Stage::online(language, &["bob"]);
        stage.fill(W::WriteEveryone, "see: ");
        stage.window.input_mut().dropped_files.push(Arc::new(Dropped("/tmp/notes.txt")));
        stage.run();
        let read = stage.wish_for(|wish| match wish {
            Wish::ReadFile { partner, path } => Some((partner, path)),
            _ => None,
        });
        assert_eq!(read, Some((Partner::Everyone, "/tmp/notes.txt".into())));
        let partner = Partner::Everyone;
        stage.happen(Happening::FileRead { partner: partner.clone(), text: Ok("one\r\ntwo".to_owned()) });
        assert_eq!(stage.draft(), "see: one\ntwo");
        stage.happen(Happening::FileRead { partner: partner.clone(), text: Err(FileProblem::NoText) });
        assert!(stage.tells(W::FileRefused { max: Text::MAX_BYTES }));
        let problem = FileProblem::Unreadable { name: "notes.txt".to_owned(), reason: "gone".to_owned() };
        stage.happen(Happening::FileRead { partner, text: Err(problem) });
        assert!(stage.tells(W::FileUnread { name: "notes.txt".to_owned(), reason: "gone".to_owned() }));
        assert_eq!(stage.draft(), "see: one\ntwo", "the draft stays");
    }
}
