//! The field for texts.

use chat_cli::texts::{Localised, WindowSentence as W};
use chat_core::text::{Text, TextError};
use eframe::egui::{self, Event, Id, Key, KeyboardShortcut, Modifiers, ScrollArea, TextEdit, Ui, vec2};

use super::{View, fields};
use crate::look::palette;
use crate::model::Action;
use crate::model::conversation::Partner;
use crate::model::session::Session;
use crate::model::settings::SendKey;

/// The most rows that the field grows to.
const MAX_ROWS: f32 = 8.0;

/// The length of a text from which on it is counted: nine tenths of the longest.
const COUNTED: usize = Text::MAX_BYTES / 10 * 9;

/// Identifies the field.
pub(super) fn id() -> Id {
    Id::unique("composer")
}

/// Forgets what could be undone: the field serves all conversations, and a text for one person must not come back in the
/// conversation with everyone.
pub(super) fn forget_edits(ui: &Ui) {
    if let Some(mut state) = TextEdit::load_state(ui.ctx(), id()) {
        state.clear_undoer();
        TextEdit::store_state(ui.ctx(), id(), state);
    }
}

impl View {
    pub(super) fn composer(&mut self, ui: &mut Ui, session: &mut Session, actions: &mut Vec<Action>) {
        let colours = palette(ui);
        let partner = session.open.clone();
        let is_over = session.end.is_some();
        let absent = session.can_send_to(&partner).err();
        let conversation = session.open_conversation();
        let wrong = match Text::parse(conversation.draft.trim_end()) {
            Ok(_) | Err(TextError::Empty) => None,
            Err(error) => Some(error),
        };
        let is_empty = conversation.draft.trim().is_empty();
        let can_send = !is_over && absent.is_none() && wrong.is_none() && !is_empty;
        let name = match &partner {
            Partner::Everyone => self.say(W::WriteEveryone),
            Partner::One(user) => self.say(W::WriteUser { user: user.as_str().to_owned() }),
        };
        if std::mem::take(&mut self.wants_field) {
            ui.memory_mut(|memory| memory.request_focus(id()));
        }
        let has_focus = ui.memory(|memory| memory.has_focus(id()));
        // Before the field sees it. The key that ends a composition belongs to the input method.
        let enter = has_focus && !is_composing(ui) && takes_enter(ui, self.send_key);
        let break_line = match self.send_key {
            SendKey::Enter => Modifiers::SHIFT,
            SendKey::ControlEnter => Modifiers::NONE,
        };
        if has_focus
            && conversation.draft.is_empty()
            && let Some(last) = &conversation.last_sent
            && ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::ArrowUp))
        {
            conversation.draft = last.to_string();
        }
        let mut is_pressed = false;
        let send = self.say(W::Send);
        ui.horizontal(|ui| {
            let font = egui::TextStyle::Button.resolve(ui.style());
            let name_width = ui.painter().layout_no_wrap(send.clone(), font, colours.quiet).size().x;
            let room = name_width + 2.0 * ui.spacing().button_padding.x + ui.spacing().item_spacing.x + 4.0;
            let row = ui.text_style_height(&egui::TextStyle::Body) + ui.spacing().extra_text_line_spacing;
            let width = (ui.available_width() - room).max(60.0);
            ui.vertical(|ui| {
                ui.set_width(width);
                let area = ScrollArea::vertical().id_salt("draft").max_height(row * MAX_ROWS + 16.0);
                area.auto_shrink([false, true]).show(ui, |ui| {
                    let field = TextEdit::multiline(&mut conversation.draft)
                        .id(id())
                        .hint_text(name.clone())
                        .desired_rows(1)
                        .desired_width(f32::INFINITY)
                        .margin(egui::Margin::symmetric(12, 8))
                        .min_size(vec2(0.0, ui.spacing().interact_size.y))
                        .return_key(KeyboardShortcut::new(break_line, Key::Enter));
                    let response = ui.add(field);
                    response.widget_info(|| {
                        let mut info = egui::WidgetInfo::labeled(egui::Role::MultilineTextInput, true, &name);
                        info.current_text_value = Some(conversation.draft.clone());
                        info
                    });
                    if response.changed() {
                        clean(&mut conversation.draft);
                    }
                });
            });
            is_pressed = fields::main_button(ui, &send, can_send).clicked();
        });
        if let Some(error) = &wrong {
            fields::sentence(ui, &error.text(&self.texts), colours.bad);
        } else if let Some(sentence) = absent {
            fields::sentence(ui, &self.say(sentence), colours.warning);
        } else if conversation.draft.len() > COUNTED {
            let sentence = W::Bytes { bytes: conversation.draft.len(), max: Text::MAX_BYTES };
            fields::sentence(ui, &self.say(sentence), colours.quiet);
        }
        if can_send && (is_pressed || enter) {
            actions.push(Action::Send);
            self.wants_field = true;
        }
    }
}

/// Whether an input method is at work in this frame.
fn is_composing(ui: &Ui) -> bool {
    ui.input(|input| input.events.iter().any(|event| matches!(event, Event::Ime(_))))
}

/// Takes the key that sends, if it was pressed.
fn takes_enter(ui: &Ui, send_key: SendKey) -> bool {
    ui.input_mut(|input| {
        let held = input.modifiers;
        match send_key {
            // egui would take the key with Shift held too, which breaks the line.
            SendKey::Enter => {
                !held.shift && !held.alt && !held.command && input.consume_key(Modifiers::NONE, Key::Enter)
            }
            SendKey::ControlEnter => input.consume_key(Modifiers::COMMAND, Key::Enter),
        }
    })
}

/// Makes line ends of other systems those of a text. Other control characters stay, and the field says that they are wrong.
fn clean(draft: &mut String) {
    if draft.contains('\r') {
        *draft = draft.replace("\r\n", "\n").replace('\r', "\n");
    }
}
