//! JSON output: one object per line, the serialisation of the model. docs/JSON.md documents it.

use serde::Serialize;

use crate::error_code::ErrorCode;
use crate::texts::{Localised, Texts};
use crate::view::ViewEvent;

/// Appends one event as a line, with its line end. Its sentence for people is in the language of `texts`.
pub fn render(event: &ViewEvent, texts: &Texts, out: &mut String) {
    let mut line = to_json(event);
    match event {
        ViewEvent::Error { error, .. } => insert_text(&mut line, &error.text(texts)),
        ViewEvent::Notice(notice) => insert_text(&mut line, &notice.text(texts)),
        _ => {}
    }
    out.push_str(&line);
    out.push('\n');
}

/// Appends the event for an error that ends the program before the conversation.
pub fn render_error(code: ErrorCode, text: &str, out: &mut String) {
    /// Like [`ViewEvent::Error`], with a code of its own.
    #[derive(Serialize)]
    struct FirstError<'a> {
        event: &'static str,
        code: &'a str,
        text: &'a str,
    }

    out.push_str(&to_json(&FirstError { event: "error", code: &code.name(), text }));
    out.push('\n');
}

/// Inserts the sentence for people after the code. It is no part of the model, because it depends on the language.
fn insert_text(line: &mut String, text: &str) {
    /// No earlier value contains quotation marks.
    const CODE: &str = "\"code\":\"";
    let code = line.find(CODE).expect("errors and notices have a code") + CODE.len();
    let end = code + line[code..].find('"').expect("a string ends with a quotation mark") + 1;
    line.insert_str(end, &format!(",\"text\":{}", to_json(text)));
}

fn to_json(value: &(impl Serialize + ?Sized)) -> String {
    serde_json::to_string(value).expect("the model has string keys and no values that fail")
}

#[cfg(test)]
mod tests;
