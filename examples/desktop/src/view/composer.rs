//! The field for texts.

use chat_cli::texts::{Localised, WindowSentence as W};
use chat_core::text::{Text, TextError};
use eframe::egui::text::{CCursor, CCursorRange};
use eframe::egui::{
    self, CompletionPopup, CompletionQuery, Event, Frame, Id, Key, KeyboardShortcut, Margin, Modifiers, Rect,
    ScrollArea, Suggestion, TextEdit, Ui, pos2, vec2,
};

use super::{View, fields};
use crate::look::palette;
use crate::model::Action;
use crate::model::conversation::{Conversation, Partner, tidy};
use crate::model::session::Session;
use crate::model::settings::SendKey;

/// The most rows that the field grows to.
const MAX_ROWS: f32 = 8.0;

/// The length of a text from which on it is counted: nine tenths of the longest.
const COUNTED: usize = Text::MAX_BYTES / 10 * 9;

/// The most names that are suggested at once: more are found by typing on.
const MAX_SUGGESTIONS: usize = 8;

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

/// Whether a character can be in the name after `@`.
fn is_in_name(ch: char) -> bool {
    ch.is_alphanumeric() || matches!(ch, '.' | '-' | '_')
}

/// The names to suggest for what is typed after `@`. None if it is a name already.
fn suggestions(session: &Session, query: &CompletionQuery<'_>) -> Vec<Suggestion> {
    let before = query.word_range.start.0.checked_sub(1).and_then(|before| query.text.chars().nth(before));
    // Chinese input methods type the full-width form.
    if session.open != Partner::Everyone || !matches!(before, Some('@' | '＠')) {
        return Vec::new();
    }
    let users = session.roster.complete(query.word, MAX_SUGGESTIONS);
    if users.iter().any(|user| user.as_str() == query.word) {
        return Vec::new();
    }
    users.iter().map(|user| Suggestion::new(format!("{user} ")).content(user.as_str().to_owned())).collect()
}

