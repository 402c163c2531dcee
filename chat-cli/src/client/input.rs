//! What is typed, line by line.

use chat_core::password::Password;

use super::prompt::RowId;
use crate::input_error::InputError;

/// One item of input. The end of the channel is the end of the input.
#[derive(Debug)]
pub enum Input {
    /// A line.
    Line {
        /// Its text, or why it could not be read.
        text: Result<String, InputError>,
        /// Where the line is on the screen, if it can change there.
        row: Option<RowId>,
    },
    /// The passwords that were typed for `/passwd`.
    Passwords {
        /// The current password.
        old: Password,
        /// The new password.
        new: Password,
    },
}

impl Input {
    /// Reading failed for good.
    pub(super) fn broken(error: &dyn std::fmt::Display) -> Self {
        Self::line(Err(InputError::InputBroken(error.to_string())))
    }

    /// A line that stays on the screen as it is.
    pub(super) const fn line(text: Result<String, InputError>) -> Self {
        Self::Line { text, row: None }
    }
}
