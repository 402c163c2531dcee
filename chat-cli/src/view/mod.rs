//! The model of what a user sees: one type for everything that happens, which every face of the client renders.
//!
//! JSON is the serialisation of the model, text is `client::text`. The model knows no terminal and
//! no system, so that a face with windows can use it as it is.

mod event;
mod notice;
mod outcome;
#[cfg(test)]
pub(crate) mod samples;
mod serialize;

pub use self::event::{OnlineUser, SentAtIs, SentMessage, ViewEvent};
pub use self::notice::Notice;
pub use self::outcome::{MessageOutcome, OutcomeReason, UserOutcome};
