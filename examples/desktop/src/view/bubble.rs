//! One line of a conversation: who, what, when, and for own lines a mark.

use std::ops::Range;
use std::sync::Arc;

use chat_cli::texts::{Localised, WindowSentence as W};
use chat_core::name::UserName;
use eframe::egui::{
    self, Color32, Event, FontId, FontSelection, Galley, Label, Rect, Response, RichText, Sense, TextWrapMode, Ui,
    WidgetText, pos2, vec2,
};

use super::{View, links};
use crate::look::{name_colour, palette};
use crate::model::outcome::{Mark, State};

/// The room between the text and the edge of its bubble.
const PAD: f32 = 11.0;

/// The sign of what waits.
pub(super) const CLOCK: &str = "🕑";

/// The widest text, so that rows stay readable in a wide window.
const MAX_TEXT: f32 = 560.0;

/// Where a line stands, and what is said about it.
#[derive(Debug)]
pub(super) struct Place<'a> {
    /// Whether it belongs to the line above: no name, less room.
    pub(super) is_together: bool,
    /// The day.
    pub(super) day: String,
    /// The time of day.
    pub(super) time: String,
    /// Who says it.
    pub(super) name: &'a str,
}

/// Leaves the room above a line.
pub(super) fn at(ui: &mut Ui, place: &Place<'_>, add: impl FnOnce(&mut Ui)) {
    ui.add_space(if place.is_together { 3.0 } else { 10.0 });
    add(ui);
}

/// A line that nobody says.
pub(super) fn note(ui: &mut Ui, text: String) {
    let colour = palette(ui).quiet;
    ui.add_space(8.0);
    ui.vertical_centered(|ui| {
        ui.set_max_width(MAX_TEXT);
        ui.add(Label::new(RichText::new(text).size(13.0).color(colour)).wrap());
    });
}

/// The parts of a bubble.
struct Parts<'a> {
    name: Option<Arc<Galley>>,
    text: Arc<Galley>,
    /// The places of its links.
    links: &'a [Range<usize>],
    foot: Arc<Galley>,
    /// What a pointer and a screen reader learn about the foot.
    explanation: Option<String>,
    fill: Color32,
    is_own: bool,
    /// What is said, and by whom and when.
    said: (&'a str, &'a Place<'a>),
}

impl View {
    pub(super) fn theirs(&self, ui: &mut Ui, place: &Place<'_>, from: &UserName, text: &str) {
        let colours = palette(ui);
        let name = (!place.is_together).then(|| {
            let text = RichText::new(from.as_str()).size(13.5).strong().color(name_colour(ui, from.canonical()));
            galley(ui, text)
        });
        let links = links::links(text);
        let parts = Parts {
            name,
            text: words(ui, text, &links),
            links: &links,
            foot: galley(ui, RichText::new(&place.time).size(11.5).color(colours.quiet)),
            explanation: None,
            fill: colours.theirs,
            is_own: false,
            said: (text, place),
        };
        // Nothing in it can be pressed.
        let _pressed = self.bubble(ui, &parts);
    }

    pub(super) fn own(&self, ui: &mut Ui, place: &Place<'_>, text: &str, state: &State) -> bool {
        let colours = palette(ui);
        let (sign, colour, explanation) = self.mark(ui, &state.mark());
        let mut foot = egui::text::LayoutJob::default();
        for (part, colour) in [(format!("{}  ", place.time), colours.marks.quiet), (sign, colour)] {
            foot.append(&part, 0.0, egui::TextFormat::simple(FontId::proportional(11.5), colour));
        }
        let links = links::links(text);
        let parts = Parts {
            name: None,
            text: words(ui, text, &links),
            links: &links,
            foot: ui.painter().layout_job(foot),
            explanation: Some(self.say(W::ShowOutcomes { mark: explanation })),
            fill: colours.own,
            is_own: true,
            said: (text, place),
        };
        self.bubble(ui, &parts)
    }

    /// The sign, its colour, and the sentence that explains it.
    fn mark(&self, ui: &Ui, mark: &Mark) -> (String, Color32, String) {
        let colours = palette(ui).marks;
        match mark {
            Mark::OnItsWay => (CLOCK.to_owned(), colours.quiet, self.say(W::MarkWaiting)),
            Mark::DeliveredSoFar { delivered, all } => {
                let sentence = self.say(W::MarkDeliveredOf { delivered: *delivered, all: *all });
                (format!("{CLOCK}  {delivered}/{all}"), colours.quiet, sentence)
            }
            Mark::Delivered { all: 1 } => ("✔".to_owned(), colours.good, self.say(W::MarkDelivered)),
            Mark::Delivered { all } => {
                let sentence = self.say(W::MarkDeliveredOf { delivered: *all, all: *all });
                (format!("✔  {all}/{all}"), colours.good, sentence)
            }
            Mark::Partly { delivered, all } => {
                let sentence = self.say(W::MarkDeliveredOf { delivered: *delivered, all: *all });
                (format!("✔  {delivered}/{all}"), colours.warning, sentence)
            }
            Mark::Failed(reason) => {
                ("✖".to_owned(), colours.bad, self.say(W::MarkFailed { reason: reason.text(&self.texts) }))
            }
            Mark::Unconfirmed(reason) => {
                ("?".to_owned(), colours.warning, self.say(W::MarkUnconfirmed { reason: reason.text(&self.texts) }))
            }
            Mark::SentAgain => ("✖".to_owned(), colours.quiet, self.say(W::MarkSentAgain)),
            Mark::NobodyThere => ("✖".to_owned(), colours.bad, self.say(W::MarkNobodyThere)),
            Mark::NotSent(error) => {
                ("✖".to_owned(), colours.bad, self.say(W::MarkNotSent { reason: error.text(&self.texts) }))
            }
        }
    }