impl View {
    pub(super) fn composer(&mut self, ui: &mut Ui, session: &mut Session, actions: &mut Vec<Action>) {
        let colours = palette(ui);
        let partner = session.open.clone();
        let is_over = session.end.is_some();
        let absent = session.can_send_to(&partner).err();
        let name = match &partner {
            Partner::Everyone => self.say(W::WriteEveryone),
            Partner::One(user) => self.say(W::WriteUser { user: user.as_str().to_owned() }),
        };
        if std::mem::take(&mut self.wants_field) {
            ui.memory_mut(|memory| memory.request_focus(id()));
        }
        let has_focus = ui.memory(|memory| memory.has_focus(id()));
        // Before the field sees it. The key that ends a composition belongs to the input method, and one that chooses a
        // suggested name to the list.
        let enter = has_focus && !self.suggests && !is_composing(ui) && takes_enter(ui, self.send_key);
        let break_line = match self.send_key {
            SendKey::Enter => Modifiers::SHIFT,
            SendKey::ControlEnter => Modifiers::NONE,
        };
        // The draft is in the session, whose roster the suggestions come from.
        let mut draft = std::mem::take(&mut session.open_conversation().draft);
        if has_focus
            && draft.is_empty()
            && let Some(last) = &session.open_conversation().last_sent
            && ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::ArrowUp))
        {
            draft = last.to_string();
            move_caret(ui, draft.chars().count());
        }
        let removed = if has_focus { tidy_pasted(ui) } else { 0 };
        let can_send = !is_over && absent.is_none() && Text::parse(draft.trim_end()).is_ok();
        let mut is_pressed = false;
        let mut is_changed = false;
        let send = self.say(W::Send);
        ui.horizontal(|ui| {
            let font = egui::TextStyle::Button.resolve(ui.style());
            let name_width = ui.painter().layout_no_wrap(send.clone(), font, colours.quiet).size().x;
            let room = name_width + 2.0 * ui.spacing().button_padding.x + ui.spacing().item_spacing.x + 4.0;
            let row = ui.text_style_height(&egui::TextStyle::Body) + ui.spacing().extra_text_line_spacing;
            let width = (ui.available_width() - room).max(60.0);
            let field = ui.vertical(|ui| {
                ui.set_width(width);
                let area = ScrollArea::vertical().id_salt("draft").max_height(row * MAX_ROWS + 16.0);
                // The panel has the height of the last frame, and grows with this one.
                let area = area.min_scrolled_height(row * MAX_ROWS + 16.0).auto_shrink([false, true]);
                // The edge stays while the text is scrolled.
                let edge = if has_focus { (1.5, colours.accent) } else { (1.0, colours.edge) };
                let frame = Frame::new().fill(colours.field).stroke(edge).corner_radius(8);
                frame.show(ui, |ui| {
                    area.show(ui, |ui| {
                        let field = TextEdit::multiline(&mut draft)
                            .hint_text(name.clone())
                            .desired_rows(1)
                            .desired_width(f32::INFINITY)
                            .frame(Frame::new().inner_margin(Margin::symmetric(12, 8)))
                            .min_size(vec2(0.0, ui.spacing().interact_size.y))
                            .return_key(KeyboardShortcut::new(break_line, Key::Enter));
                        let list = CompletionPopup::new(id()).word_boundary(|ch| !is_in_name(ch));
                        let shown = list.show(ui, field, |query| suggestions(session, query));
                        self.suggests = shown.is_open;
                        let response = shown.text_edit.response.response;
                        is_changed = response.changed() || shown.accepted.is_some();
                        response.widget_info(|| {
                            let mut info = egui::WidgetInfo::labeled(egui::Role::MultilineTextInput, true, &name);
                            info.current_text_value = Some(draft.clone());
                            info
                        });
                    })
                });
            });
            // As high as a field of one row, beside the last row of a longer one.
            let field = field.response.rect;
            let size = vec2(name_width + 2.0 * ui.spacing().button_padding.x, field.height().min(row + 16.0));
            let corner = pos2(field.right() + ui.spacing().item_spacing.x, field.bottom() - size.y);
            let button = |ui: &mut Ui| fields::main_button_of(ui, &send, can_send, size);
            is_pressed = ui.put(Rect::from_min_size(corner, size), button).clicked();
        });
        let conversation = session.open_conversation();
        conversation.draft = draft;
        if is_changed {
            conversation.remark = None;
        }
        if removed > 0 {
            conversation.remark = Some(W::Removed { count: removed });
        }
        self.below(ui, conversation, absent);
        if can_send && (is_pressed || enter) {
            actions.push(Action::Send);
            self.wants_field = true;
        }
    }

    /// What is to be said about the draft.
    fn below(&self, ui: &mut Ui, conversation: &Conversation, absent: Option<W>) {
        let colours = palette(ui);
        let (draft, max) = (conversation.draft.trim_end(), Text::MAX_BYTES);
        if ui.input(|input| !input.raw.hovered_files.is_empty()) {
            fields::sentence(ui, &self.say(W::DropHere), colours.accent);
        }
        match Text::parse(draft) {
            Ok(_) | Err(TextError::Empty) => {}
            Err(error) => fields::problem(ui, &error.text(&self.texts)),
        }
        if let Some(sentence) = absent {
            fields::sentence(ui, &self.say(sentence), colours.warning);
        }
        if let Some(remark) = &conversation.remark {
            fields::sentence(ui, &self.say(remark.clone()), colours.warning);
        }
        if draft.len() > COUNTED {
            let colour = if draft.len() > max { colours.bad } else { colours.quiet };
            fields::sentence(ui, &self.say(W::Bytes { bytes: draft.len(), max }), colour);
        }
    }
}

/// Moves the caret of the field.
fn move_caret(ui: &Ui, to: usize) {
    if let Some(mut state) = TextEdit::load_state(ui.ctx(), id()) {
        state.cursor.set_char_range(Some(CCursorRange::one(CCursor::new(to))));
        TextEdit::store_state(ui.ctx(), id(), state);
    }
}

/// Takes out of what is being pasted what a message cannot contain, before the field sees it. Returns the number of
/// characters.
fn tidy_pasted(ui: &Ui) -> usize {
    let mut removed = 0;
    ui.input_mut(|input| {
        for event in &mut input.events {
            if let Event::Paste(text) = event {
                let (kept, count) = tidy(text);
                *text = kept;
                removed += count;
            }
        }
    });
    removed
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
