//! Input methods on X11, which stay allowed.
//!
//! egui allows an input method only while a text field has the focus, and forbids it for a moment to interrupt a
//! composition. On X11, winit makes a new input context each time, and gives it the focus only when the window gets the
//! focus again, so that nothing can be composed until somebody goes to another window and back. An input method that stays
//! allowed keeps the context that has the focus.

use eframe::egui::output::IMEOutput;
use eframe::egui::{Context, FullOutput, IMEPurpose, Plugin, Pos2, Rect};
use raw_window_handle::{HasDisplayHandle, RawDisplayHandle};

/// Keeps the input method of a window allowed.
#[derive(Debug)]
pub(crate) struct StaysAllowed {
    /// Of the last field that had the focus.
    last: IMEOutput,
}

impl Default for StaysAllowed {
    fn default() -> Self {
        let nowhere = Rect::from_pos(Pos2::ZERO);
        let purpose = IMEPurpose::Normal;
        Self { last: IMEOutput { purpose, rect: nowhere, cursor_rect: nowhere, should_interrupt_composition: false } }
    }
}

impl Plugin for StaysAllowed {
    fn debug_name(&self) -> &'static str {
        "input method"
    }

    fn output_hook(&mut self, _: &Context, output: &mut FullOutput) {
        if let Some(ime) = output.platform_output.ime {
            self.last = ime;
        }
        // A composition that begins in one field may end in the next one.
        self.last.should_interrupt_composition = false;
        output.platform_output.ime = Some(self.last);
    }
}

/// Keeps the input method of this window allowed if it is a window of X11.
pub(crate) fn install(context: &Context, window: &impl HasDisplayHandle) {
    let display = window.display_handle().map(|handle| handle.as_raw());
    if matches!(display, Ok(RawDisplayHandle::Xlib(_) | RawDisplayHandle::Xcb(_))) {
        context.add_plugin(StaysAllowed::default());
    }
}

#[cfg(test)]
mod tests {
    use eframe::egui::{RawInput, TextEdit, Ui};

    use super::*;

    fn frame(context: &Context, show: impl FnMut(&mut Ui)) -> Option<IMEOutput> {
        let mut output = context.run_ui(RawInput::default(), show);
        // Nothing is drawn.
        output.textures_delta.clear();
        output.platform_output.ime
    }

    #[test]
    fn an_input_method_stays_allowed_where_the_last_field_was() {
        let context = Context::default();
        context.add_plugin(StaysAllowed::default());
        let without = frame(&context, |_| {});
        let mut text = String::new();
        let mut field = |ui: &mut Ui| ui.add(TextEdit::singleline(&mut text)).request_focus();
        frame(&context, &mut field);
        let within = frame(&context, &mut field);
        let after = frame(&context, |_| {});
        assert!(without.is_some());
        assert_ne!(within, without);
        assert_eq!(after, within);
    }

    #[test]
    fn a_new_focus_interrupts_no_composition() {
        for (stays, interrupts) in [(true, false), (false, true)] {
            let context = Context::default();
            if stays {
                context.add_plugin(StaysAllowed::default());
            }
            let mut text = String::new();
            let mut field = |ui: &mut Ui| {
                ui.add(TextEdit::singleline(&mut text)).request_focus();
                ui.memory_mut(|memory| memory.interrupt_ime());
            };
            frame(&context, &mut field);
            let output = frame(&context, &mut field);
            assert_eq!(output.map(|ime| ime.should_interrupt_composition), Some(interrupts));
        }
    }
}
