//! What concerns the whole session, above everything else.

use std::time::Duration;

use chat_cli::texts::WindowSentence as W;
use chat_cli::view::Notice;
use chat_core::time::Timestamp;
use eframe::egui::{Color32, Frame, Label, Margin, Panel, RichText, Sides, Ui};

use super::View;
use super::login::whole_seconds;
use crate::look::palette;
use crate::model::Action;
use crate::model::session::Session;

impl View {
    pub(super) fn banners(&self, ui: &mut Ui, session: &Session, now: Timestamp, actions: &mut Vec<Action>) {
        let colours = palette(ui);
        if let Some(reason) = session.end {
            let text = self.notice(&Notice::from(reason));
            if banner(ui, "ended", &text, colours.bad, colours.bad_ground, Some(&self.say(W::LogInAgain))) {
                actions.push(Action::GoOffline);
            }
            return;
        }
        if session.other_key.is_some() {
            let text = self.say(W::OtherKey { server: session.server.to_string() });
            banner(ui, "key", &text, colours.bad, colours.bad_ground, None);
        }
        if let Some(wait) = session.until_retry(now) {
            let (sentence, button) = if wait.is_zero() {
                (W::ReconnectingNow, None)
            } else {
                // The countdown needs a frame for each second.
                ui.ctx().request_repaint_after(Duration::from_millis(500));
                (W::Reconnecting { seconds: whole_seconds(wait) }, Some(self.say(W::RetryNow)))
            };
            let (text, button) = (self.say(sentence), button.as_deref());
            if banner(ui, "reconnecting", &text, colours.warning, colours.warning_ground, button) {
                actions.push(Action::RetryNow);
            }
        }
    }
}

/// A sentence over the full width. Returns whether its button was pressed.
fn banner(ui: &mut Ui, id: &str, text: &str, colour: Color32, ground: Color32, button: Option<&str>) -> bool {
    let frame = Frame::new().fill(ground).inner_margin(Margin::symmetric(16, 8));
    Panel::top(id.to_owned())
        .frame(frame)
        .show(ui, |ui| {
            let (_, is_pressed) = Sides::new().shrink_left().wrap().show(
                ui,
                |ui| ui.add(Label::new(RichText::new(text).color(colour)).wrap()),
                |ui| button.is_some_and(|name| ui.button(name).clicked()),
            );
            is_pressed
        })
        .inner
}