    /// The bubble as something that can have the focus, and that a screen reader reads.
    fn whole(&self, ui: &Ui, rect: Rect, (text, place): &(&str, &Place<'_>)) -> Response {
        let whole = ui.interact(rect, ui.scope_id().with("bubble"), Sense::click());
        whole.widget_info(|| {
            let (name, time, text) = (place.name.to_owned(), place.time.clone(), (*text).to_owned());
            egui::WidgetInfo::labeled(egui::Role::ListItem, true, self.say(W::SpokenLine { name, time, text }))
        });
        if whole.has_focus() && ui.input(|input| input.events.contains(&Event::Copy)) {
            ui.copy_text((*text).to_owned());
        }
        whole
    }

    /// What can be done with a line.
    fn menu(&self, response: &Response, (text, place): &(&str, &Place<'_>)) {
        response.context_menu(|ui| {
            self.link_menu(ui, text);
            if ui.button(self.say(W::CopyText)).clicked() {
                ui.copy_text((*text).to_owned());
            }
            if ui.button(self.say(W::CopyLine)).clicked() {
                ui.copy_text(format!("{} {} {}: {text}", place.day, place.time, place.name));
            }
        });
    }

    /// Draws a bubble. Returns whether its foot was pressed.
    fn bubble(&self, ui: &mut Ui, parts: &Parts<'_>) -> bool {
        let Parts { name, text, links, foot, explanation, fill, is_own, said } = parts;
        let (text_size, foot_size) = (text.size(), foot.size());
        let name_size = name.as_ref().map_or(vec2(0.0, 0.0), |name| name.size());
        let last_row = text.rows.last().map_or(0.0, |row| row.rect().right());
        let widest = text_size.x.max(name_size.x);
        // The foot stands beside the last row where there is room.
        let beside = last_row + 14.0 + foot_size.x;
        let is_beside = beside <= text_width(ui);
        let inner_width = if is_beside { widest.max(beside) } else { widest.max(foot_size.x) };
        let foot_height = if is_beside { 0.0 } else { foot_size.y + 2.0 };
        let size = vec2(inner_width + 2.0 * PAD, name_size.y + text_size.y + foot_height + 14.0);
        let (row, _) = ui.allocate_exact_size(vec2(ui.available_width(), size.y), Sense::hover());
        let left = if *is_own { row.right() - size.x } else { row.left() };
        let rect = Rect::from_min_size(pos2(left, row.top()), size);
        if !ui.is_rect_visible(rect) {
            return false;
        }
        let whole = self.whole(ui, rect, said);
        ui.painter().rect_filled(rect, 12, *fill);
        if whole.has_focus() {
            let ring = egui::Stroke::new(1.5, ui.visuals().selection.stroke.color);
            ui.painter().rect_stroke(rect, 12, ring, egui::StrokeKind::Inside);
        }
        let mut corner = rect.min + vec2(PAD, 7.0);
        if let Some(name) = name {
            ui.put(Rect::from_min_size(corner, name_size), Label::new(Arc::clone(name)).selectable(true));
            corner.y += name_size.y;
        }
        let words = ui.put(Rect::from_min_size(corner, text_size), Label::new(Arc::clone(text)).selectable(true));
        links::follow(ui, &words, said.0, links, text);
        links::follow_by_key(ui, &whole, said.0);
        self.menu(&whole, said);
        self.menu(&words, said);
        let foot_rect = Rect::from_min_size(rect.max - vec2(PAD, 6.0) - foot_size, foot_size);
        let Some(explanation) = explanation else {
            ui.put(foot_rect, Label::new(Arc::clone(foot)).selectable(false));
            return false;
        };
        let shown = ui.put(foot_rect, Label::new(Arc::clone(foot)).selectable(false).sense(Sense::click()));
        shown.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, explanation));
        if shown.has_focus() {
            let ring = egui::Stroke::new(1.5, ui.visuals().selection.stroke.color);
            ui.painter().rect_stroke(foot_rect.expand(2.0), 3, ring, egui::StrokeKind::Outside);
        }
        if shown.hovered() {
            // It can be pressed, like a link.
            let underline = egui::Stroke::new(1.0, palette(ui).marks.quiet);
            ui.painter().hline(foot_rect.x_range(), foot_rect.bottom(), underline);
        }
        shown.on_hover_cursor(egui::CursorIcon::PointingHand).on_hover_text(explanation).clicked()
    }
}

/// What is said, laid out.
fn words(ui: &Ui, text: &str, links: &[Range<usize>]) -> Arc<Galley> {
    if links.is_empty() { galley(ui, RichText::new(text)) } else { galley(ui, links::text_with_links(ui, text, links)) }
}

/// Text laid out to the width of a bubble.
fn galley(ui: &Ui, text: impl Into<WidgetText>) -> Arc<Galley> {
    text.into().into_galley(ui, Some(TextWrapMode::Wrap), text_width(ui), FontSelection::Default)
}

/// The widest row of text in a bubble.
fn text_width(ui: &Ui) -> f32 {
    (ui.available_width() * 0.78 - 2.0 * PAD).clamp(80.0, MAX_TEXT)
}
