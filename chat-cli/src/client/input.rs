//! What is typed, line by line.

use chat_core::password::Password;

use crate::input_error::InputError;

/// One item of input. The end of the channel is the end of the input.
#[derive(Debug)]
pub enum Input {
    /// A line, or why it could not be read.
    Line(Result<String, InputError>),
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
        Self::Line(Err(InputError::InputBroken(error.to_string())))
    }
}
