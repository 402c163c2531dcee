//! A window on a stage: no display, no server. The test plays the thread that talks to the server.

use chat_cli::texts::{Language, Localised, Texts, WindowSentence};
use chat_core::message::{Content, Scope};
use chat_core::name::UserName;
use chat_core::text::Text;
use chat_core::time::Timestamp;
use chat_desktop::app::{App, Start};
use chat_desktop::look;
use chat_desktop::model::Model;
use chat_desktop::model::exchange::{Happening, Wish};
use chat_desktop::model::session::Session;
use chat_desktop::run::{FarPort, ports};
use chat_net::client::Event;
use eframe::egui::accesskit::Role;
use eframe::egui::{OutputCommand, Rect, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;

pub(crate) const LANGUAGES: [Language; 2] = [Language::English, Language::Chinese];

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
        let app =
            App::new(Start::empty("known".into()), port, texts.clone(), Some("/home/ming/chat-desktop.log".into()));
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
        stage.welcome(people);
        stage
    }

    /// 小明 is logged in, with these people online.
    pub(crate) fn welcome(&mut self, people: &[&str]) {
        let people = people.iter().map(|name| (user(name), None)).collect();
        let own_addresses = vec!["192.168.1.7:40001".parse().unwrap()];
        let server = "lab".parse().unwrap();
        self.happen(Happening::Welcome { server, user: user("小明"), people, own_addresses });
    }

    /// The model of the window.
    pub(crate) fn model(&mut self) -> &mut Model {
        &mut self.window.state_mut().model
    }

    /// The session in the window.
    pub(crate) fn session(&mut self) -> &mut Session {
        self.model().session.as_mut().unwrap()
    }

    /// An event of the session.
    pub(crate) fn event(&mut self, event: Event) {
        self.happen(Happening::Event(Box::new(event)));
    }

    /// The draft of the open conversation.
    pub(crate) fn draft(&mut self) -> String {
        self.session().open_conversation().draft.clone()
    }

    /// Makes the window so high that nothing has to be scrolled.
    pub(crate) fn make_high(&mut self) {
        self.window.set_size(vec2(960.0, 1_600.0));
        self.run();
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

    /// Where the field of this name is.
    pub(crate) fn field(&self, name: &WindowSentence) -> Rect {
        self.window.get_by_role_and_label(role_of(name), &self.say(name.clone())).rect()
    }

    /// Where a text is.
    pub(crate) fn place(&self, text: &str) -> Rect {
        let mut found = self.window.query_all_by_label(text);
        found.next().unwrap_or_else(|| panic!("nowhere: {text}")).rect()
    }

    /// Whether a text is in the window.
    pub(crate) fn shows(&self, text: &str) -> bool {
        self.window.query_all_by_label_contains(text).next().is_some()
    }

    /// Whether a sentence is in the window.
    pub(crate) fn tells(&self, sentence: WindowSentence) -> bool {
        self.shows(&self.say(sentence))
    }

    /// Takes wishes until one is of this kind.
    pub(crate) fn wish_for<T>(&mut self, mut pick: impl FnMut(Wish) -> Option<T>) -> Option<T> {
        while let Some(wish) = self.wish() {
            if let Some(found) = pick(wish) {
                return Some(found);
            }
        }
        None
    }

    /// What is copied to the clipboard in the next frame.
    pub(crate) fn copied(&mut self) -> Option<String> {
        self.window.step();
        self.window.output().platform_output.commands.iter().find_map(|command| match command {
            OutputCommand::CopyText(text) => Some(text.clone()),
            _ => None,
        })
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
