//! Fields, buttons, and the sentences beside them.

use std::any::TypeId;
use std::ops::Range;

use eframe::egui::text::{ByteIndex, CharIndex};
use eframe::egui::{self, Button, Color32, Id, Response, RichText, TextBuffer, TextEdit, Ui, Widget};

use crate::look::palette;
use crate::model::secret::Secret;

/// The width of the column of a form.
pub(super) const COLUMN: f32 = 360.0;

/// A button that leads on.
pub(super) fn main_button(ui: &mut Ui, name: &str, is_enabled: bool) -> Response {
    let colours = palette(ui);
    let button = Button::new(RichText::new(name).color(colours.on_accent)).fill(colours.accent);
    ui.add_enabled(is_enabled, button)
}

/// A button that looks like a link.
pub(super) fn link(ui: &mut Ui, name: &str) -> Response {
    let accent = palette(ui).accent;
    Button::new(RichText::new(name).color(accent)).frame(false).ui(ui)
}

/// The width of [`arrow`].
pub(super) const ARROW: f32 = 34.0;

/// A button that opens a list.
pub(super) fn arrow(ui: &mut Ui, name: &str) -> Response {
    let size = egui::vec2(ARROW, ui.spacing().interact_size.y);
    let response = ui.add(Button::new("").min_size(size));
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, name));
    let (centre, colour) = (response.rect.center(), ui.style().interact(&response).fg_stroke.color);
    let corners = [(-4.5, -2.0), (0.0, 2.5), (4.5, -2.0)].map(|(x, y)| centre + egui::vec2(x, y));
    ui.painter().add(egui::Shape::line(corners.into(), egui::Stroke::new(1.5, colour)));
    response.on_hover_text(name)
}

/// The name above a field, a field that has this name for screen readers, and below it what is wrong with it.
pub(super) fn field(ui: &mut Ui, name: &str, problem: Option<&str>, add: impl FnOnce(&mut Ui) -> Response) -> Response {
    let colours = palette(ui);
    let label = ui.label(RichText::new(name).size(13.0).color(colours.quiet));
    let response = ui
        .scope(|ui| {
            if problem.is_some() {
                let stroke = egui::Stroke::new(1.5, colours.bad);
                ui.visuals_mut().widgets.inactive.bg_stroke = stroke;
                ui.visuals_mut().widgets.hovered.bg_stroke = stroke;
            }
            add(ui)
        })
        .inner
        .labelled_by(label.id);
    if let Some(problem) = problem {
        sentence(ui, problem, colours.bad);
    }
    ui.add_space(6.0);
    response
}

/// A sentence that wraps.
pub(super) fn sentence(ui: &mut Ui, text: &str, colour: Color32) {
    ui.add(egui::Label::new(RichText::new(text).size(13.0).color(colour)).wrap());
}

/// A field for one line of text.
pub(super) fn text<'a>(id: Id, typed: &'a mut String, hint: &str) -> TextEdit<'a> {
    TextEdit::singleline(typed)
        .id(id)
        .hint_text(hint.to_owned())
        .margin(egui::Margin::symmetric(10, 8))
        .desired_width(f32::INFINITY)
}

/// A field for a password. Its state keeps no copy of it.
pub(super) fn password(ui: &mut Ui, id: Id, secret: &mut Secret, is_shown: bool, width: f32) -> Response {
    let mut buffer = Buffer(secret);
    let response = TextEdit::singleline(&mut buffer)
        .id(id)
        .password(!is_shown)
        .margin(egui::Margin::symmetric(10, 8))
        .desired_width(width)
        .ui(ui);
    // The field would remember earlier texts for undoing.
    if let Some(mut state) = TextEdit::load_state(ui.ctx(), id) {
        state.clear_undoer();
        TextEdit::store_state(ui.ctx(), id, state);
    }
    response
}

/// The width of the switch that shows a secret, with the room before it.
const EYE: f32 = 54.0;

/// A field for a secret, with a switch of this name that shows it.
pub(super) fn secret_with_eye(ui: &mut Ui, id: Id, secret: &mut Secret, name: &str) -> Response {
    let key = id.with("shown");
    let mut is_shown = ui.data(|data| data.get_temp::<bool>(key).unwrap_or(false));
    ui.horizontal(|ui| {
        let response = password(ui, id, secret, is_shown, ui.available_width() - EYE);
        if ui.selectable_label(is_shown, "👁").on_hover_text(name).clicked() {
            is_shown = !is_shown;
            ui.data_mut(|data| data.insert_temp(key, is_shown));
        }
        response
    })
    .inner
}

/// A password as egui edits it.
struct Buffer<'a>(&'a mut Secret);

impl TextBuffer for Buffer<'_> {
    fn is_mutable(&self) -> bool {
        true
    }

    fn as_str(&self) -> &str {
        self.0.as_str()
    }

    fn insert_text(&mut self, text: &str, char_index: CharIndex) -> usize {
        let byte = self.byte_index_from_char_index(char_index);
        self.0.insert(byte.0, text)
    }

    fn delete_char_range(&mut self, range: Range<CharIndex>) {
        let [start, end]: [ByteIndex; 2] = [range.start, range.end].map(|index| self.byte_index_from_char_index(index));
        self.0.remove(start.0, end.0);
    }

    fn type_id(&self) -> TypeId {
        TypeId::of::<Secret>()
    }
}
