//! Draws the model with egui, and returns what the user did. Only texts that are typed change the model directly.

mod banner;
mod bubble;
mod card;
mod composer;
mod fields;
mod help;
mod key;
mod lines;
mod links;
mod login;
mod logo;
mod roster;
mod sentences;
pub mod server;
mod settings;
mod side;

use std::path::PathBuf;

use chat_cli::texts::{Localised, Texts, WindowSentence};
use chat_core::time::Timestamp;
use eframe::egui::{self, Align, CentralPanel, Frame, Key, Layout, Margin, Modal, Modifiers, Panel, Ui};
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::look::palette;
use crate::model::conversation::Partner;
use crate::model::login::Mode;
use crate::model::session::Session;
use crate::model::settings::{SendKey, Settings, ZOOM};
use crate::model::{Action, Closing, Model, Screen, Side};

/// What the window needs to draw and the model does not know.
pub struct View {
    /// The sentences.
    pub texts: Texts,
    /// The time zone in which times are shown.
    pub zone: TimeZone,
    /// The file of the log, if there is one.
    log_file: Option<PathBuf>,
    /// What is typed to find a person.
    search: String,
    /// The list of people that was made last.
    people: roster::Shown,
    /// Which key sends a text.
    send_key: SendKey,
    /// Whether the field for texts takes the keys in the next frame.
    wants_field: bool,
    /// Whether names are suggested below what is typed, so that some keys choose one of them.
    suggests: bool,
    /// What the form of the log-in was for in the last frame, and whether a log-in was going on.
    last_form: (Mode, bool),
    /// The screen of the last frame.
    last_screen: Option<Screen>,
    /// The conversation of the last frame.
    last_open: Option<Partner>,
    /// The day of this frame.
    today: Date,
    /// Whether the last frame asked before leaving.
    asked: bool,
}

impl std::fmt::Debug for View {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("View").field("texts", &self.texts).finish_non_exhaustive()
    }
}

impl View {
    /// A view in a language and a time zone.
    pub fn new(texts: Texts, zone: TimeZone, log_file: Option<PathBuf>) -> Self {
        Self {
            texts,
            zone,
            log_file,
            search: String::new(),
            people: roster::Shown::default(),
            send_key: SendKey::Enter,
            wants_field: true,
            suggests: false,
            last_form: (Mode::LogIn, false),
            last_screen: None,
            last_open: None,
            today: Date::ZERO,
            asked: false,
        }
    }

    /// A sentence in the language of the window.
    fn say(&self, sentence: WindowSentence) -> String {
        sentence.text(&self.texts)
    }

    /// Draws one frame.
    pub fn show(&mut self, ui: &mut Ui, model: &mut Model, now: Timestamp) -> Vec<Action> {
        let mut actions = Vec::new();
        self.today = self.day(now);
        let is_new_screen = self.last_screen.as_ref() != Some(&model.screen);
        self.last_screen = Some(model.screen.clone());
        actions.extend(zoomed(ui, &model.settings).map(Action::SetSettings));
        match &model.screen {
            Screen::LogIn => {
                let settings = &model.settings;
                // The fields lose the focus while a log-in is going on, and to the link that changes the form.
                let form = (model.form.mode, model.form.is_busy);
                let wants_focus = is_new_screen || (self.last_form != form && !model.form.is_busy);
                self.last_form = form;
                self.log_in(ui, &mut model.form, settings, wants_focus, now, &mut actions);
            }
            Screen::FirstMeeting { server, shown } => {
                self.first_meeting(ui, &server.to_string(), *shown, is_new_screen, &mut actions);
            }
            Screen::OtherKey { server, known, shown } => {
                self.other_key(ui, &server.to_string(), *known, *shown, is_new_screen, &mut actions);
            }
            Screen::Chat => {
                if is_new_screen {
                    // Another session may have begun.
                    self.last_open = None;
                    self.people = roster::Shown::default();
                }
                self.chat(ui, model, now, &mut actions);
            }
        }
        let asks = model.closing == Closing::Asking;
        if asks {
            self.ask_before_leaving(ui, model, !self.asked, &mut actions);
        }
        self.asked = asks;
        actions
    }

    fn chat(&mut self, ui: &mut Ui, model: &mut Model, now: Timestamp, actions: &mut Vec<Action>) {
        let Some(session) = &mut model.session else { return };
        let colours = palette(ui);
        if self.last_open.as_ref() != Some(&session.open) {
            self.last_open = Some(session.open.clone());
            self.wants_field = true;
            self.suggests = false;
            composer::forget_edits(ui);
        }
        // What changes the conversation follows what concerns the one that is drawn.
        let mut moves = Vec::new();
        let side = model.side;
        Self::keys(ui, side, &mut moves);
        self.send_key = model.settings.send_key;
        self.banners(ui, session, now, actions);
        Panel::left("people")
            .default_size(268.0)
            .size_range(190.0..=400.0)
            .frame(Frame::new().fill(colours.side).inner_margin(Margin::symmetric(10, 10)))
            .show(ui, |ui| self.people(ui, session, side, &mut moves));
        if let Some(side) = side {
            let settings = settings::Shown {
                settings: &model.settings,
                problem: model.settings_problem.as_deref(),
                servers: &model.form.servers,
                forget_problem: model.forget_problem.as_ref(),
            };
            self.side(ui, side, session, &settings, actions);
        }
        Panel::bottom("composer")
            .show_separator_line(true)
            .frame(Frame::new().fill(colours.ground).inner_margin(Margin::symmetric(14, 10)))
            .show(ui, |ui| self.composer(ui, session, actions));
        Panel::top("partner")
            .show_separator_line(true)
            .frame(Frame::new().fill(colours.ground).inner_margin(Margin::symmetric(16, 12)))
            .show(ui, |ui| self.heading(ui, session));
        CentralPanel::default()
            .frame(Frame::new().fill(colours.ground).inner_margin(Margin { left: 14, right: 4, top: 0, bottom: 0 }))
            .show(ui, |ui| self.lines(ui, session, actions));
        actions.append(&mut moves);
    }

