//! Fields, buttons, and the sentences beside them.

use std::any::TypeId;
use std::ops::Range;
use std::path::Path;

use chat_cli::texts::{Language, Localised, Texts, WindowSentence as W};
use eframe::egui::text::{ByteIndex, CharIndex};
use eframe::egui::{self, Button, Color32, Id, Key, Modifiers, Response, RichText, TextBuffer, TextEdit, Ui, Widget};

use super::sentences::capital;
use crate::look::palette;
use crate::model::secret::Secret;
use crate::model::settings::ZOOM;

/// The width of the column of a form.
pub(super) const COLUMN: f32 = 360.0;

/// The height of a row with a choice.
pub(super) const CHOICE: f32 = 26.0;

/// A button that leads on.
pub(super) fn main_button(ui: &mut Ui, name: &str, is_enabled: bool) -> Response {
    main_button_of(ui, name, is_enabled, egui::Vec2::ZERO)
}

/// A button that leads on, at least of this size. While it is off, it is grey and not a paler accent, which would look like
/// a button that is on.
pub(super) fn main_button_of(ui: &mut Ui, name: &str, is_enabled: bool, size: egui::Vec2) -> Response {
    let colours = palette(ui);
    let (text, fill) = if is_enabled { (colours.on_accent, colours.accent) } else { (colours.quiet, colours.hovered) };
    // A disabled button would be faded too, and its name could not be read.
    let alpha = std::mem::replace(&mut ui.visuals_mut().disabled_alpha, 1.0);
    let button = Button::new(RichText::new(name).color(text)).fill(fill);
    let add = |ui: &mut Ui| if size == egui::Vec2::ZERO { ui.add(button) } else { ui.add_sized(size, button) };
    let response = ui.add_enabled_ui(is_enabled, add).inner;
    ui.visuals_mut().disabled_alpha = alpha;
    response
}

/// A button that removes or ends something for good.
pub(super) fn danger_button(ui: &mut Ui, name: &str) -> Response {
    ui.button(RichText::new(name).color(palette(ui).bad))
}

/// A button that looks like a link.
pub(super) fn link(ui: &mut Ui, name: &str) -> Response {
    let accent = palette(ui).accent;
    Button::new(RichText::new(name).color(accent)).frame(false).ui(ui)
}

/// A link that shows more below it, with a triangle that points at what is open.
pub(super) fn disclosure(ui: &mut Ui, name: &str, is_open: bool) -> Response {
    let accent = palette(ui).accent;
    // The room of the triangle.
    let response = link(ui, &format!("\u{a0}\u{a0}\u{a0}\u{a0}\u{a0}{name}"));
    response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, is_open, name));
    let centre = response.rect.left_center() + egui::vec2(6.0, 0.0);
    let corners =
        if is_open { [(-5.0, -2.5), (5.0, -2.5), (0.0, 4.0)] } else { [(-2.5, -5.0), (4.0, 0.0), (-2.5, 5.0)] };
    let corners = corners.map(|(x, y)| centre + egui::vec2(x, y));
    ui.painter().add(egui::Shape::convex_polygon(corners.into(), accent, egui::Stroke::NONE));
    response
}

/// The languages, each named in itself, in the same order in every place. Quieter than what the window is for. Returns the
/// other one if it is chosen.
pub(super) fn languages(ui: &mut Ui, current: Language) -> Option<Language> {
    let colours = palette(ui);
    let mut all = [(Language::Chinese, "中文"), (Language::English, "English")];
    if ui.layout().prefer_right_to_left() {
        all.reverse();
    }
    let mut chosen = None;
    for (language, name) in all {
        let is_chosen = language == current;
        let colour = if is_chosen { colours.text } else { colours.quiet };
        let mut text = RichText::new(name).size(13.5).color(colour);
        if is_chosen {
            text = text.underline();
        }
        let button = Button::new(text).frame(false).ui(ui);
        button.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, is_chosen, name));
        if button.clicked() && !is_chosen {
            chosen = Some(language);
        }
    }
    chosen
}

