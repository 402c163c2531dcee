//! The settings of the terminal while the line editor reads keys.

use std::io;

use super::rows::Size;
use crate::platform::terminal::{self, ControlCharacters, Settings};

/// Settings in which the terminal passes on each key and shows none, and the settings that were found.
#[derive(Debug)]
pub(super) struct RawMode {
    found: Settings,
    raw: Settings,
}

impl RawMode {
    /// Reads the settings, and changes none.
    ///
    /// # Errors
    /// Standard input is not a terminal.
    pub(super) fn new() -> io::Result<Self> {
        let found = Settings::current()?;
        Ok(Self { raw: found.clone().raw(), found })
    }

    /// Whether the settings are in force. A shell changes them when it takes the terminal back.
    pub(super) fn is_in_force(&self) -> bool {
        Settings::current().is_ok_and(|now| now.reads_like(&self.raw))
    }

    /// Puts the settings in force. In the background, the system stops the process here until it is in the foreground.
    pub(super) fn enter(&self) -> io::Result<()> {
        self.raw.apply()
    }

    /// Restores the settings that were found.
    pub(super) fn leave(&self) -> io::Result<()> {
        self.found.apply()
    }

    /// The keys that end, interrupt and suspend a program at this terminal.
    pub(super) fn controls(&self) -> ControlCharacters {
        self.found.controls()
    }
}

/// The size of the terminal. A terminal that does not report its size counts as 80 columns wide and of unlimited
/// height.
pub(super) fn size() -> Size {
    const COLUMNS: usize = 80;
    let (columns, rows) = terminal::size().unwrap_or_default();
    let or = |value: u16, default| if value > 0 { usize::from(value) } else { default };
    Size { columns: or(columns, COLUMNS), rows: or(rows, usize::MAX) }
}