    /// Keys that work wherever the focus is.
    fn keys(ui: &Ui, side: Option<Side>, actions: &mut Vec<Action>) {
        let pressed = |modifiers, key| ui.input_mut(|input| input.consume_key(modifiers, key));
        if pressed(Modifiers::CTRL, Key::Tab) {
            actions.push(Action::OpenNextUnread);
        }
        if pressed(Modifiers::COMMAND, Key::K) {
            ui.memory_mut(|memory| memory.request_focus(roster::search_id()));
        }
        if pressed(Modifiers::NONE, Key::F1) {
            let is_open = side == Some(Side::Help);
            actions.push(if is_open { Action::CloseSide } else { Action::ShowSide(Side::Help) });
        }
    }

    fn heading(&self, ui: &mut Ui, session: &Session) {
        let (title, state) = match &session.open {
            Partner::Everyone => match session.roster.online() {
                _ if session.end.is_some() => (self.say(WindowSentence::Everyone), None),
                0 => (self.say(WindowSentence::Everyone), None),
                count => (self.say(WindowSentence::EveryoneOnline { count }), None),
            },
            Partner::One(user) => {
                let state = session.end.is_none().then(|| self.state_of(session.roster.get(user)));
                (user.as_str().to_owned(), state.flatten())
            }
        };
        ui.horizontal(|ui| {
            ui.label(egui::RichText::new(title).size(17.0).strong());
            if let Some(state) = state {
                ui.add(egui::Label::new(egui::RichText::new(state).color(palette(ui).quiet)).truncate());
            }
            let person = match &session.open {
                Partner::One(user) if session.end.is_none() => session.roster.get(user),
                Partner::Everyone | Partner::One(_) => None,
            };
            if let Some((way, explained)) = person.and_then(|person| self.way_of(person)) {
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    let way = egui::RichText::new(way).size(13.0).color(palette(ui).quiet);
                    ui.label(way).on_hover_text(explained);
                });
            }
        });
    }

    /// The answer that loses nothing has the focus.
    fn ask_before_leaving(&self, ui: &Ui, model: &Model, is_new: bool, actions: &mut Vec<Action>) {
        let count = model.session.as_ref().map_or(0, Session::pending);
        let answer = Modal::new(egui::Id::unique("leave")).frame(fields::dialog_frame(ui)).show(ui.ctx(), |ui| {
            ui.set_max_width(380.0);
            ui.label(self.say(WindowSentence::Pending { count }));
            ui.add_space(10.0);
            ui.horizontal(|ui| {
                let stay = ui.button(self.say(WindowSentence::Stay));
                if is_new {
                    stay.request_focus();
                }
                let leave = fields::danger_button(ui, &self.say(WindowSentence::LeaveNow));
                if leave.clicked() {
                    return Some(Action::LeaveNow);
                }
                stay.clicked().then_some(Action::Stay)
            })
            .inner
        });
        if let Some(action) = answer.inner {
            actions.push(action);
        } else if answer.should_close() {
            actions.push(Action::Stay);
        }
    }

    /// The switch between the languages, each named in itself.
    fn language_switch(&mut self, ui: &mut Ui, settings: &Settings, actions: &mut Vec<Action>) {
        if let Some(language) = fields::languages(ui, self.texts.language()) {
            self.texts = Texts::new(language);
            crate::look::install(ui.ctx(), language);
            actions.push(Action::SetSettings(Settings { language: Some(language), ..settings.clone() }));
        }
    }
}

/// The settings after the keys that browsers have for the size of the text. `None` if they change nothing.
fn zoomed(ui: &Ui, settings: &Settings) -> Option<Settings> {
    let pressed = |key| ui.input_mut(|input| input.consume_key(Modifiers::COMMAND, key));
    let zoom = if pressed(Key::Plus) || pressed(Key::Equals) {
        settings.zoom + settings::STEP
    } else if pressed(Key::Minus) {
        settings.zoom.saturating_sub(settings::STEP)
    } else if pressed(Key::Num0) {
        100
    } else {
        return None;
    };
    let zoom = zoom.clamp(*ZOOM.start(), *ZOOM.end());
    (zoom != settings.zoom).then(|| Settings { zoom, ..settings.clone() })
}
