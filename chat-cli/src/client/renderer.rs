//! The two formats of output behind one interface.

use std::io::{self, IsTerminal};

use jiff::tz::TimeZone;

use super::json;
use super::screen::Batch;
use super::text::{Colour, Stream, TextRenderer};
use crate::format::Format;
use crate::isolate::Reader;
use crate::texts::Texts;
use crate::view::ViewEvent;

/// Turns events into lines.
#[derive(Clone, Debug)]
pub enum Renderer {
    /// Lines for people.
    Text(TextRenderer),
    /// JSON for scripts, all of it on standard output, with sentences in a language.
    Json(Texts),
}

impl Renderer {
    /// The renderer of a format. Text has local times, and coloured names if standard output is a terminal and `NO_COLOR`
    /// is not set.
    pub fn new(format: Format, texts: Texts) -> Self {
        match format {
            Format::Json => Self::Json(texts),
            Format::Text => {
                // See no-color.org: an empty value does not count.
                let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
                let reader = if io::stdout().is_terminal() { Reader::Terminal } else { Reader::Other };
                let colour = if reader == Reader::Terminal && !no_colour { Colour::Names } else { Colour::None };
                Self::Text(TextRenderer { texts, zone: TimeZone::system(), colour, reader })
            }
        }
    }

    /// The language.
    pub const fn texts(&self) -> &Texts {
        match self {
            Self::Text(text) => &text.texts,
            Self::Json(texts) => texts,
        }
    }

    /// Appends the lines of an event to a batch.
    pub fn render(&self, event: &ViewEvent, batch: &mut Batch) {
        batch.add(|out| match self {
            Self::Text(text) => text.render(event, out),
            Self::Json(texts) => {
                json::render(event, texts, out);
                Stream::Conversation
            }
        });
    }
}
