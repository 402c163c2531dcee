//! The window of a client, without a display and without a server.

use chat_cli::texts::{Language, Texts};
use chat_core::message::{Content, Scope};
use chat_core::name::UserName;
use chat_core::text::Text;
use chat_core::time::Timestamp;
use chat_desktop::app::{App, Start};
use chat_desktop::model::Model;
use chat_desktop::model::exchange::{Happening, Wish};
use chat_desktop::model::session::Session;
use chat_desktop::run::ports;
use chat_net::client::Event;
use eframe::egui::vec2;

use crate::set::Set;

pub(crate) const LANGUAGES: [Language; 2] = [Language::English, Language::Chinese];

/// The time of what arrives.
pub(crate) const AT: Timestamp = Timestamp::from_millis(1_795_600_000_000);

pub(crate) type Stage = Set<App, Wish, Happening>;

impl Stage {
    /// A window that asks to log in.
    pub(crate) fn new(language: Language) -> Self {
        let (port, far) = ports();
        let texts = Texts::new(language);
        let log_file = Some("/home/ming/chat-desktop.log".into());
        Self::of(App::new(Start::empty("known".into()), port, texts.clone(), log_file), far, texts)
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

    /// A message arrives, and is drawn.
    pub(crate) fn arrive(&mut self, from: &str, scope: Scope, text: &str) {
        self.tell_of(from, scope, text);
        self.run();
    }

    /// A message arrives, which the next frame draws.
    pub(crate) fn tell_of(&self, from: &str, scope: Scope, text: &str) {
        let content = Content::Text(Text::parse(text).unwrap());
        self.tell(Happening::Message { from: user(from), scope, content, at: AT });
    }
}

pub(crate) fn user(name: &str) -> UserName {
    name.parse().unwrap()
}
