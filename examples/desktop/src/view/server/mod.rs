//! Draws the model of a server's window, and returns what the operator did. Only texts that are typed change the model
//! directly.

mod accounts;
mod dialog;
mod running;
mod start;
mod tabs;

use std::path::PathBuf;
use std::time::Duration;

use chat_cli::texts::{Localised, ServerWindowSentence as S, Texts, WindowSentence as W};
use chat_core::time::Timestamp;
use eframe::egui::{self, Align, Layout, Modal, RichText, Role, Ui, WidgetInfo};
use jiff::tz::TimeZone;

use super::{fields, zoomed};
use crate::look::palette;
use crate::model::server::registration::Choice;
use crate::model::server::{Action, Phase, ServerModel};
use crate::model::settings::{Settings, Theme};

/// The width of the settings.
const SETTINGS: f32 = 390.0;

/// How long a button says that something was copied.
const COPIED: f64 = 2.0;

/// What the window needs to draw and the model does not know.
pub struct ServerView {
    /// The sentences.
    pub texts: Texts,
    /// The time zone in which times are shown.
    pub zone: TimeZone,
    /// The file of the log, if there is one.
    log_file: Option<PathBuf>,
    /// The phase of the last frame.
    last_phase: Option<Phase>,
    /// Whether the last frame had a dialog.
    had_dialog: bool,
}

impl std::fmt::Debug for ServerView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerView").field("texts", &self.texts).finish_non_exhaustive()
    }
}

impl ServerView {
    /// A view in a language and a time zone.
    pub fn new(texts: Texts, zone: TimeZone, log_file: Option<PathBuf>) -> Self {
        Self { texts, zone, log_file, last_phase: None, had_dialog: false }
    }

    /// A sentence in the language of the window.
    fn say(&self, sentence: S) -> String {
        sentence.text(&self.texts)
    }

    /// A sentence that the window of the client has too.
    fn also(&self, sentence: W) -> String {
        sentence.text(&self.texts)
    }

    /// Draws one frame.
    pub fn show(&mut self, ui: &mut Ui, model: &mut ServerModel, now: Timestamp) -> Vec<Action> {
        let mut actions = Vec::new();
        let is_new = self.last_phase != Some(model.phase);
        self.last_phase = Some(model.phase);
        actions.extend(zoomed(ui, &model.look).map(Action::SetLook));
        if model.shows_settings {
            self.settings(ui, model, &mut actions);
        }
        match model.phase {
            Phase::Stopped | Phase::Starting => self.start(ui, model, is_new, &mut actions),
            Phase::Running | Phase::Stopping => self.running(ui, model, now, &mut actions),
        }
        let is_new_dialog = !self.had_dialog && model.dialog.is_some();
        self.had_dialog = model.dialog.is_some();
        self.dialog(ui, model, is_new_dialog, &mut actions);
        actions
    }

