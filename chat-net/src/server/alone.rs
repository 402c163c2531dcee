//! The journal of a server that has none.

use chat_core::id::{Epoch, Position};
use chat_core::journal::{
    Appended, Entering, Founding, Head, HintPosition, Journal, JournalError, Proposal, Reading, Signs, States, Writer,
};

/// The journal of a server that is alone: no value of this type exists.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_enums, reason = "it has no variant")]
pub enum Alone {}

impl Journal for Alone {
    async fn enter(&self, _: Entering) -> Result<Head, JournalError> {
        match *self {}
    }

    async fn append(&self, _: Writer, _: Vec<Proposal>) -> Result<Appended, JournalError> {
        match *self {}
    }

    async fn read(&self, _: Epoch, _: Position, _: Option<HintPosition>) -> Result<Reading, JournalError> {
        match *self {}
    }

    async fn hint(&self, _: Vec<Vec<u8>>) -> Result<(), JournalError> {
        match *self {}
    }

    async fn renew(&self, _: Writer) -> Result<Signs, JournalError> {
        match *self {}
    }

    async fn states(&self, _: Epoch, _: u64) -> Result<States, JournalError> {
        match *self {}
    }

    async fn found(&self, _: Option<Epoch>, _: Founding) -> Result<(), JournalError> {
        match *self {}
    }
}
