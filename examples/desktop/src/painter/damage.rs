//! What changed since the last frame, so that a blinking caret costs little.

use eframe::egui::Rect;
use eframe::egui::epaint::{ClippedPrimitive, Primitive};

/// The smallest rectangle outside which two frames look the same, in points. `None` if they look the same everywhere.
pub(crate) fn damage(before: &[ClippedPrimitive], after: &[ClippedPrimitive]) -> Option<Rect> {
    if before.len() != after.len() {
        return Some(Rect::EVERYTHING);
    }
    let changed = before.iter().zip(after).filter(|(old, new)| !is_same(old, new));
    let damage = changed.fold(Rect::NOTHING, |damage, (old, new)| damage.union(extent(old)).union(extent(new)));
    // An edge may cross a pixel.
    damage.is_positive().then(|| damage.expand(1.0))
}

fn is_same(one: &ClippedPrimitive, other: &ClippedPrimitive) -> bool {
    one.clip_rect == other.clip_rect
        && match (&one.primitive, &other.primitive) {
            (Primitive::Mesh(one), Primitive::Mesh(other)) => one == other,
            // It cannot be compared.
            _ => false,
        }
}

fn extent(primitive: &ClippedPrimitive) -> Rect {
    match &primitive.primitive {
        Primitive::Mesh(mesh) => mesh.calc_bounds().intersect(primitive.clip_rect),
        Primitive::Callback(callback) => callback.rect.intersect(primitive.clip_rect),
    }
}