/// The width of [`arrow`].
pub(super) const ARROW: f32 = 34.0;

/// A button without a name beside a field, which may have a red edge.
fn beside(ui: &mut Ui) -> Response {
    let colours = palette(ui);
    let size = egui::vec2(ARROW, ui.spacing().interact_size.y);
    ui.scope(|ui| {
        let widgets = &mut ui.visuals_mut().widgets;
        widgets.inactive.bg_stroke = egui::Stroke::new(1.0, colours.edge);
        widgets.hovered.bg_stroke = egui::Stroke::new(1.0, colours.accent);
        ui.add(Button::new("").min_size(size))
    })
    .inner
}

/// A button that opens a list.
pub(super) fn arrow(ui: &mut Ui, name: &str) -> Response {
    let response = beside(ui);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, name));
    let (centre, colour) = (response.rect.center(), ui.style().interact(&response).fg_stroke.color);
    let corners = [(-4.5, -2.0), (0.0, 2.5), (4.5, -2.0)].map(|(x, y)| centre + egui::vec2(x, y));
    ui.painter().add(egui::Shape::line(corners.into(), egui::Stroke::new(1.5, colour)));
    response.on_hover_text(name)
}

/// The name above a field, a field that has this name for screen readers, and below it what is wrong with it.
pub(super) fn field(ui: &mut Ui, name: &str, problem: Option<&str>, add: impl FnOnce(&mut Ui) -> Response) -> Response {
    let response = named(ui, name, problem.is_some(), add);
    if let Some(problem) = problem {
        self::problem(ui, problem);
    }
    ui.add_space(GAP);
    response
}

/// The room below a field.
pub(super) const GAP: f32 = 4.0;

/// The name above a field, and a field that has this name for screen readers. A wrong one has a red edge, with the focus
/// too.
pub(super) fn named(ui: &mut Ui, name: &str, is_wrong: bool, add: impl FnOnce(&mut Ui) -> Response) -> Response {
    let colours = palette(ui);
    let label = ui.label(RichText::new(name).size(13.0).color(colours.quiet));
    let add = |ui: &mut Ui| {
        if is_wrong {
            let stroke = egui::Stroke::new(1.5, colours.bad);
            ui.visuals_mut().widgets.inactive.bg_stroke = stroke;
            ui.visuals_mut().widgets.hovered.bg_stroke = stroke;
        }
        ring(ui, if is_wrong { colours.bad } else { colours.accent }, add)
    };
    ui.scope(add).inner.labelled_by(label.id)
}

/// A field whose edge has the accent while it has the focus.
pub(super) fn with_ring<T>(ui: &mut Ui, add: impl FnOnce(&mut Ui) -> T) -> T {
    let accent = palette(ui).accent;
    ring(ui, accent, add)
}

fn ring<T>(ui: &mut Ui, colour: Color32, add: impl FnOnce(&mut Ui) -> T) -> T {
    ui.scope(|ui| {
        ui.visuals_mut().selection.stroke.color = colour;
        add(ui)
    })
    .inner
}

/// Something is going on.
pub(super) fn spinner(ui: &mut Ui) {
    let accent = palette(ui).accent;
    ui.add(egui::Spinner::new().size(18.0).color(accent));
}

/// The frame of a dialog.
pub(super) fn dialog_frame(ui: &Ui) -> egui::Frame {
    egui::Frame::popup(ui.style()).corner_radius(12).inner_margin(egui::Margin::symmetric(22, 18))
}

