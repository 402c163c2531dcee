//! The port for the journal that several servers share, which [`ServerBuilder::sharing`](super::ServerBuilder::sharing)
//! takes.

pub use chat_core::id::{Epoch, Position};
pub use chat_core::journal::{
    Appended, Entering, Founding, Head, HintPosition, Journal, JournalError, LoggedAct, Proposal, Reading, Signs,
    States, Writer,
};
