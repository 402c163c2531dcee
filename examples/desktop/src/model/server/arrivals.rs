//! The live list of arrivals and departures.

use std::collections::VecDeque;

use chat_core::presence::Record;
use chat_core::time::Timestamp;

/// The most lines that are kept: a day of a large office, in a few megabytes. The presence log has all of them.
pub const MAX_LINES: usize = 10_000;

/// A line of the list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Line {
    /// A record.
    Record(Record),
    /// So many records are missing here.
    LeftOut(usize),
}

impl Line {
    /// The time of a record.
    pub const fn at(&self) -> Option<Timestamp> {
        match self {
            Self::Record(Record::Started(at) | Record::Stopping(at)) => Some(*at),
            Self::Record(Record::Presence(event)) => Some(event.at),
            Self::LeftOut(_) => None,
        }
    }
}

/// The list, the oldest line first.
#[derive(Clone, Debug, Default)]
pub struct Arrivals {
    lines: VecDeque<Line>,
    has_older: bool,
}

impl Arrivals {
    /// Adds records, before which some were left out.
    pub fn add(&mut self, records: Vec<Record>, left_out: usize) {
        if left_out > 0 {
            self.lines.push_back(Line::LeftOut(left_out));
        }
        self.lines.extend(records.into_iter().map(Line::Record));
        if self.lines.len() > MAX_LINES {
            self.has_older = true;
            self.lines.drain(..self.lines.len() - MAX_LINES);
        }
    }

    /// The lines, the oldest one first.
    pub const fn lines(&self) -> &VecDeque<Line> {
        &self.lines
    }

    /// Whether older lines are not kept.
    pub const fn has_older(&self) -> bool {
        self.has_older
    }
}
