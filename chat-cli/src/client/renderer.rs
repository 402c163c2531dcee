//! The two formats of output behind one interface.

use std::env;
use std::io::{self, IsTerminal};

use chat_core::message::Recipient;
use chat_core::text::Text;
use chat_core::time::Timestamp;
use jiff::tz::TimeZone;

use super::crowd::Gathering;
use super::json;
use super::raw_mode;
use super::screen::Batch;
use super::text::{Bell, ColorChoice, Colour, Stream, TextRenderer};
use crate::format::Format;
use crate::isolate::Reader;
use crate::terminal;
use crate::texts::Texts;
use crate::view::ViewEvent;

/// Turns events into lines.
#[derive(Clone, Debug)]
pub enum Renderer {
    /// Lines for people.
    Text(Box<TextRenderer>),
    /// JSON for scripts, all of it on standard output, with sentences in a language.
    Json(Texts),
}

/// How text for people looks and sounds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Appearance {
    /// When lines are coloured.
    pub color: ColorChoice,
    /// Whether the terminal rings.
    pub bell: Bell,
}

fn colour(choice: ColorChoice, reader: Reader) -> Colour {
    // A console of Windows interprets colours only after it was asked to, whatever the choice.
    let interprets = reader == Reader::Terminal && terminal::moves_cursor();
    let is_on = match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => {
            // See no-color.org: an empty value does not count.
            let no_colour = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
            interprets && !no_colour
        }
    };
    if is_on { Colour::On } else { Colour::Off }
}

impl Renderer {
    /// The renderer of a format. Text has local times.
    pub fn new(format: Format, appearance: Appearance, texts: Texts) -> Self {
        match format {
            Format::Json => Self::Json(texts),
            Format::Text => {
                let reader = if io::stdout().is_terminal() { Reader::Terminal } else { Reader::Other };
                let mut text = TextRenderer::new(texts, TimeZone::system(), reader);
                text.colour = colour(appearance.color, reader);
                text.columns = || raw_mode::size().columns;
                text.bell = appearance.bell;
                Self::Text(Box::new(text))
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
    pub fn render(&mut self, event: &ViewEvent, batch: &mut Batch) {
        batch.add(|out| match self {
            Self::Text(text) => text.render(event, out),
            Self::Json(texts) => {
                json::render(event, texts, out);
                Stream::Conversation
            }
        });
    }

    /// A message of the user as one line with its time and room for a mark, for people at a terminal.
    pub(super) fn own_line(&self, to: &Recipient, text: &Text, at: Timestamp) -> Option<String> {
        match self {
            Self::Text(renderer) => renderer.own_line(to, text, at),
            Self::Json(_) => None,
        }
    }

    /// Whether many arrivals and departures share a line: only for people at a terminal.
    pub const fn gathers(&self) -> bool {
        match self {
            Self::Text(text) => matches!(text.reader, Reader::Terminal),
            Self::Json(_) => false,
        }
    }

    /// Appends one line for many arrivals and departures.
    pub(super) fn crowd(&mut self, gathering: &Gathering, batch: &mut Batch) {
        if let Self::Text(text) = self {
            batch.add(|out| text.crowd(gathering, out));
        }
    }
}
