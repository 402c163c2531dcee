//! The icon of the program, drawn as `packaging/desktop/chat-desktop.svg` has it, and its name.

use eframe::egui::{Align2, Color32, FontId, Rect, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};

/// The height of the icon.
const SIZE: f32 = 40.0;

/// The size of the name.
const NAME: f32 = 24.0;

/// The side of the icon in the units of its drawing.
const UNITS: f32 = 128.0;

const GROUND: Color32 = Color32::from_rgb(0x2f, 0x86, 0xd6);
const FRONT: Color32 = Color32::WHITE;
const BACK: Color32 = Color32::from_rgb(0xbf, 0xe0, 0xfb);

/// The icon and the name of the program, side by side in the middle.
pub(super) fn brand(ui: &mut Ui, name: &str) {
    let text =
        ui.painter().layout_no_wrap(name.to_owned(), FontId::proportional(NAME), ui.visuals().strong_text_color());
    let size = vec2(SIZE + 12.0 + text.size().x, SIZE);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, name));
    icon(ui, Rect::from_min_size(rect.min, vec2(SIZE, SIZE)));
    let place = Align2::LEFT_CENTER.align_size_within_rect(text.size(), rect).min;
    ui.painter().galley(pos2(rect.left() + SIZE + 12.0, place.y), text, Color32::PLACEHOLDER);
    ui.add_space(12.0);
}

/// Two bubbles, of which the front one has three dots.
fn icon(ui: &Ui, rect: Rect) {
    let scale = rect.width() / UNITS;
    let at = |x: f32, y: f32| rect.min + vec2(x, y) * scale;
    let block = |left: f32, top: f32, right: f32, bottom: f32| Rect::from_min_max(at(left, top), at(right, bottom));
    let painter = ui.painter();
    let tail = |points: [(f32, f32); 3], colour| {
        let points = points.map(|(x, y)| at(x, y)).into();
        painter.add(Shape::convex_polygon(points, colour, Stroke::NONE));
    };
    painter.rect_filled(block(4.0, 4.0, 124.0, 124.0), 28.0 * scale, GROUND);
    painter.rect_filled(block(52.0, 46.0, 104.0, 94.0), 12.0 * scale, BACK);
    tail([(84.0, 92.0), (98.0, 92.0), (98.0, 108.0)], BACK);
    // The gap between the bubbles.
    painter.rect_filled(block(18.0, 16.0, 98.0, 76.0), 16.0 * scale, GROUND);
    painter.rect_filled(block(24.0, 22.0, 92.0, 68.0), 12.0 * scale, FRONT);
    tail([(32.0, 66.0), (46.0, 66.0), (32.0, 82.0)], FRONT);
    for x in [44.0, 59.0, 74.0] {
        painter.circle_filled(at(x, 45.0), 5.0 * scale, GROUND);
    }
}
