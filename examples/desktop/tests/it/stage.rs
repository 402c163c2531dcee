//! A window on a stage: no display, no server. The test plays the thread that talks to the server.

use chat_cli::texts::{Language, Localised, Texts, WindowSentence};
use chat_core::message::{Content, Scope};
use chat_core::name::UserName;
use chat_core::text::Text;
use chat_core::time::Timestamp;
use chat_desktop::app::{App, Start};
use chat_desktop::look;
use chat_desktop::model::exchange::{Happening, Wish};
use chat_desktop::run::{FarPort, ports};
use eframe::egui::accesskit::Role;
use eframe::egui::vec2;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;

pub(crate) struct Stage {
    pub(crate) window: Harness<'static, App>,
    pub(crate) texts: Texts,
    far: FarPort,
}

impl Stage {
    /// A window that asks to log in.
    pub(crate) fn new(language: Language) -> Self {
        let (port, far) = ports();
        let texts = Texts::new(language);
        let app = App::new(Start::empty("known".into()), port, texts.clone());
        Self::of(app, far, texts)
    }

    fn of(app: App, far: FarPort, texts: Texts) -> Self {
        let language = texts.language();
        let builder = Harness::builder();
        // Set by scripts/test on a machine without such a font. Otherwise a missing glyph fails the story.
        let has_font = std::env::var_os("CHAT_TEST_WITHOUT_CHINESE_FONT").is_none();
        let window = if has_font { builder } else { builder.allow_missing_glyphs() }
            .with_size(vec2(960.0, 660.0))
            .with_context_setup(move |context| look::install(context, language))
            .build_ui_state(
                |ui, app: &mut App| {
                    app.turn(&ui.ctx().clone());
                    app.draw(ui);
                },
                app,
            );
        Self { window, texts, far }
    }

    /// A window after the log-in of 小明.
    pub(crate) fn online(language: Language, people: &[&str]) -> Self {
        let mut stage = Self::new(language);
        let people = people.iter().map(|name| user(name)).collect();
        stage.happen(Happening::Welcome { server: "lab".parse().unwrap(), user: user("小明"), people });
        stage
    }

    /// Something happened.
    pub(crate) fn happen(&mut self, happening: Happening) {
        self.far.happenings.try_send(happening).unwrap();
        self.run();
    }

    /// A message arrives.
    pub(crate) fn arrive(&mut self, from: &str, scope: Scope, text: &str) {
        let content = Content::Text(Text::parse(text).unwrap());
        self.happen(Happening::Message {
            from: user(from),
            scope,
            content,
            at: Timestamp::from_millis(1_795_600_000_000),
        });
    }

    /// Frames until nothing moves. Spinners and countdowns never end, so the number is bounded.
    pub(crate) fn run(&mut self) {
        self.window.run_ok();
    }

    /// What the window wishes for next.
    pub(crate) fn wish(&mut self) -> Option<Wish> {
        self.far.wishes.try_recv().ok()
    }

    /// A sentence in the language of the window.
    pub(crate) fn say(&self, sentence: WindowSentence) -> String {
        sentence.text(&self.texts)
    }

    /// Types into the field of this name.
    pub(crate) fn fill(&mut self, name: &WindowSentence, text: &str) {
        let label = self.say(name.clone());
        self.window.get_by_role_and_label(role_of(name), &label).focus();
        self.run();
        self.window.get_by_role_and_label(role_of(name), &label).type_text(text);
        self.run();
    }

    /// Presses the button of this name.
    pub(crate) fn press(&mut self, name: WindowSentence) {
        let label = self.say(name);
        self.window.get_by_role_and_label(Role::Button, &label).click();
        self.run();
    }

    /// Whether a text is in the window.
    pub(crate) fn shows(&self, text: &str) -> bool {
        self.window.query_all_by_label_contains(text).next().is_some()
    }
}

fn role_of(name: &WindowSentence) -> Role {
    match name {
        WindowSentence::Password | WindowSentence::PasswordAgain => Role::PasswordInput,
        WindowSentence::WriteEveryone | WindowSentence::WriteUser { .. } => Role::MultilineTextInput,
        _ => Role::TextInput,
    }
}

pub(crate) fn user(name: &str) -> UserName {
    name.parse().unwrap()
}
