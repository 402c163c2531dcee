//! The keys, and what the marks mean.

use chat_cli::texts::WindowSentence as W;
use eframe::egui::{Color32, Grid, Label, RichText, Ui};

use super::bubble::CLOCK;
use super::{View, fields};
use crate::look::palette;
use crate::model::settings::SendKey;

/// The least height of a row.
const ROW: f32 = 22.0;

impl View {
    pub(super) fn help(&self, ui: &mut Ui) {
        let (send, break_line) = match self.send_key {
            SendKey::Enter => ("Enter", "Shift+Enter"),
            SendKey::ControlEnter => ("Ctrl+Enter", "Enter"),
        };
        Grid::new("keys").num_columns(2).min_row_height(ROW).spacing([12.0, 6.0]).show(ui, |ui| {
            for (key, sentence) in [
                (send, W::KeySend),
                (break_line, W::KeyBreak),
                ("↑", W::KeyLast),
                ("@", W::KeyMention),
                ("Ctrl+K", W::KeyFind),
                ("Ctrl+Tab", W::KeyUnread),
                ("Tab", W::KeyMove),
                ("Ctrl+C", W::KeyCopy),
                ("Ctrl + – 0", W::KeyZoom),
                ("Esc", W::KeyClose),
                ("F1", W::KeyHelp),
            ] {
                ui.label(RichText::new(key).strong());
                ui.add(Label::new(self.say(sentence)).wrap());
                ui.end_row();
            }
        });
        ui.add_space(12.0);
        let colours = palette(ui);
        ui.label(RichText::new(self.say(W::HelpMarks)).strong());
        ui.add_space(4.0);
        Grid::new("marks").num_columns(2).min_row_height(ROW).spacing([12.0, 6.0]).show(ui, |ui| {
            let marks: [(&str, Color32, W); 5] = [
                (CLOCK, colours.quiet, W::MarkWaiting),
                ("✔", colours.good, W::MarkDelivered),
                ("✔  2/3", colours.warning, W::MarkDeliveredOf { delivered: 2, all: 3 }),
                ("✖", colours.bad, W::MarkMeansFailed),
                ("?", colours.warning, W::MarkMeansUnconfirmed),
            ];
            for (sign, colour, sentence) in marks {
                ui.label(RichText::new(sign).color(colour));
                ui.add(Label::new(self.say(sentence)).wrap());
                ui.end_row();
            }
        });
        ui.add_space(4.0);
        fields::sentence(ui, &self.say(W::HelpMarksMore), colours.quiet);
        ui.add_space(12.0);
        fields::sentence(ui, &self.say(W::HelpComposing), colours.quiet);
    }
}
