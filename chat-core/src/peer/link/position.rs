//! Positions in the messages of one direction of a link.

/// A message, and the length of everything up to it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Position {
    /// The number of a message.
    pub(super) number: u64,
    /// The length of all bodies up to and including this message.
    pub(super) bytes: u64,
}
