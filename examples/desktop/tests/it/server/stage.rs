//! A server's window on a stage: no display, no server. The test plays the thread that runs the server.

use std::net::SocketAddr;

use chat_cli::server_desktop::{HostFacts, Reach};
use chat_cli::texts::{Language, Localised, Texts};
use chat_core::accounts::ListedAccount;
use chat_core::id::AccountId;
use chat_core::time::Timestamp;
use chat_desktop::look;
use chat_desktop::model::server::exchange::{Accounts, Happening, Wish};
use chat_desktop::run::{FarPort, ports};
use chat_desktop::server_app::{ServerApp, ServerStart};
use chat_net::identity::Fingerprint;
use eframe::egui::accesskit::Role;
use eframe::egui::vec2;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;

use crate::stage::user;

pub(crate) const AT: Timestamp = Timestamp::from_millis(1_795_600_000_000);

pub(crate) struct Stage {
    pub(crate) window: Harness<'static, ServerApp>,
    pub(crate) texts: Texts,
    far: FarPort<Wish, Happening>,
}

impl Stage {
    /// A window that offers to start a server.
    pub(crate) fn new(language: Language) -> Self {
        let (port, far) = ports();
        let texts = Texts::new(language);
        let app = ServerApp::new(ServerStart::empty("/data".into()), port, texts.clone());
        let builder = Harness::builder();
        // Set by scripts/test on a machine without such a font. Otherwise a missing glyph fails the story.
        let has_font = std::env::var_os("CHAT_TEST_WITHOUT_CHINESE_FONT").is_none();
        let window = if has_font { builder } else { builder.allow_missing_glyphs() }
            .with_size(vec2(960.0, 660.0))
            .with_context_setup(move |context| look::install(context, language))
            .build_ui_state(
                |ui, app: &mut ServerApp| {
                    app.turn(&ui.ctx().clone());
                    app.draw(ui);
                },
                app,
            );
        Self { window, texts, far }
    }

    /// A window whose server runs.
    pub(crate) fn running(language: Language, names: &[&str]) -> Self {
        let mut stage = Self::new(language);
        stage.press(chat_cli::texts::ServerWindowSentence::Start);
        assert!(matches!(stage.wish(), Some(Wish::Start(_))));
        let listening: SocketAddr = "192.0.2.7:7777".parse().unwrap();
        stage.happen(Happening::Running(Box::new(HostFacts {
            listening,
            addresses: vec![listening],
            reach: Reach::Others,
            invitation: Some("chat-client 192.0.2.7:7777 --fingerprint abab".to_owned()),
            fingerprint: Fingerprint::new([0xab; 32]),
            folder: "/data".into(),
            database: "sqlite:/data/chat.sqlite".to_owned(),
        })));
        assert!(matches!(stage.wish(), Some(Wish::List)));
        stage.list(names);
        stage
    }

    /// The accounts are listed.
    pub(crate) fn list(&mut self, names: &[&str]) {
        let list = (1..).zip(names).map(|(id, name)| ListedAccount::new(AccountId::new(id), Ok(user(name)), AT));
        let accounts = Accounts { list: list.collect(), has_more: false };
        self.happen(Happening::Accounts(Ok(accounts)));
    }

    /// Something happened.
    pub(crate) fn happen(&mut self, happening: Happening) {
        self.far.happenings.try_send(happening).unwrap();
        self.run();
    }

    /// Frames until nothing moves. Spinners never end, so the number is bounded.
    pub(crate) fn run(&mut self) {
        self.window.run_ok();
    }

    /// What the window wishes for next.
    pub(crate) fn wish(&mut self) -> Option<Wish> {
        self.far.wishes.try_recv().ok()
    }

    /// A sentence in the language of the window.
    pub(crate) fn say(&self, sentence: impl Localised) -> String {
        sentence.text(&self.texts)
    }

    /// Types into the field of this name and role.
    pub(crate) fn fill(&mut self, role: Role, name: impl Localised, text: &str) {
        let label = self.say(name);
        self.window.get_by_role_and_label(role, &label).focus();
        self.run();
        self.window.get_by_role_and_label(role, &label).type_text(text);
        self.run();
    }

    /// Presses the button of this name.
    pub(crate) fn press(&mut self, name: impl Localised) {
        self.click(Role::Button, name);
    }

    /// Clicks what has this role and name.
    pub(crate) fn click(&mut self, role: Role, name: impl Localised) {
        let label = self.say(name);
        self.window.get_by_role_and_label(role, &label).click();
        self.run();
    }

    /// Whether a text is in the window.
    pub(crate) fn shows(&self, text: &str) -> bool {
        self.window.query_all_by_label_contains(text).next().is_some()
    }

    /// Whether a sentence is in the window.
    pub(crate) fn says(&self, sentence: impl Localised) -> bool {
        self.shows(&self.say(sentence))
    }
}
