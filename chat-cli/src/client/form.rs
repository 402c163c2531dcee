//! Both forms of lines behind one door.

use std::io::{self, IsTerminal};

use jiff::tz::TimeZone;

use super::args::Format;
use super::fact::Fact;
use super::json;
use super::screen::Batch;
use super::text::{Colour, Stream, TextForm};

/// How facts are written.
#[derive(Clone, Debug)]
pub enum Form {
    /// For people.
    Text(TextForm),
    /// For scripts; all on standard output.
    Json,
}

impl Form {
    /// The form that was asked for, as the environment wants it: local time, and colours for names on a terminal
    /// unless `NO_COLOR` is set.
    pub fn of(format: Format) -> Self {
        match format {
            Format::Json => Self::Json,
            Format::Text => {
                // no-color.org: present and not empty.
                let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
                let colour = if io::stdout().is_terminal() && !no_colour { Colour::Names } else { Colour::None };
                Self::Text(TextForm { zone: TimeZone::system(), colour })
            }
        }
    }

    /// Adds one fact to what is to be written.
    pub fn add(&self, fact: &Fact<'_>, batch: &mut Batch) {
        batch.add(|out| match self {
            Self::Text(form) => form.render(fact, out),
            Self::Json => {
                json::render(fact, out);
                Stream::Conversation
            }
        });
    }
}
