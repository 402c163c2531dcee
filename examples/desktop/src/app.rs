//! Connects the model, the view and the thread that talks to the server.

use std::path::PathBuf;

use chat_cli::desktop::{self, DesktopOptions, LastLogins, TrustChoice};
use chat_cli::texts::{Localised, Texts, WindowSentence};
use chat_core::time::Timestamp;
use chat_net::address::{AdvertisedAddress, ServerAddress};
use eframe::egui::{Context, Ui, UserAttentionType, ViewportCommand};
use jiff::tz::TimeZone;

use crate::link::{self, Link};
use crate::look::Caret;
use crate::model::exchange::{Happening, Wish};
use crate::model::login::Form;
use crate::model::settings::{Attention, Settings};
use crate::model::{Action, Closing, Model, Screen};
use crate::run::{Port, disk};
use crate::view::View;
use crate::window::Program;

/// What is known before the window opens.
#[derive(Debug)]
pub struct Start(Form, Settings);

/// Reads the settings of the window.
pub fn load_settings() -> Settings {
    desktop::settings_file().map_or_else(Settings::default, |file| {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        Settings { file: Some(file), ..Settings::parse(&text) }
    })
}

impl Start {
    /// The form as the options and the last logins fill it in.
    pub fn new(options: DesktopOptions, settings: Settings) -> Self {
        let last = LastLogins::load();
        let servers = disk::servers(&options.known_servers, &last);
        let all: Vec<ServerAddress> = match &options.server {
            Some(server) => [server].into_iter().chain(&options.other_servers).cloned().collect(),
            None => last.last_servers().to_vec(),
        };
        let server = all.first();
        let user = options.user.clone().or_else(|| server.and_then(|server| last.user(server)).cloned());
        let mut form = Form::new(options.known_servers, options.trust, options.server);
        form.remembers = true;
        form.servers = servers;
        form.server = all.iter().map(ServerAddress::to_string).collect::<Vec<_>>().join(", ");
        form.user = user.map_or_else(String::new, |user| user.as_str().to_owned());
        if !options.udp.ip().is_unspecified() {
            form.own_address = options.udp.ip().to_string();
        }
        if options.udp.port() != 0 {
            form.own_port = options.udp.port().to_string();
        }
        let shown = |address: &AdvertisedAddress| match address.with_default_port(0) {
            // Port 0 is not allowed, so there was none.
            address if address.port() == 0 => address.ip().to_string(),
            address => address.to_string(),
        };
        form.reach = options.reach;
        form.advertised = options.advertise.iter().map(shown).collect::<Vec<_>>().join(", ");
        Self(form, settings)
    }

    /// An empty form with a file of known servers, which remembers no log-in.
    pub fn empty(known_servers: PathBuf) -> Self {
        let trust = TrustChoice::Known(known_servers.clone());
        Self(Form::new(known_servers, trust, None), Settings::default())
    }
}

/// The program in its window.
#[derive(Debug)]
pub struct App {
    /// The model that the window shows.
    pub model: Model,
    /// The clock: that of the system, or a fixed time for pictures.
    pub clock: fn() -> Timestamp,
    view: View,
    link: Link<Wish, Happening>,
    title: String,
    /// How many messages called for attention so far.
    unread: usize,
    caret: Caret,
}

impl App {
    /// A window that asks to log in.
    pub fn new(start: Start, port: Port, texts: Texts, log_file: Option<PathBuf>) -> Self {
        let view = View::new(texts, TimeZone::system(), log_file);
        Self {
            model: Model::new(start.0, start.1),
            clock: link::now,
            view,
            link: Link::new(port),
            title: String::new(),
            unread: 0,
            caret: Caret::default(),
        }
    }

    /// Takes what happened and hands on what is wished for. Runs while the window is hidden too.
    pub fn turn(&mut self, context: &Context) {
        let (model, now) = (&mut self.model, (self.clock)());
        self.link.turn(context, |happenings| model.apply(happenings, now));
        self.tell_window(context);
    }

    /// Draws one frame, and applies what the user did.
    pub fn draw(&mut self, ui: &mut Ui) {
        let now = (self.clock)();
        crate::look::set(ui.ctx(), &self.model.settings);
        self.caret.turn(ui.ctx());
        let mut actions = self.view.show(ui, &mut self.model, now);
        actions.extend(self.dropped(ui.ctx()));
        for action in actions {
            self.link.hand_on(self.model.act(action, now));
            ui.ctx().request_repaint();
        }
    }

    /// Files that were dropped on a conversation.
    fn dropped(&self, context: &Context) -> Vec<Action> {
        if self.model.screen != Screen::Chat {
            return Vec::new();
        }
        context.input(|input| {
            input.raw.dropped_files.iter().map(|file| Action::DropFile(file.path().to_owned())).collect()
        })
    }

    /// Title, attention, and the end.
    fn tell_window(&mut self, context: &Context) {
        let texts = &self.view.texts;
        let session = self.model.session.as_ref().filter(|_| self.model.screen == Screen::Chat);
        let (unread, mut title) = match session {
            Some(session) => {
                let user = session.user.as_str().to_owned();
                (session.unread(), WindowSentence::TitleUser { user }.text(texts))
            }
            None => (0, WindowSentence::Title.text(texts)),
        };
        if unread > 0 {
            title = format!("({unread}) {title}");
        }
        if title != self.title {
            context.send_viewport_cmd(ViewportCommand::Title(title.clone()));
            self.title = title;
        }
        let calling = match (session, self.model.settings.attention) {
            (None, _) | (_, Attention::Nothing) => 0,
            (Some(_), Attention::All) => unread,
            (Some(session), Attention::Private) => session.unread_private(),
        };
        if calling > self.unread && !context.input(|input| input.focused) {
            context.send_viewport_cmd(ViewportCommand::RequestUserAttention(UserAttentionType::Informational));
        }
        self.unread = calling;
        match self.model.closing {
            Closing::No | Closing::Asking => {}
            // For the eye, the window is gone at once. The goodbye takes up to 3 s.
            Closing::Leaving => context.send_viewport_cmd(ViewportCommand::Visible(false)),
            Closing::Done => context.send_viewport_cmd(ViewportCommand::Close),
        }
    }

    /// Keeps the window open until the goodbye is said.
    fn hold_close(&mut self, context: &Context) {
        if !link::is_closing(context) || self.is_done() {
            return;
        }
        self.link.hand_on(self.model.act(Action::Close, (self.clock)()));
        if self.model.closing != Closing::Done {
            link::stay_open(context);
        }
    }
}

impl Program for App {
    fn logic(&mut self, context: &Context) {
        self.link.pace();
        self.hold_close(context);
        self.turn(context);
    }

    fn ui(&mut self, ui: &mut Ui) {
        self.draw(ui);
    }

    fn is_done(&self) -> bool {
        self.model.closing == Closing::Done
    }
}
