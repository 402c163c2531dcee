//! A form in the middle of the window.

use eframe::egui::{Align, Color32, Frame, Id, Layout, Margin, ScrollArea, Stroke, Ui};

use crate::look::palette;

/// How far below the top a card stands if there is room, as a part of the height.
const ABOVE: f32 = 0.14;

/// The least room above a card.
const MIN_ABOVE: f32 = 2.0;

/// The room between the edge of a card and what is in it.
const MARGIN: Margin = Margin::symmetric(28, 18);

/// The least height of the part that is scrolled.
const MIN_BODY: f32 = 80.0;

/// A card of this width. One that does not fit is scrolled.
pub(super) fn card(ui: &mut Ui, id: Id, width: f32, edge: Color32, add: impl FnOnce(&mut Ui)) {
    ScrollArea::vertical().id_salt(id).auto_shrink(false).show(ui, |ui| {
        let room = ui.available_height();
        stand(ui, id, room, |ui| framed(ui, width, edge, add));
    });
}

/// A card whose foot stays in view: only its body is scrolled if it does not fit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Card {
    pub(super) id: Id,
    pub(super) width: f32,
    pub(super) edge: Color32,
}

impl Card {
    pub(super) fn show(
        self,
        ui: &mut Ui,
        above: impl FnOnce(&mut Ui),
        body: impl FnOnce(&mut Ui),
        foot: impl FnOnce(&mut Ui),
    ) {
        let (room, key) = (ui.available_height(), self.id.with("fixed"));
        // The height of everything but the body, as in the last frame.
        let fixed = ui.data(|data| data.get_temp::<f32>(key)).unwrap_or_default();
        stand(ui, self.id, room, |ui| {
            let top = ui.cursor().top();
            above(ui);
            let mut scrolled = 0.0;
            framed(ui, self.width, self.edge, |ui| {
                let area = ScrollArea::vertical().id_salt(self.id).auto_shrink([false, true]);
                let area = area.max_height((room - fixed - 2.0 * MIN_ABOVE).max(MIN_BODY));
                scrolled = area.show(ui, body).inner_rect.height();
                foot(ui);
            });
            let height = ui.min_rect().bottom() - top - scrolled;
            ui.data_mut(|data| data.insert_temp(key, height));
        });
    }
}

/// Adds something in the middle, a part of the height below the top.
fn stand(ui: &mut Ui, id: Id, room: f32, add: impl FnOnce(&mut Ui)) {
    ui.vertical_centered(|ui| {
        // As in the last frame. The first one is drawn again.
        let height = ui.data(|data| data.get_temp::<f32>(id));
        if height.is_none() {
            ui.ctx().request_discard("the height of a card");
        }
        ui.add_space((room * ABOVE).min(room - height.unwrap_or_default()).max(MIN_ABOVE));
        let top = ui.cursor().top();
        add(ui);
        let height = ui.min_rect().bottom() - top;
        ui.data_mut(|data| data.insert_temp(id, height + MIN_ABOVE));
    });
}

fn framed(ui: &mut Ui, width: f32, edge: Color32, add: impl FnOnce(&mut Ui)) {
    let frame = Frame::new().fill(palette(ui).card).stroke(Stroke::new(1.0, edge)).corner_radius(14);
    frame.inner_margin(MARGIN).show(ui, |ui| {
        ui.set_width(width);
        ui.with_layout(Layout::top_down(Align::Min), add);
    });
}
