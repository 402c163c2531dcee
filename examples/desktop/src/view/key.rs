//! The key of a server: met for the first time, or another one than before.

use chat_cli::desktop::in_groups;
use chat_cli::texts::WindowSentence as W;
use chat_net::identity::Fingerprint;
use eframe::egui::{Align, CentralPanel, Color32, Frame, Id, Key, Label, Layout, Margin, RichText, Ui};

use super::card::card;
use super::{View, fields};
use crate::look::palette;
use crate::model::Action;

/// The width of the card, in which half a fingerprint fits a line, and both answers a row.
const WIDTH: f32 = 470.0;

impl View {
    pub(super) fn first_meeting(
        &self,
        ui: &mut Ui,
        server: &str,
        shown: Fingerprint,
        is_new: bool,
        actions: &mut Vec<Action>,
    ) {
        let colours = palette(ui);
        key_card(ui, colours.accent, |ui| {
            ui.heading(RichText::new(self.say(W::FirstMeeting { server: server.to_owned() })).strong());
            ui.add_space(8.0);
            self.fingerprint(ui, shown);
            ui.add(Label::new(self.say(W::Compare)).wrap());
            ui.add_space(12.0);
            ui.horizontal_wrapped(|ui| {
                // The safe answer has the focus.
                let no = ui.button(self.say(W::Different));
                if is_new {
                    no.request_focus();
                }
                // Neither answer looks as if it were the expected one.
                let yes = ui.button(self.say(W::Same));
                if yes.clicked() {
                    actions.push(Action::Trust(true));
                } else if no.clicked() || ui.input(|input| input.key_pressed(Key::Escape)) {
                    actions.push(Action::Trust(false));
                }
            });
        });
    }

    pub(super) fn other_key(
        &self,
        ui: &mut Ui,
        server: &str,
        known: Fingerprint,
        shown: Fingerprint,
        is_new: bool,
        actions: &mut Vec<Action>,
    ) {
        let colours = palette(ui);
        key_card(ui, colours.bad, |ui| {
            let title = self.say(W::KeyChanged { server: server.to_owned() });
            ui.heading(RichText::new(title).strong().color(colours.bad));
            ui.add_space(8.0);
            for (name, fingerprint) in [(W::KeyWas, known), (W::KeyIs, shown)] {
                ui.push_id(fingerprint.to_string(), |ui| {
                    ui.label(RichText::new(self.say(name)).color(colours.quiet));
                    self.fingerprint(ui, fingerprint);
                });
            }
            ui.add(Label::new(self.say(W::KeyAdvice)).wrap());
            ui.add_space(12.0);
            ui.horizontal_wrapped(|ui| {
                let back = ui.button(self.say(W::Back));
                if is_new {
                    back.request_focus();
                }
                let forget = fields::danger_button(ui, &self.say(W::ForgetKey));
                if forget.clicked() {
                    actions.push(Action::ForgetKey);
                } else if back.clicked() || ui.input(|input| input.key_pressed(Key::Escape)) {
                    actions.push(Action::Back);
                }
            });
        });
    }

    /// A fingerprint in groups that people can read to each other, and a button that copies it.
    fn fingerprint(&self, ui: &mut Ui, fingerprint: Fingerprint) {
        Frame::new().fill(palette(ui).side).corner_radius(8).inner_margin(Margin::symmetric(14, 10)).show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.vertical(|ui| {
                    for half in in_groups(fingerprint) {
                        ui.add(Label::new(RichText::new(half).monospace()).selectable(true));
                    }
                });
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    if fields::link(ui, &self.say(W::Copy)).clicked() {
                        ui.copy_text(fingerprint.to_string());
                    }
                });
            });
        });
        ui.add_space(8.0);
    }
}

fn key_card(ui: &mut Ui, edge: Color32, add: impl FnOnce(&mut Ui)) {
    let side = palette(ui).side;
    CentralPanel::default().frame(Frame::new().fill(side).inner_margin(Margin::same(16))).show(ui, |ui| {
        card(ui, Id::unique("key"), WIDTH, edge, add);
    });
}
