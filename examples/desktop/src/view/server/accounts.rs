//! The accounts: who they are, when they were seen, and what the operator can do with each.

use chat_cli::texts::{Localised, ServerWindowSentence as S};
use chat_core::accounts::{NewStatus, Status};
use chat_core::time::Timestamp;
use eframe::egui::{Align, Button, Id, Label, Layout, RichText, Role, ScrollArea, Ui, UiBuilder, WidgetInfo, vec2};

use super::{ServerView, fields};
use crate::look::palette;
use crate::model::server::accounts::Row;
use crate::model::server::{Action, ServerModel};
use crate::run::MAX_ACCOUNTS;

/// The height of a row.
const ROW: f32 = 40.0;

/// The widths of the columns.
const NAME: f32 = 170.0;
const SEEN: f32 = 150.0;

impl ServerView {
    pub(super) fn accounts(&self, ui: &mut Ui, model: &mut ServerModel, now: Timestamp, actions: &mut Vec<Action>) {
        let colours = palette(ui);
        let name = self.say(S::FindAccount);
        ui.horizontal(|ui| {
            let field =
                fields::text(Id::unique("find-account"), &mut model.accounts.search, &name).desired_width(220.0);
            fields::with_ring(ui, |ui| ui.add(field))
                .widget_info(|| WidgetInfo::labeled(Role::SearchInput, true, &name));
            if ui.button(self.say(S::AddAccount)).clicked() {
                actions.push(Action::Add);
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if model.accounts.is_listing || model.accounts.is_changing {
                    fields::spinner(ui);
                } else if fields::link(ui, &self.say(S::Refresh)).clicked() {
                    actions.push(Action::Refresh);
                }
            });
        });
        match &model.accounts.result {
            Some(Ok(done)) => fields::sentence(ui, &done.text(&self.texts), colours.good),
            Some(Err(problem)) => fields::problem(ui, &problem.text(&self.texts)),
            None => {}
        }
        if let Some(problem) = &model.accounts.problem {
            fields::problem(ui, &problem.text(&self.texts));
        }
        if model.accounts.has_more {
            fields::sentence(ui, &self.say(S::MoreAccounts { max: MAX_ACCOUNTS }), colours.quiet);
        }
        ui.add_space(2.0);
        let found = model.accounts.found();
        if found.is_empty() && !(model.accounts.is_listing && model.accounts.rows().is_empty()) {
            let typed = model.accounts.search.trim().to_owned();
            let nothing = if typed.is_empty() { S::NoAccounts } else { S::NoAccountFound { typed } };
            return fields::sentence(ui, &self.say(nothing), colours.quiet);
        }
        ui.spacing_mut().item_spacing.y = 0.0;
        ScrollArea::vertical().auto_shrink(false).show_rows(ui, ROW, found.len(), |ui, range| {
            for row in &found[range] {
                self.account(ui, model, row, now, actions);
            }
        });
    }

    fn account(&self, ui: &mut Ui, model: &ServerModel, row: &Row, now: Timestamp, actions: &mut Vec<Action>) {
        let colours = palette(ui);
        let (_, rect) = ui.allocate_space(vec2(ui.available_width(), ROW));
        ui.painter().hline(rect.x_range(), rect.bottom(), (1.0, colours.line));
        let account = &row.account;
        let builder = UiBuilder::new().max_rect(rect).id_salt(account.id.get());
        ui.scope_builder(builder.layout(Layout::left_to_right(Align::Center)), |ui| {
            let is_online = account.name.as_ref().is_ok_and(|name| model.is_online(name));
            let (dot, state) = match (&account.name, account.status) {
                (Err(_), _) => (colours.bad, Some((S::StateInvalid, colours.bad))),
                (_, Status::Removed) => (colours.line, Some((S::StateRemoved, colours.quiet))),
                (_, Status::Disabled) => (colours.warning, Some((S::StateDisabled, colours.warning))),
                (_, Status::Active) if is_online => (colours.good, Some((S::SeenNow, colours.good))),
                (_, Status::Active) => (colours.line, None),
            };
            ui.label(RichText::new("●").size(11.0).color(dot));
            let is_active = account.status == Status::Active;
            let colour = if is_active { ui.visuals().strong_text_color() } else { colours.quiet };
            cell(ui, NAME, RichText::new(&row.name).color(colour));
            match state {
                Some((state, colour)) => cell(ui, SEEN, RichText::new(self.say(state)).size(13.0).color(colour)),
                None => {
                    let seen = account.last_seen.map_or_else(|| self.say(S::NeverSeen), |at| self.time(at, now));
                    cell(ui, SEEN, RichText::new(seen).size(13.0).color(colours.quiet));
                }
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| self.deeds(ui, model, row, actions));
        });
    }

    /// The buttons of an account, from right to left.
    fn deeds(&self, ui: &mut Ui, model: &ServerModel, row: &Row, actions: &mut Vec<Action>) {
        // Nobody can log in with another one, and no command names it.
        let Ok(user) = &row.account.name else { return };
        let (disable, status) = match row.account.status {
            Status::Active => ((S::Disable, S::DisableUser { user: row.name.clone() }), NewStatus::Disabled),
            Status::Disabled => ((S::Enable, S::EnableUser { user: row.name.clone() }), NewStatus::Active),
            Status::Removed => return,
        };
        ui.add_enabled_ui(!model.accounts.is_changing, |ui| {
            ui.spacing_mut().button_padding = vec2(9.0, 4.0);
            ui.spacing_mut().interact_size.y = 28.0;
            ui.spacing_mut().item_spacing.x = 6.0;
            let name = row.name.clone();
            if self.deed(ui, S::Remove, S::RemoveUser { user: name.clone() }) {
                actions.push(Action::Remove(user.clone()));
            }
            if self.deed(ui, S::Reset, S::ResetUser { user: name }) {
                actions.push(Action::Reset(user.clone()));
            }
            if self.deed(ui, disable.0, disable.1) {
                actions.push(Action::SetStatus(user.clone(), status));
            }
        });
    }

    /// A button whose full name says whom it is about.
    fn deed(&self, ui: &mut Ui, shown: S, name: S) -> bool {
        let button = ui.add(Button::new(RichText::new(self.say(shown)).size(13.0)));
        let name = self.say(name);
        button.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), &name));
        button.clicked()
    }
}

/// A text in a column, cut with an ellipsis.
fn cell(ui: &mut Ui, width: f32, text: RichText) {
    ui.allocate_ui_with_layout(vec2(width, ROW), Layout::left_to_right(Align::Center), |ui| {
        ui.set_width(width);
        ui.add(Label::new(text).truncate());
    });
}
