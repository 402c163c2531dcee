//! The form that starts the server.

use chat_cli::texts::{Localised, ServerWindowSentence as S, WindowSentence as W};
use eframe::egui::{Align, CentralPanel, Frame, Id, Key, Layout, Margin, RichText, Ui};

use super::{ServerView, fields};
use crate::look::palette;
use crate::model::server::form::{DatabaseKind, Field};
use crate::model::server::{Action, Phase, ServerModel};
use crate::view::card::card;

/// The width of the form, in which a path and a URL can be read.
const WIDTH: f32 = 430.0;

impl ServerView {
    pub(super) fn start(&mut self, ui: &mut Ui, model: &mut ServerModel, is_new: bool, actions: &mut Vec<Action>) {
        let colours = palette(ui);
        CentralPanel::default().frame(Frame::new().fill(colours.side).inner_margin(Margin::same(10))).show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.spacing_mut().interact_size.y = 26.0;
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| self.preferences(ui, model, actions));
            });
            card(ui, Id::unique("start"), WIDTH, colours.line, |ui| self.start_form(ui, model, is_new, actions));
        });
    }

    fn start_form(&self, ui: &mut Ui, model: &mut ServerModel, is_new: bool, actions: &mut Vec<Action>) {
        let is_busy = model.phase == Phase::Starting;
        ui.heading(RichText::new(self.say(S::Title)).strong());
        ui.add_space(8.0);
        let is_refused = std::mem::take(&mut model.form.is_refused);
        if (is_new || is_refused) && !is_busy {
            let first = model.form.first_problem().filter(|field| *field != Field::Form).unwrap_or(Field::Address);
            ui.memory_mut(|memory| memory.request_focus(id(first)));
        }
        ui.add_enabled_ui(!is_busy, |ui| {
            self.start_field(ui, model, Field::Address, S::Address, actions);
            self.start_field(ui, model, Field::Folder, S::Folder, actions);
            self.database(ui, model, actions);
            self.registration(ui, model, actions);
        });
        ui.add_space(4.0);
        ui.horizontal(|ui| {
            if is_busy {
                fields::spinner(ui);
                ui.label(self.say(S::Starting));
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    if ui.button(self.also(W::Cancel)).clicked() {
                        actions.push(Action::Cancel);
                    }
                });
            } else if fields::main_button(ui, &self.say(S::Start), true).clicked() {
                actions.push(Action::Start);
            }
        });
        if let Some(problem) = model.form.problem(Field::Form) {
            ui.add_space(4.0);
            fields::problem(ui, &problem.text(&self.texts));
        }
    }

    fn start_field(&self, ui: &mut Ui, model: &mut ServerModel, field: Field, name: S, actions: &mut Vec<Action>) {
        let form = &mut model.form;
        let problem = form.problem(field).map(|problem| problem.text(&self.texts));
        let id = id(field);
        let default = form.default_folder.as_ref().map(|folder| folder.display().to_string());
        let response = fields::field(ui, &self.say(name), problem.as_deref(), |ui| match field {
            Field::Address => ui.add(fields::text(id, &mut form.address, &self.say(S::AddressHint))),
            Field::Folder => {
                let hint = default.map_or_else(String::new, |folder| self.say(S::FolderHint { folder }));
                ui.add(fields::text(id, &mut form.folder, &hint))
            }
            Field::Database | Field::Form => fields::secret_with_eye(ui, id, &mut form.url, &self.say(S::ShowUrl)),
        });
        if response.changed() {
            actions.push(Action::ChangedField(field));
        } else if response.lost_focus() {
            actions.push(Action::LeftField(field));
        }
        // A field gives up the focus when it gets this key.
        if response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter)) {
            actions.push(Action::Start);
        }
    }

    fn database(&self, ui: &mut Ui, model: &mut ServerModel, actions: &mut Vec<Action>) {
        let colours = palette(ui);
        ui.label(RichText::new(self.say(S::Database)).size(13.0).color(colours.quiet));
        let kinds = [
            (DatabaseKind::Named, S::DatabaseNamed),
            (DatabaseKind::InFolder, S::DatabaseInFolder),
            (DatabaseKind::Url, S::DatabaseByUrl),
        ];
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().interact_size.y = fields::CHOICE;
            for (kind, name) in kinds {
                if kind == DatabaseKind::Named && model.form.named_database.is_none() {
                    continue;
                }
                let is_chosen = model.form.database == kind;
                if ui.radio(is_chosen, self.say(name)).clicked() && !is_chosen {
                    actions.push(Action::SetDatabase(kind));
                }
            }
        });
        match (model.form.database, &model.form.named_database) {
            (DatabaseKind::Url, _) => {
                self.start_field(ui, model, Field::Database, S::DatabaseUrl, actions);
                // Where it is wrong, the sentence about it has the form too.
                if model.form.problem(Field::Database).is_none() {
                    fields::sentence(ui, &self.say(S::DatabaseUrlHint), colours.quiet);
                }
                return;
            }
            (DatabaseKind::Named, Some(url)) => fields::sentence(ui, url, colours.quiet),
            _ => {}
        }
        if let Some(problem) = model.form.problem(Field::Database) {
            fields::problem(ui, &problem.text(&self.texts));
        }
        ui.add_space(6.0);
    }
}

/// Identifies a field, so that it can be given the focus.
fn id(field: Field) -> Id {
    Id::unique(("start", field as u8))
}
