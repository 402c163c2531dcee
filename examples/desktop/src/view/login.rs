//! The form of the log-in and the registration.

use std::time::Duration;

use chat_cli::texts::{Localised, WindowSentence as W};
use chat_core::time::Timestamp;
use chat_net::client::ReachMode;
use eframe::egui::{Align, CentralPanel, Frame, Id, Key, Layout, Margin, Popup, Response, RichText, ScrollArea, Ui};

use super::card::Card;
use super::{View, fields, logo};
use crate::look::palette;
use crate::model::Action;
use crate::model::login::{Field, Form, Mode};
use crate::model::settings::Settings;

/// The fields that share a row. What is wrong with them stands below both.
const HALVES: [Field; 2] = [Field::OwnAddress, Field::OwnPort];

impl View {
    pub(super) fn log_in(
        &mut self,
        ui: &mut Ui,
        form: &mut Form,
        settings: &Settings,
        wants_focus: bool,
        now: Timestamp,
        actions: &mut Vec<Action>,
    ) {
        let colours = palette(ui);
        CentralPanel::default().frame(Frame::new().fill(colours.side).inner_margin(Margin::same(10))).show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.spacing_mut().interact_size.y = 26.0;
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    self.language_switch(ui, settings, actions);
                });
            });
            let name = self.say(W::Title);
            let card = Card { id: Id::unique("log-in"), width: fields::COLUMN, edge: colours.line };
            let (title, registers) = match form.mode {
                Mode::LogIn => (W::LogIn, false),
                Mode::Register => (W::Register, true),
            };
            // The scrolled part changes the form, and the foot below it reads it.
            let form = std::cell::RefCell::new((form, Vec::new()));
            card.show(
                ui,
                // The form of the registration needs the room.
                |ui| {
                    if !registers {
                        logo::brand(ui, &name);
                    }
                },
                |ui| {
                    let (form, actions) = &mut *form.borrow_mut();
                    ui.heading(RichText::new(self.say(title.clone())).strong());
                    self.form(ui, form, registers, wants_focus, actions);
                },
                |ui| {
                    let (form, actions) = &mut *form.borrow_mut();
                    self.foot(ui, form, title.clone(), now, actions);
                },
            );
            actions.append(&mut form.into_inner().1);
        });
    }

    fn form(&self, ui: &mut Ui, form: &mut Form, is_registration: bool, wants_focus: bool, actions: &mut Vec<Action>) {
        ui.add_space(8.0);
        if std::mem::take(&mut form.is_refused) || wants_focus {
            focus_first(ui, form);
        }
        ui.add_enabled_ui(!form.is_busy, |ui| {
            self.field(ui, form, Field::Server, &self.say(W::Server), actions);
            self.field(ui, form, Field::User, &self.say(W::User), actions);
            self.field(ui, form, Field::Password, &self.say(W::Password), actions);
            if is_registration {
                self.field(ui, form, Field::Again, &self.say(W::PasswordAgain), actions);
                self.field(ui, form, Field::Invitation, &self.say(W::Invitation), actions);
            }
            let open = form.shows_network;
            if fields::disclosure(ui, &self.say(W::More), open).clicked() {
                form.shows_network = !open;
            }
            if open {
                ui.horizontal_top(|ui| {
                    let port = 110.0;
                    let address = ui.available_width() - port - ui.spacing().item_spacing.x;
                    for (field, name, width) in
                        [(Field::OwnAddress, W::OwnAddress, address), (Field::OwnPort, W::OwnPort, port)]
                    {
                        ui.vertical(|ui| {
                            ui.set_width(width);
                            self.field(ui, form, field, &self.say(name), actions);
                        });
                    }
                });
                // A sentence has no room in the column of a port.
                for problem in HALVES.iter().filter_map(|field| form.problem(*field)) {
                    fields::problem(ui, &problem.text(&self.texts));
                }
                ui.add_space(fields::GAP);
                self.field(ui, form, Field::Advertised, &self.say(W::Advertised), actions);
                self.reach(ui, form);
                self.field(ui, form, Field::ServerTrust, &self.say(W::ServerTrust), actions);
            }
        });
    }

    /// The part that stays in view, however long the form is.
    fn foot(&self, ui: &mut Ui, form: &Form, title: W, now: Timestamp, actions: &mut Vec<Action>) {
        ui.add_space(6.0);
        self.buttons(ui, form, title, now, actions);
        if let Some(problem) = form.problem(Field::Form) {
            ui.add_space(4.0);
            fields::problem(ui, &problem.text(&self.texts));
        }
    }

    /// Which ways messages may take.
    fn reach(&self, ui: &mut Ui, form: &mut Form) {
        ui.label(RichText::new(self.say(W::Reach)).size(13.0).color(palette(ui).quiet));
        for (mode, name) in
            [(ReachMode::Auto, W::ReachAuto), (ReachMode::Direct, W::ReachDirect), (ReachMode::Relay, W::ReachRelay)]
        {
            ui.radio_value(&mut form.reach, mode, self.say(name));
        }
        ui.add_space(fields::GAP);
    }

    fn buttons(&self, ui: &mut Ui, form: &Form, title: W, now: Timestamp, actions: &mut Vec<Action>) {
        let wait = form.retry_at.filter(|at| *at > now).map(|at| at.abs_diff(now));
        ui.horizontal(|ui| {
            if form.is_busy {
                fields::spinner(ui);
                ui.label(self.say(W::Connecting { server: form.server.trim().to_owned() }));
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    if ui.button(self.say(W::Cancel)).clicked() {
                        actions.push(Action::Cancel);
                    }
                });
                return;
            }
            let name = match wait {
                Some(wait) => self.say(W::Wait { seconds: whole_seconds(wait) }),
                None => self.say(title),
            };
            if fields::main_button(ui, &name, wait.is_none()).clicked() {
                actions.push(Action::Submit);
            }
            let (other, mode) = match form.mode {
                Mode::LogIn => (W::NewAccount, Mode::Register),
                Mode::Register => (W::HaveAccount, Mode::LogIn),
            };
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if fields::link(ui, &self.say(other)).clicked() {
                    actions.push(Action::SetMode(mode));
                }
            });
        });
        if wait.is_some() {
            ui.ctx().request_repaint_after(Duration::from_millis(500));
        }
    }

    fn field(&self, ui: &mut Ui, form: &mut Form, field: Field, name: &str, actions: &mut Vec<Action>) {
        let problem = form.problem(field).map(|problem| problem.text(&self.texts));
        let id = id(field);
        let add = |ui: &mut Ui| match field {
            Field::Server => self.server(ui, id, form, actions),
            Field::User => ui.add(fields::text(id, &mut form.user, "")),
            Field::Password => fields::secret_with_eye(ui, id, &mut form.password, &self.say(W::ShowPassword)),
            Field::Again => fields::secret_with_eye(ui, id, &mut form.again, &self.say(W::ShowPassword)),
            Field::Invitation => ui.add(fields::text(id, &mut form.invitation, &self.say(W::InvitationHint))),
            Field::OwnAddress => ui.add(fields::text(id, &mut form.own_address, &self.say(W::OwnAddressHint))),
            Field::OwnPort => ui.add(fields::text(id, &mut form.own_port, &self.say(W::OwnPortHint))),
            Field::ServerTrust => ui.add(fields::text(id, &mut form.server_trust, &self.say(W::ServerTrustHint))),
            Field::Advertised | Field::Form => {
                ui.add(fields::text(id, &mut form.advertised, &self.say(W::AdvertisedHint)))
            }
        };
        let response = if HALVES.contains(&field) {
            fields::named(ui, name, problem.is_some(), add)
        } else {
            fields::field(ui, name, problem.as_deref(), add)
        };
        if response.changed() {
            actions.push(Action::ChangedField(field));
        } else if response.lost_focus() {
            actions.push(Action::LeftField(field));
        }
        // A field gives up the focus when it gets this key.
        if response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter)) {
            actions.push(Action::Submit);
        }
    }

    /// The field for the server, with a list of those that are known.
    fn server(&self, ui: &mut Ui, id: Id, form: &mut Form, actions: &mut Vec<Action>) -> Response {
        let hint = self.say(W::ServerHint);
        if form.servers.is_empty() {
            return ui.add(fields::text(id, &mut form.server, &hint));
        }
        ui.horizontal(|ui| {
            let width = ui.available_width() - fields::ARROW - ui.spacing().item_spacing.x;
            let field = ui.add(fields::text(id, &mut form.server, &hint).desired_width(width));
            let arrow = fields::arrow(ui, &self.say(W::KnownServers));
            if field.has_focus() && ui.input(|input| input.key_pressed(Key::ArrowDown)) {
                Popup::open_id(ui.ctx(), Popup::default_response_id(&arrow));
                arrow.request_focus();
            }
            Popup::menu(&arrow).accessible_name(self.say(W::KnownServers)).show(|ui| {
                ui.set_min_width(fields::COLUMN - 40.0);
                ScrollArea::vertical().max_height(260.0).show(ui, |ui| {
                    for known in &form.servers {
                        let server = known.server.to_string();
                        let name = match &known.user {
                            Some(user) => format!("{server}  ·  {}", user.as_str()),
                            None => server,
                        };
                        if ui.button(name).clicked() {
                            actions.push(Action::ChooseServer(known.server.clone()));
                            ui.memory_mut(|memory| memory.request_focus(self::id(Field::Password)));
                        }
                    }
                });
            });
            field
        })
        .inner
    }
}

/// Where the next thing to type is: the first field with a problem, or the first empty one.
fn focus_first(ui: &Ui, form: &Form) {
    let empty = if form.server.is_empty() {
        Field::Server
    } else if form.user.is_empty() {
        Field::User
    } else if form.mode == Mode::Register && !form.password.is_empty() {
        Field::Again
    } else {
        Field::Password
    };
    let first = form.first_problem().filter(|field| *field != Field::Form).unwrap_or(empty);
    ui.memory_mut(|memory| memory.request_focus(id(first)));
}

/// Identifies a field, so that it can be given the focus.
fn id(field: Field) -> Id {
    Id::unique(("form", field as u8))
}

/// Whole seconds, at least one.
pub(super) fn whole_seconds(time: Duration) -> usize {
    usize::try_from(time.as_millis().div_ceil(1_000)).unwrap_or(usize::MAX).max(1)
}
