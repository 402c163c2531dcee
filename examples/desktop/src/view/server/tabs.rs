//! Arrivals and departures, who is online, and the numbers.

use chat_cli::texts::ServerWindowSentence as S;
use chat_core::presence::{OfflineReason, Presence, Record};
use chat_core::time::Timestamp;
use eframe::egui::{
    self, Align2, Color32, FontId, Grid, Label, RichText, Role, ScrollArea, Sense, TextStyle, Ui, WidgetInfo, pos2,
    vec2,
};

use super::{ServerView, fields};
use crate::look::palette;
use crate::model::server::ServerModel;
use crate::model::server::arrivals::Line;

/// The height of a row.
const ROW: f32 = 28.0;

/// A cell of a row: its text, its colour, and the width of its column. The last one takes what is left.
struct Cell<'a>(&'a str, Color32, f32);

impl ServerView {
    pub(super) fn arrivals(&self, ui: &mut Ui, model: &ServerModel, now: Timestamp) {
        let colours = palette(ui);
        let lines = model.arrivals.lines();
        if lines.iter().all(|line| matches!(line, Line::Record(Record::Started(_) | Record::Stopping(_)))) {
            fields::sentence(ui, &self.say(S::NoArrivals), colours.quiet);
        }
        if model.arrivals.has_older() {
            fields::sentence(ui, &self.say(S::OlderArrivals), colours.quiet);
        }
        // Only the times of other days have a date.
        let is_old = lines.iter().find_map(Line::at).is_some_and(|at| self.zoned(at).date() != self.zoned(now).date());
        let times = if is_old { 150.0 } else { 84.0 };
        ui.spacing_mut().item_spacing.y = 0.0;
        ScrollArea::vertical().auto_shrink(false).stick_to_bottom(true).show_rows(ui, ROW, lines.len(), |ui, range| {
            for line in lines.range(range) {
                self.arrival(ui, line, now, times);
            }
        });
    }

    fn arrival(&self, ui: &mut Ui, line: &Line, now: Timestamp, times: f32) {
        let colours = palette(ui);
        let quiet = colours.quiet;
        let (at, what, event) = match line {
            Line::LeftOut(count) => {
                return row(ui, quiet, &[Cell(&self.say(S::ArrivalsLeftOut { count: *count }), quiet, 0.0)]);
            }
            Line::Record(Record::Started(at)) => (at, S::ServerStarted, None),
            Line::Record(Record::Stopping(at)) => (at, S::ServerStopping, None),
            Line::Record(Record::Presence(event)) => (&event.at, what(event.presence), Some(event)),
        };
        let (time, what) = (self.time(*at, now), self.say(what));
        let Some(event) = event else {
            return row(ui, quiet, &[Cell(&time, quiet, times), Cell(&what, quiet, 0.0)]);
        };
        let (dot, address) = match event.presence {
            Presence::Online(address) | Presence::Replaced(address) => (colours.good, address.to_string()),
            Presence::Moved(address) => (colours.accent, address.to_string()),
            Presence::Offline(_) => (quiet, String::new()),
        };
        // Both are short, or there is only one of them.
        let rest = if address.is_empty() { what } else { format!("{what}  {address}") };
        let (name, text) = (event.user.as_str(), ui.visuals().strong_text_color());
        row(ui, dot, &[Cell(&time, quiet, times), Cell(name, text, 150.0), Cell(&rest, colours.text, 0.0)]);
    }

    pub(super) fn online(&self, ui: &mut Ui, model: &ServerModel, now: Timestamp) {
        let colours = palette(ui);
        if model.online.is_empty() {
            return fields::sentence(ui, &self.say(S::NobodyOnline), colours.quiet);
        }
        ui.spacing_mut().item_spacing.y = 0.0;
        let names = [S::ColumnUser, S::ColumnAddress, S::ColumnSince].map(|name| self.say(name));
        let quiet = colours.quiet;
        let heading = [Cell(&names[0], quiet, 180.0), Cell(&names[1], quiet, 240.0), Cell(&names[2], quiet, 0.0)];
        row(ui, Color32::TRANSPARENT, &heading);
        let text = ui.visuals().strong_text_color();
        ScrollArea::vertical().auto_shrink(false).show_rows(ui, ROW, model.online.len(), |ui, range| {
            for online in &model.online[range] {
                let (address, since) = (online.address.to_string(), self.time(online.since, now));
                let name = online.user.as_str();
                let cells = [Cell(name, text, 180.0), Cell(&address, colours.text, 240.0), Cell(&since, quiet, 0.0)];
                row(ui, colours.good, &cells);
            }
        });
    }

    pub(super) fn numbers(&self, ui: &mut Ui, model: &ServerModel, now: Timestamp) {
        let quiet = palette(ui).quiet;
        let Some(status) = model.running.as_ref().and_then(|running| running.status.as_ref()) else { return };
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            Grid::new("numbers").num_columns(2).spacing(vec2(20.0, 10.0)).min_col_width(110.0).show(ui, |ui| {
                for (name, value) in status.rows(&self.texts, self.time(status.started_at(), now)) {
                    ui.with_layout(egui::Layout::top_down(egui::Align::Min), |ui| {
                        ui.label(RichText::new(name).color(quiet));
                    });
                    ui.with_layout(egui::Layout::top_down(egui::Align::Min), |ui| {
                        ui.add(Label::new(value).wrap().selectable(true));
                    });
                    ui.end_row();
                }
            });
        });
    }
}

/// What happened to a session.
const fn what(presence: Presence) -> S {
    match presence {
        Presence::Online(_) => S::Came,
        Presence::Replaced(_) => S::Replaced,
        Presence::Moved(_) => S::Moved,
        Presence::Offline(OfflineReason::Lost) => S::LeftLost,
        Presence::Offline(OfflineReason::Kicked) => S::LeftKicked,
        Presence::Offline(OfflineReason::TooSlow) => S::LeftTooSlow,
        // A reason that is newer than this program.
        Presence::Offline(_) => S::Left,
    }
}

/// A row with a dot. A screen reader says its cells together.
fn row(ui: &mut Ui, dot: Color32, cells: &[Cell<'_>]) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::hover());
    let said = || cells.iter().map(|cell| cell.0).collect::<Vec<_>>().join(" ");
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, said()));
    if !ui.is_rect_visible(rect) {
        return;
    }
    ui.painter().circle_filled(pos2(rect.left() + 6.0, rect.center().y), 4.0, dot);
    let mut left = rect.left() + 20.0;
    for Cell(text, colour, width) in cells {
        let room = if *width > 0.0 { width - 8.0 } else { rect.right() - left };
        let font = TextStyle::Body.resolve(ui.style());
        let font = FontId::new(font.size - 1.0, font.family);
        let mut job = egui::text::LayoutJob::simple_singleline((*text).to_owned(), font, *colour);
        job.wrap = egui::text::TextWrapping::truncate_at_width(room.max(10.0));
        let galley = ui.painter().layout_job(job);
        let place = Align2::LEFT_CENTER.align_size_within_rect(galley.size(), rect).min;
        ui.painter().galley(pos2(left, place.y), galley, *colour);
        left += width;
    }
}
