//! The lines of a conversation. Only those in view are laid out.

use chat_cli::texts::WindowSentence as W;
use chat_core::time::Timestamp;
use eframe::egui::{self, Align2, FontId, Id, Rect, RichText, ScrollArea, Sense, Ui, UiBuilder, pos2, vec2};
use jiff::civil::Date;

use super::View;
use super::bubble::{Place, at, note};
use crate::look::palette;
use crate::model::conversation::{Line, Partner, What};
use crate::model::session::Session;
use crate::model::{Action, Side};

/// The height of a row between lines: a day, or where reading stopped.
const DIVIDER: f32 = 34.0;

/// The room below the last line, in points.
const BELOW: f32 = 10.0;

/// How far from the end a view still counts as at the end, in points.
const END: f32 = 24.0;

/// Lines of one person within this time stand together, with one name.
const TOGETHER_MS: u64 = 5 * 60 * 1_000;

impl View {
    pub(super) fn lines(&self, ui: &mut Ui, session: &mut Session, actions: &mut Vec<Action>) {
        let (partner, own_name) = (session.open.clone(), session.user.clone());
        let conversation = session.open_conversation();
        if conversation.lines().is_empty() {
            let sentence = match &partner {
                Partner::Everyone => W::EmptyEveryone,
                Partner::One(user) => W::EmptyUser { user: user.as_str().to_owned() },
            };
            ui.centered_and_justified(|ui| ui.label(RichText::new(self.say(sentence)).color(palette(ui).quiet)));
            return;
        }
        let (unread, new_from, has_dropped) = (conversation.unread, conversation.new_from, conversation.has_dropped);
        let (lines, heights) = conversation.lines_and_heights();
        let area = ScrollArea::vertical().id_salt(Id::unique(&partner)).auto_shrink(false).stick_to_bottom(true);
        let total = heights.total() as f32;
        let area = if ui.data_mut(|data| data.remove_temp(jump())) == Some(true) {
            area.vertical_scroll_offset(total)
        } else {
            area
        };
        let mut is_changed = false;
        let out = area.show_viewport(ui, |ui, viewport| {
            let width = ui.available_width() - 10.0;
            if heights.set_width(width) {
                is_changed = true;
            }
            // A few lines stand at the bottom, beside the field.
            let top = (viewport.height() - total - BELOW).max(8.0);
            ui.set_height(total + top + BELOW);
            let origin = ui.max_rect().min + vec2(0.0, top);
            let (mut row, first) = heights.find(f64::from((viewport.min.y - top).max(0.0)));
            let mut y = first as f32;
            while let Some(line) = lines.get(row) {
                if y > viewport.max.y - top {
                    break;
                }
                let before = row.checked_sub(1).and_then(|before| lines.get(before));
                let rect = Rect::from_min_size(origin + vec2(0.0, y), vec2(width, 0.0));
                let drawn = ui.scope_builder(UiBuilder::new().id_salt(line.id.0).max_rect(rect), |ui| {
                    ui.spacing_mut().item_spacing.y = 0.0;
                    ui.set_width(width);
                    if row == 0 && has_dropped {
                        divider(ui, &self.say(W::OlderGone), false);
                    }
                    self.line(ui, (line, before), new_from == Some(line.id), own_name.as_str(), actions);
                });
                let height = drawn.response.rect.height();
                is_changed |= heights.set(row, height).abs() > 0.5;
                (row, y) = (row + 1, y + height);
            }
        });
        if is_changed {
            // The rows below stood at their estimated places.
            ui.ctx().request_repaint();
        }
        let hidden = out.content_size.y - out.state.clamped_offset().y - out.inner_rect.height();
        let is_at_end = hidden <= END;
        if is_at_end && unread > 0 && ui.input(|input| input.focused) {
            actions.push(Action::Read);
        }
        if !is_at_end && unread > 0 {
            self.jump_to_end(ui, out.inner_rect, unread);
        }
    }

    /// Says that there is something new below, and leads there.
    fn jump_to_end(&self, ui: &Ui, inside: Rect, count: usize) {
        let place = pos2(inside.center().x - 90.0, inside.bottom() - 48.0);
        egui::Area::new(Id::unique("below")).fixed_pos(place).show(ui.ctx(), |ui| {
            if super::fields::main_button(ui, &format!("↓ {}", self.say(W::Below { count })), true).clicked() {
                ui.data_mut(|data| data.insert_temp(jump(), true));
                ui.ctx().request_repaint();
            }
        });
    }

    fn line(
        &self,
        ui: &mut Ui,
        (line, before): (&Line, Option<&Line>),
        is_new: bool,
        own_name: &str,
        actions: &mut Vec<Action>,
    ) {
        let day = self.day(line.at);
        let is_other_day = before.is_none_or(|before| self.day(before.at) != day);
        if is_other_day {
            divider(ui, &self.day_name(day), false);
        }
        if is_new {
            divider(ui, &self.say(W::NewLines), true);
        }
        let is_together = !is_other_day
            && !is_new
            && before.is_some_and(|before| line.at.abs_diff(before.at).as_millis() < u128::from(TOGETHER_MS))
            && match (&line.what, before.map(|before| &before.what)) {
                (What::From(one, _), Some(What::From(other, _))) => one == other,
                (What::Own(..), Some(What::Own(..))) => true,
                _ => false,
            };
        let name = match &line.what {
            What::From(from, _) => from.as_str(),
            What::Own(..) | What::Note(_) | What::Notice(_) => own_name,
        };
        let place = Place { is_together, day: day.to_string(), time: self.time(line.at), name };
        match &line.what {
            What::From(from, text) => at(ui, &place, |ui| self.theirs(ui, &place, from, text)),
            What::Own(text, state) => at(ui, &place, |ui| {
                if self.own(ui, &place, text, state) {
                    actions.push(Action::ShowSide(Side::Outcomes(line.id)));
                }
            }),
            What::Note(sentence) => note(ui, self.say(sentence.clone())),
            What::Notice(notice) => note(ui, self.notice(notice)),
        }
    }

    pub(super) fn day(&self, at: Timestamp) -> Date {
        self.zoned(at).date()
    }

    fn day_name(&self, date: Date) -> String {
        if date == self.today {
            return self.say(W::Today);
        }
        if self.today.yesterday().is_ok_and(|yesterday| date == yesterday) {
            return self.say(W::Yesterday);
        }
        let year = (date.year() != self.today.year()).then(|| date.year());
        self.say(W::Day { year, month: date.month(), day: date.day() })
    }

    pub(super) fn time(&self, at: Timestamp) -> String {
        self.zoned(at).strftime("%H:%M").to_string()
    }

    fn zoned(&self, at: Timestamp) -> jiff::Zoned {
        let at = i64::try_from(at.as_millis()).ok().and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
        at.unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_zoned(self.zone.clone())
    }
}

/// Set for one frame, in which the view goes to the end.
fn jump() -> Id {
    Id::unique("jump")
}

/// A row across the conversation.
fn divider(ui: &mut Ui, text: &str, is_new: bool) {
    let colours = palette(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), DIVIDER), Sense::hover());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, text));
    let (colour, painter) = (if is_new { colours.accent } else { colours.quiet }, ui.painter());
    let drawn = painter.text(rect.center(), Align2::CENTER_CENTER, text, FontId::proportional(12.5), colour);
    let stroke = egui::Stroke::new(1.0, if is_new { colours.accent.gamma_multiply(0.5) } else { colours.line });
    painter.hline(rect.left()..=drawn.left() - 10.0, rect.center().y, stroke);
    painter.hline(drawn.right() + 10.0..=rect.right(), rect.center().y, stroke);
}
