//! What is asked above everything else.

use chat_cli::texts::{Localised, ServerWindowSentence as S, WindowSentence as W};
use eframe::egui::{Id, Key, Label, Modal, RichText, Ui};

use super::{ServerView, fields};
use crate::look::palette;
use crate::model::server::accounts::{AccountField, AccountForm, Dialog};
use crate::model::server::{Action, ServerModel};

/// The width of a dialog.
const WIDTH: f32 = 390.0;

impl ServerView {
    pub(super) fn dialog(&self, ui: &Ui, model: &mut ServerModel, is_new: bool, actions: &mut Vec<Action>) {
        let online = model.online.len();
        let Some(dialog) = &mut model.dialog else { return };
        let shown = Modal::new(Id::unique("dialog")).frame(fields::dialog_frame(ui)).show(ui.ctx(), |ui| {
            ui.set_width(WIDTH);
            match dialog {
                Dialog::Account(form) => self.account_form(ui, form, is_new, actions),
                Dialog::Remove { user, frees_name } => {
                    let user = user.as_str().to_owned();
                    self.wrapped(ui, &self.say(S::RemoveQuestion { user: user.clone() }));
                    let mut frees = *frees_name;
                    if ui.checkbox(&mut frees, self.say(S::FreeName)).changed() {
                        actions.push(Action::FreeName(frees));
                    }
                    self.question(ui, &self.also(W::Cancel), &self.say(S::RemoveUser { user }), is_new, actions);
                }
                Dialog::Close => {
                    self.wrapped(ui, &self.say(S::CloseQuestion { count: online }));
                    self.question(ui, &self.say(S::KeepRunning), &self.say(S::StopAndClose), is_new, actions);
                }
            }
        });
        if shown.should_close() {
            actions.push(Action::Dismiss);
        }
    }

    /// The two answers to a question. The safe one has the focus.
    fn question(&self, ui: &mut Ui, no: &str, yes: &str, is_new: bool, actions: &mut Vec<Action>) {
        ui.add_space(10.0);
        ui.horizontal_wrapped(|ui| {
            let no = ui.button(no);
            if is_new {
                no.request_focus();
            }
            let yes = fields::danger_button(ui, yes);
            if yes.clicked() {
                actions.push(Action::Confirm);
            } else if no.clicked() {
                actions.push(Action::Dismiss);
            }
        });
    }

    fn wrapped(&self, ui: &mut Ui, text: &str) {
        ui.add(Label::new(text).wrap());
        ui.add_space(6.0);
    }

    fn account_form(&self, ui: &mut Ui, form: &mut AccountForm, is_new: bool, actions: &mut Vec<Action>) {
        let title = match &form.of {
            Some(user) => S::ResetUser { user: user.as_str().to_owned() },
            None => S::AddAccountTitle,
        };
        ui.add(Label::new(RichText::new(self.say(title)).size(17.0).strong()).wrap());
        ui.add_space(6.0);
        if let Some(done) = form.done.clone() {
            return self.account_done(ui, form, &done, actions);
        }
        ui.add_enabled_ui(!form.is_busy, |ui| {
            if form.of.is_none() {
                self.account_field(ui, form, AccountField::User, &self.also(W::User), is_new, actions);
            }
            let is_first = is_new && form.of.is_some();
            self.account_field(ui, form, AccountField::Password, &self.also(W::NewPassword), is_first, actions);
            if fields::link(ui, &self.say(S::Suggest)).clicked() {
                actions.push(Action::Suggest);
            }
        });
        if let Some(problem) = form.problem(AccountField::Form) {
            fields::problem(ui, &problem.text(&self.texts));
        }
        ui.add_space(8.0);
        ui.horizontal(|ui| {
            if form.is_busy {
                fields::spinner(ui);
                ui.label(self.say(S::Working));
                return;
            }
            if ui.button(self.also(W::Cancel)).clicked() {
                actions.push(Action::Dismiss);
            }
            let name = if form.of.is_some() { S::SetPassword } else { S::Add };
            if fields::main_button(ui, &self.say(name), true).clicked() {
                actions.push(Action::Confirm);
            }
        });
    }

    fn account_field(
        &self,
        ui: &mut Ui,
        form: &mut AccountForm,
        field: AccountField,
        name: &str,
        takes_focus: bool,
        actions: &mut Vec<Action>,
    ) {
        let problem = form.problem(field).map(|problem| problem.text(&self.texts));
        let id = Id::unique(("account", field as u8));
        let response = fields::field(ui, name, problem.as_deref(), |ui| match field {
            AccountField::User => ui.add(fields::text(id, &mut form.user, "")),
            // A password that the program made has to be read to be given away.
            AccountField::Password | AccountField::Form if form.is_suggested => {
                fields::password(ui, id, &mut form.password, true, f32::INFINITY)
            }
            AccountField::Password | AccountField::Form => {
                fields::secret_with_eye(ui, id, &mut form.password, &self.also(W::ShowPassword))
            }
        });
        if takes_focus {
            response.request_focus();
        }
        if response.changed() {
            actions.push(Action::ChangedAccount(field));
        }
        if response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter)) {
            actions.push(Action::Confirm);
        }
    }

    /// What became of the account, and its password for the last time.
    fn account_done(&self, ui: &mut Ui, form: &AccountForm, done: &S, actions: &mut Vec<Action>) {
        fields::sentence(ui, &done.text(&self.texts), palette(ui).good);
        ui.add_space(6.0);
        if form.is_suggested {
            ui.horizontal(|ui| {
                let password = form.password.as_str();
                ui.add(Label::new(RichText::new(password).monospace().size(16.0)).selectable(true));
                self.copy(ui, &self.say(S::CopyPassword), password);
            });
            self.wrapped(ui, &self.say(S::PasswordOnce));
        }
        ui.add_space(4.0);
        let close = ui.button(self.also(W::Close));
        if close.clicked() {
            actions.push(Action::Dismiss);
        } else if !ui.ctx().memory(|memory| memory.focused().is_some()) {
            close.request_focus();
        }
    }
}
