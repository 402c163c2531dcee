//! Connects the model, the view and the thread of a server's window.

use std::path::PathBuf;

use chat_cli::server_desktop::{self, ServerDesktopOptions};
use chat_cli::texts::Texts;
use chat_core::time::Timestamp;
use eframe::egui::{Context, Ui, ViewportCommand};
use jiff::tz::TimeZone;

use crate::link::{self, Link};
use crate::look::Caret;
use crate::model::server::exchange::{Happening, Wish};
use crate::model::server::form::{DatabaseKind, StartForm};
use crate::model::server::registration::Registration;
use crate::model::server::settings::Remembered;
use crate::model::server::{Action, Closing, ServerModel};
use crate::model::settings::Settings;
use crate::run::ServerPort;
use crate::view::server::ServerView;
use crate::window::Program;

/// Reads what the window remembers.
pub fn load_remembered() -> Remembered {
    let file = server_desktop::settings_file();
    let text = file.as_ref().and_then(|file| std::fs::read_to_string(file).ok()).unwrap_or_default();
    let mut remembered = Remembered::parse(&text);
    remembered.look.file = file;
    remembered
}

/// What is known before the window opens.
#[derive(Debug)]
pub struct ServerStart(StartForm, Registration, Settings);

impl ServerStart {
    /// The form as the options, or else the settings that were kept, fill it in.
    pub fn new(options: &ServerDesktopOptions, remembered: Remembered) -> Self {
        let Remembered { look, address, folder, database, registration } = remembered;
        let mut form = StartForm::new(options.default_data_dir.clone(), options.named_database());
        if let Some(address) = options.listen.map(|address| address.to_string()).or(address) {
            form.address = address;
        }
        let named =
            options.data_dir.as_ref().map(|folder| std::path::absolute(folder).unwrap_or_else(|_| folder.clone()));
        if let Some(folder) = named.or(folder) {
            form.folder = folder.display().to_string();
        }
        if form.database == DatabaseKind::InFolder {
            form.database = database;
        }
        let registration = options.registration.clone().map_or(registration, Registration::from);
        Self(form, registration, look)
    }

    /// An empty form, which nothing is remembered for.
    pub fn empty(default_folder: PathBuf) -> Self {
        Self(StartForm::new(Some(default_folder), None), Registration::default(), Settings::default())
    }
}

/// The program in its window.
#[derive(Debug)]
pub struct ServerApp {
    /// The model that the window shows.
    pub model: ServerModel,
    /// The clock: that of the system, or a fixed time for pictures.
    pub clock: fn() -> Timestamp,
    view: ServerView,
    link: Link<Wish, Happening>,
    caret: Caret,
}

impl ServerApp {
    /// A window that offers to start a server.
    pub fn new(start: ServerStart, port: ServerPort, texts: Texts, log_file: Option<PathBuf>) -> Self {
        let ServerStart(form, registration, look) = start;
        let view = ServerView::new(texts, TimeZone::system(), log_file);
        Self {
            model: ServerModel::new(form, registration, look),
            clock: link::now,
            view,
            link: Link::new(port),
            caret: Caret::default(),
        }
    }

    /// Takes what happened and hands on what is wished for. Runs while the window is hidden too.
    pub fn turn(&mut self, context: &Context) {
        let (model, now) = (&mut self.model, (self.clock)());
        self.link.turn(context, |happenings| model.apply(happenings, now));
        match self.model.closing {
            Closing::No => {}
            // For the eye, the window is gone at once. The goodbye takes up to 5 s.
            Closing::Stopping => context.send_viewport_cmd(ViewportCommand::Visible(false)),
            Closing::Done => context.send_viewport_cmd(ViewportCommand::Close),
        }
    }

    /// Draws one frame, and applies what the operator did.
    pub fn draw(&mut self, ui: &mut Ui) {
        crate::look::set(ui.ctx(), &self.model.look);
        self.caret.turn(ui.ctx());
        for action in self.view.show(ui, &mut self.model, (self.clock)()) {
            self.link.hand_on(self.model.act(action));
            ui.ctx().request_repaint();
        }
    }

    /// Keeps the window open until the server has stopped.
    fn hold_close(&mut self, context: &Context) {
        if !link::is_closing(context) || self.is_done() {
            return;
        }
        self.link.hand_on(self.model.act(Action::Close));
        if self.model.closing != Closing::Done {
            link::stay_open(context);
        }
    }
}

impl Program for ServerApp {
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