    /// Who may register.
    fn registration(&self, ui: &mut Ui, model: &ServerModel, actions: &mut Vec<Action>) {
        let colours = palette(ui);
        ui.label(RichText::new(self.say(S::Registration)).size(13.0).color(colours.quiet));
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().interact_size.y = fields::CHOICE;
            for (choice, name) in [
                (Choice::Open, S::RegistrationOpen),
                (Choice::Invited, S::RegistrationInvited),
                (Choice::Closed, S::RegistrationClosed),
            ] {
                let is_chosen = model.registration.choice == choice;
                if ui.radio(is_chosen, self.say(name)).clicked() && !is_chosen {
                    actions.push(Action::SetRegistration(choice));
                }
            }
        });
        match (model.registration.choice, &model.registration.code) {
            (Choice::Invited, Some(code)) => {
                let name = ui.label(RichText::new(self.say(S::Code)).size(13.0).color(colours.quiet));
                let name = name.on_hover_text(self.say(S::CodeExplained));
                ui.horizontal_wrapped(|ui| {
                    let code = code.expose();
                    ui.add(egui::Label::new(RichText::new(code).monospace()).selectable(true)).labelled_by(name.id);
                    self.copy(ui, &self.say(S::CopyCode), code);
                    let new = fields::link(ui, &self.say(S::NewCode)).on_hover_text(self.say(S::NewCodeHint));
                    if new.clicked() {
                        actions.push(Action::NewCode);
                    }
                });
            }
            (Choice::Closed, _) => fields::sentence(ui, &self.say(S::RegistrationClosedHint), colours.quiet),
            _ => {}
        }
        ui.add_space(6.0);
    }

    /// A button that copies a text. Its name says what it copies, because there are several.
    fn copy(&self, ui: &mut Ui, name: &str, text: &str) {
        self.copies(ui, name, text, &self.also(W::Copy), fields::link);
    }

    /// The button of this part of the window, over its full width, which copies a text.
    fn copy_first(&self, ui: &mut Ui, name: &str, text: &str) {
        self.copies(ui, name, text, name, |ui, shown| {
            let size = egui::vec2(ui.available_width(), ui.spacing().interact_size.y);
            fields::main_button_of(ui, shown, true, size)
        });
    }

    fn copies(
        &self,
        ui: &mut Ui,
        name: &str,
        text: &str,
        idle: &str,
        add: impl FnOnce(&mut Ui, &str) -> egui::Response,
    ) {
        let key = egui::Id::unique(("copied", name));
        let now = ui.input(|input| input.time);
        let is_copied = ui.data(|data| data.get_temp::<f64>(key)).is_some_and(|at| now < at + COPIED);
        let shown = if is_copied { format!("✔ {}", self.say(S::Copied)) } else { idle.to_owned() };
        let button = add(ui, &shown);
        button.widget_info(|| WidgetInfo::labeled(Role::Button, true, name));
        if button.clicked() {
            ui.copy_text(text.to_owned());
            ui.data_mut(|data| data.insert_temp(key, now));
            ui.ctx().request_repaint_after(Duration::from_secs_f64(COPIED));
        }
    }

    /// The languages and the settings.
    fn preferences(&mut self, ui: &mut Ui, model: &ServerModel, actions: &mut Vec<Action>) {
        if let Some(language) = fields::languages(ui, self.texts.language()) {
            self.texts = Texts::new(language);
            crate::look::install(ui.ctx(), language);
            actions.push(Action::SetLook(Settings { language: Some(language), ..model.look.clone() }));
        }
        if fields::link(ui, &self.also(W::Settings)).clicked() {
            actions.push(Action::ShowSettings(!model.shows_settings));
        }
    }

    fn settings(&self, ui: &Ui, model: &ServerModel, actions: &mut Vec<Action>) {
        // Not a panel, which would leave no room for the tabs.
        let shown = Modal::new(egui::Id::unique("settings")).frame(fields::dialog_frame(ui)).show(ui.ctx(), |ui| {
            ui.set_width(SETTINGS);
            ui.horizontal(|ui| {
                ui.label(RichText::new(self.also(W::Settings)).size(17.0).strong());
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    if fields::link(ui, &self.also(W::Close)).clicked() {
                        actions.push(Action::ShowSettings(false));
                    }
                });
            });
            ui.add_space(6.0);
            self.look(ui, model, actions);
            ui.separator();
            fields::log_file(ui, &self.texts, self.log_file.as_deref());
        });
        if shown.should_close() {
            actions.push(Action::ShowSettings(false));
        }
    }

    fn look(&self, ui: &mut Ui, model: &ServerModel, actions: &mut Vec<Action>) {
        let colours = palette(ui);
        let mut changed: Settings = model.look.clone();
        ui.label(RichText::new(self.also(W::Theme)).size(13.0).color(colours.quiet));
        ui.horizontal_wrapped(|ui| {
            for (theme, name) in
                [(Theme::System, W::ThemeSystem), (Theme::Light, W::ThemeLight), (Theme::Dark, W::ThemeDark)]
            {
                ui.selectable_value(&mut changed.theme, theme, self.also(name));
            }
        });
        ui.add_space(6.0);
        ui.label(RichText::new(self.also(W::TextSize)).size(13.0).color(colours.quiet));
        changed.zoom = fields::zoom(ui, &self.texts, changed.zoom);
        if changed != model.look {
            actions.push(Action::SetLook(changed));
        }
        if let Some(reason) = &model.settings_problem {
            fields::problem(ui, &self.also(W::NotSaved { reason: reason.clone() }));
        }
    }

    /// A time, with its day unless that is today.
    fn time(&self, at: Timestamp, now: Timestamp) -> String {
        let (at, now) = (self.zoned(at), self.zoned(now));
        let form = if at.date() == now.date() { "%H:%M:%S" } else { "%Y-%m-%d %H:%M" };
        at.strftime(form).to_string()
    }

    fn zoned(&self, at: Timestamp) -> jiff::Zoned {
        let at = i64::try_from(at.as_millis()).ok().and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
        at.unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_zoned(self.zone.clone())
    }
}
