//! A journal that several owners share.

use std::sync::Arc;

use super::{
    Appended, Entering, Founding, Head, HintPosition, Journal, JournalError, Proposal, Reading, Signs, States, Writer,
};
use crate::id::{Epoch, Position};

/// Forwards every call: for several servers in one process, and for an application that uses the journal itself.
impl<J: Journal> Journal for Arc<J> {
    async fn enter(&self, entering: Entering) -> Result<Head, JournalError> {
        (**self).enter(entering).await
    }

    async fn append(&self, by: Writer, proposals: Vec<Proposal>) -> Result<Appended, JournalError> {
        (**self).append(by, proposals).await
    }

    async fn read(&self, epoch: Epoch, after: Position, hints: Option<HintPosition>) -> Result<Reading, JournalError> {
        (**self).read(epoch, after, hints).await
    }

    async fn hint(&self, hints: Vec<Vec<u8>>) -> Result<(), JournalError> {
        (**self).hint(hints).await
    }

    async fn renew(&self, by: Writer) -> Result<Signs, JournalError> {
        (**self).renew(by).await
    }

    async fn states(&self, epoch: Epoch, cursor: u64) -> Result<States, JournalError> {
        (**self).states(epoch, cursor).await
    }

    async fn found(&self, old: Option<Epoch>, new: Founding) -> Result<(), JournalError> {
        (**self).found(old, new).await
    }
}