/// Buttons that change the size of the text, in percent. Not a slider, which would move away below the pointer.
pub(super) fn zoom(ui: &mut Ui, texts: &Texts, zoom: u16) -> u16 {
    let mut chosen = zoom;
    ui.horizontal(|ui| {
        for (sign, name, next) in [
            ("–", W::Smaller, zoom.saturating_sub(super::settings::STEP).max(*ZOOM.start())),
            ("+", W::Larger, (zoom + super::settings::STEP).min(*ZOOM.end())),
        ] {
            let name = name.text(texts);
            let button = ui.add_enabled(next != zoom, Button::new(sign));
            button.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, next != zoom, &name));
            if button.on_hover_text(&name).clicked() {
                chosen = next;
            }
            if sign == "–" {
                ui.label(format!("{zoom} %"));
            }
        }
    });
    chosen
}

/// A sentence that wraps.
pub(super) fn sentence(ui: &mut Ui, text: &str, colour: Color32) {
    ui.add(egui::Label::new(RichText::new(text).size(13.0).color(colour)).wrap());
}

/// A sentence about what is wrong. It stands alone.
pub(super) fn problem(ui: &mut Ui, text: &str) {
    sentence(ui, &capital(text), palette(ui).bad);
}

/// The name of a part of a panel.
pub(super) fn heading(ui: &mut Ui, text: &str) {
    ui.label(RichText::new(text).strong());
    ui.add_space(2.0);
}

/// Text that can be selected, for those who pass it on.
pub(super) fn line(ui: &mut Ui, text: &str) {
    ui.add(egui::Label::new(RichText::new(text).size(13.0)).wrap().selectable(true));
}

/// Where the log is.
pub(super) fn log_file(ui: &mut Ui, texts: &Texts, path: Option<&Path>) {
    let quiet = palette(ui).quiet;
    heading(ui, &W::LogFile.text(texts));
    let Some(path) = path else {
        return sentence(ui, &W::NoLogFile.text(texts), quiet);
    };
    let path = path.display().to_string();
    line(ui, &path);
    if link(ui, &W::Copy.text(texts)).clicked() {
        ui.copy_text(path);
    }
    sentence(ui, &W::LogFileExplained.text(texts), quiet);
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

/// A field for a secret, with a switch of this name that shows it, as Alt+F8 does in the field.
pub(super) fn secret_with_eye(ui: &mut Ui, id: Id, secret: &mut Secret, name: &str) -> Response {
    let key = id.with("shown");
    let mut is_shown = ui.data(|data| data.get_temp::<bool>(key).unwrap_or(false));
    ui.horizontal(|ui| {
        let width = ui.available_width() - ARROW - ui.spacing().item_spacing.x;
        let response = password(ui, id, secret, is_shown, width);
        let is_key = response.has_focus() && ui.input_mut(|input| input.consume_key(Modifiers::ALT, Key::F8));
        if eye(ui, is_shown, name).clicked() || is_key {
            is_shown = !is_shown;
            ui.data_mut(|data| data.insert_temp(key, is_shown));
        }
        response
    })
    .inner
}

/// A button with an eye, which is crossed out while it is off.
fn eye(ui: &mut Ui, is_on: bool, name: &str) -> Response {
    /// Half the width and half the height of the eye.
    const HALF: egui::Vec2 = egui::vec2(8.0, 5.0);
    let response = beside(ui);
    let is_enabled = ui.is_enabled();
    response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, is_enabled, is_on, name));
    let (centre, colour) = (response.rect.center(), ui.style().interact(&response).fg_stroke.color);
    let stroke = egui::Stroke::new(1.4, colour);
    for side in [-1.0, 1.0] {
        let lid = (-8_i8..=8).map(|step| {
            let x = f32::from(step) / 8.0;
            centre + egui::vec2(x * HALF.x, side * HALF.y * (1.0 - x * x))
        });
        ui.painter().add(egui::Shape::line(lid.collect(), stroke));
    }
    ui.painter().circle_filled(centre, 2.2, colour);
    if !is_on {
        ui.painter().line_segment([centre + egui::vec2(-6.5, 6.0), centre + egui::vec2(6.5, -6.0)], stroke);
    }
    response.on_hover_text(name)
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
