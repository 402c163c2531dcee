//! The settings of the terminal while the line editor reads keys.

use std::io;

use rustix::termios::{self, ControlModes, InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios};

use super::rows::Size;

/// Settings in which the terminal passes on each key and shows none, and the settings that were found.
#[derive(Debug)]
pub(super) struct RawMode {
    found: Termios,
    raw: Termios,
}

impl RawMode {
    /// Reads the settings, and changes none.
    ///
    /// # Errors
    /// Standard input is not a terminal.
    pub(super) fn new() -> io::Result<Self> {
        let found = termios::tcgetattr(io::stdin())?;
        let mut raw = found.clone();
        // Output is still processed: other code writes line ends as `\n`.
        raw.input_modes
            .remove(InputModes::BRKINT | InputModes::ICRNL | InputModes::INPCK | InputModes::ISTRIP | InputModes::IXON);
        raw.control_modes.insert(ControlModes::CS8);
        raw.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::IEXTEN | LocalModes::ISIG);
        raw.special_codes[SpecialCodeIndex::VMIN] = 1;
        raw.special_codes[SpecialCodeIndex::VTIME] = 0;
        Ok(Self { found, raw })
    }

    /// Whether the settings are in force. A shell changes them when it takes the terminal back.
    pub(super) fn is_in_force(&self) -> bool {
        termios::tcgetattr(io::stdin()).is_ok_and(|now| now.local_modes == self.raw.local_modes)
    }

    /// Puts the settings in force. In the background, the system stops the process here until it is in the foreground.
    pub(super) fn enter(&self) -> io::Result<()> {
        Ok(termios::tcsetattr(io::stdin(), OptionalActions::Now, &self.raw)?)
    }

    /// Restores the settings that were found.
    pub(super) fn leave(&self) -> io::Result<()> {
        Ok(termios::tcsetattr(io::stdin(), OptionalActions::Now, &self.found)?)
    }

    /// The keys that end, interrupt and suspend a program at this terminal.
    pub(super) fn controls(&self) -> ControlCharacters {
        /// The value for "none" on BSD and macOS, where it is not 0.
        const DISABLED: u8 = 0xff;
        let key = |index| match self.found.special_codes[index] {
            DISABLED => 0,
            key => key,
        };
        ControlCharacters {
            interrupt: key(SpecialCodeIndex::VINTR),
            quit: key(SpecialCodeIndex::VQUIT),
            end: key(SpecialCodeIndex::VEOF),
            suspend: key(SpecialCodeIndex::VSUSP),
            erase: key(SpecialCodeIndex::VERASE),
        }
    }
}

/// The characters to which the settings of the terminal give a meaning. 0 means that there is none.
#[derive(Clone, Copy, Debug)]
pub(super) struct ControlCharacters {
    pub(super) interrupt: u8,
    pub(super) quit: u8,
    pub(super) end: u8,
    pub(super) suspend: u8,
    pub(super) erase: u8,
}

/// The size of the terminal. A terminal that does not report its size counts as 80 columns wide and of unlimited
/// height.
pub(super) fn size() -> Size {
    const COLUMNS: usize = 80;
    let known = termios::tcgetwinsize(io::stdout()).ok();
    let or = |value: Option<u16>, default| value.filter(|&value| value > 0).map_or(default, usize::from);
    Size { columns: or(known.map(|size| size.ws_col), COLUMNS), rows: or(known.map(|size| size.ws_row), usize::MAX) }
}
