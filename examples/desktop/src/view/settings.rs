//! The settings: what can be chosen, what is remembered, and the password.

use std::net::SocketAddr;

use chat_cli::texts::{Localised, Sentence, WindowSentence as W};
use eframe::egui::{self, Align, Label, Layout, RichText, Ui};

use super::{View, fields};
use crate::look::palette;
use crate::model::Action;
use crate::model::exchange::KnownServer;
use crate::model::password::PasswordField;
use crate::model::session::Session;
use crate::model::settings::{Attention, SendKey, Settings, Theme};

/// By how much a button or a key changes the size of the text, in percent.
pub(super) const STEP: u16 = 10;

/// What the panel shows besides the session.
pub(super) struct Shown<'a> {
    pub(super) settings: &'a Settings,
    /// Why they were not kept.
    pub(super) problem: Option<&'a str>,
    pub(super) servers: &'a [KnownServer],
    /// Why a server was not forgotten.
    pub(super) forget_problem: Option<&'a Sentence>,
}

impl View {
    pub(super) fn settings(
        &mut self,
        ui: &mut Ui,
        session: &mut Session,
        shown: &Shown<'_>,
        actions: &mut Vec<Action>,
    ) {
        if let Some(reason) = shown.problem {
            fields::problem(ui, &self.say(W::NotSaved { reason: reason.to_owned() }));
            ui.add_space(6.0);
        }
        self.choices(ui, shown.settings, actions);
        ui.separator();
        self.change_password(ui, session, actions);
        ui.separator();
        self.known_servers(ui, shown, actions);
        ui.separator();
        fields::heading(ui, &self.say(W::Addresses));
        let server = session.server.to_string();
        fields::line(ui, &self.say(W::AddressOfServer { server }));
        let addresses: Vec<String> = session.own_addresses.iter().map(SocketAddr::to_string).collect();
        fields::line(ui, &self.say(W::AddressesOwn { addresses: addresses.join(", ") }));
        if let Some(small) = &session.small_buffer {
            fields::sentence(ui, &self.notice(small), palette(ui).quiet);
        }
        ui.separator();
        fields::log_file(ui, &self.texts, self.log_file.as_deref());
    }

    fn choices(&mut self, ui: &mut Ui, settings: &Settings, actions: &mut Vec<Action>) {
        let mut changed = settings.clone();
        ui.spacing_mut().interact_size.y = fields::CHOICE;
        small(ui, &self.say(W::Language));
        ui.horizontal(|ui| self.language_switch(ui, settings, actions));
        small(ui, &self.say(W::Theme));
        ui.horizontal(|ui| {
            for (theme, name) in
                [(Theme::System, W::ThemeSystem), (Theme::Light, W::ThemeLight), (Theme::Dark, W::ThemeDark)]
            {
                ui.selectable_value(&mut changed.theme, theme, self.say(name));
            }
        });
        small(ui, &self.say(W::TextSize));
        changed.zoom = fields::zoom(ui, &self.texts, settings.zoom);
        small(ui, &self.say(W::SendKey));
        ui.radio_value(&mut changed.send_key, SendKey::Enter, self.say(W::SendKeyEnter));
        ui.radio_value(&mut changed.send_key, SendKey::ControlEnter, self.say(W::SendKeyControl));
        small(ui, &self.say(W::Attention));
        for (attention, name) in [
            (Attention::All, W::AttentionAll),
            (Attention::Private, W::AttentionPrivate),
            (Attention::Nothing, W::AttentionNone),
        ] {
            ui.radio_value(&mut changed.attention, attention, self.say(name));
        }
        if changed != *settings {
            actions.push(Action::SetSettings(changed));
        }
    }

    fn known_servers(&self, ui: &mut Ui, shown: &Shown<'_>, actions: &mut Vec<Action>) {
        let colours = palette(ui);
        fields::heading(ui, &self.say(W::KnownServers));
        let mut known = shown.servers.iter().filter(|known| known.fingerprint.is_some()).peekable();
        if known.peek().is_none() {
            fields::sentence(ui, &self.say(W::NoKnownServers), colours.quiet);
        }
        for known in known {
            let server = known.server.to_string();
            ui.horizontal(|ui| {
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    let name = self.say(W::ForgetServer { server: server.clone() });
                    let forget = fields::link(ui, &self.say(W::Forget));
                    forget.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &name));
                    if forget.clicked() {
                        actions.push(Action::ForgetServer(known.server.clone()));
                    }
                    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                        ui.add(Label::new(&server).truncate());
                    });
                });
            });
        }
        if let Some(problem) = shown.forget_problem {
            fields::problem(ui, &problem.text(&self.texts));
        }
        fields::sentence(ui, &self.say(W::ForgetExplained), colours.quiet);
    }

    fn change_password(&self, ui: &mut Ui, session: &mut Session, actions: &mut Vec<Action>) {
        let colours = palette(ui);
        ui.label(RichText::new(self.say(W::ChangePassword)).strong());
        ui.add_space(4.0);
        let form = &mut session.password;
        let is_busy = form.is_busy;
        ui.add_enabled_ui(!is_busy, |ui| {
            for (field, name) in [
                (PasswordField::Old, W::OldPassword),
                (PasswordField::New, W::NewPassword),
                (PasswordField::Again, W::PasswordAgain),
            ] {
                let problem = form.problem(field).map(|problem| problem.text(&self.texts));
                let secret = match field {
                    PasswordField::Old => &mut form.old,
                    PasswordField::New => &mut form.new,
                    PasswordField::Again | PasswordField::Form => &mut form.again,
                };
                let id = egui::Id::unique(("password", field as u8));
                let response = fields::field(ui, &self.say(name), problem.as_deref(), |ui| {
                    fields::password(ui, id, secret, false, f32::INFINITY)
                });
                if response.changed() {
                    form.clear(field);
                }
            }
            if ui.button(self.say(W::ChangePassword)).clicked() {
                actions.push(Action::ChangePassword);
            }
        });
        if let Some(problem) = form.problem(PasswordField::Form) {
            fields::problem(ui, &problem.text(&self.texts));
        }
        if form.is_done {
            fields::sentence(ui, &chat_cli::view::Notice::PasswordChanged.text(&self.texts), colours.good);
        }
    }
}

/// The name above a choice.
fn small(ui: &mut Ui, text: &str) {
    ui.add_space(6.0);
    ui.label(RichText::new(text).size(13.0).color(palette(ui).quiet));
}
