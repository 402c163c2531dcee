//! The running server: at the left what others need to join it, at the right what happens.

use chat_cli::desktop::in_groups;
use chat_cli::server_desktop::{HostFacts, Reach};
use chat_cli::texts::ServerWindowSentence as S;
use chat_core::time::Timestamp;
use eframe::egui::{Align, CentralPanel, Frame, Label, Layout, Margin, Panel, RichText, ScrollArea, Sides, Ui};

use super::{ServerView, fields};
use crate::look::palette;
use crate::model::server::{Action, Phase, Running, ServerModel, Tab};

/// The width of the left part, in which half a fingerprint fits a line.
const SIDE: f32 = 334.0;

/// The most addresses that are shown: few machines have more that matter.
const MAX_ADDRESSES: usize = 4;

/// The size of digits that people compare or copy.
const DIGITS: f32 = 12.0;

impl ServerView {
    pub(super) fn running(&mut self, ui: &mut Ui, model: &mut ServerModel, now: Timestamp, actions: &mut Vec<Action>) {
        let colours = palette(ui);
        let frame = Frame::new().fill(colours.side).inner_margin(Margin::symmetric(14, 12));
        Panel::left("server").exact_size(SIDE).resizable(false).frame(frame).show(ui, |ui| {
            Panel::bottom("own").show_separator_line(false).frame(Frame::new()).show(ui, |ui| {
                ui.separator();
                ui.horizontal(|ui| self.preferences(ui, model, actions));
            });
            ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
                let Some(running) = &model.running else { return };
                self.state(ui, model.phase, running, now, actions);
                ui.add_space(10.0);
                self.invitation(ui, &running.facts);
                self.registration(ui, model, actions);
            });
        });
        Panel::top("tabs")
            .show_separator_line(true)
            .frame(Frame::new().fill(colours.ground).inner_margin(Margin::symmetric(14, 9)))
            .show(ui, |ui| self.tab_bar(ui, model, actions));
        let frame = Frame::new().fill(colours.ground).inner_margin(Margin { left: 14, right: 8, top: 8, bottom: 6 });
        CentralPanel::default().frame(frame).show(ui, |ui| match model.tab {
            Tab::Arrivals => self.arrivals(ui, model, now),
            Tab::Online => self.online(ui, model, now),
            Tab::Accounts => self.accounts(ui, model, now, actions),
            Tab::Numbers => self.numbers(ui, model, now),
        });
    }

    /// Whether the server runs, since when, how busy it was, and the button that stops it.
    fn state(&self, ui: &mut Ui, phase: Phase, running: &Running, now: Timestamp, actions: &mut Vec<Action>) {
        let colours = palette(ui);
        let is_stopping = phase == Phase::Stopping;
        ui.horizontal(|ui| {
            let (colour, text) = if is_stopping {
                (colours.warning, self.say(S::Stopping))
            } else {
                (colours.good, self.say(S::Running { time: self.time(running.since, now) }))
            };
            ui.label(RichText::new("●").color(colour));
            ui.label(RichText::new(text).size(16.0).strong());
        });
        if let Some(status) = &running.status {
            let count = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
            let (online, logins, refused) = (count(status.online()), count(status.logins()), count(status.refused()));
            fields::sentence(ui, &self.say(S::Counts { online, logins, refused }), colours.quiet);
        }
        ui.add_space(4.0);
        ui.horizontal(|ui| {
            if is_stopping {
                fields::spinner(ui);
            } else if ui.button(self.say(S::Stop)).clicked() {
                actions.push(Action::Stop);
            }
        });
    }

    fn invitation(&self, ui: &mut Ui, facts: &HostFacts) {
        let colours = palette(ui);
        let note = match facts.reach {
            Reach::Others => None,
            Reach::ThisMachine => Some(S::OnlyHere { address: format!("0.0.0.0:{}", facts.listening.port()) }),
            Reach::Forwarder => Some(S::BehindForwarder),
            Reach::Nowhere => Some(S::NoAddress),
        };
        if let Some(note) = note {
            fields::sentence(ui, &self.say(note), colours.warning);
        }
        // First, because it has everything that a colleague needs.
        if let Some(invitation) = &facts.invitation {
            fields::heading(ui, &self.say(S::Invitation));
            fields::sentence(ui, &self.say(S::InvitationExplained), colours.quiet);
            ui.add_space(2.0);
            self.copy_first(ui, &self.say(S::CopyInvitation), invitation);
            ui.add_space(2.0);
            boxed(ui, |ui| {
                let line = RichText::new(invitation).monospace().size(DIGITS).color(colours.quiet);
                // Its beginning, by which people know it. The button copies all of it.
                ui.add(Label::new(line).selectable(true).truncate());
            });
            ui.add_space(6.0);
        }
        ui.label(RichText::new(self.say(S::ForOthers)).size(13.0).color(colours.quiet));
        for address in facts.addresses.iter().take(MAX_ADDRESSES) {
            let address = address.to_string();
            ui.horizontal(|ui| {
                ui.add(Label::new(RichText::new(&address).monospace().size(15.0)).selectable(true).truncate());
                self.copy(ui, &self.say(S::CopyAddress { address: address.clone() }), &address);
            });
        }
        ui.add_space(6.0);
        self.headed(ui, &self.say(S::Fingerprint), &self.say(S::CopyFingerprint), &facts.fingerprint.to_string());
        boxed(ui, |ui| {
            for half in in_groups(facts.fingerprint) {
                let half = RichText::new(half).monospace().size(DIGITS).color(colours.quiet);
                ui.add(Label::new(half).selectable(true));
            }
        });
    }

    /// A heading, and the button that copies what follows it.
    fn headed(&self, ui: &mut Ui, heading: &str, name: &str, text: &str) {
        let quiet = palette(ui).quiet;
        Sides::new().shrink_left().wrap().show(
            ui,
            |ui| ui.add(Label::new(RichText::new(heading).size(13.0).color(quiet)).wrap()),
            |ui| self.copy(ui, name, text),
        );
    }

    fn tab_bar(&self, ui: &mut Ui, model: &ServerModel, actions: &mut Vec<Action>) {
        ui.horizontal(|ui| {
            for (tab, name) in [
                (Tab::Arrivals, S::Arrivals),
                (Tab::Online, S::Online { count: model.online.len() }),
                (Tab::Accounts, S::Accounts),
                (Tab::Numbers, S::Numbers),
            ] {
                let is_open = model.tab == tab;
                if ui.selectable_label(is_open, self.say(name)).clicked() && !is_open {
                    actions.push(Action::Show(tab));
                }
            }
        });
    }
}

/// What is copied, on a ground of its own.
fn boxed(ui: &mut Ui, add: impl FnOnce(&mut Ui)) {
    let ground = palette(ui).theirs;
    Frame::new().fill(ground).corner_radius(8).inner_margin(Margin::symmetric(8, 7)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.with_layout(Layout::top_down(Align::Min), add);
    });
    ui.add_space(6.0);
}
