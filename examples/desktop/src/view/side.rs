//! The panel at the side: what became of an own line, the notices, being away, the settings, and the help.

use chat_cli::texts::{Localised, WindowSentence as W};
use eframe::egui::{self, Align, Color32, Frame, Key, Label, Layout, Margin, Panel, RichText, ScrollArea, Ui};

use super::{View, fields, settings};
use crate::look::palette;
use crate::model::conversation::{LineId, What};
use crate::model::outcome::{State, Tally};
use crate::model::session::Session;
use crate::model::{Action, Side};

/// The most names of one kind that the panel lists. A message to ten thousand people has too many rows to read.
const MAX_NAMES: usize = 200;

impl View {
    pub(super) fn side(
        &mut self,
        ui: &mut Ui,
        side: Side,
        session: &mut Session,
        settings: &settings::Shown<'_>,
        actions: &mut Vec<Action>,
    ) {
        let colours = palette(ui);
        let frame = Frame::new().fill(colours.side).inner_margin(Margin::symmetric(16, 12));
        Panel::right("side").default_size(300.0).size_range(240.0..=420.0).frame(frame).show(ui, |ui| {
            let title = match side {
                Side::Outcomes(_) => W::Outcomes,
                Side::Notices => W::Notices,
                Side::Settings => W::Settings,
                Side::Away => W::Away,
                Side::Help => W::Help,
            };
            ui.horizontal(|ui| {
                ui.label(RichText::new(self.say(title)).size(17.0).strong());
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    if fields::link(ui, &self.say(W::Close)).clicked() {
                        actions.push(Action::CloseSide);
                    }
                    let can_clear = side == Side::Notices && !session.notices().is_empty();
                    if can_clear && fields::link(ui, &self.say(W::Clear)).clicked() {
                        actions.push(Action::ClearNotices);
                    }
                });
            });
            if ui.input_mut(|input| input.consume_key(egui::Modifiers::NONE, Key::Escape)) {
                actions.push(Action::CloseSide);
            }
            ui.add_space(6.0);
            ScrollArea::vertical().auto_shrink(false).show(ui, |ui| match side {
                Side::Outcomes(line) => self.outcomes(ui, line, session, actions),
                Side::Notices => self.notices(ui, session),
                Side::Settings => self.settings(ui, session, settings, actions),
                Side::Away => self.away(ui, session, actions),
                Side::Help => self.help(ui),
            });
        });
    }

    fn outcomes(&self, ui: &mut Ui, line: LineId, session: &mut Session, actions: &mut Vec<Action>) {
        let again = session.certainly_failed(line);
        let Some(What::Own(text, state)) = session.open_conversation().own_line(line).map(|line| &line.what) else {
            return;
        };
        let colours = palette(ui);
        let excerpt: String = text.chars().take(80).collect();
        ui.add(Label::new(RichText::new(excerpt).color(colours.quiet)).wrap());
        ui.add_space(8.0);
        match state {
            State::NotSent(error) => {
                let reason = error.text(&self.texts);
                fields::problem(ui, &self.say(W::MarkNotSent { reason }));
            }
            State::Sent(tally) => self.tally(ui, tally),
        }
        if !again.is_empty() {
            ui.add_space(10.0);
            if fields::main_button(ui, &self.say(W::SendAgain { count: again.len() }), true).clicked() {
                actions.push(Action::SendAgain(line));
            }
        }
    }

    fn tally(&self, ui: &mut Ui, tally: &Tally) {
        let colours = palette(ui);
        let all = tally.recipients.unwrap_or_default();
        let delivered = tally.delivered.len();
        ui.label(RichText::new(self.say(W::MarkDeliveredOf { delivered, all })).strong());
        for (user, reason) in &tally.failed[..tally.failed.len().min(MAX_NAMES)] {
            row(ui, "✖", colours.bad, user.as_str(), &reason.text(&self.texts));
        }
        for (user, reason) in &tally.unconfirmed[..tally.unconfirmed.len().min(MAX_NAMES)] {
            let reason = self.say(W::MarkUnconfirmed { reason: reason.text(&self.texts) });
            row(ui, "?", colours.warning, user.as_str(), &reason);
        }
        for (user, elapsed) in &tally.delivered[..delivered.min(MAX_NAMES)] {
            let time = format!("{} ms", elapsed.as_millis());
            // Hardly anybody looks for it.
            ui.horizontal(|ui| {
                ui.label(RichText::new("✔").color(colours.good));
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    ui.label(RichText::new(time).size(11.5).color(colours.quiet));
                    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                        ui.add(Label::new(user.as_str()).truncate());
                    });
                });
            });
        }
        let hidden: usize = [tally.failed.len(), tally.unconfirmed.len(), delivered]
            .map(|count| count.saturating_sub(MAX_NAMES))
            .iter()
            .sum();
        if hidden > 0 {
            fields::sentence(ui, &self.say(W::AndMore { count: hidden }), colours.quiet);
        }
    }

    fn away(&self, ui: &mut Ui, session: &mut Session, actions: &mut Vec<Action>) {
        let colours = palette(ui);
        fields::sentence(ui, &self.say(W::AwayExplained), colours.quiet);
        ui.add_space(8.0);
        let (id, hint) = (egui::Id::unique("away"), self.say(W::AwayHint));
        let problem = session.away_problem.as_ref().map(|problem| problem.text(&self.texts));
        let field = fields::field(ui, &self.say(W::AwayText), problem.as_deref(), |ui| {
            ui.add(fields::text(id, &mut session.away_typed, &hint))
        });
        if field.changed() {
            session.away_problem = None;
        }
        let is_away = session.own_away.is_some();
        ui.horizontal_wrapped(|ui| {
            let is_entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            let name = if is_away { W::ChangeAway } else { W::SetAway };
            if fields::main_button(ui, &self.say(name), session.end.is_none()).clicked() || is_entered {
                actions.push(Action::GoAway);
            }
            if is_away && ui.button(self.say(W::BeBack)).clicked() {
                actions.push(Action::BeBack);
            }
        });
        if let Some(away) = &session.own_away {
            ui.add_space(6.0);
            let text = away.as_str().to_owned();
            fields::sentence(ui, &self.say(W::IsAway { text }), colours.good);
        }
    }

    fn notices(&self, ui: &mut Ui, session: &Session) {
        let colours = palette(ui);
        if session.notices().is_empty() {
            fields::sentence(ui, &self.say(W::NoNotices), colours.quiet);
            return;
        }
        for (at, notice) in session.notices().iter().rev() {
            ui.label(RichText::new(self.time(*at)).size(12.0).color(colours.quiet));
            ui.add(Label::new(self.notice(notice)).wrap().selectable(true));
            ui.add_space(6.0);
        }
    }
}

/// A recipient and its outcome.
fn row(ui: &mut Ui, sign: &str, colour: Color32, name: &str, what: &str) {
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new(sign).color(colour));
        ui.label(name);
        ui.label(RichText::new(what).size(12.5).color(palette(ui).quiet));
    });
}
