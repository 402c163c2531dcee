//! Where the user's own messages are on the screen, until their outcomes are known.

use std::collections::VecDeque;

use chat_core::id::MessageId;
use chat_core::message::Recipient;

use super::prompt::RowId;
use crate::view::{MessageOutcome, ViewEvent};

/// The most messages. Older ones have probably left the screen.
const MAX_MESSAGES: usize = 64;

/// The rows of messages whose outcomes are outstanding.
#[derive(Debug, Default)]
pub(super) struct OwnRows(VecDeque<(MessageId, RowId)>);

/// The outcomes of a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum OwnOutcome {
    /// All recipients have it.
    Delivered,
    /// Some have not, or may not have it.
    Incomplete,
}

impl OwnRows {
    /// Adds a message.
    pub(super) fn add(&mut self, id: MessageId, row: RowId) {
        if self.0.len() == MAX_MESSAGES {
            self.0.pop_front();
        }
        self.0.push_back((id, row));
    }

    /// Takes the row of a message whose last outcome this event reports, and what became of it.
    pub(super) fn take(&mut self, event: &ViewEvent) -> Option<(RowId, OwnOutcome)> {
        let (id, is_delivered) = match event {
            ViewEvent::Outcome { id, outcome, sent: Some(sent), .. } if matches!(sent.to, Recipient::One(_)) => {
                (id, outcome.outcome == MessageOutcome::Delivered)
            }
            ViewEvent::Summary { id, failed, .. } => (id, failed.is_empty()),
            _ => return None,
        };
        let place = self.0.iter().position(|(message, _)| message == id)?;
        let (_, row) = self.0.remove(place)?;
        Some((row, if is_delivered { OwnOutcome::Delivered } else { OwnOutcome::Incomplete }))
    }
}
