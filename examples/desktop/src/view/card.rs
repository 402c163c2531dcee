//! A form in the middle of the window.

use eframe::egui::{Align, Color32, Frame, Id, Layout, Margin, ScrollArea, Stroke, Ui};

use crate::look::palette;

/// How far below the top a card stands if there is room, as a part of the height.
const ABOVE: f32 = 0.14;

/// The least room above a card.
const MIN_ABOVE: f32 = 2.0;

/// A card of this width. One that does not fit is scrolled.
pub(super) fn card(ui: &mut Ui, id: Id, width: f32, edge: Color32, add: impl FnOnce(&mut Ui)) {
    let fill = palette(ui).card;
    ScrollArea::vertical().id_salt(id).auto_shrink(false).show(ui, |ui| {
        ui.vertical_centered(|ui| {
            let room = ui.available_height();
            // As in the last frame. The first one is drawn again.
            let height = ui.data(|data| data.get_temp::<f32>(id));
            if height.is_none() {
                ui.ctx().request_discard("the height of a card");
            }
            ui.add_space((room * ABOVE).min(room - height.unwrap_or_default()).max(MIN_ABOVE));
            let frame = Frame::new().fill(fill).stroke(Stroke::new(1.0, edge)).corner_radius(14);
            let drawn = frame.inner_margin(Margin::symmetric(28, 18)).show(ui, |ui| {
                ui.set_width(width);
                ui.with_layout(Layout::top_down(Align::Min), add);
            });
            ui.data_mut(|data| data.insert_temp(id, drawn.response.rect.height() + MIN_ABOVE));
        });
    });
}
